#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <span>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "evaluate/npy.hpp"
#include "evaluate/task.hpp"
#include "media/decode.hpp"
#include "signal/beat.hpp"
#include "signal/chroma.hpp"
#include "signal/chroma_cqt.hpp"
#include "signal/cqt.hpp"
#include "signal/delta.hpp"
#include "signal/hpss.hpp"
#include "signal/mel.hpp"
#include "signal/onset.hpp"
#include "signal/pcen.hpp"
#include "signal/pitch.hpp"
#include "signal/spectral.hpp"
#include "signal/stft.hpp"
#include "signal/tempogram.hpp"
#include "signal/tonnetz.hpp"

namespace euterpe {
namespace {

struct Recording {
  std::span<const float> samples;
  int rate = 0;  ///< Hz
};

constexpr int kHopLength = 512;

Matrix one_row(std::vector<float> values) {
  Matrix row(1, values.size(), 0);
  row.data = std::move(values);
  return row;
}

Matrix one_row(const std::vector<std::size_t>& frames) {
  return one_row(std::vector<float>(frames.begin(), frames.end()));
}

Matrix power_of(const Recording& r) { return power_spectrogram(r.samples, r.rate); }

Matrix magnitude_of(const Recording& r) { return magnitude_spectrogram(r.samples, r.rate); }

Matrix mel_of(const Recording& r, const MelOptions& options = {}) {
  return mel_spectrogram(r.samples, r.rate, {}, options);
}

Matrix mfcc_of(const Recording& r) { return mfcc(power_to_db(mel_of(r))); }

Matrix chroma_of(const Recording& r) {
  const Matrix power = power_of(r);
  return chroma(power, r.rate, estimate_tuning(power, r.rate));
}

std::vector<float> envelope_of(const Recording& r, BandAggregate aggregate = BandAggregate::mean) {
  return onset_strength(power_to_db(mel_of(r)), 3, aggregate);
}

BeatFrames beats_of(const Recording& r) {
  return beat_track(envelope_of(r, BandAggregate::median), r.rate, kHopLength);
}

// The reference looks for pitch in the range of YinOptions' defaults, 65 to 2093 Hz.
PitchTrack pitch_of(const Recording& r) { return pyin(r.samples, r.rate); }

enum class Measure {
  array,   ///< relative error of all values
  frames,  ///< two lists of frames: agreement within one frame
  pitch,   ///< relative error, and agreement in voicing and in pitch
};

/// A descriptor as the reference made it, from the samples alone, at librosa's defaults. A new one is a row here.
struct Feature {
  const char* name;  ///< the reference's file is NAME.npy
  Matrix (*compute)(const Recording&);
  double limit = 0;  ///< greatest relative error, or least agreement; 0 = none is set
  Measure measure = Measure::array;
};

const std::array kFeatures{
    Feature{"stft_magnitude", magnitude_of, 1e-4},
    Feature{"melspectrogram", [](const Recording& r) { return mel_of(r); }, 1e-4},
    Feature{"melspectrogram_htk", [](const Recording& r) { return mel_of(r, {.htk = true, .equal_area = false}); },
            1e-4},
    Feature{"melspectrogram_db",
            [](const Recording& r) {
              Matrix mel = mel_of(r);
              const auto ref = static_cast<double>(mel.data.empty() ? 1.0f : std::ranges::max(mel.data));
              return power_to_db(std::move(mel), ref);
            },
            1e-4},
    Feature{"mfcc", mfcc_of, 1e-3},
    Feature{"mfcc_delta", [](const Recording& r) { return delta(mfcc_of(r)); }, 1e-3},
    Feature{"pcen",
            [](const Recording& r) {
              Matrix mel = mel_of(r);
              for (float& v : mel.data) v *= 0x1p31f;  // PCEN's defaults are made for integer samples
              return pcen(std::move(mel));
            },
            1e-3},
    Feature{"rms", [](const Recording& r) { return one_row(rms(r.samples)); }, 1e-4},
    Feature{"spectral_centroid", [](const Recording& r) { return one_row(spectral_centroid(power_of(r), r.rate)); },
            1e-4},
    Feature{"spectral_bandwidth",
            [](const Recording& r) {
              const Matrix power = power_of(r);
              return one_row(spectral_bandwidth(power, r.rate, spectral_centroid(power, r.rate)));
            },
            1e-4},
    Feature{"spectral_rolloff", [](const Recording& r) { return one_row(spectral_rolloff(power_of(r), r.rate)); },
            1e-4},
    Feature{"spectral_flatness", [](const Recording& r) { return one_row(spectral_flatness(power_of(r))); }, 1e-4},
    Feature{"spectral_contrast", [](const Recording& r) { return spectral_contrast(power_of(r), r.rate); }, 1e-3},
    Feature{"zero_crossing_rate", [](const Recording& r) { return one_row(zero_crossing_rate(r.samples)); }, 1e-4},
    Feature{"tuning",
            [](const Recording& r) {
              return one_row(std::vector<float>{static_cast<float>(estimate_tuning(magnitude_of(r), r.rate))});
            }},
    Feature{"chroma_stft", chroma_of, 1e-4},
    Feature{"tonnetz", [](const Recording& r) { return tonnetz(chroma_of(r)); }, 1e-3},
    // The reference folded its 12 bins an octave with the default of 36.
    Feature{"chroma_cqt", [](const Recording& r) { return chroma_from_cqt(cqt_magnitude(r.samples, r.rate)); }, 1e-2},
    Feature{"cqt_magnitude", [](const Recording& r) { return cqt_magnitude(r.samples, r.rate); }, 1e-2},
    Feature{"hpss_harmonic", [](const Recording& r) { return hpss(magnitude_of(r)).harmonic; }, 1e-3},
    Feature{"hpss_percussive", [](const Recording& r) { return hpss(magnitude_of(r)).percussive; }, 1e-3},
    Feature{"onset_strength", [](const Recording& r) { return one_row(envelope_of(r)); }, 1e-3},
    Feature{"onset_frames",
            [](const Recording& r) {
              return one_row(onset_detect(envelope_of(r), onset_peak_options(r.rate, kHopLength)));
            },
            0.98, Measure::frames},
    Feature{"tempogram",
            [](const Recording& r) { return tempogram(envelope_of(r), static_cast<double>(kHopLength) / r.rate); },
            1e-3},
    // The reference's tempo is the one that its beat tracker goes by.
    Feature{"tempo",
            [](const Recording& r) { return one_row(std::vector<float>{static_cast<float>(beats_of(r).bpm)}); }},
    Feature{"plp",
            [](const Recording& r) {
              return one_row(predominant_local_pulse(envelope_of(r, BandAggregate::median), r.rate, kHopLength));
            }},
    Feature{"beat_frames", [](const Recording& r) { return one_row(beats_of(r).frames); }, 0.98, Measure::frames},
    Feature{"yin", [](const Recording& r) { return one_row(yin(r.samples, r.rate)); }},
    Feature{"pyin_f0", [](const Recording& r) { return one_row(pitch_of(r).f0); }, 0.98, Measure::pitch},
    Feature{"pyin_voiced",
            [](const Recording& r) {
              const PitchTrack track = pitch_of(r);
              return one_row(std::vector<float>(track.voiced.begin(), track.voiced.end()));
            }},
    Feature{"pyin_probability", [](const Recording& r) { return one_row(pitch_of(r).probability); }},
};

/// Stands for an error that cannot be stated: other shapes, or a NaN on one side only.
constexpr double kIncomparable = 1e9;

struct Comparison {
  double relative_error = 0, max_abs_error = 0;
  std::string failure;  ///< why the errors are kIncomparable
};

Comparison compare(const Matrix& ours, const NpyArray& theirs) {
  Comparison result;
  const auto incomparable = [&](std::string why) {
    result = {kIncomparable, kIncomparable, std::move(why)};
    return result;
  };
  if (ours.bins != theirs.rows || ours.frames != theirs.columns) {
    return incomparable(
        fmt::format("{} × {} values against {} × {}", ours.bins, ours.frames, theirs.rows, theirs.columns));
  }
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < theirs.values.size(); ++i) {
    const auto a = static_cast<double>(ours.data[i]), b = theirs.values[i];
    if (std::isnan(a) != std::isnan(b)) return incomparable("NaN on one side only");
    if (std::isnan(b) || a == b) {
      norm += std::isfinite(b) ? b * b : 0;
      continue;
    }
    difference += (a - b) * (a - b);
    norm += b * b;
    result.max_abs_error = std::max(result.max_abs_error, std::abs(a - b));
  }
  if (!std::isfinite(difference)) return incomparable("infinity on one side only");
  result.relative_error = difference == 0 ? 0 : norm == 0 ? kIncomparable : std::sqrt(difference / norm);
  return result;
}

/// Of `total` things, so many agree; 1 if there is nothing to agree about.
struct Agreement {
  std::size_t agree = 0, total = 0;
  double share() const { return total == 0 ? 1 : static_cast<double>(agree) / static_cast<double>(total); }
};

/// Pairs of frames at most one apart, no frame in two pairs, of as many as the longer list holds. Both rise, so taking
/// the earliest partner that is left finds the most pairs.
Agreement frame_agreement(std::span<const float> ours, std::span<const double> theirs) {
  Agreement result{0, std::max(ours.size(), theirs.size())};
  for (std::size_t i = 0, j = 0; i < ours.size() && j < theirs.size();) {
    const double apart = static_cast<double>(ours[i]) - theirs[j];
    result.agree += std::abs(apart) <= 1;
    if (apart <= 1) ++i;
    if (apart >= -1) ++j;
  }
  return result;
}

struct PitchAgreement {
  Agreement voicing;  ///< over all frames
  Agreement cents;    ///< within 10 cents, over the frames that both call voiced
};

PitchAgreement pitch_agreement(std::span<const float> ours, std::span<const double> theirs) {
  PitchAgreement result;
  result.voicing.total = std::max(ours.size(), theirs.size());
  for (std::size_t t = 0; t < std::min(ours.size(), theirs.size()); ++t) {
    const bool voiced = !std::isnan(ours[t]);
    if (voiced == std::isnan(theirs[t])) continue;
    ++result.voicing.agree;
    if (!voiced) continue;
    ++result.cents.total;
    result.cents.agree += std::abs(1200 * std::log2(static_cast<double>(ours[t]) / theirs[t])) <= 10;
  }
  return result;
}

/// The worst clip's share, and the share of all clips taken together.
struct AgreementOfClips {
  double worst = 1;
  Agreement all;

  void add(const Agreement& clip) {
    worst = std::min(worst, clip.share());
    all.agree += clip.agree;
    all.total += clip.total;
  }
};

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// CPU seconds of one run: the least of as many as a tenth of a second holds, at least three, one if it is long. What
/// is slower than the least was disturbed by others.
double cost_of(const Feature& feature, const Recording& recording) {
  constexpr double kEnough = 0.1, kLong = 1;
  double least = kLong * 1e9, total = 0;
  for (int run = 0; run < 3 || total < kEnough; ++run) {
    const double begin = cpu_seconds();
    feature.compute(recording);
    const double taken = cpu_seconds() - begin;
    least = std::min(least, taken);
    total += taken;
    if (taken > kLong) break;
  }
  return least;
}

/// What all clips say of one feature.
struct Result {
  std::size_t clips = 0;
  Comparison worst;
  std::vector<std::string> failures;
  AgreementOfClips frames, voicing, cents;
  double seconds = 0, cpu = 0;
};

/// Compares one clip; times are added to `result` too.
void measure(const Feature& feature, const Recording& recording, const NpyArray& theirs, const std::string& clip,
             Result& result) {
  ++result.clips;
  Matrix ours;
  Comparison found;
  try {
    ours = feature.compute(recording);
    if (feature.measure != Measure::frames) found = compare(ours, theirs);
    result.cpu += cost_of(feature, recording);
    result.seconds += static_cast<double>(recording.samples.size()) / recording.rate;
  } catch (const Error& error) {
    found = {kIncomparable, kIncomparable, error.what()};
    ours = Matrix();
  }
  if (!found.failure.empty()) result.failures.push_back(clip + ": " + found.failure);
  result.worst.relative_error = std::max(result.worst.relative_error, found.relative_error);
  result.worst.max_abs_error = std::max(result.worst.max_abs_error, found.max_abs_error);
  if (feature.measure == Measure::frames) result.frames.add(frame_agreement(ours.data, theirs.values));
  if (feature.measure == Measure::pitch) {
    const PitchAgreement agreement = pitch_agreement(ours.data, theirs.values);
    result.voicing.add(agreement.voicing);
    result.cents.add(agreement.cents);
  }
}

nlohmann::json to_json(const Feature& feature, const Result& result) {
  nlohmann::json json{{"times_real_time", result.cpu > 0 ? result.seconds / result.cpu : 0}};
  std::optional<bool> within;
  switch (feature.measure) {
    case Measure::array:
      json["relative_error"] = result.worst.relative_error;
      json["max_abs_error"] = result.worst.max_abs_error;
      within = result.worst.relative_error <= feature.limit;
      break;
    case Measure::frames:
      json["agreement"] = result.frames.worst;
      json["agreement_pooled"] = result.frames.all.share();
      within = result.frames.worst >= feature.limit;
      break;
    case Measure::pitch:
      json["relative_error"] = result.worst.relative_error;
      json["max_abs_error"] = result.worst.max_abs_error;
      json["voicing_agreement"] = result.voicing.worst;
      json["voicing_agreement_pooled"] = result.voicing.all.share();
      json["within_10_cents"] = result.cents.worst;
      json["within_10_cents_pooled"] = result.cents.all.share();
      within = std::min(result.voicing.worst, result.cents.worst) >= feature.limit;
      break;
  }
  if (feature.limit > 0) {
    json["limit"] = feature.limit;
    json["within"] = *within;
  }
  if (!result.failures.empty()) json["failures"] = result.failures;
  return json;
}

/// `data` itself if it is a clip, else the clips in it, by name.
std::vector<std::filesystem::path> clips_in(const std::filesystem::path& data) {
  const auto is_clip = [](const std::filesystem::path& p) { return std::filesystem::exists(p / "input.wav"); };
  if (is_clip(data)) return {data};
  std::vector<std::filesystem::path> clips;
  if (std::filesystem::is_directory(data)) {
    for (const auto& entry : std::filesystem::directory_iterator(data)) {
      if (is_clip(entry.path())) clips.push_back(entry.path());
    }
  }
  if (clips.empty()) {
    throw Error(Category::bad_input, "evaluate signal", data.string() + ": no clip in it",
                "A clip is a folder with input.wav and one NAME.npy a descriptor.");
  }
  std::ranges::sort(clips);
  return clips;
}

class OneThread {
 public:
  OneThread() : before_(threads()) { set_threads(1); }
  ~OneThread() { set_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

}  // namespace

nlohmann::json evaluate_signal(const EvaluateOptions& options) {
  std::vector<std::filesystem::path> clips = clips_in(options.data);
  if (options.limit > 0 && clips.size() > static_cast<std::size_t>(options.limit)) {
    clips.resize(static_cast<std::size_t>(options.limit));
  }
  const OneThread one_thread;
  std::array<Result, kFeatures.size()> results;
  std::set<std::string> skipped, unknown;
  double seconds = 0;
  Progress progress("descriptors", clips.size(), "clips");
  for (const auto& clip : clips) {
    const AudioBuffer audio = decode(clip / "input.wav", {.sample_rate = 0, .channels = 1});
    const Recording recording{audio.samples, audio.sample_rate};
    seconds += static_cast<double>(audio.frames()) / audio.sample_rate;
    std::set<std::string> known;
    for (std::size_t f = 0; f < kFeatures.size(); ++f) {
      const std::string file = std::string(kFeatures[f].name) + ".npy";
      known.insert(file);
      if (!std::filesystem::exists(clip / file)) continue;
      measure(kFeatures[f], recording, read_npy(clip / file), clip.filename().string(), results[f]);
    }
    for (const auto& entry : std::filesystem::directory_iterator(clip)) {
      const auto name = entry.path().filename();
      if (name.extension() == ".npy" && !known.contains(name.string())) unknown.insert(name.stem().string());
    }
    progress.advance();
  }
  nlohmann::json features = nlohmann::json::object();
  for (std::size_t f = 0; f < kFeatures.size(); ++f) {
    if (results[f].clips == 0) {
      skipped.insert(kFeatures[f].name);
    } else {
      features[kFeatures[f].name] = to_json(kFeatures[f], results[f]);
    }
  }
  return {{"clips", clips.size()},
          {"seconds", seconds},
          {"features", features},
          {"skipped", skipped},
          {"unknown", unknown}};
}

}  // namespace euterpe
