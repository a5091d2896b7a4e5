#include "base/error.hpp"
#include "corpus/gunzip.hpp"

namespace euterpe {

Gunzipped gunzip(std::span<const std::uint8_t>, std::size_t) {
  throw Error(Category::unsupported, "gunzip", "this build unpacks no .gz (EUTERPE_MEDIA=OFF)",
              "unpack the file with gunzip, or configure with -DEUTERPE_MEDIA=ON");
}

}  // namespace euterpe
