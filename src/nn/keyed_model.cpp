#include "nn/keyed_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr double kForgotten = 1e-9;  // a key below this probability is not followed any longer

const Tensor& typed(const Safetensors& file, const char* name, DType type) {
  const Tensor& t = file.at(name);
  if (t.dtype != type) throw Error(Category::bad_input, "load_model", std::string(name) + ": of another type");
  return t;
}

}  // namespace

Safetensors KeyedModel::save() const {
  Safetensors file;
  mixing_.save_weights(file);
  for (auto [name, bytes] : {std::pair{"counts.answers", mixing_.memory().encode_answers()},
                             std::pair{"counts.symbols", mixing_.memory().encode_symbols()}}) {
    const auto size = static_cast<std::int64_t>(bytes.size());
    file.tensors[name] = {DType::u8, {size}, std::move(bytes)};
  }
  file.put("keys", {kKeys}, std::vector<float>(keys_.begin(), keys_.end()));
  return file;
}

KeyedModel KeyedModel::load(const KeyedDomain& domain, const Model& model) {
  const auto& card = model.card;
  if (card.value("network", "") != "context-mixing" || card.value("tokenizer", "") != domain.tokenizer->name)
    throw Error(Category::bad_input, "load_model",
                fmt::format("{} is no model of {}", model.name, domain.tokenizer->name));
  ContextMixing mixing(domain.shape());
  if (!card.contains("options") || card["options"].value("contexts", "") != mixing.shape().fingerprint())
    throw Error(Category::newer_version, "load_model", model.name + ": made for other contexts than this program's",
                "train it again");
  const Safetensors file = model.weights();
  mixing.load_weights(file);
  std::array<double, kKeys> keys{};
  const std::array<std::int64_t, 1> shape{kKeys};
  const auto prior = file.finite("keys", shape);
  for (std::size_t k = 0; k < keys.size(); ++k) {
    if (!(prior[k] > 0)) throw Error(Category::bad_input, "load_model", "keys: a probability is not positive");
    keys[k] = prior[k];
  }
  mixing.memory().decode(typed(file, "counts.answers", DType::u8).bytes,
                         typed(file, "counts.symbols", DType::u8).bytes);
  return {domain, std::move(mixing), keys};
}

double KeyedModel::nats(std::span<const std::uint8_t> row, std::vector<double>* by_choice) const {
  struct Hypothesis {
    double probability;  // given what was heard
    KeyedWriter writer;
  };
  std::vector<Hypothesis> hypotheses;
  double sum = 0;
  for (const double p : keys_) sum += p;
  for (int k = 0; k < kKeys; ++k)
    hypotheses.push_back({keys_[static_cast<std::size_t>(k)] / sum, KeyedWriter(*this, k + kLowestKey)});
  double nats = 0;
  for (const std::uint8_t pitch : row) {
    double p = 0;
    for (Hypothesis& h : hypotheses) {
      const int symbol = domain_->symbol(pitch, h.writer.key());
      h.probability *= std::exp(-h.writer.nats(symbol));
      h.writer.choose(symbol);
      p += h.probability;
    }
    nats -= std::log(p);
    if (by_choice) by_choice->push_back(-std::log(p));
    for (Hypothesis& h : hypotheses) h.probability /= p;
    std::erase_if(hypotheses, [](const Hypothesis& h) { return h.probability < kForgotten; });
  }
  return nats;
}

KeyedWriter::KeyedWriter(const KeyedModel& model, int key)
    : model_(&model), key_(key), history_(model.domain().history()), point_(history_->next()) {}

KeyedWriter::KeyedWriter(const KeyedWriter& other)
    : model_(other.model_),
      key_(other.key_),
      history_(other.history_->clone()),
      counts_(other.counts_),
      point_(history_->next()) {}

void KeyedWriter::choose(int symbol, bool remember) {
  if (remember) model_->mixing().remember(point_, symbol, counts_);
  history_->choose(symbol);
  point_ = history_->next();
}

}  // namespace euterpe
