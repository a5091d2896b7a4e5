#include "score/passage_lines.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "score/score_melody.hpp"

namespace euterpe {
namespace {

constexpr float kRhythmSteps = 15;
constexpr float kSameShare = 0.05f;  // half a step, and what moving notes to a grid changes

struct Sounding {
  double start, end;
  int pitch;
};

/// \param notes by start
std::vector<PassageOnset> onsets_of(std::span<const Sounding> notes, double together) {
  std::vector<PassageOnset> out;
  for (const Sounding& n : notes) {
    if (out.empty() || n.start - out.back().time >= together) {
      out.push_back({n.start, n.end, n.pitch, n.pitch});
      continue;
    }
    PassageOnset& last = out.back();
    if (n.pitch > last.top) {
      last.top = n.pitch;
      last.end = n.end;
    }
    last.bottom = std::min(last.bottom, n.pitch);
  }
  return out;
}

std::vector<PassageOnset> highest_line(std::span<const PassageOnset> onsets) {
  std::vector<PassageOnset> out;
  for (PassageOnset o : onsets) {
    if (!out.empty()) {
      const PassageOnset& last = out.back();
      if (last.top > o.top && last.end - o.time > (last.end - last.time) / 4) continue;
    }
    o.bottom = o.top;
    out.push_back(o);
  }
  return out;
}

/// Pitched notes by track and channel, for a file of format 0 has all parts on one track.
struct Parts {
  explicit Parts(const Score& score) {
    const double quarter = score.ticks_per_quarter;
    for (std::size_t k = 0; k < score.tracks.size(); ++k) {
      if (score.tracks[k].drums) continue;
      for (const Note& n : score.tracks[k].notes) {
        if (n.channel == 9) continue;
        const Sounding s{static_cast<double>(n.start) / quarter, static_cast<double>(n.end()) / quarter, n.pitch};
        of_part[{k, n.channel}].push_back(s);
        all.push_back(s);
      }
    }
    std::stable_sort(all.begin(), all.end(), [](const Sounding& a, const Sounding& b) { return a.start < b.start; });
  }
  /// Texture and highest line of all; nothing where no note is.
  std::vector<PassageLine> common_lines(double together) const {
    if (all.empty()) return {};
    std::vector<PassageLine> lines(2);
    lines[0] = {PassageLine::Kind::texture, -1, onsets_of(all, together)};
    lines[1] = {PassageLine::Kind::melody, -1, highest_line(lines[0].onsets)};
    return lines;
  }
  std::map<std::pair<std::size_t, int>, std::vector<Sounding>> of_part;
  std::vector<Sounding> all;
};

}  // namespace

std::vector<PassageLine> passage_lines(const Score& score, double together) {
  const Parts parts(score);
  std::vector<PassageLine> lines = parts.common_lines(together);
  if (parts.of_part.size() < 2) return lines;
  int part = 0;
  for (const auto& [name, notes] : parts.of_part)
    lines.push_back({PassageLine::Kind::melody, part++, highest_line(onsets_of(notes, together))});
  return lines;
}

std::vector<PassageLine> indexed_passage_lines(const Score& score) {
  const Parts parts(score);
  std::vector<PassageLine> lines = parts.common_lines(kPassageTogether);
  if (parts.of_part.size() < 2) return lines;
  const auto singing = score_melody(score).track;
  int part = 0;
  for (const auto& [name, notes] : parts.of_part) {
    if (name.first == singing)
      lines.push_back({PassageLine::Kind::melody, part, highest_line(onsets_of(notes, kPassageTogether))});
    ++part;
  }
  return lines;
}

std::uint8_t pack_rhythm(const std::array<float, 2>& rhythm) {
  const auto step = [](float share) { return static_cast<int>(std::clamp(share, 0.0f, 1.0f) * kRhythmSteps + 0.5f); };
  return static_cast<std::uint8_t>(step(rhythm[0]) << 4 | step(rhythm[1]));
}

bool same_rhythm(const std::array<float, 2>& rhythm, std::uint8_t packed) {
  return std::abs(rhythm[0] - static_cast<float>(packed >> 4) / kRhythmSteps) <= kSameShare &&
         std::abs(rhythm[1] - static_cast<float>(packed & 15) / kRhythmSteps) <= kSameShare;
}

std::vector<PassageRun> passage_runs(const PassageLine& line, const PassageRuns& lengths) {
  const bool texture = line.kind == PassageLine::Kind::texture;
  const std::size_t length = lengths.of(line.kind);
  std::vector<PassageRun> runs;
  for (std::size_t i = 0; i + length <= line.onsets.size(); ++i) {
    std::uint64_t hash = texture ? 0x9E3779B97F4A7C15ULL : 0xC2B2AE3D27D4EB4FULL;
    const auto mix = [&](int value) {
      hash = (hash ^ static_cast<std::uint64_t>(value + 1024)) * 1099511628211ULL;
      hash ^= hash >> 31;
    };
    bool moves = false, wide = !texture;
    for (std::size_t k = i; k < i + length; ++k) {
      const PassageOnset& o = line.onsets[k];
      if (k > i) {
        mix(o.top - line.onsets[k - 1].top);
        moves |= o.top != line.onsets[k - 1].top;
      }
      if (texture) {
        mix(o.top - o.bottom);
        wide |= o.top != o.bottom;
      }
    }
    if (!moves || !wide) continue;
    hash *= 0x9E3779B97F4A7C15ULL;
    const double begin = line.onsets[i].time, whole = line.onsets[i + length - 1].time - begin;
    const auto share = [&](std::size_t k) {
      return whole > 0 ? static_cast<float>((line.onsets[i + k].time - begin) / whole) : 0.0f;
    };
    runs.push_back({static_cast<std::uint32_t>(hash >> (64 - kPassageHashBits)),
                    static_cast<std::uint32_t>(i),
                    {share((length + 1) / 4), share(length - 1 - (length + 1) / 4)}});
  }
  return runs;
}

}  // namespace euterpe
