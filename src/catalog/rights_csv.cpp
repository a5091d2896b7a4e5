#include "catalog/rights_csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>

#include "base/error.hpp"
#include "base/text.hpp"
#include "catalog/lookup.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kLongestLine = 1 << 20;

bool yes_no(std::string_view text) {
  if (const auto value = parse_yes_no(text)) return *value;
  throw Error(Category::bad_input, "rights", fmt::format("'{}' is neither yes nor no", text));
}

double number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    throw Error(Category::bad_input, "rights", fmt::format("share '{}' is no number between 0 and 1", text));
  return value;
}

/// One row a column: how it is written and read.
struct Column {
  const char* name;
  std::string (*get)(const RightsRecord&);
  void (*set)(RightsRecord&, const std::string&);
};
const std::array<Column, 5> kColumns{{
    {"owner", [](const RightsRecord& r) { return r.owner; },
     [](RightsRecord& r, const std::string& v) { r.owner = v; }},
    {"licence", [](const RightsRecord& r) { return r.licence; },
     [](RightsRecord& r, const std::string& v) { r.licence = v; }},
    {"share", [](const RightsRecord& r) { return fmt::format("{}", r.share); },
     [](RightsRecord& r, const std::string& v) { r.share = number(v); }},
    {"may_train", [](const RightsRecord& r) -> std::string { return r.may_train ? "yes" : "no"; },
     [](RightsRecord& r, const std::string& v) { r.may_train = yes_no(v); }},
    {"may_recommend", [](const RightsRecord& r) -> std::string { return r.may_recommend ? "yes" : "no"; },
     [](RightsRecord& r, const std::string& v) { r.may_recommend = yes_no(v); }},
}};

/// For each field of a record the column it belongs to; null for the track.
std::vector<const Column*> read_header(const std::vector<std::string>& names) {
  std::vector<const Column*> columns;
  bool track = false;
  for (const std::string& given : names) {
    const std::string name = clean_text(given);
    const auto* column =
        std::find_if(kColumns.begin(), kColumns.end(), [&](const Column& c) { return c.name == name; });
    const bool repeated = name == "track" ? track : std::find(columns.begin(), columns.end(), column) != columns.end();
    if ((name != "track" && column == kColumns.end()) || repeated)
      throw Error(Category::bad_input, "rights import",
                  fmt::format("line 1: {} column '{}'", repeated ? "a second" : "unknown", name),
                  "the columns are track,owner,licence,share,may_train,may_recommend");
    track = track || name == "track";
    columns.push_back(name == "track" ? nullptr : column);
  }
  if (!track)
    throw Error(Category::bad_input, "rights import", "line 1: no column 'track'",
                "the first line names the columns: track,owner,licence,share,may_train,may_recommend");
  return columns;
}

}  // namespace

std::optional<bool> parse_yes_no(std::string_view text) {
  std::string lower = clean_text(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower == "yes" || lower == "true" || lower == "1") return true;
  if (lower == "no" || lower == "false" || lower == "0") return false;
  return {};
}

std::size_t export_rights(Catalog& catalog, std::ostream& out) {
  out << "track";
  for (const Column& column : kColumns) out << ',' << column.name;
  out << '\n';
  const auto tracks = catalog.tracks();
  for (const TrackRecord& track : tracks) {
    const RightsRecord rights = catalog.rights(track.id);
    out << track.id;
    for (const Column& column : kColumns) out << ',' << csv_field(column.get(rights));
    out << '\n';
  }
  out.flush();
  if (!out) throw Error(Category::io, "rights export", "the table could not be written whole", "is the disk full?");
  return tracks.size();
}

RightsImport import_rights(Catalog& catalog, std::istream& in) {
  RightsImport result;
  LineReader lines(in, kLongestLine);
  std::string line;
  if (!lines.next(line)) throw Error(Category::bad_input, "rights import", "the file is empty");
  const char delimiter = line.find(',') == std::string::npos && line.find(';') != std::string::npos ? ';' : ',';
  const auto names = parse_csv(line, delimiter);
  if (!names) throw Error(Category::bad_input, "rights import", "line 1: a quote is not closed");
  const auto columns = read_header(*names);

  const TrackNames known(catalog);
  const auto set_line = [&] {
    if (lines.too_long()) throw Error(Category::bad_input, "rights", "the line is too long");
    const auto fields = parse_csv(line, delimiter);
    if (!fields) throw Error(Category::bad_input, "rights", "a quote is not closed");
    if (fields->size() != columns.size())
      throw Error(Category::bad_input, "rights",
                  fmt::format("{} columns, the header names {}", fields->size(), columns.size()));
    const auto place = std::find(columns.begin(), columns.end(), nullptr) - columns.begin();
    const std::string& name = (*fields)[static_cast<std::size_t>(place)];
    std::string id = known.find(name);
    if (id.empty()) id = find_track(catalog, name).id;
    RightsRecord rights = catalog.rights(id);
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (columns[i]) columns[i]->set(rights, (*fields)[i]);
    catalog.set_rights(id, rights);
  };
  catalog.transaction([&] {
    while (lines.next(line)) {
      if (line.empty()) continue;
      try {
        set_line();
        ++result.set;
      } catch (const Error& error) {
        if (error.category() == Category::io) throw;
        result.problems.push_back(fmt::format("line {}: {}", lines.number(), error.detail()));
      }
    }
  });
  return result;
}

}  // namespace euterpe
