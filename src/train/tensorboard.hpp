#pragma once
/// Scalars for TensorBoard, written without TensorFlow: an event file is TFRecord frames around Event messages.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace euterpe {

/// Appends to FOLDER/events.out.tfevents.SECONDS.HOST.PID.N. TensorBoard joins all event files of a folder into one
/// run, so a resumed training simply opens a new writer. Not thread-safe. Throws Error{io}.
class TensorboardWriter {
 public:
  explicit TensorboardWriter(const std::filesystem::path& folder);
  /// \param tag "train/loss"; \param step as on the horizontal axis; \param wall_time Unix seconds, 0 = now
  void scalar(std::string_view tag, float value, std::int64_t step, double wall_time = 0);
  /// Hands what was written to the system, so that a running TensorBoard sees it.
  void flush();
  const std::filesystem::path& path() const { return path_; }

 private:
  void record(std::string_view event);

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
};

/// CRC-32C (Castagnoli; RFC 3720 appendix B.4), and its masked form that TFRecord stores.
std::uint32_t crc32c(std::span<const std::uint8_t> bytes);
std::uint32_t masked_crc32c(std::span<const std::uint8_t> bytes);

}  // namespace euterpe
