#include "evaluate/npy.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/files.hpp"

namespace euterpe {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as they stand in the file");

template <class T>
double load(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return static_cast<double>(value);
}

struct ElementType {
  std::string_view descr;
  std::size_t size;
  double (*read)(const std::uint8_t*);
};

constexpr std::array<ElementType, 11> kTypes{{
    {"<f4", 4, load<float>},
    {"<f8", 8, load<double>},
    {"|b1", 1, [](const std::uint8_t* at) { return *at ? 1.0 : 0.0; }},
    {"|i1", 1, load<std::int8_t>},
    {"|u1", 1, load<std::uint8_t>},
    {"<i2", 2, load<std::int16_t>},
    {"<u2", 2, load<std::uint16_t>},
    {"<i4", 4, load<std::int32_t>},
    {"<u4", 4, load<std::uint32_t>},
    {"<i8", 8, load<std::int64_t>},
    {"<u8", 8, load<std::uint64_t>},
}};

[[noreturn]] void fail(std::string_view name, const std::string& what, Category category = Category::bad_input) {
  throw Error(category, "read_npy", fmt::format("{}: {}", name, what));
}

/// What follows `'key':` in the header's Python dictionary, without leading spaces; empty if the key is not there.
std::string_view value_of(std::string_view header, std::string_view key) {
  const auto quoted = fmt::format("'{}':", key);
  const std::size_t at = header.find(quoted);
  if (at == header.npos) return {};
  header.remove_prefix(at + quoted.size());
  header.remove_prefix(std::min(header.size(), header.find_first_not_of(' ')));
  return header;
}

/// The numbers of "(3, 4)…"; nothing if it does not read so.
std::optional<std::vector<std::size_t>> parse_shape(std::string_view text) {
  const std::size_t end = text.find(')');
  if (text.empty() || text.front() != '(' || end == text.npos) return {};
  text = text.substr(1, end - 1);
  std::vector<std::size_t> shape;
  while (!(text = text.substr(std::min(text.size(), text.find_first_not_of(' ')))).empty()) {
    std::size_t value = 0, digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
      if (value > (std::numeric_limits<std::size_t>::max() - 9) / 10) return {};
      value = 10 * value + static_cast<std::size_t>(text[digits] - '0');
    }
    if (digits == 0) return {};
    shape.push_back(value);
    text.remove_prefix(digits);
    if (!text.empty() && text.front() != ',') return {};
    if (!text.empty()) text.remove_prefix(1);
  }
  return shape;
}

}  // namespace

NpyArray parse_npy(std::span<const std::uint8_t> bytes, std::string_view name) {
  constexpr std::string_view kMagic = "\x93NUMPY";
  if (bytes.size() < 10 || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    fail(name, "byte 0: no \\x93NUMPY, so this is no .npy file");
  }
  const int version = bytes[6];
  if (version < 1 || version > 3) fail(name, fmt::format("format version {}", version), Category::newer_version);
  const std::size_t begin = version == 1 ? 10 : 12;
  if (bytes.size() < begin) fail(name, "breaks off in its header");
  std::size_t length = 0;
  for (std::size_t i = 8; i < begin; ++i) length |= static_cast<std::size_t>(bytes[i]) << 8 * (i - 8);
  if (length > bytes.size() - begin) {
    fail(name, fmt::format("its header is {} bytes but {} follow: incomplete?", length, bytes.size() - begin));
  }
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + begin, length);

  const std::string_view descr = value_of(header, "descr");
  const ElementType* type = nullptr;
  for (const ElementType& t : kTypes) {
    if (descr.size() > 4 && descr.substr(1, 3) == t.descr && (descr[0] == '\'' && descr[4] == '\'')) type = &t;
  }
  if (!type) {
    fail(name, fmt::format("values of type {}", descr.substr(0, descr.find(','))), Category::unsupported);
  }
  const std::string_view order = value_of(header, "fortran_order");
  const bool fortran = order.starts_with("True");
  if (!fortran && !order.starts_with("False")) fail(name, "its header does not say 'fortran_order'");
  const auto shape = parse_shape(value_of(header, "shape"));
  if (!shape) fail(name, "its header has no readable 'shape'");
  if (shape->size() > 2) fail(name, fmt::format("{} dimensions, not 2", shape->size()), Category::unsupported);

  NpyArray array;
  if (shape->size() == 2) array.rows = (*shape)[0];
  if (!shape->empty()) array.columns = shape->back();
  const std::span<const std::uint8_t> data = bytes.subspan(begin + length);
  const bool fits = array.rows == 0 || array.columns <= data.size() / type->size / array.rows;
  if (!fits || array.rows * array.columns * type->size != data.size()) {
    fail(name, fmt::format("{} × {} values of {} bytes are declared but {} bytes follow: incomplete?", array.rows,
                           array.columns, type->size, data.size()));
  }
  array.values.resize(array.rows * array.columns);
  if (array.values.empty()) return array;  // of any number of rows
  for (std::size_t r = 0; r < array.rows; ++r) {
    for (std::size_t c = 0; c < array.columns; ++c) {
      const std::size_t at = fortran ? c * array.rows + r : r * array.columns + c;
      array.values[r * array.columns + c] = type->read(data.data() + at * type->size);
    }
  }
  return array;
}

NpyArray read_npy(const std::filesystem::path& path) { return parse_npy(read_file(path), path.string()); }

}  // namespace euterpe
