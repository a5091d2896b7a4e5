#pragma once
/// What a model of recordings can learn from: a list of cleaned ones, where they lie and how each is to be read,
/// instead of a copy of their samples.
///
/// JSON Lines. The first line is {format: "euterpe-audio", version, data: [{name, licence, commercial, clips}],
/// left_out: {reason: count}, split_hash, augment: [step]}; then one object for each recording kept, {id, path, sha256,
/// label, group, split, licence, sample_rate, channels, offset, length, channel, dc, mended, noted}, and after them one
/// for each left out, {id, path, left_out, detail}. Paths below the manifest's own folder are kept relative to it, so
/// that both can be moved together.
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "media/audio_buffer.hpp"

namespace euterpe {

struct AudioClip {
  std::string id;              ///< "emotify/rock/1.mp3"
  std::filesystem::path path;  ///< absolute
  std::string sha256;          ///< of the file's content
  std::string label;           ///< class where the source names one (genre, instrument, the first folder), else empty
  std::string group;           ///< artist, album or the file itself: a split never divides it
  std::string split;           ///< "train", "valid" or "test"
  std::string licence;
  int sample_rate = 0, channels = 0;  ///< the file's own
  double offset = 0, length = 0;      ///< seconds: the useful part
  int channel = -1;                   ///< the only one to be heard, −1 = the mean of all
  double dc = 0;                      ///< to be subtracted
  std::vector<std::string> mended, noted;
};

struct LeftOutClip {
  std::string id;
  std::filesystem::path path;
  std::string reason, detail;
};

struct AudioManifest {
  std::vector<AudioClip> clips;
  std::vector<LeftOutClip> left_out;
  nlohmann::json data = nlohmann::json::array();  ///< per source: {name, licence, commercial, clips, train}
  std::map<std::string, int> counts;              ///< reason → how many were left out, nameless ones included
  /// What a trainer does to each clip before it learns from it: AudioAugmentation::from_json(). Empty: nothing.
  nlohmann::json augment = nlohmann::json::array();
  std::string split_hash;  ///< see Splits::hash()
  std::string hash;        ///< SHA-256 of the file, what a card carries as its manifest_hash
};

/// Fills in split_hash and hash. Throws Error{io}, and Error{bad_input} if a group stands in two splits.
void write_audio_manifest(const std::filesystem::path& path, AudioManifest& manifest);
/// Error{bad_input} naming the line, Error{newer_version}.
AudioManifest read_audio_manifest(const std::filesystem::path& path);

/// The useful part of a clip, mono at `sample_rate`, its defects mended.
/// \param start, duration seconds within the useful part; duration 0 = to its end
/// Throws as decode() does.
AudioBuffer load_clip(const AudioClip& clip, int sample_rate, double start = 0, double duration = 0);

}  // namespace euterpe
