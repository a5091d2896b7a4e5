#pragma once
/// Numbers by which one sees that a generator has collapsed, and the alarms that they raise.
#include <map>
#include <span>
#include <string>

namespace euterpe {

struct SampleHealth {
  double empty = 0, real_empty = 0;        ///< share of samples that hold nothing
  double density = 0, real_density = 0;    ///< mean of all values
  double distance = 0, real_distance = 0;  ///< mean over pairs of samples of ‖a − b‖₁ ÷ values of a sample

  /// Distance relative to real samples': 1 = as different from each other as those are, 0 = all alike.
  double distance_ratio() const;
  std::map<std::string, double> numbers() const;
  /// "mode collapse", "all zero" and "density", each with what is wrong or empty.
  std::map<std::string, std::string> alarms() const;
};

inline constexpr double kCollapsedDistance = 0.5;  ///< ratio below which samples count as collapsed
inline constexpr double kTooManyEmpty = 0.5;       ///< share of empty samples beyond real ones' that raises the alarm
inline constexpr double kDensityFactor = 3;        ///< mean density this many times over or under real ones'

/// \param generated samples of `width` values 0 … 1 one after the other, \param real the same, drawn under the same
/// conditions; both at least one
SampleHealth sample_health(std::span<const float> generated, std::span<const float> real, std::size_t width);

}  // namespace euterpe
