#pragma once
/// An autoencoder of bars that has hardly learned: what it writes keeps to what the program guarantees.
#include <string>
#include <vector>

#include "nn/model.hpp"
#include "train/grid_corpus.hpp"
#include "train/vae.hpp"

namespace euterpe::test {

/// Two pieces of 8 bars for each style, of its own density.
inline GridCorpus tiny_grid_corpus(const std::vector<std::string>& styles) {
  GridCorpus corpus;
  corpus.styles = styles;
  corpus.shard.hash = "made";
  for (std::size_t p = 0; p < 2 * styles.size(); ++p) {
    const int style = static_cast<int>(p % styles.size());
    GridPiece piece{"made/" + std::to_string(p), styles[p % styles.size()], "train", {}};
    for (int b = 0; b < 8; ++b) {
      GridBar bar;
      for (int i = 0; i <= 1 + style + b % 2; ++i)
        bar.notes.push_back({16 * i / (2 + style + b % 2), kGridMelody, 60 + 2 * ((b + i) % 4), 2 + style});
      for (int v = 0; v <= style; ++v) bar.notes.push_back({0, kGridAccompaniment, 48 + 4 * v, 16});
      sort_grid_bar(bar);
      piece.grid.bars.push_back(bar);
    }
    corpus.pieces.push_back(piece);
  }
  return corpus;
}

/// The smallest networks, learning for a moment. \param run folder
inline VaeTraining tiny_vae_training(const std::filesystem::path& run) {
  VaeTraining t;
  t.run = run;
  t.network.d_model = 32;
  t.network.heads = 2;
  t.network.ff = 64;
  t.network.encoder_layers = t.network.decoder_layers = 1;
  t.network.latent = 16;
  t.network.memory = 2;
  t.prior.d_model = 32;
  t.prior.heads = 2;
  t.prior.ff = 64;
  t.prior.layers = t.prior.flow_blocks = 1;
  t.prior.flow_width = 32;
  t.prior.context = 8;
  t.steps = 1;
  t.notes = 64;
  t.learning_rate = 1e-2;
  t.prior_steps = 1;
  t.prior_pieces = 2;
  t.prior_bars = 4;
  t.finish_steps = 1;
  t.finish_notes = 64;
  return t;
}

/// \param steps of the codec
inline void save_tiny_vae(const std::filesystem::path& folder, const std::vector<std::string>& styles,
                          std::int64_t steps = 1) {
  const GridCorpus corpus = tiny_grid_corpus(styles);
  VaeTraining t = tiny_vae_training(folder / "run");
  t.steps = steps;
  const VaeReport report = train_vae(corpus, t);
  nlohmann::json card = corpus_card(corpus);
  card.update({{"name", folder.filename().string()},
               {"task", "compose"},
               {"network", "vae"},
               {"options", {{"codec", to_json(report.network)}, {"prior", to_json(report.prior)}}}});
  for (const std::string& style : styles) card["habits"][style] = to_json(corpus_habits(corpus, style));
  save_model(folder, report.weights, card);
}

}  // namespace euterpe::test
