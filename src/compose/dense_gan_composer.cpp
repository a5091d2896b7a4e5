#include "compose/dense_gan_composer.hpp"

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "base/random.hpp"
#include "compose/bar_progress.hpp"
#include "score/harmony.hpp"
#include "score/roll_patch.hpp"

namespace euterpe {
namespace {

constexpr int kSheet = 100, kSheetColumns = 10;
constexpr int kMaxAttempts = 8;
constexpr std::size_t kCandidates = 16;  // for a bar
constexpr double kFewestNotes = 2;       // a bar

std::vector<std::uint8_t> draw(const DenseGenerator& generator, std::size_t count, Random& random) {
  std::vector<float> noise(count * kDenseNoise);
  for (float& v : noise) v = static_cast<float>(random.normal());
  return generator.pictures(noise);
}

GrayImage sheet_of(const DenseGenerator& generator, std::uint64_t seed) {
  Random random(seed);
  const std::vector<std::uint8_t> pixels = draw(generator, kSheet, random);
  const std::size_t size = generator.height * generator.width;
  std::vector<GrayImage> images;
  for (auto at = pixels.begin(); at != pixels.end(); at += static_cast<std::ptrdiff_t>(size))
    images.push_back({static_cast<int>(generator.width),
                      static_cast<int>(generator.height),
                      {at, at + static_cast<std::ptrdiff_t>(size)}});
  return image_sheet(images, kSheetColumns);
}

/// One patch a bar.
std::vector<RollPatch> chain(const DenseGenerator& generator, int bars, Random& random, Progress* progress) {
  BarProgress told(progress);
  std::vector<RollPatch> out;
  while (static_cast<int>(out.size()) < bars) {
    const std::vector<std::uint8_t> pixels = draw(generator, kCandidates, random);
    const std::size_t size = pixels.size() / kCandidates;
    RollPatch best;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < kCandidates; ++c) {
      const auto from = pixels.begin() + static_cast<std::ptrdiff_t>(c * size);
      RollPatch candidate(from, from + static_cast<std::ptrdiff_t>(size));
      const double seam = out.empty() ? static_cast<double>(c) : patch_seam(out.back(), candidate);
      if (seam < least) least = seam, best = std::move(candidate);
    }
    out.push_back(std::move(best));
    told.reached(out.size());
  }
  return out;
}

}  // namespace

DenseGanComposer::DenseGanComposer(const Model& model) {
  const auto wrong = [&](const std::string& what) {
    throw Error(Category::bad_input, "compose", model.name + ": its card " + what, "train or install the model again");
  };
  try {
    const nlohmann::json& options = model.card.at("options");
    const auto height = options.at("height").get<std::size_t>(), width = options.at("width").get<std::size_t>();
    if (std::min(height, width) < 1 || std::max(height, width) > kMostPicturePixels ||
        height * width > kMostPicturePixels)
      wrong("names no size of a picture");
    if (options.contains("lowest")) {
      music_ = {options.at("lowest").get<int>(), options.at("tempo").get<double>()};
      if (height != kPatchSide || width != kPatchSide || music_->lowest < 0 || music_->lowest + kPatchSide > 128)
        wrong("names rows that are no pitches");
      if (!(music_->tempo >= 30 && music_->tempo <= 240)) wrong("names no tempo");
    }
    styles_ = model.card.at("styles").get<std::vector<std::string>>();
    if (styles_.empty()) wrong("names no style");
    generator_ = DenseGenerator::from(model.weights(), height, width);
  } catch (const nlohmann::json::exception& e) {
    wrong(std::string("is damaged: ") + e.what());
  }
}

Score DenseGanComposer::piece(const Music& music, const ComposeOptions& options, std::uint64_t seed) const {
  Random random = Random::stream(seed, 1);  // the sheet has the first
  BarGrid grid = patches_grid(chain(generator_, options.bars, random, options.progress), music.lowest);
  grid.tempo = options.tempo.value_or(music.tempo);
  KeyEstimate key = estimate_global_key(grid_score(grid));
  if (options.key) {
    const int up = (options.key->tonic - key.tonic + 12) % 12;
    grid.moved = up > 6 ? 12 - up : -up;
    key.tonic = options.key->tonic;
  }
  Score score = grid_score(grid);
  score.keys = {key_signature(key)};
  return score;
}

Composition DenseGanComposer::compose(const ComposeOptions& o, const StyleWish&) const {
  const SamplingWishes& s = o.sampling;
  require_wish(!s.temperature && !s.top_p && !s.guidance && s.top_k == 0 && s.min_p == 0 && s.repetition_penalty == 0,
               "a network that draws whole pictures knows no temperature, top-k, top-p, min-p, guidance or penalty",
               "leave them out");
  require_wish(music_ || (!o.key && !o.tempo && !o.meter),
               "this model learned pictures that are not of music: it has no key, tempo or meter",
               "--model gan-dense draws music");
  require_wish(!o.meter || *o.meter == "4/4", "a dense network's patches are in 4/4", "--model gan knows more meters");
  Composition out;
  out.sampling = {.temperature = 1, .top_p = 1};
  out.sheet = sheet_of(generator_, o.seed);
  if (!music_) {
    out.score.tracks.emplace_back();
    out.written = out.score;
    return out;
  }
  bool right = false;
  for (out.attempts = 0; !right && out.attempts < kMaxAttempts;) {
    const std::uint64_t seed =
        out.attempts == 0 ? o.seed : Random::stream(o.seed, static_cast<std::uint64_t>(out.attempts)).next();
    ++out.attempts;
    Score score = piece(*music_, o, seed);
    const bool full = static_cast<double>(score.note_count()) >= kFewestNotes * o.bars;
    const bool in_key = !o.key || score.keys.front().minor == o.key->minor;
    right = full && in_key;
    if (!right && out.attempts > 1) continue;
    out.score = std::move(score);
    if (o.key) out.provenance["in_key"] = in_key;
  }
  out.written = out.score;
  out.provenance["bars"] = o.bars;
  return out;
}

}  // namespace euterpe
