#include "corpus/media_prepare_audio.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <sstream>
#include <tuple>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "catalog/licence.hpp"
#include "corpus/datasets.hpp"
#include "media/decode.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

constexpr std::array<std::pair<std::string_view, GroupBy>, 3> kGroups{
    {{"artist", GroupBy::artist}, {"folder", GroupBy::folder}, {"file", GroupBy::file}}};

/// Sets that are known by what lies in their folder.
struct AudioSet {
  const char* name;
  const char* mark;  ///< a file or folder that only this set has
  const char* licence;
  bool commercial;
};
constexpr AudioSet kSets[] = {
    {"emotify", "votes.csv", "CC-BY-NC-SA (Magnatune): non-commercial", false},
    {"instruments", "Violin_or_fiddle", "MIT as its repository says (Freesound recordings)", true},
};

/// file → artist; empty where there is no such file.
std::map<std::string, std::string> read_artists(const fs::path& path) {
  std::map<std::string, std::string> artists;
  if (!fs::exists(path)) return artists;
  std::istringstream in(read_text(path));
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || number == 1) continue;
    const std::size_t comma = line.rfind(',');
    if (comma == std::string::npos)
      throw Error(Category::bad_input, "prepare",
                  fmt::format("{}:{}: expected file,artist, found \"{}\"", path.string(), number, line));
    artists[line.substr(0, comma)] = line.substr(comma + 1);
  }
  return artists;
}

/// One recording on its way.
struct Heard {
  const AudioItem* item = nullptr;
  std::size_t source = 0;
  std::string sha256, reason, detail;
  AudioFacts facts;
  Verdict verdict;
};

void hear(Heard& heard, const PrepareAudioOptions& options) {
  const AudioItem& item = *heard.item;
  try {
    heard.sha256 = sha256_file(item.path);
    if (options.forbidden.count(heard.sha256) > 0) {
      heard.reason = "may_train = no";
      return;
    }
    heard.facts = examine_audio(item.path);
    heard.verdict = judge(heard.facts, options.limits);
    heard.reason = heard.verdict.left_out;
    heard.detail = heard.verdict.detail;
  } catch (const Error& e) {
    if (e.category() == Category::interrupted) throw;
    heard.reason = "unreadable";
    heard.detail = e.what();
  }
}

std::string artist_of(const fs::path& path) {
  try {
    return probe_audio(path).artist;
  } catch (const Error&) {
    return {};
  }
}

/// Of several files with the same key the one that comes first stays.
void leave_out_doubles(std::vector<Heard>& all, const char* reason, std::string (*key)(const Heard&)) {
  std::map<std::string, const Heard*> known;
  for (Heard& h : all) {
    if (!h.reason.empty()) continue;
    const auto [at, fresh] = known.try_emplace(key(h), &h);
    if (fresh) continue;
    h.reason = reason;
    h.detail = "the same as " + at->second->item->id;
  }
}

void leave_out_near_duplicates(std::vector<Heard>& all, const DuplicateOptions& options) {
  std::vector<std::size_t> kept;
  std::vector<fs::path> files;
  std::vector<Constellation> prints;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].reason.empty()) continue;
    kept.push_back(i);
    files.push_back(all[i].item->path);
    prints.push_back(std::move(all[i].facts.print));
  }
  // The best first, so that a recording goes only if one that stays holds part of it.
  std::vector<std::size_t> order(kept.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto worth = [&](std::size_t i) {
    const Heard& h = all[kept[i]];
    return std::tuple(-std::lround(h.verdict.length), h.verdict.mended.size(), -std::lround(h.facts.bandwidth / 500));
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return worth(a) < worth(b); });
  std::vector<std::size_t> rank(order.size());
  for (std::size_t r = 0; r < order.size(); ++r) rank[order[r]] = r;
  std::map<std::size_t, std::vector<const DuplicatePair*>> pairs_of;
  const auto pairs = find_near_duplicates(files, prints, options);
  for (const DuplicatePair& p : pairs) pairs_of[rank[p.a] > rank[p.b] ? p.a : p.b].push_back(&p);
  for (const std::size_t i : order) {
    for (const DuplicatePair* p : pairs_of[i]) {
      const std::size_t other = p->a == i ? p->b : p->a;
      if (!all[kept[other]].reason.empty()) continue;
      Heard& h = all[kept[i]];
      h.reason = "near duplicate";
      h.detail = fmt::format("shares {:.1f} s with {}, correlation {:.3f}", p->overlap, all[kept[other]].item->id,
                             p->correlation);
      break;
    }
  }
}

}  // namespace

GroupBy group_by(std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& [text, by] : kGroups) {
    if (text == name) return by;
    names.push_back(text);
  }
  throw Error(Category::usage, "prepare",
              fmt::format("\"{}\" is nothing to group by, there are: {}", name, fmt::join(names, ", ")));
}

AudioSource audio_source_from_folder(const fs::path& folder, GroupBy by) {
  AudioSource source;
  const fs::path named = fs::absolute(folder).lexically_normal();
  fs::path root = fs::is_directory(named) && named.has_filename() ? named : named.parent_path();
  // A class of a set, or one recording of it, named alone is no less the set's: its licence and its artists hold.
  const AudioSet* known = nullptr;
  for (const fs::path& place : {root, root.parent_path()})
    for (const AudioSet& set : kSets)
      if (!known && fs::exists(place / set.mark)) {
        known = &set;
        root = place;
      }
  source.name = known ? known->name : root.filename().string();
  source.licence = known ? known->licence : "the user's own";
  source.commercial = !known || known->commercial;
  const auto artists = read_artists(root / "artists.csv");
  for (const fs::path& path : walk_files({named})) {
    if (path != named && !is_audio_name(path)) continue;  // a file that the user names is taken at its word
    const fs::path relative = path.lexically_relative(root);
    AudioItem item;
    item.id = source.name + "/" + relative.generic_string();
    item.path = path;
    if (std::distance(relative.begin(), relative.end()) > 1) item.label = relative.begin()->string();
    item.licence = source.licence;
    if (by == GroupBy::file) {
      item.group = item.id;
    } else if (by == GroupBy::folder) {
      item.group = source.name + "/" + relative.parent_path().generic_string();
    } else if (const auto at = artists.find(relative.generic_string()); at != artists.end()) {
      item.group = source.name + "/" + at->second;
    }
    source.items.push_back(std::move(item));
  }
  if (source.items.empty()) throw Error(Category::not_found, "prepare", folder.string() + ": holds no audio file");
  return source;
}

AudioSource audio_source_from_catalog(Catalog& catalog, GroupBy by) {
  AudioSource source;
  source.name = "catalog";
  std::set<std::string> licences;
  for (const TrackRecord& track : catalog.tracks()) {
    if (track.kind != "audio") continue;
    const RightsRecord rights = catalog.rights(track.id);
    if (!rights.may_train) {
      ++source.left_out["may_train = no"];
      continue;
    }
    // Rights belong to content: a file that changed since ingest is another track, with rights nobody has stated.
    try {
      if (sha256_file(track.path) != track.id) {
        ++source.left_out["changed since ingest"];
        continue;
      }
    } catch (const Error& e) {
      spdlog::warn("left out {}: {}", track.path, e.what());
      ++source.left_out["unreadable"];
      continue;
    }
    AudioItem item;
    item.id = "catalog/" + track.id;
    item.path = track.path;
    item.licence = rights.licence;
    if (by == GroupBy::folder) item.group = "catalog/" + item.path.parent_path().string();
    if (by == GroupBy::file) item.group = item.id;
    if (by == GroupBy::artist && !track.artist.empty()) item.group = "artist/" + track.artist;
    if (!rights.licence.empty()) licences.insert(rights.licence);
    if (!allows_commercial_use(rights.licence)) source.commercial = false;
    source.items.push_back(std::move(item));
  }
  source.licence = licences.empty() ? "not stated" : fmt::format("{}", fmt::join(licences, "; "));
  return source;
}

AudioManifest prepare_audio(std::span<const AudioSource> sources, const PrepareAudioOptions& options) {
  AudioManifest manifest;
  std::vector<Heard> all;
  for (std::size_t s = 0; s < sources.size(); ++s) {
    for (const auto& [reason, count] : sources[s].left_out) manifest.counts[reason] += count;
    for (const AudioItem& item : sources[s].items) {
      all.push_back({});
      all.back().item = &item;
      all.back().source = s;
    }
  }
  {
    Progress progress("hear", all.size(), "files");
    parallel_for(all.size(), [&](std::size_t i) {
      check_interrupt();
      hear(all[i], options);
      progress.advance();
    });
  }
  leave_out_doubles(all, "exact double", [](const Heard& h) { return h.sha256; });
  leave_out_doubles(all, "the same sound", [](const Heard& h) { return h.facts.sound; });
  if (!options.keep_near_duplicates) leave_out_near_duplicates(all, options.duplicates);

  std::vector<int> kept(sources.size(), 0), train(sources.size(), 0);
  for (Heard& h : all) {
    const AudioItem& item = *h.item;
    if (!h.reason.empty()) {
      ++manifest.counts[h.reason];
      manifest.left_out.push_back({item.id, item.path, h.reason, h.detail});
      continue;
    }
    AudioClip clip;
    clip.id = item.id;
    clip.path = fs::absolute(item.path).lexically_normal();
    clip.sha256 = h.sha256;
    clip.label = item.label;
    clip.group = item.group;
    if (clip.group.empty()) {
      const std::string artist = artist_of(item.path);
      clip.group = artist.empty() ? item.id : "artist/" + artist;
    }
    clip.split = split_of(clip.group);
    clip.licence = item.licence;
    clip.sample_rate = h.facts.sample_rate;
    clip.channels = h.facts.channels;
    clip.offset = h.verdict.offset;
    clip.length = h.verdict.length;
    clip.channel = h.verdict.channel;
    clip.dc = h.verdict.dc;
    clip.mended = h.verdict.mended;
    clip.noted = h.verdict.noted;
    ++kept[h.source];
    train[h.source] += clip.split == "train";
    manifest.clips.push_back(std::move(clip));
  }
  for (std::size_t s = 0; s < sources.size(); ++s)
    manifest.data.push_back({{"name", sources[s].name},
                             {"licence", sources[s].licence},
                             {"commercial", sources[s].commercial},
                             {"clips", kept[s]},
                             {"train", train[s]}});
  return manifest;
}

}  // namespace euterpe
