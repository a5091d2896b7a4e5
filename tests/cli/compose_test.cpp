// From a folder of MIDI files to a model of one's own and a piece by it, as people would do it.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/files.hpp"
#include "catalog/support.hpp"
#include "cli/run_program.hpp"
#include "compose/tiny_composer.hpp"
#include "corpus/music.hpp"
#include "media/decode.hpp"
#include "score/midi.hpp"
#include "train/tiny_vae.hpp"

namespace euterpe {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;

class ComposeCommand : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  std::string path(const std::string& name) const { return (folder / name).string(); }

  Ran run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--catalog", path("catalog"), "--threads", "1"});
    std::vector<std::string> environment{"EUTERPE_USER_MODELS=" + path("models"), "OMP_NUM_THREADS=1"};
    for (const char* name : {"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"})
      environment.push_back(name + ("=" + path("home")));
    return run_program(arguments, environment);
  }
  /// compose with a model of random weights.
  Ran compose(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"compose", "--model", path("tiny")});
    return run(arguments);
  }
  void SetUp() override {
    fs::create_directories(folder / "home");
    test::save_tiny_composer(folder / "tiny");
  }
};

TEST_F(ComposeCommand, writes_every_kind_of_file_and_each_reads_back) {
  const Ran ran = compose({"--style", "folk", "--bars", "2", "--tempo", "200", "--seed", "7", "--json", "-o",
                           path("t.mid"), "-o", path("t.musicxml"), "-o", path("t.wav"), "-o", path("t.png")});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const json row = json::parse(ran.out);
  EXPECT_EQ(row["style"], "folk");
  EXPECT_EQ(row["seed"], 7);
  EXPECT_EQ(row["files"].size(), 4u);

  const auto read = read_midi(folder / "t.mid");
  EXPECT_TRUE(read.mended.empty());
  EXPECT_EQ(read.score.note_count(), row["notes"].get<std::size_t>());
  EXPECT_EQ(read.score.bar_lines().size(), 3u);
  EXPECT_EQ(write_midi(read.score), read_file(folder / "t.mid"));
  bool named = false;
  for (const TextEvent& t : read.score.tracks.front().texts) named |= t.text.find("seed 7") != std::string::npos;
  EXPECT_TRUE(named);

  const std::string xml = read_text(folder / "t.musicxml");
  EXPECT_NE(xml.find("<score-partwise"), std::string::npos);
  EXPECT_NE(xml.find("<measure number=\"2\""), std::string::npos);
  EXPECT_EQ(xml.find("<measure number=\"3\""), std::string::npos);

  const AudioBuffer audio = decode(folder / "t.wav");
  EXPECT_GE(audio.frames() / static_cast<double>(audio.sample_rate), read.score.duration().value);
  EXPECT_EQ(read_text(folder / "t.png").substr(1, 3), "PNG");
}

TEST_F(ComposeCommand, repeats_a_piece_byte_for_byte_with_its_seed) {
  for (const char* name : {"a.mid", "b.mid"})
    ASSERT_EQ(compose({"--bars", "4", "--seed", "3", "-o", path(name)}).code, 0);
  ASSERT_EQ(compose({"--bars", "4", "--seed", "4", "-o", path("c.mid")}).code, 0);
  EXPECT_EQ(read_file(folder / "a.mid"), read_file(folder / "b.mid"));
  EXPECT_NE(read_file(folder / "a.mid"), read_file(folder / "c.mid"));
}

TEST_F(ComposeCommand, numbers_several_pieces_and_answers_with_one_object) {
  const Ran ran = compose({"--bars", "2", "--seed", "5", "--count", "3", "--json", "-o", path("t.mid")});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const json pieces = json::parse(ran.out)["pieces"];
  ASSERT_EQ(pieces.size(), 3u);
  EXPECT_EQ(pieces[2]["seed"], 7);
  for (const char* name : {"t-1.mid", "t-2.mid", "t-3.mid"}) EXPECT_TRUE(fs::exists(folder / name)) << name;
}

TEST_F(ComposeCommand, continues_a_file_and_leaves_its_notes_and_words_as_they_are) {
  Score prompt = test::walk(2, 3);
  prompt.tracks[0].texts.push_back({960, 0x05, "la"});
  write_midi(folder / "prompt.mid", prompt);
  prompt = read_midi(folder / "prompt.mid").score;
  const Ran ran = compose({"--continue", path("prompt.mid"), "--bars", "2", "-o", path("on.mid")});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto read = read_midi(folder / "on.mid");
  EXPECT_TRUE(read.mended.empty());
  EXPECT_EQ(read.score.bar_lines().size(), 6u);
  const auto& notes = read.score.tracks[0].notes;
  ASSERT_GT(notes.size(), prompt.tracks[0].notes.size());
  EXPECT_TRUE(std::equal(prompt.tracks[0].notes.begin(), prompt.tracks[0].notes.end(), notes.begin()));
  bool sung = false;
  for (const TextEvent& t : read.score.tracks[0].texts) sung |= t.text == "la" && t.tick == 960;
  EXPECT_TRUE(sung);
}

TEST_F(ComposeCommand, fills_a_gap_accompanies_a_melody_and_adds_drums) {
  const Score tune = test::walk(2, 6);
  write_midi(folder / "tune.mid", tune);
  const auto rest = [](const Score& score, std::int64_t from, std::int64_t to) {
    std::vector<Note> out;
    for (const Note& n : score.tracks[0].notes)
      if (n.start < from || n.start >= to) out.push_back(n);
    return out;
  };
  ASSERT_EQ(compose({"--piece", path("tune.mid"), "--infill", "3-4", "-o", path("filled.mid")}).code, 0);
  const Score filled = read_midi(folder / "filled.mid").score;
  EXPECT_EQ(rest(filled, 2 * 1920, 4 * 1920), rest(tune, 2 * 1920, 4 * 1920));
  EXPECT_NE(filled.tracks[0].notes, tune.tracks[0].notes);

  ASSERT_EQ(compose({"--melody", path("tune.mid"), "--style", "folk", "-o", path("full.mid")}).code, 0);
  const Score full = read_midi(folder / "full.mid").score;
  EXPECT_EQ(full.tracks[0].notes, tune.tracks[0].notes);
  EXPECT_GT(full.note_count(), tune.note_count());

  const Ran drums = compose({"--piece", path("tune.mid"), "--drums", "funk", "-o", path("drums.mid"), "--json"});
  ASSERT_EQ(drums.code, 0) << drums.err;
  const json player = json::parse(drums.out)["drums"];
  EXPECT_EQ(player["variety"], "funk");
  EXPECT_EQ(player["model"], "tiny");
  EXPECT_EQ(player["model_hash"].get<std::string>().size(), 64u);
  const Score with_drums = read_midi(folder / "drums.mid").score;
  EXPECT_EQ(with_drums.tracks[0].notes, tune.tracks[0].notes);
  EXPECT_TRUE(with_drums.tracks.back().drums);
}

TEST_F(ComposeCommand, keeps_the_best_of_several_variants) {
  const Ran ran =
      compose({"--bars", "2", "--variants", "4", "--count", "2", "--chords", "C | G7", "--json", "-o", path("v.mid")});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const json pieces = json::parse(ran.out)["pieces"];
  ASSERT_EQ(pieces.size(), 2u);
  for (const json& piece : pieces) {
    EXPECT_GT(piece["novelty"].get<double>(), 0);
    EXPECT_EQ(piece["chords"], "C:maj | G:7");
    EXPECT_TRUE(piece["originality"]["original"].get<bool>());
  }
}

/// Without --model the wish decides: four voices sing chorales, what they have not learned goes to who has.
TEST_F(ComposeCommand, takes_the_model_that_does_best_what_is_asked) {
  for (const char* needed : {"composer", "chorale"}) {
    try {
      find_model(needed);
    } catch (const Error&) {
      GTEST_SKIP() << "no model '" << needed << "' is shipped with this tree";
    }
  }
  const auto model_of = [&](std::vector<std::string> arguments) -> std::string {
    arguments.insert(arguments.begin(), "compose");
    arguments.insert(arguments.end(), {"--json", "-o", path("out.mid")});
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, 0) << ran.err;
    return ran.code == 0 ? json::parse(ran.out)["model"].get<std::string>() : "";
  };
  EXPECT_EQ(model_of({"--style", "chorale", "--bars", "4", "--seed", "2"}), "chorale");
  EXPECT_EQ(read_midi(folder / "out.mid").score.bar_lines().size(), 5u);
  fs::copy_file(folder / "out.mid", folder / "four.mid");
  EXPECT_EQ(model_of({"--style", "chorale", "--bars", "2", "--meter", "3/4"}), "composer");
  EXPECT_EQ(model_of({"--style", "folk", "--bars", "2"}), "composer");
  EXPECT_EQ(model_of({"--style", "chorale", "--continue", path("four.mid"), "--bars", "2"}), "chorale");
  EXPECT_EQ(read_midi(folder / "out.mid").score.bar_lines().size(), 7u);
  write_midi(folder / "tune.mid", test::walk(2, 2));
  EXPECT_EQ(model_of({"--style", "chorale", "--melody", path("tune.mid")}), "chorale");
  EXPECT_EQ(read_midi(folder / "out.mid").score.tracks.size(), 4u);
  EXPECT_EQ(model_of({"--style", "chorale", "--continue", path("tune.mid"), "--bars", "1"}), "composer");
  const Ran ran = run({"compose", "--model", "chorale", "--chords", "C | G", "-o", path("no.mid")});
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("chords"), std::string::npos) << ran.err;
}

TEST_F(ComposeCommand, says_what_is_wrong_with_a_wish_and_writes_nothing) {
  auto refused = [&](std::vector<std::string> arguments, const std::string& word, int code = 2) {
    arguments.insert(arguments.end(), {"-o", path("no.mid")});
    const Ran ran = compose(arguments);
    EXPECT_EQ(ran.code, code) << word << ran.err;
    EXPECT_NE(ran.err.find(word), std::string::npos) << ran.err;
    EXPECT_FALSE(fs::exists(folder / "no.mid"));
  };
  refused({"--style", "polka"}, "chorale, folk");
  refused({"--key", "H#"}, "H#");
  refused({"--bars", "0"}, "bars");
  refused({"--meter", "11/8"}, "meter");
  refused({"--tempo", "-5"}, "tempo");
  refused({"--top-p", "2"}, "top-p");
  refused({"--chords", "C | Hm"}, "Hm");
  refused({"--emotion", "bored"}, "bored");
  refused({"--register", "Z4"}, "Z4");
  refused({"--drums", "polka"}, "drums");
  refused({"--infill", "2"}, "--piece");
  refused({"--variants", "2", "--count", "3"}, "--variants");
  write_midi(folder / "tune.mid", test::walk(2, 6));
  refused({"--piece", path("tune.mid")}, "--infill");
  refused({"--piece", path("tune.mid"), "--infill", "5-9"}, "6 bars");
  refused({"--melody", path("tune.mid"), "--continue", path("tune.mid")}, "do not go together");
  refused({"--melody", path("tune.mid"), "--key", "C"}, "keeps its own");
  write_midi(folder / "empty.mid", Score{});
  refused({"--continue", path("empty.mid")}, "no note", 1);
  test::write(folder / "broken.mid", "no MIDI");
  refused({"--continue", path("broken.mid")}, "broken.mid", 1);
  refused({"--vary", path("tune.mid")}, "tiny has not learned to vary a piece");
  refused({"--polyphony", "3"}, "polyphony");
  refused({"--vary", path("tune.mid"), "--transfer", path("tune.mid"), "--style", "folk"}, "do not go together");
  refused({"--vary", path("tune.mid"), "--amount", "2"}, "amount 2");
  refused({"--amount", "0.5"}, "--vary");
  refused({"--transfer", path("tune.mid")}, "--style");
  refused({"--interpolate", path("tune.mid"), path("tune.mid"), "--count", "2"}, "--steps");
  refused({"--interpolate", path("tune.mid"), path("tune.mid")}, "from one piece to another");
  const Ran format = compose({"-o", path("tune.doc")});
  EXPECT_EQ(format.code, 2);
  EXPECT_NE(format.err.find(".musicxml"), std::string::npos) << format.err;
}

/// What cannot be seen as bars of notes is named with its file, before any model is asked.
TEST_F(ComposeCommand, refuses_files_that_are_no_bars_of_notes_by_their_names) {
  const auto refused = [&](std::vector<std::string> arguments, const std::vector<std::string>& words, int code) {
    arguments.insert(arguments.end(), {"-o", path("no.mid")});
    const Ran ran = compose(arguments);
    EXPECT_EQ(ran.code, code) << ran.err;
    for (const std::string& word : words) EXPECT_NE(ran.err.find(word), std::string::npos) << word << ": " << ran.err;
    EXPECT_FALSE(fs::exists(folder / "no.mid") || fs::exists(folder / "no-1.mid"));
  };
  Score five = test::walk(2, 6);
  five.meters = {{0, 5, 4}};
  write_midi(folder / "five.mid", five);
  Score drums = test::walk(2, 2);
  drums.tracks[0].drums = true;
  for (Note& n : drums.tracks[0].notes) n.channel = 9;
  write_midi(folder / "drums.mid", drums);
  Score waltz = test::walk(2, 6);
  waltz.meters = {{0, 4, 4}, {2 * 1920, 3, 4}};
  write_midi(folder / "waltz.mid", waltz);
  write_midi(folder / "tune.mid", test::walk(2, 6));
  for (const std::vector<std::string>& wish :
       std::vector<std::vector<std::string>>{{"--vary", path("five.mid")},
                                             {"--transfer", path("five.mid"), "--style", "folk"},
                                             {"--interpolate", path("tune.mid"), path("five.mid")}})
    refused(wish, {"five.mid", "bar 1", "5/4"}, 1);
  refused({"--vary", path("drums.mid")}, {"drums.mid", "drums alone"}, 1);
  refused({"--interpolate", path("drums.mid"), path("tune.mid")}, {"drums.mid", "drums alone"}, 1);
  refused({"--interpolate", path("tune.mid"), path("waltz.mid")},
          {"tune.mid", "waltz.mid", "bar 3 is in 4/4 in the first and in 3/4 in the second"}, 2);
  const std::string before = read_text(folder / "tune.mid");
  fs::copy_file(folder / "tune.mid", folder / "x-2.mid");
  const Ran over = compose({"--interpolate", path("x-2.mid"), path("tune.mid"), "--steps", "3", "-o", path("x.mid")});
  EXPECT_EQ(over.code, 2) << over.err;
  EXPECT_EQ(read_text(folder / "x-2.mid"), before);
}

TEST_F(ComposeCommand, varies_transfers_and_goes_from_one_piece_to_another) {
  test::save_tiny_vae(folder / "bars", {"folk", "pop"});
  write_midi(folder / "a.mid", test::walk(2, 4));
  write_midi(folder / "b.mid", test::walk(5, 6));
  const auto compose_bars = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"compose", "--model", path("bars"), "--json"});
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, 0) << ran.err;
    return ran.code == 0 ? json::parse(ran.out) : json();
  };
  const std::string a = sha256_file(folder / "a.mid"), b = sha256_file(folder / "b.mid");
  const json varied = compose_bars({"--vary", path("a.mid"), "--amount", "0.5", "-o", path("v.mid")});
  EXPECT_EQ(varied["varied"], a);
  EXPECT_EQ(varied["amount"], 0.5);
  EXPECT_FALSE(varied.contains("prompt"));
  const json moved = compose_bars({"--transfer", path("a.mid"), "--style", "pop", "-o", path("t.mid"), "--store"});
  EXPECT_EQ(moved["transferred"], a);
  EXPECT_EQ(moved["style"], "pop");
  EXPECT_EQ(open_catalog(folder / "catalog")->work(sha256_file(folder / "t.mid"))->prompt, a);

  const json way = compose_bars({"--interpolate", path("a.mid"), path("b.mid"), "--steps", "3", "--style", "folk", "-o",
                                 path("x.mid")})["pieces"];
  ASSERT_EQ(way.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const fs::path file = folder / ("x-" + std::to_string(i + 1) + ".mid");
    EXPECT_EQ(way[i]["between"], json({a, b}));
    EXPECT_EQ(way[i]["share"], static_cast<double>(i) / 2);
    EXPECT_EQ(way[i]["files"], json({file.string()}));
    EXPECT_TRUE(way[i]["originality"]["original"].get<bool>());
    EXPECT_EQ(read_midi(file).score.note_count(), way[i]["notes"].get<std::size_t>());
  }
}

TEST_F(ComposeCommand, keeps_a_piece_in_the_catalog_with_its_terms) {
  const Ran ran = compose({"--bars", "2", "--store", "-o", path("t.mid")});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const json tracks = json::parse(run({"catalog", "list", "--json"}).out)["tracks"];
  ASSERT_EQ(tracks.size(), 1u);
  const auto catalog = open_catalog(folder / "catalog");
  const auto work = catalog->work(sha256_file(folder / "t.mid"));
  ASSERT_TRUE(work);
  EXPECT_EQ(work->model, "tiny");
  EXPECT_NE(work->licence.find("CC0-1.0"), std::string::npos);
  EXPECT_EQ(catalog->rights(work->id).licence, work->licence);
  EXPECT_EQ(json::parse(work->provenance)["seed"], 0);
}

TEST_F(ComposeCommand, what_holds_a_track_of_the_catalog_keeps_to_its_terms) {
  write_midi(folder / "hers.mid", test::walk(2, 4));
  TrackRecord hers;
  hers.id = sha256_file(folder / "hers.mid");
  open_catalog(folder / "catalog")
      ->put_track(hers, {}, RightsRecord{"Jane Doe", "all rights reserved", 1, false, false});
  for (const char* wish : {"--continue", "--melody"}) {
    const fs::path made = folder / (std::string(wish + 2) + ".mid");
    const Ran ran = compose({wish, path("hers.mid"), "--bars", "2", "--store", "-o", made.string()});
    ASSERT_EQ(ran.code, 0) << ran.err;
    const auto catalog = open_catalog(folder / "catalog");
    const RightsRecord rights = catalog->rights(sha256_file(made));
    EXPECT_EQ(rights.owner, "Jane Doe") << wish;
    EXPECT_EQ(rights.licence.find("all rights reserved; "), 0u) << wish << ": " << rights.licence;
    EXPECT_FALSE(rights.may_train) << wish;
    EXPECT_FALSE(rights.may_recommend) << wish;
    EXPECT_EQ(catalog->work(sha256_file(made))->prompt, hers.id) << wish;
  }
}

TEST_F(ComposeCommand, refuses_weights_of_non_commercial_terms_when_told_so) {
  auto card = json::parse(read_text(folder / "tiny/card.json"));
  card["commercial"] = false;
  write_file(folder / "tiny/card.json", card.dump());
  EXPECT_EQ(compose({"--bars", "2", "--commercial", "-o", path("no.mid")}).code, 1);
  EXPECT_FALSE(fs::exists(folder / "no.mid"));
  EXPECT_EQ(compose({"--bars", "2", "-o", path("yes.mid")}).code, 0);
  const Ran drums = compose({"--piece", path("yes.mid"), "--drums", "any", "-o", path("drums.mid"), "--json"});
  ASSERT_EQ(drums.code, 0) << drums.err;
  EXPECT_EQ(json::parse(drums.out)["commercial"], false);
  EXPECT_EQ(json::parse(drums.out)["learned_from"].size(), 1u);
  EXPECT_EQ(compose({"--piece", path("yes.mid"), "--drums", "any", "--commercial", "-o", path("no.mid")}).code, 1);
}

TEST_F(ComposeCommand, prepare_then_train_then_compose_from_a_catalog_that_withholds_a_track) {
  for (std::uint64_t i = 0; i < 8; ++i) {
    fs::create_directories(folder / "music");
    write_midi(folder / "music" / (std::to_string(i) + ".mid"), test::walk(i));
  }
  write_midi(folder / "music/secret.mid", test::forbidden_piece());
  ASSERT_EQ(run({"ingest", path("music")}).code, 0);
  ASSERT_EQ(run({"rights", "set", "secret.mid", "--may-train", "no"}).code, 0);

  const Ran prepared = run({"prepare", "--from-catalog", "--style", "folk", "-o", path("c.shard"), "--json"});
  ASSERT_EQ(prepared.code, 0) << prepared.err;
  const json counts = json::parse(prepared.out);
  EXPECT_EQ(counts["pieces"], 8);
  EXPECT_EQ(counts["left_out"]["may_train = no"], 1);

  const std::vector<std::string> train{
      "train", "transformer", "--corpus", path("c.shard"), "--name", "mine",     "--steps", "2",       "--batch",
      "2",     "--context",   "96",       "--d-model",     "32",     "--layers", "1",       "--heads", "2",
      "--ff",  "32",          "--json"};
  const Ran trained = run(train);
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_EQ(json::parse(trained.out)["steps"], 2);
  const json card = json::parse(read_text(folder / "models/mine/card.json"));
  EXPECT_EQ(card["left_out"]["may_train = no"], 1);
  EXPECT_EQ(card["training"]["manifest_hash"], sha256_file(folder / "c.shard"));

  const Ran composed =
      run({"compose", "--model", "mine", "--style", "folk", "--bars", "3", "-o", path("mine.mid"), "--json"});
  ASSERT_EQ(composed.code, 0) << composed.err;
  EXPECT_EQ(json::parse(composed.out)["model"], "mine");
  EXPECT_EQ(read_midi(folder / "mine.mid").score.bar_lines().size(), 4u);
}

TEST_F(ComposeCommand, a_recipe_stands_in_for_options_and_names_a_wrong_key) {
  for (std::uint64_t i = 0; i < 8; ++i) {
    fs::create_directories(folder / "music");
    write_midi(folder / "music" / (std::to_string(i) + ".mid"), test::walk(i));
  }
  ASSERT_EQ(run({"prepare", "--folder", path("music"), "-o", path("c.shard")}).code, 0);
  test::write(folder / "r.toml", "corpus = '" + path("c.shard") +
                                     "'\nsteps = 3\nbatch = 2\ncontext = 96\nd-model = 32\nlayers = 1\nheads = 2\n"
                                     "ff = 32\nlearning-rate = 1e-3\n");
  const Ran ran =
      run({"train", "transformer", "--recipe", path("r.toml"), "--steps", "2", "--out", path("models/r"), "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(json::parse(ran.out)["steps"], 2);  // the command line wins
  test::write(folder / "bad.toml", "steps = 3\nlayer = 1\n");
  const Ran bad = run({"train", "transformer", "--recipe", path("bad.toml")});
  EXPECT_EQ(bad.code, 2);
  EXPECT_NE(bad.err.find("bad.toml:2"), std::string::npos) << bad.err;
  EXPECT_EQ(run({"train", "transformer"}).code, 2);
  EXPECT_EQ(run({"prepare", "-o", path("x.shard")}).code, 2);
  EXPECT_EQ(run({"prepare", "--sets", "bach", "--data", path("music"), "-o", path("x.shard")}).code, 2);
}

}  // namespace
}  // namespace euterpe
