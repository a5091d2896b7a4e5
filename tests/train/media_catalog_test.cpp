// What the catalog withholds from training is counted in the card of what was trained.
#include <gtest/gtest.h>

#include "base/files.hpp"
#include "base/parallel.hpp"
#include "catalog/support.hpp"
#include "corpus/media_catalog_source.hpp"
#include "corpus/music.hpp"
#include "nn/model.hpp"
#include "score/midi.hpp"
#include "train/transformer.hpp"

namespace euterpe {
namespace {

TEST(TrainFromCatalog, counts_in_the_card_what_was_withheld) {
  const test::TemporaryFolder folder;
  set_threads(1);
  const auto catalog = open_catalog(folder / "catalog");
  for (std::uint64_t i = 0; i < 4; ++i) {
    const auto path = folder / (std::to_string(i) + ".mid");
    write_midi(path, i ? test::walk(i) : test::forbidden_piece());
    RightsRecord rights;
    rights.may_train = i != 0;
    TrackRecord track;
    track.id = sha256_file(path);
    track.path = path.string();
    track.kind = "score";
    catalog->put_track(track, {}, rights);
  }
  Source source = source_from_catalog(*catalog);
  for (Piece& piece : source.pieces) piece.split = "train";
  const Shard shard = prepare(std::span(&source, 1));
  ASSERT_EQ(shard.pieces.size(), 3u);
  for (const ShardPiece& p : shard.pieces) EXPECT_FALSE(test::holds_forbidden(decode_remi(p.tokens)));
  TransformerTraining tiny;
  tiny.run = folder / "run";
  tiny.out = folder / "model";
  tiny.network = {.d_model = 32, .layers = 1, .heads = 2, .ff = 32, .context = 64};
  tiny.steps = 2;
  tiny.batch = 2;
  train_transformer(shard, tiny);
  const auto card = find_model((folder / "model").string()).card;
  EXPECT_EQ(card["left_out"], (nlohmann::json{{"may_train = no", 1}}));
  EXPECT_EQ(card["training"]["validated_on_held_out"], false);
}

}  // namespace
}  // namespace euterpe
