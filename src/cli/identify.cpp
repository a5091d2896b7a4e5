#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "catalog/catalog.hpp"
#include "cli/command.hpp"
#include "media/decode.hpp"
#include "protect/catalog_index.hpp"
#include "protect/identify.hpp"

namespace euterpe {
namespace {

struct IdentifyFlags {
  std::vector<std::string> files;
  std::string index;
  int top = 1;
};

struct Answer {
  std::vector<Match> matches;
  double seconds = 0;
  bool silent = false;
  std::optional<Error> error;
};

Answer answer(const LandmarkIndex& index, const std::string& file, std::size_t top) {
  Answer result;
  try {
    check_interrupt();
    const AudioBuffer audio = decode(file, {.sample_rate = kLandmarkRate, .channels = 1});
    result.seconds = audio.duration().value;
    if (result.seconds < kIdentifyMinSeconds)
      throw Error(
          Category::bad_input, "identify",
          fmt::format("{}: {:.2f} s of audio; at least {:.0f} s are needed", file, result.seconds, kIdentifyMinSeconds),
          "five seconds or more give a sure answer");
    constexpr float kSilence = 1e-4F;  // −80 dB
    result.silent =
        std::all_of(audio.samples.begin(), audio.samples.end(), [](float x) { return std::abs(x) < kSilence; });
    result.matches = identify(index, audio.samples, {.top = top});
  } catch (const Error& e) {
    if (e.category() == Category::interrupted) throw;
    result.error = e;
  }
  return result;
}

bool accepted(const Match& m) { return m.score >= kIdentifyThreshold; }

std::string clock_time(double seconds) {
  const double tenths = std::round(std::abs(seconds) * 10);
  const int minutes = static_cast<int>(tenths / 600);
  return fmt::format("{}{}:{:04.1f}", seconds < 0 && tenths > 0 ? "-" : "", minutes, tenths / 10 - 60.0 * minutes);
}

/// The catalog's record of a match; without a catalog the id alone.
TrackRecord record(Catalog* catalog, const Match& m) {
  if (catalog != nullptr)
    if (auto found = catalog->track(m.id)) return *found;
  TrackRecord bare;
  bare.id = m.id;
  return bare;
}

nlohmann::json to_json(const Match& m, const TrackRecord& track) {
  return {{"track", m.id},
          {"title", track.title},
          {"artist", track.artist},
          {"path", track.path},
          {"offset", m.offset},
          {"query_begin", m.begin},
          {"query_end", m.end},
          {"score", m.score},
          {"contrast", m.contrast},
          {"peaks_matched", m.matched},
          {"peaks_compared", m.compared},
          {"peaks_expected_by_chance", m.expected},
          {"accepted", accepted(m)}};
}

nlohmann::json to_json(const std::string& file, const Answer& a, Catalog* catalog) {
  nlohmann::json result{{"file", file}, {"match", nullptr}, {"threshold", kIdentifyThreshold}};
  if (a.error) {
    result["error"] = {{"category", name(a.error->category())}, {"detail", a.error->detail()}};
    return result;
  }
  result["seconds"] = a.seconds;
  result["candidates"] = nlohmann::json::array();
  for (const Match& m : a.matches) result["candidates"].push_back(to_json(m, record(catalog, m)));
  if (!a.matches.empty() && accepted(a.matches.front())) result["match"] = result["candidates"].front();
  return result;
}

void print_text(const std::string& file, const Answer& a, Catalog* catalog) {
  if (a.error) return;
  if (a.matches.empty() || !accepted(a.matches.front()))
    fmt::print("{}: no match{}\n", file, a.silent ? " (silence)" : "");
  else
    fmt::print("{}\n", file);
  for (const Match& m : a.matches) {
    if (!accepted(m) && a.matches.size() == 1) continue;
    const TrackRecord track = record(catalog, m);
    std::string title = !track.title.empty() ? track.title : std::filesystem::path(track.path).filename().string();
    if (!track.artist.empty()) title = track.artist + ": " + title;
    fmt::print("  {}  {:<32}  at {:>7}  score {:6.1f}  {} of {} peaks, {:.0f} by chance{}\n", m.id.substr(0, 12), title,
               clock_time(m.offset), m.score, m.matched, m.compared, m.expected, accepted(m) ? "" : "  (not accepted)");
    if (m.begin > 0)
      fmt::print("  {:12}  heard from {} to {} of the file\n", "", clock_time(m.begin), clock_time(m.end));
  }
}

void run_identify(const IdentifyFlags& flags, const Context& context) {
  std::unique_ptr<Catalog> catalog;
  if (flags.index.empty()) catalog = open_catalog(context.catalog);
  const LandmarkIndex index = catalog                                      ? open_catalog_index(*catalog)
                              : std::filesystem::is_directory(flags.index) ? LandmarkIndex(index_path(flags.index))
                                                                           : LandmarkIndex(flags.index);
  if (index.tracks() == 0) spdlog::warn("the index holds no audio track: `euterpe ingest PATH` fills the catalog");

  std::vector<Answer> answers(flags.files.size());
  parallel_for(flags.files.size(),
               [&](std::size_t i) { answers[i] = answer(index, flags.files[i], static_cast<std::size_t>(flags.top)); });

  nlohmann::json all = nlohmann::json::array();
  std::size_t failed = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Answer& a = answers[i];
    failed += a.error ? 1 : 0;
    if (context.json) {
      all.push_back(to_json(flags.files[i], a, catalog.get()));
    } else if (context.jsonl) {
      print_json_line(to_json(flags.files[i], a, catalog.get()));
    } else {
      print_text(flags.files[i], a, catalog.get());
    }
    if (a.error && answers.size() > 1) spdlog::error("{}", a.error->detail());
  }
  if (context.json) print_json({{"tracks_in_index", index.tracks()}, {"queries", std::move(all)}});
  if (failed > 0 && answers.size() == 1) throw *answers.front().error;
  if (failed > 0)
    throw Error(failed < answers.size() ? Category::partial : Category::bad_input, "identify",
                fmt::format("{} of {} files could not be read", failed, answers.size()));
}

}  // namespace

void setup_identify(CLI::App& app, Context& context) {
  auto flags = std::make_shared<IdentifyFlags>();
  app.add_option("FILE", flags->files, "Audio to identify; 5 s or more give a sure answer")->required();
  app.add_option("--index", flags->index, "Index file, or folder of another catalog; the answer then names ids only")
      ->type_name("PATH");
  app.add_option("--top", flags->top, "Show so many candidates, accepted or not")
      ->check(CLI::Range(1, 100).description(""))
      ->type_name("N")
      ->capture_default_str();
  app.callback([flags, &context] { run_identify(*flags, context); });
}

}  // namespace euterpe
