#include "cli/train.hpp"

namespace euterpe {

void setup_train_services(CLI::App&, Context&) {}

// A program without a catalog trains from shards, which hold only what may be learned from.
Forbidden forbidden_by(const std::filesystem::path&) { return {}; }

}  // namespace euterpe
