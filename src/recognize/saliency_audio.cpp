#include "recognize/saliency_audio.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "signal/mel.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kBands = 16, kMostSegments = 40;
constexpr double kSegment = 0.5;  // seconds

std::vector<Grouping> groupings(const TimeFrequencyGrid& grid) {
  Grouping all, band, bands, segment, segments, block;
  all.variance = 0.5;
  for (std::size_t b = 0; b < grid.bands(); ++b) {
    for (std::size_t s = 0; s < grid.segments; ++s) {
      all.group.push_back(0);
      band.group.push_back(static_cast<std::uint32_t>(b));
      bands.group.push_back(static_cast<std::uint32_t>((b + 1) / 3));
      segment.group.push_back(static_cast<std::uint32_t>(s));
      segments.group.push_back(static_cast<std::uint32_t>((s + 1) / 3));
      block.group.push_back(static_cast<std::uint32_t>(b / 2 * ((grid.segments + 1) / 2) + s / 2));
    }
  }
  return {all, band, bands, segment, segments, block};
}

}  // namespace

MaskableAudio::MaskableAudio(const AudioBuffer& audio) : audio_(audio) {
  EUTERPE_ASSERT(audio.channels == 1 && !audio.samples.empty());
  for (float& sample : audio_.samples) sample = std::isfinite(sample) ? sample : 0.0F;
  spectrum_ = stft(audio_.samples, audio_.sample_rate);
  const double seconds = audio_.duration().value, nyquist = audio_.sample_rate / 2.0;
  grid_.segments = std::clamp<std::size_t>(static_cast<std::size_t>(std::lround(seconds / kSegment)), 1, kMostSegments);
  grid_.seconds = seconds / static_cast<double>(grid_.segments);
  for (std::size_t b = 0; b <= kBands; ++b) {
    grid_.edges.push_back(b == kBands ? nyquist : mel_to_hz(hz_to_mel(nyquist) * static_cast<double>(b) / kBands));
    const auto bin = std::lround(grid_.edges.back() / nyquist * static_cast<double>(spectrum_.bins - 1));
    bin_edges_.push_back(b == kBands ? spectrum_.bins : static_cast<std::size_t>(bin));
  }
  for (std::size_t s = 0; s <= grid_.segments; ++s)
    frame_edges_.push_back((spectrum_.frames * s + grid_.segments / 2) / grid_.segments);
  std::vector<double> sum(spectrum_.bins, 0.0);
  for (std::size_t t = 0; t < spectrum_.frames; ++t)
    for (std::size_t b = 0; b < spectrum_.bins; ++b) sum[b] += std::abs(spectrum_.at(b, t));
  for (const double s : sum) mean_.push_back(static_cast<float>(s / static_cast<double>(spectrum_.frames)));
}

AudioBuffer MaskableAudio::without(std::span<const std::uint8_t> cells) const {
  EUTERPE_ASSERT(cells.size() == grid_.cells());
  if (std::ranges::none_of(cells, [](std::uint8_t c) { return c != 0; })) return audio_;
  Spectrum masked = spectrum_;
  for (std::size_t b = 0; b < grid_.bands(); ++b) {
    for (std::size_t s = 0; s < grid_.segments; ++s) {
      if (!cells[b * grid_.segments + s]) continue;
      for (std::size_t t = frame_edges_[s]; t < frame_edges_[s + 1]; ++t) {
        for (std::size_t bin = bin_edges_[b]; bin < bin_edges_[b + 1]; ++bin) {
          std::complex<float>& value = masked.at(bin, t);
          const float size = std::abs(value);
          value = size > 1e-12F ? value * (mean_[bin] / size) : std::complex<float>(mean_[bin]);
        }
      }
    }
  }
  return {audio_.sample_rate, 1, istft(masked, {}, audio_.samples.size())};
}

AudioSaliency explain_audio(const AudioBuffer& mono, const AudioAnswer& answer, const SaliencyOptions& options) {
  if (mono.samples.empty()) throw Error(Category::bad_input, "explain", "there is no audio to explain");
  const MaskableAudio audio(mono);
  const auto prior = groupings(audio.grid());
  AudioSaliency found{find_saliency(
                          audio.grid().cells(), prior,
                          [&](std::span<const std::uint8_t> cells) { return answer(audio.without(cells)); }, options),
                      audio.grid()};
  return found;
}

nlohmann::json to_json(const AudioSaliency& saliency, std::span<const std::string> labels, std::size_t most,
                       double begin) {
  EUTERPE_ASSERT(saliency.label < labels.size() && saliency.runner_up < labels.size());
  const TimeFrequencyGrid& grid = saliency.grid;
  nlohmann::json rows = nlohmann::json::array(), cells = nlohmann::json::array();
  for (std::size_t b = 0; b < grid.bands(); ++b) {
    const auto row = saliency.weights.begin() + static_cast<std::ptrdiff_t>(b * grid.segments);
    rows.push_back(std::vector<double>(row, row + static_cast<std::ptrdiff_t>(grid.segments)));
  }
  for (const std::size_t i : std::span(saliency.salient).first(std::min(most, saliency.salient.size()))) {
    const std::size_t band = i / grid.segments, segment = i % grid.segments;
    cells.push_back({{"begin", begin + static_cast<double>(segment) * grid.seconds},
                     {"end", begin + static_cast<double>(segment + 1) * grid.seconds},
                     {"f_low", grid.edges[band]},
                     {"f_high", grid.edges[band + 1]},
                     {"weight", saliency.weights[i]}});
  }
  return {{"answer", labels[saliency.label]},
          {"probability", saliency.probability},
          {"runner_up", labels[saliency.runner_up]},
          {"runner_up_probability", saliency.runner_up_probability},
          {"passes", saliency.passes},
          {"grid", {{"seconds", grid.seconds}, {"segments", grid.segments}, {"edges_hz", grid.edges}}},
          {"weights", rows},
          {"cells", cells}};
}

}  // namespace euterpe
