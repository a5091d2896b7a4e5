#include "score/unfold.hpp"

#include <algorithm>

namespace euterpe {
namespace {

class Player {
 public:
  Player(std::span<const Flow> measures, std::size_t limit) : measures_(measures), limit_(limit) {}

  std::vector<PlayedMeasure> play() {
    std::vector<PlayedMeasure> out;
    std::vector<bool> jumped_here(measures_.size(), false);
    for (std::size_t at = 0; at < measures_.size();) {
      const Flow& flow = measures_[at];
      if (flow.repeat_begins && at != section_) enter(at);
      if (!sounds(at)) {
        at = ending_end(at);
        // Behind the brackets the next section begins, unless another bracket follows.
        if (at < measures_.size() && measures_[at].endings.empty()) enter(at);
        continue;
      }
      if (out.size() == limit_) return {};
      out.push_back({static_cast<int>(at), pass_});

      if (jumped_ && flow.fine) break;
      if (jumped_ && flow.to_coda) {
        if (const auto coda = find_target(&Flow::coda, *flow.to_coda, at)) {
          at = *coda;
          enter(at);
          continue;
        }
      }
      if (!jumped_ && flow.repeat_ends > 0 && repeats_again(at)) {
        ++pass_;
        at = section_;
        continue;
      }
      if ((flow.da_capo || flow.dal_segno) && !jumped_here[at]) {
        jumped_here[at] = true;
        jumped_ = true;
        const auto segno = flow.dal_segno ? find_target(&Flow::segno, *flow.dal_segno, at) : std::nullopt;
        at = segno.value_or(0);
        enter(at);
        continue;
      }
      ++at;
      const bool left_endings =
          at < measures_.size() && !flow.endings.empty() && measures_[at].endings.empty() && pass_ > 1;
      if (flow.repeat_ends > 0 && (flow.endings.empty() || pass_ > 1)) {
        enter(at);
      } else if (left_endings) {
        enter(at);
      }
    }
    return out;
  }

 private:
  void enter(std::size_t section) {
    section_ = section;
    pass_ = 1;
  }

  bool ending_begins(std::size_t at) const {
    return !measures_[at].endings.empty() &&
           (measures_[at].ending_begins || at == 0 || measures_[at - 1].endings != measures_[at].endings);
  }
  std::size_t ending_start(std::size_t at) const {
    while (!ending_begins(at)) --at;
    return at;
  }
  std::size_t ending_end(std::size_t at) const {
    do ++at;
    while (at < measures_.size() && !measures_[at].endings.empty() && !ending_begins(at));
    return at;
  }
  bool another_ending_follows(std::size_t at) const {
    const std::size_t next = ending_end(at);
    return next < measures_.size() && !measures_[next].endings.empty();
  }

  bool sounds(std::size_t at) const {
    const std::vector<int>& passes = measures_[at].endings;
    if (passes.empty()) return true;
    if (!jumped_) return std::find(passes.begin(), passes.end(), pass_) != passes.end();
    // After a jump the way leads through the last of the endings; one that stands alone and leads back is left out.
    if (another_ending_follows(at)) return false;
    const std::size_t start = ending_start(at), end = ending_end(at);
    const bool alone = start == 0 || measures_[start - 1].endings.empty();
    return !(alone && measures_[end - 1].repeat_ends > 0);
  }

  bool repeats_again(std::size_t at) const {
    const Flow& flow = measures_[at];
    int passes = flow.repeat_ends;
    if (!flow.endings.empty()) {
      const int last = *std::max_element(flow.endings.begin(), flow.endings.end());
      const std::size_t start = ending_start(at);
      const bool final = start > 0 && !measures_[start - 1].endings.empty() && !another_ending_follows(at);
      passes = final ? last : last + 1;
    }
    return pass_ < passes;
  }

  /// The measure with that label; else the last target before the jump, else the first of all.
  std::optional<std::size_t> find_target(std::optional<std::string> Flow::*target, const std::string& label,
                                         std::size_t jump) const {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < measures_.size(); ++i) {
      const std::optional<std::string>& here = measures_[i].*target;
      if (!here) continue;
      if (!label.empty() && *here == label) return i;
      const bool nearer = target == &Flow::segno ? i <= jump : !found || (*found <= jump && i > jump);
      if (!found || nearer) found = i;
    }
    return found;
  }

  std::span<const Flow> measures_;
  std::size_t limit_;
  std::size_t section_ = 0;  ///< where the section being repeated begins
  int pass_ = 1;
  bool jumped_ = false;
};

}  // namespace

std::vector<PlayedMeasure> unfold(std::span<const Flow> measures, std::size_t limit) {
  return Player(measures, limit).play();
}

}  // namespace euterpe
