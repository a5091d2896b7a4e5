#include "catalog/annotate_file.hpp"

#include "base/error.hpp"
#include "catalog/analysis.hpp"
#include "media/decode.hpp"
#include "score/annotate.hpp"
#include "score/score_file.hpp"
#include "signal/annotate.hpp"

namespace euterpe {

Annotations annotate_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    throw Error(Category::not_found, "annotate", path.string() + ": no such file");
  if (holds_score(path)) {
    Annotations annotations = annotate(read_score(path).score);
    keep_within(annotations);
    return annotations;
  }
  Annotator annotator;
  decode_blocks(path, DecodeOptions{}, [&](const AudioBuffer& block) {
    annotator.push(block.channel(0));
    return true;
  });
  Annotations annotations = annotator.finish();
  keep_within(annotations);
  return annotations;
}

}  // namespace euterpe
