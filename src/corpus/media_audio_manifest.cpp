#include "corpus/media_audio_manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/error.hpp"
#include "base/files.hpp"
#include "corpus/splits.hpp"
#include "media/decode.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

constexpr const char* kFormat = "euterpe-audio";
constexpr int kVersion = 1;

std::string kept_path(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return relative.empty() || *relative.begin() == ".." ? path.string() : relative.string();
}

fs::path folder_of(const fs::path& manifest) { return fs::absolute(manifest).lexically_normal().parent_path(); }

}  // namespace

void write_audio_manifest(const fs::path& path, AudioManifest& manifest) {
  const fs::path folder = folder_of(path);
  Splits splits;
  for (const AudioClip& c : manifest.clips) splits.add(c.group, c.split);
  manifest.split_hash = splits.hash();
  std::string text;
  const auto line = [&](const nlohmann::json& row) {
    text += row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  };
  line({{"format", kFormat},
        {"version", kVersion},
        {"data", manifest.data},
        {"left_out", manifest.counts},
        {"split_hash", manifest.split_hash},
        {"augment", manifest.augment}});
  for (const AudioClip& c : manifest.clips)
    line({{"id", c.id},
          {"path", kept_path(c.path, folder)},
          {"sha256", c.sha256},
          {"label", c.label},
          {"group", c.group},
          {"split", c.split},
          {"licence", c.licence},
          {"sample_rate", c.sample_rate},
          {"channels", c.channels},
          {"offset", c.offset},
          {"length", c.length},
          {"channel", c.channel},
          {"dc", c.dc},
          {"mended", c.mended},
          {"noted", c.noted}});
  for (const LeftOutClip& c : manifest.left_out)
    line({{"id", c.id}, {"path", kept_path(c.path, folder)}, {"left_out", c.reason}, {"detail", c.detail}});
  write_file(path, text);
  manifest.hash = sha256(text);
}

AudioManifest read_audio_manifest(const fs::path& path) {
  const std::string text = read_text(path);
  const fs::path folder = folder_of(path);
  AudioManifest manifest;
  Splits splits;
  std::istringstream in(text);
  std::string row;
  for (int number = 1; std::getline(in, row); ++number) {
    const auto broken = [&](const std::string& what) {
      throw Error(Category::bad_input, "read_audio_manifest", fmt::format("{}:{}: {}", path.string(), number, what),
                  "run prepare again");
    };
    try {
      const auto json = nlohmann::json::parse(row);
      const auto place = [&] { return (folder / json.at("path").get<std::string>()).lexically_normal(); };
      if (number == 1) {
        if (json.value("format", "") != kFormat) broken("this is no audio manifest");
        if (json.at("version").get<int>() > kVersion)
          throw Error(Category::newer_version, "read_audio_manifest",
                      fmt::format("{}: version {}, this program reads up to {}", path.string(),
                                  json.at("version").get<int>(), kVersion));
        manifest.data = json.at("data");
        manifest.counts = json.at("left_out").get<std::map<std::string, int>>();
        manifest.split_hash = json.at("split_hash");
        manifest.augment = json.at("augment");
      } else if (json.contains("left_out")) {
        manifest.left_out.push_back({json.at("id"), place(), json.at("left_out"), json.at("detail")});
      } else {
        AudioClip c;
        c.id = json.at("id");
        c.path = place();
        c.sha256 = json.at("sha256");
        c.label = json.at("label");
        c.group = json.at("group");
        c.split = json.at("split");
        c.licence = json.at("licence");
        c.sample_rate = json.at("sample_rate");
        c.channels = json.at("channels");
        c.offset = json.at("offset");
        c.length = json.at("length");
        c.channel = json.at("channel");
        c.dc = json.at("dc");
        c.mended = json.at("mended").get<std::vector<std::string>>();
        c.noted = json.at("noted").get<std::vector<std::string>>();
        if (c.split != "train" && c.split != "valid" && c.split != "test")
          broken(fmt::format("there is no split \"{}\"", c.split));
        if (!(c.offset >= 0) || !(c.length > 0) || c.channel < -1 || c.channel >= c.channels)
          broken("the part to be read makes no sense");
        splits.add(c.group, c.split);
        manifest.clips.push_back(std::move(c));
      }
    } catch (const nlohmann::json::exception& e) {
      broken(e.what());
    } catch (const Error& e) {
      if (e.operation() != "splits") throw;
      broken(e.detail());
    }
  }
  if (manifest.split_hash != splits.hash())
    throw Error(Category::bad_input, "read_audio_manifest",
                path.string() + ": the splits are not those that were written: lines are missing or were changed",
                "run prepare again");
  manifest.hash = sha256(text);
  return manifest;
}

AudioBuffer load_clip(const AudioClip& clip, int sample_rate, double start, double duration) {
  const double left = clip.length - start;
  const DecodeOptions options{.sample_rate = sample_rate,
                              .channels = clip.channel < 0 ? 1 : 0,
                              .start = clip.offset + start,
                              .duration = duration > 0 ? std::min(duration, left) : left};
  AudioBuffer audio = decode(clip.path, options);
  if (clip.channel >= 0) {
    const auto wanted = audio.channel(std::min(clip.channel, audio.channels - 1));
    audio.samples = std::vector<float>(wanted.begin(), wanted.end());
    audio.channels = 1;
  }
  for (float& v : audio.samples) v -= static_cast<float>(clip.dc);
  return audio;
}

}  // namespace euterpe
