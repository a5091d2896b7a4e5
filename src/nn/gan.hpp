#pragma once
/// The GAN on piano rolls of four bars: its shape, and its generator as compose draws with it. Without libtorch.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nn/model.hpp"
#include "nn/phrase_roll.hpp"

namespace euterpe {

struct GanOptions {
  std::string network = "1d";       ///< "1d": bar-wise, time then pitch; "2d": as Radford et al. 2016
  std::vector<std::string> styles;  ///< that it can be asked for, at least one
  int width = 96;                   ///< channels of the generator, 8 … 512
  int blocks = 3;                   ///< of the 1-D generator's time network, 1 … 8
  int voices = 6;                   ///< of the 1-D generator's accompaniment, 1 … 16
  int noise_piece = 32;             ///< numbers that all phrases of a piece share
  int noise_phrase = 32;            ///< that the bars of a phrase share
  int noise_bar = 12;               ///< of a bar, and as many for each of its two parts
  bool stochastic = false;          ///< binary neurons that draw instead of rounding (Dong and Yang 2018)

  /// Numbers of noise of a bar: its own, the melody's, the accompaniment's.
  int noise_of_bar() const { return 3 * noise_bar; }
  /// Numbers of noise behind a phrase: piece, phrase, then those of each bar.
  int noise() const { return noise_piece + noise_phrase + kPhraseBars * noise_of_bar(); }
  /// Length of the vector by which a phrase is asked for.
  int condition() const;
};
nlohmann::json to_json(const GanOptions& options);
/// Error{bad_input} naming what is missing or out of range.
GanOptions gan_options(const nlohmann::json& options);

/// What a phrase is asked to be.
struct PhraseWish {
  int style = 0;  ///< number in GanOptions::styles
  int meter = 0;  ///< number in grid_meters()
  bool minor = false;
  bool begins = false, ends = false;  ///< whether a piece begins or ends with it
  bool operator==(const PhraseWish&) const = default;
};
/// \return options.condition() numbers, 0 or 1
std::vector<float> condition_of(const PhraseWish& wish, const GanOptions& options);

/// A generator that has learned.
class PhraseGenerator {
 public:
  /// Error{bad_input} if the card or the weights do not fit.
  explicit PhraseGenerator(const Model& model);
  const GanOptions& options() const { return options_; }
  /// \param noise options().noise() normal numbers a phrase, one phrase after the other
  /// \param seed of stochastic neurons
  /// \return kPhraseValues a phrase. The same on every machine of one instruction set; thread-safe.
  std::vector<float> draw(std::span<const PhraseWish> wishes, std::span<const float> noise, std::uint64_t seed) const;

 private:
  struct Network;
  GanOptions options_;
  std::shared_ptr<Network> network_;
};

inline constexpr const char* kJudgePrefix = "judge.";  ///< of its weights in the model
inline constexpr int kLeastCriticWidth = 8, kMostCriticWidth = 512;

/// The discriminator that a generator learned from, where the model holds it: it tells the better of several phrases
/// (Azadi et al. 2019).
class PhraseJudge {
 public:
  /// Error{bad_input} if the card or the weights do not fit. \return none where the model holds no discriminator
  static std::optional<PhraseJudge> of(const Model& model, const GanOptions& options);
  /// \param candidates kPhraseValues of each \param wish what each was asked to be
  /// \param beside another phrase of the piece, empty = none \param beside_wish what that was asked to be
  /// \return a logit of each: that it is real, and with `beside` that both are of one piece. Thread-safe.
  std::vector<double> operator()(std::span<const float> candidates, const PhraseWish& wish,
                                 std::span<const float> beside, const PhraseWish& beside_wish) const;

 private:
  struct Network;
  PhraseJudge(const GanOptions& options, std::shared_ptr<Network> network)
      : options_(options), network_(std::move(network)) {}
  GanOptions options_;
  std::shared_ptr<Network> network_;
};

}  // namespace euterpe
