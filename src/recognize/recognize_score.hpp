#pragma once
/// One pass over a score: what the heads look at is computed once and shared.
#include <vector>

#include "recognize/recognition.hpp"
#include "recognize/score_encoder.hpp"
#include "recognize/score_heads.hpp"
#include "recognize/style_score.hpp"
#include "recognize/unknown.hpp"

namespace euterpe {

struct AskedScore {
  const StyleScoreModel* style = nullptr;  ///< null: not asked
  /// Over score_features() of style_windows(); its word is the least that any answer about pitched notes gets. May be
  /// null.
  const UnknownDetector* unknown = nullptr;
  std::vector<const ScoreHeads*> heads;   ///< drum style is asked of drums alone, the others of pitched notes
  const ScoreEncoder* encoder = nullptr;  ///< null: the heads do without
  bool in_part = false;                   ///< others have been asked before, so that no answer is no error
};

/// The notes that begin in [from, to) ticks, with the tempo, meter and key that hold there, begun at tick 0.
Score score_part(const Score& score, std::int64_t from, std::int64_t to);

/// Bars of a segment of the curve; more where there would be over 64 segments.
inline constexpr std::size_t kSegmentBars = 16;

/// Error{bad_input} if there is no answer: no notes, too few of them, drums alone where no model knows drums.
Recognition recognize_score(const Score& score, const AskedScore& asked, Stages& stages);

}  // namespace euterpe
