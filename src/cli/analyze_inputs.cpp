#include "cli/analyze_inputs.hpp"

#include <fmt/format.h>

#include <iostream>

#include "base/files.hpp"
#include "base/output_file.hpp"
#include "media/decode.hpp"
#include "score/score_file.hpp"

namespace euterpe {
namespace fs = std::filesystem;

std::vector<Input> inputs_of(const std::vector<std::string>& named, std::optional<TemporaryFile>& piped) {
  std::vector<Input> inputs;
  for (const std::string& name : named) {
    std::error_code unknown;
    if (name == "-") {
      if (!piped) piped.emplace("analyze", std::cin);
      if (fs::is_empty(piped->path())) throw Error(Category::bad_input, "analyze", "standard input is empty");
      inputs.push_back({piped->path(), "-", "stdin"});
    } else if (!fs::is_directory(name, unknown)) {
      inputs.push_back({name, name, fs::path(name).filename()});
    } else {
      for (const fs::path& path : walk_files({name}))
        if (is_audio_name(path) || is_score_name(path))
          inputs.push_back({path, path.string(), path.lexically_relative(name)});
    }
  }
  if (inputs.empty()) throw Error(Category::not_found, "analyze", "no audio or score file in " + named.front());
  return inputs;
}

Error told(const Error& error, const Input& input) {
  std::string detail = error.detail();
  const std::string path = input.path.string();
  if (input.shown == "-")
    for (std::size_t at = 0; (at = detail.find(path, at)) != std::string::npos;)
      detail.replace(at, path.size(), "standard input");
  return {error.category(), error.operation(), detail, error.hint()};
}

OutputNames::OutputNames(const std::vector<Input>& inputs) {
  for (const Input& input : inputs) ++stems_[fs::path(input.relative).replace_extension()];
  std::map<fs::path, const Input*> places;
  for (const Input& input : inputs)
    if (const auto [at, fresh] = places.try_emplace(stem(input), &input); !fresh)
      throw Error(Category::usage, "analyze",
                  fmt::format("what is written of {} and {} would have one name", at->second->shown, input.shown),
                  "run analyze once for each of their folders");
}

fs::path OutputNames::stem(const Input& input) const {
  const fs::path bare = fs::path(input.relative).replace_extension();
  return stems_.at(bare) > 1 ? input.relative : bare;
}

void refuse_to_overwrite(const std::vector<fs::path>& outputs, const std::vector<Input>& inputs) {
  std::vector<fs::path> paths;
  for (const Input& input : inputs) paths.push_back(input.path);
  refuse_to_overwrite_input("analyze", outputs, paths);
}

}  // namespace euterpe
