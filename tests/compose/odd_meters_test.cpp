#include <gtest/gtest.h>

#include "compose/compose.hpp"
#include "corpus/music.hpp"
#include "nn/model.hpp"

namespace euterpe {
namespace {

/// Notes that a shipped model sets beside each of a melody's. \param eighths a bar
double accompaniment(const char* model, std::uint8_t eighths) {
  constexpr int kBars = 6;
  Score melody = test::walk(1, kBars * eighths / 8 + 1);
  const std::int64_t bar = eighths * 240;
  melody.meters = {{0, eighths, 8}};
  std::erase_if(melody.tracks[0].notes, [&](const Note& n) { return n.end() > kBars * bar; });
  ComposeOptions o;
  o.style = "pop";
  o.seed = 1;
  o.melody = &melody;
  const auto piece = Composer(find_model(model)).compose(o);
  return static_cast<double>(piece.written.note_count()) / static_cast<double>(melody.note_count());
}

/// What the model reads as a bar of four quarters ends before the model would end it.
TEST(OddMeters, leave_no_weight_to_notes_upon_notes) {
  for (const char* model : {"composer", "composer-emotion"}) {
    const double notes = accompaniment(model, 7);
    EXPECT_GT(notes, 0.1) << model;
    EXPECT_LT(notes, 4) << model;
  }
}

}  // namespace
}  // namespace euterpe
