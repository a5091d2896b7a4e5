#include "train/picture_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "base/error.hpp"
#include "base/files.hpp"
#include "corpus/idx.hpp"
#include "corpus/passages.hpp"
#include "nn/dense_gan.hpp"
#include "score/roll_patch.hpp"
#include "train/grid_corpus.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

/// A shard says what it is in its first bytes; every other file is to be an IDX file.
bool is_shard(const fs::path& path) {
  constexpr std::string_view kMagic = "EUTSHARD";
  std::string head(kMagic.size(), '\0');
  std::ifstream(path, std::ios::binary).read(head.data(), static_cast<std::streamsize>(head.size()));
  return head == kMagic;
}

PictureSet from_idx(const fs::path& path, const Forbidden& forbidden) {
  PictureSet out;
  out.hash = sha256_file(path);
  if (forbidden.contains(out.hash))
    throw Error(Category::refused, "train", path.string() + ": its rights forbid to learn from it");
  IdxImages images = read_idx_images(path);
  if (images.height * images.width > kMostPicturePixels)
    throw Error(Category::unsupported, "train",
                fmt::format("{}: its images have {} × {} pixels, {} in all are the most", path.string(), images.height,
                            images.width, kMostPicturePixels),
                "the dense GAN is one for small pictures");
  out.count = images.count;
  out.height = images.height;
  out.width = images.width;
  out.pixels = std::move(images.pixels);
  out.card = {{"styles", {"pictures"}},
              {"data",
               {{{"name", path.filename().string()},
                 {"licence", "unknown"},
                 {"commercial", false},
                 {"pieces", out.count},
                 {"train", out.count},
                 {"hash", out.hash}}}},
              {"left_out", nlohmann::json::object()},
              {"commercial", false},
              {"training", nlohmann::json::object()}};
  return out;
}

/// The bottom of the rows around the middle between melody and accompaniment, each at its median pitch: where most
/// notes are, the accompaniment would have them all.
int middle_rows(const std::vector<const BarGrid*>& grids) {
  std::array<std::vector<int>, kGridParts> pitches;
  for (const BarGrid* grid : grids)
    for (const GridBar& bar : grid->bars)
      for (const BarNote& note : bar.notes) pitches[static_cast<std::size_t>(note.part)].push_back(note.pitch);
  int sum = 0, parts = 0;
  for (std::vector<int>& part : pitches) {
    if (part.empty()) continue;
    const auto middle = part.begin() + static_cast<std::ptrdiff_t>(part.size() / 2);
    std::nth_element(part.begin(), middle, part.end());
    sum += *middle;
    ++parts;
  }
  return std::clamp(sum / std::max(1, parts) - kPatchSide / 2, 0, 128 - kPatchSide);
}

PictureSet from_music(const GridCorpus& corpus) {
  std::vector<const BarGrid*> grids;
  std::vector<double> tempos;
  for (const GridPiece& piece : corpus.pieces) {
    if (piece.split != "train") continue;
    grids.push_back(&piece.grid);
    tempos.push_back(piece.grid.tempo);
  }
  PictureSet out;
  out.height = out.width = kPatchSide;
  PatchMaking made;
  made.lowest = middle_rows(grids);
  std::nth_element(tempos.begin(), tempos.begin() + static_cast<std::ptrdiff_t>(tempos.size() / 2), tempos.end());
  made.tempo = tempos[tempos.size() / 2];
  out.patches = made;
  for (const BarGrid* grid : grids)
    for (const RollPatch& patch : roll_patches(*grid, made.lowest)) {
      out.pixels.insert(out.pixels.end(), patch.begin(), patch.end());
      ++out.count;
    }
  if (out.count == 0)
    throw Error(Category::bad_input, "train", "no training piece has two bars of 4/4 in a row",
                "a picture shows a bar of 4/4 and most of the next");
  out.hash = sha256(out.pixels);
  out.card = corpus_card(corpus);
  if (corpus.styles.size() > 1) out.card["styles"] = {"mixed"};
  out.card["training"]["learned_styles"] = corpus.styles;
  out.passages = training_passages(corpus.shard);
  return out;
}

}  // namespace

PictureSet read_pictures(const fs::path& path, const std::vector<std::string>& sets,
                         const std::vector<std::string>& styles, const Forbidden& forbidden) {
  if (!fs::exists(path)) throw Error(Category::not_found, "train", path.string() + ": there is no such file");
  if (!fs::is_directory(path) && !is_shard(path)) return from_idx(path, forbidden);
  return from_music(read_grid_corpus(path, sets, styles, forbidden));
}

}  // namespace euterpe
