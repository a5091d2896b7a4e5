#include "train/sample_health.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kMostPairs = 4096;

struct SetHealth {
  double empty = 0, density = 0, distance = 0;
};

SetHealth health_of(std::span<const float> all, std::size_t width) {
  EUTERPE_ASSERT(width > 0 && !all.empty() && all.size() % width == 0);
  const std::size_t n = all.size() / width;
  SetHealth out;
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0;
    for (const float v : all.subspan(i * width, width)) sum += std::abs(v);
    out.empty += sum == 0;
    out.density += sum;
  }
  out.empty /= static_cast<double>(n);
  out.density /= static_cast<double>(all.size());
  // Neighbors at growing distance: every sample takes part alike however few pairs are looked at.
  std::size_t pairs = 0;
  for (std::size_t lag = 1; lag < n && pairs < kMostPairs; ++lag)
    for (std::size_t i = 0; i + lag < n && pairs < kMostPairs; ++i, ++pairs) {
      double sum = 0;
      for (std::size_t k = 0; k < width; ++k) sum += std::abs(all[i * width + k] - all[(i + lag) * width + k]);
      out.distance += sum / static_cast<double>(width);
    }
  if (pairs > 0) out.distance /= static_cast<double>(pairs);
  return out;
}

}  // namespace

SampleHealth sample_health(std::span<const float> generated, std::span<const float> real, std::size_t width) {
  const SetHealth g = health_of(generated, width), r = health_of(real, width);
  return {g.empty, r.empty, g.density, r.density, g.distance, r.distance};
}

double SampleHealth::distance_ratio() const { return real_distance > 0 ? distance / real_distance : 1; }

std::map<std::string, double> SampleHealth::numbers() const {
  return {{"empty", empty},
          {"density", density},
          {"real_density", real_density},
          {"distance", distance},
          {"distance_ratio", distance_ratio()}};
}

std::map<std::string, std::string> SampleHealth::alarms() const {
  std::map<std::string, std::string> out{{"mode collapse", ""}, {"all zero", ""}, {"density", ""}};
  if (distance_ratio() < kCollapsedDistance)
    out["mode collapse"] =
        fmt::format("samples differ from each other {:.2f} times as much as real ones do", distance_ratio());
  if (empty > real_empty + kTooManyEmpty)
    out["all zero"] = fmt::format("{:.0f} % of the samples are empty", 100 * empty);
  if (density > kDensityFactor * real_density || density * kDensityFactor < real_density)
    out["density"] = fmt::format("mean density {:.3g}, of real ones {:.3g}", density, real_density);
  return out;
}

}  // namespace euterpe
