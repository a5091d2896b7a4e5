#include "catalog/analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "media/container.hpp"
#include "media/decode.hpp"
#include "score/descriptors.hpp"
#include "score/key.hpp"
#include "score/profile.hpp"
#include "score/score_description.hpp"
#include "score/score_file.hpp"
#include "signal/audio_features.hpp"
#include "signal/frame_descriptors.hpp"
#include "signal/landmarks.hpp"
#include "signal/loudness_meter.hpp"
#include "signal/rhythm.hpp"

namespace euterpe {
namespace {

constexpr std::string_view kAudioSpace = "audio.v1", kScoreSpace = "score.v1";

void put_key(Descriptors& descriptors, const KeyEstimate& key) {
  descriptors.numbers["key_confidence"] = key.confidence;
  if (key.confidence > 0) descriptors.texts["key"] = key.name();
}

void put_loudness(Descriptors& descriptors, const Loudness& loudness) {
  if (std::isfinite(loudness.integrated)) {
    descriptors.numbers["loudness_lufs"] = loudness.integrated;
    descriptors.numbers["loudness_range_lu"] = loudness.range;
  }
  if (std::isfinite(loudness.true_peak)) descriptors.numbers["true_peak_dbtp"] = loudness.true_peak;
}

Analysis analyze_audio(const std::filesystem::path& path) {
  Analysis result;
  result.kind = "audio";
  const AudioInfo info = probe_audio(path);
  result.title = info.title;
  result.artist = info.artist;
  result.album = info.album;
  result.isrc = info.isrc;

  // The file streams through block by block. Loudness is that of the recording as it is, with its own channels and
  // rate; where those differ from what the descriptors hear, it takes a second pass.
  constexpr int kRate = FrameDescriptors::kSampleRate;
  static_assert(kRate == kLandmarkRate);
  const bool one_pass = info.sample_rate == kRate && info.channels == 1;
  FrameDescriber describer;
  PeakPicker picker(kTrackPeaks);
  std::optional<LoudnessMeter> meter;
  const auto measure = [&](const AudioBuffer& block) {
    if (!meter) meter.emplace(block.sample_rate, block.channels);
    meter->push(block);
  };
  std::string warning;
  DecodeLoss loss;
  const auto listen = [&](const AudioBuffer& block) {
    describer.push(block.channel(0));
    picker.push(block.channel(0));
    if (one_pass) measure(block);
    return true;
  };
  decode_blocks(path, DecodeOptions{}, listen, &warning, &loss);
  if (!one_pass) {
    DecodeOptions own;
    own.sample_rate = 0;
    own.channels = info.channels == 1 ? 1 : 2;
    const auto hear = [&](const AudioBuffer& block) {
      measure(block);
      return true;
    };
    decode_blocks(path, own, hear);
  }
  if (!warning.empty()) result.warnings.push_back(std::move(warning));

  const FrameDescriptors frames = describer.finish();
  result.duration = frames.seconds;
  if (loss.missing <= 0 && ends_early(path))
    result.warnings.push_back(fmt::format("the file ends after {:.2f} s, before its container does", result.duration));
  Descriptors& d = result.descriptors;
  if (meter) put_loudness(d, meter->result());
  const TempoEstimate tempo = estimate_tempo(frames.onset, FrameDescriptors::kHopSeconds);
  d.numbers["tempo_bpm"] = tempo.bpm;
  d.numbers["tempo_confidence"] = tempo.confidence;
  d.numbers["onsets_per_second"] =
      static_cast<double>(onset_frames(frames.onset, FrameDescriptors::kHopSeconds).size()) /
      std::max(frames.seconds, FrameDescriptors::kHopSeconds);
  d.numbers["tuning_cents"] = 100 * frames.tuning;
  constexpr double kShortestKey = 0.25;  // seconds: less is a click, of which no key can be told
  put_key(d, frames.seconds < kShortestKey ? KeyEstimate{} : estimate_key(frames));
  d.embedding_space = kAudioSpace;
  d.embedding = audio_features(frames);
  result.blobs.emplace(kLandmarksBlob, landmarks_blob(picker.finish()));
  return result;
}

/// The first chunk of a file with several holds the title where it has no notes of its own; sequencers put names of
/// their own there, which say nothing.
std::string title_of(const Score& score) {
  if (score.tracks.size() < 2 || !score.tracks.front().notes.empty()) return {};
  std::string lower = score.tracks.front().name;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const std::string_view empty_word : {"untitled", "tempo", "control", "conductor", "master", "track", "meta"}) {
    if (lower.find(empty_word) != std::string::npos) return {};
  }
  return score.tracks.front().name;
}

Analysis analyze_score(const std::filesystem::path& path) {
  Analysis result;
  result.kind = "score";
  ScoreReadResult read = read_score(path);
  const Score& score = read.score;
  result.warnings = std::move(read.mended);
  result.duration = score.duration().value;
  result.title = title_of(score);
  result.artist = std::move(read.composer);

  Descriptors& d = result.descriptors;
  const double quarters = static_cast<double>(score.end_tick()) / score.ticks_per_quarter;
  // Through the tempo map, so that a piece that slows down has the tempo it had on the whole.
  d.numbers["tempo_bpm"] = result.duration > 0     ? 60 * quarters / result.duration
                           : !score.tempos.empty() ? score.tempos.front().bpm()
                                                   : 120;
  d.numbers["tempo_confidence"] = score.tempos.empty() ? 0 : 1;  // written down, or only the standard's default
  d.numbers["notes"] = static_cast<double>(score.note_count());
  d.numbers["tracks"] =
      static_cast<double>(std::ranges::count_if(score.tracks, [](const Track& track) { return !track.notes.empty(); }));
  d.numbers["bars"] = static_cast<double>(score.bar_lines().size()) - 1;
  const TimeSignature& meter = score.meter_at(0);
  d.numbers["meter_numerator"] = meter.numerator;
  d.numbers["meter_denominator"] = meter.denominator;
  d.texts["meter"] = std::to_string(meter.numerator) + "/" + std::to_string(meter.denominator);
  put_key(d, estimate_key(pitch_class_durations(score)));
  ScoreProfile parts = profile(score);
  d.numbers.merge(parts.statistics);
  d.numbers.merge(describe(score));
  result.histograms["pitch_classes"].assign(parts.pitch_classes.begin(), parts.pitch_classes.end());
  result.histograms["intervals"].assign(parts.intervals.begin(), parts.intervals.end());
  result.instruments = std::move(parts.instruments);
  d.embedding_space = kScoreSpace;
  d.embedding = score_features(grid_notes(score));
  return result;
}

}  // namespace

bool holds_score(const std::filesystem::path& path) {
  return begins_as_score(path) || (is_score_file(path) && !begins_as_audio(path));
}

Analysis analyze_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    throw Error(Category::not_found, "analyze", path.string() + ": no such file");
  return holds_score(path) ? analyze_score(path) : analyze_audio(path);
}

}  // namespace euterpe
