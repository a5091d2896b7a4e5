#include "cli/annotation_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/files.hpp"
#include "base/output_file.hpp"
#include "media/decode.hpp"
#include "score/score_file.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;

/// The format whose files are called so; JSON for a folder.
std::string_view format_of(const std::string& out) {
  std::vector<std::string_view> suffixes;
  for (const AnnotationFormat& format : annotation_formats()) {
    if (out.ends_with(format.suffix)) return format.name;
    suffixes.push_back(format.suffix);
  }
  if (!fs::path(out).has_extension() || fs::is_directory(out)) return "json";
  throw Error(Category::usage, "analyze", out + ": the name does not say which annotations",
              fmt::format("--format says it, or one of these endings: {}", fmt::join(suffixes, " ")));
}

}  // namespace

AnnotationFiles::AnnotationFiles(const std::string& format, const std::string& out, const std::vector<Input>& inputs)
    : out_(out) {
  if (format.empty() && out.empty()) return;
  const bool standard = out.empty() || is_stdout(out);
  formats_ = find_annotation_formats(!format.empty() ? format : standard ? "json" : format_of(out));
  const bool one = inputs.size() == 1 && formats_.size() == 1;
  if (standard) {
    if (!one)
      throw Error(Category::usage, "analyze", "several files of annotations do not go to standard output",
                  "name a folder with -o; --annotations --jsonl prints those of many pieces, one a line");
    out_ = "-";
    return;
  }
  std::error_code unknown;
  folder_ = !one || fs::is_directory(out_, unknown) || out.ends_with('/');
  if (folder_ && fs::exists(out_, unknown) && !fs::is_directory(out_, unknown))
    throw Error(Category::usage, "analyze", out + ": several files need a folder, and this is none");
  if (!folder_ && (is_audio_name(out_) || is_score_name(out_)))
    throw Error(Category::usage, "analyze", out + ": annotations are not called so",
                fmt::format("name it {}{}", out_.stem().string(), formats_.front().suffix));
  if (folder_) names_.emplace(inputs);
}

bool AnnotationFiles::to_stdout() const { return wanted() && out_ == "-"; }

fs::path AnnotationFiles::place(const Input& input, const AnnotationFormat& format) const {
  return folder_ ? out_ / (names_->stem(input).string() + std::string(format.suffix)) : out_;
}

std::vector<fs::path> AnnotationFiles::places(const Input& input) const {
  std::vector<fs::path> all;
  for (const AnnotationFormat& format : formats_) all.push_back(place(input, format));
  return all;
}

std::vector<fs::path> AnnotationFiles::write(const Input& input, const Annotations& annotations,
                                             const std::string& title) const {
  for (const AnnotationFormat& format : formats_) write_file(place(input, format), format.write(annotations, title));
  return to_stdout() ? std::vector<fs::path>{} : places(input);
}

}  // namespace euterpe
