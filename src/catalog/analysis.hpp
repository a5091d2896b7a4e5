#pragma once
/// What is heard in one file: the attributes, descriptors and derived data that the catalog keeps of it.
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"

namespace euterpe {

struct Analysis {
  std::string kind;                        ///< "audio" or "score"
  double duration = 0;                     ///< seconds
  std::string title, artist, album, isrc;  ///< from tags or a score's texts, UTF-8, empty where absent
  Descriptors descriptors;
  std::map<std::string, std::vector<double>> histograms;  ///< scores alone, not kept: pitch_classes, intervals
  std::map<std::string, double> instruments;              ///< scores alone, not kept: family and its share of the notes
  std::map<std::string, std::vector<std::uint8_t>> blobs;  ///< large derived data by name: "landmarks.v1" (audio)
  std::vector<std::string> warnings;                       ///< what was damaged in the file and how it was read
};

/// What a file is taken for: a score or a recording by its content; by its name where that says nothing.
bool holds_score(const std::filesystem::path& path);

/// Analyzes an audio, MIDI or MusicXML file (told apart by content, then by name). Thread-safe.
///
/// numbers: tempo_bpm (quarter notes a minute; 0 if there is no pulse), tempo_confidence 0–1, key_confidence 0–1;
///   audio also loudness_lufs, loudness_range_lu, true_peak_dbtp (absent for silence), onsets_per_second,
///   tuning_cents; score also notes, tracks, bars, meter_numerator, meter_denominator and the statistics of
///   profile() and the figures of describe() (polyphony, which both have, is profile()'s).
/// texts: key ("A minor"; absent if nothing sounds), meter ("4/4", scores alone).
/// Embedding: audio_features() as "audio.v1", score_features() as "score.v1".
/// Throws Error{not_found | bad_input} naming the file and the place in it.
Analysis analyze_file(const std::filesystem::path& path);

}  // namespace euterpe
