#pragma once
/// Frame-wise descriptors of audio that comes in blocks, for recordings that should not lie in memory whole.
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "signal/mel.hpp"
#include "signal/pcen.hpp"
#include "signal/spectral.hpp"
#include "signal/stft.hpp"

namespace euterpe {

struct DescriptorStreamOptions {
  int sample_rate = 22050;  ///< Hz
  StftOptions stft;         ///< center = true; rms and zero crossings have frames of n_fft samples
  MelOptions mel;
  int mfcc = 20;               ///< coefficients, ≤ mel.n_mels
  double roll_percent = 0.85;  ///< of spectral_rolloff
  /// Octaves that begin above half the sample rate are left out. top_db is of no concern: see
  /// DescriptorStrip::contrast.
  ContrastOptions contrast;
  double tuning = 0;                ///< of chroma, fraction of a semitone: only the whole recording can tell it
  double pcen_scale = 2147483648.;  ///< the mel bands times this go into PCEN, as librosa advises for samples within ±1
  PcenOptions pcen;
};

/// Up to sixteen neighboring frames. Each descriptor has the numbers of the function named, over the whole recording.
/// Not here, for they need the whole of it: dB below the greatest value, with a floor under it (top_db) or of MFCC and
/// contrast with that floor; tuning; deltas, which reach beyond a strip and end with the recording.
struct DescriptorStrip {
  static constexpr std::size_t kLanes = lanes::kLanes;
  struct Rows {
    const float* data = nullptr;  ///< [bins × kLanes], 64-byte aligned
    std::size_t bins = 0;
    float at(std::size_t bin, std::size_t frame) const { return data[bin * kLanes + frame]; }
  };
  std::uint64_t first = 0;  ///< frame of lane 0, centered on first · hop_length samples
  std::size_t count = 0;    ///< lanes that hold a frame, 1 … kLanes
  Rows magnitude;           ///< magnitude_spectrogram
  Rows mel;                 ///< mel_spectrogram
  Rows mel_db;              ///< power_to_db(mel, 1, kNoFloor)
  Rows mfcc;                ///< mfcc of that
  Rows pcen;                ///< pcen of the scaled mel bands
  Rows chroma;              ///< chroma with the tuning given
  Rows tonnetz;             ///< tonnetz of that
  Rows contrast;            ///< spectral_contrast with top_db = kNoFloor
  Rows centroid, bandwidth, rolloff, flatness, rms, zero_crossings;  ///< spectral_…, rms, zero_crossing_rate: one row
};

/// The names and places of all descriptors of a strip.
inline constexpr std::array kStreamingDescriptors{
    std::pair{"magnitude", &DescriptorStrip::magnitude},
    std::pair{"mel", &DescriptorStrip::mel},
    std::pair{"mel_db", &DescriptorStrip::mel_db},
    std::pair{"mfcc", &DescriptorStrip::mfcc},
    std::pair{"pcen", &DescriptorStrip::pcen},
    std::pair{"chroma", &DescriptorStrip::chroma},
    std::pair{"tonnetz", &DescriptorStrip::tonnetz},
    std::pair{"contrast", &DescriptorStrip::contrast},
    std::pair{"centroid", &DescriptorStrip::centroid},
    std::pair{"bandwidth", &DescriptorStrip::bandwidth},
    std::pair{"rolloff", &DescriptorStrip::rolloff},
    std::pair{"flatness", &DescriptorStrip::flatness},
    std::pair{"rms", &DescriptorStrip::rms},
    std::pair{"zero_crossings", &DescriptorStrip::zero_crossings},
};

/// Takes mono audio in blocks of any size and hands out strips in order, all from one STFT. A frame is heard n_fft/2
/// samples after its center at the soonest and, as sixteen are transformed together, up to 15 hops later. Memory is
/// that of one strip, whatever the length; nothing is allocated after construction. Not thread-safe.
class DescriptorStream {
 public:
  using Visit = std::function<void(const DescriptorStrip&)>;  ///< the strip's arrays stand until it returns

  /// Throws Error{usage} where one of the functions named would refuse the options.
  DescriptorStream(const DescriptorStreamOptions& options, Visit visit);
  ~DescriptorStream();
  DescriptorStream(DescriptorStream&&) noexcept;

  /// Full scale ±1. NaN and infinity count as silence.
  void push(std::span<const float> samples);
  /// Hands out the last frames, 1 + samples / hop_length in all; the stream is then spent.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace euterpe
