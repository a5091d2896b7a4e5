// ListenBrainz: one JSON object a line, as its dumps and exports hold them, or an answer of its API.
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "catalog/log_parser.hpp"

namespace euterpe {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 16> kKeys{
    "payload",        "listens",     "user_name",  "user_id",         "listened_at",  "timestamp",
    "track_metadata", "artist_name", "track_name", "additional_info", "mbid_mapping", "recording_mbid",
    "recording_msid", "isrc",        "duration",   "duration_ms"};

constexpr int kDeepest = 8;  // payload, listens, one of them, its track_metadata, additional_info, a value in it

/// The value under a key, null where there is none.
const Json& at(const Json& object, const char* key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::string_view text(const Json& value) {
  return value.is_string() ? std::string_view(value.get_ref<const std::string&>()) : std::string_view();
}

/// The first of them that says something.
std::string_view first_of(std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts)
    if (!text.empty()) return text;
  return {};
}

class ListenBrainzParser : public LogParser {
 public:
  void parse(std::string_view line, LogSink& sink) override {
    // Only the keys that are read are kept, as deep as they lie, so that a line costs little more than its own memory.
    const auto keep = [](int depth, Json::parse_event_t event, Json& value) {
      return depth <= kDeepest &&
             (event != Json::parse_event_t::key || std::find(kKeys.begin(), kKeys.end(), text(value)) != kKeys.end());
    };
    Json row;
    try {
      row = Json::parse(line, keep);
    } catch (const Json::exception& error) {
      return sink.broken(fmt::format("no JSON object: {:.120}", error.what()));
    }
    if (!row.is_object()) return sink.broken("no JSON object");
    const Json& payload = at(row, "payload");
    if (!payload.is_object()) return listen(row, at(row, "user_name"), sink);
    for (const Json& one : at(payload, "listens")) listen(one, at(payload, "user_id"), sink);
  }

 private:
  /// \param owner whose listens these are, where the listen itself does not say
  static void listen(const Json& row, const Json& owner, LogSink& sink) {
    const Json &track = at(row, "track_metadata"), &info = at(track, "additional_info");
    const Json& number = at(row, "user_id");  // dumps for Spark have numbers alone
    const std::string numbered = number.is_number_integer() ? number.dump() : std::string(text(number));
    LoggedListen listen;
    listen.user = first_of({text(at(row, "user_name")), text(owner), numbered});
    if (listen.user.empty()) return sink.broken("no user_name");
    listen.artist = text(at(track, "artist_name"));
    listen.title = text(at(track, "track_name"));
    const std::string named = artist_and_title(listen.artist, listen.title);
    listen.item = first_of({text(at(info, "recording_mbid")), text(at(at(track, "mbid_mapping"), "recording_mbid")),
                            text(at(row, "recording_mbid")), text(at(info, "isrc")), text(at(row, "recording_msid")),
                            text(at(info, "recording_msid")), named});
    if (listen.item.empty()) return sink.broken("no recording: neither an id nor track_name");
    const Json& when = at(row, "listened_at").is_null() ? at(row, "timestamp") : at(row, "listened_at");
    if (when.is_null()) return sink.broken("no listened_at");
    const auto time = sink.time(when.is_string() ? std::string(text(when)) : when.dump());
    if (!time) return;
    listen.time = *time;
    if (const Json& ms = at(info, "duration_ms"); ms.is_number())
      listen.duration = ms.get<double>() / 1000;
    else if (const Json& seconds = at(info, "duration"); seconds.is_number())
      listen.duration = seconds.get<double>();
    sink.listen(listen);
  }
};

/// JSON that goes over several lines, or an array of all listens.
bool is_one_value(std::string_view first) { return first == "{" || first == "[" || first.starts_with("[{"); }

}  // namespace

bool is_listenbrainz(const FirstLines& lines) {
  return is_one_value(lines.front()) ||
         most(lines, [](std::string_view line) { return line[line.find_first_not_of(" \t")] == '{'; });
}

std::unique_ptr<LogParser> listenbrainz_parser(const FirstLines& lines) {
  if (!lines.empty() && is_one_value(lines.front()))
    throw Error(Category::unsupported, "read_listening_log", "the log is one JSON value, expected one object a line",
                "jq -c '.[]' FILE | euterpe ingest --listens -");
  return std::make_unique<ListenBrainzParser>();
}

}  // namespace euterpe
