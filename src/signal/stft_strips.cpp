#include "signal/stft_strips.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "signal/kernels.hpp"

namespace euterpe {
namespace {

/// Nearly all strips are full, and a copy of known size needs no call.
void copy_lanes(const float* from, float* to, std::size_t count) {
  if (count == lanes::kLanes) {
    std::memcpy(to, from, lanes::kLanes * sizeof(float));
  } else {
    std::memcpy(to, from, count * sizeof(float));
  }
}

}  // namespace

const StftOptions& checked_stft(const StftOptions& options) {
  const auto refuse = [](const std::string& detail, const std::string& hint) {
    throw Error(Category::usage, "stft", detail, hint);
  };
  if (options.n_fft < 2 || options.n_fft > 1 << 20 || options.n_fft % 2 != 0) {
    refuse("n_fft is " + std::to_string(options.n_fft),
           "even lengths from 2 to 1048576 are transformed; 2048 is usual");
  }
  if (options.hop_length < 1 || options.hop_length > 1 << 24) {
    refuse("hop_length is " + std::to_string(options.hop_length), "a quarter of n_fft is usual");
  }
  if (options.win_length < 0 || options.win_length > options.n_fft) {
    refuse("win_length is " + std::to_string(options.win_length) + " with n_fft " + std::to_string(options.n_fft),
           "the window may not be longer than the frame; 0 makes it as long");
  }
  return options;
}

StftStrips::StftStrips(const StftOptions& options)
    : options_(checked_stft(options)),
      fft_(options.n_fft, stft_window(options)),
      edge_(static_cast<std::size_t>(options.n_fft) + (kLanes - 1) * static_cast<std::size_t>(options.hop_length)),
      re_(static_cast<std::size_t>(options.n_fft) / 2 + 1),
      im_(re_.size()),
      magnitude_(re_.size()),
      power_(re_.size()) {}

void StftStrips::transform(std::span<const float> samples, std::ptrdiff_t begin, std::size_t count) {
  EUTERPE_ASSERT(count >= 1 && count <= kLanes);
  const auto hop = static_cast<std::size_t>(options_.hop_length);
  const auto total = static_cast<std::ptrdiff_t>(samples.size()), reach = static_cast<std::ptrdiff_t>(edge_.size());
  const float* first = nullptr;
  if (begin >= 0 && begin + reach <= total) {
    first = samples.data() + begin;
  } else {
    const std::ptrdiff_t from = std::clamp<std::ptrdiff_t>(begin, 0, total);
    const std::ptrdiff_t to = std::clamp<std::ptrdiff_t>(begin + reach, from, total);
    std::ranges::fill(edge_, 0.0f);
    std::copy(samples.begin() + from, samples.begin() + to,
              edge_.begin() + std::clamp<std::ptrdiff_t>(from - begin, 0, reach));
    first = edge_.data();
  }
  fft_.forward(first, hop, re_.front().value, im_.front().value);
  has_magnitude_ = has_power_ = false;
}

const float* StftStrips::magnitude() {
  if (!std::exchange(has_magnitude_, true)) {
    kernels::magnitudes(re(), im(), magnitude_.front().value, bins() * kLanes);
  }
  return magnitude_.front().value;
}

const float* StftStrips::power() {
  if (!std::exchange(has_power_, true)) kernels::squares(magnitude(), power_.front().value, bins() * kLanes);
  return power_.front().value;
}

void StftStrips::for_each(std::span<const float> samples, const std::function<void(std::size_t, std::size_t)>& visit) {
  const std::size_t frames = stft_frames(samples.size(), options_);
  const std::ptrdiff_t lead = options_.center ? options_.n_fft / 2 : 0;
  for (std::size_t t = 0; t < frames; t += kLanes) {
    const std::size_t count = std::min(kLanes, frames - t);
    transform(samples, static_cast<std::ptrdiff_t>(t) * options_.hop_length - lead, count);
    visit(t, count);
  }
}

void for_each_tile(const Matrix& matrix, const std::function<void(std::size_t, std::size_t, const float*)>& visit) {
  constexpr std::size_t kLanes = StftStrips::kLanes;
  std::vector<lanes::Row> tile(matrix.bins);
  for (std::size_t first = 0; first < matrix.frames && matrix.bins > 0; first += kLanes) {
    const std::size_t count = std::min(kLanes, matrix.frames - first);
    for (std::size_t b = 0; b < matrix.bins; ++b) {
      copy_lanes(matrix.data.data() + b * matrix.frames + first, tile[b].value, count);
    }
    visit(first, count, tile.front().value);
  }
}

void put_strip(const float* strip, std::size_t first, std::size_t count, Matrix& matrix) {
  for (std::size_t b = 0; b < matrix.bins; ++b) {
    copy_lanes(strip + b * StftStrips::kLanes, matrix.data.data() + b * matrix.frames + first, count);
  }
}

}  // namespace euterpe
