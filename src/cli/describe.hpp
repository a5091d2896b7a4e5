#pragma once
/// `analyze --descriptors` and `analyze --statistics`.
#include <string>
#include <vector>

#include "cli/analyze_inputs.hpp"
#include "cli/command.hpp"
#include "signal/describe.hpp"

namespace euterpe {

struct DescribeCommand {
  std::string names;        ///< of descriptors, divided by commas; empty: those that statistics take
  bool statistics = false;  ///< instead of the frames: a row a file
  std::string format;       ///< npy, csv, json, jsonl; empty: as `out` says
  std::string out;          ///< file or folder; empty or "-": standard output
  DescribeOptions options;
};

/// Adds the parameters that librosa has too.
void add_descriptor_options(CLI::App& app, DescribeCommand& command);

/// One line a descriptor: name, unit, whether it streams, what it is.
void list_descriptors(const Context& context);

/// Throws Error{partial} where some of the files, or some of their descriptors, could not be had.
void describe_files(const Context& context, const DescribeCommand& command, const std::vector<Input>& inputs);

}  // namespace euterpe
