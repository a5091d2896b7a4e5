#pragma once
/// Which bars and notes of a score speak for a model's answer.
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "recognize/saliency.hpp"
#include "score/score.hpp"

namespace euterpe {

/// A model as a black box: probabilities, sum 1, of a score, which may have no note at all. Must be thread-safe.
using ScoreAnswer = std::function<std::vector<double>(const Score&)>;

/// Where a note stands in a score: score.tracks[track].notes[note].
struct NotePlace {
  std::uint32_t track = 0, note = 0;
};
/// All notes, drums too, in order of time, then from low to high.
std::vector<NotePlace> note_places(const Score& score);
/// The score without the notes that are marked by 1; places: note_places(score), without: one a place.
Score without_notes(const Score& score, std::span<const NotePlace> places, std::span<const std::uint8_t> without);

struct ScoreSaliency : Saliency {   ///< weights: one a note
  std::vector<NotePlace> notes;     ///< [notes], what the weights belong to
  std::vector<std::size_t> bars;    ///< [notes], bar that the note begins in, from 0
  std::vector<double> bar_weights;  ///< [bars looked at], sum over the notes that begin in it
  std::size_t first_bar = 0;        ///< that bar_weights begin with
};

/// Notes of one bar, pitch, pitch class, register, track, length, or place in the bar are held to weigh alike before
/// the model is asked. A score without notes has no weights.
ScoreSaliency explain_score(const Score& score, const ScoreAnswer& answer, const SaliencyOptions& options = {});

/// {answer, probability, runner_up, runner_up_probability, passes, bars: the `most` heaviest {bar (from 1), weight,
/// begin, end (s)}, notes: the `most` heaviest {bar, track (from 1), pitch, name, begin, end (s), weight}}.
nlohmann::json to_json(const ScoreSaliency& saliency, const Score& score, std::span<const std::string> labels,
                       std::size_t most = 10);

}  // namespace euterpe
