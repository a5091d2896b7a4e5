#pragma once
/// Small CSV files with a header line, as data sets bring them.
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace euterpe {

class CsvTable {
 public:
  /// Reads the whole file; the columns named must be there, more may be. Error{not_found | io | bad_input} with the
  /// line.
  CsvTable(const std::filesystem::path& path, std::initializer_list<std::string_view> columns);
  std::size_t rows() const { return rows_.size(); }
  /// \param column index into the columns named to the constructor
  const std::string& at(std::size_t row, std::size_t column) const { return rows_[row][column]; }

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace euterpe
