#include "catalog/annotate_file.hpp"

#include "base/error.hpp"
#include "media/decode.hpp"
#include "score/annotate.hpp"
#include "score/score_file.hpp"
#include "signal/annotate.hpp"

namespace euterpe {

Annotations annotate_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    throw Error(Category::not_found, "annotate", path.string() + ": no such file");
  if (is_score_file(path)) return annotate(read_score(path).score);
  Annotator annotator;
  decode_blocks(path, DecodeOptions{}, [&](const AudioBuffer& block) {
    annotator.push(block.channel(0));
    return true;
  });
  return annotator.finish();
}

}  // namespace euterpe
