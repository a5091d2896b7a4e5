#include "score/beat_track.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>

#include "base/hot.hpp"

namespace euterpe {
namespace {

constexpr double kSlowest = 40, kFastest = 220;  ///< beats a minute
/// Standard deviation of the logarithm of one beat's length over that of the beat before.
constexpr double kTempoChange = 0.025;
constexpr double kLargestChange = 0.1;
/// Standard deviation and center of the log-normal prior of the first tempo, and its weight at each beat.
constexpr double kPriorTempo = 96, kPriorSpread = 0.5;
constexpr float kPriorWeight = 0.15F;
/// Nats added at each beat, at least, and the log-odds of a beat halfway between two beats, less than theirs by this,
/// at which it is worth as much as none.
constexpr float kBeatBonus = 0.6F, kBetween = 2.6F;
/// Nats that a bar must gain to be cut short, and not shorter than two beats: a bar of two among bars of four.
constexpr double kShortBar = 3;
constexpr std::array<int, 2> kMeters{3, 4};
constexpr float kNever = -std::numeric_limits<float>::infinity();

/// best[i] = max over d of from[i + d] + cost[d][i] and `step` the d of the maximum, for d = 0 … changes − 1; `from`
/// has tempos + changes − 1 values. Tempos stand side by side, so that all of them go through one vector instruction.
EUTERPE_HOT void best_steps(const float* from, const float* cost, int changes, int tempos, float* best,
                            std::int32_t* step) {
  for (int i = 0; i < tempos; ++i) best[i] = kNever, step[i] = 0;
  for (int d = 0; d < changes; ++d) {
    const float* c = cost + d * tempos;
    for (int i = 0; i < tempos; ++i) {
      const float sum = from[i + d] + c[i];
      step[i] = sum > best[i] ? d : step[i];
      best[i] = sum > best[i] ? sum : best[i];
    }
  }
}

class Lattice {
 public:
  Lattice(const BeatLogOdds& odds, float bonus)
      : odds_(odds),
        bonus_(bonus),
        frames_(static_cast<int>(odds.beat.size())),
        shortest_(static_cast<int>(std::lround(60 / kFastest / odds.hop))),
        tempos_(static_cast<int>(std::lround(60 / kSlowest / odds.hop)) - shortest_ + 1) {
    for (const int meter : kMeters) places_ += meter;
    const int longest = shortest_ + tempos_ - 1;
    reach_ = static_cast<int>(std::ceil(longest * kLargestChange));
    cost_.assign(static_cast<std::size_t>((2 * reach_ + 1) * tempos_), kNever);
    for (int i = 0; i < tempos_; ++i) {
      const double octaves = std::log2(60 / (odds.hop * (shortest_ + i)) / kPriorTempo) / kPriorSpread;
      prior_.push_back(static_cast<float>(-0.5 * octaves * octaves));
      for (int d = -reach_; d <= reach_; ++d) {
        const int before = shortest_ + i + d;
        if (before < shortest_ || before > longest) continue;
        const double change = std::log(static_cast<double>(shortest_ + i) / before);
        if (std::abs(change) <= kLargestChange)
          cost_[static_cast<std::size_t>((d + reach_) * tempos_ + i)] =
              static_cast<float>(-0.5 * change * change / (kTempoChange * kTempoChange));
      }
    }
  }

  BeatTrack solve() {
    // value_[t % ring][place][tempo]: best score of a path with a beat at t that lasts shortest_ + tempo frames.
    const int ring = shortest_ + tempos_;
    const std::size_t slab = static_cast<std::size_t>(places_ * tempos_);
    std::vector<float> value(slab * static_cast<std::size_t>(ring));
    back_.assign(slab * static_cast<std::size_t>(frames_), 0);
    std::vector<float> came(static_cast<std::size_t>(tempos_ + 2 * reach_), kNever);
    std::vector<float> sums(static_cast<std::size_t>(tempos_));
    std::vector<std::int32_t> steps(static_cast<std::size_t>(tempos_));
    float best = kNever;
    int best_t = -1, best_place = 0, best_tempo = 0;
    for (int t = 0; t < frames_; ++t) {
      int bar = 0;
      for (const int meter : kMeters) {
        for (int k = 0; k < meter; ++k) {
          const int place = bar + k, before = bar + (k + meter - 1) % meter;
          for (int j = 0; j < tempos_; ++j) {
            const int from = t - shortest_ - j;
            came[static_cast<std::size_t>(reach_ + j)] = from < 0
                                                             ? kNever
                                                             : value[slab * static_cast<std::size_t>(from % ring) +
                                                                     static_cast<std::size_t>(before * tempos_ + j)];
          }
          best_steps(came.data(), cost_.data(), 2 * reach_ + 1, tempos_, sums.data(), steps.data());
          const float here = (k == 0 ? odds_.downbeat : odds_.beat)[static_cast<std::size_t>(t)] + bonus_;
          const auto row = static_cast<std::size_t>(place * tempos_);
          float* now = &value[slab * static_cast<std::size_t>(t % ring) + row];
          std::uint8_t* back = &back_[slab * static_cast<std::size_t>(t) + row];
          for (std::size_t i = 0; i < sums.size(); ++i) {
            // A path may begin with any beat that none of its tempo could precede.
            const bool early = t < shortest_ + static_cast<int>(i);
            const bool begins = early && prior_[i] >= sums[i];
            back[i] = static_cast<std::uint8_t>(begins ? 0 : 1 + steps[i]);
            now[i] = (begins ? prior_[i] : sums[i]) + here + kPriorWeight * prior_[i];
            if (t + shortest_ + static_cast<int>(i) >= frames_ && now[i] > best)
              best = now[i], best_t = t, best_place = place, best_tempo = static_cast<int>(i);
          }
        }
        bar += meter;
      }
    }
    return trace(best_t, best_place, best_tempo, slab);
  }

 private:
  BeatTrack trace(int t, int place, int tempo, std::size_t slab) const {
    BeatTrack track;
    if (t < 0) return track;
    int bar = 0;
    for (const int meter : kMeters) {
      if (place < bar + meter) {
        track.beats_per_bar = meter;
        break;
      }
      bar += meter;
    }
    double probability = 0;
    while (true) {
      const std::size_t frame = static_cast<std::size_t>(t);
      track.beats.push_back({t * odds_.hop, place - bar + 1});
      probability += 1 - 1 / (1 + std::exp(double{odds_.beat[frame]}) + std::exp(double{odds_.downbeat[frame]}));
      const int back = back_[slab * frame + static_cast<std::size_t>(place * tempos_ + tempo)];
      if (back == 0) break;
      tempo += back - 1 - reach_;
      t -= shortest_ + tempo;
      place = bar + (place - bar + track.beats_per_bar - 1) % track.beats_per_bar;
    }
    std::reverse(track.beats.begin(), track.beats.end());
    track.confidence = probability / static_cast<double>(track.beats.size());
    track.tempo = median_tempo(track.beats);
    return track;
  }

  const BeatLogOdds& odds_;
  float bonus_;  ///< nats a beat
  int frames_, shortest_, tempos_, places_ = 0;
  int reach_ = 0;                   ///< frames by which a beat may be longer or shorter than the one before
  std::vector<float> prior_;        ///< [tempos]
  std::vector<float> cost_;         ///< [2 reach + 1 × tempos], the earlier beat shorter first
  std::vector<std::uint8_t> back_;  ///< [frame][place][tempo]: 0 = the path begins here, else 1 + step
};

}  // namespace

double median_tempo(const std::vector<Beat>& beats) {
  if (beats.size() < 2) return 0;
  const std::size_t span = std::min<std::size_t>(8, beats.size() - 1);
  std::vector<double> lengths;
  for (std::size_t i = span; i < beats.size(); ++i) lengths.push_back(beats[i].time - beats[i - span].time);
  std::nth_element(lengths.begin(), lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() / 2), lengths.end());
  const double length = lengths[lengths.size() / 2];
  return length > 0 ? 60 * static_cast<double>(span) / length : 0;
}

BeatTrack track_in_windows(double seconds, const std::function<BeatTrack(double from, double to)>& track) {
  constexpr double kWindow = 600, kOverlap = 60;
  if (seconds <= kWindow) return track(0, seconds);
  BeatTrack whole;
  std::map<int, std::size_t> meters;
  double probability = 0;
  for (double from = 0; from + kOverlap < seconds; from += kWindow - kOverlap) {
    const BeatTrack part = track(from, std::min(seconds, from + kWindow));
    if (part.beats.empty()) continue;
    if (from > 0) std::erase_if(whole.beats, [&](const Beat& beat) { return beat.time >= from + kOverlap / 2; });
    // Both windows may have heard the beat at the joint, a few frames apart.
    const double last = whole.beats.empty() ? -1 : whole.beats.back().time + (part.tempo > 0 ? 30 / part.tempo : 0);
    for (const Beat& beat : part.beats)
      if ((from == 0 || beat.time >= from + kOverlap / 2) && beat.time > last) whole.beats.push_back(beat);
    meters[part.beats_per_bar] += part.beats.size();
    probability += part.confidence * static_cast<double>(part.beats.size());
  }
  std::size_t most = 0, all = 0;
  for (const auto& [meter, count] : meters) {
    if (count > most) most = count, whole.beats_per_bar = meter;
    all += count;
  }
  if (all > 0) whole.confidence = probability / static_cast<double>(all);
  whole.tempo = median_tempo(whole.beats);
  return whole;
}

void place_bars(std::vector<Beat>& beats, int beats_per_bar, const BeatLogOdds& odds, double from) {
  if (beats.empty() || beats_per_bar < 2) return;
  const auto bar = static_cast<std::size_t>(beats_per_bar);
  std::vector<double> value(bar), next(bar);
  std::vector<std::size_t> back(beats.size() * bar);  // the place of the beat before
  for (std::size_t i = 0; i < beats.size(); ++i) {
    const auto frame = std::lround((beats[i].time - from) / odds.hop);
    const bool heard = frame >= 0 && frame < static_cast<long>(odds.beat.size());
    const double gain =
        heard ? odds.downbeat[static_cast<std::size_t>(frame)] - odds.beat[static_cast<std::size_t>(frame)] : 0;
    for (std::size_t place = 0; place < bar; ++place) {
      std::size_t before = (place + bar - 1) % bar;
      double best = value[before];
      if (place == 0)
        for (std::size_t early = 1; early + 1 < bar; ++early)
          if (value[early] - kShortBar > best) best = value[early] - kShortBar, before = early;
      next[place] = best + (place == 0 ? gain : 0);
      back[i * bar + place] = before;
    }
    std::swap(value, next);
  }
  auto place = static_cast<std::size_t>(std::max_element(value.begin(), value.end()) - value.begin());
  for (std::size_t i = beats.size(); i-- > 0;) {
    beats[i].position = static_cast<int>(place) + 1;
    place = back[i * bar + place];
  }
}

BeatTrack decode_beats(const BeatLogOdds& odds) {
  if (odds.beat.empty()) return {};
  BeatTrack track = Lattice(odds, kBeatBonus).solve();
  // Where the network hears badly, its odds are low on all beats, and the fewest beats would cost the least. So what
  // is asked of further beats goes by the beats that were found.
  std::vector<float> found;
  for (const Beat& beat : track.beats) {
    const auto t = static_cast<std::size_t>(std::lround(beat.time / odds.hop));
    found.push_back(std::max(odds.beat[t], odds.downbeat[t]));
  }
  if (found.empty()) return track;
  std::nth_element(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(found.size() / 2), found.end());
  const float bonus = kBetween - found[found.size() / 2];
  if (bonus > kBeatBonus) track = Lattice(odds, bonus).solve();
  place_bars(track.beats, track.beats_per_bar, odds, 0);
  return track;
}

}  // namespace euterpe
