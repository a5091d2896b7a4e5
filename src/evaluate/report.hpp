#pragma once
/// A report as one HTML file that needs nothing else: pictures and sounds are inside, no script, no network.
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace euterpe {

/// RFC 4648, with padding.
std::string base64(std::span<const std::uint8_t> bytes);
/// &, <, > and both quotes as entities; bytes that are no UTF-8 become U+FFFD, so that a hostile title stays text.
std::string html_escape(std::string_view text);

class HtmlReport {
 public:
  explicit HtmlReport(std::string title);

  /// All text is escaped. `simulated` puts a badge beside the heading.
  void section(std::string_view heading, bool simulated = false);
  void paragraph(std::string_view text);
  /// Every row as wide as the head.
  void table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows);
  /// A .png or .svg file; `caption` is also the text for those who do not see it.
  void picture(const std::filesystem::path& path, std::string_view caption);
  /// An .mp3 file with a player.
  void audio(const std::filesystem::path& path, std::string_view caption);

  std::string html() const;
  /// Throws Error{io}.
  void write(const std::filesystem::path& path) const;

 private:
  std::string title_, body_;
};

}  // namespace euterpe
