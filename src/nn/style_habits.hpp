#pragma once
/// What the pieces of a style have in common beyond their notes: what a composer that writes bars chooses where nothing
/// is asked, and what "dense" or "high" means in the style. Kept in a model's card.
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "score/bar_grid.hpp"

namespace euterpe {

/// Of density, polyphony and register: equal steps through the 96 % of a style's bars that are not its rarest.
inline constexpr int kBarClasses = 8;

/// What can be asked of a bar.
enum BarTrait { kBarDensity = 0, kBarPolyphony = 1, kBarHeight = 2, kBarTraits = 3 };
using BarTraitValues = std::array<double, kBarTraits>;
/// Notes for each 16 sixteenths; mean number that sound together while any sounds; mean MIDI pitch. Nothing of a bar in
/// which no note begins.
std::optional<BarTraitValues> bar_traits(const GridBar& bar);

/// The classes of the bars of a piece, a digit each, by trait.
using BarContour = std::array<std::string, kBarTraits>;
inline constexpr std::size_t kMostContours = 64, kLongestContour = 48;  ///< pieces, and bars of each

struct StyleHabits {
  std::vector<double> meters;      ///< share of the pieces, in the order of grid_meters(), by their first bar
  double minor = 0;                ///< share of the pieces
  std::array<double, 12> moved{};  ///< share of the pieces by the semitones that they were moved by, −6 first
  std::vector<double> tempos;      ///< quantiles 0, 1/8 … 1, quarter notes a minute
  std::array<std::array<double, kBarClasses - 1>, kBarTraits> edges{};  ///< between the classes
  std::array<std::array<double, kBarClasses>, kBarTraits> middles{};    ///< of the steps

  std::vector<BarContour> contours;  ///< of pieces, from the sparsest to the densest

  /// 0 … kBarClasses − 1.
  int bar_class(BarTrait trait, double value) const;
  int draw_meter(Random& random) const;
  bool draw_minor(Random& random) const { return random.uniform() < minor; }
  int draw_moved(Random& random) const;
  double draw_tempo(Random& random) const;
  /// [bars] classes by trait: a stretch of a contour, from its beginning again where it ends.
  std::vector<std::array<int, kBarTraits>> draw_contour(std::size_t bars, Random& random) const;
};

/// \param pieces at least one with a note
StyleHabits style_habits(std::span<const BarGrid* const> pieces);
nlohmann::json to_json(const StyleHabits& habits);
/// Error{bad_input} naming what is missing, of another length or no number.
StyleHabits read_style_habits(const nlohmann::json& habits);

}  // namespace euterpe
