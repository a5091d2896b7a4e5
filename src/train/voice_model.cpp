#include "train/voice_model.hpp"

#include <cmath>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/parallel.hpp"

namespace euterpe {

std::vector<int> common_keys(const std::vector<std::array<double, 12>>& counts) {
  std::array<double, 12> shares;
  for (std::size_t c = 0; c < 12; ++c) {
    static constexpr std::array<bool, 12> kScale{true,  false, true,  false, true,  true,
                                                 false, true,  false, true,  false, true};
    shares[c] = kScale[c] ? 1.0 : 0.02;
  }
  std::vector<int> keys(counts.size(), 0);
  for (int pass = 0; pass < 20; ++pass) {
    std::array<double, 12> next;
    next.fill(0.01);
    for (std::size_t i = 0; i < counts.size(); ++i) {
      double best = -INFINITY, total = 0;
      for (const double n : counts[i]) total += n;
      for (int key = kLowestKey; key < kLowestKey + kKeys; ++key) {
        double fit = 0;
        for (int c = 0; c < 12; ++c)
          fit +=
              counts[i][static_cast<std::size_t>((c + key + 12) % 12)] * std::log(shares[static_cast<std::size_t>(c)]);
        if (fit > best) best = fit, keys[i] = key;
      }
      for (int c = 0; c < 12 && total > 0; ++c)
        next[static_cast<std::size_t>(c)] += counts[i][static_cast<std::size_t>((c + keys[i] + 12) % 12)] / total;
    }
    shares = next;
  }
  return keys;
}

nlohmann::json train_voice_model(const GridTraining& options) {
  const auto splits = read_voice_grids(options.data);
  const auto found = splits.find("train");
  if (found == splits.end() || found->second.empty())
    throw Error(Category::bad_input, "train voices", options.data.string() + ": has no piece in \"train\"");
  const std::vector<VoiceGrid>& grids = found->second;
  std::vector<std::array<double, 12>> classes(grids.size(), std::array<double, 12>{});
  for (std::size_t i = 0; i < grids.size(); ++i)
    for (const VoicePitches& step : grids[i].steps)
      for (const std::int8_t pitch : step)
        if (pitch != kGridRest) classes[i][static_cast<std::size_t>(pitch % 12)] += 1;
  const std::vector<int> keys = common_keys(classes);

  VoiceMemory memory;
  memory.keys.fill(1.0 / (static_cast<double>(grids.size()) + kKeys));
  std::size_t steps = 0;
  for (std::size_t i = 0; i < grids.size(); ++i) {
    memory.keys[static_cast<std::size_t>(keys[i] - kLowestKey)] += 1.0 / (static_cast<double>(grids.size()) + kKeys);
    auto& piece = memory.pieces.emplace_back();
    for (const VoicePitches& step : grids[i].steps) {
      VoiceSymbols& symbols = piece.emplace_back();
      for (std::size_t v = 0; v < symbols.size(); ++v) symbols[v] = voice_symbol(step[v], keys[i]);
    }
    steps += piece.size();
  }
  ContextMixing mixing(voice_context_shape());
  const auto replay = [&](std::size_t piece, const ChoiceVisitor& visit) {
    VoiceHistory history;
    for (const VoiceSymbols& step : memory.pieces[piece]) {
      for (int v = 0; v < kGridVoices; ++v) visit(history.point(v, step), step[static_cast<std::size_t>(v)]);
      history.append(step);
    }
  };
  const std::vector<double> losses = fit_context_mixing(mixing, memory.pieces.size(), replay, options.fitting);
  const Safetensors file = VoiceModel::save(mixing, memory);

  nlohmann::json metrics = nlohmann::json::array();
  if (const auto valid = splits.find("valid"); valid != splits.end()) {
    const VoiceModel model(std::move(mixing), memory.keys);
    std::vector<double> nats(valid->second.size());
    std::size_t tokens = 0;
    parallel_for(nats.size(), [&](std::size_t i) { nats[i] = model.nats(valid->second[i]); });
    double sum = 0;
    for (std::size_t i = 0; i < nats.size(); ++i) {
      sum += nats[i];
      tokens += valid->second[i].steps.size() * kGridVoices;
    }
    metrics.push_back({{"command", "train voices"}, {"valid_nll_micro", sum / static_cast<double>(tokens)}});
  }
  nlohmann::json training{{"seed", options.fitting.seed},    {"epochs", options.fitting.epochs},
                          {"rate", options.fitting.rate},    {"decay", options.fitting.decay},
                          {"nats_a_token_by_epoch", losses}, {"validated_on_held_out", !metrics.empty()}};
  const std::filesystem::path source =
      std::filesystem::is_directory(options.data) ? options.data / "Jsb16thSeparated.json" : options.data;
  save_model(options.out, file,
             {{"name", options.name},
              {"task", "compose"},
              {"network", "context-mixing"},
              {"options", {{"contexts", voice_context_shape().fingerprint()}}},
              {"tokenizer", "voices"},
              {"styles", {"chorale"}},
              {"data",
               {{{"name", "jsb"},
                 {"licence", "public domain"},
                 {"split", "train"},
                 {"pieces", grids.size()},
                 {"sixteenths", steps},
                 {"hash", sha256_file(source)}}}},
              {"left_out", nlohmann::json::object()},
              {"commercial", true},
              {"training", training},
              {"metrics", metrics}});
  return {{"training", training}, {"metrics", metrics}};
}

}  // namespace euterpe
