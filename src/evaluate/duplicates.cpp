#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "base/temporary_folder.hpp"
#include "corpus/media_near_duplicates.hpp"
#include "evaluate/task.hpp"
#include "media/decode.hpp"
#include "media/encode.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

constexpr std::size_t kPlanted = 100;

/// What is done to a copy before it is written under another name.
struct Change {
  const char* name;
  const char* extension;
  int bitrate;  ///< bits a second, 0 = the format's default
  bool cut, gain;
};
constexpr Change kChanges[] = {
    {"mp3_32k", ".mp3", 32000, false, false},
    {"ogg_32k", ".ogg", 32000, false, false},
    {"trim", ".wav", 0, true, false},
    {"gain", ".wav", 0, false, true},
    {"trim_gain", ".flac", 0, true, true},
    {"mp3_48k_trim", ".mp3", 48000, true, false},
    {"ogg_48k_gain", ".ogg", 48000, false, true},
    {"mp3_32k_trim_gain", ".mp3", 32000, true, true},
    {"mp3_24k", ".mp3", 24000, false, false},
    {"ogg_32k_trim_gain", ".ogg", 32000, true, true},
};

/// Cut from the start or the end by a tenth to a half, −18 to +6 dB.
void change(AudioBuffer& audio, const Change& how, Random& random) {
  if (how.cut) {
    const auto keep = static_cast<std::size_t>(static_cast<double>(audio.frames()) * random.uniform(0.5, 0.9));
    const bool from_start = random.below(2) == 0;
    std::vector<float> kept;
    for (int c = 0; c < audio.channels; ++c) {
      const auto channel = std::as_const(audio).channel(c);
      const auto part = from_start ? channel.last(keep) : channel.first(keep);
      kept.insert(kept.end(), part.begin(), part.end());
    }
    audio.samples = std::move(kept);
  }
  if (how.gain) {
    const auto factor = static_cast<float>(std::pow(10, random.uniform(-18, 6) / 20));
    for (float& v : audio.samples) v *= factor;
  }
}

}  // namespace

nlohmann::json evaluate_duplicates(const EvaluateOptions& options) {
  const fs::path root = fs::is_directory(options.data / "emotify") ? options.data / "emotify" : options.data;
  std::vector<fs::path> files;
  for (const fs::path& path : walk_files({root}))
    if (is_audio_name(path)) files.push_back(path);
  if (options.limit > 0 && files.size() > static_cast<std::size_t>(options.limit))
    files.resize(static_cast<std::size_t>(options.limit));
  const std::size_t originals = files.size();
  if (originals < 2)
    throw Error(Category::not_found, "evaluate duplicates", root.string() + ": holds no two recordings");

  const TemporaryFolder folder("evaluate duplicates");

  std::vector<std::size_t> order(originals);
  for (std::size_t i = 0; i < originals; ++i) order[i] = i;
  Random random(options.seed);
  random.shuffle(order);
  const std::size_t planted = std::min(kPlanted, originals);
  files.resize(originals + planted);
  std::vector<std::size_t> source(files.size());
  for (std::size_t i = 0; i < originals; ++i) source[i] = i;
  const auto changed = [&](std::size_t k) -> const Change& { return kChanges[k % std::size(kChanges)]; };
  {
    Progress progress("plant", planted, "copies");
    parallel_for(planted, [&](std::size_t k) {
      check_interrupt();
      AudioBuffer audio = decode(files[order[k]], {.sample_rate = 0, .channels = 0});
      Random own = Random::stream(options.seed, k);
      const Change& how = changed(k);
      change(audio, how, own);
      const fs::path path = folder / fmt::format("{}{}", k, how.extension);
      encode(path, audio, {.bitrate = how.bitrate});
      files[originals + k] = path;
      source[originals + k] = order[k];
      progress.advance();
    });
  }
  std::vector<Constellation> prints(files.size());
  {
    Progress progress("hear", files.size(), "files");
    parallel_for(files.size(), [&](std::size_t i) {
      PeakPicker picker(kTrackPeaks);
      decode_blocks(files[i], {.sample_rate = kLandmarkRate, .channels = 1}, [&](const AudioBuffer& block) {
        check_interrupt();
        picker.push(block.channel(0));
        return true;
      });
      prints[i] = picker.finish();
      progress.advance();
    });
  }
  const auto pairs = find_near_duplicates(files, prints);

  // Of the set's own recordings some are one and the same; a copy of one of them is then rightly paired with the other.
  std::vector<DuplicatePair> own;
  for (const DuplicatePair& p : pairs)
    if (p.b < originals) own.push_back(p);
  const auto family = duplicate_families(originals, own);
  std::set<std::size_t> found;
  std::map<std::string, std::pair<int, int>> by_change;
  auto false_list = nlohmann::json::array(), others = nlohmann::json::array();
  const auto name = [&](std::size_t i) {
    return i < originals ? files[i].lexically_relative(root).generic_string()
                         : fmt::format("{} of {}", changed(i - originals).name,
                                       files[source[i]].lexically_relative(root).generic_string());
  };
  double weakest = 1;
  for (const DuplicatePair& p : pairs) {
    const nlohmann::json row{{"a", name(p.a)},
                             {"b", name(p.b)},
                             {"offset_seconds", p.offset},
                             {"overlap_seconds", p.overlap},
                             {"votes", p.votes},
                             {"correlation", p.correlation},
                             {"jitter_seconds", p.jitter},
                             {"gain_db", p.gain_db}};
    if (p.b < originals) {
      others.push_back(row);
    } else if (family[source[p.a]] != family[source[p.b]]) {
      false_list.push_back(row);
    } else if (source[p.a] == source[p.b]) {
      found.insert(p.b);
      weakest = std::min(weakest, p.correlation);
    }
  }
  auto missed = nlohmann::json::array();
  for (std::size_t k = 0; k < planted; ++k) {
    auto& [here, all] = by_change[changed(k).name];
    ++all;
    if (found.count(originals + k) > 0)
      ++here;
    else
      missed.push_back(name(originals + k));
  }
  auto conditions = nlohmann::json::object();
  for (const auto& [key, counts] : by_change) conditions[key] = {{"found", counts.first}, {"planted", counts.second}};
  return {{"files", originals},
          {"planted", planted},
          {"found", found.size()},
          {"false_pairs", false_list.size()},
          {"least_correlation_found", weakest},
          {"conditions", conditions},
          {"missed", missed},
          {"false", false_list},
          {"others", others}};
}

}  // namespace euterpe
