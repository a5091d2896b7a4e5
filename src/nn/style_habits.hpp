#pragma once
/// What the pieces of a style have in common beyond their notes: what a composer that writes bars chooses where nothing
/// is asked, and what "dense" or "high" means in the style. Kept in a model's card.
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "score/bar_grid.hpp"

namespace euterpe {

inline constexpr int kBarClasses = 8;  ///< of density, polyphony and register: eighths of the bars of a style

/// What can be asked of a bar.
enum BarTrait { kBarDensity = 0, kBarPolyphony = 1, kBarHeight = 2, kBarTraits = 3 };
using BarTraitValues = std::array<double, kBarTraits>;
/// Notes for each 16 sixteenths; mean number that sound together while any sounds; mean MIDI pitch. Nothing of a bar in
/// which no note begins.
std::optional<BarTraitValues> bar_traits(const GridBar& bar);

struct StyleHabits {
  std::vector<double> meters;      ///< share of the pieces, in the order of grid_meters(), by their first bar
  double minor = 0;                ///< share of the pieces
  std::array<double, 12> moved{};  ///< share of the pieces by the semitones that they were moved by, −6 first
  std::vector<double> tempos;      ///< quantiles 0, 1/8 … 1, quarter notes a minute
  std::array<std::array<double, kBarClasses - 1>, kBarTraits> edges{};  ///< between the classes
  std::array<std::array<double, kBarClasses>, kBarTraits> middles{};    ///< median of each class

  /// 0 … kBarClasses − 1.
  int bar_class(BarTrait trait, double value) const;
  int draw_meter(Random& random) const;
  bool draw_minor(Random& random) const { return random.uniform() < minor; }
  int draw_moved(Random& random) const;
  double draw_tempo(Random& random) const;
};

/// \param pieces at least one with a note
StyleHabits style_habits(std::span<const BarGrid* const> pieces);
nlohmann::json to_json(const StyleHabits& habits);
/// Error{bad_input} naming what is missing, of another length or no number.
StyleHabits read_style_habits(const nlohmann::json& habits);

}  // namespace euterpe
