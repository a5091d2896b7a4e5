#include "train/tensorboard.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = c & 1 ? c >> 1 ^ 0x82F63B78u : c >> 1;  // the polynomial, bits reversed
    table[i] = c;
  }
  return table;
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

template <class T>
void append_raw(std::string& out, T value) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  out.append(raw, sizeof value);
}

// Protocol buffers: a field is its number and wire type, then its value.
enum Wire { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void append_key(std::string& out, unsigned field, Wire wire) { append_varint(out, field << 3 | wire); }

void append_bytes(std::string& out, unsigned field, std::string_view bytes) {
  append_key(out, field, kBytes);
  append_varint(out, bytes.size());
  out += bytes;
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

/// message Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
std::string event(double wall_time, std::int64_t step, unsigned field, std::string_view body) {
  std::string out;
  append_key(out, 1, kFixed64);
  append_raw(out, wall_time);
  if (step != 0) {
    append_key(out, 2, kVarint);
    append_varint(out, static_cast<std::uint64_t>(step));
  }
  append_bytes(out, field, body);
  return out;
}

}  // namespace

std::uint32_t crc32c(std::span<const std::uint8_t> bytes) {
  static constexpr auto table = make_table();
  std::uint32_t c = ~0u;
  for (std::uint8_t b : bytes) c = table[(c ^ b) & 0xFF] ^ c >> 8;
  return ~c;
}

std::uint32_t masked_crc32c(std::span<const std::uint8_t> bytes) {
  const std::uint32_t c = crc32c(bytes);
  return (c >> 15 | c << 17) + 0xA282EAD8u;
}

TensorboardWriter::TensorboardWriter(const std::filesystem::path& folder) {
  static std::atomic<unsigned> counter{0};
  std::error_code ec;
  std::filesystem::create_directories(folder, ec);
  if (ec) throw Error(Category::io, "tensorboard", folder.string() + ": " + ec.message());
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  const double time = now();
  path_ = folder / fmt::format("events.out.tfevents.{:010}.{}.{}.{}", static_cast<std::int64_t>(time), host, ::getpid(),
                               counter++);
  file_.reset(std::fopen(path_.c_str(), "wbx"));
  if (!file_) throw Error(Category::io, "tensorboard", path_.string() + ": " + std::strerror(errno));
  record(event(time, 0, 3, "brain.Event:2"));
  flush();
}

void TensorboardWriter::scalar(std::string_view tag, float value, std::int64_t step, double wall_time) {
  // message Summary { repeated Value value = 1; }  message Value { string tag = 1; float simple_value = 2; }
  std::string one, summary;
  append_bytes(one, 1, tag);
  append_key(one, 2, kFixed32);
  append_raw(one, value);
  append_bytes(summary, 1, one);
  record(event(wall_time > 0 ? wall_time : now(), step, 5, summary));
}

void TensorboardWriter::record(std::string_view event) {
  // TFRecord: length, masked CRC of the length, the bytes, masked CRC of the bytes; all little-endian.
  std::string frame;
  append_raw(frame, static_cast<std::uint64_t>(event.size()));
  append_raw(frame, masked_crc32c(bytes_of(frame)));
  frame += event;
  append_raw(frame, masked_crc32c(bytes_of(event)));
  if (std::fwrite(frame.data(), 1, frame.size(), file_.get()) != frame.size())
    throw Error(Category::io, "tensorboard", path_.string() + ": " + std::strerror(errno));
}

void TensorboardWriter::flush() {
  if (std::fflush(file_.get()) != 0)
    throw Error(Category::io, "tensorboard", path_.string() + ": " + std::strerror(errno));
}

}  // namespace euterpe
