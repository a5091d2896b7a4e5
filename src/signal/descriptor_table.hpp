#pragma once
/// Every descriptor of audio by librosa's name: what it is, whether it streams, and how to calculate it.
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "signal/beat.hpp"
#include "signal/descriptor_stream.hpp"
#include "signal/hpss.hpp"
#include "signal/matrix.hpp"
#include "signal/pitch.hpp"

namespace euterpe {

/// librosa's parameters of the same names, and its defaults.
struct DescriptorSettings {
  int sample_rate = 22050;  ///< Hz
  StftOptions stft;         ///< n_fft is also the frame_length of what has no spectrum
  MelOptions mel;
  int n_mfcc = 20;
  double roll_percent = 0.85;
  double top_db =
      80;  ///< floor below the greatest value of the whole; ≤ 0 = none, and what has no other reason streams
  bool tuned = true;  ///< chroma by the recording's own tuning, which the whole of it tells; else by `tuning`
  double tuning = 0;  ///< fraction of a semitone
  double fmin_pitch = 65, fmax_pitch = 2093;  ///< Hz, of yin and pyin

  /// For DescriptorStream; octaves of the contrast that begin above half the sample rate are left out.
  DescriptorStreamOptions stream() const;
};

/// How the numbers of a descriptor stand on the time axis.
enum class DescriptorKind {
  frames,  ///< [bins × frames], frame t at t · hop_length / sample_rate seconds
  events,  ///< [1 × n] numbers of frames in which something begins
  scalar,  ///< [1 × 1], one number for the recording
};

class WholeRecording;

/// A new descriptor is a row of descriptor_table().
struct DescriptorRow {
  std::string_view name;  ///< "mfcc", as `evaluate signal` has it
  std::string_view unit;  ///< "Hz", "dB"; empty: a ratio, or of the samples' own scale
  std::string_view summary;
  DescriptorKind kind = DescriptorKind::frames;
  /// Where it stands in a strip of DescriptorStream; null: it needs the whole recording whatever the settings.
  DescriptorStrip::Rows DescriptorStrip::*strip = nullptr;
  bool floored = false, tuned = false;  ///< streams only without a floor; only with the tuning given
  Matrix (*whole)(WholeRecording&) = nullptr;

  bool streams(const DescriptorSettings& settings) const {
    return strip && !(floored && settings.top_db > 0) && !(tuned && settings.tuned);
  }
};

std::span<const DescriptorRow> descriptor_table();

/// Rows by names divided by commas, in the order of the table; "all" is every one of them. Throws Error{usage} naming
/// the nearest ones for a name that is none.
std::vector<const DescriptorRow*> find_descriptors(std::string_view names);

/// A recording in memory, whose spectrograms, beats and pitches are calculated once for all descriptors that need them.
/// Not thread-safe.
class WholeRecording {
 public:
  /// samples: mono, full scale ±1; they must outlive the object.
  WholeRecording(std::span<const float> samples, const DescriptorSettings& settings);
  ~WholeRecording();

  std::span<const float> samples() const { return samples_; }
  const DescriptorSettings& settings() const { return settings_; }
  const Matrix& magnitude();
  const Matrix& power();
  const Matrix& mel();
  const Matrix& mel_db();  ///< power_to_db with the settings' floor
  const Matrix& mfcc();
  const Matrix& chroma();
  const std::vector<float>& centroid();
  const std::vector<float>& onset_envelope();   ///< mean over the bands
  const std::vector<float>& median_envelope();  ///< what beats and pulse listen to
  const BeatFrames& beats();
  const PitchTrack& pitch();  ///< pYIN
  const HarmonicPercussive& parts();

  /// The row's numbers: as of the functions in signal/ over the whole recording.
  Matrix compute(const DescriptorRow& row);

 private:
  struct Cache;
  std::span<const float> samples_;
  DescriptorSettings settings_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace euterpe
