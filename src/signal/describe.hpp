#pragma once
/// The descriptors of one file, frame by frame, from one decoding.
#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "signal/descriptor_table.hpp"

namespace euterpe {

struct DescribeOptions {
  DescriptorSettings settings;  ///< sample_rate 0: the file's own
  double offset = 0;            ///< seconds to skip
  double duration = 0;          ///< seconds to describe, 0 = to the end
};

/// Samples of this many seconds lie in memory at most; what needs the whole recording refuses more.
constexpr double kLongestWhole = 1800;

struct Described {
  int sample_rate = 0;  ///< Hz
  double seconds = 0;
  std::string warning;                                                ///< what was damaged in the file
  std::vector<std::pair<const DescriptorRow*, std::string>> refused;  ///< with the reason, where others could be had
};

/// Calls frame(i, values) for every frame of rows[i] in order of time: values has a number a bin; an event comes as the
/// number of its frame. What streams comes as it is decoded, in memory that does not grow with the recording; the rest
/// after it. Throws as decode() does, and Error{unsupported} for recordings beyond kLongestWhole where a row needs the
/// whole; one row alone throws what it refuses with.
Described describe_file(const std::filesystem::path& path, std::span<const DescriptorRow* const> rows,
                        const DescribeOptions& options,
                        const std::function<void(std::size_t, std::span<const float>)>& frame);

}  // namespace euterpe
