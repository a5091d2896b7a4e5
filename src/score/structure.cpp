#include "score/structure.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kClasses = 12;
constexpr double kHalfKernelBeats = 24;    // six bars on each side decide about a boundary
constexpr double kShortestBeats = 8;       // two bars of passages are compared
constexpr double kProminence = 0.12;       // of the greatest novelty
constexpr double kNearestBoundaries = 14;  // between two boundaries, a little less than four bars

/// Symmetric similarity of steps, [n × n], 0 … 1.
struct Similarity {
  explicit Similarity(std::size_t steps) : n(steps), data(steps * steps) {}
  float& at(std::size_t i, std::size_t j) { return data[i * n + j]; }
  float at(std::size_t i, std::size_t j) const { return data[i * n + j]; }
  std::size_t n;
  std::vector<float> data;
};

/// Rows of `width` scaled to unit length; rows of zeros stay.
void normalize_rows(std::vector<float>& rows, std::size_t width) {
  for (std::size_t at = 0; at + width <= rows.size(); at += width) {
    double norm = 0;
    for (std::size_t k = 0; k < width; ++k)
      norm += static_cast<double>(rows[at + k]) * static_cast<double>(rows[at + k]);
    if (norm <= 0) continue;
    const auto scale = static_cast<float>(1 / std::sqrt(norm));
    for (std::size_t k = 0; k < width; ++k) rows[at + k] *= scale;
  }
}

void standardize_columns(std::vector<float>& rows, std::size_t width) {
  const std::size_t n = rows.size() / width;
  for (std::size_t k = 0; k < width; ++k) {
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < n; ++i) mean += static_cast<double>(rows[i * width + k]);
    mean /= static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) square += std::pow(static_cast<double>(rows[i * width + k]) - mean, 2);
    const double deviation = std::sqrt(square / static_cast<double>(n));
    for (std::size_t i = 0; i < n; ++i) {
      rows[i * width + k] =
          deviation > 1e-9 ? static_cast<float>((static_cast<double>(rows[i * width + k]) - mean) / deviation) : 0.0f;
    }
  }
}

float distance_squared(const float* a, const float* b, std::size_t n) {
  float sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return sum;
}

float dot(const float* a, const float* b, std::size_t n) {
  float sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += a[k] * b[k];
  return sum;
}

/// Harmony: cosine of the centered pitch classes, for music on one scale is alike in all else. Timbre: a Gaussian of
/// the distance. Both 0 … 1, averaged.
Similarity self_similarity(const StructureFeatures& f) {
  const std::size_t n = f.steps();
  std::vector<float> harmony = f.harmony;
  normalize_rows(harmony, kClasses);
  std::array<float, kClasses> mean{};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < kClasses; ++k) mean[k] += harmony[i * kClasses + k] / static_cast<float>(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < kClasses; ++k) harmony[i * kClasses + k] -= mean[k];
  normalize_rows(harmony, kClasses);
  std::vector<float> timbre = f.timbre;
  if (f.timbre_size > 0) standardize_columns(timbre, f.timbre_size);
  Similarity s(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i; j < n; ++j) {
      float value = 0.5f + 0.5f * dot(&harmony[i * kClasses], &harmony[j * kClasses], kClasses);
      if (f.timbre_size > 0) {
        const float d = distance_squared(&timbre[i * f.timbre_size], &timbre[j * f.timbre_size], f.timbre_size);
        value = 0.6f * value + 0.4f * std::exp(-d / (2.0f * static_cast<float>(f.timbre_size)));
      }
      s.at(i, j) = s.at(j, i) = value;
    }
  }
  return s;
}

/// Similarity of passages: the mean along `length` steps of the diagonal, centered.
Similarity along_diagonals(const Similarity& s, std::size_t length) {
  Similarity result(s.n);
  const auto n = static_cast<std::ptrdiff_t>(s.n), half = static_cast<std::ptrdiff_t>(length / 2);
  for (std::ptrdiff_t lag = 0; lag < n; ++lag) {
    std::vector<double> sums(static_cast<std::size_t>(n - lag) + 1, 0.0);
    for (std::ptrdiff_t i = 0; i + lag < n; ++i) {
      sums[static_cast<std::size_t>(i) + 1] =
          sums[static_cast<std::size_t>(i)] +
          static_cast<double>(s.at(static_cast<std::size_t>(i), static_cast<std::size_t>(i + lag)));
    }
    for (std::ptrdiff_t i = 0; i + lag < n; ++i) {
      const std::ptrdiff_t from = std::max<std::ptrdiff_t>(0, i - half), to = std::min(n - lag, i + half + 1);
      const auto mean = static_cast<float>((sums[static_cast<std::size_t>(to)] - sums[static_cast<std::size_t>(from)]) /
                                           static_cast<double>(to - from));
      result.at(static_cast<std::size_t>(i), static_cast<std::size_t>(i + lag)) = mean;
      result.at(static_cast<std::size_t>(i + lag), static_cast<std::size_t>(i)) = mean;
    }
  }
  return result;
}

/// Foote 2000: a checkerboard with Gaussian taper of `half` steps on each side, run along the main diagonal.
std::vector<double> homogeneity_novelty(const Similarity& s, std::size_t half) {
  const auto n = static_cast<std::ptrdiff_t>(s.n), h = static_cast<std::ptrdiff_t>(half);
  std::vector<double> taper(static_cast<std::size_t>(h));
  for (std::ptrdiff_t k = 0; k < h; ++k) {
    taper[static_cast<std::size_t>(k)] =
        std::exp(-0.5 * std::pow((static_cast<double>(k) + 0.5) / (0.5 * static_cast<double>(h)), 2));
  }
  std::vector<double> novelty(s.n, 0.0);
  for (std::ptrdiff_t c = 1; c < n; ++c) {
    double within = 0, within_weight = 0, across = 0, across_weight = 0;
    for (std::ptrdiff_t a = -h; a < h; ++a) {
      const std::ptrdiff_t i = c + a;
      if (i < 0 || i >= n) continue;
      for (std::ptrdiff_t b = -h; b < h; ++b) {
        const std::ptrdiff_t j = c + b;
        if (j < 0 || j >= n) continue;
        const double w =
            taper[static_cast<std::size_t>(a < 0 ? -a - 1 : a)] * taper[static_cast<std::size_t>(b < 0 ? -b - 1 : b)];
        const double v = w * static_cast<double>(s.at(static_cast<std::size_t>(i), static_cast<std::size_t>(j)));
        if ((a < 0) == (b < 0)) {
          within += v;
          within_weight += w;
        } else {
          across += v;
          across_weight += w;
        }
      }
    }
    if (across_weight > 0)
      novelty[static_cast<std::size_t>(c)] = std::max(0.0, within / within_weight - across / across_weight);
  }
  return novelty;
}

/// Serra et al. 2014: each step's recurrences by lag (mutual nearest neighbors of passages), smoothed over time and
/// lag; novelty is how much they differ before and after.
std::vector<double> repetition_novelty(const Similarity& passages, std::size_t half) {
  const std::size_t n = passages.n;
  const std::size_t neighbors = std::max<std::size_t>(2, static_cast<std::size_t>(std::sqrt(static_cast<double>(n))));
  std::vector<std::uint8_t> nearest(n * n, 0);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < n; ++i) {
    order.clear();
    for (std::size_t j = 0; j < n; ++j)
      if (j > i + half || i > j + half) order.push_back(j);
    const std::size_t k = std::min(neighbors, order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(),
                      [&](std::size_t a, std::size_t b) {
                        const float x = passages.at(i, a), y = passages.at(i, b);
                        return x != y ? x > y : a < b;
                      });
    for (std::size_t m = 0; m < k; ++m) nearest[i * n + order[m]] = 1;
  }
  // lags[i][l]: step i recurs l steps later (circularly, so that earlier ones count too); widened by one lag each way
  std::vector<float> lags(n * n, 0.0f);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      if (!nearest[i * n + j] || !nearest[j * n + i]) continue;
      const std::size_t lag = (j + n - i) % n;
      lags[i * n + lag] += 1.0f;
      lags[i * n + (lag + 1) % n] += 0.5f;
      lags[i * n + (lag + n - 1) % n] += 0.5f;
    }
  }
  // Running means of `half` steps before and after each place, and their distance.
  std::vector<float> before(n, 0.0f), after(n, 0.0f);
  std::vector<double> novelty(n, 0.0);
  const auto add = [&](std::vector<float>& sum, std::size_t step, float weight) {
    for (std::size_t l = 0; l < n; ++l) sum[l] += weight * lags[step * n + l];
  };
  for (std::size_t i = 0; i < std::min(half, n); ++i) add(after, i, 1);
  for (std::size_t c = 1; c < n; ++c) {
    add(before, c - 1, 1);
    if (c > half) add(before, c - 1 - half, -1);
    add(after, c - 1, -1);
    if (c - 1 + half < n) add(after, c - 1 + half, 1);
    const auto a = static_cast<float>(std::min(c, half)), b = static_cast<float>(std::min(n - c, half));
    double d = 0;
    for (std::size_t l = 0; l < n; ++l) d += std::pow(static_cast<double>(before[l] / a - after[l] / b), 2);
    novelty[c] = std::sqrt(d);
  }
  return novelty;
}

void scale_to_one(std::vector<double>& values) {
  const double most = values.empty() ? 0 : std::ranges::max(values);
  if (most > 0)
    for (double& v : values) v /= most;
}

/// Steps at which segments begin, 0 first and `n` last.
std::vector<std::size_t> boundaries(const StructureFeatures& f, const Similarity& s, const Similarity& passages,
                                    std::vector<double>& novelty) {
  const std::size_t n = s.n;
  const auto steps_of = [&](double beats) {
    return std::max<std::size_t>(2, static_cast<std::size_t>(std::lround(beats / f.step_beats)));
  };
  const std::size_t half = steps_of(kHalfKernelBeats), shortest = steps_of(kNearestBoundaries);
  novelty = homogeneity_novelty(s, half);
  std::vector<double> repetition = repetition_novelty(passages, half);
  scale_to_one(novelty);
  scale_to_one(repetition);
  for (std::size_t i = 0; i < n; ++i) {
    novelty[i] += 0.7 * repetition[i];
    if (!f.downbeat.empty()) novelty[i] *= f.downbeat[i] ? 1.15 : 1;
  }
  scale_to_one(novelty);
  std::vector<std::size_t> found{0};
  for (std::size_t i = shortest; i + shortest <= n; ++i) {
    const std::size_t from = i - std::min(i, shortest), to = std::min(n, i + shortest + 1);
    const auto top = std::max_element(novelty.begin() + static_cast<std::ptrdiff_t>(from),
                                      novelty.begin() + static_cast<std::ptrdiff_t>(to));
    if (top - novelty.begin() != static_cast<std::ptrdiff_t>(i)) continue;
    // A peak, not a ripple: well above the lowest place on either side before the next boundary could stand.
    const double left = *std::min_element(novelty.begin() + static_cast<std::ptrdiff_t>(from),
                                          novelty.begin() + static_cast<std::ptrdiff_t>(i));
    const double right = *std::min_element(novelty.begin() + static_cast<std::ptrdiff_t>(i),
                                           novelty.begin() + static_cast<std::ptrdiff_t>(to));
    if (novelty[i] - std::max(left, right) > kProminence) found.push_back(i);
  }
  found.push_back(n);
  return found;
}

/// Mean similarity of two segments run side by side, at the best shift by up to a quarter of the shorter one.
double alignment(const Similarity& s, std::size_t a, std::size_t a_end, std::size_t b, std::size_t b_end) {
  const auto na = static_cast<std::ptrdiff_t>(a_end - a), nb = static_cast<std::ptrdiff_t>(b_end - b);
  const std::ptrdiff_t shorter = std::min(na, nb), longer = std::max(na, nb);
  const std::ptrdiff_t least = std::max<std::ptrdiff_t>(shorter * 3 / 4, 1);
  double best = 0;
  for (std::ptrdiff_t shift = -(longer); shift <= longer; ++shift) {  // of b against a
    const std::ptrdiff_t from = std::max<std::ptrdiff_t>(0, shift), to = std::min(na, nb + shift);
    if (to - from < least) continue;
    double sum = 0;
    for (std::ptrdiff_t k = from; k < to; ++k) {
      sum += static_cast<double>(s.at(a + static_cast<std::size_t>(k), b + static_cast<std::size_t>(k - shift)));
    }
    best = std::max(best, sum / static_cast<double>(to - from));
  }
  return best;
}

std::string label_name(std::size_t index) {
  std::string name;
  for (++index; index > 0; index = (index - 1) / 26)
    name.insert(name.begin(), static_cast<char>('A' + (index - 1) % 26));
  return name;
}

}  // namespace

StructureFeatures coarsened(StructureFeatures f, std::size_t most) {
  EUTERPE_ASSERT(most > 0);
  const std::size_t n = f.steps(), by = (n + most - 1) / std::max<std::size_t>(most, 1);
  if (by <= 1) return f;
  StructureFeatures result;
  result.timbre_size = f.timbre_size;
  result.step_beats = f.step_beats * static_cast<double>(by);
  const auto add = [&](const std::vector<float>& from, std::vector<float>& to, std::size_t width, std::size_t first,
                       std::size_t last) {
    for (std::size_t k = 0; k < width; ++k) {
      float sum = 0;
      for (std::size_t i = first; i < last; ++i) sum += from[i * width + k];
      to.push_back(sum / static_cast<float>(last - first));
    }
  };
  for (std::size_t first = 0; first < n; first += by) {
    const std::size_t last = std::min(n, first + by);
    result.times.push_back(f.times[first]);
    add(f.harmony, result.harmony, kClasses, first, last);
    add(f.timbre, result.timbre, f.timbre_size, first, last);
    if (!f.downbeat.empty()) result.downbeat.push_back(f.downbeat[first]);
  }
  result.times.push_back(f.times.back());
  return result;
}

std::vector<StructureSegment> segment_structure(const StructureFeatures& f) {
  const std::size_t n = f.steps();
  EUTERPE_ASSERT(f.harmony.size() == n * kClasses && f.timbre.size() == n * f.timbre_size &&
                 (f.downbeat.empty() || f.downbeat.size() == n) && f.step_beats > 0);
  if (n == 0) return {};
  const auto whole = [&] { return std::vector{StructureSegment{f.times.front(), f.times.back(), "A", 0}}; };
  if (static_cast<double>(n) * f.step_beats < 2 * kShortestBeats || n < 4) return whole();

  const Similarity s = self_similarity(f);
  const std::size_t passage =
      std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(kShortestBeats / f.step_beats)));
  const Similarity passages = along_diagonals(s, passage);
  std::vector<double> novelty;
  const std::vector<std::size_t> at = boundaries(f, s, passages, novelty);
  const std::size_t count = at.size() - 1;
  if (count == 1) return whole();

  // How alike unrelated passages of this length are: all the passages of the piece.
  double mean = 0, square = 0, pairs = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + passage; j < n; ++j) {
      const auto v = static_cast<double>(passages.at(i, j));
      mean += v;
      square += v * v;
      ++pairs;
    }
  }
  mean /= std::max(pairs, 1.0);
  const double deviation = std::sqrt(std::max(0.0, square / std::max(pairs, 1.0) - mean * mean));
  const double threshold = std::max(mean + 1.3 * deviation, mean + 0.55 * (1 - mean));

  // Each segment joins the label whose members it is like on average, the best one first.
  std::vector<std::vector<std::size_t>> labels;
  std::vector<StructureSegment> result;
  for (std::size_t k = 0; k < count; ++k) {
    std::size_t best = labels.size();
    double best_likeness = threshold;
    for (std::size_t l = 0; l < labels.size(); ++l) {
      double likeness = 0;
      for (const std::size_t m : labels[l])
        likeness += alignment(s, at[m], at[m + 1], at[k], at[k + 1]) / static_cast<double>(labels[l].size());
      if (likeness > best_likeness) {
        best_likeness = likeness;
        best = l;
      }
    }
    if (best == labels.size()) labels.emplace_back();
    labels[best].push_back(k);
    const double sharp = k == 0 ? 1 : novelty[at[k]];
    result.push_back({f.times[at[k]], f.times[at[k + 1]], label_name(best), std::clamp(sharp, 0.0, 1.0)});
  }
  return result;
}

std::vector<StructureSegment> estimate_structure(const Score& score, std::span<const Beat> beats) {
  const double end = score.duration().value;
  if (score.note_count() == 0 || end <= 0) return {};
  StructureFeatures f;
  if (beats.size() >= 2) {
    for (const Beat& beat : beats) {
      if (beat.time >= end || (!f.times.empty() && beat.time <= f.times.back())) continue;
      f.times.push_back(beat.time);
      f.downbeat.push_back(beat.position == 1);
    }
    if (!f.times.empty() && f.times.front() > 0) f.times.front() = 0;  // what leads in belongs to the first step
  }
  if (f.times.size() < 2) {
    f.times.clear();
    f.downbeat.clear();
    // Memory must not grow with a silence of years, of which a file of a hundred bytes may tell.
    constexpr double kStep = 0.5, kMost = 20'000;
    const double step = std::max(kStep, end / kMost);
    for (double t = 0; t < end; t += step) f.times.push_back(t);
  }
  f.times.push_back(end);
  const std::size_t n = f.steps();
  // Timbre of a score: density, register, loudness, polyphony, drums.
  enum { kOnsets, kRegister, kLoudness, kSounding, kDrums, kTimbre };
  f.timbre_size = kTimbre;
  f.harmony.assign(n * kClasses, 0.0f);
  f.timbre.assign(n * kTimbre, 0.0f);
  const TempoMap map(score);
  std::vector<double> weight(n, 0.0);
  for (const Track& track : score.tracks) {
    for (const Note& note : track.notes) {
      const double from = map.seconds_at(Ticks{note.start}).value, to = map.seconds_at(Ticks{note.end()}).value;
      auto step = static_cast<std::size_t>(
          std::max<std::ptrdiff_t>(0, std::upper_bound(f.times.begin(), f.times.end(), from) - f.times.begin() - 1));
      step = std::min(step, n - 1);
      float* timbre = &f.timbre[step * kTimbre];
      timbre[kOnsets] += 1;
      timbre[kLoudness] += static_cast<float>(note.velocity) / 127;
      if (track.drums) {
        timbre[kDrums] += 1;
        continue;
      }
      for (std::size_t i = step; i < n && (i == step || f.times[i] < to); ++i) {
        const double inside = std::max(0.02, std::min(to, f.times[i + 1]) - std::max(from, f.times[i]));
        const double share = inside / (f.times[i + 1] - f.times[i]);
        f.harmony[i * kClasses + note.pitch % kClasses] += static_cast<float>(std::min(share, 1.0));
        f.timbre[i * kTimbre + kRegister] += static_cast<float>(share * note.pitch);
        f.timbre[i * kTimbre + kSounding] += static_cast<float>(share);
        weight[i] += share;
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i)
    if (weight[i] > 0) f.timbre[i * kTimbre + kRegister] /= static_cast<float>(weight[i]);
  return segment_structure(coarsened(std::move(f)));
}

}  // namespace euterpe
