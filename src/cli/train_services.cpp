#include "catalog/catalog.hpp"
#include "cli/train.hpp"
#include "corpus/media_catalog_source.hpp"
#include "recognize/trainer.hpp"

namespace euterpe {

void setup_train_services(CLI::App& train, Context& context) {
  for (const TrainerRow& row : recognizer_trainers())
    setup_train_row(row, *train.add_subcommand(row.name, row.summary), context);
  setup_train_sasrec(
      *train.add_subcommand("sasrec", "Who listens to what next: self-attention over the catalog's listens"), context);
}

Forbidden forbidden_by(const std::filesystem::path& catalog) {
  return std::filesystem::exists(catalog) ? forbidden_tracks(*open_catalog(catalog)) : Forbidden();
}

}  // namespace euterpe
