#include "compose/gan_composer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "compose/card_drawing.hpp"
#include "compose/heard_wishes.hpp"

namespace euterpe {
namespace {

constexpr int kMaxAttempts = 8;
constexpr double kFewestNotes = 2;  // a bar
constexpr int kKeptBars = 2;        // of a phrase that comes back varied

PieceFrame read_frame(const nlohmann::json& row, const std::string& model) {
  const auto wrong = [&](const std::string& what) {
    return Error(Category::bad_input, "compose", model + ": a frame in its card " + what);
  };
  PieceFrame f;
  try {
    f.meter = row.at(0).get<int>();
    f.minor = row.at(1).get<int>() != 0;
    f.moved = row.at(2).get<int>();
    f.tempo = row.at(3).get<double>();
    f.form = row.at(4).get<std::string>();
  } catch (const nlohmann::json::exception& e) {
    throw wrong(fmt::format("is damaged: {}", e.what()));
  }
  if (f.meter < 0 || f.meter >= static_cast<int>(grid_meters().size())) throw wrong("has no meter");
  if (f.moved < -6 || f.moved > 5) throw wrong("is moved beyond an octave");
  if (f.form.empty() || f.form.size() > 64 ||
      !std::all_of(f.form.begin(), f.form.end(), [](unsigned char c) { return std::isalpha(c) && c < 128; }))
    throw wrong("has no form");
  f.tempo = std::clamp(f.tempo, 30.0, 240.0);
  return f;
}

/// Whole octaves towards the register that was asked for, as far as MIDI reaches.
void to_register(Score& score, double height) {
  int low = 127, high = 0;
  for (const Track& track : score.tracks)
    for (const Note& n : track.notes) low = std::min<int>(low, n.pitch), high = std::max<int>(high, n.pitch);
  if (low > high) return;
  int up = static_cast<int>(std::lround((height - mean_pitch(score)) / 12)) * 12;
  while (up < 0 && low + up < 0) up += 12;
  while (up > 0 && high + up > 127) up -= 12;
  for (Track& track : score.tracks)
    for (Note& n : track.notes) n.pitch = static_cast<std::uint8_t>(n.pitch + up);
}

}  // namespace

std::string form_of_length(const std::string& form, std::size_t phrases) {
  EUTERPE_ASSERT(!form.empty());
  std::string out = form.substr(0, phrases);
  while (out.size() < phrases) {
    const char letter = form[out.size() % form.size()];
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return out;
}

GanComposer::GanComposer(const Model& model) : generator_(model), judge_(PhraseJudge::of(model, generator_.options())) {
  const nlohmann::json sampling = model.card.value("sampling", nlohmann::json::object());
  for (const std::string& style : generator_.options().styles) {
    const CardDrawing card(model.name, style, sampling);
    PhraseDrawing drawing;
    card.read("temperature", drawing.temperature, 0.01, kHighestTemperature);
    card.read("candidates", drawing.candidates, 1, kMostCandidates);
    if (drawing.candidates > 1 && !judge_)
      throw Error(
          Category::bad_input, "compose",
          fmt::format("{}: its card chooses among {} phrases, but it has no judge", model.name, drawing.candidates));
    drawings_.push_back(drawing);
  }
  const nlohmann::json all = model.card.value("frames", nlohmann::json::object());
  for (const std::string& style : generator_.options().styles) {
    frames_.emplace_back();
    if (const auto rows = all.find(style); rows != all.end() && rows->is_array())
      for (const auto& row : *rows) frames_.back().push_back(read_frame(row, model.name));
    if (frames_.back().empty())
      throw Error(Category::bad_input, "compose", fmt::format("{}: its card has no frames of {}", model.name, style));
  }
}

PieceFrame GanComposer::draw_frame(const ComposeOptions& o, int style, Random& random) const {
  const std::vector<PieceFrame>& all = frames_[static_cast<std::size_t>(style)];
  const int meter = o.meter ? grid_meter(*o.meter).value() : -1;
  std::vector<const PieceFrame*> fitting;
  for (const PieceFrame& f : all)
    if ((meter < 0 || f.meter == meter) && (!o.key || f.minor == o.key->minor)) fitting.push_back(&f);
  PieceFrame f = fitting.empty() ? all[random.below(all.size())] : *fitting[random.below(fitting.size())];
  if (meter >= 0 && fitting.empty())
    spdlog::warn("no {} that the model learned from is in {}", styles()[static_cast<std::size_t>(style)], *o.meter);
  if (meter >= 0) f.meter = meter;
  if (o.key) {
    f.minor = o.key->minor;
    f.moved = moved_home(*o.key);
  }
  if (o.tempo) f.tempo = *o.tempo;
  return f;
}

std::vector<std::vector<float>> GanComposer::draw_phrases(const std::string& form,
                                                          const std::vector<PhraseWish>& wishes,
                                                          const PhraseDrawing& how, std::uint64_t seed) const {
  const GanOptions& shape = generator_.options();
  const auto width = static_cast<std::size_t>(shape.noise()), piece = static_cast<std::size_t>(shape.noise_piece);
  const auto kept = piece + static_cast<std::size_t>(shape.noise_phrase + kKeptBars * shape.noise_of_bar());
  const auto candidates = static_cast<std::size_t>(how.candidates);
  Random random(seed);
  std::vector<std::vector<float>> noises, rolls;
  for (std::size_t p = 0; p < form.size(); ++p) {
    check_interrupt();
    const auto letter = static_cast<char>(std::toupper(static_cast<unsigned char>(form[p])));
    const std::size_t first = form.find_first_of(std::string{letter, static_cast<char>(letter + 'a' - 'A')});
    if (form[p] == letter && first < p) {
      noises.push_back(noises[first]);
      rolls.push_back(rolls[first]);
      continue;
    }
    std::vector<float> noise(candidates * width);
    for (float& v : noise) v = static_cast<float>(how.temperature * random.normal());
    for (std::size_t c = 0; c < candidates; ++c) {
      const auto its = noise.begin() + static_cast<std::ptrdiff_t>(c * width);
      if (p > 0) std::copy_n(noises[0].begin(), piece, its);
      if (first < p) std::copy_n(noises[first].begin(), kept, its);
    }
    const std::vector<PhraseWish> same(candidates, wishes[p]);
    const std::vector<float> drawn = generator_.draw(same, noise, seed + p);
    std::size_t best = 0;
    if (candidates > 1) {
      const auto scores = (*judge_)(drawn, wishes[p], p > 0 ? rolls[0] : std::vector<float>{}, wishes[0]);
      best = static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
    }
    const auto part = [&](const std::vector<float>& all, std::size_t of) {
      const auto from = all.begin() + static_cast<std::ptrdiff_t>(best * of);
      return std::vector<float>(from, from + static_cast<std::ptrdiff_t>(of));
    };
    noises.push_back(part(noise, width));
    rolls.push_back(part(drawn, kPhraseValues));
  }
  return rolls;
}

BarGrid GanComposer::draw_piece(const PieceFrame& frame, int style, const ComposeOptions& o, std::uint64_t seed) const {
  const std::size_t phrases = (static_cast<std::size_t>(o.bars) + kPhraseBars - 1) / kPhraseBars;
  PhraseDrawing how = drawings_[static_cast<std::size_t>(style)];
  how.temperature = o.sampling.temperature.value_or(how.temperature);
  std::vector<PhraseWish> wishes;
  for (std::size_t p = 0; p < phrases; ++p)
    wishes.push_back(
        {.style = style, .meter = frame.meter, .minor = frame.minor, .begins = p == 0, .ends = p + 1 == phrases});
  BarGrid grid;
  grid.minor = frame.minor;
  grid.moved = frame.moved;
  grid.tempo = frame.tempo;
  for (const auto& roll : draw_phrases(form_of_length(frame.form, phrases), wishes, how, seed))
    for (GridBar& bar : roll_bars(roll, frame.meter)) grid.bars.push_back(std::move(bar));
  // A last phrase that is too long loses its beginning: its end is the piece's.
  const auto last = grid.bars.end() - kPhraseBars;
  grid.bars.erase(last, last + static_cast<std::ptrdiff_t>(phrases * kPhraseBars - static_cast<std::size_t>(o.bars)));
  if (o.progress) o.progress->advance(static_cast<std::uint64_t>(o.bars));
  return grid;
}

Composition GanComposer::compose(const ComposeOptions& o, const StyleWish& wish) const {
  const SamplingWishes& s = o.sampling;
  require_wish(!s.top_p && !s.guidance && s.top_k == 0 && s.min_p == 0 && s.repetition_penalty == 0,
               "a network that draws whole phrases knows no top-k, top-p, min-p, guidance or penalty on repetition",
               "--temperature is its noise's deviation");
  require_wish(!o.meter || grid_meter(*o.meter), fmt::format("the GAN knows no bars of {}", o.meter.value_or("")),
               "4/4, 3/4, 6/8 and 2/4 are possible; --model composer knows more");
  Composition out;
  const auto& all = styles();
  const auto style = static_cast<int>(std::find(all.begin(), all.end(), wish.style) - all.begin());
  EUTERPE_ASSERT(style < static_cast<int>(all.size()));
  out.sampling = s.over({.temperature = drawings_[static_cast<std::size_t>(style)].temperature, .top_p = 1});
  check(out.sampling);
  double best = std::numeric_limits<double>::infinity();
  for (int attempt = 0; attempt < kMaxAttempts && best > 0.5; ++attempt) {
    const std::uint64_t seed =
        attempt == 0 ? o.seed : Random::stream(o.seed, static_cast<std::uint64_t>(attempt)).next();
    Random random = Random::stream(seed, 1);  // the noise has the first
    const PieceFrame frame = draw_frame(o, style, random);
    Score score = grid_score(draw_piece(frame, style, o, seed));
    if (o.height) to_register(score, *o.height);
    out.attempts = attempt + 1;
    const bool in_key = !o.key || heard_in(score, *o.key);
    const bool full = static_cast<double>(score.note_count()) >= kFewestNotes * o.bars;
    constexpr double kWorst = 100;  // a piece that is hardly one is taken only if all are
    const double off =
        classes_missed(score, static_cast<std::size_t>(o.bars), o) + (in_key ? 0 : kWorst / 10) + (full ? 0 : kWorst);
    if (off >= best) continue;
    best = off;
    out.score = std::move(score);
    out.provenance["bars"] = o.bars;
    out.provenance["candidates"] = drawings_[static_cast<std::size_t>(style)].candidates;
    out.provenance["form"] = form_of_length(frame.form, static_cast<std::size_t>((o.bars + 3) / kPhraseBars));
    if (o.key) out.provenance["in_key"] = in_key;
    if (o.density || o.height)
      out.provenance["off_plan"] = static_cast<int>(classes_missed(out.score, static_cast<std::size_t>(o.bars), o));
  }
  out.written = out.score;
  return out;
}

}  // namespace euterpe
