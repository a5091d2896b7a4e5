#include "evaluate/report.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"

namespace euterpe {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #20242c;
       background: #fff; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; border-top: 1px solid #d9dce2; padding-top: 1.2rem; }
.badge { font-size: .75rem; font-weight: 600; background: #fbe6c2; color: #6b4300; border-radius: 1rem;
         padding: .15rem .6rem; vertical-align: middle; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid #e4e6ea; vertical-align: top; }
figure { margin: 1rem 0; }
figure img { max-width: 100%; height: auto; background: #fff; }
figcaption { font-size: .9rem; color: #5a606c; }
figure.sound { display: inline-block; width: 19rem; margin: .5rem 1rem .5rem 0; }
audio { width: 100%; }
@media (prefers-color-scheme: dark) {
  body { background: #16181d; color: #e4e6ea; }
  h2, th, td { border-color: #343841; }
  figcaption { color: #a4abb8; }
}
)";

// Length of the well-formed UTF-8 sequence at the start of `s` (RFC 3629), 0 if there is none.
std::size_t sequence(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(s[i])); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t n = lead >= 0xC2 && lead < 0xE0   ? 2
                        : (lead & 0xF0) == 0xE0       ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (n == 0 || n > s.size()) return 0;
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
  if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
  return n;
}

}  // namespace

std::string base64(std::span<const std::uint8_t> bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16 |
                                (left > 1 ? static_cast<std::uint32_t>(bytes[i + 1]) << 8 : 0) |
                                (left > 2 ? static_cast<std::uint32_t>(bytes[i + 2]) : 0);
    out += kDigits[group >> 18];
    out += kDigits[group >> 12 & 63];
    out += left > 1 ? kDigits[group >> 6 & 63] : '=';
    out += left > 2 ? kDigits[group & 63] : '=';
  }
  return out;
}

std::string html_escape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = sequence(text.substr(i));
    const char c = text[i];
    if (n == 0) {
      out += "\uFFFD";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else {
      out += text.substr(i, n);
    }
    i += n == 0 ? 1 : n;
  }
  return out;
}

HtmlReport::HtmlReport(std::string title) : title_(std::move(title)) {}

void HtmlReport::section(std::string_view heading, bool simulated) {
  body_ +=
      fmt::format("<h2>{}{}</h2>\n", html_escape(heading), simulated ? " <span class=\"badge\">simulated</span>" : "");
}

void HtmlReport::paragraph(std::string_view text) { body_ += fmt::format("<p>{}</p>\n", html_escape(text)); }

void HtmlReport::table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
  body_ += "<table>\n<thead><tr>";
  for (const std::string& cell : head) body_ += fmt::format("<th scope=\"col\">{}</th>", html_escape(cell));
  body_ += "</tr></thead>\n<tbody>\n";
  for (const auto& row : rows) {
    EUTERPE_ASSERT(row.size() == head.size());
    body_ += "<tr>";
    for (const std::string& cell : row) body_ += fmt::format("<td>{}</td>", html_escape(cell));
    body_ += "</tr>\n";
  }
  body_ += "</tbody>\n</table>\n";
}

void HtmlReport::picture(const std::filesystem::path& path, std::string_view caption) {
  const char* type = path.extension() == ".svg" ? "svg+xml" : "png";
  body_ +=
      fmt::format("<figure><img alt=\"{0}\" src=\"data:image/{1};base64,{2}\"><figcaption>{0}</figcaption></figure>\n",
                  html_escape(caption), type, base64(read_file(path)));
}

void HtmlReport::audio(const std::filesystem::path& path, std::string_view caption) {
  body_ += fmt::format(
      "<figure class=\"sound\"><figcaption>{}</figcaption><audio controls preload=\"metadata\" "
      "src=\"data:audio/mpeg;base64,{}\"></audio></figure>\n",
      html_escape(caption), base64(read_file(path)));
}

std::string HtmlReport::html() const {
  const std::string title = html_escape(title_);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n<title>{0}</title>\n<style>{1}</style>\n"
      "</head>\n<body>\n<h1>{0}</h1>\n{2}</body>\n</html>\n",
      title, kStyle, body_);
}

void HtmlReport::write(const std::filesystem::path& path) const { write_file(path, html()); }

}  // namespace euterpe
