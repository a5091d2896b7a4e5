#include "signal/descriptor_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>
#include <string_view>

#include "base/error.hpp"

namespace euterpe {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<std::string_view, DescriptorFormat>, 4> kFormats{{{"npy", DescriptorFormat::npy},
                                                                                 {"csv", DescriptorFormat::csv},
                                                                                 {"json", DescriptorFormat::json},
                                                                                 {"jsonl", DescriptorFormat::jsonl}}};
constexpr std::size_t kBlock = 1 << 16;
constexpr std::size_t kNpyHeader = 128;  // bytes, enough for any shape

void put_json(std::string& out, float value) {
  if (std::isfinite(value)) {
    fmt::format_to(std::back_inserter(out), "{}", value);
  } else {
    out += "null";
  }
}

void put_json(std::string& out, std::span<const float> values) {
  out += '[';
  for (std::size_t b = 0; b < values.size(); ++b) {
    if (b > 0) out += ',';
    put_json(out, values[b]);
  }
  out += ']';
}

}  // namespace

DescriptorFormat descriptor_format(std::string_view wanted) {
  for (const auto& [text, format] : kFormats) {
    if (text == wanted) return format;
  }
  throw Error(Category::usage, "describe", fmt::format("no format \"{}\" for descriptors", wanted),
              "formats: npy, csv, json, jsonl");
}

std::string_view name(DescriptorFormat format) {
  return std::ranges::find(kFormats, format, &std::pair<std::string_view, DescriptorFormat>::second)->first;
}

json parameters_of(const DescriptorSettings& s, int sample_rate) {
  json out{{"sample_rate", sample_rate},
           {"hop_length", s.stft.hop_length},
           {"n_fft", s.stft.n_fft},
           {"win_length", s.stft.win_length > 0 ? s.stft.win_length : s.stft.n_fft},
           {"window", "hann"},
           {"center", s.stft.center},
           {"n_mels", s.mel.n_mels},
           {"fmin", s.mel.fmin},
           {"fmax", s.mel.fmax > 0 ? s.mel.fmax : sample_rate / 2.0},
           {"n_mfcc", s.n_mfcc},
           {"roll_percent", s.roll_percent},
           {"top_db", s.top_db > 0 ? json(s.top_db) : json()},
           {"tuning", s.tuned ? json("estimated") : json(s.tuning)},
           {"pitch_fmin", s.fmin_pitch},
           {"pitch_fmax", s.fmax_pitch}};
  return out;
}

DescriptorWriter::DescriptorWriter(const std::filesystem::path& path, DescriptorFormat format, const DescriptorRow& row,
                                   json parameters)
    : file_(path, format == DescriptorFormat::npy ? OutputFile::Access::seek : OutputFile::Access::stream),
      format_(format),
      row_(row),
      parameters_(std::move(parameters)),
      hop_(parameters_.at("hop_length").get<double>() / parameters_.at("sample_rate").get<double>()) {}

/// NumPy Enhancement Proposal 1: magic, version 1.0, the dictionary's length and the dictionary, padded with spaces.
std::string DescriptorWriter::npy_header() const {
  const bool series = row_.kind == DescriptorKind::frames;
  std::string text = fmt::format("{{'descr': '<f4', 'fortran_order': {}, 'shape': {}, }}", series ? "True" : "False",
                                 series ? fmt::format("({}, {})", bins_, frames_) : fmt::format("({},)", frames_));
  constexpr std::size_t kPreamble = 10;
  text.resize(kNpyHeader - kPreamble - 1, ' ');
  text += '\n';
  const std::size_t length = text.size();
  return std::string("\x93NUMPY\x01", 7) + std::string(1, '\0') + static_cast<char>(length & 0xff) +
         static_cast<char>(length >> 8) + text;
}

void DescriptorWriter::begin(std::size_t bins) {
  bins_ = bins;
  if (format_ == DescriptorFormat::npy) {
    pending_ += npy_header();
  } else if (format_ == DescriptorFormat::csv) {
    pending_ += row_.kind == DescriptorKind::scalar ? "" : "time,";
    for (std::size_t b = 0; b < bins_; ++b) {
      if (b > 0) pending_ += ',';
      pending_ += bins_ == 1 ? std::string(row_.name) : fmt::format("{}_{}", row_.name, b);
    }
    pending_ += '\n';
  } else {
    json head = parameters_;
    head["descriptor"] = row_.name;
    head["unit"] = row_.unit;
    head["bins"] = bins_;
    pending_ += head.dump(-1, ' ', false, json::error_handler_t::replace);
    if (format_ == DescriptorFormat::json) {
      pending_.pop_back();
      pending_ += ",\"values\":[";
    } else {
      pending_ += '\n';
    }
  }
}

void DescriptorWriter::frame(std::span<const float> values) {
  if (frames_ == 0) begin(values.size());
  EUTERPE_ASSERT(values.size() == bins_);
  const double time =
      row_.kind == DescriptorKind::events ? hop_ * static_cast<double>(values[0]) : hop_ * static_cast<double>(frames_);
  const bool timed = row_.kind != DescriptorKind::scalar;
  static_assert(std::endian::native == std::endian::little, "values are written as they stand in memory");
  switch (format_) {
    case DescriptorFormat::npy:
      pending_.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
      break;
    case DescriptorFormat::csv:
      if (timed) fmt::format_to(std::back_inserter(pending_), "{:.6f},", time);
      for (std::size_t b = 0; b < values.size(); ++b) {
        if (b > 0) pending_ += ',';
        fmt::format_to(std::back_inserter(pending_), "{}", values[b]);
      }
      pending_ += '\n';
      break;
    case DescriptorFormat::json:
      if (frames_ > 0) pending_ += ',';
      if (bins_ == 1) {
        put_json(pending_, values[0]);
      } else {
        put_json(pending_, values);
      }
      break;
    case DescriptorFormat::jsonl:
      pending_ += '{';
      if (timed) fmt::format_to(std::back_inserter(pending_), "\"time\":{:.6f},", time);
      pending_ += "\"values\":";
      put_json(pending_, values);
      pending_ += "}\n";
      break;
  }
  ++frames_;
  if (pending_.size() >= kBlock) flush();
}

void DescriptorWriter::flush() {
  file_.write(pending_);
  pending_.clear();
}

void DescriptorWriter::finish() {
  if (frames_ == 0) begin(1);
  if (format_ == DescriptorFormat::json) pending_ += "]}\n";
  flush();
  if (format_ == DescriptorFormat::npy) {
    const std::string header = npy_header();
    file_.write_at(0, {reinterpret_cast<const std::uint8_t*>(header.data()), header.size()});
  }
  file_.commit();
}

void DescriptorStatistics::add(std::span<const float> values) {
  if (frames_ == 0) {
    sums_.resize(values.size());
    kept_.resize(values.size());
  }
  EUTERPE_ASSERT(values.size() == sums_.size());
  const bool keep = frames_ % every_ == 0;
  for (std::size_t b = 0; b < values.size(); ++b) {
    const double x = static_cast<double>(values[b]);
    if (std::isnan(x)) continue;
    if (keep) kept_[b].push_back(values[b]);
    Sum& s = sums_[b];
    ++s.count;
    const double apart = x - s.mean;  // Welford (1962)
    s.mean += apart / static_cast<double>(s.count);
    s.squares += apart * (x - s.mean);
    s.minimum = s.count == 1 ? x : std::min(s.minimum, x);
    s.maximum = s.count == 1 ? x : std::max(s.maximum, x);
  }
  ++frames_;
  if (keep && std::ranges::any_of(kept_, [&](const auto& k) { return k.size() >= kMostKept / kept_.size(); })) {
    every_ *= 2;
    for (auto& k : kept_) {
      for (std::size_t i = 0; 2 * i < k.size(); ++i) k[i] = k[2 * i];
      k.resize((k.size() + 1) / 2);
    }
  }
}

std::vector<DescriptorStatistics::Bin> DescriptorStatistics::result() const {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  std::vector<Bin> out(sums_.size());
  for (std::size_t b = 0; b < out.size(); ++b) {
    const Sum& s = sums_[b];
    Bin& bin = out[b];
    bin.count = s.count;
    if (s.count == 0) {
      bin.mean = bin.deviation = bin.minimum = bin.maximum = kNone;
      bin.quantiles.fill(kNone);
      continue;
    }
    bin.mean = s.mean;
    bin.deviation = std::sqrt(s.squares / static_cast<double>(s.count));
    bin.minimum = s.minimum;
    bin.maximum = s.maximum;
    bin.quantiles.fill(kNone);
    std::vector<float> sorted = kept_[b];
    std::ranges::sort(sorted);
    for (std::size_t q = 0; q < kQuantiles.size() && !sorted.empty(); ++q) {
      const double at = kQuantiles[q] * static_cast<double>(sorted.size() - 1);
      const auto below = static_cast<std::size_t>(at);
      const std::size_t above = std::min(below + 1, sorted.size() - 1);
      bin.quantiles[q] = std::lerp(static_cast<double>(sorted[below]), static_cast<double>(sorted[above]),
                                   at - static_cast<double>(below));
    }
  }
  return out;
}

}  // namespace euterpe
