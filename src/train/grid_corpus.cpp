#include "train/grid_corpus.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "base/text.hpp"
#include "corpus/composing_sets.hpp"
#include "corpus/prepare.hpp"
#include "score/tokenizers.hpp"

namespace euterpe {
namespace {

Shard prepare_sets(const std::filesystem::path& root, const std::vector<std::string>& sets,
                   const std::set<std::string>& forbidden) {
  std::vector<Source> sources;
  for (const std::string& name : sets) {
    sources.push_back(source_from_dataset(name, root));
    const auto out =
        std::erase_if(sources.back().pieces, [&](const Piece& piece) { return forbidden.contains(piece.file); });
    if (out > 0) sources.back().left_out["may_train = no"] += static_cast<int>(out);
  }
  return prepare(sources);
}

void drop_silent_ends(BarGrid& grid) {
  const auto silent = [](const GridBar& bar) { return bar.notes.empty(); };
  grid.bars.erase(std::find_if_not(grid.bars.rbegin(), grid.bars.rend(), silent).base(), grid.bars.end());
  grid.bars.erase(grid.bars.begin(), std::find_if_not(grid.bars.begin(), grid.bars.end(), silent));
}

}  // namespace

int GridCorpus::style(const std::string& name) const {
  const auto at = std::find(styles.begin(), styles.end(), name);
  return at == styles.end() ? -1 : static_cast<int>(at - styles.begin());
}

std::vector<std::string> listed_names(const std::string& list) {
  std::vector<std::string> out;
  if (clean_text(list) == "all") return out;
  std::istringstream in(list);
  for (std::string name; std::getline(in, name, ',');)
    if (std::string clean = clean_text(name); !clean.empty()) out.push_back(std::move(clean));
  return out;
}

GridCorpus read_grid_corpus(const std::filesystem::path& path, const std::vector<std::string>& sets,
                            const std::vector<std::string>& styles, const std::set<std::string>& forbidden) {
  GridCorpus out;
  out.shard = std::filesystem::is_directory(path) ? prepare_sets(path, sets, forbidden) : read_shard(path);
  const Tokenizer& tokenizer = find_tokenizer(out.shard.tokenizer);
  std::erase_if(out.shard.pieces, [&](const ShardPiece& p) {
    return styles.empty() ? p.style == "drums" : std::find(styles.begin(), styles.end(), p.style) == styles.end();
  });
  std::vector<std::vector<GridPiece>> found(out.shard.pieces.size());
  std::vector<int> lost(found.size());
  parallel_for(found.size(), [&](std::size_t i) {
    const ShardPiece& piece = out.shard.pieces[i];
    const Score score = tokenizer.decode(piece.tokens);
    lost[i] = static_cast<int>(score.bar_lines().size()) - 1;
    for (BarGrid& grid : bar_grid_stretches(score)) {
      lost[i] -= static_cast<int>(grid.bars.size());
      drop_silent_ends(grid);
      if (!grid.bars.empty()) found[i].push_back({piece.id, piece.style, piece.split, std::move(grid)});
    }
  });
  for (std::size_t i = 0; i < found.size(); ++i) {
    out.left_out_bars += lost[i];
    for (GridPiece& piece : found[i]) out.pieces.push_back(std::move(piece));
  }
  const auto learned = [&](const std::string& style) {
    return std::any_of(out.pieces.begin(), out.pieces.end(),
                       [&](const GridPiece& p) { return p.style == style && p.split == "train"; });
  };
  for (const ComposingSet& set : composing_sets())
    if (out.style(set.style) < 0 && learned(set.style)) out.styles.emplace_back(set.style);
  for (const GridPiece& piece : out.pieces)  // a user's own
    if (out.style(piece.style) < 0 && learned(piece.style)) out.styles.push_back(piece.style);
  if (out.styles.empty() && !styles.empty())
    throw Error(Category::usage, "read_grid_corpus",
                fmt::format("{}: no piece of the style \"{}\" to learn from", path.string(), styles.front()),
                "leave --styles out to learn what is there");
  if (out.styles.empty())
    throw Error(Category::bad_input, "read_grid_corpus", path.string() + ": no piece to learn from",
                "every piece was left out or fell into another split: see the counts that prepare printed");
  for (const std::string& style : styles)
    if (out.style(style) < 0)
      throw Error(Category::usage, "read_grid_corpus",
                  fmt::format("{}: no piece of the style \"{}\" to learn from", path.string(), style),
                  fmt::format("there are {}", fmt::join(out.styles, ", ")));
  std::erase_if(out.pieces, [&](const GridPiece& p) { return out.style(p.style) < 0; });
  return out;
}

nlohmann::json corpus_card(const GridCorpus& corpus) {
  auto data = nlohmann::json::array();
  bool commercial = true;
  for (const auto& source : corpus.shard.data) {
    const std::string name = source.value("name", "");
    const auto& sets = composing_sets();
    const auto known = std::find_if(sets.begin(), sets.end(), [&](const ComposingSet& s) { return name == s.name; });
    if (known != sets.end() && corpus.style(known->style) < 0) continue;
    data.push_back(source);
    commercial = commercial && source.value("commercial", false);
  }
  nlohmann::json left_out = corpus.shard.left_out;
  if (corpus.left_out_bars > 0) left_out["bars in meters that the grid cannot say"] = corpus.left_out_bars;
  return {{"styles", corpus.styles},
          {"data", data},
          {"left_out", left_out},
          {"commercial", commercial},
          {"training", {{"manifest_hash", corpus.shard.hash}, {"split_hash", corpus.shard.split_hash}}}};
}

StyleHabits corpus_habits(const GridCorpus& corpus, const std::string& style) {
  std::vector<const BarGrid*> pieces;
  for (const GridPiece& piece : corpus.pieces)
    if (piece.split == "train" && piece.style == style) pieces.push_back(&piece.grid);
  EUTERPE_ASSERT(!pieces.empty());
  return style_habits(pieces);
}

}  // namespace euterpe
