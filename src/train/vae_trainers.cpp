#include "train/vae_trainers.hpp"

#include <fmt/format.h>

#include <array>

#include "base/error.hpp"
#include "corpus/passages.hpp"
#include "nn/model.hpp"
#include "score/passage_files.hpp"
#include "train/vae.hpp"

namespace euterpe {
namespace {

constexpr std::array<Setting, 23> kSettings{
    {{"steps", 14000, "Steps of the autoencoder"},
     {"prior-steps", 6000, "Steps of the prior over its latents"},
     {"finish-steps", 10000, "Steps in which the decoder learns to finish latents on their way; 0 = it does not"},
     {"finish-notes", 1024, "Notes of each"},
     {"finish-learning-rate", 1e-3, "Their greatest"},
     {"notes", 512, "Notes a step of the autoencoder"},
     {"pieces", 16, "Pieces a step of the prior"},
     {"bars", 24, "Bars of each"},
     {"learning-rate", 2e-3, "The autoencoder's greatest"},
     {"prior-learning-rate", 1.5e-3, "The prior's greatest"},
     {"beta", 0.1, "Greatest weight of the KL divergence; 1 = the evidence lower bound itself"},
     {"free-bits", 0.01, "Nats of each latent dimension that cost nothing"},
     {"cycles", 4, "Times that beta rises from 0"},
     {"latent", 128, "Latent dimensions of a bar"},
     {"d-model", 160, "Width of the Transformers"},
     {"heads", 5, "Attention heads"},
     {"ff", 416, "Inner width of their feed-forward layers"},
     {"encoder-layers", 1, "Layers of the encoder"},
     {"decoder-layers", 4, "Layers of the decoder"},
     {"memory", 8, "Places through which the decoder reads the latents"},
     {"prior-layers", 3, "Layers of the prior"},
     {"seconds", 0, "Stop each of the three after so long; 0 = no limit"},
     {"bf16", 0, "1 = matrix products of the decoder in bfloat16"}}};
constexpr std::array<WordSetting, 2> kWords{
    {{"sets", "jsb,nottingham,pop909", "Data sets to learn from where --data holds them all", {}},
     {"styles", "all", "Styles to learn, separated by commas; all = whatever is there", {}}}};

nlohmann::json train_vae_model(const TrainingRequest& t) {
  const auto whole = [&](const char* name) { return static_cast<std::int64_t>(t[name]); };
  const auto small = [&](const char* name) { return static_cast<int>(t[name]); };
  for (const char* name : {"steps", "prior-steps", "notes", "finish-notes", "finish-learning-rate", "pieces", "bars",
                           "cycles", "learning-rate", "prior-learning-rate"})
    if (!(t[name] > 0))
      throw Error(Category::usage, "train vae", fmt::format("--{} {}: it must be above 0", name, t[name]));
  for (const char* name : {"beta", "free-bits", "finish-steps", "seconds"})
    if (!(t[name] >= 0))
      throw Error(Category::usage, "train vae", fmt::format("--{} {}: it must not be below 0", name, t[name]));
  const GridCorpus corpus =
      read_grid_corpus(t.data, listed_names(t.word("sets")), listed_names(t.word("styles")), t.forbidden);
  VaeTraining o;
  o.run = t.run;
  o.seed = t.seed;
  o.network.d_model = small("d-model");
  o.network.heads = small("heads");
  o.network.ff = small("ff");
  o.network.encoder_layers = small("encoder-layers");
  o.network.decoder_layers = small("decoder-layers");
  o.network.latent = small("latent");
  o.network.memory = small("memory");
  o.prior.d_model = o.network.d_model;
  o.prior.heads = o.network.heads;
  o.prior.ff = o.network.ff;
  o.prior.layers = small("prior-layers");
  o.steps = whole("steps");
  o.prior_steps = whole("prior-steps");
  o.finish_steps = whole("finish-steps");
  o.finish_notes = small("finish-notes");
  o.finish_learning_rate = t["finish-learning-rate"];
  o.notes = small("notes");
  o.prior_pieces = small("pieces");
  o.prior_bars = small("bars");
  o.learning_rate = t["learning-rate"];
  o.prior_learning_rate = t["prior-learning-rate"];
  o.beta = t["beta"];
  o.free_bits = t["free-bits"];
  o.cycles = small("cycles");
  o.seconds = t["seconds"];
  o.bf16 = t["bf16"] != 0;
  const VaeReport report = train_vae(corpus, o);

  nlohmann::json card = corpus_card(corpus);
  card.update({{"name", t.out.filename().string()},
               {"task", "compose"},
               {"network", "vae"},
               {"tokenizer", nullptr},
               {"options", {{"codec", to_json(report.network)}, {"prior", to_json(report.prior)}}}});
  card["training"].update({{"seed", t.seed},
                           {"steps", report.steps},
                           {"prior_steps", report.prior_steps},
                           {"finish_steps", report.finish_steps},
                           {"parameters", report.parameters}});
  for (const Setting& setting : kSettings) card["training"]["recipe"][setting.name] = t[setting.name];
  card["metrics"] = {{{"command", "train vae"},
                      {"validation_nats_per_note", report.validation},
                      {"prior_validation", report.prior_validation},
                      {"finish_validation", report.finish_validation}}};
  for (const std::string& style : corpus.styles) card["habits"][style] = to_json(corpus_habits(corpus, style));
  // What serves most styles; a card may say otherwise of each (docs/vae.md).
  if (report.finish_steps > 0)
    for (const std::string& style : corpus.styles)
      card["sampling"][style] = {{"temperature", 1}, {"min_p", 0.1},    {"flow_temperature", 0.8},
                                 {"guidance", 1.5},  {"candidates", 4}, {"until", 0.6}};
  save_model(t.out, report.weights, card);
  write_passages(t.out, training_passages(corpus.shard), {});
  return {{"training",
           {{"seconds", report.seconds},
            {"notes_per_second", report.notes_per_second},
            {"bars_per_second", report.bars_per_second},
            {"parameters", report.parameters}}},
          {"metrics", card["metrics"]}};
}

}  // namespace

std::span<const TrainerRow> vae_trainers() {
  static constexpr std::array<TrainerRow, 1> rows{
      {{"vae", "Bars as latents, and the prior that composes with them", "a shard, or the folder with all data sets",
        kSettings, train_vae_model, nullptr, kWords}}};
  return rows;
}

}  // namespace euterpe
