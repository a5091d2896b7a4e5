#pragma once
/// What listens say of every track: the item-to-item fit, with SASRec beside it where the catalog has trained one.
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "recommend/kept_fit.hpp"
#include "recommend/sequence_fit.hpp"

namespace euterpe {

class ListenScores {
 public:
  /// Tracks of the catalog that nobody has heard take part by their content where the sequence model has learned to
  /// place them.
  ListenScores(Catalog& catalog, Fit fit, std::optional<SequenceFit> sequence);

  const Fit& fit() const { return fit_; }
  std::string model() const;  ///< "ease", "item-knn", either with "+sasrec", or "none"
  /// Ids, ascending: those of both fits, and tracks placed by content.
  const std::vector<std::string>& items() const { return items_; }

  /// A history on its way to many scores.
  struct Asked {
    std::vector<std::string> tracks;              ///< oldest first
    std::vector<WeighedItem> weighed;             ///< of the item-to-item fit
    History sequence;                             ///< numbers of the sequence model's items
    double linear_scale = 1, sequence_scale = 0;  ///< what each one's parts count in the score
    std::vector<float> scores;                    ///< [items()]: above 0 where something speaks for it
  };
  Asked ask(std::vector<std::string> history) const;
  /// Of each distinct track of the history that speaks for or against items()[item]: its part of the score. With the
  /// item-to-item fit alone they are the terms whose sum the score is; SASRec's are gradients (SasRec::attributions).
  struct Part {
    std::string track;
    double weight = 0;
  };
  std::vector<Part> parts(const Asked& asked, std::size_t item) const;

 private:
  Fit fit_;
  std::optional<SequenceFit> sequence_;
  std::vector<std::string> items_;
  std::vector<std::size_t> linear_place_, sequence_place_;  ///< of each fit's items in items_
  std::vector<float> vectors_;                              ///< [sequence_place_ × d_model]
};

}  // namespace euterpe
