#pragma once
/// What the subcommands of `train` share.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "cli/command.hpp"
#include "train/trainer_row.hpp"

namespace euterpe {

/// Options of every `train NAME`.
struct TrainCommand {
  std::filesystem::path recipe, out, run;
  std::string name;

  void add_to(CLI::App& app);
  std::filesystem::path model_folder() const;  ///< --out, or NAME in the user's own models
  std::filesystem::path run_folder() const;    ///< --run, or the model's folder with ".run" behind it
};

/// Takes from a TOML file what the command line did not say: each key is an option's long name. `seed`, which belongs
/// to all commands, goes where the caller says. Error{usage} with file and line.
void apply_recipe(CLI::App& app, const std::filesystem::path& path, std::uint64_t* seed = nullptr);

void setup_train_transformer(CLI::App& app, Context& context);
/// Its options are those of the row.
void setup_train_row(const TrainerRow& row, CLI::App& app, Context& context);

/// `train sasrec`: from the catalog's listens.
void setup_train_sasrec(CLI::App& app, Context& context);
/// Adds the trainers of the services: a program without media has none of them.
void setup_train_services(CLI::App& train, Context& context);
/// SHA-256 of the catalog's tracks that may not be learned from.
Forbidden forbidden_by(const std::filesystem::path& catalog);

}  // namespace euterpe
