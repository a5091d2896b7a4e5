#include "recognize/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <span>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/output_file.hpp"
#include "media/decode.hpp"
#include "media/explanation_picture.hpp"
#include "recognize/reasons.hpp"
#include "recognize/saliency_audio.hpp"
#include "recognize/saliency_score.hpp"
#include "score/score_file.hpp"
#include "signal/audio_features.hpp"
#include "signal/mel.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kSentences = 5, kPlaces = 5, kCells = 10;
constexpr std::size_t kMostPassages = 12;                         // of a score, among which one is chosen
constexpr double kWorthSaying = 0.1, kWorthSayingAgainst = -0.3;  // log odds
constexpr SaliencyOptions kSearch{.passes = 128};

/// In the order of the labels, which an answer's values are not.
std::vector<double> in_order(const Answer& answer, const std::vector<std::string>& labels) {
  std::vector<double> p(labels.size(), 0);
  for (const auto& [label, value] : answer.values)
    p[static_cast<std::size_t>(std::find(labels.begin(), labels.end(), label) - labels.begin())] = value;
  return p;
}

const Answer& explained(const Recognition& found) {
  for (const Answer& answer : found.answers)
    if (answer.kind == Answer::Kind::probabilities && answer.values.size() > 1) return answer;
  throw Error(Category::bad_input, "explain", "none of the answers tells labels apart",
              "style, instrument, composer, drum-style and quadrant can be explained");
}

/// What is explained: the most probable label of an answer, "unknown" or not.
struct Subject {
  const Answer& answer;
  const std::vector<std::string>& labels;  // in the model's order
  std::size_t label() const {
    const auto at = std::find(labels.begin(), labels.end(), answer.values.front().first);
    EUTERPE_ASSERT(at != labels.end());
    return static_cast<std::size_t>(at - labels.begin());
  }
};

/// The part of the file that is looked at, in seconds.
struct Excerpt {
  double begin = 0, end = 0;
  bool whole = false;
};

std::string percent(double p) {
  if (p > 0.995) return "> 99 %";
  return p < 0.005 ? "< 1 %" : fmt::format("{:.0f} %", 100 * p);
}

/// What the explanation is about, as numbers and in words.
void say_subject(Explanation& explanation, const Subject& subject, const Saliency& s, const Excerpt& excerpt) {
  const Answer& answer = subject.answer;
  const auto& [label, probability] = answer.values.front();
  explanation.numbers["task"] = answer.task;
  explanation.numbers["file"] = {
      {"answer", best_label(answer)}, {"probability", probability}, {"unknown", answer.unknown}};
  explanation.numbers["excerpt"] = {{"begin", excerpt.begin}, {"end", excerpt.end}};
  std::string& about = explanation.about;
  about = answer.task + " ";
  if (answer.unknown >= kUnknown) about += fmt::format("unknown {:.2f}, nearest ", answer.unknown);
  about += fmt::format("{} {:.2f}", label, probability);
  about += excerpt.whole ? ": " : fmt::format("; from {:.1f} to {:.1f} s, ", excerpt.begin, excerpt.end);
  if (!excerpt.whole) about += fmt::format("where it is surest ({:.2f}), ", s.probability);
  about += fmt::format("against {} {:.2f}", subject.labels[s.runner_up], s.runner_up_probability);
}

ExplanationText text_of(const Explanation& explanation, const Subject& subject, const Saliency& s,
                        const Excerpt& excerpt, const std::string& title) {
  const Answer& answer = subject.answer;
  const auto& [label, probability] = answer.values.front();
  ExplanationText text{title, fmt::format("{}: {} {}", answer.task, label, percent(probability)), "", label, {}};
  if (answer.unknown >= kUnknown)
    text.answer =
        fmt::format("{}: unknown {}, nearest {} {}", answer.task, percent(answer.unknown), label, percent(probability));
  if (!excerpt.whole)
    text.rest = fmt::format("{:.1f}–{:.1f} s: {}, ", excerpt.begin, excerpt.end, percent(s.probability));
  text.rest += fmt::format("before {} {}", subject.labels[s.runner_up], percent(s.runner_up_probability));
  text.reasons = explanation.sentences;
  return text;
}

/// The heaviest families that are worth a sentence, and the one that speaks most against the answer.
void add_reasons(Explanation& explanation, const DescriptorEvidence& evidence, std::size_t label) {
  if (evidence.class_mean.empty()) return;
  const std::vector<DescriptorReason> all = reasons(evidence, {.label = label});
  explanation.numbers["reasons"] = nlohmann::json::array();
  for (const DescriptorReason& reason : all) {
    explanation.numbers["reasons"].push_back(to_json(reason));
    if (reason.weight > kWorthSaying && explanation.sentences.size() < kSentences)
      explanation.sentences.push_back(reason.sentence);
  }
  if (!all.empty() && all.back().weight < kWorthSayingAgainst)
    explanation.sentences.push_back(all.back().sentence);  // says itself that it is against
}

/// Tensors that a model of named descriptors may hold; empty where it does not.
std::vector<float> class_tensor(const Model& model, const char* name) {
  const Safetensors weights = model.weights();
  return weights.has(name) ? weights.floats(name) : std::vector<float>();
}

/// A stretch of a recording, heard.
struct HeardStretch {
  double begin = 0;
  AudioBuffer audio;
  AudioEvidence evidence;
};

Explanation explain_recording(const AskedAudio& asked, const Answer& answer, const fs::path& file, double duration,
                              const fs::path& picture, const std::string& title) {
  const auto at = std::find_if(asked.heads.begin(), asked.heads.end(),
                               [&](const AudioHeads* heads) { return heads->model().hash == answer.model_hash; });
  EUTERPE_ASSERT(at != asked.heads.end());
  const AudioHeads& heads = **at;
  const Subject subject{answer, heads.head(answer.task)->labels};
  const std::vector<std::string>& labels = subject.labels;
  const auto say = [&](const AudioEvidence& evidence) {
    for (const Answer& said : heads.answers(evidence))
      if (said.task == answer.task) return in_order(said, labels);
    return std::vector<double>(labels.size(), 1.0 / static_cast<double>(labels.size()));
  };
  // Where the answer is most probable, there is most to be seen of why.
  HeardStretch best;
  std::optional<Error> unheard;
  double surest = -1;
  for (const auto& [begin, end] : listened_stretches(duration)) {
    try {
      Stages ignored;
      HeardStretch stretch{begin, decode(file, {kEncoderRate, 1, begin, end - begin}), {}};
      stretch.evidence = hear(stretch.audio, asked.encoder, ignored);
      const double p = say(stretch.evidence)[subject.label()];
      if (p > surest) surest = p, best = std::move(stretch);
    } catch (const Error& error) {
      if (error.category() != Category::bad_input) throw;
      unheard = error;  // silent here
    }
  }
  if (surest < 0) throw *unheard;
  const AudioBuffer& audio = best.audio;
  const double end = best.begin + audio.duration().value;
  const Excerpt excerpt{best.begin, end, audio.duration().value > 0.99 * duration};
  SaliencyOptions search = kSearch;
  search.label = subject.label();
  const AudioSaliency saliency = explain_audio(
      audio,
      [&](const AudioBuffer& heard) {
        Stages of_thread;
        return say(hear(heard, asked.encoder, of_thread));
      },
      search);

  Explanation explanation;
  explanation.numbers = to_json(saliency, labels, kCells, best.begin);
  say_subject(explanation, subject, saliency, excerpt);
  add_reasons(explanation,
              {audio_feature_names(), best.evidence.views, labels, class_tensor(heads.model(), "class_mean"),
               class_tensor(heads.model(), "class_deviation"),
               [&](const std::vector<std::vector<float>>& views) {
                 AudioEvidence other = best.evidence;
                 other.views = views;
                 return say(other);
               }},
              subject.label());
  for (const auto& cell : explanation.numbers["cells"]) {
    if (explanation.places.size() == kPlaces) break;
    explanation.places.push_back(fmt::format("{:.1f}-{:.1f} s  {:.0f}-{:.0f} Hz", cell["begin"].get<double>(),
                                             cell["end"].get<double>(), cell["f_low"].get<double>(),
                                             cell["f_high"].get<double>()));
  }
  const Matrix mel = power_to_db(mel_spectrogram(audio.channel(0), audio.sample_rate));
  plot_audio_explanation(
      picture, {mel.data, mel.bins, mel.frames, mel.hop},
      {saliency.weights, saliency.grid.edges, saliency.grid.segments, saliency.grid.seconds, saliency.salient},
      text_of(explanation, subject, saliency, excerpt, title), best.begin);
  return explanation;
}

/// Bars of a score, and what they are in it.
struct Passage {
  Score score;
  std::size_t first_bar = 0;
  std::int64_t begin = 0, end = 0;  // ticks of the whole
};

/// Passages of whole bars with at most kExplainedNotes notes, a bar with more alone; of many, some spread evenly.
std::vector<Passage> passages_of(const Score& score) {
  const auto bars = score.bar_lines();
  std::vector<std::size_t> notes(bars.size(), 0);  // that begin in each bar
  for (const Track& track : score.tracks)
    for (const Note& note : track.notes) {
      const auto after = std::upper_bound(bars.begin(), bars.end(), note.start);
      ++notes[static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, after - bars.begin() - 1))];
    }
  std::vector<std::pair<std::size_t, std::size_t>> ranges;  // first bar, bar behind the last
  for (std::size_t bar = 0, held = 0; bar + 1 < bars.size(); ++bar) {
    if (ranges.empty() || held + notes[bar] > kExplainedNotes) ranges.emplace_back(bar, bar), held = 0;
    held += notes[bar];
    ranges.back().second = bar + 1;
  }
  std::vector<Passage> passages;
  const std::size_t count = std::min(kMostPassages, ranges.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto [first, last] = ranges[i * ranges.size() / count];
    passages.push_back({score_part(score, bars[first], bars[last]), first, bars[first], bars[last]});
  }
  return passages;
}

/// The weights of a passage's notes, of the same notes in the whole score.
ScoreSaliency in_whole(ScoreSaliency saliency, const Passage& passage, const Score& whole) {
  std::vector<NotePlace> first;  // of each track of the passage, where its notes begin in the whole
  for (std::size_t t = 0; t < whole.tracks.size(); ++t) {
    const auto& notes = whole.tracks[t].notes;
    const auto begin =
        std::partition_point(notes.begin(), notes.end(), [&](const Note& note) { return note.start < passage.begin; });
    if (begin != notes.end() && begin->start < passage.end)
      first.push_back({static_cast<std::uint32_t>(t), static_cast<std::uint32_t>(begin - notes.begin())});
  }
  for (NotePlace& place : saliency.notes) {
    EUTERPE_ASSERT(place.track < first.size());
    place = {first[place.track].track, first[place.track].note + place.note};
  }
  for (std::size_t& bar : saliency.bars) bar += passage.first_bar;
  saliency.first_bar = passage.first_bar;
  return saliency;
}

/// A model that answered about a score, asked again of others.
struct ScoreModel {
  std::vector<std::string> labels;
  ScoreAnswer say;
  std::function<DescriptorEvidence(const Score&)> describe;
};

ScoreModel model_of(const StyleScoreModel& style) {
  ScoreModel model;
  model.labels = style.labels();
  model.say = [&style](const Score& heard) {
    const auto notes = grid_notes(heard);
    const std::size_t n = style.labels().size();
    return notes.size() < kStyleMinNotes ? std::vector<double>(n, 1.0 / static_cast<double>(n))
                                         : style.piece_probabilities(notes);
  };
  model.describe = [&style](const Score& score) {
    return DescriptorEvidence{
        score_feature_names(),
        style_views(score),
        style.labels(),
        class_tensor(style.model(), "class_mean"),
        class_tensor(style.model(), "class_deviation"),
        [network = MlpEnsemble::from(style.model().weights())](const std::vector<std::vector<float>>& others) {
          std::vector<double> mean(network.outputs(), 0);
          for (const auto& view : others) {
            const auto p = network.probabilities(view);
            for (std::size_t i = 0; i < p.size(); ++i) mean[i] += p[i] / static_cast<double>(others.size());
          }
          return mean;
        }};
  };
  return model;
}

ScoreModel model_of(const ScoreHeads& heads, const ScoreEncoder* encoder_at_hand) {
  const ScoreEncoder* encoder = heads.wants_embedding() ? encoder_at_hand : nullptr;
  ScoreModel model;
  model.labels = heads.labels();
  model.say = [&heads, encoder](const Score& heard) {
    return heads.probabilities(task_evidence(heard, heads.task(), encoder));
  };
  model.describe = [&heads, encoder](const Score& score) {
    const TaskEvidence evidence = task_evidence(score, heads.task(), encoder);
    return DescriptorEvidence{task_feature_names(heads.task()),
                              evidence.views,
                              heads.labels(),
                              heads.class_mean(),
                              heads.class_deviation(),
                              [&heads, evidence](const std::vector<std::vector<float>>& views) {
                                TaskEvidence other = evidence;
                                other.views = views;
                                if (views.size() == 1) other.whole = views.front();
                                return heads.probabilities(other);
                              }};
  };
  return model;
}

Explanation explain_notes(const AskedScore& asked, const Answer& answer, const Score& whole, const fs::path& picture,
                          const std::string& title) {
  ScoreModel model;
  if (asked.style && asked.style->model().hash == answer.model_hash) {
    model = model_of(*asked.style);
  } else {
    const auto at = std::find_if(asked.heads.begin(), asked.heads.end(),
                                 [&](const ScoreHeads* heads) { return heads->model().hash == answer.model_hash; });
    EUTERPE_ASSERT(at != asked.heads.end());
    model = model_of(**at, asked.encoder);
  }
  const Subject subject{answer, model.labels};
  std::vector<Passage> passages = passages_of(whole);
  std::size_t best = 0;
  if (passages.size() > 1) {
    double surest = -1;
    for (std::size_t i = 0; i < passages.size(); ++i) {
      check_interrupt();
      const double p = passages[i].score.note_count() == 0 ? -1 : model.say(passages[i].score)[subject.label()];
      if (p > surest) surest = p, best = i;
    }
  }
  const Passage& passage = passages.at(best);
  SaliencyOptions search = kSearch;
  search.label = subject.label();
  const ScoreSaliency saliency = in_whole(explain_score(passage.score, model.say, search), passage, whole);
  const Excerpt excerpt{whole.seconds_at(Ticks(passage.begin)).value, whole.seconds_at(Ticks(passage.end)).value,
                        passage.score.note_count() == whole.note_count()};

  Explanation explanation;
  explanation.numbers = to_json(saliency, whole, model.labels);
  explanation.numbers["notes_looked_at"] = saliency.notes.size();
  say_subject(explanation, subject, saliency, excerpt);
  if (DescriptorEvidence evidence = model.describe(passage.score); !evidence.views.empty())
    add_reasons(explanation, evidence, subject.label());
  for (const auto& bar : explanation.numbers["bars"]) {
    if (explanation.places.size() == kPlaces) break;
    explanation.places.push_back(fmt::format("bar {}  {:.1f}-{:.1f} s", bar["bar"].get<int>(),
                                             bar["begin"].get<double>(), bar["end"].get<double>()));
  }
  std::vector<NoteWeight> notes;
  for (std::size_t i = 0; i < saliency.notes.size(); ++i)
    notes.push_back({saliency.notes[i].track, saliency.notes[i].note, saliency.weights[i]});
  plot_score_explanation(picture, whole, notes, {saliency.bar_weights, saliency.first_bar},
                         text_of(explanation, subject, saliency, excerpt, title));
  return explanation;
}

}  // namespace

void expect_picture(const fs::path& picture, const fs::path& file) {
  std::string extension = picture.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (extension != ".png" && extension != ".svg")
    throw Error(Category::usage, "explain", fmt::format("{}: a picture is drawn as .png or .svg", picture.string()),
                "name the picture behind --explain, the file to recognize after it");
  std::error_code ignored;
  if (fs::is_directory(picture, ignored)) throw Error(Category::usage, "explain", picture.string() + ": is a folder");
  refuse_to_overwrite_input("explain", std::span(&picture, 1), std::span(&file, 1));
}

Explanation explain(Recognizer& recognizer, const Recognition& found, const fs::path& file, const fs::path& picture,
                    const std::string& title) {
  expect_picture(picture, file);
  const Answer& answer = explained(found);
  if (found.kind == "audio")
    return explain_recording(recognizer.audio_models(), answer, file, found.duration, picture, title);
  return explain_notes(recognizer.score_models(), answer, read_score(file).score, picture, title);
}

}  // namespace euterpe
