#pragma once
/// A model of four voices that has learned three chords, in seconds.
#include <array>
#include <cstdint>
#include <filesystem>

#include "base/random.hpp"
#include "base/temporary_folder.hpp"
#include "nn/voice_contexts.hpp"
#include "score/voice_grid.hpp"
#include "train/keyed_model.hpp"

namespace euterpe::test {

/// Chords of C, F and G in quarters, moved by some semitones.
inline VoiceGrid chords(std::uint64_t seed, int up, int beats = 24) {
  static constexpr std::array<VoicePitches, 4> kChords{
      {{72, 67, 64, 48}, {72, 69, 65, 53}, {71, 67, 62, 55}, {76, 67, 60, 48}}};
  Random random(seed);
  VoiceGrid grid;
  for (int beat = 0; beat < beats; ++beat) {
    VoicePitches chord = kChords[beat == 0 || beat + 1 == beats ? 0 : random.below(4)];
    for (auto& pitch : chord) pitch = static_cast<std::int8_t>(pitch + up);
    grid.steps.insert(grid.steps.end(), 4, chord);
  }
  return grid;
}

/// Writes FOLDER/model.safetensors and its card.
inline void save_tiny_chorales(const std::filesystem::path& folder) {
  KeyedTraining training;
  training.domain = &voice_domain();
  for (std::uint64_t i = 0; i < 12; ++i)
    training.rows["train"].push_back(voice_row(chords(i, static_cast<int>(i % 5) - 2)));
  training.out = folder;
  training.card = {{"name", "chorale"}, {"task", "compose"}, {"data", nlohmann::json::array()}, {"commercial", true}};
  training.fitting.epochs = 3;
  train_keyed_model(training);
}

/// The same, made once for all tests of a program.
inline const Model& tiny_chorales() {
  static const TemporaryFolder folder;
  static const Model model = [] {
    save_tiny_chorales(folder.path() / "chorale");
    return find_model((folder.path() / "chorale").string());
  }();
  return model;
}

}  // namespace euterpe::test
