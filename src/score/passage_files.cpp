#include "score/passage_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "base/files.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kStem = "passages-", kExtension = ".idx";

std::string inherited_name(const std::string& hash) {
  constexpr std::size_t kDigits = 12;
  return fmt::format("{}{}{}", kStem, hash.substr(0, kDigits), kExtension);
}

}  // namespace

std::vector<fs::path> passage_files(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code ec;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
    if (it->path().filename().string().starts_with(kStem) && it->path().extension().string() == kExtension)
      out.push_back(it->path());
  std::sort(out.begin(), out.end());
  if (fs::exists(folder / kPassageIndexName)) out.insert(out.begin(), folder / kPassageIndexName);
  return out;
}

PassageFiles inherited_passages(const fs::path& parent) {
  PassageFiles out;
  for (const fs::path& file : passage_files(parent)) {
    std::vector<std::uint8_t> bytes = read_file(file);
    out.try_emplace(inherited_name(PassageIndex(bytes, file.string()).hash()), std::move(bytes));
  }
  return out;
}

void write_passages(const fs::path& folder, std::span<const std::uint8_t> own, const PassageFiles& inherited) {
  write_file(folder / kPassageIndexName, own);
  const std::string known = inherited_name(sha256(own));
  for (const auto& [name, bytes] : inherited)
    if (name != known) write_file(folder / name, bytes);
}

void drop_known_passages(const fs::path& folder) {
  const PassageIndex all(folder / kPassageIndexName);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < all.pieces(); ++i) names.insert(all.name(i));
  for (const fs::path& file : passage_files(folder)) {
    if (file.filename() == kPassageIndexName) continue;
    const PassageIndex inherited(file);
    bool known = true;
    for (std::size_t i = 0; known && i < inherited.pieces(); ++i) known = names.contains(inherited.name(i));
    if (known) fs::remove(file);
  }
}

}  // namespace euterpe
