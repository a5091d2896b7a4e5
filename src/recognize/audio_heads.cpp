#include "recognize/audio_heads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "nn/mlp.hpp"
#include "signal/audio_features.hpp"
#include "signal/mel.hpp"
#include "signal/separation_features.hpp"
#include "signal/timbre_covariance.hpp"

namespace euterpe {
namespace {

constexpr std::array<std::string_view, 4> kPartNames{"descriptors", "covariance", "separation", "embedding"};
constexpr double kShortest = 0.25;        // seconds
constexpr float kSilence = 1.0f / 32768;  // one step of 16-bit audio

bool silent(const AudioBuffer& audio) {
  return std::none_of(audio.samples.begin(), audio.samples.end(), [](float s) { return std::abs(s) > kSilence; });
}

void add_thirds(std::vector<std::vector<float>>& views, const AudioBuffer& excerpt) {
  if (excerpt.duration() < Seconds(15)) return;
  const std::size_t third = excerpt.frames() / 3;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto begin = excerpt.samples.begin() + static_cast<std::ptrdiff_t>(i * third);
    views.push_back(audio_features({kEncoderRate, 1, {begin, begin + static_cast<std::ptrdiff_t>(third)}}));
  }
}

/// Mean and deviation over the chunks; NaN where there is none.
void add_embedding(std::vector<float>& input, const std::vector<float>& embedding, std::size_t width) {
  const auto chunks = static_cast<double>(embedding.size() / width);
  std::vector<float> spread;
  for (std::size_t i = 0; i < width; ++i) {
    double sum = 0, squares = 0;
    for (std::size_t c = i; c < embedding.size(); c += width) sum += static_cast<double>(embedding[c]);
    const double mean = sum / chunks;
    for (std::size_t c = i; c < embedding.size(); c += width)
      squares += std::pow(static_cast<double>(embedding[c]) - mean, 2);
    input.push_back(static_cast<float>(mean));
    spread.push_back(static_cast<float>(std::sqrt(squares / chunks)));
  }
  input.insert(input.end(), spread.begin(), spread.end());
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
        head.spread = row.value("spread", 1.0);
      }
      if (head.labels.empty() || !(head.temperature > 0) || !(head.spread > 0) || !(head.lowest <= head.highest))
        broken(model.name, "the card's head " + head.task + " is out of range");
      heads.push_back(std::move(head));
    }
  } catch (const nlohmann::json::exception& error) {
    broken(model.name, std::string("the card's heads are not as they should be: ") + error.what());
  }
  return heads;
}

/// The inputs that the card names under `key`, and the width of the embedding that they were trained with.
AudioInput input_of(const Model& model, const char* key) {
  AudioInput input;
  const auto& options = model.card.at("options");
  const auto names = options.find(key), width = options.find("embedding");
  if (names == options.end() || !names->is_array() || names->empty()) broken(model.name, "the card names no inputs");
  for (const auto& name : *names) {
    const auto known = std::ranges::find(kPartNames, name.is_string() ? name.get<std::string>() : "");
    if (known == kPartNames.end()) broken(model.name, "the card names the input " + name.dump());
    input.parts.push_back(static_cast<AudioPart>(known - kPartNames.begin()));
  }
  if (width == options.end() || !width->is_number_unsigned() || *width < 1 || *width > 65536)
    broken(model.name, "the card does not say how wide the embedding is");
  input.width = width->get<std::size_t>();
  return input;
}

}  // namespace

std::vector<std::vector<float>> audio_views(const AudioBuffer& excerpt) {
  std::vector<std::vector<float>> views{audio_features(excerpt)};
  add_thirds(views, excerpt);
  return views;
}

AudioEvidence audio_evidence(const AudioBuffer& excerpt) {
  EUTERPE_ASSERT(excerpt.channels == 1 && excerpt.sample_rate == kEncoderRate);
  if (excerpt.duration() < Seconds(kShortest))
    throw Error(Category::bad_input, "recognize", "shorter than a quarter of a second");
  if (silent(excerpt)) throw Error(Category::bad_input, "recognize", "silence, there is nothing to hear");
  const FrameDescriptors frames = frame_descriptors(excerpt.channel(0));
  AudioEvidence evidence{Seconds(0),
                         excerpt.duration(),
                         {audio_features(frames)},
                         timbre_covariance(frames.mfcc),
                         separation_features(mel_spectrogram(excerpt.channel(0), kEncoderRate)),
                         {}};
  add_thirds(evidence.views, excerpt);
  return evidence;
}

AudioEvidence audio_evidence(const AudioBuffer& excerpt, const AudioEncoder& encoder) {
  AudioEvidence evidence = audio_evidence(excerpt);
  evidence.embedding = encoder.embed(excerpt);
  return evidence;
}

const char* to_string(AudioPart part) { return kPartNames[static_cast<std::size_t>(part)].data(); }

std::vector<std::size_t> AudioInput::widths() const {
  std::vector<std::size_t> all;
  for (const AudioPart part : parts)
    all.push_back(part == AudioPart::descriptors  ? audio_feature_names().size()
                  : part == AudioPart::covariance ? kTimbreCovariance
                  : part == AudioPart::separation ? kSeparationFeatures
                                                  : 2 * width);
  return all;
}

std::vector<float> AudioInput::operator()(const AudioEvidence& evidence) const {
  EUTERPE_ASSERT(!evidence.views.empty());
  constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> input;
  for (const AudioPart part : parts) {
    const std::size_t begin = input.size();
    switch (part) {
      case AudioPart::descriptors:
        input.resize(begin + evidence.views.front().size(), 0.0f);
        for (const auto& view : evidence.views)
          for (std::size_t i = 0; i < view.size(); ++i)
            input[begin + i] += view[i] / static_cast<float>(evidence.views.size());
        break;
      case AudioPart::covariance:
        if (evidence.covariance.empty()) input.resize(begin + kTimbreCovariance, kMissing);
        input.insert(input.end(), evidence.covariance.begin(), evidence.covariance.end());
        break;
      case AudioPart::separation:
        if (evidence.separation.empty()) input.resize(begin + kSeparationFeatures, kMissing);
        input.insert(input.end(), evidence.separation.begin(), evidence.separation.end());
        break;
      case AudioPart::embedding:
        if (evidence.embedding.size() % width != 0)
          throw Error(Category::unsupported, "recognize",
                      fmt::format("the encoder's embedding is not {} wide, as the model expects", width),
                      "Train the model again with the encoder that is installed.");
        add_embedding(input, evidence.embedding, width);
        break;
    }
  }
  return input;
}

AudioHeads::AudioHeads(std::vector<AudioHead> heads, AudioMachine labels, AudioMachine values, RegressionForest forest)
    : heads_(std::move(heads)), labels_(std::move(labels)), values_(std::move(values)), forest_(std::move(forest)) {
  EUTERPE_ASSERT(forest_.outputs() <= values_.machine.outputs());
  EUTERPE_ASSERT(labels_.machine.outputs() + values_.machine.outputs() == outputs_of(heads_));
}

AudioHeads AudioHeads::load(std::string_view name) {
  Model model = find_model(name);
  auto heads = heads_of(model);
  const Safetensors weights = model.weights();
  const char* const kOther = "was trained on other descriptors than this program has";
  const auto machine_of = [&](const std::string& prefix, const char* inputs) {
    AudioMachine found{KernelMachine::from(weights, prefix), input_of(model, inputs)};
    if (found.machine.parts != found.input.widths()) broken(model.name, fmt::format("its {} {}", prefix, kOther));
    return found;
  };
  AudioMachine labels = machine_of("machine", "inputs"), values;
  if (weights.has("values.mean")) values = machine_of("values", "value_inputs");
  if (labels.machine.outputs() + values.machine.outputs() != outputs_of(heads))
    broken(model.name, fmt::format("{} outputs for {} labels", labels.machine.outputs() + values.machine.outputs(),
                                   outputs_of(heads)));
  RegressionForest forest = RegressionForest::from(weights, "forest");
  const auto seen = forest_input().widths();
  if (forest.outputs() > values.machine.outputs() ||
      (!forest.empty() && forest.inputs() != std::accumulate(seen.begin(), seen.end(), std::size_t{0})))
    broken(model.name, fmt::format("its forest {}", kOther));
  AudioHeads loaded(std::move(heads), std::move(labels), std::move(values), std::move(forest));
  loaded.unknown_ = UnknownDetector::from(weights);
  if (!loaded.unknown_.empty() && loaded.unknown_.inputs() != audio_feature_names().size())
    broken(model.name, fmt::format("its detector of the unknown {}", kOther));
  loaded.model_ = std::move(model);
  return loaded;
}

bool AudioHeads::hear_embedding() const {
  return std::ranges::count(labels_.input.parts, AudioPart::embedding) > 0 ||
         std::ranges::count(values_.input.parts, AudioPart::embedding) > 0;
}

const AudioHead* AudioHeads::head(std::string_view task) const {
  const auto it = std::ranges::find(heads_, task, &AudioHead::task);
  return it == heads_.end() ? nullptr : &*it;
}

void AudioHeads::expect_encoder(std::string_view hash) const {
  if (!model_.card.is_object() || !hear_embedding()) return;
  const auto& options = model_.card.at("options");
  const auto learned = options.find("encoder");
  if (learned != options.end() && learned->is_string() && learned->get<std::string>() == hash) return;
  throw Error(Category::unsupported, "recognize",
              fmt::format("model {} learned from another audio encoder than the one that is installed", model_.name),
              "Train the model again with the encoder that is installed.");
}

const AudioInput& AudioHeads::forest_input() {
  static const AudioInput input{{AudioPart::descriptors, AudioPart::separation}, 0};
  return input;
}

std::vector<float> AudioHeads::outputs(const AudioEvidence& evidence) const {
  std::vector<float> all = labels_(evidence);
  if (values_.machine.outputs() == 0) return all;
  const std::vector<float> values = values_(evidence);
  all.insert(all.end(), values.begin(), values.end());
  if (forest_.empty() || evidence.separation.empty()) return all;
  const auto second = forest_(forest_input()(evidence));
  const std::size_t begin = all.size() - second.size();
  for (std::size_t i = 0; i < second.size(); ++i) all[begin + i] = (all[begin + i] + second[i]) / 2;
  return all;
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
      for (std::size_t i = 0; i < own.size(); ++i) {
        const std::size_t output = begin - own.size() + i - labels_.machine.outputs();
        const auto usual = static_cast<double>(values_.machine.bias[output]);
        numbers.push_back(
            std::clamp(usual + head.spread * (static_cast<double>(own[i]) - usual), head.lowest, head.highest));
      }
    for (std::size_t i = 0; i < numbers.size(); ++i) answer.values.emplace_back(head.labels[i], numbers[i]);
    std::ranges::stable_sort(answer.values, [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;  // as stored answers are read
    });
    answers.push_back(std::move(answer));
  }
  return answers;
}

std::vector<float> AudioHeads::embedding(const AudioEvidence& evidence) const {
  const KernelMachine& machine = labels_.machine;
  std::vector<float> z = machine.standardized(labels_.input(evidence));
  std::size_t begin = 0;
  for (std::size_t p = 0; p < machine.parts.size(); ++p) {
    const float say = std::sqrt(machine.share[p] / static_cast<float>(machine.parts[p]));
    for (std::size_t i = begin; i < begin + machine.parts[p]; ++i) z[i] *= say;
    begin += machine.parts[p];
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
      row["spread"] = head.spread;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace euterpe
