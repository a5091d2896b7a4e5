#include "signal/audio_structure.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace euterpe {
namespace {

constexpr std::size_t kClasses = 12, kMfcc = 12, kTimbre = kMfcc + 2;
constexpr double kStep = 0.5;  // seconds, where there is no beat

}  // namespace

StructureFeatures structure_features(const FrameDescriptors& frames, std::span<const Beat> beats, double offset) {
  StructureFeatures f;
  f.timbre_size = kTimbre;
  const double begin = offset, end = offset + frames.seconds;
  if (frames.seconds <= 0) return f;
  for (const Beat& beat : beats) {
    if (beat.time < begin || beat.time >= end || (!f.times.empty() && beat.time <= f.times.back())) continue;
    f.times.push_back(beat.time);
    f.downbeat.push_back(beat.position == 1);
  }
  if (f.times.size() < 2) {
    f.times.clear();
    f.downbeat.clear();
    for (double t = begin; t < end; t += kStep) f.times.push_back(t);
    f.downbeat.assign(f.times.size(), false);
  }
  f.times.front() = begin;  // what leads in belongs to the first beat
  f.times.push_back(end);
  const std::size_t n = f.steps(), total = frames.frames();
  f.harmony.assign(n * kClasses, 0.0f);
  f.timbre.assign(n * kTimbre, 0.0f);
  for (std::size_t i = 0; i < n; ++i) {
    const auto frame_at = [&](double seconds) {
      return std::min(total - 1,
                      static_cast<std::size_t>(std::lround((seconds - offset) / FrameDescriptors::kHopSeconds)));
    };
    const std::size_t first = frame_at(f.times[i]), last = std::max(first + 1, frame_at(f.times[i + 1]));
    const float share = 1.0f / static_cast<float>(last - first);
    for (std::size_t t = first; t < last; ++t) {
      for (std::size_t k = 0; k < kClasses; ++k) f.harmony[i * kClasses + k] += share * frames.chroma.at(k, t);
      float* timbre = &f.timbre[i * kTimbre];
      for (std::size_t k = 0; k < kMfcc; ++k) timbre[k] += share * frames.mfcc.at(k + 1, t);
      timbre[kMfcc] += share * 20 * std::log10(std::max(frames.rms[t], 1e-5f));
      timbre[kMfcc + 1] += share * frames.onset[t];
    }
  }
  return f;
}

std::vector<StructureSegment> estimate_structure(const FrameDescriptors& frames, std::span<const Beat> beats) {
  return segment_structure(coarsened(structure_features(frames, beats)));
}

}  // namespace euterpe
