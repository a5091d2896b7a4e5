#include "recognize/score_heads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "score/descriptors.hpp"
#include "score/drum_descriptors.hpp"
#include "score/emotion_descriptors.hpp"

namespace euterpe {
namespace {

// Fewer loudnesses than this, each for several notes, are no performance: recorded ones have dozens, notated ones a few
// dynamic marks.
constexpr std::size_t kFewVelocities = 24, kNotesOfOneVelocity = 6;
constexpr double kDrumWindow = 4;  // quarters
constexpr std::size_t kLeastStrikes = 4, kMostWindows = 64;

// Least squares on one-hot targets says 0 … 1, which is little for a logit.
constexpr double kKernelTemperature = 0.2;

constexpr std::array<const char*, 5> kKinds{"forest", "ngrams", "embedding", "kernel", "notes"};
constexpr std::array<const char*, 3> kDynamics{"any", "varied", "flat"};

const char* descriptor_version(ScoreTask task) {
  return task == ScoreTask::emotion ? "emotion.v1" : task == ScoreTask::composer ? "score.v1" : "drums.v1";
}

bool is_flat(const Score& score) {
  std::set<int> velocities;
  std::size_t notes = 0;
  for (const Track& track : score.tracks)
    if (!track.drums)
      for (const Note& note : track.notes) {
        velocities.insert(note.velocity);
        ++notes;
      }
  return velocities.size() < kFewVelocities && velocities.size() * kNotesOfOneVelocity < notes;
}

template <std::size_t N>
int index_of(const std::array<const char*, N>& names, const std::string& value, const std::string& model) {
  const auto at = std::find_if(names.begin(), names.end(), [&](const char* n) { return value == n; });
  if (at == names.end())
    throw Error(Category::unsupported, "load",
                fmt::format("{}: holds a \"{}\", which this version does not know", model, value));
  return static_cast<int>(at - names.begin());
}

}  // namespace

const char* name(ScoreTask task) {
  return task == ScoreTask::emotion ? "quadrant" : task == ScoreTask::composer ? "composer" : "drum-style";
}

const char* model_name(ScoreTask task) {
  return task == ScoreTask::emotion ? "score-emotion" : task == ScoreTask::composer ? "composer-score" : "drum-style";
}

unsigned hidden(ScoreTask task) {
  switch (task) {
    case ScoreTask::emotion:
      return kHideMeter | kHideProgram;  // performances that follow no beat
    case ScoreTask::composer:
      return kHideSeconds | kHideVelocity | kHideProgram;
    case ScoreTask::drum_style:
      return 0;
  }
  return 0;
}

const std::vector<std::string>& task_feature_names(ScoreTask task) {
  return task == ScoreTask::emotion    ? emotion_feature_names()
         : task == ScoreTask::composer ? score_feature_names()
                                       : drum_feature_names();
}

TaskEvidence task_evidence(const Score& score, ScoreTask task, const ScoreEncoder* encoder) {
  TaskEvidence evidence;
  const std::size_t drums = drum_note_count(score);
  if ((task == ScoreTask::drum_style ? drums : score.note_count() - drums) < kScoreMinNotes) return evidence;
  switch (task) {
    case ScoreTask::emotion:
      evidence.whole = emotion_features(score);
      evidence.flat = is_flat(score);
      break;
    case ScoreTask::composer:
      evidence.whole = score_features(grid_notes(score));
      evidence.ngrams = note_ngrams(score);
      break;
    case ScoreTask::drum_style:
      evidence.whole = drum_features(score, 0, static_cast<double>(score.end_tick()) / score.ticks_per_quarter + 1);
      evidence.views = drum_windows(score, kDrumWindow, kLeastStrikes, kMostWindows);
      break;
  }
  if (evidence.views.empty()) evidence.views.push_back(evidence.whole);
  evidence.notes = note_sequence(score);
  std::erase_if(evidence.notes, [&](const SequenceNote& note) {
    return (note.program == kDrumFamily) != (task == ScoreTask::drum_style);
  });
  if (encoder) evidence.embedding = encoder->embed(score, hidden(task));
  return evidence;
}

const TaskEvidence& ScoreEvidence::of(ScoreTask task) const {
  return task == ScoreTask::emotion ? emotion : task == ScoreTask::composer ? composer : drum_style;
}

ScoreEvidence score_evidence(const Score& score, const ScoreEncoder& encoder) {
  return {task_evidence(score, ScoreTask::emotion, &encoder), task_evidence(score, ScoreTask::composer, &encoder),
          task_evidence(score, ScoreTask::drum_style, &encoder)};
}

std::vector<double> tempered(std::span<const double> probabilities, double temperature) {
  std::vector<double> p(probabilities.begin(), probabilities.end());
  double sum = 0;
  for (double& v : p) sum += v = std::pow(std::max(v, 1e-6), 1 / temperature);
  for (double& v : p) v /= sum;
  return p;
}

std::vector<double> ScoreMember::probabilities(const TaskEvidence& evidence) const {
  std::vector<double> mean;
  const auto add = [&](const std::vector<double>& p) {
    if (mean.empty()) mean.assign(p.size(), 0.0);
    for (std::size_t k = 0; k < p.size(); ++k) mean[k] += p[k];
  };
  switch (kind) {
    case Kind::forest:
      for (const auto& view : evidence.views) {
        if (features.empty()) {
          add(forest.probabilities(view));
          continue;
        }
        std::vector<float> known;
        for (const int f : features) known.push_back(view[static_cast<std::size_t>(f)]);
        add(forest.probabilities(known));
      }
      break;
    case Kind::ngrams:
      add(softmax(linear.margins(evidence.ngrams)));
      break;
    case Kind::embedding:
      for (const auto& window : evidence.embedding) add(network.probabilities(window));
      break;
    case Kind::kernel:
      add(softmax(kernel(evidence.whole), kKernelTemperature));
      break;
    case Kind::notes:
      add(tuned->probabilities(evidence.notes));
      break;
  }
  const double sum = std::accumulate(mean.begin(), mean.end(), 0.0);
  for (double& v : mean) v /= sum;
  return tempered(mean, temperature);
}

ScoreHeads::ScoreHeads(ScoreTask task, std::vector<std::string> labels, std::vector<ScoreMember> members,
                       double temperature)
    : task_(task), labels_(std::move(labels)), members_(std::move(members)), temperature_(temperature) {
  EUTERPE_ASSERT(labels_.size() > 1 && !members_.empty() && temperature_ > 0);
}

bool ScoreHeads::wants_embedding() const {
  return std::any_of(members_.begin(), members_.end(),
                     [](const ScoreMember& m) { return m.kind == ScoreMember::Kind::embedding; });
}

std::vector<double> ScoreHeads::probabilities(const TaskEvidence& evidence) const {
  const std::vector<double> alike(labels_.size(), 1.0 / static_cast<double>(labels_.size()));
  if (evidence.views.empty()) return alike;
  std::vector<double> mean(labels_.size(), 0.0);
  double weight = 0;
  for (const ScoreMember& member : members_) {
    if (member.weight <= 0 || (member.kind == ScoreMember::Kind::embedding && evidence.embedding.empty())) continue;
    if (member.dynamics == (evidence.flat ? ScoreMember::Dynamics::varied : ScoreMember::Dynamics::flat)) continue;
    const std::vector<double> p = member.probabilities(evidence);
    for (std::size_t k = 0; k < mean.size(); ++k) mean[k] += member.weight * p[k];
    weight += member.weight;
  }
  if (weight <= 0) return alike;
  for (double& v : mean) v /= weight;
  return tempered(mean, temperature_);
}

double high_arousal(std::span<const double> quadrants) { return quadrants[0] + quadrants[1]; }
double high_valence(std::span<const double> quadrants) { return quadrants[0] + quadrants[3]; }

std::vector<Answer> ScoreHeads::answers(const ScoreEvidence& evidence) const {
  if (!evidence.has(task_))
    throw Error(Category::bad_input, "recognize",
                fmt::format("fewer than {} {} notes: too few to tell the {}", kScoreMinNotes,
                            task_ == ScoreTask::drum_style ? "drum" : "pitched",
                            task_ == ScoreTask::emotion ? "emotion" : name(task_)));
  const std::vector<double> p = probabilities(evidence.of(task_));
  Answer answer;
  answer.task = name(task_);
  answer.unknown = unknown_.unknown(evidence.of(task_).views);
  for (std::size_t i = 0; i < p.size(); ++i) answer.values.emplace_back(labels_[i], p[i]);
  answer.model = model_.name;
  answer.model_hash = model_.hash;
  answer.commercial = model_.card.is_object() && model_.card.value("commercial", nlohmann::json(false)) == true;
  std::vector<Answer> answers{answer};
  if (task_ == ScoreTask::emotion) {
    Answer plane = answer;
    plane.task = "valence-arousal";
    plane.kind = Answer::Kind::values;
    plane.values = {{"valence", 2 * high_valence(p) - 1}, {"arousal", 2 * high_arousal(p) - 1}};
    answers.push_back(std::move(plane));
  }
  for (Answer& a : answers)
    std::stable_sort(a.values.begin(), a.values.end(),
                     [](const auto& x, const auto& y) { return x.second > y.second; });
  return answers;
}

void ScoreHeads::describe_classes(std::vector<float> mean, std::vector<float> deviation) {
  EUTERPE_ASSERT(mean.size() == deviation.size() && mean.size() % labels_.size() == 0);
  class_mean_ = std::move(mean);
  class_deviation_ = std::move(deviation);
}

void ScoreHeads::tell_unknown_by(UnknownDetector detector) {
  EUTERPE_ASSERT(detector.empty() || detector.inputs() == task_feature_names(task_).size());
  unknown_ = std::move(detector);
}

nlohmann::json ScoreHeads::options() const {
  nlohmann::json members = nlohmann::json::array();
  for (const ScoreMember& m : members_)
    members.push_back({{"kind", kKinds[static_cast<std::size_t>(m.kind)]},
                       {"dynamics", kDynamics[static_cast<std::size_t>(m.dynamics)]},
                       {"weight", m.weight},
                       {"temperature", m.temperature},
                       {"features", m.features},
                       {"tuned", m.tuned ? m.tuned->options() : nlohmann::json()}});
  return {{"labels", labels_},
          {"descriptors", descriptor_version(task_)},
          {"members", members},
          {"temperature", temperature_}};
}

void ScoreHeads::put(Safetensors& file) const {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const std::string prefix = fmt::format("opinion.{}", i);
    const ScoreMember& member = members_[i];
    switch (member.kind) {
      case ScoreMember::Kind::forest:
        member.forest.put(file, prefix);
        break;
      case ScoreMember::Kind::ngrams:
        member.linear.put(file, prefix);
        break;
      case ScoreMember::Kind::embedding:
        member.network.put(file);
        break;  // at most one: its names are fixed
      case ScoreMember::Kind::kernel:
        member.kernel.put(file, prefix);
        break;
      case ScoreMember::Kind::notes:
        member.tuned->put(file, prefix);
        break;
    }
  }
  unknown_.put(file);
  if (class_mean_.empty()) return;
  const std::vector<std::int64_t> shape{static_cast<std::int64_t>(labels_.size()),
                                        static_cast<std::int64_t>(class_mean_.size() / labels_.size())};
  file.put("class_mean", shape, class_mean_);
  file.put("class_deviation", shape, class_deviation_);
}

ScoreHeads ScoreHeads::load(std::string_view wanted) {
  Model model = find_model(wanted);
  const auto refuse = [&](const std::string& why) {
    return Error(Category::unsupported, "load", fmt::format("{}: {}", model.name, why),
                 "Train it again with this version.");
  };
  constexpr std::array<ScoreTask, 3> kTasks{ScoreTask::emotion, ScoreTask::composer, ScoreTask::drum_style};
  const auto task = std::find_if(kTasks.begin(), kTasks.end(), [&](ScoreTask t) {
    return model.card.value("task", nlohmann::json()) == model_name(t);
  });
  if (task == kTasks.end()) throw refuse("is no model of a score's emotion, composer or drum style");
  const Safetensors file = model.weights();
  try {
    const nlohmann::json& options = model.card.at("options");
    if (options.at("descriptors") != descriptor_version(*task)) throw refuse("looks at other descriptors");
    const auto labels = options.at("labels").get<std::vector<std::string>>();
    const auto inputs = static_cast<int>(task_feature_names(*task).size());
    std::vector<ScoreMember> members;
    for (const nlohmann::json& m : options.at("members")) {
      const std::string prefix = fmt::format("opinion.{}", members.size());
      ScoreMember member;
      member.kind = static_cast<ScoreMember::Kind>(index_of(kKinds, m.at("kind"), model.name));
      member.dynamics = static_cast<ScoreMember::Dynamics>(index_of(kDynamics, m.at("dynamics"), model.name));
      member.weight = m.at("weight");
      member.temperature = m.at("temperature");
      member.features = m.at("features").get<std::vector<int>>();
      for (const int f : member.features)
        if (f < 0 || f >= inputs) throw refuse("asks descriptors that are not there");
      int classes = 0;
      switch (member.kind) {
        case ScoreMember::Kind::forest:
          member.forest = Forest::from(
              file, prefix, member.features.empty() ? static_cast<std::size_t>(inputs) : member.features.size());
          classes = member.forest.classes();
          break;
        case ScoreMember::Kind::ngrams:
          member.linear = SparseLinear::from(file, prefix);
          classes = member.linear.classes();
          if (member.linear.dimensions() != kNoteNgrams) throw refuse("counts other patterns");
          break;
        case ScoreMember::Kind::embedding:
          if (model.card.at("training").at("encoder") != find_model("score-encoder").hash)
            throw refuse("learned from the vectors of another score-encoder than the one that is installed");
          member.network = MlpEnsemble::from(file);
          classes = static_cast<int>(member.network.outputs());
          break;
        case ScoreMember::Kind::kernel:
          member.kernel = KernelMachine::from(file, prefix);
          classes = static_cast<int>(member.kernel.outputs());
          if (member.kernel.inputs() != static_cast<std::size_t>(inputs)) throw refuse("asks other descriptors");
          break;
        case ScoreMember::Kind::notes: {
          const ScoreEncoder encoder = ScoreEncoder::load();
          if (model.card.at("training").at("encoder") != encoder.model().hash)
            throw refuse("was tuned from another score-encoder than the one that is installed");
          member.tuned = NoteMember::from(encoder.network(), m.at("tuned"), file, prefix);
          classes = member.tuned->classes();
          break;
        }
      }
      if (classes != static_cast<int>(labels.size()) || !(member.weight >= 0) || !(member.temperature > 0))
        throw refuse("its members and its labels do not agree");
      members.push_back(std::move(member));
    }
    const double temperature = options.at("temperature");
    if (labels.size() < 2 || members.empty() || !(temperature > 0) ||
        (*task == ScoreTask::emotion && labels.size() != 4))
      throw refuse("its card says too little");
    ScoreHeads heads(*task, labels, std::move(members), temperature);
    if (file.has("class_mean")) {
      const std::int64_t shape[] = {static_cast<std::int64_t>(labels.size()), inputs};
      heads.describe_classes(file.floats("class_mean", shape), file.floats("class_deviation", shape));
    }
    UnknownDetector unknown = UnknownDetector::from(file);
    if (!unknown.empty() && unknown.inputs() != static_cast<std::size_t>(inputs))
      throw refuse("its detector of the unknown looks at other descriptors");
    heads.tell_unknown_by(std::move(unknown));
    heads.model_ = std::move(model);
    return heads;
  } catch (const nlohmann::json::exception& e) {
    throw refuse(fmt::format("its card cannot be read ({})", e.what()));
  }
}

}  // namespace euterpe
