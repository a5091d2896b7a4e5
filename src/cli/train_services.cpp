#include "catalog/catalog.hpp"
#include "cli/train.hpp"
#include "corpus/media_catalog_source.hpp"
#include "recognize/trainer.hpp"

namespace euterpe {

std::span<const TrainerRow> trainers_of_services() { return recognizer_trainers(); }

Forbidden forbidden_by(const std::filesystem::path& catalog) {
  return std::filesystem::exists(catalog) ? forbidden_tracks(*open_catalog(catalog)) : Forbidden();
}

}  // namespace euterpe
