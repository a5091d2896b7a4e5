#include "corpus/media_audio_defects.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <memory>
#include <numbers>

#include "base/interrupt.hpp"
#include "media/container.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

constexpr double kBlockSeconds = 0.05;
constexpr int kFft = 2048;
constexpr std::size_t kSpectrumEvery = 8;  // of the transform's lengths one is looked at: the mean needs no more
constexpr double kBandDb = -70;
constexpr int kLevels = 256;  // of flat tops, up to twice full scale
constexpr std::size_t kFlatRun = 3;
constexpr float kFlat = 2e-5F;     // a flat top's samples differ by less than a step of 16 bits
constexpr float kSlope = 0.002F;   // before it the wave still climbs by more than this share: a crest does not
constexpr float kFlatFrom = 0.1F;  // of full scale: below, equal samples are quiet passages

double decibels(double power) { return 10 * std::log10(std::max(power, 1e-20)); }

/// Runs of equal samples by their level: which of them stand near the peak is known at the end only.
class FlatTops {
 public:
  void push(std::span<const float> x) {
    for (const float v : x) {
      const float size = std::abs(v);
      if (run_ > 0 && std::abs(v - last_) <= kFlat) {
        ++run_;
      } else {
        end(size);
        run_ = 1;
        rises_ = size > kFlatFrom && std::abs(last_) < size * (1 - kSlope);
      }
      last_ = v;
    }
  }
  double share(double peak, double samples) {
    end(0);
    double flat = 0;
    for (auto i = static_cast<std::size_t>(std::min<double>(0.95 * peak * kLevels / 2, kLevels)); i < kLevels; ++i)
      flat += flat_[i];
    return samples > 0 ? flat / samples : 0;
  }

 private:
  void end(float next) {
    const float size = std::abs(last_);
    if (run_ >= kFlatRun && rises_ && next < size * (1 - kSlope))
      flat_[static_cast<std::size_t>(std::min<double>(double{size} * kLevels / 2, kLevels - 1))] +=
          static_cast<double>(run_);
  }
  std::array<double, kLevels> flat_{};
  std::size_t run_ = 0;
  float last_ = 0;
  bool rises_ = false;
};

class Examiner {
 public:
  Examiner() : fft_(kFft), window_(hann_window(kFft)), frame_(kFft), bins_(kFft / 2 + 1), power_(kFft / 2 + 1, 0.0) {
    crypto_hash_sha256_init(&hash_);
  }

  void push(const AudioBuffer& audio) {
    if (squares_.empty()) begin(audio);
    for (int c = 0; c < audio.channels; ++c) channel(static_cast<std::size_t>(c), audio.channel(c));
    if (audio.channels > 1) {
      const auto left = audio.channel(0), right = audio.channel(1);
      for (std::size_t i = 0; i < left.size(); ++i) cross_ += double{left[i]} * right[i];
    }
    blocks(audio);
    frames_ += audio.frames();
  }

  void finish(AudioFacts& facts) {
    end_block();
    const auto n = static_cast<double>(frames_);
    double all = 0;
    facts.sample_rate = rate_;
    facts.channels = static_cast<int>(squares_.size());
    facts.seconds = rate_ > 0 ? n / rate_ : 0;
    facts.peak = peak_;
    for (std::size_t c = 0; c < squares_.size(); ++c) {
      facts.dc.push_back(sums_[c] / n);
      facts.channel_db.push_back(decibels(squares_[c] / n - facts.dc[c] * facts.dc[c]));
      facts.clipped_share += flat_[c].share(peak_, n * static_cast<double>(squares_.size()));
      all += squares_[c] / n / static_cast<double>(squares_.size());
    }
    facts.level_db = decibels(all);
    if (squares_.size() > 1 && squares_[0] > 0 && squares_[1] > 0)
      facts.correlation = cross_ / std::sqrt(squares_[0] * squares_[1]);
    facts.lead = std::min(facts.seconds, static_cast<double>(lead_) * kBlockSeconds);
    facts.tail = lead_ == blocks_ ? 0 : static_cast<double>(tail_) * kBlockSeconds;
    if (lead_ < blocks_) {
      facts.silent_share = static_cast<double>(silent_ - lead_ - tail_) / static_cast<double>(blocks_ - lead_ - tail_);
      facts.end_db = last_db_ - facts.level_db;
    } else {
      facts.silent_share = 1;
    }
    spectrum(facts);
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    crypto_hash_sha256_final(&hash_, digest.data());
    facts.sound = fmt::format("{:02x}", fmt::join(digest, ""));
  }

 private:
  void begin(const AudioBuffer& audio) {
    rate_ = audio.sample_rate;
    const auto channels = static_cast<std::size_t>(audio.channels);
    squares_.resize(channels);
    sums_.resize(channels);
    flat_.resize(channels);
    block_squares_.resize(channels);
    block_sums_.resize(channels);
    block_length_ = static_cast<std::size_t>(kBlockSeconds * rate_);
    const std::array<int, 2> shape{audio.sample_rate, audio.channels};
    crypto_hash_sha256_update(&hash_, reinterpret_cast<const unsigned char*>(shape.data()), sizeof shape);
  }

  void channel(std::size_t c, std::span<const float> x) {
    for (const float v : x) {
      sums_[c] += v;
      squares_[c] += double{v} * v;
      peak_ = std::max(peak_, std::abs(v));
    }
    flat_[c].push(x);
    crypto_hash_sha256_update(&hash_, reinterpret_cast<const unsigned char*>(x.data()), x.size_bytes());
  }

  /// Levels of 50 ms, a constant offset taken out, and the spectrum of the first channel.
  void blocks(const AudioBuffer& audio) {
    for (std::size_t i = 0; i < audio.frames(); ++i) {
      for (std::size_t c = 0; c < squares_.size(); ++c) {
        const double v = audio.channel(static_cast<int>(c))[i];
        block_squares_[c] += v * v;
        block_sums_[c] += v;
      }
      if (++in_block_ == block_length_) end_block();
    }
    const auto x = audio.channel(0);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t place = (frames_ + i) % (kFft * kSpectrumEvery);
      if (place >= kFft) continue;
      frame_[place] = x[i] * window_[place];
      if (place + 1 == kFft) {
        fft_.forward(frame_.data(), bins_.data());
        for (std::size_t k = 0; k < bins_.size(); ++k) power_[k] += std::norm(bins_[k]);
      }
    }
  }

  void end_block() {
    if (in_block_ == 0) return;
    double loudest = -200;
    const auto n = static_cast<double>(in_block_);
    for (std::size_t c = 0; c < squares_.size(); ++c) {
      const double mean = block_sums_[c] / n;
      loudest = std::max(loudest, decibels(block_squares_[c] / n - mean * mean));
      block_squares_[c] = block_sums_[c] = 0;
    }
    in_block_ = 0;
    ++blocks_;
    if (loudest < AudioFacts::kSilenceDb) {
      ++silent_;
      ++tail_;
      if (silent_ == blocks_) ++lead_;
    } else {
      tail_ = 0;
      last_db_ = loudest;
    }
  }

  void spectrum(AudioFacts& facts) const {
    const auto bins = static_cast<int>(power_.size());
    const double hertz = static_cast<double>(rate_) / kFft;
    const auto level = [&](int from, int to) {  // mean of [from, to)
      double sum = 0;
      for (int k = std::max(1, from); k < std::min(to, bins); ++k) sum += power_[static_cast<std::size_t>(k)];
      return decibels(sum / std::max(1, to - from));
    };
    constexpr int kStep = 8;
    double strongest = -200;
    for (int k = 0; k + kStep <= bins; k += kStep) strongest = std::max(strongest, level(k, k + kStep));
    for (int k = bins - 1 - kStep; k >= 0; k -= kStep) {
      if (level(k, k + kStep) < strongest + kBandDb) continue;
      facts.bandwidth = std::min((k + kStep) * hertz, rate_ / 2.0);
      break;
    }
    const int top = static_cast<int>(facts.bandwidth / hertz);
    int sounding = 0;
    for (int k = top / 2; k < top; ++k) sounding += level(k, k + 1) > strongest + kBandDb;
    facts.filled = top > 1 ? static_cast<double>(sounding) / (top - top / 2) : 0;
    // The wall is the steepest fall over a twentieth of the band from there down.
    const int width = std::max(kStep, top / 20);
    for (int k = top; k > top - 3 * width; k -= kStep)
      facts.edge_db = std::max(facts.edge_db, level(k - width, k) - level(k + width, k + 2 * width));
  }

  RealFft fft_;
  std::vector<float> window_, frame_;
  std::vector<std::complex<float>> bins_;
  std::vector<double> power_, sums_, squares_, block_squares_, block_sums_;
  std::vector<FlatTops> flat_;
  crypto_hash_sha256_state hash_{};
  int rate_ = 0;
  float peak_ = 0;
  double cross_ = 0, last_db_ = -200;
  std::size_t frames_ = 0, block_length_ = 1, in_block_ = 0, blocks_ = 0, silent_ = 0, lead_ = 0, tail_ = 0;
};

}  // namespace

AudioFacts examine_audio(const std::filesystem::path& path) {
  AudioFacts facts;
  Examiner examiner;
  decode_blocks(
      path, {.sample_rate = 0, .channels = 0},
      [&](const AudioBuffer& block) {
        check_interrupt();
        examiner.push(block);
        return true;
      },
      nullptr, &facts.loss);
  examiner.finish(facts);
  facts.cut = ends_early(path);
  PeakPicker picker(kTrackPeaks);
  decode_blocks(path, {.sample_rate = kLandmarkRate, .channels = 1}, [&](const AudioBuffer& block) {
    check_interrupt();
    picker.push(block.channel(0));
    return true;
  });
  facts.print = picker.finish();
  return facts;
}

Verdict judge(const AudioFacts& facts, const DefectLimits& limits) {
  constexpr double kDc = 2e-3;        // −54 dB of full scale
  constexpr double kEmptyDb = 50;     // a channel so far below the other holds nothing but its noise
  constexpr double kInverted = -0.9;  // a mono mix would cancel by more than 13 dB
  constexpr double kSame = 0.99999;
  constexpr double kAbruptDb = -10;
  constexpr double kWallDb = 25;
  constexpr double kBreath = 0.12;  // seconds
  Verdict verdict;
  // A moment of silence is an encoder's delay or a breath; what is cut off is worth a word only beyond.
  const double lead = facts.lead > kBreath ? facts.lead : 0, tail = facts.tail > kBreath ? facts.tail : 0;
  verdict.offset = lead;
  verdict.length = facts.silent_share < 1 ? facts.seconds - lead - tail : 0;
  const auto leave_out = [&](const char* reason, std::string detail) {
    if (!verdict.left_out.empty()) return;
    verdict.left_out = reason;
    verdict.detail = std::move(detail);
  };
  const bool abrupt = facts.silent_share < 1 && tail == 0 && facts.end_db > kAbruptDb;
  if (facts.silent_share >= 1)
    leave_out("silent",
              fmt::format("nothing in {:.2f} s is louder than {:.0f} dB", facts.seconds, AudioFacts::kSilenceDb));
  if (facts.silent_share > limits.silent_share)
    leave_out("silent", fmt::format("silent for {:.0f} % of {:.1f} s", 100 * facts.silent_share,
                                    facts.seconds - facts.lead - facts.tail));
  if (limits.broken && facts.loss.missing > 0)
    leave_out("broken off", fmt::format("{:.1f} s are missing after {:.1f} s", facts.loss.missing, facts.seconds));
  if (limits.broken && facts.cut)
    leave_out("broken off", fmt::format("the file ends after {:.1f} s, before its container does", facts.seconds));
  if (limits.broken && facts.loss.damaged_packets > 0)
    leave_out("damaged", fmt::format("{} damaged packets", facts.loss.damaged_packets));
  if (verdict.length < limits.shortest)
    leave_out("short", fmt::format("{:.2f} s of sound, {:.2f} are the least", verdict.length, limits.shortest));
  if (facts.clipped_share > limits.clipped_share)
    leave_out("clipped", fmt::format("{:.2f} % of the samples stand on flat tops at {:.2f} of full scale",
                                     100 * facts.clipped_share, facts.peak));
  if (abrupt && facts.end_db > limits.end_db)
    leave_out("abrupt end", fmt::format("ends {:+.1f} dB over its mean level", facts.end_db));
  if (facts.bandwidth < limits.bandwidth)
    leave_out("narrow band", fmt::format("nothing above {:.0f} Hz", facts.bandwidth));

  if (facts.channels == 2) {
    const double difference = facts.channel_db[0] - facts.channel_db[1];
    if (std::abs(difference) > kEmptyDb) {
      verdict.mended.push_back("empty channel");
      verdict.channel = difference > 0 ? 0 : 1;
    } else if (facts.correlation < kInverted) {
      verdict.mended.push_back("inverted channel");
      verdict.channel = 0;
    } else if (facts.correlation > kSame) {
      verdict.noted.push_back("mono in stereo");
    }
  }
  for (std::size_t c = 0; c < facts.dc.size(); ++c)
    if (verdict.channel < 0)
      verdict.dc += facts.dc[c] / static_cast<double>(facts.dc.size());
    else if (static_cast<int>(c) == verdict.channel)
      verdict.dc = facts.dc[c];
  if (std::abs(verdict.dc) > kDc)
    verdict.mended.push_back("dc offset");
  else
    verdict.dc = 0;
  if (lead > 0 || tail > 0) verdict.mended.push_back("silence at the ends");
  if (facts.loss.not_finite > 0) verdict.mended.push_back("no numbers");
  if (facts.edge_db > kWallDb && facts.filled > 0.8 && facts.bandwidth > 1000 &&
      facts.bandwidth < 0.7 * facts.sample_rate / 2)
    verdict.noted.push_back("upsampled");
  if (abrupt) verdict.noted.push_back("abrupt end");
  return verdict;
}

}  // namespace euterpe
