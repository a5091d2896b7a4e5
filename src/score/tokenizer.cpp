#include "score/tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.hpp"
#include "score/remi_chords.hpp"
#include "score/remi_controls.hpp"
#include "score/remi_grammar.hpp"
#include "score/remi_passages.hpp"
#include "score/struck_again.hpp"

namespace euterpe {
namespace {

constexpr int kPlainVelocity = 80;

struct GridEvent {
  std::int64_t start, end;
  int part, pitch, velocity;
};

/// One part for a track with notes; tracks of the same instrument share a part where there are too many.
std::vector<int> assign_parts(const Score& score, std::vector<int>& programs) {
  std::vector<int> part_of(score.tracks.size(), -1);
  auto program = [](const Track& t) { return t.drums ? kDrumProgram : int{t.program}; };
  for (std::size_t i = 0; i < score.tracks.size(); ++i)
    if (!score.tracks[i].notes.empty()) {
      part_of[i] = static_cast<int>(programs.size());
      programs.push_back(program(score.tracks[i]));
    }
  if (programs.size() <= kMaxParts) return part_of;
  programs.clear();
  std::map<int, int> part_of_program;
  for (std::size_t i = 0; i < score.tracks.size(); ++i) {
    if (score.tracks[i].notes.empty()) continue;
    const auto [it, fresh] = part_of_program.try_emplace(program(score.tracks[i]), static_cast<int>(programs.size()));
    if (fresh) programs.push_back(it->first);
    part_of[i] = it->second;
  }
  if (programs.size() > kMaxParts)
    throw Error(
        Category::unsupported, "encode_remi",
        fmt::format("the score has {} different instruments, at most {} can be encoded", programs.size(), kMaxParts));
  return part_of;
}

std::vector<GridEvent> grid_events(const Score& score, const std::vector<int>& part_of) {
  auto grid = [&](std::int64_t tick) {
    return (tick * kGridPerQuarter * 2 + score.ticks_per_quarter) / (2 * std::int64_t{score.ticks_per_quarter});
  };
  std::vector<GridEvent> events;
  for (std::size_t i = 0; i < score.tracks.size(); ++i)
    for (const Note& n : score.tracks[i].notes) {
      const std::int64_t start = grid(n.start);
      events.push_back({start, std::max(start + 1, grid(n.end())), part_of[i], n.pitch, n.velocity});
    }
  std::sort(events.begin(), events.end(), [](const GridEvent& a, const GridEvent& b) {
    return std::tie(a.start, a.part, a.pitch, b.end) < std::tie(b.start, b.part, b.pitch, a.end);
  });
  // Of several equal beginnings the longest stays; a note is cut where its pitch begins again.
  std::vector<GridEvent> out;
  std::map<std::pair<int, int>, std::size_t> previous;
  for (const GridEvent& e : events) {
    const auto [it, fresh] = previous.try_emplace({e.part, e.pitch}, out.size());
    if (!fresh) {
      GridEvent& before = out[it->second];
      if (before.start == e.start) continue;
      before.end = std::min(before.end, e.start);
      it->second = out.size();
    }
    out.push_back(e);
  }
  return out;
}

int meter_of_bar(const Score& score, std::int64_t tick, std::int64_t grid_length, std::size_t bar) {
  const TimeSignature& signature = score.meter_at(tick);
  int same_length = -1;
  for (std::size_t m = 0; m < remi_meters().size(); ++m) {
    if (remi_meters()[m].grid() != grid_length) continue;
    if (remi_meters()[m].numerator == signature.numerator && remi_meters()[m].denominator == signature.denominator)
      return static_cast<int>(m);
    if (same_length < 0) same_length = static_cast<int>(m);
  }
  if (same_length >= 0) return same_length;
  throw Error(Category::unsupported, "encode_remi",
              fmt::format("bar {} is {}/{}, {} twelfths of a quarter long: no token says this meter", bar + 1,
                          signature.numerator, signature.denominator, grid_length),
              "most meters from 1/8 to 4/2 are known; a change of meter must fall on a bar line");
}

RemiControls header_controls(const RemiOptions& options) {
  const auto style = remi_style(options.style);
  if (!style) throw Error(Category::usage, "encode_remi", fmt::format("unknown style \"{}\"", options.style));
  RemiControls controls;
  controls.set(TokenKind::style, *style);
  if (!options.variety.empty()) {
    const auto variety = remi_variety(options.style, options.variety);
    if (!variety)
      throw Error(Category::usage, "encode_remi",
                  fmt::format("style {} has no variety \"{}\"", options.style, options.variety));
    controls.set(TokenKind::variety, *variety);
  }
  if (options.emotion) controls.set(TokenKind::emotion, *options.emotion);
  if (options.key) controls.set(TokenKind::key, key_value(*options.key));
  return controls;
}

/// The middle of the level that the velocity falls into, a quarter of it.
int velocity_value(int velocity, int levels) {
  const int width = 128 / levels;
  return (velocity / width * width + width / 2) / 4;
}

}  // namespace

std::vector<Token> encode_remi(const Score& score, const RemiOptions& options) {
  using V = RemiVocabulary;
  if (score.note_count() == 0) throw Error(Category::bad_input, "encode_remi", "the score holds no note");
  RemiControls controls = header_controls(options);
  std::vector<int> programs;
  const std::vector<int> part_of = assign_parts(score, programs);
  const std::vector<GridEvent> events = grid_events(score, part_of);

  std::size_t current = 0;
  // Asked for ticks in ascending order; the first tempo holds before its own tick, too.
  auto tempo_at = [&](std::int64_t tick) {
    while (current + 1 < score.tempos.size() && score.tempos[current + 1].tick <= tick) ++current;
    return tempo_step(score.tempos.empty() ? 120 : score.tempos[current].bpm());
  };
  int tempo = tempo_at(0);
  struct Bar {
    int meter, tempo;
  };
  std::vector<Bar> bars;
  std::int64_t total = 0;  // in grid steps: bars are laid end to end, so that rounding cannot drift
  const auto lines = score.bar_lines();
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    const std::int64_t ticks = lines[i + 1] - lines[i];
    const std::int64_t length = (ticks * kGridPerQuarter * 2 + score.ticks_per_quarter) / (2 * score.ticks_per_quarter);
    bars.push_back({meter_of_bar(score, lines[i], length, i), tempo_at(lines[i])});
    total += length;
  }
  // Cutting a note that is struck again may leave bars behind the last sound; they are no part of the piece.
  std::int64_t last_end = 0;
  for (const GridEvent& e : events) last_end = std::max(last_end, e.end);
  while (bars.size() > 1) {
    const std::int64_t length = remi_meters()[static_cast<std::size_t>(bars.back().meter)].grid();
    if (total - length < last_end) break;
    total -= length;
    bars.pop_back();
  }
  // A last note may have been rounded up to the final bar line.
  if (events.back().start >= total) bars.push_back(bars.empty() ? Bar{0, tempo} : bars.back());

  const std::vector<BarChords> chords = options.chords ? bar_chords(score) : std::vector<BarChords>{};

  controls.set(TokenKind::meter, bars.front().meter);
  controls.set(TokenKind::tempo, tempo);
  std::vector<Token> out{V::token(TokenKind::bos)};
  for (const Token t : controls.tokens()) out.push_back(t);
  for (std::size_t p = 0; p < programs.size(); ++p) {
    out.push_back(V::token(TokenKind::part, static_cast<int>(p)));
    out.push_back(V::token(TokenKind::program, programs[p]));
  }
  std::size_t next = 0;
  std::int64_t bar_start = 0;
  for (std::size_t bar = 0; bar < bars.size(); ++bar) {
    out.push_back(V::token(TokenKind::bar, bars[bar].meter));
    const std::size_t left = bars.size() - 1 - bar;
    if (left < kLeftBars) out.push_back(V::token(TokenKind::left, static_cast<int>(left)));
    if (bars[bar].tempo != tempo) out.push_back(V::token(TokenKind::tempo, tempo = bars[bar].tempo));
    if (bar < chords.size())
      for (const Chord& c : chords[bar]) out.push_back(V::token(TokenKind::chord, chord_value(c)));
    const std::int64_t bar_end = bar_start + remi_meters()[static_cast<std::size_t>(bars[bar].meter)].grid();
    int part = -1, velocity = -1;
    std::int64_t position = -1;
    for (; next < events.size() && events[next].start < bar_end; ++next) {
      const GridEvent& e = events[next];
      if (e.start - bar_start != position) {
        position = e.start - bar_start;
        out.push_back(V::token(TokenKind::position, static_cast<int>(position)));
      }
      if (e.part != part) out.push_back(V::token(TokenKind::part, part = e.part));
      if (options.velocities && velocity_value(e.velocity, options.velocity_levels) != velocity)
        out.push_back(V::token(TokenKind::velocity, velocity = velocity_value(e.velocity, options.velocity_levels)));
      out.push_back(V::token(TokenKind::pitch, e.pitch));
      for (std::int64_t rest = e.end - e.start; rest > 0; rest -= kMaxDuration)
        out.push_back(V::token(TokenKind::duration, static_cast<int>(std::min<std::int64_t>(rest, kMaxDuration)) - 1));
    }
    bar_start = bar_end;
  }
  out.push_back(V::token(TokenKind::eos));
  return out;
}

Score decode_remi(std::span<const Token> sequence) {
  using V = RemiVocabulary;
  RemiGrammar grammar;
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    if (sequence[i] >= V::size() || !grammar.allows(sequence[i]))
      throw Error(Category::bad_input, "decode_remi",
                  fmt::format("token {} ({}) cannot stand here", i, V::text(sequence[i])));
    grammar.push(sequence[i]);
  }
  const std::vector<Token> tokens = in_order_of_time(sequence);
  constexpr int kTicksPerQuarter = 480;
  constexpr std::int64_t kTick = kTicksPerQuarter / kGridPerQuarter;
  Score score;
  score.ticks_per_quarter = kTicksPerQuarter;
  std::array<int, kMaxParts> track_of{};
  std::int64_t bar_start = 0, bar_length = 0, position = 0;
  int part = 0, velocity = kPlainVelocity, meter = -1, header_part = 0, next_channel = 0;
  bool header = true;
  for (const Token token : tokens) {
    const int value = V::value(token);
    switch (V::kind(token)) {
      case TokenKind::tempo: {
        const std::int64_t tick = bar_start * kTick;
        if (!score.tempos.empty() && score.tempos.back().tick == tick) score.tempos.pop_back();
        score.tempos.push_back({tick, static_cast<std::uint32_t>(std::lround(60e6 / tempo_of_step(value)))});
        break;
      }
      case TokenKind::key:
        score.keys.push_back(key_signature(key_of_value(value)));
        break;
      case TokenKind::part:
        (header ? header_part : part) = value;
        break;
      case TokenKind::program: {
        const bool drums = value == kDrumProgram;
        // Fifteen melodic channels; a sixteenth part would share channel 15, which only shares its program.
        const int channel = drums ? 9 : std::min(15, next_channel);
        if (!drums) next_channel = next_channel + (next_channel == 8 ? 2 : 1);
        track_of[static_cast<std::size_t>(header_part)] = static_cast<int>(score.tracks.size());
        add_track(score, "", drums ? 0 : value, channel);
        break;
      }
      case TokenKind::bar:
        header = false;
        bar_start += bar_length;
        bar_length = remi_meters()[static_cast<std::size_t>(value)].grid();
        if (value != meter) {
          const MeterChoice& m = remi_meters()[static_cast<std::size_t>(value)];
          score.meters.push_back({bar_start * kTick, m.numerator, m.denominator});
          meter = value;
        }
        velocity = kPlainVelocity;
        break;
      case TokenKind::position:
        position = value;
        break;
      case TokenKind::velocity:
        velocity = std::clamp(value * 4 + 2, 1, 127);
        break;
      case TokenKind::pitch: {
        Track& track = score.tracks[static_cast<std::size_t>(track_of[static_cast<std::size_t>(part)])];
        const auto channel = track.events.empty() ? std::uint8_t{0} : track.events.front().channel;
        track.notes.push_back({(bar_start + position) * kTick, 0, static_cast<std::uint8_t>(value),
                               static_cast<std::uint8_t>(velocity), channel});
        break;
      }
      case TokenKind::duration: {
        Track& track = score.tracks[static_cast<std::size_t>(track_of[static_cast<std::size_t>(part)])];
        track.notes.back().duration += (value + 1) * kTick;
        break;
      }
      case TokenKind::pad:
      case TokenKind::bos:
      case TokenKind::eos:
      case TokenKind::style:
      case TokenKind::variety:
      case TokenKind::emotion:
      case TokenKind::meter:
      case TokenKind::density:
      case TokenKind::height:
      case TokenKind::polyphony:
      case TokenKind::mark:
      case TokenKind::left:
      case TokenKind::chord:
        break;
    }
  }
  // The middle of a filled gap may ring on into what follows.
  if (tokens.size() != sequence.size())
    for (Track& track : score.tracks) cut_where_struck_again(track.notes);
  score.sort();
  return score;
}

std::vector<std::size_t> remi_bars(std::span<const Token> tokens) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (RemiVocabulary::kind(tokens[i]) == TokenKind::bar) out.push_back(i);
  return out;
}

bool transpose_remi(std::span<Token> tokens, int semitones) {
  using V = RemiVocabulary;
  // A pitch is a drum's if its running part was declared with the drum program in the header.
  std::array<bool, kMaxParts> drums{};
  auto each_pitch = [&](auto&& visit) {
    int part = 0;
    for (Token& token : tokens) {
      const TokenKind kind = V::kind(token);
      if (kind == TokenKind::part) part = V::value(token);
      if (kind == TokenKind::program) drums[static_cast<std::size_t>(part)] = V::value(token) == kDrumProgram;
      if (kind == TokenKind::pitch && !drums[static_cast<std::size_t>(part)] && !visit(token)) return false;
    }
    return true;
  };
  const bool fits = each_pitch([&](Token token) {
    const int pitch = V::value(token) + semitones;
    return pitch >= 0 && pitch < 128;
  });
  if (!fits) return false;
  each_pitch([&](Token& token) {
    token = V::token(TokenKind::pitch, V::value(token) + semitones);
    return true;
  });
  for (Token& token : tokens)
    if (V::kind(token) == TokenKind::key) {
      const int value = V::value(token), mode = value / 12;
      token = V::token(TokenKind::key, mode * 12 + ((value % 12 + semitones) % 12 + 12) % 12);
    } else if (V::kind(token) == TokenKind::chord) {
      Chord chord = chord_of_value(V::value(token));
      if (chord.root < 0) continue;
      chord.root = ((chord.root + semitones) % 12 + 12) % 12;
      token = V::token(TokenKind::chord, chord_value(chord));
    }
  return true;
}

}  // namespace euterpe
