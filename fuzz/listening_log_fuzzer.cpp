/// Any bytes, in the format that they look like and in every other: either a clean Error, or listens that have a user
/// and an item, with every line counted and every broken one explained.
#include <cstddef>
#include <cstdint>
#include <sstream>

#include "base/error.hpp"
#include "base/text.hpp"
#include "catalog/listening_log.hpp"

namespace {

using namespace euterpe;

void is_text(std::string_view text) { EUTERPE_ASSERT(is_utf8(text)); }

void is_id(std::string_view id) {
  is_text(id);
  EUTERPE_ASSERT(!id.empty() && id.size() <= kLongestId && id.find('\0') == std::string_view::npos);
}

void read(const std::string& bytes, const LogFormat* format) {
  std::istringstream in(bytes);
  LogLines lines(in);
  LogSummary summary;
  try {
    summary = read_listening_log(lines, format ? *format : recognize_log(lines), [](const LoggedListen& listen) {
      is_id(listen.user);
      is_id(listen.item);
      is_text(listen.artist);
      is_text(listen.title);
    });
  } catch (const Error& e) {
    EUTERPE_ASSERT(e.category() == Category::bad_input || e.category() == Category::unsupported);
    return;
  }
  EUTERPE_ASSERT(summary.broken <= summary.lines && summary.lines <= lines.number());
  EUTERPE_ASSERT(summary.problems.size() == std::min(summary.broken, kListedProblems));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  read(bytes, nullptr);
  for (const LogFormat& format : log_formats()) read(bytes, &format);
  return 0;
}
