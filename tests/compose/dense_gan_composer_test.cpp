#include <gtest/gtest.h>

#include <array>

#include "base/error.hpp"
#include "base/temporary_folder.hpp"
#include "compose/compose.hpp"
#include "compose/write_score.hpp"
#include "nn/dense_gan.hpp"
#include "score/harmony.hpp"
#include "score/score_file.hpp"

namespace euterpe {
namespace {

constexpr int kLowest = 48;

/// A network that draws one picture alone, whatever its noise: four bars' worth of a C major scale over its triad.
/// \param music whether its card says how the pictures are read
Model save_scale_painter(const std::filesystem::path& folder, bool music) {
  Safetensors file;
  std::int64_t inputs = kDenseNoise;
  for (std::size_t l = 0; l <= kDenseGeneratorWidths.size(); ++l) {
    const std::int64_t outputs = l < kDenseGeneratorWidths.size() ? kDenseGeneratorWidths[l] : 28 * 28;
    std::vector<float> bias(static_cast<std::size_t>(outputs), l < kDenseGeneratorWidths.size() ? 0.0F : -9.0F);
    if (outputs == 28 * 28) {
      const auto paint = [&](int pitch, int from, int length) {
        for (int t = from; t < std::min(28, from + length); ++t)
          bias[static_cast<std::size_t>((kLowest + 27 - pitch) * 28 + t)] = t == from ? 9.0F : 0.35F;
      };
      constexpr std::array kScale{72, 74, 71, 67, 69, 65, 64};
      for (int i = 0; i < 7; ++i) paint(kScale[static_cast<std::size_t>(i)], 4 * i, 4);
      for (const int start : {0, 16})
        for (const int pitch : {48, 52, 55}) paint(pitch, start, 16);
    }
    const std::string name = "layer." + std::to_string(l);
    file.put(name + ".weight", {outputs, inputs}, std::vector<float>(static_cast<std::size_t>(outputs * inputs)));
    file.put(name + ".bias", {outputs}, bias);
    inputs = outputs;
  }
  nlohmann::json options{{"height", 28}, {"width", 28}};
  if (music) options.update({{"lowest", kLowest}, {"tempo", 96}});
  save_model(folder, file,
             {{"name", folder.filename().string()},
              {"task", "compose"},
              {"network", "dense-gan"},
              {"tokenizer", nullptr},
              {"options", options},
              {"styles", {music ? "mixed" : "pictures"}},
              {"data", {{{"name", "made"}, {"licence", "CC0-1.0"}}}},
              {"commercial", true}});
  return find_model(folder.string());
}

class DenseGanComposing : public ::testing::Test {
 protected:
  TemporaryFolder folder{"dense-gan-composer"};
  Composer musician{save_scale_painter(folder / "music", true)};
  Composer painter{save_scale_painter(folder / "pictures", false)};
};

void expect_refused(const Composer& composer, const ComposeOptions& options, const char* part) {
  try {
    composer.compose(options);
    ADD_FAILURE() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::usage);
    EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
  }
}

TEST_F(DenseGanComposing, PatchesInARowBecomeBarsInTheKeyAndAtTheTempoThatIsAsked) {
  ComposeOptions o;
  o.bars = 4;
  const Composition piece = musician.compose(o);
  EXPECT_EQ(piece.written, piece.score);
  EXPECT_EQ(piece.score.bar_lines().size(), 5U);
  EXPECT_EQ(piece.score.note_count(), 4U * (4 + 3));
  EXPECT_EQ(piece.score.tracks.front().notes.front().pitch, 72);  // the highest is the melody
  EXPECT_EQ(piece.score.tracks.front().notes.size(), 16U);
  EXPECT_EQ(estimate_global_key(piece.score).name(), "C major");
  EXPECT_NEAR(piece.score.tempos.front().bpm(), 96, 0.01);
  EXPECT_EQ(piece.provenance["style"], "mixed");
  EXPECT_EQ(piece.provenance["bars"], 4);

  o.key = parse_key("Eb major");
  o.tempo = 60;
  const Composition moved = musician.compose(o);
  EXPECT_EQ(moved.score.tracks.front().notes.front().pitch, 75);
  EXPECT_EQ(moved.score.keys.front().fifths, -3);
  EXPECT_NEAR(moved.score.tempos.front().bpm(), 60, 0.01);
  EXPECT_TRUE(moved.provenance["in_key"]);

  o.key = parse_key("A minor");  // which it never draws
  const Composition other = musician.compose(o);
  EXPECT_FALSE(other.provenance["in_key"]);
  EXPECT_EQ(other.attempts, 8);
}

TEST_F(DenseGanComposing, ASheetOfAHundredSamplesIsWhatPngShows) {
  const Composition piece = musician.compose({});
  ASSERT_TRUE(piece.sheet);
  EXPECT_EQ(piece.sheet->width, 10 * 30 + 2);
  EXPECT_EQ(piece.sheet->height, 10 * 30 + 2);
  EXPECT_EQ(piece.sheet->pixels[static_cast<std::size_t>((2 + kLowest + 27 - 72) * 302 + 2)], 255);
  write_score(folder / "sheet.png", piece.score, {}, "", &*piece.sheet);
  write_score(folder / "tune.mid", piece.score, {}, "", &*piece.sheet);
  EXPECT_EQ(std::filesystem::file_size(folder / "sheet.png"), gray_png(*piece.sheet).size());
  EXPECT_EQ(read_score(folder / "tune.mid").score.note_count(), piece.score.note_count());
}

TEST_F(DenseGanComposing, PicturesThatAreNotOfMusicCanOnlyBeDrawn) {
  const Composition drawn = painter.compose({});
  ASSERT_TRUE(drawn.sheet);
  EXPECT_EQ(drawn.score.note_count(), 0U);
  write_score(folder / "sheet.png", drawn.score, {}, "", &*drawn.sheet);
  for (const char* name : {"a.mid", "a.wav", "a.musicxml", "a.svg", "-"}) try {
      write_score(name[0] == '-' ? name : folder / name, drawn.score, {}, "", &*drawn.sheet);
      ADD_FAILURE() << name << " was written";
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::usage);
      EXPECT_NE(std::string(e.what()).find("pictures that are not of music"), std::string::npos) << e.what();
    }
}

TEST_F(DenseGanComposing, WishesThatItHasNoIdeaOfAreRefused) {
  ComposeOptions o;
  o.meter = "3/4";
  expect_refused(musician, o, "patches are in 4/4");
  o = {};
  o.sampling.temperature = 0.8;
  expect_refused(musician, o, "no temperature");
  o = {};
  o.density = 9;
  expect_refused(musician, o, "has not learned density");
  o = {};
  o.style = "folk";
  expect_refused(musician, o, "mixed");
  o = {};
  o.tempo = 90;
  expect_refused(painter, o, "no key, tempo or meter");
}

TEST_F(DenseGanComposing, ACardThatDoesNotFitIsRefused) {
  Model model = find_model((folder / "music").string());
  const auto refused = [&](const char* key, const nlohmann::json& value, const char* part) {
    Model other = model;
    other.card["options"][key] = value;
    try {
      const Composer composer(other);
      ADD_FAILURE() << key << " " << value;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::bad_input);
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  };
  refused("lowest", 101, "rows that are no pitches");
  refused("tempo", 0, "names no tempo");
  refused("tempo", "allegro", "is damaged");
  refused("height", 0, "names no size");
  refused("width", 27, "rows that are no pitches");
}

}  // namespace
}  // namespace euterpe
