#include "compose/learned_wishes.hpp"

#include <algorithm>

#include "compose/default_composer.hpp"

namespace euterpe {
namespace {

struct WishRow {
  Wish wish;
  const char* words;  ///< what follows "has not learned"
  const char* known_by;
  bool (*asked)(const ComposeOptions& options);
};

using O = ComposeOptions;
constexpr WishRow kWishes[] = {
    {Wish::go_on, "to go on from a piece", kDefaultComposer, [](const O& o) { return o.prompt != nullptr; }},
    {Wish::accompany, "to accompany a melody", kDefaultComposer, [](const O& o) { return o.melody != nullptr; }},
    {Wish::fill, "to fill a gap", kDefaultComposer, [](const O& o) { return o.gap_in != nullptr; }},
    {Wish::vary, "to vary a piece", kVaeComposer, [](const O& o) { return o.vary != nullptr; }},
    {Wish::transfer, "to transfer a piece into another style", kVaeComposer,
     [](const O& o) { return o.transfer != nullptr; }},
    {Wish::blend, "to go from one piece to another", kVaeComposer,
     [](const O& o) { return o.blend_from != nullptr || o.blend_to != nullptr; }},
    {Wish::chords, "chords", kDefaultComposer, [](const O& o) { return !o.chords.empty(); }},
    {Wish::emotion, "emotions", "composer-emotion", [](const O& o) { return o.emotion.has_value(); }},
    {Wish::density, "density", kDefaultComposer, [](const O& o) { return o.density.has_value(); }},
    {Wish::height, "registers", kDefaultComposer, [](const O& o) { return o.height.has_value(); }},
    {Wish::polyphony, "polyphony", kVaeComposer, [](const O& o) { return o.polyphony.has_value(); }},
};

}  // namespace

std::vector<Wish> asked_wishes(const ComposeOptions& options) {
  std::vector<Wish> out;
  for (const WishRow& row : kWishes)
    if (row.asked(options)) out.push_back(row.wish);
  return out;
}

void require_learned(const ComposeOptions& options, std::span<const Wish> learned, const std::string& model) {
  for (const WishRow& row : kWishes) {
    const bool known = std::find(learned.begin(), learned.end(), row.wish) != learned.end();
    require_wish(known || !row.asked(options), model + " has not learned " + row.words,
                 std::string("--model ") + row.known_by + " has");
  }
}

}  // namespace euterpe
