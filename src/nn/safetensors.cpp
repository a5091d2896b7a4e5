#include "nn/safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/files.hpp"

namespace euterpe {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors is little-endian and read by memcpy");

constexpr const char* kRead = "read_safetensors";
/// The format's own limit; a longer header is refused before it is parsed.
constexpr std::uint64_t kMaxHeader = 100'000'000;
/// JSON of hostile depth would overflow the parser's stack; a real header is three levels deep.
constexpr int kMaxDepth = 8;

constexpr const char* kRowScale = ".row_scale";

struct DTypeRow {
  DType dtype;
  std::string_view name;
  std::size_t size;
};

constexpr std::array<DTypeRow, 8> kDTypes{{{DType::f32, "F32", 4},
                                           {DType::f16, "F16", 2},
                                           {DType::bf16, "BF16", 2},
                                           {DType::i64, "I64", 8},
                                           {DType::i32, "I32", 4},
                                           {DType::u16, "U16", 2},
                                           {DType::u8, "U8", 1},
                                           {DType::i8, "I8", 1}}};

const DTypeRow& row(DType dtype) {
  for (const DTypeRow& r : kDTypes)
    if (r.dtype == dtype) return r;
  assertion_failed("dtype has a row", __FILE__, __LINE__);
}

[[noreturn]] void bad(std::string detail, std::string hint = {}) {
  throw Error(Category::bad_input, kRead, std::move(detail), std::move(hint));
}

std::uint64_t unsigned_of(const nlohmann::json& value, const std::string& where) {
  if (!value.is_number_unsigned())
    bad(where + ": expected a non-negative whole number, found " + value.dump().substr(0, 40));
  return value.get<std::uint64_t>();
}

/// ∏shape · size, or nothing if it does not fit into 63 bits.
bool checked_bytes(const std::vector<std::int64_t>& shape, std::size_t size, std::uint64_t& out) {
  out = size;
  for (std::int64_t n : shape) {
    if (__builtin_mul_overflow(out, static_cast<std::uint64_t>(n), &out)) return false;
    if (out > std::uint64_t{1} << 62) return false;
  }
  return true;
}

float half_to_float(std::uint16_t h) {
  const int exponent = h >> 10 & 31, mantissa = h & 1023;
  const float sign = h & 0x8000 ? -1.0f : 1.0f;
  if (exponent == 31) return mantissa ? std::bit_cast<float>(0x7fc00000u) : sign * std::bit_cast<float>(0x7f800000u);
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
  return sign * std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
}

/// Round to nearest, ties to even; too large becomes infinity.
std::uint16_t float_to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  const float magnitude = std::fabs(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7e00);
  if (magnitude == 0.0f) return sign;
  if (magnitude >= 65520.0f) return static_cast<std::uint16_t>(sign | 0x7c00);
  int exponent = 0;
  std::frexp(magnitude, &exponent);              // magnitude = f · 2^exponent, f in [0.5, 1)
  const int ulp = std::max(exponent - 11, -24);  // weight of the last bit that half precision keeps
  const auto steps = static_cast<int>(std::nearbyint(std::ldexp(magnitude, -ulp)));
  // Steps below 1024 are subnormal; a carry out of the mantissa runs into the exponent as it should.
  const int encoded = ulp == -24 ? steps : (ulp + 25) * 1024 + steps - 1024;
  return static_cast<std::uint16_t>(sign | encoded);
}

using Range = std::pair<std::uint64_t, std::uint64_t>;  ///< of bytes in the data, [begin, end)

/// Type and shape of one entry, its bytes not yet copied: the ranges of all entries are checked first.
std::pair<Tensor, Range> read_entry(const std::string& name, const nlohmann::json& entry, std::size_t data_size) {
  const std::string where = fmt::format("header: tensor '{}'", name);
  if (!entry.is_object()) bad(where + ": expected an object");
  for (const char* key : {"dtype", "shape", "data_offsets"})
    if (!entry.contains(key)) bad(fmt::format("{}: has no '{}'", where, key));
  Tensor tensor;
  if (!entry["dtype"].is_string()) bad(where + ": 'dtype' must be a text");
  const auto& dtype = entry["dtype"].get_ref<const std::string&>();
  const auto known = std::find_if(kDTypes.begin(), kDTypes.end(), [&](const DTypeRow& r) { return r.name == dtype; });
  if (known == kDTypes.end())
    throw Error(Category::unsupported, kRead, fmt::format("{}: element type '{}' is not supported", where, dtype));
  tensor.dtype = known->dtype;

  if (!entry["shape"].is_array()) bad(where + ": 'shape' must be a list");
  for (const auto& n : entry["shape"]) {
    const std::uint64_t length = unsigned_of(n, where + ": shape");
    if (length > std::uint64_t{1} << 62) bad(where + ": shape: a length is absurdly large");
    tensor.shape.push_back(static_cast<std::int64_t>(length));
  }
  std::uint64_t wanted = 0;
  if (!checked_bytes(tensor.shape, known->size, wanted)) bad(where + ": shape: the product overflows");

  const auto& offsets = entry["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2) bad(where + ": 'data_offsets' must be [begin, end]");
  const std::uint64_t begin = unsigned_of(offsets[0], where + ": data_offsets");
  const std::uint64_t end = unsigned_of(offsets[1], where + ": data_offsets");
  if (begin > end) bad(fmt::format("{}: data ends at {} before it begins at {}", where, end, begin));
  if (end > data_size)
    bad(fmt::format("{}: data ends at byte {} but the file holds {} bytes of data", where, end, data_size),
        "incomplete download?");
  if (end - begin != wanted)
    bad(fmt::format("{}: shape and type need {} bytes, data_offsets give {}", where, wanted, end - begin));
  return {std::move(tensor), {begin, end}};
}

nlohmann::json parse_header(std::string_view text) {
  // Two readers may pick different ones of two tensors of one name, so doubled names are refused; and so is depth.
  std::set<std::string> names;
  auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    if (depth > kMaxDepth) bad("header: nested too deeply");
    if (event == nlohmann::json::parse_event_t::key && depth == 1 && !names.insert(value.get<std::string>()).second)
      bad(fmt::format("header: '{}' stands there twice", value.get<std::string>()));
    return true;
  };
  try {
    return nlohmann::json::parse(text.begin(), text.end(), watch);
  } catch (const nlohmann::json::exception& e) {
    bad(fmt::format("header: not valid JSON: {}", e.what()), "not a safetensors file, or damaged");
  }
}

}  // namespace

std::size_t size_of(DType dtype) { return row(dtype).size; }

std::int64_t Tensor::count() const {
  std::int64_t n = 1;
  for (std::int64_t d : shape) n *= d;
  return n;
}

float bf16_to_float(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

std::uint16_t float_to_bf16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x40);  // stays a NaN when its low bits go
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

bool Safetensors::has(std::string_view name) const { return tensors.contains(std::string(name)); }

const Tensor& Safetensors::at(std::string_view name) const {
  const auto it = tensors.find(std::string(name));
  if (it == tensors.end())
    throw Error(Category::bad_input, kRead, fmt::format("there is no tensor '{}' among {}", name, tensors.size()),
                "weights of another network?");
  return it->second;
}

std::vector<float> Safetensors::floats(std::string_view name, std::span<const std::int64_t> shape) const {
  const Tensor& t = at(name);
  const bool same =
      shape.empty() || std::equal(shape.begin(), shape.end(), t.shape.begin(), t.shape.end(),
                                  [](std::int64_t want, std::int64_t is) { return want == -1 || want == is; });
  if (!same)
    throw Error(Category::bad_input, kRead,
                fmt::format("tensor '{}' has shape [{}], expected [{}]", name, fmt::join(t.shape, ", "),
                            fmt::join(shape, ", ")),
                "weights of another network?");
  const auto n = static_cast<std::size_t>(t.count());
  EUTERPE_ASSERT(t.bytes.size() == n * size_of(t.dtype));
  std::vector<float> out(n);
  if (t.dtype == DType::f32) {
    if (n) std::memcpy(out.data(), t.bytes.data(), t.bytes.size());
  } else if (t.dtype == DType::f16 || t.dtype == DType::bf16) {
    for (std::size_t i = 0; i < n; ++i) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, t.bytes.data() + 2 * i, 2);
      out[i] = t.dtype == DType::f16 ? half_to_float(bits) : bf16_to_float(bits);
    }
  } else if (t.dtype == DType::i8 && t.shape.size() == 2 && has(std::string(name) + kRowScale)) {
    const auto scales = floats(std::string(name) + kRowScale, std::array{t.shape[0]});
    const auto columns = static_cast<std::size_t>(t.shape[1]);
    for (std::size_t i = 0; i < n; ++i)
      out[i] = scales[i / columns] * static_cast<float>(static_cast<std::int8_t>(t.bytes[i]));
  } else {
    throw Error(Category::bad_input, kRead,
                fmt::format("tensor '{}' is {}, expected floating point", name, row(t.dtype).name));
  }
  return out;
}

std::vector<float> Safetensors::finite(std::string_view name, std::span<const std::int64_t> shape) const {
  std::vector<float> values = floats(name, shape);
  const auto at = std::find_if_not(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
  if (at != values.end())
    throw Error(Category::bad_input, kRead,
                fmt::format("tensor '{}' holds {} at index {}", name, *at, at - values.begin()),
                "The weights are damaged; train or install the model again.");
  return values;
}

void Safetensors::put(std::string name, std::vector<std::int64_t> shape, std::span<const float> values, DType as) {
  Tensor t;
  t.dtype = as;
  t.shape = std::move(shape);
  EUTERPE_ASSERT(t.count() == static_cast<std::int64_t>(values.size()));
  EUTERPE_ASSERT(as == DType::f32 || as == DType::f16 || as == DType::bf16 || (as == DType::i8 && t.shape.size() == 2));
  t.bytes.resize(values.size() * size_of(as));
  if (as == DType::f32) {
    if (!values.empty()) std::memcpy(t.bytes.data(), values.data(), t.bytes.size());
  } else if (as == DType::i8) {
    const auto rows = static_cast<std::size_t>(t.shape[0]), columns = static_cast<std::size_t>(t.shape[1]);
    std::vector<float> scales(rows);
    for (std::size_t r = 0; r < rows; ++r) {
      const auto row_values = values.subspan(r * columns, columns);
      float largest = 0;
      for (const float v : row_values) largest = std::max(largest, std::abs(v));
      scales[r] = largest / 127;
      for (std::size_t c = 0; c < columns && largest > 0; ++c)
        t.bytes[r * columns + c] = static_cast<std::uint8_t>(std::lround(row_values[c] / largest * 127));
    }
    put(name + kRowScale, {t.shape[0]}, scales);
  } else {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint16_t bits = as == DType::f16 ? float_to_half(values[i]) : float_to_bf16(values[i]);
      std::memcpy(t.bytes.data() + 2 * i, &bits, 2);
    }
  }
  tensors.insert_or_assign(std::move(name), std::move(t));
}

Safetensors read_safetensors(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 8)
    bad(fmt::format("the file is {} bytes long, too short for the 8-byte header length", bytes.size()),
        "incomplete download?");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  if (length > kMaxHeader)
    bad(fmt::format("byte 0: the header would be {} bytes long", length), "not a safetensors file?");
  if (length > bytes.size() - 8)
    bad(fmt::format("byte 0: the header is {} bytes long but the file has {} bytes", length, bytes.size()),
        "incomplete download?");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, static_cast<std::size_t>(length));
  const auto data = bytes.subspan(8 + static_cast<std::size_t>(length));
  const nlohmann::json header = parse_header(text);
  if (!header.is_object()) bad("header: expected an object");

  Safetensors out;
  std::vector<Range> ranges;
  std::map<std::string, Range> range_of;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) bad("header: '__metadata__' must be an object");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) bad(fmt::format("header: '__metadata__': '{}' must be a text", key));
        out.metadata[key] = value.get<std::string>();
      }
      continue;
    }
    auto [tensor, range] = read_entry(name, entry, data.size());
    ranges.push_back(range);
    range_of.emplace(name, range);
    out.tensors.emplace(name, std::move(tensor));
  }
  // The format wants the data covered without hole or overlap, so that nothing can hide in a file; and as no byte is
  // claimed twice, a small file cannot ask for much memory.
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t reached = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != reached)
      bad(fmt::format("data: {} at byte {}", begin < reached ? "two tensors overlap" : "unclaimed bytes",
                      std::min(begin, reached)));
    reached = end;
  }
  if (reached != data.size()) bad(fmt::format("data: {} bytes after the last tensor", data.size() - reached));
  for (auto& [name, tensor] : out.tensors) {
    const auto [begin, end] = range_of.at(name);
    const auto part = data.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    tensor.bytes.assign(part.begin(), part.end());
  }
  return out;
}

Safetensors read_safetensors(const std::filesystem::path& path) {
  const MappedFile file(path);
  try {
    return read_safetensors(file.bytes());
  } catch (const Error& e) {
    throw e.in(path.string());
  }
}

std::vector<std::uint8_t> write_safetensors(const Safetensors& file) {
  nlohmann::json header = nlohmann::json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::uint64_t offset = 0;
  for (const auto& [name, t] : file.tensors) {
    EUTERPE_ASSERT(name != "__metadata__");
    EUTERPE_ASSERT(t.bytes.size() == static_cast<std::size_t>(t.count()) * size_of(t.dtype));
    header[name] = {
        {"dtype", row(t.dtype).name}, {"shape", t.shape}, {"data_offsets", {offset, offset + t.bytes.size()}}};
    offset += t.bytes.size();
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');  // the data begins at a multiple of 8, as the format advises
  const std::uint64_t length = text.size();
  std::vector<std::uint8_t> out(8 + text.size());
  std::memcpy(out.data(), &length, 8);
  std::memcpy(out.data() + 8, text.data(), text.size());
  out.reserve(out.size() + offset);
  for (const auto& [name, t] : file.tensors) out.insert(out.end(), t.bytes.begin(), t.bytes.end());
  return out;
}

void write_safetensors(const std::filesystem::path& path, const Safetensors& file) {
  write_file(path, write_safetensors(file));
}

}  // namespace euterpe
