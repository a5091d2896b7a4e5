#include "score/tokenizers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "score/frames.hpp"
#include "score/remi_grammar.hpp"
#include "score/tokenizer.hpp"
#include "score/voice_grid.hpp"

namespace euterpe {
namespace {

/// Chords are heard in what the tokens keep of the score, so that they are the same the next time.
std::vector<Token> encode_with_chords(const Score& score) {
  RemiOptions options;
  options.chords = true;
  return encode_remi(decode_remi(encode_remi(score)), options);
}

std::optional<std::size_t> first_misplaced_remi(std::span<const Token> tokens) {
  RemiGrammar grammar;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] >= RemiVocabulary::size() || !grammar.allows(tokens[i])) return i;
    grammar.push(tokens[i]);
  }
  return {};
}

std::vector<Token> as_tokens(const std::vector<std::uint8_t>& row) { return {row.begin(), row.end()}; }

/// The row of these tokens; Error{bad_input} naming the first that is out of place.
std::vector<std::uint8_t> row_of(std::string_view name, std::span<const Token> tokens) {
  if (const auto wrong = find_tokenizer(name).first_misplaced(tokens))
    throw Error(Category::bad_input, "decode", fmt::format("{}: token {} is out of place", name, *wrong));
  return {tokens.begin(), tokens.end()};
}

/// Voices by the mean of what sounds, highest first, and no rests at the end: what a score of this grid gives too.
std::vector<Token> encode_voices(const Score& score) {
  VoiceGrid grid = voice_grid(score);
  using Voice = std::pair<double, std::vector<std::int8_t>>;  // −mean pitch, pitches
  std::array<Voice, 4> voices;
  for (std::size_t v = 0; v < voices.size(); ++v) {
    auto& [mean, pitches] = voices[v];
    double sounding = 0;
    for (const VoicePitches& step : grid.steps) {
      pitches.push_back(step[v]);
      if (step[v] == kGridRest) continue;
      mean -= step[v];
      ++sounding;
    }
    if (sounding == 0)
      throw Error(Category::bad_input, "encode", "voices: one has no note as long as half a sixteenth");
    mean /= sounding;
  }
  std::sort(voices.begin(), voices.end());
  for (std::size_t t = 0; t < grid.steps.size(); ++t)
    for (std::size_t v = 0; v < voices.size(); ++v) grid.steps[t][v] = voices[v].second[t];
  while (std::ranges::count(grid.steps.back(), kGridRest) == 4) grid.steps.pop_back();
  return as_tokens(voice_row(grid));
}

Score decode_voices(std::span<const Token> tokens) {
  if (tokens.size() % 4 != 0)
    throw Error(Category::bad_input, "decode", fmt::format("voices: {} tokens are no fours", tokens.size()));
  return voice_score(voice_grid_of_row(row_of(kVoiceTokens, tokens)));
}

std::optional<std::size_t> first_misplaced_voice(std::span<const Token> tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] != 0 && (tokens[i] < kLowestVoice || tokens[i] > kHighestVoice)) return i;
  return {};
}

std::vector<Token> encode_frames(const Score& score) { return as_tokens(frame_row(frame_piece(score))); }

Score decode_frames(std::span<const Token> tokens) {
  if (!tokens.empty() && tokens.back() != 0)
    throw Error(Category::bad_input, "decode", "frames: the last frame does not end");
  return frame_score(frame_piece_of_row(row_of(kFrameTokens, tokens)));
}

std::optional<std::size_t> first_misplaced_frame(std::span<const Token> tokens) {
  Token below = 0;
  for (std::size_t i = 0; i < tokens.size(); below = tokens[i++])
    if (tokens[i] != 0 && (tokens[i] < kLowestFramePitch || tokens[i] > kHighestFramePitch || tokens[i] <= below))
      return i;
  return {};
}

constexpr std::array kTokenizers{
    Tokenizer{kRemiTokens, "bars, positions and notes of all parts, with chords and controls", kGridPerQuarter,
              RemiVocabulary::size, encode_with_chords, decode_remi, first_misplaced_remi},
    Tokenizer{kVoiceTokens, "the pitches of soprano, alto, tenor and bass at each sixteenth", kVoiceStepsPerQuarter,
              [] { return kHighestVoice + 1; }, encode_voices, decode_voices, first_misplaced_voice},
    Tokenizer{kFrameTokens, "the pitches that sound at each eighth, from below", kFramesPerQuarter,
              [] { return kHighestFramePitch + 1; }, encode_frames, decode_frames, first_misplaced_frame},
};

}  // namespace

std::span<const Tokenizer> tokenizers() { return kTokenizers; }

const Tokenizer* known_tokenizer(std::string_view name) {
  const auto row = std::ranges::find(kTokenizers, name, &Tokenizer::name);
  return row == kTokenizers.end() ? nullptr : &*row;
}

const Tokenizer& find_tokenizer(std::string_view name) {
  if (const Tokenizer* row = known_tokenizer(name)) return *row;
  std::string names;
  for (const Tokenizer& t : kTokenizers) names += fmt::format("{}{}", names.empty() ? "" : ", ", t.name);
  throw Error(Category::usage, "tokenizer", fmt::format("there is no tokenizer \"{}\"", name), "known: " + names);
}

}  // namespace euterpe
