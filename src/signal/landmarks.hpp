#pragma once
/// Spectral-peak landmarks (Wang 2003, "An industrial-strength audio search algorithm"): what `identify` knows of a
/// recording.
///
/// A constellation is the list of points (time, frequency) that stand out of a log-magnitude spectrogram. Most of them
/// survive noise, filtering and lossy coding. Two that follow each other closely form a pair whose three numbers
/// (frequency, step in frequency, step in time) are a hash that can be looked up.
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace euterpe {

inline constexpr std::string_view kLandmarksBlob = "landmarks.v1";  ///< the blob's name in the catalog
inline constexpr int kLandmarkRate = 22050;                         ///< Hz; all input is mono at this rate
inline constexpr int kLandmarkWindow = 2048;                        ///< samples, Hann
inline constexpr int kLandmarkHop = 512;                            ///< samples
inline constexpr double kLandmarkFrame = static_cast<double>(kLandmarkHop) / kLandmarkRate;  ///< seconds a frame
inline constexpr int kLandmarkFirstBin = 16;  ///< 172 Hz: below, a bin is wider than a tone
inline constexpr int kLandmarkBins = 384;     ///< up to 4.3 kHz
inline constexpr int kLandmarkMaxStep = 63;   ///< frames between the peaks of a pair, 1.5 s

/// Frame t covers the samples [t · hop, t · hop + window); bin b stands at (kLandmarkFirstBin + b) · rate / window Hz.
struct Peak {
  std::uint32_t frame = 0;
  std::uint16_t bin = 0;  ///< 0 … kLandmarkBins − 1
  bool operator==(const Peak&) const = default;
};

struct Constellation {
  std::uint32_t frames = 0;  ///< frames heard
  std::vector<Peak> peaks;   ///< by frame, then bin
};

/// A peak is the greatest value within ± time_radius frames and ± bin_radius bins. Where more than `per_second` stand
/// close together, those that rise highest over the mean of their surroundings are kept.
struct PeakOptions {
  int time_radius = 7;
  int bin_radius = 10;
  double per_second = 24;
};
/// What is kept of a track: few peaks, the ones that will be found again. A query looks closer, since each of a track's
/// peaks must be among its own, and more of them cost an instant once instead of room forever.
inline constexpr PeakOptions kTrackPeaks{7, 10, 24};
inline constexpr PeakOptions kQueryPeaks{3, 5, 80};

/// Takes audio in pieces of any length and keeps the spectra of 2 · time_radius + 1 frames only, beside the peaks
/// found.
class PeakPicker {
 public:
  explicit PeakPicker(const PeakOptions& options);
  ~PeakPicker();
  PeakPicker(PeakPicker&&) noexcept;
  /// mono samples at kLandmarkRate, full scale ±1; NaN and infinity count as silence.
  void push(std::span<const float> mono);
  /// The constellation of all that was pushed; the picker is then spent.
  Constellation finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

Constellation constellation(std::span<const float> mono, const PeakOptions& options = kTrackPeaks);

/// A pair of peaks: bin of the first (9 bits), difference of bins + 128 (8 bits), frames between (6 bits).
struct Landmark {
  std::uint32_t hash = 0;   ///< < 2^kLandmarkHashBits
  std::uint32_t frame = 0;  ///< of the first peak
};
inline constexpr int kLandmarkHashBits = 23;

/// Pairs each peak with the `fan_out` next ones that lie 1 … kLandmarkMaxStep frames later and within ± 127 bins.
std::vector<Landmark> landmarks(const Constellation& constellation, int fan_out);

/// The constellation as bytes (about 75 a second of music) and back. `read_landmarks_blob` throws Error{bad_input}
/// naming the byte where a damaged blob stops making sense, Error{newer_version} for a later format.
std::vector<std::uint8_t> landmarks_blob(std::span<const float> mono22050);
std::vector<std::uint8_t> landmarks_blob(const Constellation& constellation);
Constellation read_landmarks_blob(std::span<const std::uint8_t> bytes);

}  // namespace euterpe
