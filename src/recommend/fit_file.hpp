#pragma once
/// The kept fit of a catalog's listens: item-to-item weights, mapped from disk so that a question reads only the rows
/// it needs.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "recommend/item_weights.hpp"

namespace euterpe {

struct Fit {
  std::string model;                   ///< "ease" or "item-knn"
  Recency recency;                     ///< of the history that asks
  std::vector<std::string> items;      ///< id of each item number, ascending
  std::vector<std::uint64_t> listens;  ///< listen_hash() of everything learned from, ascending
  ItemWeights owned;                   ///< filled if just fitted
  std::optional<MappedFile> mapped;    ///< filled if read
  ItemWeightsView weights() const { return mapped ? mapped_view : owned.view(); }
  ItemWeightsView mapped_view;
};

/// 64 bits of (user, track, time), the same on every machine; not reversible to a name without guessing it.
std::uint64_t listen_hash(std::string_view user, std::string_view track, std::int64_t time);

/// Layout, little-endian: magic "EUTRECFT", u32 version (1), u32 kind (0 dense, 1 sparse), u64 items, u64 listens, u64
/// entries, u64 bytes of text, 16 zero bytes; u64 listens[]; dense: f32 weights[items²]; sparse: u64 offsets[items +
/// 1], i32 columns[entries], f32 values[entries]; JSON text {model, half_life, floor, items}.
void write_fit(const std::filesystem::path& path, const Fit& fit);

/// Error{bad_input} if the file is not whole, Error{newer_version} if a newer Euterpe made it; sizes are checked before
/// use.
Fit read_fit(const std::filesystem::path& path);

}  // namespace euterpe
