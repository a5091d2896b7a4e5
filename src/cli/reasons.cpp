#include "cli/reasons.hpp"

#include <fmt/format.h>

namespace euterpe {

std::string track_label(const std::string& track, const std::string& title, const std::string& artist) {
  // Of a track's key twelve digits are enough to name it by.
  if (title.empty()) return track.size() == 64 ? track.substr(0, 12) : track;
  return artist.empty() ? title : title + " · " + artist;
}

std::string reasons_text(const std::vector<Reason>& reasons) {
  std::string text;
  for (const Reason& reason : reasons)
    text += fmt::format("{}{} ({:.0f} %)", text.empty() ? "" : ", ", track_label(reason.track, reason.title, ""),
                        100 * reason.share);
  return text;
}

nlohmann::json reasons_json(const std::vector<Reason>& reasons) {
  nlohmann::json list = nlohmann::json::array();
  for (const Reason& reason : reasons)
    list.push_back(
        {{"track", reason.track}, {"title", reason.title}, {"weight", reason.weight}, {"share", reason.share}});
  return list;
}

}  // namespace euterpe
