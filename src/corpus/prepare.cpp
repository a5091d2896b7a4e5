#include "corpus/prepare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "score/key.hpp"
#include "score/midi.hpp"

namespace euterpe {
namespace fs = std::filesystem;

Score snap_to_grid(Score score) {
  // In twelfths of a quarter a sixteenth is 3 and an eighth triplet 4: within a quarter 0 3 4 6 8 9 are kept.
  static constexpr std::array<int, kGridPerQuarter + 1> kNearest{0, 0, 3, 3, 4, 4, 6, 8, 8, 9, 9, 12, 12};
  constexpr int kSixteenth = 3;
  const std::int64_t quarter = score.ticks_per_quarter;
  auto snap = [&](std::int64_t tick) {
    const std::int64_t grid = (tick * kGridPerQuarter * 2 + quarter) / (2 * quarter);
    return grid / kGridPerQuarter * kGridPerQuarter + kNearest[static_cast<std::size_t>(grid % kGridPerQuarter)];
  };
  auto ticks = [&](std::int64_t grid) { return (grid * quarter + kGridPerQuarter / 2) / kGridPerQuarter; };
  for (Track& track : score.tracks)
    for (Note& note : track.notes) {
      const std::int64_t start = snap(note.start), end = std::max(snap(note.end()), start + kSixteenth);
      note.start = ticks(start);
      note.duration = ticks(end) - note.start;
    }
  score.sort();
  return score;
}

Shard prepare(std::span<const Source> sources, const PrepareOptions& options) {
  Shard shard;
  shard.tokenizer = RemiVocabulary::kName;
  shard.vocabulary = RemiVocabulary::size();
  std::size_t total = 0;
  for (const Source& source : sources) total += source.pieces.size();
  Progress progress("prepare", total, "pieces");
  std::set<std::string> known;
  for (const Source& source : sources) {
    for (const auto& [reason, count] : source.left_out) shard.left_out[reason] += count;
    std::vector<ShardPiece> made(source.pieces.size());
    std::vector<std::string> refused(source.pieces.size());
    parallel_for(source.pieces.size(), [&](std::size_t i) {
      const Piece& piece = source.pieces[i];
      progress.advance();
      if (piece.score.note_count() < options.shortest) {
        refused[i] = "too short";
        return;
      }
      try {
        RemiOptions remi;
        remi.style = remi_style(piece.style) ? piece.style : "none";
        remi.velocities = options.velocities;
        remi.key = estimate_key(pitch_class_durations(piece.score));
        made[i] = {piece.id, remi.style, piece.group, piece.split,
                   encode_remi(options.performed_timing ? piece.score : snap_to_grid(piece.score), remi)};
      } catch (const Error& e) {
        spdlog::debug("left out {}: {}", piece.id, e.what());
        refused[i] = "meter or instruments that tokens cannot say";
      }
    });
    int kept = 0, for_training = 0;
    for (std::size_t i = 0; i < made.size(); ++i) {
      if (refused[i].empty() &&
          !known
               .insert(sha256(std::span(reinterpret_cast<const std::uint8_t*>(made[i].tokens.data()),
                                        made[i].tokens.size() * sizeof(Token))))
               .second)
        refused[i] = "exact double";
      if (!refused[i].empty()) {
        ++shard.left_out[refused[i]];
        continue;
      }
      shard.pieces.push_back(std::move(made[i]));
      ++kept;
      for_training += shard.pieces.back().split == "train";
    }
    shard.data.push_back({{"name", source.name},
                          {"licence", source.licence},
                          {"commercial", source.commercial},
                          {"pieces", kept},
                          {"train", for_training}});
  }
  return shard;
}

Source source_from_dataset(std::string_view name, const fs::path& data_root) {
  const Dataset& set = dataset(name);
  return {set.name, set.licence, set.commercial, set.read(data_root / set.name), {}};
}

Source source_from_folder(const fs::path& folder, const std::string& style) {
  Source source;
  source.name = folder.filename().string();
  source.licence = "the user's own";
  for (const fs::path& path : walk_files({folder})) {
    if (path.extension() != ".mid" && path.extension() != ".midi") continue;
    Piece piece;
    const fs::path relative = path.lexically_relative(folder);
    const std::string first = relative.begin()->string();
    piece.id = source.name + "/" + relative.string();
    piece.group = piece.id;
    piece.style = remi_style(first) ? first : style;
    piece.split = split_of(piece.group);
    try {
      const auto bytes = read_file(path);
      piece.file = sha256(bytes);
      piece.score = read_midi(bytes).score;
    } catch (const Error& e) {
      spdlog::warn("left out {}: {}", path.string(), e.what());
      ++source.left_out["unreadable"];
      continue;
    }
    source.pieces.push_back(std::move(piece));
  }
  if (source.pieces.empty())
    throw Error(Category::not_found, "prepare", folder.string() + ": holds no readable .mid file");
  return source;
}

}  // namespace euterpe
