#pragma once
/// Descriptors written down frame by frame, in formats that other tools read; and their statistics.
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/output_file.hpp"
#include "signal/descriptor_table.hpp"

namespace euterpe {

/// npy: float32 [bins × frames], NumPy's format 1.0 in Fortran order, so that frame follows frame; events and single
///   numbers have one dimension. csv: a line a frame, its time in seconds first. json: one object with the parameters
///   and "values", a list a frame. jsonl: the parameters in the first line, then an object a frame.
enum class DescriptorFormat { npy, csv, json, jsonl };

/// "npy", "csv", "json", "jsonl"; throws Error{usage} naming them.
DescriptorFormat descriptor_format(std::string_view name);
std::string_view name(DescriptorFormat format);

/// What the numbers hang on: sample_rate, hop_length, n_fft …, under librosa's names.
nlohmann::json parameters_of(const DescriptorSettings& settings, int sample_rate);

/// Writes as frames come, in memory that does not grow with them.
class DescriptorWriter {
 public:
  /// \param parameters as parameters_of() has them, of which hop_length and sample_rate give the times; json formats
  ///   say all of them
  DescriptorWriter(const std::filesystem::path& path, DescriptorFormat format, const DescriptorRow& row,
                   nlohmann::json parameters);
  void frame(std::span<const float> values);
  void finish();  ///< commits the file; without it none is left
  std::size_t bins() const { return bins_; }
  std::uint64_t frames() const { return frames_; }

 private:
  void begin(std::size_t bins);
  void flush();
  std::string npy_header() const;

  OutputFile file_;
  DescriptorFormat format_;
  const DescriptorRow& row_;
  nlohmann::json parameters_;
  double hop_;  // seconds
  std::size_t bins_ = 0;
  std::uint64_t frames_ = 0;
  std::string pending_;
};

/// Mean, deviation and quantiles of every bin. NaN is left out. Memory is bounded: up to kMostKept values the quantiles
/// are exact, beyond they are those of every second value, every fourth, and so on.
class DescriptorStatistics {
 public:
  static constexpr std::array kQuantiles{0.05, 0.25, 0.5, 0.75, 0.95};
  static constexpr std::size_t kMostKept = 1 << 24;  ///< over all bins

  struct Bin {
    std::uint64_t count = 0;
    double mean = 0, deviation = 0, minimum = 0, maximum = 0;  ///< NaN where count = 0
    std::array<double, kQuantiles.size()> quantiles{};         ///< linear between neighbors, as NumPy's
  };

  void add(std::span<const float> values);
  std::vector<Bin> result() const;

 private:
  struct Sum {
    std::uint64_t count = 0;
    double mean = 0, squares = 0, minimum = 0, maximum = 0;
  };
  std::vector<Sum> sums_;
  std::vector<std::vector<float>> kept_;
  std::uint64_t frames_ = 0, every_ = 1;
};

}  // namespace euterpe
