#include "recommend/fit_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr std::string_view kMagic = "EUTRECFT";
constexpr std::uint32_t kVersion = 1;

struct Header {
  std::array<char, 8> magic{};
  std::uint32_t version = kVersion, kind = 0;
  std::uint64_t items = 0, listens = 0, entries = 0, text = 0;
  std::array<std::uint64_t, 2> reserved{};
};
static_assert(sizeof(Header) == 64);

template <class T>
void append(std::vector<std::uint8_t>& bytes, const T* values, std::size_t n) {
  const auto* raw = reinterpret_cast<const std::uint8_t*>(values);
  bytes.insert(bytes.end(), raw, raw + n * sizeof(T));
}

[[noreturn]] void broken(const std::filesystem::path& path, const std::string& detail) {
  throw Error(Category::bad_input, "read_fit", path.string() + ": " + detail,
              "delete the file: it is made again from the listens");
}

/// Hands out the sections of a file one after the other.
class Sections {
 public:
  Sections(std::span<const std::uint8_t> bytes, const std::filesystem::path& path) : bytes_(bytes), path_(path) {}
  template <class T>
  std::span<const T> take(std::uint64_t n) {
    const std::size_t left = bytes_.size() - at_;
    if (n > left / sizeof(T))
      broken(path_, "byte " + std::to_string(at_) + ": " + std::to_string(n) + " values are declared but " +
                        std::to_string(left) + " bytes are left: was it cut short?");
    const auto* first = reinterpret_cast<const T*>(bytes_.data() + at_);
    at_ += static_cast<std::size_t>(n) * sizeof(T);
    return {first, static_cast<std::size_t>(n)};
  }
  std::size_t left() const { return bytes_.size() - at_; }

 private:
  std::span<const std::uint8_t> bytes_;
  const std::filesystem::path& path_;
  std::size_t at_ = 0;
};

}  // namespace

std::uint64_t listen_hash(std::string_view user, std::string_view track, std::int64_t time) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, finished by SplitMix64's mixer
  const auto feed = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
    hash = (hash ^ 0x1ff) * 0x100000001b3;  // no byte: where one text ends
  };
  feed(user);
  feed(track);
  hash ^= static_cast<std::uint64_t>(time) * 0x9e3779b97f4a7c15;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

void write_fit(const std::filesystem::path& path, const Fit& fit) {
  const ItemWeightsView weights = fit.weights();
  EUTERPE_ASSERT(static_cast<std::size_t>(weights.items) == fit.items.size());
  const std::string text = nlohmann::json{
      {"model", fit.model},
      {"half_life", fit.recency.half_life},
      {"floor", fit.recency.floor},
      {"items", fit.items}}.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  Header header;
  std::copy(kMagic.begin(), kMagic.end(), header.magic.begin());
  header.kind = weights.offsets.empty() ? 0 : 1;
  header.items = fit.items.size();
  header.listens = fit.listens.size();
  header.entries = weights.values.size();
  header.text = text.size();
  std::vector<std::uint8_t> bytes;
  bytes.reserve(sizeof(header) + 8 * fit.listens.size() + 4 * weights.dense.size() + 8 * weights.offsets.size() +
                8 * weights.values.size() + text.size());
  append(bytes, &header, 1);
  append(bytes, fit.listens.data(), fit.listens.size());
  append(bytes, weights.dense.data(), weights.dense.size());
  append(bytes, weights.offsets.data(), weights.offsets.size());
  append(bytes, weights.columns.data(), weights.columns.size());
  append(bytes, weights.values.data(), weights.values.size());
  append(bytes, text.data(), text.size());
  write_file(path, bytes);
}

Fit read_fit(const std::filesystem::path& path) {
  Fit fit;
  fit.mapped.emplace(path);
  Sections sections(fit.mapped->bytes(), path);
  if (sections.left() < sizeof(Header)) broken(path, "shorter than its header");
  Header header;
  std::memcpy(&header, sections.take<std::uint8_t>(sizeof(Header)).data(), sizeof(Header));
  if (std::string_view(header.magic.data(), header.magic.size()) != kMagic)
    broken(path, "byte 0: not a fit of listens");
  if (header.version > kVersion)
    throw Error(
        Category::newer_version, "read_fit",
        path.string() + ": version " + std::to_string(header.version) + ", known up to " + std::to_string(kVersion));
  if (header.version == 0 || header.kind > 1 || header.items > (1u << 30)) broken(path, "the header makes no sense");

  const auto listens = sections.take<std::uint64_t>(header.listens);
  fit.listens.assign(listens.begin(), listens.end());
  ItemWeightsView& view = fit.mapped_view;
  view.items = static_cast<int>(header.items);
  if (header.kind == 0) {
    view.dense = sections.take<float>(header.items * header.items);
  } else {
    view.offsets = sections.take<std::uint64_t>(header.items + 1);
    view.columns = sections.take<std::int32_t>(header.entries);
    view.values = sections.take<float>(header.entries);
    if (view.offsets.front() != 0 || view.offsets.back() != header.entries ||
        !std::is_sorted(view.offsets.begin(), view.offsets.end()))
      broken(path, "the rows' offsets do not ascend from 0 to the number of entries");
    for (const std::int32_t column : view.columns)
      if (column < 0 || column >= view.items) broken(path, "a column lies outside the items");
  }
  if (sections.left() != header.text) broken(path, "the text at the end has another length than declared");
  const auto text = sections.take<char>(header.text);
  try {
    const auto card = nlohmann::json::parse(text.begin(), text.end());
    fit.model = card.at("model").get<std::string>();
    fit.recency = {card.at("half_life").get<double>(), card.at("floor").get<double>()};
    fit.items = card.at("items").get<std::vector<std::string>>();
  } catch (const nlohmann::json::exception& error) {
    broken(path, std::string("the text at the end: ") + error.what());
  }
  if (fit.items.size() != header.items || !std::is_sorted(fit.items.begin(), fit.items.end()))
    broken(path, "the items' names do not fit their number or order");
  if (!(fit.recency.half_life > 0) || !std::isfinite(fit.recency.floor)) broken(path, "the recency makes no sense");
  return fit;
}

}  // namespace euterpe
