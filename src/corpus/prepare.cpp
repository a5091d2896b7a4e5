#include "corpus/prepare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "corpus/composing_sets.hpp"
#include "corpus/splits.hpp"
#include "score/harmony.hpp"
#include "score/score_file.hpp"
#include "score/tokenizers.hpp"

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

namespace {

/// One piece on its way into the shard.
struct Candidate {
  const Piece* piece = nullptr;
  std::size_t source = 0;
  std::vector<Token> tokens;
  std::string reason, detail;  ///< why it is left out, empty if it stays
};

std::string style_of(const Piece& piece) { return remi_style(piece.style) ? piece.style : "none"; }

/// Dynamics of eight levels: a small model has more to learn than how loud each note is.
constexpr int kVelocityLevels = 8;

std::vector<Token> tokens_of(const Piece& piece, const Score& score, const Source& source,
                             const PrepareOptions& options) {
  RemiOptions remi;
  remi.style = style_of(piece);
  if (remi_variety(remi.style, piece.variety)) remi.variety = piece.variety;
  remi.emotion = piece.emotion;
  remi.velocities = options.velocities || source.velocity_levels > 0;
  remi.velocity_levels = source.velocity_levels > 0 ? source.velocity_levels : kVelocityLevels;
  if (!score.merged_notes().empty()) {
    const KeyEstimate key = estimate_global_key(score);
    if (key.confidence > 0) remi.key = key;
    remi.chords = true;
  }
  return encode_remi(options.performed_timing || source.performed_timing ? score : snap_to_grid(score), remi);
}

std::string hash_of(const std::vector<Token>& tokens) {
  return sha256(std::span(reinterpret_cast<const std::uint8_t*>(tokens.data()), tokens.size() * sizeof(Token)));
}

void leave_out_near_duplicates(std::vector<Candidate>& all, const ScoreDuplicateOptions& options) {
  std::vector<Candidate*> kept;
  std::vector<const Score*> scores;
  for (Candidate& c : all) {
    if (!c.reason.empty()) continue;
    kept.push_back(&c);
    scores.push_back(&c.piece->score);
  }
  const auto keep_first = [](const Candidate& a, const Candidate& b) {  // a stands before b
    const auto rank = [](const Candidate& c) {
      return c.piece->split == "test" ? 2 : c.piece->split == "valid" ? 1 : 0;
    };
    if (rank(a) != rank(b)) return rank(a) > rank(b);
    return a.piece->score.note_count() >= b.piece->score.note_count();
  };
  for (const ScorePair& pair : find_near_duplicates(scores, options)) {
    Candidate &a = *kept[pair.a], &b = *kept[pair.b];
    if (!a.reason.empty() || !b.reason.empty()) continue;
    const bool first = keep_first(a, b);
    (first ? b : a).reason = "near duplicate";
    (first ? b : a).detail = fmt::format("{:.0f} % of the notes agree with {} in the part that both have",
                                         100 * pair.same, (first ? a : b).piece->id);
  }
}

}  // namespace

Shard prepare(std::span<const Source> sources, const PrepareOptions& options) {
  Shard shard;
  const Tokenizer& tokenizer = find_tokenizer(kRemiTokens);
  shard.tokenizer = tokenizer.name;
  shard.vocabulary = tokenizer.vocabulary();
  std::vector<Candidate> all;
  for (std::size_t s = 0; s < sources.size(); ++s) {
    for (const auto& [reason, count] : sources[s].left_out) shard.left_out[reason] += count;
    for (const Remark& r : sources[s].left_out_files)
      shard.left_out_pieces.push_back({{"id", r.id}, {"reason", r.reason}, {"detail", r.detail}});
    for (const Piece& piece : sources[s].pieces) {
      all.push_back({});
      all.back().piece = &piece;
      all.back().source = s;
    }
  }
  {
    Progress progress("prepare", all.size(), "pieces");
    parallel_for(all.size(), [&](std::size_t i) {
      const Piece& piece = *all[i].piece;
      progress.advance();
      if (piece.score.note_count() < options.shortest) {
        all[i].reason = "too short";
        all[i].detail = fmt::format("{} notes", piece.score.note_count());
        return;
      }
      try {
        all[i].tokens = tokens_of(piece, piece.score, sources[all[i].source], options);
      } catch (const Error& e) {
        all[i].reason = "meter or instruments that tokens cannot say";
        all[i].detail = e.detail();
      }
    });
  }
  std::map<std::string, const Piece*> known;
  for (Candidate& c : all) {
    if (!c.reason.empty()) continue;
    const auto [at, fresh] = known.try_emplace(hash_of(c.tokens), c.piece);
    if (fresh) continue;
    c.reason = "exact double";
    c.detail = "the same as " + at->second->id;
  }
  if (!options.keep_near_duplicates) leave_out_near_duplicates(all, options.duplicates);

  std::vector<int> kept(sources.size(), 0), for_training(sources.size(), 0);
  Splits splits;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Candidate& c = all[i];
    if (!c.reason.empty()) {
      ++shard.left_out[c.reason];
      shard.left_out_pieces.push_back({{"id", c.piece->id}, {"reason", c.reason}, {"detail", c.detail}});
      continue;
    }
    splits.add(c.piece->group, c.piece->split);
    ++kept[c.source];
    shard.pieces.push_back({c.piece->id, style_of(*c.piece), c.piece->group, c.piece->split, std::move(c.tokens)});
    if (c.piece->split != "train") continue;
    ++for_training[c.source];
    for (int v = 0; v < options.variants; ++v) {
      const std::uint64_t stream =
          Random::stream(options.seed, i * static_cast<std::size_t>(options.variants) + static_cast<std::size_t>(v))
              .next();
      auto tokens =
          tokens_of(*c.piece, augment(c.piece->score, options.augmentation, stream), sources[c.source], options);
      if (known.try_emplace(hash_of(tokens), c.piece).second)
        shard.pieces.push_back({fmt::format("{}+{}", c.piece->id, v + 1), style_of(*c.piece), c.piece->group,
                                c.piece->split, std::move(tokens)});
    }
  }
  for (std::size_t s = 0; s < sources.size(); ++s)
    shard.data.push_back({{"name", sources[s].name},
                          {"licence", sources[s].licence},
                          {"commercial", sources[s].commercial},
                          {"pieces", kept[s]},
                          {"train", for_training[s]}});
  shard.split_hash = splits.hash();
  return shard;
}

Source source_from_dataset(std::string_view name, const fs::path& data_root) {
  const ComposingSet& set = composing_set(name);
  Source source{set.name, set.licence, set.commercial, set.read(data_root / set.name)};
  source.velocity_levels = set.velocity_levels;
  source.performed_timing = set.performed_timing;
  return source;
}

Source source_from_folder(const fs::path& folder, const std::string& style) {
  Source source;
  // "music", "music/" and "." are one folder: groups, and so splits, go by its name.
  const fs::path whole = fs::absolute(folder).lexically_normal();
  source.name = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
  source.licence = "the user's own";
  const auto leave_out = [&](const std::string& id, const char* reason, const std::string& detail) {
    ++source.left_out[reason];
    source.left_out_files.push_back({id, reason, detail});
  };
  for (const fs::path& path : walk_files({folder})) {
    const fs::path relative = path.lexically_relative(folder);
    if (!is_score_name(path)) {
      if (path.extension() == ".xml")
        leave_out(source.name + "/" + relative.string(), "no score", "XML that does not begin as MusicXML does");
      continue;
    }
    Piece piece;
    const std::string first = relative.begin()->string();
    piece.id = source.name + "/" + relative.string();
    piece.group = piece.id;
    piece.style = remi_style(first) ? first : style;
    piece.split = split_of(piece.group);
    try {
      const auto bytes = read_file(path);
      piece.file = sha256(bytes);
      ScoreReadResult read = read_score(bytes, path);
      piece.score = std::move(read.score);
      for (const std::string& mended : read.mended) source.noted.push_back({piece.id, "mended", mended});
    } catch (const Error& e) {
      leave_out(piece.id, "unreadable", e.detail());
      continue;
    }
    source.pieces.push_back(std::move(piece));
  }
  if (source.pieces.empty()) {
    std::string why = folder.string() + ": holds no readable score (MIDI or MusicXML)";
    if (!source.left_out_files.empty())
      why += fmt::format("; {} files left out, the first: {}: {}", source.left_out_files.size(),
                         source.left_out_files.front().id, source.left_out_files.front().detail);
    throw Error(Category::not_found, "prepare", why);
  }
  return source;
}

}  // namespace euterpe
