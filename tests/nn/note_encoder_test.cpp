#include "nn/note_encoder.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "base/error.hpp"
#include "corpus/music.hpp"
#include "nn/note_encoder_module.hpp"

namespace euterpe {
namespace {

constexpr int kWidth = 32;

TransformerOptions tiny() { return {kNoteVocabulary, kWidth, 2, 2, 32, 64}; }

Safetensors random_weights(const TransformerOptions& options) {
  torch::manual_seed(3);
  NoteEncoderModule network(options);
  Safetensors file;
  put_parameters(*network, file);
  return file;
}

NoteTokens window(std::uint64_t seed, std::size_t notes) {
  const auto all = note_sequence(test::walk(seed, 16));
  return note_tokens(std::span(all).subspan(0, notes));
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

TEST(NoteEncoder, a_window_says_the_same_alone_and_beside_longer_ones_in_any_order) {
  const NoteEncoder encoder(tiny(), random_weights(tiny()));
  const std::vector<NoteTokens> windows{window(1, 10), window(2, 64), window(3, 1)};
  const std::vector<NoteTokens> turned{windows[2], windows[0], windows[1]};
  const auto together = encoder.embed(windows), other = encoder.embed(turned);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    ASSERT_EQ(together[i].size(), static_cast<std::size_t>(encoder.width()));
    EXPECT_LT(distance(together[i], encoder.embed({&windows[i], 1})[0]), 1e-5);
    EXPECT_LT(distance(together[i], other[(i + 1) % 3]), 1e-5);
  }
  EXPECT_GT(distance(together[0], together[1]), 1e-3);
}

TEST(NoteEncoder, hears_the_order_of_notes_and_their_times) {
  const NoteEncoder encoder(tiny(), random_weights(tiny()));
  const auto notes = note_sequence(test::walk(5, 4));
  auto turned = notes;
  for (std::size_t i = 0; i < notes.size(); ++i) turned[i].pitch = notes[notes.size() - 1 - i].pitch;
  const std::vector<NoteTokens> windows{note_tokens(notes), note_tokens(turned), note_tokens(notes, {.tempo = 2})};
  const auto vectors = encoder.embed(windows);
  EXPECT_GT(distance(vectors[0], vectors[1]), 1e-4);
  EXPECT_GT(distance(vectors[0], vectors[2]), 1e-4);
}

TEST(NoteEncoder, refuses_weights_of_another_shape) {
  TransformerOptions other = tiny();
  other.layers = 3;
  EXPECT_THROW(NoteEncoder(other, random_weights(tiny())), Error);
  other = tiny();
  other.vocabulary = 100;
  EXPECT_THROW(NoteEncoder(other, random_weights(tiny())), Error);
}

TEST(SimilarLengths, every_window_once_and_groups_within_the_budget) {
  std::vector<NoteTokens> windows;
  for (const std::size_t n : {5u, 64u, 6u, 60u, 1u, 64u, 7u}) windows.push_back(window(n, n));
  std::vector<int> seen(windows.size(), 0);
  for (const auto& group : similar_lengths(windows, 128)) {
    std::size_t longest = 0;
    for (const std::size_t i : group) {
      ++seen[i];
      longest = std::max(longest, windows[i].size());
    }
    EXPECT_LE(longest * group.size(), 128u);
  }
  EXPECT_EQ(seen, std::vector<int>(windows.size(), 1));
}

}  // namespace
}  // namespace euterpe
