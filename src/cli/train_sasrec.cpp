#include <fmt/format.h>

#include <memory>

#include "catalog/catalog.hpp"
#include "cli/train.hpp"
#include "recommend/sequence_fit.hpp"

namespace euterpe {

void setup_train_sasrec(CLI::App& app, Context& context) {
  struct Options {
    std::filesystem::path recipe;
    SequenceTraining training;
  };
  auto o = std::make_shared<Options>();
  SequenceTraining& t = o->training;
  app.add_option("--recipe", o->recipe, "TOML file with any of these options; the command line wins")
      ->check(CLI::ExistingFile);
  app.add_option("--run", t.run,
                 "Folder for checkpoints and metrics; an interrupted run there is resumed (default: beside the model)")
      ->type_name("DIR");
  app.add_option("--epochs", t.most_epochs, "At most so many; how many is chosen by held-out listens")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--dropout", t.dropout, "Share of what a step leaves out")->capture_default_str();
  app.add_option("--width", t.width, "Numbers of a track's vector")->capture_default_str()->check(CLI::Range(8, 4096));
  app.add_option("--layers", t.layers, "Blocks of attention")->capture_default_str()->check(CLI::Range(1, 64));
  app.add_option("--context", t.context, "Latest listens that count, 0 = twice a usual history, 20 to 200")
      ->capture_default_str()
      ->check(CLI::Range(0, 100000));
  app.add_option("--loss", t.loss, "softmax, sampled, bce or gbce (default: softmax, above 20,000 tracks sampled)");
  app.add_option("--negatives", t.negatives, "Tracks drawn by a loss that draws them, 0 = its own number")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20));
  app.add_flag("--bf16", t.bf16, "Matrix products in bf16");
  app.callback([o, &app, &context] {
    SequenceTraining& training = o->training;
    if (!o->recipe.empty()) apply_recipe(app, o->recipe, &training.seed);
    if (context.seed_given) training.seed = context.seed;
    const auto catalog = open_catalog(context.catalog);
    const SequenceReport report = train_sequence(*catalog, training);
    if (context.json || context.jsonl)
      print_json({{"listeners", report.listeners},
                  {"listens", report.listens},
                  {"items", report.items},
                  {"items_with_content", report.placed},
                  {"epochs", report.epochs},
                  {"validation",
                   {{"queries", report.queries},
                    {"ndcg10", report.ndcg},
                    {"ndcg10_sasrec", report.model_ndcg},
                    {"ndcg10_item_to_item", report.linear_ndcg}}},
                  {"weight", report.weight},
                  {"seconds", report.seconds}});
    else
      fmt::print(
          "learned from {} listens of {} listeners to {} tracks, {} of them with content, in {} epochs ({:.0f} s)\n"
          "NDCG@10 of {} held-out listens: item-to-item {:.4f}, SASRec {:.4f}, both {:.4f} (SASRec counts {:.0f} %)\n"
          "`recommend` asks it from now on\n",
          report.listens, report.listeners, report.items, report.placed, report.epochs, report.seconds, report.queries,
          report.linear_ndcg, report.model_ndcg, report.ndcg, 100 * report.weight);
  });
}

}  // namespace euterpe
