/// Whether what is asked of the composer is found in what it writes: key, tempo, chords, density, register, emotion.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <optional>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "compose/performance.hpp"
#include "corpus/datasets.hpp"
#include "corpus/labeled_scores.hpp"
#include "evaluate/asked_composer.hpp"
#include "evaluate/chord_recall.hpp"
#include "evaluate/control_measures.hpp"
#include "evaluate/planted.hpp"
#include "evaluate/score_heads.hpp"
#include "evaluate/task.hpp"
#include "recognize/metrics.hpp"
#include "score/beats.hpp"
#include "score/harmony.hpp"
#include "score/midi.hpp"
#include "score/remi_controls.hpp"
#include "score/tempo_map.hpp"

namespace euterpe {
namespace {

constexpr int kBars = 16, kProgressionBars = 8;
constexpr int kKeys = 24;
constexpr int kDefaultPieces = 24;  // a style and wish; of each quadrant for emotion
constexpr std::size_t kHeard = 12;  // of which beats are tracked, which takes longer than composing them
constexpr double kSlowest = 50, kFastest = 200;
constexpr int kResamplings = 200;
constexpr const char* kEmotionComposer = "composer-emotion";
/// Where musicians write chord symbols.
constexpr std::array kLeadSheetStyles{"folk", "pop"};

struct HeldOut {
  std::string style;
  std::vector<Score> windows;  ///< of kBars bars, one a piece, in random order
};

/// A window drawn from each piece, played at the tempo that it has there.
HeldOut draw_held_out(const Dataset& set, const EvaluateOptions& options, const std::string& split, Random& random) {
  HeldOut out{set.style, {}};
  for (const Piece& piece : set.read(options.data / set.name)) {
    if (piece.split != split) continue;
    const auto lines = piece.score.bar_lines();
    if (lines.size() <= kProgressionBars) continue;
    const std::size_t bars = std::min<std::size_t>(kBars, lines.size() - 1);
    const std::size_t first = random.below(lines.size() - bars);
    Score window = cut_passage(piece.score, lines[first], lines[first + bars]);
    if (window.merged_notes().empty()) continue;
    std::uint32_t tempo = 500000;
    for (const Tempo& t : piece.score.tempos)
      if (t.tick <= lines[first]) tempo = t.microseconds_per_quarter;
    window.tempos = {{0, tempo}};
    out.windows.push_back(std::move(window));
  }
  random.shuffle(out.windows);
  return out;
}

/// Values with one n-th of a distribution each, in random order.
std::vector<double> spread(std::size_t n, Random& random, const std::function<double(double)>& quantile) {
  std::vector<double> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(quantile((static_cast<double>(i) + 0.5) / static_cast<double>(n)));
  random.shuffle(out);
  return out;
}

double quantile_of(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size()))];
}

/// As a listener gets it: with instruments and dynamics, written as MIDI and read again.
Score as_written(Composition piece, const std::string& style) {
  perform(piece.score, style);
  return read_midi(write_midi(piece.score)).score;
}

/// \param attempts set to how often each piece was written
std::vector<Score> compose_all(const Composer& composer, const std::string& what,
                               const std::vector<ComposeOptions>& wishes, std::vector<double>& attempts) {
  std::vector<Score> out(wishes.size());
  attempts.assign(wishes.size(), 0);
  Progress progress(fmt::format("{} of {}", what, wishes.front().style), wishes.size(), "pieces");
  parallel_for(wishes.size(), [&](std::size_t i) {
    check_interrupt();
    Composition piece = composer.compose(wishes[i]);
    attempts[i] = piece.attempts;
    out[i] = as_written(std::move(piece), wishes[i].style);
    progress.advance();
  });
  return out;
}

/// What a style's pieces gave, one value a piece; its mean and standard error go into the report.
class Tally {
 public:
  void add(const std::string& name, double value) { values_[name].push_back(value); }
  void report(nlohmann::json& out) const {
    for (const auto& [name, values] : values_) {
      out[name] = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
      out[name + "_se"] = standard_error(values);
    }
  }

 private:
  std::map<std::string, std::vector<double>> values_;
};

void measure_keys(const Composer& composer, const HeldOut& style, std::vector<ComposeOptions> wishes, Random& random,
                  nlohmann::json& out) {
  std::vector<int> keys(kKeys);
  std::iota(keys.begin(), keys.end(), 0);
  random.shuffle(keys);
  const auto tempos =
      spread(wishes.size(), random, [](double q) { return kSlowest * std::pow(kFastest / kSlowest, q); });
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    const int key = keys[i % keys.size()];
    wishes[i].key = KeyEstimate{key % 12, key >= 12, 1};
    wishes[i].tempo = tempos[i];
  }
  std::vector<double> attempts;
  const auto pieces = compose_all(composer, "keys", wishes, attempts);
  Tally tally;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto is_asked = [&](const KeyEstimate& k) {
      return k.tonic == wishes[i].key->tonic && k.minor == wishes[i].key->minor;
    };
    const KeyEstimate found = estimate_global_key(pieces[i]);
    tally.add("key", is_asked(found));
    tally.add("key_mode", found.minor == wishes[i].key->minor);
    tally.add("key_by_profile", is_asked(estimate_key(pitch_class_durations(pieces[i]))));
    const auto& notated = pieces[i].tempos;
    tally.add("tempo", !notated.empty() && std::all_of(notated.begin(), notated.end(), [&](const Tempo& t) {
                return std::abs(t.bpm() / tempos[i] - 1) <= kTempoTolerance;
              }));
    tally.add("key_attempts", attempts[i]);
    if (i >= kHeard) continue;
    const TempoFound heard = compare_tempo(track_beats(timed_notes(pieces[i])).tempo, tempos[i], pieces[i].meter_at(0));
    tally.add("tempo_heard", heard.same);
    tally.add("tempo_heard_any_level", heard.any_level);
  }
  // The same ear on real music, which it does not always get right either.
  for (std::size_t i = 0; i < std::min(wishes.size(), style.windows.size()) && i < kHeard; ++i) {
    const Score& window = style.windows[i];
    const TempoFound heard =
        compare_tempo(track_beats(timed_notes(window)).tempo, window.tempos.front().bpm(), window.meter_at(0));
    tally.add("tempo_heard_real", heard.same);
    tally.add("tempo_heard_real_any_level", heard.any_level);
    const KeyEstimate key = estimate_global_key(window), profile = estimate_key(pitch_class_durations(window));
    tally.add("key_by_profile_real", key.tonic == profile.tonic && key.minor == profile.minor);
  }
  tally.report(out);
  out["key_n"] = pieces.size();
}

/// The first bars of a window, where each has major or minor chords and not all are the same.
std::optional<std::vector<BarChords>> progression(const Score& window) {
  auto chords = bar_chords(window);
  if (chords.size() < kProgressionBars) return {};
  chords.resize(kProgressionBars);
  bool changes = false;
  for (const BarChords& bar : chords)
    for (const Chord& chord : bar) {
      const int type = majmin_class(chord);
      if (type < 0 || type >= 24) return {};
      changes = changes || chord != chords.front().front();
    }
  if (!changes) return {};
  return chords;
}

void measure_chords(const Composer& composer, const HeldOut& style, std::vector<ComposeOptions> wishes,
                    nlohmann::json& out) {
  std::size_t asked = 0;
  std::vector<double> real;
  for (const Score& window : style.windows) {
    if (asked == wishes.size()) break;
    const auto chords = progression(window);
    const auto& meter = window.meter_at(0);
    const std::string name = fmt::format("{}/{}", meter.numerator, meter.denominator);
    if (!chords || !remi_meter(name)) continue;
    wishes[asked].chords = *chords;
    wishes[asked++].meter = name;
    Score part = window;
    const std::int64_t end = window.bar_lines()[kProgressionBars];
    for (Track& track : part.tracks) std::erase_if(track.notes, [&](const Note& n) { return n.end() > end; });
    if (part.note_count() > 0) real.push_back(chord_tone_share(part, chords_in_time(part, *chords)));
  }
  if (asked == 0)
    throw Error(Category::bad_input, "evaluate control", fmt::format("{}: no chords are heard in it", style.style));
  wishes.resize(asked);
  std::vector<double> attempts;
  const auto pieces = compose_all(composer, "chords", wishes, attempts);
  Tally tally;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto reference = chords_in_time(pieces[i], wishes[i].chords);
    tally.add("chords", chord_recall(reference, estimate_chords(pieces[i]), ChordComparison::majmin).first);
    tally.add("chord_tones", chord_tone_share(pieces[i], reference));
    tally.add("chord_attempts", attempts[i]);
  }
  for (const double share : real) tally.add("chord_tones_real", share);
  tally.report(out);
  out["chords_n"] = pieces.size();
}

double notes_per_bar(const Score& score) {
  return static_cast<double>(score.note_count()) / static_cast<double>(score.bar_lines().size() - 1);
}
double mean_pitch(const Score& score) {
  const auto notes = score.merged_notes();
  double sum = 0;
  for (const Note& n : notes) sum += n.pitch;
  return notes.empty() ? 0 : sum / static_cast<double>(notes.size());
}

/// The rank correlation of asked and found and its standard deviation over resampled pieces.
void report_rho(const std::string& name, const std::vector<double>& asked, const std::vector<double>& found,
                Random& random, nlohmann::json& out) {
  out[name] = spearman(asked, found);
  std::vector<double> drawn;
  for (int k = 0; k < kResamplings; ++k) {
    std::vector<double> a, b;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const auto at = random.below(asked.size());
      a.push_back(asked[at]);
      b.push_back(found[at]);
    }
    drawn.push_back(spearman(a, b));
  }
  out[name + "_se"] = standard_error(drawn) * std::sqrt(static_cast<double>(kResamplings));
}

/// Density and register together, apart from each other, over what held-out music has.
void measure_texture(const Composer& composer, const HeldOut& style, std::vector<ComposeOptions> wishes, Random& random,
                     nlohmann::json& out) {
  std::vector<double> densities, heights, found_density, found_height;
  std::vector<double> attempts;
  Tally tally;
  for (const Score& window : style.windows) {
    densities.push_back(std::clamp(notes_per_bar(window), 0.5, 200.0));
    heights.push_back(mean_pitch(window));
  }
  const auto density = spread(wishes.size(), random, [&](double q) { return quantile_of(densities, q); });
  const auto height = spread(wishes.size(), random, [&](double q) { return quantile_of(heights, q); });
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    wishes[i].density = density[i];
    wishes[i].height = height[i];
  }
  for (const Score& piece : compose_all(composer, "texture", wishes, attempts)) {
    const std::size_t i = found_density.size();
    found_density.push_back(notes_per_bar(piece));
    found_height.push_back(mean_pitch(piece));
    tally.add("density_octaves_off", std::abs(std::log2(std::max(found_density.back(), 0.01) / density[i])));
    tally.add("density_attempts", attempts[i]);
  }
  report_rho("density_rho", density, found_density, random, out);
  report_rho("register_rho", height, found_height, random, out);
  tally.report(out);
  out["density_n"] = wishes.size();
}

/// A wish that this model has not learned leaves null and the reason.
void if_learned(nlohmann::json& out, const std::vector<std::string>& keys, const std::function<void()>& measure) {
  try {
    measure();
  } catch (const Error& e) {
    if (e.category() != Category::usage && e.category() != Category::not_found) throw;
    for (const std::string& key : keys) out[key] = nullptr;
    out[keys.front() + "_why"] = e.what();
  }
}

struct Judged {
  std::vector<double> right;
  std::vector<std::string> groups;
  double accuracy() const {
    return right.empty() ? 0 : std::accumulate(right.begin(), right.end(), 0.0) / static_cast<double>(right.size());
  }
};

class EmotionJudge {
 public:
  EmotionJudge() : heads_(ScoreHeads::load(model_name(ScoreTask::emotion))) {
    if (heads_.wants_embedding()) encoder_ = ScoreEncoder::load();
  }
  /// Whether the likeliest quadrant is this one.
  bool hears(const Score& score, int quadrant) const {
    const auto p = heads_.probabilities(task_evidence(score, ScoreTask::emotion, encoder_ ? &*encoder_ : nullptr));
    return std::max_element(p.begin(), p.end()) - p.begin() == quadrant;
  }
  const Model& model() const { return heads_.model(); }

 private:
  ScoreHeads heads_;
  std::optional<ScoreEncoder> encoder_;
};

nlohmann::json measure_emotions(const EvaluateOptions& options, int count) {
  const auto named = options.extra.find("emotion-model");
  const std::string name = named != options.extra.end() ? named->second : kEmotionComposer;
  const Composer composer(find_model(name));
  if (!std::filesystem::exists(options.data / "emopia"))
    throw Error(Category::not_found, "evaluate control", (options.data / "emopia").string() + ": no such folder");
  const EmotionJudge judge;
  LabeledScores real = read_emopia(options.data / "emopia");
  std::erase_if(real.items, [](const LabeledScore& item) { return item.split != "valid"; });
  if (real.items.empty()) throw Error(Category::not_found, "evaluate control", "emopia: no clip of its valid split");
  Judged on_real, on_composed;
  on_real.right.resize(real.items.size());
  parallel_for(real.items.size(),
               [&](std::size_t i) { on_real.right[i] = judge.hears(real.items[i].score, real.items[i].label); });
  for (const LabeledScore& item : real.items) on_real.groups.push_back(item.group);

  std::vector<ComposeOptions> wishes;
  for (int i = 0; i < kEmotions * count; ++i) {
    ComposeOptions wish;
    const auto& styles = composer.styles();
    wish.style = std::find(styles.begin(), styles.end(), "pop") != styles.end() ? "pop" : styles.front();
    wish.bars = kBars;
    wish.seed = options.seed * 1000003 + static_cast<std::uint64_t>(i);
    wish.emotion = i % kEmotions;
    wishes.push_back(std::move(wish));
  }
  std::vector<double> attempts;
  const auto pieces = compose_all(composer, "emotions", wishes, attempts);
  on_composed.right.resize(pieces.size());
  parallel_for(pieces.size(),
               [&](std::size_t i) { on_composed.right[i] = judge.hears(pieces[i], *wishes[i].emotion); });
  for (std::size_t i = 0; i < pieces.size(); ++i) on_composed.groups.push_back(std::to_string(i));

  const double a = on_composed.accuracy(), b = on_real.accuracy();
  const double a_se = grouped_error(on_composed.right, on_composed.groups),
               b_se = grouped_error(on_real.right, on_real.groups);
  nlohmann::json quadrants;
  for (int q = 0; q < kEmotions; ++q) {
    double sum = 0;
    for (int i = 0; i < count; ++i) sum += on_composed.right[static_cast<std::size_t>(i * kEmotions + q)];
    quadrants[quadrant_labels()[static_cast<std::size_t>(q)]] = sum / count;
  }
  const bool known = a > 0 && b > 0;  // the error of a ratio by the errors of its parts
  return {{"emotion_ratio", b > 0 ? nlohmann::json(a / b) : nlohmann::json()},
          {"emotion_ratio_se", known ? nlohmann::json(a / b * std::hypot(a_se / a, b_se / b)) : nlohmann::json()},
          {"emotion",
           {{"model", {{"name", composer.model().name}, {"hash", composer.model().hash}}},
            {"judge", {{"name", judge.model().name}, {"hash", judge.model().hash}}},
            {"n", pieces.size()},
            {"attempts", std::accumulate(attempts.begin(), attempts.end(), 0.0) / static_cast<double>(attempts.size())},
            {"accuracy_composed", a},
            {"accuracy_composed_se", a_se},
            {"real_n", on_real.right.size()},
            {"accuracy_real", b},
            {"accuracy_real_se", b_se},
            {"quadrants", quadrants}}}};
}

/// The mean of a key over the styles that have it, and its standard error.
void put_mean(nlohmann::json& out, const nlohmann::json& styles, const std::string& name) {
  double sum = 0, variance = 0, n = 0;
  for (const auto& style : styles) {
    if (!style.contains(name) || !style[name].is_number()) continue;
    sum += style[name].get<double>();
    variance += std::pow(style[name + "_se"].get<double>(), 2);
    ++n;
  }
  out[name] = n > 0 ? nlohmann::json(sum / n) : nlohmann::json();
  if (n > 0) out[name + "_se"] = std::sqrt(variance) / n;
}

}  // namespace

nlohmann::json evaluate_control(const EvaluateOptions& options) {
  if (options.folds > 0)
    throw Error(Category::usage, "evaluate control", "--folds: shipped weights are measured, there are none");
  AskedComposers composers(options.model);
  const std::string split = options.split.empty() ? "test" : options.split;
  const int count = options.limit > 0 ? options.limit : kDefaultPieces;
  const auto& known = composers.main().styles();

  nlohmann::json styles = nlohmann::json::object();
  for (const Dataset& set : datasets()) {
    if (std::find(known.begin(), known.end(), set.style) == known.end()) continue;
    if (!std::filesystem::exists(options.data / set.name)) continue;
    Random random = Random::stream(options.seed, 0x637472);
    const HeldOut held_out = draw_held_out(set, options, split, random);
    if (held_out.windows.empty())
      throw Error(Category::bad_input, "evaluate control", fmt::format("{}: too few held-out pieces", set.name));
    std::vector<ComposeOptions> wishes(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < wishes.size(); ++i) {
      wishes[i].style = set.style;
      wishes[i].bars = kBars;
      wishes[i].seed = options.seed * 1000003 + i;
    }
    nlohmann::json& out = styles[set.style];
    out["held_out"] = held_out.windows.size();
    const auto asking = [&](auto&& set_wish) -> const Composer& {
      ComposeOptions wish = wishes.front();
      set_wish(wish);
      return composers.of(wish);
    };
    const Composer& of_keys = asking([](ComposeOptions& w) { w.key = KeyEstimate{}, w.tempo = 100; });
    const Composer& of_chords = asking([](ComposeOptions& w) { w.chords = parse_bar_chords("C"), w.meter = "4/4"; });
    const Composer& of_texture = asking([](ComposeOptions& w) { w.density = 10, w.height = 60; });
    out["models"] = {
        {"key", of_keys.model().name}, {"chords", of_chords.model().name}, {"density", of_texture.model().name}};
    if_learned(out, {"key", "tempo"}, [&] { measure_keys(of_keys, held_out, wishes, random, out); });
    if (std::find(kLeadSheetStyles.begin(), kLeadSheetStyles.end(), set.style) != kLeadSheetStyles.end())
      if_learned(out, {"chords"}, [&] { measure_chords(of_chords, held_out, wishes, out); });
    if_learned(out, {"density_rho", "register_rho"},
               [&] { measure_texture(of_texture, held_out, wishes, random, out); });
  }
  if (styles.empty())
    throw Error(Category::not_found, "evaluate control",
                options.data.string() + ": holds none of the sets of this model's styles");
  nlohmann::json report{{"split", split},
                        {"model", {{"name", composers.main().model().name}, {"hash", composers.main().model().hash}}},
                        {"pieces", count},
                        {"bars", kBars}};
  for (const char* name : {"key", "key_by_profile", "key_by_profile_real", "key_attempts", "tempo", "tempo_heard",
                           "tempo_heard_real", "chords", "chord_tones", "chord_tones_real", "chord_attempts",
                           "density_rho", "register_rho", "density_octaves_off", "density_attempts"})
    put_mean(report, styles, name);
  if_learned(report, {"emotion_ratio"}, [&] { report.update(measure_emotions(options, count)); });
  report["styles"] = std::move(styles);
  return report;
}

}  // namespace euterpe
