#include "recognize/audio_heads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "nn/mlp.hpp"
#include "signal/audio_features.hpp"

namespace euterpe {
namespace {

constexpr double kShortest = 0.25;        // seconds
constexpr float kSilence = 1.0f / 32768;  // one step of 16-bit audio

bool silent(const AudioBuffer& audio) {
  return std::none_of(audio.samples.begin(), audio.samples.end(), [](float s) { return std::abs(s) > kSilence; });
}

std::size_t outputs_of(const std::vector<AudioHead>& heads) {
  std::size_t outputs = 0;
  for (const AudioHead& head : heads) outputs += head.labels.size();
  return outputs;
}

[[noreturn]] void broken(const std::string& model, const std::string& what) {
  throw Error(Category::bad_input, "load_audio_heads", "model " + model + ": " + what,
              "The model is damaged or incomplete; train or install it again.");
}

std::vector<AudioHead> heads_of(const Model& model) {
  const auto options = model.card.find("options");
  if (options == model.card.end() || !options->is_object() || !options->contains("heads"))
    broken(model.name, "the card names no heads");
  std::vector<AudioHead> heads;
  try {
    for (const auto& row : options->at("heads")) {
      AudioHead head;
      head.task = row.at("task").get<std::string>();
      head.kind = row.at("kind") == "probabilities" ? Answer::Kind::probabilities : Answer::Kind::values;
      head.labels = row.at("labels").get<std::vector<std::string>>();
      if (head.kind == Answer::Kind::probabilities) {
        head.temperature = row.at("temperature").get<double>();
      } else {
        head.lowest = row.at("range").at(0).get<double>();
        head.highest = row.at("range").at(1).get<double>();
      }
      if (head.labels.empty() || !(head.temperature > 0) || !(head.lowest <= head.highest))
        broken(model.name, "the card's head " + head.task + " is out of range");
      heads.push_back(std::move(head));
    }
  } catch (const nlohmann::json::exception& error) {
    broken(model.name, std::string("the card's heads are not as they should be: ") + error.what());
  }
  return heads;
}

}  // namespace

std::vector<std::vector<float>> audio_views(const AudioBuffer& excerpt) {
  EUTERPE_ASSERT(excerpt.channels == 1 && excerpt.sample_rate == kEncoderRate);
  std::vector<std::vector<float>> views{audio_features(excerpt)};
  if (excerpt.duration() < Seconds(15)) return views;
  const std::size_t third = excerpt.frames() / 3;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto begin = excerpt.samples.begin() + static_cast<std::ptrdiff_t>(i * third);
    views.push_back(audio_features({kEncoderRate, 1, {begin, begin + static_cast<std::ptrdiff_t>(third)}}));
  }
  return views;
}

AudioEvidence audio_evidence(const AudioBuffer& excerpt, const AudioEncoder& encoder) {
  EUTERPE_ASSERT(excerpt.channels == 1 && excerpt.sample_rate == kEncoderRate);
  if (excerpt.duration() < Seconds(kShortest))
    throw Error(Category::bad_input, "recognize", "shorter than a quarter of a second");
  if (silent(excerpt)) throw Error(Category::bad_input, "recognize", "silence, there is nothing to hear");
  return {Seconds(0), excerpt.duration(), audio_views(excerpt), encoder.embed(excerpt)};
}

std::vector<float> audio_input(const AudioEvidence& evidence, std::size_t width) {
  EUTERPE_ASSERT(!evidence.views.empty() && width > 0);
  if (evidence.embedding.empty() || evidence.embedding.size() % width != 0)
    throw Error(Category::unsupported, "recognize",
                fmt::format("the encoder's embedding is not {} wide, as the model expects", width),
                "Train the model again with the encoder that is installed.");
  std::vector<float> input(evidence.views.front().size(), 0.0f);
  for (const auto& view : evidence.views)
    for (std::size_t i = 0; i < view.size(); ++i) input[i] += view[i] / static_cast<float>(evidence.views.size());
  const std::size_t chunks = evidence.embedding.size() / width;
  std::vector<float> spread;
  for (std::size_t i = 0; i < width; ++i) {
    double sum = 0, squares = 0;
    for (std::size_t c = 0; c < chunks; ++c) sum += static_cast<double>(evidence.embedding[c * width + i]);
    const double mean = sum / static_cast<double>(chunks);
    for (std::size_t c = 0; c < chunks; ++c)
      squares += std::pow(static_cast<double>(evidence.embedding[c * width + i]) - mean, 2);
    input.push_back(static_cast<float>(mean));
    spread.push_back(static_cast<float>(std::sqrt(squares / static_cast<double>(chunks))));
  }
  input.insert(input.end(), spread.begin(), spread.end());
  return input;
}

std::vector<std::size_t> audio_input_parts(std::size_t width) { return {audio_feature_names().size(), 2 * width}; }

AudioHeads::AudioHeads(std::vector<AudioHead> heads, KernelMachine machine, std::size_t width)
    : heads_(std::move(heads)), machine_(std::move(machine)), width_(width) {
  EUTERPE_ASSERT(machine_.outputs() == outputs_of(heads_) && machine_.parts == audio_input_parts(width_));
}

AudioHeads AudioHeads::load(std::string_view name) {
  Model model = find_model(name);
  auto heads = heads_of(model);
  const std::size_t width = model.card["options"].value("embedding", std::size_t{0});
  const Safetensors weights = model.weights();
  KernelMachine machine = KernelMachine::from(weights, "machine");
  if (machine.outputs() != outputs_of(heads))
    broken(model.name, fmt::format("{} outputs for {} labels", machine.outputs(), outputs_of(heads)));
  if (machine.parts != audio_input_parts(width))
    broken(model.name, "it was trained on other descriptors than this program has");
  AudioHeads loaded(std::move(heads), std::move(machine), width);
  loaded.unknown_ = UnknownDetector::from(weights);
  if (!loaded.unknown_.empty() && loaded.unknown_.inputs() != audio_feature_names().size())
    broken(model.name, "its detector of the unknown was trained on other descriptors than this program has");
  loaded.model_ = std::move(model);
  return loaded;
}

const AudioHead* AudioHeads::head(std::string_view task) const {
  const auto it = std::ranges::find(heads_, task, &AudioHead::task);
  return it == heads_.end() ? nullptr : &*it;
}

std::vector<float> AudioHeads::outputs(const AudioEvidence& evidence) const {
  return machine_(audio_input(evidence, width_));
}

std::vector<Answer> AudioHeads::answers(const AudioEvidence& evidence) const {
  const std::vector<float> all = outputs(evidence);
  const bool commercial = model_.card.is_object() && model_.card.value("commercial", false);
  const double unknown = unknown_.unknown(evidence.views);
  std::vector<Answer> answers;
  std::size_t begin = 0;
  for (const AudioHead& head : heads_) {
    const auto own = std::span(all).subspan(begin, head.labels.size());
    begin += head.labels.size();
    Answer answer{head.task, head.kind, {}, unknown, model_.name, model_.hash, commercial};
    std::vector<double> numbers;
    if (head.kind == Answer::Kind::probabilities)
      numbers = softmax(own, head.temperature);
    else
      for (const float v : own) numbers.push_back(std::clamp(static_cast<double>(v), head.lowest, head.highest));
    for (std::size_t i = 0; i < numbers.size(); ++i) answer.values.emplace_back(head.labels[i], numbers[i]);
    std::ranges::stable_sort(answer.values, [](const auto& a, const auto& b) { return a.second > b.second; });
    answers.push_back(std::move(answer));
  }
  return answers;
}

std::vector<float> AudioHeads::embedding(const AudioEvidence& evidence) const {
  std::vector<float> z = machine_.standardized(audio_input(evidence, width_));
  std::size_t begin = 0;
  for (const std::size_t width : machine_.parts) {
    for (std::size_t i = begin; i < begin + width; ++i) z[i] /= std::sqrt(static_cast<float>(width));
    begin += width;
  }
  const float length = std::sqrt(std::inner_product(z.begin(), z.end(), z.begin(), 0.0f));
  for (float& v : z) v /= std::max(length, 1e-12f);
  return z;
}

nlohmann::json to_json(const std::vector<AudioHead>& heads) {
  nlohmann::json rows = nlohmann::json::array();
  for (const AudioHead& head : heads) {
    nlohmann::json row{{"task", head.task}, {"labels", head.labels}};
    if (head.kind == Answer::Kind::probabilities) {
      row["kind"] = "probabilities";
      row["temperature"] = head.temperature;
    } else {
      row["kind"] = "values";
      row["range"] = {head.lowest, head.highest};
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace euterpe
