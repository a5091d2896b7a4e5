#pragma once
/// The files that `analyze --format` and `-o` write.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/analyze_inputs.hpp"
#include "score/annotation_formats.hpp"

namespace euterpe {

/// Where annotations go, and in which formats.
class AnnotationFiles {
 public:
  /// \param format name or group of annotation_formats(), empty: as `out` says
  /// \param out file or folder; "-" and empty: standard output, for one file of one format. Both empty: nothing is
  ///   written
  /// Throws Error{usage} for names that say nothing, or something else than what would stand in them.
  AnnotationFiles(const std::string& format, const std::string& out, const std::vector<Input>& inputs);

  bool wanted() const { return !formats_.empty(); }
  bool to_stdout() const;
  /// Every file that write() will make of an input.
  std::vector<std::filesystem::path> places(const Input& input) const;
  /// Returns the files that were written.
  std::vector<std::filesystem::path> write(const Input& input, const Annotations& annotations,
                                           const std::string& title) const;

 private:
  std::filesystem::path place(const Input& input, const AnnotationFormat& format) const;

  std::filesystem::path out_;
  bool folder_ = false;
  std::vector<AnnotationFormat> formats_;
  std::optional<OutputNames> names_;
};

}  // namespace euterpe
