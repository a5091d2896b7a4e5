#include "compose/writer.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "compose/chord_tones.hpp"
#include "compose/writing_context.hpp"

namespace euterpe {
namespace {
using V = RemiVocabulary;

constexpr std::size_t kBarsBeyond = 2;  // behind a gap that are listened to
constexpr std::size_t kVerbatim = 4;    // tokens of a bar that must be the same before it counts as repeated

void append(std::vector<Token>& to, std::span<const Token> from) { to.insert(to.end(), from.begin(), from.end()); }

int grid_of(int meter) { return remi_meters()[static_cast<std::size_t>(meter)].grid(); }

/// ln(eᵃ + eᵇ)
float add_logs(float a, float b) {
  const float largest = std::max(a, b);
  return largest == -INFINITY ? largest : largest + std::log1p(std::exp(std::min(a, b) - largest));
}

}  // namespace

void discourage_repetition(std::span<float> logits, std::span<const std::vector<Token>> earlier,
                           const std::vector<Token>& now, double penalty) {
  const auto skip = [](const std::vector<Token>& bar) {  // Left counts, it does not repeat
    return bar.size() > 1 && V::kind(bar[1]) == TokenKind::left ? 2u : 1u;
  };
  const std::span said = std::span(now).subspan(skip(now));
  if (said.size() < kVerbatim) return;
  for (const auto& bar : earlier) {
    const std::span whole = std::span(bar).subspan(skip(bar));
    if (whole.size() > said.size() && std::equal(said.begin(), said.end(), whole.begin()))
      logits[whole[said.size()]] -= static_cast<float>(penalty);
  }
}

Writer::Writer(const ComposerNetwork& network, const WritingPlan& plan)
    : network_(network), plan_(plan), sampler_(plan.sampling), allowed_(static_cast<std::size_t>(V::size())) {
  for (const bool in_time : {false, true}) {
    if (in_time && plan.after.empty()) continue;
    for (const bool asked : {true, false})
      if (asked || plan.sampling.guidance != 1) {
        Reading& reading = readings_.emplace_back();
        reading.asked = asked;
        reading.in_time = in_time;
      }
  }
}

void Writer::turn(Random& random) {
  EUTERPE_ASSERT(!waits());
  while (!finished() && step(random)) {
  }
}

std::vector<Token> Writer::header() const {
  std::vector<Token> out{V::token(TokenKind::bos)};
  append(out, controls_);
  append(out, parts_);
  return out;
}

bool Writer::waits() const {
  return std::any_of(readings_.begin(), readings_.end(), [](const Reading& r) { return r.waits(); });
}

/// Says the next token. \return false if the model must be asked first
bool Writer::step(Random& random) {
  if (tokens_.empty()) {
    push(V::token(TokenKind::bos));
  } else if (!forced_.empty()) {
    const Token token = forced_.front();
    forced_.pop_front();
    push(token);
  } else if (!beyond_.empty()) {
    return hear_beyond();
  } else if (stage_ == Stage::controls) {
    return say_control(random);
  } else if (waits()) {
    return false;
  } else if (stage_ == Stage::parts) {
    say_part(random);
  } else {
    restrict_to_wishes();
    push(draw(random));
  }
  return true;
}

/// What is not asked for is drawn before the piece begins, so that pieces differ in it as real ones do and the model
/// keeps to one choice; not where music is given, which has it already.
bool Writer::chooses(TokenKind kind) const {
  if (!network_.knows(kind) || !plan_.before.empty() || !plan_.after.empty()) return false;
  const bool drums = plan_.controls.get(TokenKind::style) == remi_style("drums");
  switch (kind) {
    case TokenKind::tempo:
      return plan_.draw_tempo;
    case TokenKind::density:
      return true;
    case TokenKind::key:
    case TokenKind::height:
    case TokenKind::polyphony:
      return !drums;
    default:
      return false;
  }
}

bool Writer::say_control(Random& random) {
  for (; control_ <= static_cast<int>(kLastControl); ++control_) {
    const auto kind = static_cast<TokenKind>(control_);
    const auto value = plan_.controls.get(kind);
    if (value && network_.knows(V::token(kind, *value))) {
      push(V::token(kind, *value));
    } else if (!value && chooses(kind)) {
      if (waits()) return false;
      grammar_.mask(allowed_);
      for (int t = 0; t < V::size(); ++t)
        if (V::kind(static_cast<Token>(t)) != kind) allowed_[static_cast<std::size_t>(t)] = 0;
      push(draw(random));
    }
  }
  if (plan_.parts.empty()) {
    stage_ = Stage::parts;
  } else {
    for (const Token t : plan_.parts) push(t);
    open_body();
  }
  return true;
}

/// Bar says that all parts are named. A melody needs another part beside its own.
void Writer::say_part(Random& random) {
  grammar_.mask(allowed_);
  for (std::size_t t = 0; t < allowed_.size(); ++t) {
    const TokenKind kind = V::kind(static_cast<Token>(t));
    if (kind != TokenKind::part && kind != TokenKind::program) allowed_[t] = 0;
  }
  // A melody's own part is no drum.
  if (!plan_.melody.empty() && tokens_.back() == V::token(TokenKind::part, 0))
    allowed_[V::token(TokenKind::program, kDrumProgram)] = 0;
  const auto declared = static_cast<std::size_t>(
      std::count_if(tokens_.begin(), tokens_.end(), [](Token t) { return V::kind(t) == TokenKind::program; }));
  if (grammar_.at_boundary() && declared >= (plan_.melody.empty() ? 1u : 2u)) {
    if (const int meter = plan_.meter_of(0); meter >= 0)
      allowed_[V::token(TokenKind::bar, meter)] = 1;
    else
      for (int m = 0; m < V::count(TokenKind::bar); ++m)
        allowed_[V::token(TokenKind::bar, m)] = network_.met(V::token(TokenKind::bar, m));
  }
  const Token token = draw(random);
  if (V::kind(token) != TokenKind::bar) {
    push(token);
    return;
  }
  // With a melody the mark stands in the Bar's place.
  if (plan_.melody.empty()) forced_.push_back(token);
  open_body();
}

/// What is given is taken as it is; the model reads of it what it has room for.
void Writer::open_body() {
  section_bars_ = plan_.bars + static_cast<int>(plan_.before.size());
  auto take = [&](Token t) {
    grammar_.push(t);
    tokens_.push_back(t);
  };
  auto take_bars = [&](RemiBars bars) {
    for (const auto& bar : bars)
      for (const Token t : bar) take(t);
  };
  auto take_mark = [&](Mark m) { take(V::token(TokenKind::mark, static_cast<int>(m))); };
  take_bars(plan_.before);
  if (!plan_.after.empty()) {
    take_mark(Mark::suffix);
    take_bars(plan_.after);
  } else if (!plan_.melody.empty()) {
    take_mark(Mark::melody);
    take_bars(plan_.melody);
  }
  if (!plan_.after.empty() || !plan_.melody.empty()) {
    take_mark(Mark::middle);
    section_bars_ = plan_.bars;
  }
  stage_ = Stage::body;
  if (tokens_.size() == controls_.size() + parts_.size() + 1) return;
  read_again(false);
  read_again(true);
  forced_.push_back(V::token(TokenKind::bar, plan_.meter_of(0)));
}

Token Writer::draw(Random& random) {
  const auto guidance = static_cast<float>(plan_.sampling.guidance);
  mix(logits_, guidance);
  // The sampler sees the model's tokens alone.
  for (std::size_t t = 0; t < allowed_.size(); ++t)
    if (logits_[t] == -INFINITY) allowed_[t] = 0;
  if (stage_ != Stage::body) return static_cast<Token>(sampler_.draw(logits_, allowed_, random));
  if (guidance != 1)
    mix(unbent_, 1);
  else
    unbent_ = logits_;
  lean_on_wishes();
  const int token = sampler_.draw(logits_, allowed_, random);
  nats_ -= log_probability(unbent_, allowed_, token);
  ++drawn_;
  return static_cast<Token>(token);
}

/// The geometric mean of what both ways to read a gap say: what either finds unlikely seldom comes (a product of
/// experts, Hinton 2002).
void Writer::mix(std::vector<float>& out, float guidance) {
  out.assign(allowed_.size(), 0.0F);
  const std::size_t sides = plan_.sampling.guidance != 1 ? 2 : 1;
  const float share = static_cast<float>(sides) / static_cast<float>(readings_.size());
  for (std::size_t r = 0; r < readings_.size(); r += sides) {
    said_.assign(out.size(), -INFINITY);
    for (std::size_t t = 0; t < said_.size(); ++t) {
      if (!network_.knows(static_cast<Token>(t))) continue;
      const auto i = static_cast<std::size_t>(network_.number(static_cast<Token>(t)));
      said_[t] = readings_[r].logits[i];
      if (guidance != 1) said_[t] = readings_[r + 1].logits[i] + guidance * (said_[t] - readings_[r + 1].logits[i]);
    }
    if (stage_ != Stage::controls) hear_bar_lines();
    for (std::size_t t = 0; t < said_.size(); ++t) out[t] += share * said_[t];
  }
}

/// Bends what the model says towards the chords that were asked and away from repetition.
void Writer::lean_on_wishes() {
  const bool drums = grammar_.part() >= 0 && grammar_.program(grammar_.part()) == kDrumProgram;
  if (!plan_.chords.empty() && !written_.empty() && !drums)
    lean_on_chords(logits_, plan_.chords[(written_.size() - 1) % plan_.chords.size()], written_.back(),
                   grammar_.meter());
  if (plan_.sampling.repetition_penalty <= 0 || written_.empty()) return;
  discourage_repetition(logits_, plan_.before, written_.back(), plan_.sampling.repetition_penalty);
  discourage_repetition(logits_, RemiBars(written_).first(written_.size() - 1), written_.back(),
                        plan_.sampling.repetition_penalty);
}

void Writer::forbid(TokenKind kind) { std::fill_n(allowed_.begin() + V::first(kind), V::count(kind), 0); }

void Writer::only(TokenKind kind, int value) {
  const Token keep = V::token(kind, value);
  const auto was = allowed_[keep];
  forbid(kind);
  allowed_[keep] = was;
}

void Writer::restrict_to_wishes() {
  grammar_.mask(allowed_);
  forbid(TokenKind::mark);
  forbid(TokenKind::left);   // said as each bar begins
  forbid(TokenKind::tempo);  // one tempo, or the one of what is given
  if (!plan_.chords.empty()) forbid(TokenKind::chord);
  const int next = static_cast<int>(written_.size());
  // One meter throughout: what was asked for, else that of the first bar.
  only(TokenKind::bar, plan_.meter_of(next) >= 0 ? plan_.meter_of(next) : grammar_.meter());
  forbid(bars_left() > 0 ? TokenKind::eos : TokenKind::bar);
  // The piece is as long as was asked: its last bar sounds, and nothing sounds beyond it.
  if (bars_left() == 0 && grammar_.position() < 0 && plan_.after.empty() && melody_.empty() && plan_.melody.empty())
    forbid(TokenKind::eos);
  if (grammar_.position() >= 0 && plan_.after.empty()) {
    int room = grid_of(grammar_.meter()) - grammar_.position() - held_;
    for (int bar = next; bar < next + bars_left(); ++bar)
      room += grid_of(plan_.meter_of(bar) >= 0 ? plan_.meter_of(bar) : grammar_.meter());
    for (int d = std::max(0, room); d < kMaxDuration; ++d) allowed_[V::token(TokenKind::duration, d)] = 0;
  }
  if (!plan_.melody.empty()) restrict_to_melody();
}

/// Part 0 plays the melody and nothing else: its notes are put in place where their position comes.
void Writer::restrict_to_melody() {
  const int here = grammar_.position();
  allowed_[V::token(TokenKind::part, 0)] = 0;
  if (grammar_.part() == 0) {
    forbid(TokenKind::pitch);
    forbid(TokenKind::velocity);
  }
  // Not past the next note of the melody, and where it has none only if another part can play.
  const int next = melody_.empty() ? kMaxDuration : melody_.front().position;
  for (int p = here + 1; p < kMaxDuration; ++p)
    if (p > next || (p < next && !grammar_.any_is_free(p, 1))) allowed_[V::token(TokenKind::position, p)] = 0;
  if (!melody_.empty() && next > here) {
    forbid(TokenKind::bar);
    forbid(TokenKind::eos);
  }
}

/// How likely the model finds a bar line of any meter.
float Writer::bar_line() const {
  float largest = -INFINITY, sum = 0;
  const auto each = [&](auto take) {
    for (int m = 0; m < V::count(TokenKind::bar); ++m)
      if (const Token bar = V::token(TokenKind::bar, m); network_.met(bar)) take(said_[bar]);
  };
  each([&](float l) { largest = std::max(largest, l); });
  each([&](float l) { sum += std::exp(l - largest); });
  return largest + std::log(sum);
}

/// Bar and Eos both say that this bar, or the list of the parts, is done; which of them may come and which meter
/// follows is the user's wish, not the model's. Without this a model that would rather go on fills the last moments of
/// the piece with notes, and one that would rather write in another meter names one part after the other.
void Writer::hear_bar_lines() {
  const int next = static_cast<int>(written_.size()), planned = plan_.meter_of(next);
  if (stage_ == Stage::parts) {
    if (planned >= 0) said_[V::token(TokenKind::bar, planned)] = bar_line();
    return;
  }
  // What the model would say later than it may is said as late as it may be: with the melody's next note, else, where
  // it reads the meter as a longer one, with the bar line. Else its weight would be left to notes upon notes.
  float& eos = said_[V::token(TokenKind::eos)];
  const bool sung = !melody_.empty(), met = network_.met(V::token(TokenKind::bar, grammar_.meter()));
  float late = add_logs(eos, bar_line());
  for (int p = sung ? melody_.front().position : met ? kMaxDuration : grid_of(grammar_.meter()); p < kMaxDuration; ++p)
    late = add_logs(late, said_[V::token(TokenKind::position, p)]);
  if (sung)
    said_[V::token(TokenKind::position, melody_.front().position)] = late;
  else
    eos = said_[V::token(TokenKind::bar, planned >= 0 ? planned : grammar_.meter())] = late;
}

void Writer::push(Token token) {
  grammar_.push(token);
  tokens_.push_back(token);
  const TokenKind kind = V::kind(token);
  held_ = kind == TokenKind::duration ? held_ + V::value(token) + 1 : 0;
  if (stage_ != Stage::body) {
    if (is_control(kind)) controls_.push_back(token);
    if (kind == TokenKind::part || kind == TokenKind::program) parts_.push_back(token);
  } else if (kind == TokenKind::bar) {
    written_.push_back({token});
    plan_bar();
  } else if (kind != TokenKind::eos) {
    written_.back().push_back(token);
    if (kind == TokenKind::position && !melody_.empty() && melody_.front().position == V::value(token)) {
      if (grammar_.part() != 0) forced_.push_back(V::token(TokenKind::part, 0));
      for (; !melody_.empty() && melody_.front().position == V::value(token); melody_.erase(melody_.begin()))
        forced_.insert(forced_.end(), melody_.front().tokens.begin(), melody_.front().tokens.end());
    }
  }
  if (kind == TokenKind::eos && readings_.back().in_time) return listen_beyond();
  read(token);
}

/// The gap is full: what stands behind it is read in order of time after what was written.
void Writer::listen_beyond() {
  for (const auto& bar : RemiBars(plan_.after).first(std::min(plan_.after.size(), kBarsBeyond)))
    beyond_.insert(beyond_.end(), bar.begin(), bar.end());
  beyond_.resize(std::min(beyond_.size(), room_beyond(context())));
  if (forgot_ || static_cast<std::size_t>(in_time().length) + beyond_.size() > context())
    read_anew(in_time(), hearing_context(plan_, header(), written_, context() - beyond_.size()));
}

/// \return false if the model must read first
bool Writer::hear_beyond() {
  if (waits()) return false;
  Reading& reading = in_time();
  const Token token = beyond_.front();
  beyond_.pop_front();
  const TokenKind kind = V::kind(token);
  if (kind != TokenKind::bar && kind != TokenKind::left && network_.knows(token)) {
    const std::span<const float> logits = reading.logits;
    const float largest = *std::max_element(logits.begin(), logits.end());
    double total = 0;
    for (const float l : logits) total += std::exp(double{l} - largest);
    nats_beyond_ += std::log(total) + largest - logits[static_cast<std::size_t>(network_.number(token))];
  }
  if (!beyond_.empty()) add(reading, token);
  return true;
}

/// The reading in order of time that knows what is asked.
Reading& Writer::in_time() {
  return *std::find_if(readings_.begin(), readings_.end(), [](const Reading& r) { return r.in_time && r.asked; });
}

/// What the user's wishes say about the bar that has just begun.
void Writer::plan_bar() {
  const std::size_t bar = written_.size() - 1;
  if (bars_left() < kLeftBars) forced_.push_back(V::token(TokenKind::left, bars_left()));
  if (!plan_.chords.empty())
    for (const Chord& c : plan_.chords[bar % plan_.chords.size()])
      forced_.push_back(V::token(TokenKind::chord, chord_value(c)));
  melody_.clear();
  if (plan_.melody.empty()) return;
  int position = 0;
  for (const Token t : plan_.melody[bar]) {
    if (V::kind(t) == TokenKind::position) position = V::value(t);
    if (V::kind(t) == TokenKind::pitch) melody_.push_back({position, {}});
    if (V::kind(t) == TokenKind::pitch || V::kind(t) == TokenKind::duration) melody_.back().tokens.push_back(t);
  }
}

bool Writer::reads(const Reading& r, Token token, bool header) const {
  const TokenKind kind = V::kind(token);
  return r.asked || !((header && is_control(kind)) || kind == TokenKind::chord);
}

void Writer::read(Token token) {
  for (const bool in_time : {false, true}) {
    // With guidance both sides hear the same music.
    if (std::any_of(readings_.begin(), readings_.end(), [&](const Reading& r) {
          return r.in_time == in_time && static_cast<std::size_t>(r.length) == context();
        })) {
      read_again(in_time);
      continue;
    }
    for (Reading& r : readings_) {
      if (r.in_time != in_time || !reads(r, token, stage_ != Stage::body)) continue;
      if (!in_time || V::kind(token) != TokenKind::left) {
        add(r, token);
      } else if (const auto left = left_in_piece(plan_, V::value(token))) {
        add(r, *left);
      }
    }
  }
}

void Writer::add(Reading& r, Token token) {
  const MusicPlace place = r.place.push(token);
  if (!network_.knows(token)) return;
  if (!r.waits() && !r.anew) {
    r.tokens.clear();
    r.places.clear();
    r.read = 0;
  }
  r.tokens.push_back(network_.number(token));
  r.places.push_back(place);
  ++r.length;
}

/// The context is full, or what is given has been taken: the model reads anew what it has room for.
void Writer::read_again(bool in_time) {
  forgot_ = forgot_ || (in_time && !written_.empty());
  for (Reading& r : readings_)
    if (r.in_time == in_time) read_anew(r, writing_context(plan_, header(), written_, context(), in_time));
}

void Writer::read_anew(Reading& r, const std::vector<Token>& all) {
  r.tokens.clear();
  r.places.clear();
  r.read = 0;
  r.length = 0;
  r.anew = true;
  r.place = MusicPlaces(r.in_time ? 0 : gap_in(plan_, all, written_.size()));
  bool header = true;
  for (const Token t : all) {
    header = header && V::kind(t) < TokenKind::part;
    if (reads(r, t, header)) add(r, t);
  }
}

}  // namespace euterpe
