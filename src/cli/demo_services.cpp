#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "cli/demo.hpp"
#include "corpus/prepare.hpp"
#include "evaluate/degrade.hpp"
#include "evaluate/simulated_listeners.hpp"
#include "media/decode.hpp"
#include "media/encode.hpp"
#include "media/picture.hpp"
#include "protect/identify.hpp"
#include "protect/landmark_index.hpp"
#include "recognize/recognize.hpp"
#include "recommend/ranking.hpp"
#include "recommend/recommend.hpp"
#include "signal/landmarks.hpp"
#include "train/transformer.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kMostExcerpts = 40;  // recordings asked about
constexpr double kOffsetTolerance = 1.0;   // seconds, as in evaluate identify
constexpr std::size_t kTop = 10;

std::string percent(double part, double whole) {
  return whole > 0 ? fmt::format("{:.0f} %", 100 * part / whole) : "none";
}

std::string counts(const std::map<std::string, int>& of) {
  std::string text;
  for (const auto& [name, n] : of) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, name);
  return text;
}

struct Excerpt {
  std::string condition, track, found;  // track: empty for a stranger; found: empty for "no match"
  double begin = 0, offset = 0, score = 0;
  bool right() const { return !track.empty() && found == track && std::abs(offset - begin) <= kOffsetTolerance; }
};

}  // namespace

std::string Demo::recognize_works() {
  Recognizer recognizer;
  std::map<std::string, std::map<std::string, int>> confusion;
  int right = 0;
  std::mutex mutex;
  std::set<std::string> labels(kDemoStyles.begin(), kDemoStyles.end());
  parallel_for(works_.size(), [&](std::size_t i) {
    check_interrupt();
    const Recognition found = recognizer.recognize(works_[i].midi);
    const std::lock_guard lock(mutex);
    const Answer* style = found.find("style");
    const std::string label = style ? best_label(*style) : "no answer";
    labels.insert(label);
    ++confusion[works_[i].style][label];
    right += label == works_[i].style;
  });
  std::vector<std::string> head{"asked for"};
  head.insert(head.end(), labels.begin(), labels.end());
  std::vector<std::vector<std::string>> rows;
  for (auto& [style, found] : confusion) {
    rows.push_back({style});
    for (const std::string& label : labels) rows.back().push_back(std::to_string(found[label]));
  }
  const std::string result = fmt::format("{} of {} as asked for ({})", right, works_.size(),
                                         percent(right, static_cast<double>(works_.size())));
  report_.section("Recognize: style of the composed scores");
  report_.paragraph("A classifier trained on real music names the style of each composed score: " + result + ".");
  report_.table(head, rows);
  return result;
}

std::string Demo::recognize_music() {
  Recognizer recognizer;
  const auto tracks = catalog_->tracks();
  std::vector<std::string> label(tracks.size());
  for (const TrackRecord& track : tracks) recognizer.load_for(std::filesystem::path(track.path));
  Progress progress("recognizing", tracks.size(), "files");
  parallel_for(tracks.size(), [&](std::size_t i) {
    check_interrupt();
    try {
      const Recognition heard = recognizer.recognize(std::filesystem::path(tracks[i].path));
      const Answer* style = heard.find("style");
      label[i] = style ? best_label(*style) : "no answer";
    } catch (const Error& error) {
      if (error.category() == Category::interrupted) throw;
      label[i] = "no answer";  // silence, drums alone, a file that is gone
    }
    progress.advance();
  });
  std::map<std::string, int> found, folders;
  int agree = 0, comparable = 0;
  const std::set<std::string> labels(label.begin(), label.end());
  const std::filesystem::path root = options_.music.empty() ? folder_ / "audio" : options_.music;
  std::vector<std::string> folder(tracks.size());
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    ++found[label[i]];
    const auto relative =
        std::filesystem::path(tracks[i].path).lexically_relative(std::filesystem::absolute(root).lexically_normal());
    if (std::distance(relative.begin(), relative.end()) > 1) folder[i] = relative.begin()->string();
    ++folders[folder[i]];
    comparable += labels.contains(folder[i]);
    agree += label[i] == folder[i];
  }
  // Listeners' tastes: the folders where there are several, else what was recognized.
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    styled_tracks_.emplace_back(tracks[i].id, folders.size() > 1 ? folder[i] : label[i]);
  }
  std::string result = counts(found);
  if (!options_.music.empty() && comparable > 0) {
    result += fmt::format("; as the folder says: {}", percent(agree, comparable));
  }
  report_.section(options_.music.empty() ? "Recognize: style of the renderings" : "Recognize: style of your files");
  if (options_.music.empty()) {
    report_.paragraph(
        "The audio model knows classical, electronic, pop and rock recordings. What it says of General MIDI renderings "
        "is "
        "shown for what it is: the works belong to none of its styles but pop.");
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, n] : found) rows.push_back({name, std::to_string(n)});
  report_.table({"style", "files"}, rows);
  return result;
}

std::string Demo::simulate() {
  SimulationOptions options;
  options.listeners = options_.listeners;
  options.seed = options_.seed;
  const auto listeners = simulate_listeners(styled_tracks_, options);
  if (listeners.empty()) throw Error(Category::bad_input, "demo", "fewer than 3 tracks: nobody can listen to them");
  std::vector<Listen> known;  // all but each listener's last
  std::size_t total = 0;
  for (const SimulatedListener& listener : listeners) {
    histories_.push_back(listener.listens);
    total += listener.listens.size();
    known.insert(known.end(), listener.listens.begin(), listener.listens.end() - 1);
  }
  catalog_->add_listens(known);
  report_.section("Listeners", true);
  report_.paragraph(fmt::format(
      "{} listeners with {} listens were made up: each prefers some styles over others, and within a style hears "
      "popular "
      "tracks more often. What follows from them shows that the machinery works, not how well people would be served.",
      listeners.size(), total));
  BarChart chart{"Three simulated listeners: what they prefer", "share of listens that the simulation aims at", {}, 1};
  for (std::size_t i = 0; i < std::min<std::size_t>(3, listeners.size()); ++i) {
    std::vector<std::pair<double, std::string>> best;
    for (const auto& [style, share] : listeners[i].preference) best.emplace_back(share, style);
    std::sort(best.rbegin(), best.rend());
    for (std::size_t k = 0; k < std::min<std::size_t>(4, best.size()); ++k) {
      chart.bars.push_back({listeners[i].name + ": " + best[k].second, best[k].first, listeners[i].name});
    }
  }
  plot_bars(folder_ / "listeners.png", chart);
  report_.picture(folder_ / "listeners.png", "Preferences of three simulated listeners");
  return fmt::format("{} SIMULATED listens, {} held out", total, listeners.size());
}

std::string Demo::recommend() {
  const Recommender recommender(*catalog_);
  const auto popular = recommender.popular({.count = styled_tracks_.size(), .reasons = 0}).tracks;
  double hits = 0, popular_hits = 0, chance = 0, gain = 0, popular_gain = 0;
  for (const auto& history : histories_) {
    check_interrupt();
    const std::string& target = history.back().track;
    const auto rank_in = [&](const std::vector<std::string>& list) {
      const auto at = std::find(list.begin(), list.end(), target);
      return at == list.end() ? static_cast<int>(kTop) : static_cast<int>(at - list.begin());
    };
    std::set<std::string> heard;
    for (std::size_t i = 0; i + 1 < history.size(); ++i) heard.insert(history[i].track);
    std::vector<std::string> ours, theirs;
    for (const auto& r : recommender.for_user(history.front().user, {.count = kTop, .reasons = 0}).tracks) {
      ours.push_back(r.track);
    }
    for (const auto& r : popular) {
      if (!heard.contains(r.track) && theirs.size() < kTop) theirs.push_back(r.track);
    }
    hits += hit_rate(rank_in(ours), kTop), gain += ndcg(rank_in(ours), kTop);
    popular_hits += hit_rate(rank_in(theirs), kTop), popular_gain += ndcg(rank_in(theirs), kTop);
    const auto open = static_cast<double>(styled_tracks_.size() - heard.size());
    chance += std::min(1.0, static_cast<double>(kTop) / open);
  }
  const auto n = static_cast<double>(histories_.size());
  report_.section("Recommend", true);
  report_.paragraph(
      "Each simulated listener's last listen was hidden; found means that it stands among the ten tracks "
      "recommended from the others.");
  report_.table({"method", "HR@10", "NDCG@10"},
                {{"EASE with recency", fmt::format("{:.3f}", hits / n), fmt::format("{:.3f}", gain / n)},
                 {"most popular", fmt::format("{:.3f}", popular_hits / n), fmt::format("{:.3f}", popular_gain / n)},
                 {"by chance", fmt::format("{:.3f}", chance / n), ""}});
  const auto& first = histories_.front();
  std::vector<std::vector<std::string>> rows;
  for (const auto& r : recommender.for_user(first.front().user, {.count = 5, .reasons = 3}).tracks) {
    std::string reasons;
    for (const Reason& reason : r.reasons) {
      reasons += fmt::format("{}{} ({:.0f} %)", reasons.empty() ? "" : ", ", reason.title, 100 * reason.share);
    }
    rows.push_back({r.title, r.basis, reasons});
  }
  report_.paragraph(fmt::format("What {} is recommended, and which listens say so:", first.front().user));
  report_.table({"track", "from", "because of"}, rows);
  return fmt::format("HR@10 {:.2f}; popularity {:.2f}, chance {:.2f} (SIMULATED)", hits / n, popular_hits / n,
                     chance / n);
}

std::string Demo::identify_excerpts() {
  std::vector<DemoRecording> known, strangers;
  for (const TrackRecord& track : catalog_->tracks()) {
    if (track.kind != "audio") continue;
    // Of the user's own files every sixth plays the stranger; of the works, strangers were written for it.
    const bool stranger = !options_.music.empty() && (known.size() + strangers.size()) % 6 == 5;
    if (stranger && strangers.size() < kMostExcerpts / 2) {
      strangers.push_back({track.path, "", track.title});
    } else {
      known.push_back({track.path, track.id, track.title});
    }
  }
  for (const DemoWork& work : strangers_) strangers.push_back({work.audio, "", work.title});
  if (known.empty()) return "no recordings in this folder, only scores";

  LandmarkIndexBuilder builder;
  for (const DemoRecording& recording : known) {
    const auto blob = catalog_->blob(recording.id, kLandmarksBlob);
    if (blob) builder.add(recording.id, read_landmarks_blob(*blob));
  }
  const LandmarkIndex index(builder.finish());
  std::vector<DemoRecording> asked = known;
  Random random = Random::stream(options_.seed, 0x1DE7);
  random.shuffle(asked);
  asked.resize(std::min(asked.size(), kMostExcerpts));
  asked.insert(asked.end(), strangers.begin(), strangers.end());

  const std::vector<std::string> conditions{"clean", "mp3_64k", "pink_10"};
  std::vector<Excerpt> excerpts(asked.size() * conditions.size());
  Progress progress("identifying", excerpts.size(), "excerpts");
  parallel_for(asked.size(), [&](std::size_t i) {
    const std::vector<float> mono = decode(asked[i].path, {.sample_rate = kLandmarkRate, .channels = 1}).samples;
    const auto length = static_cast<std::size_t>(10 * kLandmarkRate);
    for (std::size_t c = 0; c < conditions.size() && mono.size() > length; ++c) {
      check_interrupt();
      Random own = Random::stream(options_.seed, 0x1DE7 + i * conditions.size() + c);
      const std::size_t begin = own.below(mono.size() - length);
      std::vector<float> heard = degrade(std::span(mono).subspan(begin, length), conditions[c], own.next(), {});
      Excerpt& excerpt = excerpts[i * conditions.size() + c];
      excerpt.condition = conditions[c];
      excerpt.track = asked[i].id;
      excerpt.begin = static_cast<double>(begin) / kLandmarkRate;
      const auto matches = identify(index, heard, {.top = 1});
      if (!matches.empty() && matches.front().score >= kIdentifyThreshold) {
        excerpt.found = matches.front().id;
        excerpt.offset = matches.front().offset - matches.front().begin;
        excerpt.score = matches.front().score;
      }
      if (i == 0) encode(folder_ / ("excerpt-" + conditions[c] + ".mp3"), {kLandmarkRate, 1, std::move(heard)});
      progress.advance();
    }
  });

  report_.section("Identify");
  report_.paragraph(fmt::format(
      "Excerpts of 10 s from {} recordings in the index, and from {} strangers that are in no index. Right means: the "
      "right track at an offset within a second; strangers must find nothing.",
      asked.size() - strangers.size(), strangers.size()));
  std::vector<std::vector<std::string>> rows;
  BarChart chart{"Excerpts found", "share of the excerpts from indexed recordings", {}, 1};
  std::string result = "found";
  int accepted = 0, refused = 0;
  for (const std::string& condition : conditions) {
    int queries = 0, right = 0, of_strangers = 0, wrong = 0;
    for (const Excerpt& excerpt : excerpts) {
      if (excerpt.condition != condition) continue;
      if (excerpt.track.empty()) {
        ++of_strangers;
        wrong += !excerpt.found.empty();
      } else {
        ++queries;
        right += excerpt.right();
      }
    }
    accepted += wrong, refused += of_strangers - wrong;
    rows.push_back({condition, std::to_string(queries), std::to_string(right), std::to_string(of_strangers),
                    std::to_string(wrong)});
    chart.bars.push_back({condition, queries > 0 ? static_cast<double>(right) / queries : 0, ""});
    result += fmt::format(" {},", percent(right, queries));
  }
  report_.table({"condition", "excerpts", "right", "of strangers", "falsely accepted"}, rows);
  plot_bars(folder_ / "identify.png", chart, {900, 260});
  report_.picture(folder_ / "identify.png", "Share of excerpts found, by what was done to them");
  for (const std::string& condition : conditions) {
    const auto path = folder_ / ("excerpt-" + condition + ".mp3");
    if (std::filesystem::exists(path)) report_.audio(path, asked.front().title + ", " + condition);
  }
  result.back() = ';';
  return result + fmt::format(" {} of {} strangers accepted", accepted, accepted + refused);
}

std::string Demo::train() {
  const std::vector<Source> sources{source_from_folder(folder_ / "works")};
  write_shard(folder_ / "works.shard", prepare(sources));
  TransformerTraining training;
  training.name = "demo";
  training.run = folder_ / "run";
  training.out = folder_ / "model";
  training.network = {.d_model = 128, .layers = 2, .heads = 4, .ff = 256, .context = 256};
  training.seed = options_.seed + 1;
  training.batch = 8;
  training.steps = static_cast<std::int64_t>(std::max(40.0, options_.train_seconds * 12));
  training.seconds = options_.train_seconds;
  training.evaluate_every = std::max<std::int64_t>(10, training.steps / 12);
  training.checkpoint_every = training.steps;
  const TransformerReport report = train_transformer(read_shard(folder_ / "works.shard"), training);
  LineChart chart{"Loss of a small Transformer", "step", "nats per token", {}};
  const auto series = [](std::string name, const std::vector<std::pair<std::int64_t, double>>& points) {
    Series result{std::move(name), {}, {}};
    for (const auto& [step, loss] : points) {
      result.x.push_back(static_cast<double>(step));
      result.y.push_back(loss);
    }
    return result;
  };
  chart.series.push_back(series("training", report.losses));
  chart.series.push_back(series("validation", report.validations));
  plot_lines(folder_ / "loss.png", chart);
  const std::string result =
      fmt::format("loss {:.2f} to {:.2f} nats a token in {} steps", report.first_loss, report.last_loss, report.steps);
  report_.section("Train");
  report_.paragraph(
      fmt::format("A Transformer of {:.1f} million parameters learned from the composed works for {:.0f} s ({:.0f} "
                  "tokens a second): {}. "
                  "So few works teach it little; the shipped composer learned from real music for longer.",
                  static_cast<double>(report.parameters) / 1e6, report.seconds, report.tokens_per_second, result));
  report_.picture(folder_ / "loss.png", "Training and validation loss");
  return result;
}

}  // namespace euterpe
