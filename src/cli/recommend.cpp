#include "recommend/recommend.hpp"

#include <fmt/format.h>

#include <memory>

#include "base/error.hpp"
#include "catalog/lookup.hpp"
#include "cli/command.hpp"
#include "cli/reasons.hpp"

namespace euterpe {
namespace {

struct RecommendArguments {
  std::string user, like;
  RecommendOptions options;
  bool refit = false;
};

nlohmann::json to_json(const Recommendation& track, std::size_t rank) {
  return {{"rank", rank},
          {"track", track.track},
          {"title", track.title},
          {"artist", track.artist},
          {"score", track.score},
          {"basis", track.basis},
          {"reasons", reasons_json(track.reasons)}};
}

void print(const RecommendAnswer& answer) {
  if (!answer.note.empty()) fmt::print("{}\n", answer.note);
  for (std::size_t i = 0; i < answer.tracks.size(); ++i) {
    const Recommendation& track = answer.tracks[i];
    fmt::print("{:3}  {:8.4f}  {:<10}  {}{}\n", i + 1, track.score, track.basis, track_label(track.track, "", ""),
               track.title.empty() ? "" : "  " + track_label(track.track, track.title, track.artist));
    const std::string because = reasons_text(track.reasons);
    if (!because.empty()) fmt::print("{:15}because of {}\n", "", because);
  }
  if (answer.left_out_by_rights > 0) fmt::print("{} left out: may not be recommended\n", answer.left_out_by_rights);
}

}  // namespace

void setup_recommend(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<RecommendArguments>();
  app.add_option("user", arguments->user, "Listener, as named in the listens");
  app.add_option("--like", arguments->like,
                 "Start from this track (id, its beginning, or an id of the listens) instead");
  app.add_option("--count", arguments->options.count, "Tracks to name")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  app.add_option("--reasons", arguments->options.reasons, "Listens to name as the reason of each, 0 = none")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  app.add_flag("--include-heard", arguments->options.include_heard, "Name tracks that the listener has heard too");
  app.add_flag("--refit", arguments->refit, "Learn from the listens anew, even if the kept fit would do");
  app.callback([&context, arguments] {
    if (arguments->user.empty() == arguments->like.empty())
      throw Error(Category::usage, "recommend", "expected either USER or --like TRACK",
                  "for example: euterpe recommend anna --count 5");
    const auto catalog = open_catalog(context.catalog);
    // Titles and file names that one track has mean that track, as everywhere.
    if (const std::string named = TrackNames(*catalog).find(arguments->like); !named.empty()) arguments->like = named;
    const Recommender recommender(*catalog, arguments->refit);
    const RecommendAnswer answer = arguments->like.empty() ? recommender.for_user(arguments->user, arguments->options)
                                                           : recommender.like(arguments->like, arguments->options);
    if (context.jsonl) {
      for (std::size_t i = 0; i < answer.tracks.size(); ++i) print_json_line(to_json(answer.tracks[i], i + 1));
    } else if (context.json) {
      nlohmann::json tracks = nlohmann::json::array();
      for (std::size_t i = 0; i < answer.tracks.size(); ++i) tracks.push_back(to_json(answer.tracks[i], i + 1));
      nlohmann::json object{{"model", answer.model},
                            {"note", answer.note},
                            {"listens", answer.listens},
                            {"left_out_by_rights", answer.left_out_by_rights},
                            {"recommendations", std::move(tracks)}};
      object[arguments->like.empty() ? "user" : "like"] = arguments->like.empty() ? arguments->user : arguments->like;
      print_json(object);
    } else {
      print(answer);
    }
  });
}

}  // namespace euterpe
