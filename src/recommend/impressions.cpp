#include "recommend/impressions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kLongestLine = 1 << 20;
constexpr const char* kColumnNames =
    "the columns are user,item,propensity,reward, and as wanted time,position,target,predicted,expected";

[[noreturn]] void refuse(const std::string& detail, const char* hint = "") {
  throw Error(Category::bad_input, "read_impressions", detail, hint);
}

double number(const std::string& text, const char* what, double low, double high) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || value < low || value > high)
    refuse(fmt::format("'{:.40}' is no {}", text, what));
  return value;
}

std::string text_of(const std::string& text, const char* what) {
  std::string clean = clean_text(text);
  if (clean.empty()) refuse(fmt::format("no {}", what));
  return clean;
}

constexpr double kAny = 1e300;
constexpr const char* kFinite = "finite number";

/// One row a column. An empty field of an optional one is passed over.
struct Column {
  const char* name;
  bool required;
  void (*set)(Impression&, const std::string&);
};
const std::array<Column, 9> kColumns{{
    {"user", true, [](Impression& i, const std::string& v) { i.user = text_of(v, "user"); }},
    {"item", true, [](Impression& i, const std::string& v) { i.item = text_of(v, "item"); }},
    {"propensity", true,
     [](Impression& i, const std::string& v) {
       i.propensity = number(v, "probability above 0 and at most 1: what was shown had one", 0x1p-1000, 1);
     }},
    {"reward", true, [](Impression& i, const std::string& v) { i.reward = number(v, kFinite, -kAny, kAny); }},
    {"time", false,
     [](Impression& i, const std::string& v) {
       i.time = parse_time(v);
       if (!i.time) refuse(fmt::format("'{:.40}' is no time: Unix seconds or ISO 8601", v));
     }},
    {"position", false,
     [](Impression& i, const std::string& v) {
       const double position = number(v, "position: 1, 2, 3 …", 1, 1e9);
       if (position != std::floor(position)) refuse(fmt::format("'{:.40}' is no position: 1, 2, 3 …", v));
       i.position = static_cast<int>(position);
     }},
    {"target", false, [](Impression& i, const std::string& v) { i.target = number(v, "probability, 0–1", 0, 1); }},
    {"predicted", false, [](Impression& i, const std::string& v) { i.predicted = number(v, kFinite, -kAny, kAny); }},
    {"expected", false, [](Impression& i, const std::string& v) { i.expected = number(v, kFinite, -kAny, kAny); }},
}};

std::vector<const Column*> read_header(const std::vector<std::string>& names) {
  std::vector<const Column*> columns;
  for (const std::string& given : names) {
    const std::string name = clean_text(given);
    const auto* column =
        std::find_if(kColumns.begin(), kColumns.end(), [&](const Column& c) { return c.name == name; });
    if (column == kColumns.end()) refuse(fmt::format("unknown column '{:.40}'", name), kColumnNames);
    if (std::find(columns.begin(), columns.end(), column) != columns.end())
      refuse(fmt::format("a second column '{}'", name), kColumnNames);
    columns.push_back(column);
  }
  for (const Column& column : kColumns)
    if (column.required && std::find(columns.begin(), columns.end(), &column) == columns.end())
      refuse(fmt::format("no column '{}'", column.name), kColumnNames);
  return columns;
}

}  // namespace

std::vector<Impression> read_impressions(std::istream& in, const std::string& name) {
  std::vector<Impression> rows;
  std::vector<const Column*> columns;
  LineReader lines(in, kLongestLine);
  std::string line;
  char delimiter = ',';
  const auto read_line = [&] {
    if (lines.too_long()) refuse("the line is too long");
    if (columns.empty() && line.find(',') == std::string::npos) delimiter = ';';
    const auto fields = parse_csv(line, delimiter);
    if (!fields) refuse("a quote is not closed");
    if (columns.empty()) {
      columns = read_header(*fields);
      return;
    }
    if (fields->size() != columns.size())
      refuse(fmt::format("{} columns, the header names {}", fields->size(), columns.size()));
    Impression& row = rows.emplace_back();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (!columns[c]->required && (*fields)[c].empty()) continue;
      try {
        columns[c]->set(row, (*fields)[c]);
      } catch (const Error& error) {
        throw error.in(fmt::format("column {}", columns[c]->name));
      }
    }
  };
  while (lines.next(line)) {
    if (line.empty()) continue;
    try {
      read_line();
    } catch (const Error& error) {
      throw error.in(fmt::format("{}: line {}", name, lines.number()));
    }
  }
  if (rows.empty()) refuse(name + ": no impressions", kColumnNames);
  return rows;
}

std::vector<Impression> read_impressions(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    throw Error(Category::not_found, "read_impressions", path.string() + ": the file cannot be opened",
                "an impressions log is a CSV: user,item,propensity,reward");
  return read_impressions(in, path.filename().string());
}

}  // namespace euterpe
