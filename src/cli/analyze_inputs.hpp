#pragma once
/// The files that `analyze` is given, and what files made of them are called.
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/temporary_file.hpp"

namespace euterpe {

struct Input {
  std::filesystem::path path;
  std::string shown;               ///< what it is called in results: "-" for standard input
  std::filesystem::path relative;  ///< to the folder that was named
};

/// The named files, and of folders the audio and score files in them. Standard input becomes a file, for decoders seek.
std::vector<Input> inputs_of(const std::vector<std::string>& named, std::optional<TemporaryFile>& piped);

/// Errors speak of standard input, not of the file that stands for it.
Error told(const Error& error, const Input& input);

/// Each input's name without its extension, relative to the folder that was named: "album/song". A recording and a
/// score of the same name keep their extensions, "album/song.mid", so that what is made of them has two names.
class OutputNames {
 public:
  /// Throws Error{usage} where two inputs would have one name all the same.
  explicit OutputNames(const std::vector<Input>& inputs);
  std::filesystem::path stem(const Input& input) const;

 private:
  std::map<std::filesystem::path, int> stems_;
};

/// Error{usage} if one of the outputs is one of the inputs.
void refuse_to_overwrite(const std::vector<std::filesystem::path>& outputs, const std::vector<Input>& inputs);

}  // namespace euterpe
