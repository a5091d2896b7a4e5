#pragma once
/// Where in time and frequency a recording speaks for a model's answer.
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "media/audio_buffer.hpp"
#include "recognize/saliency.hpp"
#include "signal/stft.hpp"

namespace euterpe {

/// A model as a black box: probabilities, sum 1, of mono audio. Must be thread-safe.
using AudioAnswer = std::function<std::vector<double>(const AudioBuffer&)>;

/// The cells of a map: bands of equal width on the mel scale by equal stretches of time.
struct TimeFrequencyGrid {
  std::size_t segments = 0;
  double seconds = 0;         ///< length of a segment
  std::vector<double> edges;  ///< Hz, bands + 1, ascending from 0
  std::size_t bands() const { return edges.empty() ? 0 : edges.size() - 1; }
  std::size_t cells() const { return bands() * segments; }
};

/// A recording from which cells can be taken away: the STFT's magnitudes there become the mean over the whole recording
/// of each frequency, phases stay.
class MaskableAudio {
 public:
  /// audio: mono, not empty. 16 bands up to half the sample rate, segments of about half a second, 40 at most.
  explicit MaskableAudio(const AudioBuffer& audio);
  const TimeFrequencyGrid& grid() const { return grid_; }
  /// without: [bands × segments], row-major, lowest band first; 1 takes a cell away. Thread-safe.
  AudioBuffer without(std::span<const std::uint8_t> cells) const;

 private:
  std::vector<std::size_t> frame_edges_, bin_edges_;
  TimeFrequencyGrid grid_;
  AudioBuffer audio_;
  Spectrum spectrum_;
  std::vector<float> mean_;  // [bins] magnitude
};

struct AudioSaliency : Saliency {  ///< weights: [bands × segments], row-major, lowest band first
  TimeFrequencyGrid grid;
};

/// Of an excerpt as short as the model takes it; over half a minute costs time and blurs the map.
/// Error{bad_input} if there is no audio.
AudioSaliency explain_audio(const AudioBuffer& mono, const AudioAnswer& answer, const SaliencyOptions& options = {});

/// {answer, probability, runner_up, runner_up_probability, passes, grid, weights [bands][segments],
/// cells: the `most` heaviest as {begin, end (s), f_low, f_high (Hz), weight}}. \param begin seconds at which the
/// excerpt begins in its recording: cells are told by the recording's time
nlohmann::json to_json(const AudioSaliency& saliency, std::span<const std::string> labels, std::size_t most = 10,
                       double begin = 0);

}  // namespace euterpe
