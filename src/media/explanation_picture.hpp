#pragma once
/// Pictures of why a model answered as it did: PNG or SVG by the path's extension.
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "media/picture.hpp"

namespace euterpe {

/// What both pictures say in words.
struct ExplanationText {
  std::string title;                 ///< the file
  std::string answer, rest;          ///< "style: rock 73 %", and what is said behind it
  std::string label;                 ///< what the weights speak for: "rock"
  std::vector<std::string> reasons;  ///< sentences, drawn below the map; lines that do not fit are left out
};

/// Weights of cells of time and frequency, seen from here.
struct SaliencyView {
  std::span<const double> weights;  ///< [bands × segments], row-major, lowest band first; above 0 speaks for the answer
  std::span<const double> edges;    ///< Hz, [bands + 1], ascending
  std::size_t segments = 0;
  double seconds = 0;                    ///< length of a segment
  std::span<const std::size_t> salient;  ///< cells that weigh most: they are outlined
};

/// Mel spectrogram in gray, cells that speak for the answer colored over it, the salient ones outlined. Their sums over
/// the bands stand above it, those over time beside it, on the same axes.
/// `begin`: where the excerpt begins in the recording, seconds, which all times are told in. Throws Error{usage} for
/// another extension than .png and .svg, Error{io} when writing fails.
void plot_audio_explanation(const std::filesystem::path& path, const MelView& mel_db, const SaliencyView& saliency,
                            const ExplanationText& text, double begin = 0, PictureSize size = {1200, 680});

/// One note's weight.
struct NoteWeight {
  std::size_t track = 0, note = 0;  ///< score.tracks[track].notes[note]
  double weight = 0;
};

/// Weight of each bar of score.bar_lines() that was looked at.
struct BarWeights {
  std::span<const double> weights;
  std::size_t first = 0;  ///< bar, from 0, that they begin with
};

/// Piano roll in which notes that speak for the answer are dark red, those against it blue; a strip above shows the
/// bars' weights, the heaviest bars are marked. Drums have rows of their own, one for each that is struck, by the names
/// of General MIDI. Over 48 bars, those around the heaviest are drawn. Times are seconds of the score.
/// Throws as plot_audio_explanation does.
void plot_score_explanation(const std::filesystem::path& path, const Score& score, std::span<const NoteWeight> notes,
                            const BarWeights& bars, const ExplanationText& text, PictureSize size = {1200, 680});

}  // namespace euterpe
