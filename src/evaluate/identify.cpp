#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <mutex>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "evaluate/degrade.hpp"
#include "evaluate/task.hpp"
#include "media/decode.hpp"
#include "protect/identify.hpp"
#include "protect/landmark_index.hpp"
#include "signal/landmarks.hpp"

namespace euterpe {
namespace {

constexpr double kStrangers = 0.25;
constexpr double kOffsetTolerance = 1.0;  // seconds

double thread_cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct Query {
  std::string name, condition, track;  ///< track: id, empty for a stranger
  double offset = -1;                  ///< seconds in the track, −1 if not known
  double seconds = 0;
  std::string found;  ///< the best candidate's id, accepted or not
  double found_offset = 0, score = 0, cpu_seconds = 0;
  bool done = false;
};

struct IndexedFolder {
  std::vector<std::uint8_t> bytes;
  std::map<std::string, std::string> id_of;  ///< by path below the folder, and by file name where that is unique
  double seconds = 0, landmark_cpu = 0, total_cpu = 0;
  std::size_t tracks = 0;
};

std::vector<std::filesystem::path> audio_below(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& path : walk_files({folder}))
    if (is_audio_name(path)) files.push_back(path);
  if (files.empty()) throw Error(Category::not_found, "evaluate identify", folder.string() + ": no audio files there");
  return files;
}

std::vector<float> load(const std::filesystem::path& path) {
  return decode(path, {.sample_rate = kLandmarkRate, .channels = 1}).samples;
}

IndexedFolder index_files(const std::vector<std::filesystem::path>& files, const std::vector<std::string>& ids) {
  IndexedFolder result;
  std::vector<Constellation> found(files.size());
  std::mutex mutex;
  Progress progress("index", files.size(), "files");
  parallel_for(files.size(), [&](std::size_t i) {
    check_interrupt();
    const double start = thread_cpu_seconds();
    const std::vector<float> mono = load(files[i]);
    const double decoded = thread_cpu_seconds();
    found[i] = constellation(mono, kTrackPeaks);
    const double end = thread_cpu_seconds();
    progress.advance();
    const std::lock_guard lock(mutex);
    result.seconds += static_cast<double>(mono.size()) / kLandmarkRate;
    result.landmark_cpu += end - decoded;
    result.total_cpu += end - start;
  });
  const double start = thread_cpu_seconds();
  LandmarkIndexBuilder builder;
  for (std::size_t i = 0; i < files.size(); ++i) builder.add(ids[i], found[i]);
  result.bytes = builder.finish();
  result.tracks = files.size();
  const double spent = thread_cpu_seconds() - start;
  result.landmark_cpu += spent;
  result.total_cpu += spent;
  return result;
}

void ask(const LandmarkIndex& index, std::span<const float> mono, Query& query) {
  const double start = thread_cpu_seconds();
  const auto matches = identify(index, mono, {.top = 1});
  query.cpu_seconds = thread_cpu_seconds() - start;
  query.seconds = static_cast<double>(mono.size()) / kLandmarkRate;
  query.done = true;
  if (matches.empty()) return;
  query.found = matches.front().id;
  query.score = matches.front().score;
  query.found_offset = matches.front().offset - matches.front().begin;
}

/// Correlation coefficient of a second of sound from the middle of the matched stretch, at the best lag within a tenth
/// of a second.
double waveform_correlation(std::span<const float> query, std::span<const float> track, const Match& match) {
  const auto middle = static_cast<std::ptrdiff_t>((match.begin + match.end) / 2 * kLandmarkRate);
  const auto lag = static_cast<std::ptrdiff_t>((match.offset - match.begin) * kLandmarkRate);
  double best = 0;
  for (std::ptrdiff_t d = lag - kLandmarkRate / 10; d <= lag + kLandmarkRate / 10; ++d) {
    const std::ptrdiff_t first = std::max<std::ptrdiff_t>(middle, -d);
    const std::ptrdiff_t last = std::min({middle + kLandmarkRate, static_cast<std::ptrdiff_t>(query.size()),
                                          static_cast<std::ptrdiff_t>(track.size()) - d});
    double cross = 0, energy = 0, other = 0;
    for (std::ptrdiff_t t = first; t < last; ++t) {
      const float x = query[static_cast<std::size_t>(t)], y = track[static_cast<std::size_t>(t + d)];
      cross += x * y;
      energy += x * x;
      other += y * y;
    }
    if (energy > 0 && other > 0) best = std::max(best, std::abs(cross) / std::sqrt(energy * other));
  }
  return best;
}

/// The same recording under two names would be a stranger and a track at once: of such a group the first stays. The
/// matcher only proposes pairs, the waveforms decide (0.9), so that a false match cannot excuse itself. Returns how
/// many went.
int leave_out_duplicates(std::vector<std::filesystem::path>& files, std::vector<std::string>& ids) {
  constexpr double kSameRecording = 0.9;
  parallel_for(files.size(), [&](std::size_t i) { ids[i] = sha256_file(files[i]); });
  const IndexedFolder all = index_files(files, ids);
  const LandmarkIndex index(all.bytes);
  std::vector<char> out(files.size(), 0);
  Progress progress("look for duplicates", files.size(), "files");
  parallel_for(files.size(), [&](std::size_t i) {
    check_interrupt();
    const std::vector<float> mono = load(files[i]);
    for (const Match& m : identify(index, mono))
      if (m.track < i && m.score >= kIdentifyThreshold &&
          (ids[m.track] == ids[i] || waveform_correlation(mono, load(files[m.track]), m) >= kSameRecording)) {
        spdlog::debug("{} is the same recording as {}", files[i].string(), files[m.track].string());
        out[i] = 1;
      }
    progress.advance();
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (out[i] != 0) continue;
    files[kept] = files[i];
    ids[kept++] = ids[i];
  }
  files.resize(kept);
  ids.resize(kept);
  return static_cast<int>(std::count(out.begin(), out.end(), 1));
}

/// Excerpts of every file under every condition; those of `strangers` are in no index.
std::vector<Query> make_queries(const LandmarkIndex& index, const std::vector<std::filesystem::path>& files,
                                const std::vector<std::string>& ids, const std::vector<bool>& stranger,
                                const std::vector<std::string>& conditions, std::span<const float> impulse_response,
                                std::uint64_t seed) {
  std::vector<Query> queries(files.size() * conditions.size());
  Progress progress("identify", files.size(), "files");
  parallel_for(files.size(), [&](std::size_t i) {
    const std::vector<float> mono = load(files[i]);
    for (std::size_t c = 0; c < conditions.size(); ++c) {
      check_interrupt();
      const auto length = static_cast<std::size_t>(excerpt_seconds(conditions[c]) * kLandmarkRate);
      if (mono.size() < length) continue;
      Random random = Random::stream(seed, i * conditions.size() + c);
      const std::size_t at = random.below(mono.size() - length + 1);
      const auto heard = degrade(std::span(mono).subspan(at, length), conditions[c], random.next(), impulse_response);
      Query& query = queries[i * conditions.size() + c];
      query.name = files[i].string();
      query.condition = conditions[c];
      query.track = stranger[i] ? "" : ids[i];
      query.offset = static_cast<double>(at) / kLandmarkRate;
      ask(index, heard, query);
    }
    progress.advance();
  });
  std::erase_if(queries, [](const Query& q) { return !q.done; });
  return queries;
}

std::vector<std::string> csv_fields(std::string line) {
  if (line.ends_with('\r')) line.pop_back();
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

/// Columns query,track,condition and, if there, offset (seconds), in any order.
std::vector<Query> read_truth(const std::filesystem::path& path, const IndexedFolder& folder) {
  std::ifstream in(path);
  if (!in) throw Error(Category::not_found, "evaluate identify", path.string() + ": cannot be opened");
  std::string line;
  std::getline(in, line);
  const auto head = csv_fields(line);
  const auto column = [&](const char* name, bool needed) {
    const auto at = std::find(head.begin(), head.end(), name);
    if (at == head.end() && needed)
      throw Error(Category::bad_input, "evaluate identify", fmt::format("{}:1: no column \"{}\"", path.string(), name),
                  "the columns are query,track,condition and, if known, offset");
    return static_cast<std::size_t>(at - head.begin());
  };
  const std::size_t query = column("query", true), track = column("track", true);
  const std::size_t condition = column("condition", true), offset = column("offset", false);
  std::vector<Query> queries;
  for (int number = 2; std::getline(in, line); ++number) {
    if (line.empty() || line == "\r") continue;
    auto fields = csv_fields(line);
    const auto bad = [&](const std::string& what) {
      throw Error(Category::bad_input, "evaluate identify", fmt::format("{}:{}: {}", path.string(), number, what));
    };
    if (fields.size() != head.size()) bad(fmt::format("{} fields, the header has {}", fields.size(), head.size()));
    Query q;
    q.name = fields[query];
    q.condition = fields[condition];
    if (!fields[track].empty()) {
      const auto at = folder.id_of.find(fields[track]);
      if (at == folder.id_of.end()) bad(fmt::format("track \"{}\" is not in the indexed folder", fields[track]));
      q.track = at->second;
    }
    if (offset < fields.size() && !fields[offset].empty()) {
      try {
        q.offset = std::stod(fields[offset]);
      } catch (const std::exception&) {
        bad(fmt::format("offset \"{}\" is no number", fields[offset]));
      }
    }
    queries.push_back(std::move(q));
  }
  if (queries.empty()) throw Error(Category::bad_input, "evaluate identify", path.string() + ": no queries in it");
  return queries;
}

/// The documented threshold, or more where one half of the strangers demands more; the other half is counted.
nlohmann::json report(const std::vector<Query>& queries, std::uint64_t seed) {
  std::set<std::string> names;
  for (const Query& q : queries)
    if (q.track.empty()) names.insert(q.name);
  std::vector<std::string> shuffled(names.begin(), names.end());
  Random random = Random::stream(seed, 0x51A6E5);
  random.shuffle(shuffled);
  const std::set<std::string> fixing(shuffled.begin(),
                                     shuffled.begin() + static_cast<std::ptrdiff_t>(shuffled.size() / 2));

  double highest = -1e9;
  for (const Query& q : queries)
    if (fixing.contains(q.name) && q.track.empty()) highest = std::max(highest, q.score);
  const double threshold = std::max(kIdentifyThreshold, std::nextafter(highest, 1e9));

  struct Tally {
    int queries = 0, right = 0, strangers = 0, false_accepts = 0, wrong = 0;
    double highest_stranger = -1e9;
  };
  std::map<std::string, Tally> tallies;
  double cpu = 0;
  for (const Query& q : queries) {
    Tally& t = tallies[q.condition];
    cpu += q.cpu_seconds;
    const bool accepted = q.score >= threshold;
    if (q.track.empty()) {
      t.highest_stranger = std::max(t.highest_stranger, q.score);
      if (fixing.contains(q.name)) continue;
      ++t.strangers;
      t.false_accepts += accepted ? 1 : 0;
      if (accepted)
        spdlog::debug("{}, {}: a stranger taken for {} (score {:.1f})", q.name, q.condition, q.found, q.score);
    } else {
      ++t.queries;
      const bool place = q.offset < 0 || std::abs(q.found_offset - q.offset) <= kOffsetTolerance;
      const bool right = accepted && q.found == q.track && place;
      t.right += right ? 1 : 0;
      t.wrong += accepted && q.found != q.track ? 1 : 0;
      if (!right)
        spdlog::debug("{}, {}: {} (score {:.1f}, at {:.2f} s, is at {:.2f} s)", q.name, q.condition,
                      !accepted            ? "missed"
                      : q.found != q.track ? "another track"
                                           : "another place",
                      q.score, q.found_offset, q.offset);
    }
  }
  nlohmann::json conditions = nlohmann::json::object();
  for (const auto& [name, t] : tallies) {
    conditions[name] = {{"queries", t.queries},
                        {"strangers", t.strangers},
                        {"false_accepts", t.false_accepts},
                        {"wrong_track", t.wrong}};
    conditions[name]["recall"] =
        t.queries > 0 ? nlohmann::json(static_cast<double>(t.right) / t.queries) : nlohmann::json(nullptr);
    if (t.highest_stranger > -1e9) conditions[name]["highest_stranger_score"] = t.highest_stranger;
  }
  return {{"conditions", conditions},
          {"threshold", threshold},
          {"queries", queries.size()},
          {"strangers_that_fix_the_threshold", fixing.size()},
          {"query_cpu_ms", queries.empty() ? 0.0 : 1000 * cpu / static_cast<double>(queries.size())}};
}

void add_index_keys(nlohmann::json& result, const IndexedFolder& folder) {
  const double hours = folder.seconds / 3600;
  result["tracks"] = folder.tracks;
  result["index_hours"] = hours;
  result["index_mb_per_hour"] = static_cast<double>(folder.bytes.size()) / 1e6 / hours;
  result["index_times_real_time"] = folder.seconds / folder.landmark_cpu;
  result["index_times_real_time_with_decoding"] = folder.seconds / folder.total_cpu;
  result["index_times_real_time_is"] =
      "seconds of audio per CPU second of one core: landmarks and index, audio decoded";
}

std::string option(const EvaluateOptions& options, const char* name) {
  const auto at = options.extra.find(name);
  return at == options.extra.end() ? std::string() : at->second;
}

nlohmann::json given_queries(const EvaluateOptions& options, const std::filesystem::path& index_from) {
  const std::filesystem::path folder = option(options, "queries"), truth = option(options, "truth");
  if (folder.empty() || truth.empty())
    throw Error(Category::usage, "evaluate identify", "--index-from needs --queries and --truth beside it");
  const auto files = audio_below(index_from);
  std::vector<std::string> ids;
  std::map<std::string, std::string> id_of;
  for (const auto& path : files) {
    const std::string relative = std::filesystem::relative(path, index_from).generic_string();
    ids.push_back(sha256(relative));
    id_of.emplace(path.filename().string(), ids.back());
    id_of.emplace(path.stem().string(), ids.back());
    id_of.emplace(std::filesystem::path(relative).replace_extension().generic_string(), ids.back());
  }
  for (std::size_t i = 0; i < files.size(); ++i)
    id_of[std::filesystem::relative(files[i], index_from).generic_string()] = ids[i];
  IndexedFolder indexed = index_files(files, ids);
  indexed.id_of = std::move(id_of);
  const LandmarkIndex index(indexed.bytes);
  std::vector<Query> queries = read_truth(truth, indexed);
  if (options.limit > 0 && queries.size() > static_cast<std::size_t>(options.limit))
    queries.resize(static_cast<std::size_t>(options.limit));
  Progress progress("identify", queries.size(), "queries");
  parallel_for(queries.size(), [&](std::size_t i) {
    check_interrupt();
    ask(index, load(folder / queries[i].name), queries[i]);
    progress.advance();
  });
  nlohmann::json result = report(queries, options.seed);
  add_index_keys(result, indexed);
  return result;
}

}  // namespace

nlohmann::json evaluate_identify(const EvaluateOptions& options) {
  if (const std::string from = option(options, "index-from"); !from.empty()) return given_queries(options, from);

  auto files = audio_below(options.data);
  Random random = Random::stream(options.seed, 0x1DE47);
  random.shuffle(files);
  if (options.limit > 0 && files.size() > static_cast<std::size_t>(options.limit))
    files.resize(static_cast<std::size_t>(options.limit));
  std::vector<std::string> ids(files.size());
  const int duplicates = leave_out_duplicates(files, ids);
  const auto strangers = static_cast<std::size_t>(std::ceil(kStrangers * static_cast<double>(files.size())));
  if (strangers < 2 || files.size() - strangers < 1)
    throw Error(Category::bad_input, "evaluate identify", fmt::format("{} recordings are too few", files.size()),
                "at least 5 are needed, of which a quarter stays out of the index");
  std::vector<bool> stranger(files.size(), false);
  std::fill_n(stranger.begin(), strangers, true);
  const std::vector known_files(files.begin() + static_cast<std::ptrdiff_t>(strangers), files.end());
  const std::vector known_ids(ids.begin() + static_cast<std::ptrdiff_t>(strangers), ids.end());

  std::filesystem::path impulse = option(options, "impulse-response");
  for (const auto& folder : {options.data, options.data.parent_path(), options.data.parent_path().parent_path()})
    if (impulse.empty() && std::filesystem::exists(folder / "noises" / "rir_clap.wav"))
      impulse = folder / "noises" / "rir_clap.wav";
  const std::vector<float> impulse_response = load_impulse_response(impulse);

  const IndexedFolder indexed = index_files(known_files, known_ids);
  const LandmarkIndex index(indexed.bytes);
  std::vector<std::string> conditions = degradation_names();
  if (const std::string chosen = option(options, "conditions"); !chosen.empty()) conditions = csv_fields(chosen);
  const auto queries = make_queries(index, files, ids, stranger, conditions, impulse_response, options.seed);
  nlohmann::json result = report(queries, options.seed);
  add_index_keys(result, indexed);
  result["duplicates_left_out"] = duplicates;
  result["impulse_response"] = impulse.empty() ? "synthetic" : impulse.filename().string();
  return result;
}

}  // namespace euterpe
