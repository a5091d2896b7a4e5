#pragma once
/// Tracks and the listens that speak for them, as recommend and promote print them.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "recommend/recommend.hpp"

namespace euterpe {

/// Title and artist, or the short id of what has no title; a foreign id stands whole.
std::string track_label(const std::string& track, const std::string& title, const std::string& artist);

/// "Air (40 %), 1f3a… (12 %)"; empty without reasons.
std::string reasons_text(const std::vector<Reason>& reasons);

/// [{track, title, weight, share}]
nlohmann::json reasons_json(const std::vector<Reason>& reasons);

}  // namespace euterpe
