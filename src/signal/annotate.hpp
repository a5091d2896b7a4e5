#pragma once
/// All that Euterpe hears of the music in a recording: beats, keys, chords, form and melody.
#include <memory>
#include <span>

#include "score/annotation.hpp"

namespace euterpe {

/// Takes mono audio at 22,050 Hz, full scale ±1, in pieces of any length. Beats, chords and melody need to see their
/// surroundings, so up to eleven minutes are held (58 MB, and what their analysis takes) and a longer recording is
/// described in parts of ten: a beat or chord on such a seam may be cut in two. Form is found over all of it.
class Annotator {
 public:
  Annotator();
  ~Annotator();
  Annotator(Annotator&&) noexcept;
  void push(std::span<const float> mono);  ///< NaN and infinity count as silence
  /// Everything but the duration is empty for audio too short or too silent to tell. The annotator is then spent.
  Annotations finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

Annotations annotate(std::span<const float> mono22050);

}  // namespace euterpe
