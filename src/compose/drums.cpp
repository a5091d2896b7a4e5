#include "compose/drums.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "score/remi_vocabulary.hpp"

namespace euterpe {
namespace {

constexpr std::uint8_t kDrumChannel = 9;

std::string most_frequent_meter(const Score& score, const std::vector<std::int64_t>& lines) {
  std::map<std::string, int> count;
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    const TimeSignature& m = score.meter_at(lines[i]);
    ++count[fmt::format("{}/{}", m.numerator, m.denominator)];
  }
  return std::max_element(count.begin(), count.end(), [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace

Composition add_drums(Score& score, const Composer& composer, std::string_view variety, std::uint64_t seed,
                      const SamplingWishes& sampling, Progress* progress) {
  if (score.note_count() == 0) throw Error(Category::bad_input, "drums", "the piece holds no note");
  const auto lines = score.bar_lines();
  const auto bars = static_cast<int>(lines.size()) - 1;
  if (bars > kMostBarsComposed)
    throw Error(Category::usage, "drums",
                fmt::format("the piece has {} bars, {} are the most", bars, kMostBarsComposed));
  ComposeOptions wish;
  wish.style = variety.empty() ? "drums" : fmt::format("drums/{}", variety);
  wish.bars = bars;
  wish.seed = seed;
  wish.sampling = sampling;
  wish.progress = progress;
  wish.meter = most_frequent_meter(score, lines);
  if (!remi_meter(*wish.meter))
    throw Error(Category::unsupported, "drums", fmt::format("no token says the meter {}", *wish.meter));
  wish.tempo = std::clamp(score.tempos.empty() ? 120.0 : score.tempos.front().bpm(), 30.0, 240.0);
  Composition groove = composer.compose(wish);
  const auto groove_lines = groove.score.bar_lines();
  const auto scaled = [&](std::int64_t t) { return t * score.ticks_per_quarter / groove.score.ticks_per_quarter; };
  Track& track = add_track(score, "Drums", 0, kDrumChannel);
  for (const Track& from : groove.score.tracks)
    for (Note n : from.notes) {
      const auto bar = static_cast<std::size_t>(std::upper_bound(groove_lines.begin(), groove_lines.end(), n.start) -
                                                groove_lines.begin() - 1);
      if (!from.drums || bar + 1 >= lines.size()) continue;
      const std::int64_t start = lines[bar] + scaled(n.start - groove_lines[bar]);
      if (start >= lines[bar + 1]) continue;
      n.duration = std::max<std::int64_t>(1, std::min(scaled(n.duration), lines[bar + 1] - start));
      n.start = start;
      n.channel = kDrumChannel;
      track.notes.push_back(n);
    }
  std::sort(track.notes.begin(), track.notes.end());
  score.sort();
  return groove;
}

void add_drummer(nlohmann::json& provenance, const nlohmann::json& of_drums) {
  provenance["drums"] = {{"variety", of_drums.value("variety", "any")},
                         {"model", of_drums.at("model")},
                         {"model_hash", of_drums.at("model_hash")}};
  nlohmann::json& sources = provenance["learned_from"];
  for (const nlohmann::json& source : of_drums.at("learned_from"))
    if (std::find(sources.begin(), sources.end(), source) == sources.end()) sources.push_back(source);
  provenance["commercial"] = provenance.at("commercial").get<bool>() && of_drums.at("commercial").get<bool>();
}

}  // namespace euterpe
