#include "corpus/csv_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"

namespace euterpe {

CsvTable::CsvTable(const std::filesystem::path& path, std::initializer_list<std::string_view> columns) {
  constexpr std::size_t kLongestLine = 1 << 20;
  std::istringstream in(read_text(path));
  LineReader lines(in, kLongestLine);
  std::vector<std::size_t> places;
  std::size_t width = 0;
  for (std::string line; lines.next(line);) {
    if (line.empty()) continue;
    auto cells = parse_csv(line);
    auto fail = [&](const std::string& what) {
      throw Error(Category::bad_input, "read_csv", fmt::format("{}: line {}: {}", path.string(), lines.number(), what));
    };
    if (!cells || lines.too_long()) fail("a quote is not closed, or the line is too long");
    if (width == 0) {
      width = cells->size();
      for (const std::string_view column : columns) {
        const auto found = std::find(cells->begin(), cells->end(), column);
        if (found == cells->end()) fail(fmt::format("there is no column \"{}\"", column));
        places.push_back(static_cast<std::size_t>(found - cells->begin()));
      }
      continue;
    }
    if (cells->size() != width) fail(fmt::format("{} columns, the header has {}", cells->size(), width));
    std::vector<std::string> row;
    for (const std::size_t place : places) row.push_back(std::move((*cells)[place]));
    rows_.push_back(std::move(row));
  }
  if (width == 0) throw Error(Category::bad_input, "read_csv", path.string() + ": is empty");
}

}  // namespace euterpe
