#include "signal/describe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "media/decode.hpp"

namespace euterpe {
namespace {

using Frame = std::function<void(std::size_t, std::span<const float>)>;

Error too_long(const std::filesystem::path& path, const std::vector<std::string_view>& names) {
  return {Category::unsupported, "describe",
          fmt::format("{}: longer than {:.0f} minutes, and {} need{} the whole recording in memory", path.string(),
                      kLongestWhole / 60, fmt::join(names, ", "), names.size() == 1 ? "s" : ""),
          "--offset and --duration describe a part; with --top-db 0 mfcc and spectral_contrast stream, with --tuning "
          "chroma_stft and tonnetz"};
}

}  // namespace

Described describe_file(const std::filesystem::path& path, std::span<const DescriptorRow* const> rows,
                        const DescribeOptions& options, const Frame& frame) {
  DescriptorSettings settings = options.settings;
  if (settings.sample_rate == 0) settings.sample_rate = probe_audio(path).sample_rate;
  std::vector<std::size_t> streamed, whole;
  std::vector<std::string_view> whole_names;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    (rows[i]->streams(settings) ? streamed : whole).push_back(i);
    if (!rows[i]->streams(settings)) whole_names.push_back(rows[i]->name);
  }

  std::vector<float> values, samples;
  std::optional<DescriptorStream> stream;
  if (!streamed.empty()) {
    stream.emplace(settings.stream(), [&](const DescriptorStrip& strip) {
      for (const std::size_t i : streamed) {
        const DescriptorStrip::Rows& numbers = strip.*(rows[i]->strip);
        values.resize(numbers.bins);
        for (std::size_t t = 0; t < strip.count; ++t) {
          for (std::size_t b = 0; b < numbers.bins; ++b) values[b] = numbers.at(b, t);
          frame(i, values);
        }
      }
    });
  }
  Described result;
  result.sample_rate = settings.sample_rate;
  std::uint64_t heard = 0;
  DecodeOptions decoding;
  decoding.sample_rate = settings.sample_rate;
  decoding.start = options.offset;
  decoding.duration = options.duration;
  const auto sink = [&](const AudioBuffer& block) {
    check_interrupt();
    const auto mono = block.channel(0);
    heard += mono.size();
    if (stream) stream->push(mono);
    if (!whole.empty()) samples.insert(samples.end(), mono.begin(), mono.end());
    if (static_cast<double>(samples.size()) > kLongestWhole * settings.sample_rate) throw too_long(path, whole_names);
    return true;
  };
  decode_blocks(path, decoding, sink, &result.warning);
  if (stream) stream->finish();
  result.seconds = static_cast<double>(heard) / settings.sample_rate;

  WholeRecording recording(samples, settings);
  for (const std::size_t i : whole) {
    check_interrupt();
    Matrix matrix;
    try {
      matrix = recording.compute(*rows[i]);
    } catch (const Error& error) {
      if (rows.size() == 1) throw error.in(path.string());
      result.refused.emplace_back(rows[i], error.detail());
      continue;
    }
    values.resize(matrix.bins);
    for (std::size_t t = 0; t < matrix.frames; ++t) {
      for (std::size_t b = 0; b < matrix.bins; ++b) values[b] = matrix.at(b, t);
      frame(i, values);
    }
  }
  return result;
}

}  // namespace euterpe
