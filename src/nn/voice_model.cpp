#include "nn/voice_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr int kSymbolBase = 23;      // symbol = pitch − key − 23
constexpr double kForgotten = 1e-9;  // a key below this probability is not followed any longer

std::vector<int> integers(const Safetensors& file, const char* name, DType type, std::size_t bytes) {
  const Tensor& t = file.at(name);
  if (t.dtype != type) throw Error(Category::bad_input, "load voices", std::string(name) + ": of another type");
  std::vector<int> out(t.bytes.size() / bytes);
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::int32_t value = 0;
    std::memcpy(&value, t.bytes.data() + i * bytes, bytes);
    out[i] = value;
  }
  return out;
}

}  // namespace

int voice_symbol(int pitch, int key) {
  if (pitch == kGridRest) return 0;
  const int symbol = pitch - key - kSymbolBase;
  EUTERPE_ASSERT(symbol > 0 && symbol < kVoiceSymbols);
  return symbol;
}

int voice_pitch(int symbol, int key) { return symbol == 0 ? kGridRest : symbol + key + kSymbolBase; }

Safetensors VoiceModel::save(const ContextMixing& mixing, const VoiceMemory& memory) {
  Safetensors file;
  mixing.save_weights(file);
  Tensor steps{DType::u8, {0, kGridVoices}, {}}, lengths{DType::i32, {0}, {}};
  for (const auto& piece : memory.pieces) {
    const auto n = static_cast<std::int32_t>(piece.size());
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&n);
    lengths.bytes.insert(lengths.bytes.end(), bytes, bytes + sizeof n);
    ++lengths.shape[0];
    steps.shape[0] += n;
    for (const VoiceSymbols& step : piece)
      for (const int symbol : step) steps.bytes.push_back(static_cast<std::uint8_t>(symbol));
  }
  file.tensors["steps"] = std::move(steps);
  file.tensors["lengths"] = std::move(lengths);
  file.put("keys", {kKeys}, std::vector<float>(memory.keys.begin(), memory.keys.end()));
  return file;
}

VoiceModel VoiceModel::load(const Model& model) {
  const auto& card = model.card;
  if (card.value("network", "") != "context-mixing" || card.value("tokenizer", "") != "voices")
    throw Error(Category::bad_input, "load voices", model.name + " is no model of four voices");
  ContextMixing mixing(voice_context_shape());
  if (card["options"].value("contexts", "") != mixing.shape().fingerprint())
    throw Error(Category::newer_version, "load voices", model.name + ": made for other contexts than this program's",
                "train it again");
  const Safetensors file = model.weights();
  mixing.load_weights(file);
  std::array<double, kKeys> keys{};
  const std::array<std::int64_t, 1> shape{kKeys};
  const auto prior = file.finite("keys", shape);
  for (std::size_t k = 0; k < keys.size(); ++k) {
    if (!(prior[k] > 0)) throw Error(Category::bad_input, "load voices", "keys: a probability is not positive");
    keys[k] = prior[k];
  }
  const std::vector<int> steps = integers(file, "steps", DType::u8, 1),
                         lengths = integers(file, "lengths", DType::i32, 4);
  std::size_t at = 0;
  for (const int length : lengths) {
    if (length < 0 || static_cast<std::size_t>(length) > (steps.size() - at) / kGridVoices)
      throw Error(Category::bad_input, "load voices", "lengths: beyond the steps");
    VoiceHistory history;
    for (int t = 0; t < length; ++t, at += kGridVoices) {
      VoiceSymbols now{};
      for (std::size_t v = 0; v < kGridVoices; ++v) {
        now[v] = steps[at + v];
        if (now[v] >= kVoiceSymbols)
          throw Error(Category::bad_input, "load voices", fmt::format("steps: symbol {}", now[v]));
      }
      for (int v = 0; v < kGridVoices; ++v) mixing.learn(history.point(v, now), now[static_cast<std::size_t>(v)]);
      history.append(now);
    }
  }
  return {std::move(mixing), keys};
}

double VoiceModel::nats(const VoiceGrid& grid, int* latest) const {
  struct Hypothesis {
    double probability;  // given what was heard
    VoiceWriter writer;
  };
  std::vector<Hypothesis> hypotheses;
  double sum = 0;
  for (const double p : keys_) sum += p;
  for (int k = 0; k < kKeys; ++k)
    hypotheses.push_back({keys_[static_cast<std::size_t>(k)] / sum, VoiceWriter(*this, k + kLowestKey)});
  double nats = 0;
  for (const VoicePitches& step : grid.steps)
    for (int v = 0; v < kGridVoices; ++v) {
      double p = 0;
      for (Hypothesis& h : hypotheses) {
        const int symbol = voice_symbol(step[static_cast<std::size_t>(v)], h.writer.key());
        h.probability *= std::exp(-h.writer.nats(v, symbol));
        h.writer.choose(v, symbol);
        p += h.probability;
      }
      nats -= std::log(p);
      for (Hypothesis& h : hypotheses) h.probability /= p;
      std::erase_if(hypotheses, [](const Hypothesis& h) { return h.probability < kForgotten; });
    }
  if (latest)
    *latest = std::max_element(hypotheses.begin(), hypotheses.end(), [](const Hypothesis& a, const Hypothesis& b) {
                return a.probability < b.probability;
              })->writer.key();
  return nats;
}

void VoiceWriter::distribution(int voice, std::span<float> out) {
  model_->mixing().distribution(history_.point(voice, next_), counts_, out);
}

double VoiceWriter::nats(int voice, int symbol) {
  return model_->mixing().nats(history_.point(voice, next_), symbol, counts_);
}

void VoiceWriter::choose(int voice, int symbol) {
  model_->mixing().count(history_.point(voice, next_), symbol, 1, counts_, true, true);
  next_[static_cast<std::size_t>(voice)] = symbol;
  if (voice == kGridVoices - 1) history_.append(next_);
}

}  // namespace euterpe
