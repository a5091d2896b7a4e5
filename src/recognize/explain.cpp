#include "recognize/explain.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
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

constexpr std::size_t kSentences = 5, kPlaces = 5;
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

/// The heaviest families that are worth a sentence, and the one that speaks most against the answer.
void add_reasons(Explanation& explanation, const DescriptorEvidence& evidence) {
  if (evidence.class_mean.empty()) return;
  const std::vector<DescriptorReason> all = reasons(evidence);
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

ExplanationText text_of(const Saliency& s, const std::vector<std::string>& labels, const std::string& title,
                        const std::vector<std::string>& sentences) {
  return {title,         labels[s.label],         s.runner_up == s.label ? "" : labels[s.runner_up],
          s.probability, s.runner_up_probability, sentences};
}

std::string minutes(double seconds) {
  const long whole = static_cast<long>(seconds) / 60;
  return fmt::format("{}:{:04.1f}", whole, seconds - static_cast<double>(60 * whole));
}

Explanation explain_recording(const AskedAudio& asked, const Answer& answer, const fs::path& file, double duration,
                              const fs::path& picture, const std::string& title) {
  const auto at = std::find_if(asked.heads.begin(), asked.heads.end(),
                               [&](const AudioHeads* heads) { return heads->model().hash == answer.model_hash; });
  EUTERPE_ASSERT(at != asked.heads.end());
  const AudioHeads& heads = **at;
  const std::vector<std::string> labels = heads.head(answer.task)->labels;
  const double begin = std::max(0.0, duration / 2 - kExplainedSeconds / 2);
  const AudioBuffer audio = decode(file, {kEncoderRate, 1, begin, kExplainedSeconds});
  const auto say = [&](const AudioEvidence& evidence) {
    for (const Answer& said : heads.answers(evidence))
      if (said.task == answer.task) return in_order(said, labels);
    return std::vector<double>(labels.size(), 1.0 / static_cast<double>(labels.size()));
  };
  Stages ignored;
  const AudioEvidence evidence = hear(audio, asked.encoder, ignored);
  const AudioSaliency saliency = explain_audio(
      audio,
      [&](const AudioBuffer& heard) {
        Stages of_thread;
        return say(hear(heard, asked.encoder, of_thread));
      },
      kSearch);

  Explanation explanation;
  explanation.numbers = to_json(saliency, labels);
  explanation.numbers["task"] = answer.task;
  explanation.numbers["excerpt"] = {{"begin", begin}, {"end", begin + audio.duration().value}};
  add_reasons(explanation,
              {audio_feature_names(), evidence.views, labels, class_tensor(heads.model(), "class_mean"),
               class_tensor(heads.model(), "class_deviation"), [&](const std::vector<std::vector<float>>& views) {
                 AudioEvidence other = evidence;
                 other.views = views;
                 return say(other);
               }});
  for (const auto& cell : explanation.numbers["cells"]) {
    if (explanation.places.size() == kPlaces) break;
    explanation.places.push_back(fmt::format("{}-{}  {:.0f}-{:.0f} Hz", minutes(begin + cell["begin"].get<double>()),
                                             minutes(begin + cell["end"].get<double>()), cell["f_low"].get<double>(),
                                             cell["f_high"].get<double>()));
  }
  const Matrix mel = power_to_db(mel_spectrogram(audio.channel(0), audio.sample_rate));
  plot_audio_explanation(
      picture, {mel.data, mel.bins, mel.frames, mel.hop},
      {saliency.weights, saliency.grid.edges, saliency.grid.segments, saliency.grid.seconds, saliency.salient},
      text_of(saliency, labels, title, explanation.sentences), begin);
  return explanation;
}

/// The bars from the beginning with at most kExplainedNotes notes, at least one bar.
Score beginning_of(const Score& score) {
  if (score.note_count() <= kExplainedNotes) return score;
  const auto bars = score.bar_lines();
  std::size_t last = 1;
  while (last + 1 < bars.size() && score_part(score, 0, bars[last + 1]).note_count() <= kExplainedNotes) ++last;
  return score_part(score, 0, bars[last]);
}

Explanation explain_notes(const AskedScore& asked, const Answer& answer, const Score& whole, const fs::path& picture,
                          const std::string& title) {
  const Score score = beginning_of(whole);
  std::vector<std::string> labels;
  ScoreAnswer say;
  DescriptorEvidence described;
  if (asked.style && asked.style->model().hash == answer.model_hash) {
    const StyleScoreModel& style = *asked.style;
    labels = style.labels();
    say = [&style](const Score& heard) {
      const auto notes = grid_notes(heard);
      const std::size_t n = style.labels().size();
      return notes.size() < kStyleMinNotes ? std::vector<double>(n, 1.0 / static_cast<double>(n))
                                           : style.piece_probabilities(notes);
    };
    std::vector<std::vector<float>> views;
    for (const auto& window : style_windows(grid_notes(score))) views.push_back(score_features(window));
    if (views.empty()) views.push_back(score_features(grid_notes(score)));
    described = {score_feature_names(),
                 std::move(views),
                 labels,
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
  } else {
    const auto at = std::find_if(asked.heads.begin(), asked.heads.end(),
                                 [&](const ScoreHeads* heads) { return heads->model().hash == answer.model_hash; });
    EUTERPE_ASSERT(at != asked.heads.end());
    const ScoreHeads& heads = **at;
    labels = heads.labels();
    const ScoreEncoder* encoder = heads.wants_embedding() ? asked.encoder : nullptr;
    say = [&heads, encoder](const Score& heard) {
      return heads.probabilities(task_evidence(heard, heads.task(), encoder));
    };
    const TaskEvidence evidence = task_evidence(score, heads.task(), encoder);
    described = {task_feature_names(heads.task()),
                 evidence.views,
                 labels,
                 heads.class_mean(),
                 heads.class_deviation(),
                 [&heads, evidence](const std::vector<std::vector<float>>& views) {
                   TaskEvidence other = evidence;
                   other.views = views;
                   if (views.size() == 1) other.whole = views.front();
                   return heads.probabilities(other);
                 }};
  }
  const ScoreSaliency saliency = explain_score(score, say, kSearch);

  Explanation explanation;
  explanation.numbers = to_json(saliency, score, labels);
  explanation.numbers["task"] = answer.task;
  explanation.numbers["notes_looked_at"] = saliency.notes.size();
  add_reasons(explanation, described);
  for (const auto& bar : explanation.numbers["bars"]) {
    if (explanation.places.size() == kPlaces) break;
    explanation.places.push_back(fmt::format("bar {}  {}-{}", bar["bar"].get<int>(),
                                             minutes(bar["begin"].get<double>()), minutes(bar["end"].get<double>())));
  }
  std::vector<NoteWeight> notes;
  for (std::size_t i = 0; i < saliency.notes.size(); ++i)
    notes.push_back({saliency.notes[i].track, saliency.notes[i].note, saliency.weights[i]});
  plot_score_explanation(picture, score, notes, saliency.bar_weights,
                         text_of(saliency, labels, title, explanation.sentences));
  return explanation;
}

}  // namespace

Explanation explain(Recognizer& recognizer, const Recognition& found, const fs::path& file, const fs::path& picture,
                    const std::string& title) {
  const Answer& answer = explained(found);
  if (found.kind == "audio")
    return explain_recording(recognizer.audio_models(), answer, file, found.duration, picture, title);
  return explain_notes(recognizer.score_models(), answer, read_score(file).score, picture, title);
}

}  // namespace euterpe
