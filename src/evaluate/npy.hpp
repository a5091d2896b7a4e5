#pragma once
/// NumPy's .npy files, in which reference descriptors come.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace euterpe {

/// A number is [1 × 1], a list [1 × n].
struct NpyArray {
  std::size_t rows = 1, columns = 1;
  std::vector<double> values;  ///< row-major, whichever order the file has; a bool is 0 or 1
};

/// Format versions 1 to 3 (NumPy Enhancement Proposal 1): little-endian floats of 4 and 8 bytes, integers of 1 to 8
/// bytes and bool, in C or Fortran order, of at most two dimensions. Throws Error{bad_input | unsupported} saying what
/// was found; nothing is allocated before the declared size is compared with that of the file.
/// \param name stands in front of errors
NpyArray parse_npy(std::span<const std::uint8_t> bytes, std::string_view name);

/// Throws Error{not_found | io} too.
NpyArray read_npy(const std::filesystem::path& path);

}  // namespace euterpe
