#include "train/keyed_model.hpp"

#include <cmath>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "score/frames.hpp"
#include "score/voice_grid.hpp"

namespace euterpe {

KeyedRows read_voice_rows(const std::filesystem::path& data) {
  KeyedRows rows;
  for (const auto& [split, grids] : read_voice_grids(data))
    for (const VoiceGrid& grid : grids) rows[split].push_back(voice_row(grid));
  return rows;
}

KeyedRows read_frame_rows(const std::filesystem::path& data) {
  KeyedRows rows;
  for (const auto& [split, pieces] : read_frames(data))
    for (const FramePiece& piece : pieces) rows[split].push_back(frame_row(piece));
  return rows;
}

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

nlohmann::json train_keyed_model(const KeyedTraining& options) {
  const KeyedDomain& domain = *options.domain;
  const auto found = options.rows.find("train");
  if (found == options.rows.end() || found->second.empty())
    throw Error(Category::bad_input, "train", "no piece in \"train\"");
  const auto& rows = found->second;
  std::vector<std::array<double, 12>> classes(rows.size(), std::array<double, 12>{});
  std::size_t choices = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    choices += rows[i].size();
    for (const std::uint8_t pitch : rows[i])
      if (pitch != 0) classes[i][pitch % 12] += 1;
  }
  const std::vector<int> keys = common_keys(classes);

  std::vector<std::vector<std::uint8_t>> moved;  // to the common key, as symbols
  std::array<double, kKeys> prior;
  const double share = 1.0 / (static_cast<double>(rows.size()) + kKeys);
  prior.fill(share);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    prior[static_cast<std::size_t>(keys[i] - kLowestKey)] += share;
    auto& symbols = moved.emplace_back();
    for (const std::uint8_t pitch : rows[i])
      symbols.push_back(static_cast<std::uint8_t>(domain.symbol(pitch, keys[i])));
  }
  ContextMixing mixing(domain.shape());
  const auto replay = [&](std::size_t piece, const ChoiceVisitor& visit) {
    const auto history = domain.history();
    for (const std::uint8_t symbol : moved[piece]) {
      visit(history->next(), symbol);
      history->choose(symbol);
    }
  };
  const std::vector<double> losses = fit_context_mixing(mixing, rows.size(), replay, options.fitting);
  const KeyedModel model(domain, std::move(mixing), prior);

  nlohmann::json metrics = nlohmann::json::array();
  if (const auto valid = options.rows.find("valid"); valid != options.rows.end()) {
    std::vector<double> nats(valid->second.size());
    parallel_for(nats.size(), [&](std::size_t i) { nats[i] = model.nats(valid->second[i]); });
    double sum = 0;
    std::size_t n = 0;
    for (std::size_t i = 0; i < nats.size(); ++i) {
      sum += nats[i];
      n += valid->second[i].size();
    }
    metrics.push_back({{"command", "train"}, {"valid_nats_a_choice", sum / static_cast<double>(n)}});
  }
  nlohmann::json training{{"seed", options.fitting.seed},
                          {"epochs", options.fitting.epochs},
                          {"rate", options.fitting.rate},
                          {"decay", options.fitting.decay},
                          {"context_in_pieces", options.fitting.pieces},
                          {"pieces", rows.size()},
                          {"choices", choices},
                          {"nats_a_choice_by_epoch", losses},
                          {"validated_on_held_out", !metrics.empty()}};
  nlohmann::json card = options.card;
  card["network"] = "context-mixing";
  card["tokenizer"] = domain.tokenizer->name;
  card["options"] = {{"contexts", domain.shape().fingerprint()}};
  card["left_out"] = nlohmann::json::object();
  card["training"] = training;
  card["metrics"] = metrics;
  save_model(options.out, model.save(), card);
  return {{"training", training}, {"metrics", metrics}};
}

}  // namespace euterpe
