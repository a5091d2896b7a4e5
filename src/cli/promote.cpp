#include "recommend/promote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/files.hpp"
#include "base/output_file.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/reasons.hpp"

namespace euterpe {
namespace {

using nlohmann::json;

struct PromoteArguments {
  std::string track;
  std::filesystem::path responses, export_to;
  PromoteOptions options;
};

json to_json(const AudienceMember& member, std::size_t rank) {
  return {{"rank", rank},
          {"user", member.user},
          {"affinity", member.affinity},
          {"probability", member.probability ? json(*member.probability) : json(nullptr)},
          {"reasons", reasons_json(member.reasons)}};
}

/// Title of a track of the catalog; empty for an artist or a foreign id.
std::string title_of(Catalog& catalog, const std::string& name) {
  const auto track = name.size() == 64 ? catalog.track(name) : std::nullopt;  // shorter ones would count as prefixes
  return track ? track->title : "";
}

json to_json(Catalog& catalog, const std::vector<ExposureChange>& ledger, std::size_t count) {
  json rows = json::array();
  for (std::size_t i = 0; i < std::min(count, ledger.size()); ++i)
    rows.push_back({{"name", ledger[i].name},
                    {"title", title_of(catalog, ledger[i].name)},
                    {"before", ledger[i].before},
                    {"after", ledger[i].after},
                    {"change", ledger[i].change()}});
  return rows;
}

json to_json(Catalog& catalog, const PromoteAnswer& answer, std::size_t count) {
  json audience = json::array(), beside = json::array();
  for (std::size_t i = 0; i < std::min(count, answer.audience.size()); ++i)
    audience.push_back(to_json(answer.audience[i], i + 1));
  for (const Recommendation& track : answer.beside)
    beside.push_back({{"track", track.track},
                      {"title", track.title},
                      {"artist", track.artist},
                      {"score", track.score},
                      {"basis", track.basis}});
  json reach = nullptr;
  if (answer.reach)
    reach = {{"expected", answer.reach->expected},
             {"expected_ci", {answer.reach->low, answer.reach->high}},
             {"spread", answer.reach->spread},
             {"calibrated_on", answer.calibrated_on}};
  return {{"track", answer.track},
          {"title", answer.title},
          {"artist", answer.artist},
          {"basis", answer.basis},
          {"impressions", answer.audience.size()},
          {"candidates", answer.candidates},
          {"already_listeners", answer.already_listeners},
          {"reach", std::move(reach)},
          {"audience", std::move(audience)},
          {"beside", std::move(beside)},
          {"ledger",
           {{"sum", ledger_sum(answer.tracks)},
            {"tracks", to_json(catalog, answer.tracks, count)},
            {"artists", to_json(catalog, answer.artists, count)}}},
          {"note", answer.note}};
}

void print(Catalog& catalog, const PromoteAnswer& answer, std::size_t count) {
  fmt::print("{}: {} of {} listeners, by {}; {} have heard it\n",
             track_label(answer.track, answer.title, answer.artist), answer.audience.size(), answer.candidates,
             answer.basis == "listens"  ? "its own listens"
             : answer.basis == "artist" ? "the listeners of its artist"
                                        : "the listeners of what sounds alike",
             answer.already_listeners);
  if (answer.reach)
    fmt::print("reach {:.1f} ({:.0f}-{:.0f}) of {} impressions, learned on {}\n", answer.reach->expected,
               answer.reach->low, answer.reach->high, answer.audience.size(), answer.calibrated_on);
  if (!answer.note.empty()) fmt::print("{}\n", answer.note);
  fmt::print("\nshow it to\n");
  for (std::size_t i = 0; i < std::min(count, answer.audience.size()); ++i) {
    const AudienceMember& member = answer.audience[i];
    fmt::print("{:5}  {:>7}  {}\n", i + 1, member.probability ? fmt::format("{:.4f}", *member.probability) : "-",
               member.user);
    if (const std::string because = reasons_text(member.reasons); !because.empty())
      fmt::print("{:16}because of {}\n", "", because);
  }
  if (!answer.beside.empty()) fmt::print("\nbeside\n");
  for (const Recommendation& track : answer.beside)
    fmt::print("{:14.4f}  {:<8}  {}\n", track.score, track.basis, track_label(track.track, track.title, track.artist));
  const std::array<std::pair<const char*, const std::vector<ExposureChange>*>, 2> ledgers{
      {{"tracks", &answer.tracks}, {"artists", &answer.artists}}};
  for (const auto& [what, ledger] : ledgers) {
    fmt::print("\nexposure of {} before, after, change\n", what);
    for (std::size_t i = 0; i < std::min(count, ledger->size()); ++i) {
      const ExposureChange& row = (*ledger)[i];
      fmt::print("{:10.3f} {:10.3f} {:+10.3f}  {}\n", row.before, row.after, row.change(),
                 track_label(row.name, title_of(catalog, row.name), ""));
    }
  }
}

/// One line a listener: user, rank, probability of listening (empty if unknown), reason.
void write_campaign(const std::filesystem::path& path, const PromoteAnswer& answer) {
  std::string text = "user,rank,probability,reason\n";
  for (std::size_t i = 0; i < answer.audience.size(); ++i) {
    const AudienceMember& member = answer.audience[i];
    text += fmt::format("{},{},{},{}\n", csv_field(member.user), i + 1,
                        member.probability ? fmt::format("{:.6f}", *member.probability) : "",
                        csv_field(reasons_text(member.reasons)));
  }
  write_file(path, text);
}

}  // namespace

void setup_promote(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<PromoteArguments>();
  PromoteOptions& options = arguments->options;
  app.add_option("track", arguments->track, "Track: id, its beginning, title, path, or an id of the listens")
      ->required();
  app.add_option("--impressions", options.impressions, "Listeners to show it to, best first")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000'000));
  app.add_option("--count", options.count, "Listeners, neighbours and lines of the ledger to print, 0 = none")
      ->capture_default_str()
      ->check(CLI::Range(0, 100'000));
  app.add_option("--reasons", options.reasons, "Listens to name as the reason of each listener, 0 = none")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  app.add_flag("--include-listeners", options.include_listeners, "Show it to those who have heard it, too");
  app.add_option("--list-length", options.list_length, "Length of the lists in which exposure is counted")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--position", options.position, "Place in those lists that the promotion gives the track")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--responses", arguments->responses,
                 "CSV of impressions (user,item,propensity,reward) to learn the probability of listening from")
      ->type_name("FILE");
  app.add_option("--export", arguments->export_to, "Write everyone to show it to as CSV: user,rank,probability,reason")
      ->type_name("FILE");
  app.callback([&context, arguments] {
    PromoteOptions& chosen = arguments->options;
    chosen.seed = context.seed;
    if (!arguments->responses.empty()) {
      chosen.responses = read_impressions(arguments->responses);
      if (!arguments->export_to.empty())
        refuse_to_overwrite_input("promote", std::array{arguments->export_to}, std::array{arguments->responses});
    }
    const auto catalog = open_catalog(context.catalog);
    const PromoteAnswer answer = promote(*catalog, arguments->track, chosen);
    if (!arguments->export_to.empty()) write_campaign(arguments->export_to, answer);
    if (!arguments->export_to.empty() && is_stdout(arguments->export_to)) return;  // one thing on standard output
    if (context.jsonl) {
      for (std::size_t i = 0; i < answer.audience.size(); ++i) print_json_line(to_json(answer.audience[i], i + 1));
    } else if (context.json) {
      print_json(to_json(*catalog, answer, chosen.count));
    } else {
      print(*catalog, answer, chosen.count);
    }
  });
}

}  // namespace euterpe
