#include "train/note_masking.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace euterpe {
namespace {

constexpr std::array<NoteAspect, 4> kAspects{NoteAspect::pitch, NoteAspect::time, NoteAspect::length,
                                             NoteAspect::velocity};

void interpolate_times(NoteTokens& tokens, const std::vector<bool>& hidden) {
  const std::size_t n = tokens.size();
  for (std::size_t i = 0; i < n;) {
    if (!hidden[i]) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < n && hidden[end]) ++end;
    const float from = i > 0 ? tokens.time[i - 1] : end < n ? tokens.time[end] : 0.0f;
    const float to = end < n ? tokens.time[end] : from;
    for (std::size_t k = i; k < end; ++k)
      tokens.time[k] = from + (to - from) * static_cast<float>(k - i + 1) / static_cast<float>(end - i + 1);
    i = end;
  }
}

}  // namespace

void hide_aspect(MaskedNotes& masked, const std::vector<bool>& notes, NoteAspect aspect) {
  NoteTokens& tokens = masked.tokens;
  EUTERPE_ASSERT(notes.size() == tokens.size());
  auto ask = [&](std::size_t note, NoteAttribute attribute) {
    if (tokens.at(note, attribute) > 0)
      masked.targets.push_back({static_cast<std::uint32_t>(note), attribute,
                                tokens.classes[note * kNoteAttributes + static_cast<std::size_t>(attribute)]});
  };
  // All answers are taken before anything is hidden: hiding one note's time hides its neighbor's step too.
  for (std::size_t i = 0; i < notes.size(); ++i) {
    if (!notes[i]) continue;
    switch (aspect) {
      case NoteAspect::pitch:
        ask(i, NoteAttribute::pitch);
        break;
      case NoteAspect::time:
        for (const auto a : {NoteAttribute::step_beats, NoteAttribute::step_seconds, NoteAttribute::position})
          ask(i, a);
        break;
      case NoteAspect::length:
        for (const auto a : {NoteAttribute::length_beats, NoteAttribute::length_seconds}) ask(i, a);
        break;
      case NoteAspect::velocity:
        ask(i, NoteAttribute::velocity);
        break;
    }
  }
  for (std::size_t i = 0; i < notes.size(); ++i) {
    if (!notes[i]) continue;
    auto hide = [&](std::size_t note, auto... attributes) { (tokens.hide(note, attributes), ...); };
    switch (aspect) {
      case NoteAspect::pitch:
        hide(i, NoteAttribute::pitch, NoteAttribute::pitch_class, NoteAttribute::voice);
        tokens.pitch[i] = kNoPitch;
        break;
      case NoteAspect::time:
        hide(i, NoteAttribute::step_beats, NoteAttribute::step_seconds, NoteAttribute::position, NoteAttribute::voice);
        if (i + 1 < notes.size()) hide(i + 1, NoteAttribute::step_beats, NoteAttribute::step_seconds);
        break;
      case NoteAspect::length:
        hide(i, NoteAttribute::length_beats, NoteAttribute::length_seconds);
        break;
      case NoteAspect::velocity:
        hide(i, NoteAttribute::velocity);
        break;
    }
  }
  if (aspect == NoteAspect::time) interpolate_times(tokens, notes);
}

MaskedNotes mask_notes(NoteTokens tokens, double share, Random& random) {
  const std::size_t n = tokens.size();
  std::array<std::vector<bool>, kAspects.size()> hidden;
  hidden.fill(std::vector<bool>(n, false));
  auto hide_all = [&](std::size_t note) {
    for (auto& aspect : hidden) aspect[note] = true;
  };
  constexpr double kSingleNotes = 2.0 / 3, kAllAspects = 0.4;
  // Of one aspect alone: pitch most, for it is what most answers are about.
  static constexpr std::array<double, kAspects.size()> kWeights{0.5, 0.2, 0.2, 0.1};
  if (random.uniform() < kSingleNotes) {
    for (std::size_t i = 0; i < n; ++i) {
      if (random.uniform() >= share) continue;
      if (random.uniform() < kAllAspects)
        hide_all(i);
      else
        hidden[random.weighted(kWeights)][i] = true;
    }
  } else {
    for (std::size_t covered = 0; static_cast<double>(covered) < share * static_cast<double>(n);) {
      const std::size_t length = std::min<std::size_t>(n, 4 + random.below(21));
      const std::size_t begin = random.below(n - length + 1);
      for (std::size_t i = begin; i < begin + length; ++i) hide_all(i);
      covered += length;
    }
  }
  MaskedNotes masked{std::move(tokens), {}};
  for (std::size_t a = 0; a < kAspects.size(); ++a) hide_aspect(masked, hidden[a], kAspects[a]);
  return masked;
}

}  // namespace euterpe
