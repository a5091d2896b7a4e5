#include "score/passage_packing.hpp"

#include <algorithm>

#include "score/passage_coder.hpp"

namespace euterpe {
namespace {

constexpr int kTableBits = 16;
constexpr std::uint32_t kNone = 0xFFFFFFFFu;
constexpr std::uint32_t kStreaks = 6;  // contexts of how long the list has gone as foretold

/// Where in a list the passage stands that comes again now: after the last entry that was like the one before.
class Foretold {
 public:
  /// Of the entries written so far the one that should come next, or kNone.
  std::uint32_t at() const { return at_; }
  std::uint32_t streak() const { return streak_; }
  /// \param index of the entry that came, \param id of what it was known by
  void came(std::uint32_t index, std::uint32_t id, bool as_foretold) {
    std::uint32_t& last = table_[(id * 2654435761u) >> (32 - kTableBits)];
    if (as_foretold) {
      ++at_;
      ++hits_;
      streak_ = hits_ < 2 ? 1 : hits_ < 4 ? 2 : hits_ < 16 ? 3 : hits_ < 64 ? 4 : 5;
    } else {
      at_ = last == kNone ? kNone : last + 1;
      hits_ = streak_ = 0;
    }
    last = index;
  }

 private:
  std::vector<std::uint32_t> table_ = std::vector<std::uint32_t>(std::size_t{1} << kTableBits, kNone);
  std::uint32_t at_ = kNone, hits_ = 0, streak_ = 0;
};

/// Steps of bytes, round at 256.
std::uint8_t step(std::uint8_t to, std::uint8_t from) { return static_cast<std::uint8_t>(to - from); }

std::uint32_t axis_step(const auto& list, std::uint32_t i) { return list[i].axis - (i > 0 ? list[i - 1].axis : 0); }

/// A number that is mostly below 255.
template <class Coder>
std::uint32_t code_number(Coder& coder, std::size_t context, std::uint32_t value) {
  constexpr std::uint32_t kLarge = 255;
  const std::uint32_t first = coder.code(context, value < kLarge ? value : kLarge);
  return first < kLarge ? first : coder.raw(value, 4);
}

/// Contexts of runs, and where each begins.
namespace run_context {
constexpr std::size_t kKind = 0;         // by streak: 0, or 1 + what is as foretold besides the hash
constexpr std::size_t kAxis = kStreaks;  // by the step before
constexpr std::uint32_t kAxes = 4;
constexpr std::size_t kPitch = kAxis + kAxes;  // first at its place, or not
constexpr std::size_t kRhythm = kPitch + 2;    // by the first share of the rhythm before
constexpr std::size_t kAll = kRhythm + 16;
}  // namespace run_context

template <class Coder>
void code_runs(Coder& coder, std::vector<IndexedRun>& list, std::size_t count) {
  using namespace run_context;
  constexpr std::uint32_t kSameAxis = 1, kSamePitch = 2, kSameRhythm = 4;
  Foretold foretold;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i == list.size()) list.emplace_back();
    IndexedRun& run = list[i];
    const IndexedRun before = i > 0 ? list[i - 1] : IndexedRun{};
    const std::uint32_t like = foretold.at();
    std::uint32_t kind = 0, known_axis = 0;
    std::uint8_t known_pitch = 0;
    if (like != kNone) {
      known_axis = axis_step(list, like);
      known_pitch = step(list[like].pitch, like > 0 ? list[like - 1].pitch : std::uint8_t{0});
      if (run.hash == list[like].hash)
        kind = 1 + (axis_step(list, i) == known_axis ? kSameAxis : 0) +
               (step(run.pitch, before.pitch) == known_pitch ? kSamePitch : 0) +
               (run.rhythm == list[like].rhythm ? kSameRhythm : 0);
      kind = coder.code(kKind + foretold.streak(), kind);
    }
    const std::uint32_t same = kind == 0 ? 0 : kind - 1;
    run.hash = kind > 0 ? list[like].hash : coder.raw(run.hash, 3);
    const std::uint32_t last_step = i > 1 ? axis_step(list, i - 1) : 0;
    const std::uint32_t moved = (same & kSameAxis) != 0
                                    ? known_axis
                                    : code_number(coder, kAxis + std::min(last_step, kAxes - 1), axis_step(list, i));
    run.axis = before.axis + moved;
    run.pitch = static_cast<std::uint8_t>(
        before.pitch +
        ((same & kSamePitch) != 0 ? known_pitch : coder.code(kPitch + (moved == 0), step(run.pitch, before.pitch))));
    run.rhythm = (same & kSameRhythm) != 0
                     ? list[like].rhythm
                     : static_cast<std::uint8_t>(coder.code(kRhythm + (before.rhythm >> 4), run.rhythm));
    if (coder.failed()) return list.resize(i);
    foretold.came(i, run.hash, kind > 0);
  }
}

namespace print_context {
constexpr std::size_t kKind = 0;  // by streak: 0, or 1 + what is as foretold besides the key
constexpr std::size_t kAxis = kStreaks;
constexpr std::size_t kLength = kAxis + 1;
constexpr std::size_t kSpan = kLength + 1;
constexpr std::size_t kOnsets = kSpan + 1;
constexpr std::size_t kLowest = kOnsets + 1;
constexpr std::size_t kMoments = kLowest + 1;
constexpr std::size_t kAll = kMoments + 3;
}  // namespace print_context

template <class Coder>
void code_prints(Coder& coder, std::vector<BarPrint>& list, std::size_t count) {
  using namespace print_context;
  constexpr std::uint32_t kSameAxis = 1, kSameLowest = 2, kSameRest = 4;
  Foretold foretold;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i == list.size()) list.emplace_back();
    BarPrint& print = list[i];
    const BarPrint before = i > 0 ? list[i - 1] : BarPrint{};
    const std::uint32_t like = foretold.at();
    std::uint32_t kind = 0, known_axis = 0;
    std::uint8_t known_lowest = 0;
    if (like != kNone) {
      const BarPrint& known = list[like];
      known_axis = axis_step(list, like);
      known_lowest = step(known.lowest, like > 0 ? list[like - 1].lowest : std::uint8_t{0});
      if (print.key == known.key)
        kind = 1 + (axis_step(list, i) == known_axis ? kSameAxis : 0) +
               (step(print.lowest, before.lowest) == known_lowest ? kSameLowest : 0) +
               (print.span == known.span && print.onsets == known.onsets && print.moments == known.moments ? kSameRest
                                                                                                           : 0);
      kind = coder.code(kKind + foretold.streak(), kind);
    }
    const std::uint32_t same = kind == 0 ? 0 : kind - 1;
    const auto code = [&](std::size_t context, std::uint8_t value) {
      return static_cast<std::uint8_t>(coder.code(context, value));
    };
    print.key = kind > 0 ? list[like].key : coder.raw(print.key, 4);
    print.axis = before.axis + ((same & kSameAxis) != 0 ? known_axis : code_number(coder, kAxis, axis_step(list, i)));
    // The length is that of the bars before but for a change of meter.
    print.length = static_cast<std::uint8_t>(before.length + code(kLength, step(print.length, before.length)));
    print.lowest = static_cast<std::uint8_t>(
        before.lowest + ((same & kSameLowest) != 0 ? known_lowest : code(kLowest, step(print.lowest, before.lowest))));
    if ((same & kSameRest) != 0) {
      print.span = list[like].span;
      print.onsets = list[like].onsets;
      print.moments = list[like].moments;
    } else {
      print.span = code(kSpan, print.span);
      print.onsets = code(kOnsets, print.onsets);
      for (std::size_t m = 0; m < print.moments.size(); ++m) print.moments[m] = code(kMoments + m, print.moments[m]);
    }
    if (coder.failed()) return list.resize(i);
    foretold.came(i, print.key, kind > 0);
  }
}

template <class List>
PackedList packed(List& list, std::size_t contexts, void (*code)(SymbolEncoder&, List&, std::size_t)) {
  SymbolEncoder encoder(contexts);
  code(encoder, list, list.size());
  PackedList out{encoder.finish(), encoder.raw_bytes()};
  out.code.resize(std::max(out.code.size(), (list.size() + kMostPerByte - 1) / kMostPerByte));
  return out;
}

}  // namespace

PackedList pack_runs(std::vector<IndexedRun> runs) {
  return packed(runs, run_context::kAll, &code_runs<SymbolEncoder>);
}
PackedList pack_prints(std::vector<BarPrint> prints) {
  return packed(prints, print_context::kAll, &code_prints<SymbolEncoder>);
}

std::vector<IndexedRun> unpack_runs(std::span<const std::uint8_t> code, std::span<const std::uint8_t> raw,
                                    std::size_t count) {
  SymbolDecoder decoder(code, raw, run_context::kAll);
  std::vector<IndexedRun> runs;
  code_runs(decoder, runs, count);
  return runs;
}

std::vector<BarPrint> unpack_prints(std::span<const std::uint8_t> code, std::span<const std::uint8_t> raw,
                                    std::size_t count) {
  SymbolDecoder decoder(code, raw, print_context::kAll);
  std::vector<BarPrint> prints;
  code_prints(decoder, prints, count);
  return prints;
}

}  // namespace euterpe
