#include "compose/write_together.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "compose/bar_progress.hpp"
#include "nn/decoder.hpp"

namespace euterpe {
namespace {

/// From here on a decoder reads at once instead of beside the others. A matter of the piece alone, since both ways
/// round differently.
constexpr std::size_t kManyTokens = 8;

bool same_place(const MusicPlace& a, const MusicPlace& b) { return a.time == b.time && a.pitch == b.pitch; }

class SideBySide {
 public:
  SideBySide(std::span<Writer> writers, std::span<Random> randoms)
      : writers_(writers), randoms_(randoms), decoder_(writers[0].network().weights(), sequences(writers)) {
    for (Writer& w : writers)
      for (Reading& r : w.readings()) all_.push_back({&w, &r});
    step_.resize(all_.size());
    places_.resize(all_.size());
  }

  void write(Progress* progress) {
    BarProgress told(progress);
    for (bool more = true; more;) {
      check_interrupt();
      more = false;
      for (std::size_t i = 0; i < writers_.size(); ++i) {
        if (writers_[i].finished()) continue;
        const auto readings = writers_[i].readings();
        if (std::none_of(readings.begin(), readings.end(), [](const Reading& r) { return r.waits(); }))
          writers_[i].turn(randoms_[i]);
        more = more || !writers_[i].finished();
      }
      std::size_t bars = 0;
      for (const Writer& w : writers_) bars += w.written().size();
      told.reached(bars);
      if (more) read();
    }
  }

 private:
  struct Place {
    Writer* writer;
    Reading* reading;
  };

  static int sequences(std::span<Writer> writers) {
    std::size_t n = 0;
    for (Writer& w : writers) n += w.readings().size();
    return static_cast<int>(n);
  }

  /// Every decoder reads one token, or all where there are many.
  void read() {
    bool any = false;
    std::vector<int> prompts;  // sequences that have just read from their beginning to where they stand
    for (std::size_t s = 0; s < all_.size(); ++s) {
      step_[s] = BatchDecoder::kRests;
      Reading& r = *all_[s].reading;
      if (all_[s].writer->finished() || !r.waits()) continue;
      const int sequence = static_cast<int>(s);
      const bool from_nothing = r.anew || decoder_.length(sequence) == 0;
      if (r.anew) decoder_.rewind(sequence, 0);
      r.anew = false;
      if (r.tokens.size() - r.read >= kManyTokens) {
        const auto same = std::find_if(prompts.begin(), prompts.end(), [&](int p) {
          return from_nothing && same_prompt(*all_[static_cast<std::size_t>(p)].reading, r);
        });
        if (same != prompts.end()) {
          decoder_.fork(*same, sequence);
        } else {
          decoder_.prefill(sequence, std::span(r.tokens).subspan(r.read), std::span(r.places).subspan(r.read));
          if (from_nothing) prompts.push_back(sequence);
        }
        r.read = r.tokens.size();
      } else {
        step_[s] = r.tokens[r.read];
        places_[s] = r.places[r.read++];
        any = true;
      }
      r.logits = decoder_.logits(sequence);
    }
    if (any) decoder_.step(step_, places_);
  }

  static bool same_prompt(const Reading& a, const Reading& b) {
    return b.read == 0 && a.tokens == b.tokens && std::ranges::equal(a.places, b.places, same_place);
  }

  std::span<Writer> writers_;
  std::span<Random> randoms_;
  BatchDecoder decoder_;
  std::vector<Place> all_;
  std::vector<int> step_;
  std::vector<MusicPlace> places_;
};

}  // namespace

void write_together(std::span<Writer> writers, std::span<Random> randoms, Progress* progress) {
  EUTERPE_ASSERT(writers.size() == randoms.size());
  if (!writers.empty()) SideBySide(writers, randoms).write(progress);
}

}  // namespace euterpe
