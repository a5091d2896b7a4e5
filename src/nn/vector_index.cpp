#include "nn/vector_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/checksum.hpp"
#include "base/error.hpp"
#include "base/hot.hpp"
#include "base/random.hpp"
#include "nn/nibble_scan.hpp"

namespace euterpe {
namespace {

constexpr std::array<char, 8> kMagic{'E', 'U', 'T', 'V', 'E', 'C', 'I', 'X'};
constexpr std::uint32_t kVersion = 1;
constexpr int kMostWidth = 4096;
constexpr double kDeviations = 2.7;      // from the mean: the least error of 16 even steps on normal numbers
constexpr std::size_t kSample = 50'000;  // vectors by which steps are chosen
constexpr std::size_t kAsked = 128;      // queries by which recall is measured
constexpr std::size_t kTop = 10;
constexpr std::size_t kFewestCandidates = 64, kMostCandidates = 8192;
constexpr std::size_t kChunk = 128;       // blocks whose codes stay in the cache while all queries pass
constexpr std::size_t kRowsAtOnce = 512;  // of an exact search

typedef float Floats4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef float Floats8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef float Floats16 __attribute__((vector_size(64), aligned(4), may_alias));

[[gnu::always_inline]] inline float sum_of(const Floats16& lanes) {
  const Floats8* halves = reinterpret_cast<const Floats8*>(&lanes);
  const Floats8 eight = halves[0] + halves[1];
  const Floats4* quarters = reinterpret_cast<const Floats4*>(&eight);
  const Floats4 four = quarters[0] + quarters[1];
  return (four[0] + four[2]) + (four[1] + four[3]);
}

/// Products of one query with rows that follow each other.
EUTERPE_HOT void products(const float* rows, const float* query, std::size_t width, std::size_t n, float* out) {
  constexpr std::size_t kAhead = 1024;  // numbers: what is far in memory is on its way when it is needed
  for (std::size_t i = 0; i < n; ++i, rows += width) {
    Floats16 even = {}, odd = {};  // two sums, so that one addition need not wait for the other
    std::size_t k = 0;
    for (; k + 32 <= width; k += 32) {
      __builtin_prefetch(rows + k + kAhead);
      __builtin_prefetch(rows + k + 16 + kAhead);
      const Floats16* row = reinterpret_cast<const Floats16*>(rows + k);
      const Floats16* asked = reinterpret_cast<const Floats16*>(query + k);
      even += row[0] * asked[0];
      odd += row[1] * asked[1];
    }
    float sum = sum_of(even + odd);
    for (; k < width; ++k) sum += rows[k] * query[k];
    out[i] = sum;
  }
}

bool better(const VectorHit& a, const VectorHit& b) { return a.score != b.score ? a.score > b.score : a.item < b.item; }

/// Keeps the k best of what is offered.
class Best {
 public:
  explicit Best(std::size_t k) : k_(k) {}
  /// Scores not above this one need not be offered.
  float threshold() const { return threshold_; }
  void offer(VectorHit hit) {
    if (k_ == 0) return;
    hits_.push_back(hit);
    if (hits_.size() >= 2 * k_ + 16) cut();
  }
  std::vector<VectorHit> take() {
    if (hits_.size() > k_) cut();
    std::sort(hits_.begin(), hits_.end(), better);
    return std::move(hits_);
  }

 private:
  void cut() {
    std::nth_element(hits_.begin(), hits_.begin() + static_cast<std::ptrdiff_t>(k_ - 1), hits_.end(), better);
    hits_.resize(k_);
    // An equal score may still win by its item.
    threshold_ = std::nextafter(hits_.back().score, -std::numeric_limits<float>::infinity());
  }
  std::size_t k_;
  float threshold_ = -std::numeric_limits<float>::infinity();
  std::vector<VectorHit> hits_;
};

[[noreturn]] void damaged(const std::filesystem::path& path, const std::string& what) {
  throw Error(Category::bad_input, "open_vector_index", path.string() + ": " + what, "delete it: it is built again");
}

constexpr std::size_t padded(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

struct VectorIndex::Header {
  std::array<char, 8> magic = kMagic;
  std::uint32_t version = kVersion, width = 0;
  std::uint64_t vectors = 0, candidates = 0;
  double recall = 0;
  std::uint64_t size = 0, checksum = 0, reserved = 0;
};

struct VectorIndex::Candidate {
  std::uint32_t item;
  std::int32_t sum;
};

VectorIndex::VectorIndex(std::vector<float> vectors, int width, const VectorIndexOptions& options)
    : width_(width), own_vectors_(std::move(vectors)) {
  EUTERPE_ASSERT(width >= 1 && own_vectors_.size() % static_cast<std::size_t>(width) == 0);
  EUTERPE_ASSERT(options.asked.size() % static_cast<std::size_t>(width) == 0);
  vectors_ = own_vectors_;
  if (width > kMostWidth || size() > std::numeric_limits<std::uint32_t>::max())
    throw Error(Category::unsupported, "build_vector_index", fmt::format("{} vectors of {} numbers", size(), width),
                fmt::format("up to 2^32 - 1 of up to {}", kMostWidth));
  for (std::size_t i = 0; i < vectors_.size(); ++i)
    if (!std::isfinite(vectors_[i]))
      throw Error(Category::bad_input, "build_vector_index",
                  fmt::format("vector {}, dimension {}: {} is no finite number", i / static_cast<std::size_t>(width),
                              i % static_cast<std::size_t>(width), vectors_[i]));
  encode();
  measure(options);
}

void VectorIndex::encode() {
  const auto width = static_cast<std::size_t>(width_);
  const std::size_t n = size(), every = std::max<std::size_t>(1, n / kSample);
  own_scale_.assign(2 * width, 0);
  const std::span<float> scale(own_scale_);
  lowest_ = scale.first(width);
  step_ = scale.subspan(width);
  for (std::size_t d = 0; d < width; ++d) {
    double sum = 0, square = 0, low = 0, high = 0, count = 0;
    for (std::size_t i = 0; i < n; i += every) {
      const double x = vectors_[i * width + d];
      low = count == 0 ? x : std::min(low, x);
      high = count == 0 ? x : std::max(high, x);
      sum += x, square += x * x, ++count;
    }
    const double mean = count > 0 ? sum / count : 0;
    const double deviation = count > 0 ? std::sqrt(std::max(0., square / count - mean * mean)) : 0;
    low = std::max(low, mean - kDeviations * deviation);
    high = std::min(high, mean + kDeviations * deviation);
    scale[d] = static_cast<float>(low);
    scale[width + d] = static_cast<float>((high - low) / 15);
  }
  const std::size_t groups = (width + kNibbleDims - 1) / kNibbleDims, block = groups * 64;
  own_codes_.assign((n + kNibbleBlock - 1) / kNibbleBlock * block, 0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t d = 0; d < width; ++d) {
      const float step = step_[d];
      const float at = step > 0 ? (vectors_[i * width + d] - lowest_[d]) / step : 0;
      const auto code = static_cast<std::uint8_t>(std::clamp(std::lround(at), 0L, 15L));
      std::uint8_t& byte = own_codes_[i / kNibbleBlock * block + nibble_place(i % kNibbleBlock, d)];
      byte = static_cast<std::uint8_t>(byte | (d % kNibbleDims < 4 ? code : code << 4));
    }
  codes_ = own_codes_;
}

/// Where the ten exactly best stand among the candidates decides how many of those are needed.
void VectorIndex::measure(const VectorIndexOptions& options) {
  if (size() <= kFewest) return;
  const auto width = static_cast<std::size_t>(width_);
  std::vector<float> asked(options.asked.begin(), options.asked.end());
  if (asked.empty()) {
    Random random(1);
    for (std::size_t q = 0; q < kAsked; ++q) {
      const auto row = vectors_.subspan(random.below(size()) * width, width);
      asked.insert(asked.end(), row.begin(), row.end());
    }
  }
  const auto exact = search_exactly(asked, kTop);
  auto found = candidates(asked, kMostCandidates, {});
  std::vector<std::size_t> places;
  for (std::size_t q = 0; q < found.size(); ++q) {
    std::sort(found[q].begin(), found[q].end(),
              [](const Candidate& a, const Candidate& b) { return a.sum != b.sum ? a.sum > b.sum : a.item < b.item; });
    for (const VectorHit& hit : exact[q])
      places.push_back(static_cast<std::size_t>(
          std::find_if(found[q].begin(), found[q].end(), [&](const Candidate& c) { return c.item == hit.item; }) -
          found[q].begin()));
  }
  for (candidates_ = kFewestCandidates;; candidates_ *= 2) {
    const auto held = std::count_if(places.begin(), places.end(), [&](std::size_t p) { return p < candidates_; });
    recall_ = static_cast<double>(held) / static_cast<double>(places.size());
    if (recall_ >= options.recall || candidates_ >= kMostCandidates) return;
  }
}

std::vector<std::vector<VectorIndex::Candidate>> VectorIndex::candidates(
    std::span<const float> queries, std::size_t count, const std::function<bool(std::uint32_t)>& excluded) const {
  const auto width = static_cast<std::size_t>(width_);
  const std::size_t n = queries.size() / width, groups = (width + kNibbleDims - 1) / kNibbleDims,
                    padded_width = groups * kNibbleDims, blocks = codes_.size() / (groups * 64);
  std::vector<std::int8_t> weights(n * padded_width, 0);
  for (std::size_t q = 0; q < n; ++q) {
    float largest = 0;
    for (std::size_t d = 0; d < width; ++d) largest = std::max(largest, std::abs(queries[q * width + d] * step_[d]));
    if (!(largest > 0)) continue;
    // The order in memory is that of nibble_place(): four lower halves, then four upper ones, as dimensions come.
    for (std::size_t d = 0; d < width; ++d)
      weights[q * padded_width + d] =
          static_cast<std::int8_t>(std::lround(queries[q * width + d] * step_[d] / largest * 127));
  }
  constexpr std::size_t kRoom = (kChunk + 1) * kNibbleBlock;
  std::vector<std::uint32_t> items(kNibbleQueries * kRoom);
  std::vector<std::int32_t> sums(items.size());
  std::vector<std::vector<Candidate>> out(n);
  const auto by_sum = [](const Candidate& a, const Candidate& b) {
    return a.sum != b.sum ? a.sum > b.sum : a.item < b.item;
  };
  const NibbleKernel& kernel = nibble_kernel();
  std::vector<std::int32_t> thresholds(n, std::numeric_limits<std::int32_t>::min());
  for (std::vector<Candidate>& own : out) own.reserve(2 * count + kRoom);
  for (std::size_t first = 0; first < blocks; first += kChunk) {
    const std::size_t here = std::min(kChunk, blocks - first);
    for (std::size_t q = 0; q < n; q += kNibbleQueries) {
      const std::size_t together = std::min<std::size_t>(kNibbleQueries, n - q);
      NibbleHits hits[kNibbleQueries];
      for (std::size_t k = 0; k < together; ++k) hits[k] = {items.data() + k * kRoom, sums.data() + k * kRoom};
      kernel.scan(codes_.data() + first * groups * 64, here, static_cast<int>(groups),
                  weights.data() + q * padded_width, static_cast<int>(together), thresholds.data() + q, hits);
      for (std::size_t k = 0; k < together; ++k) {
        std::vector<Candidate>& own = out[q + k];
        for (std::size_t h = 0; h < hits[k].count; ++h) {
          const auto item = static_cast<std::uint32_t>(first * kNibbleBlock) + hits[k].vectors[h];
          if (item < size() && !(excluded && excluded(item))) own.push_back({item, hits[k].sums[h]});
        }
        if (own.size() < 2 * count) continue;
        std::nth_element(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(count - 1), own.end(), by_sum);
        own.resize(count);
        thresholds[q + k] = own.back().sum;
      }
    }
  }
  for (std::vector<Candidate>& own : out) {
    if (own.size() <= count) continue;
    std::nth_element(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(count - 1), own.end(), by_sum);
    own.resize(count);
  }
  return out;
}

std::vector<std::vector<VectorHit>> VectorIndex::search(std::span<const float> queries, std::size_t k,
                                                        const std::function<bool(std::uint32_t)>& excluded) const {
  EUTERPE_ASSERT(queries.size() % static_cast<std::size_t>(width_) == 0);
  const std::size_t count = std::max(candidates_, candidates_ * ((k + kTop - 1) / kTop));
  if (candidates_ == 0 || count >= size() / 4) return search_exactly(queries, k, excluded);
  const auto width = static_cast<std::size_t>(width_);
  std::vector<std::vector<VectorHit>> out;
  for (std::vector<Candidate>& own : candidates(queries, count, excluded)) {
    const float* query = queries.data() + out.size() * width;
    std::sort(own.begin(), own.end(), [](const Candidate& a, const Candidate& b) { return a.item < b.item; });
    constexpr std::size_t kAhead = 8;  // rows lie anywhere in memory
    Best best(k);
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (i + kAhead < own.size()) {
        const float* next = vectors_.data() + own[i + kAhead].item * width;
        for (std::size_t d = 0; d < width; d += 16) __builtin_prefetch(next + d);
      }
      float score = 0;
      products(vectors_.data() + own[i].item * width, query, width, 1, &score);
      if (score > best.threshold()) best.offer({own[i].item, score});
    }
    out.push_back(best.take());
  }
  return out;
}

std::vector<std::vector<VectorHit>> VectorIndex::search_exactly(
    std::span<const float> queries, std::size_t k, const std::function<bool(std::uint32_t)>& excluded) const {
  const auto width = static_cast<std::size_t>(width_);
  const std::size_t n = queries.size() / width, items = size();
  std::vector<Best> best(n, Best(k));
  std::vector<float> scores(kRowsAtOnce);
  for (std::size_t first = 0; first < items; first += kRowsAtOnce) {  // read once for all queries
    const std::size_t rows = std::min(kRowsAtOnce, items - first);
    for (std::size_t q = 0; q < n; ++q) {
      products(vectors_.data() + first * width, queries.data() + q * width, width, rows, scores.data());
      const float threshold = best[q].threshold();
      for (std::size_t i = 0; i < rows; ++i) {
        if (!(scores[i] > threshold)) continue;
        const auto item = static_cast<std::uint32_t>(first + i);
        if (!(excluded && excluded(item))) best[q].offer({item, scores[i]});
      }
    }
  }
  std::vector<std::vector<VectorHit>> out;
  for (Best& own : best) out.push_back(own.take());
  return out;
}

void score_vectors(std::span<const float> vectors, std::span<const float> query, std::span<float> scores) {
  EUTERPE_ASSERT(vectors.size() == query.size() * scores.size());
  products(vectors.data(), query.data(), query.size(), scores.size(), scores.data());
}

std::size_t VectorIndex::bytes() const {
  return file_ ? file_->bytes().size() : vectors_.size_bytes() + codes_.size() + own_scale_.size() * sizeof(float);
}

void VectorIndex::write(const std::filesystem::path& path) const {
  const std::size_t floats = sizeof(Header) + lowest_.size_bytes() + step_.size_bytes() + vectors_.size_bytes();
  std::vector<std::uint8_t> out(padded(floats) + codes_.size());
  std::size_t at = sizeof(Header);
  const auto put = [&](const void* data, std::size_t bytes) {
    if (bytes > 0) std::memcpy(out.data() + at, data, bytes);
    at += bytes;
  };
  put(lowest_.data(), lowest_.size_bytes());
  put(step_.data(), step_.size_bytes());
  put(vectors_.data(), vectors_.size_bytes());
  at = padded(floats);
  put(codes_.data(), codes_.size());
  Header header;
  header.width = static_cast<std::uint32_t>(width_);
  header.vectors = size();
  header.candidates = candidates_;
  header.recall = recall_;
  header.size = out.size();
  std::memcpy(out.data(), &header, sizeof header);
  Checksum sum;
  sum.add(out);
  header.checksum = sum.value();
  std::memcpy(out.data(), &header, sizeof header);
  write_file(path, out);
}

VectorIndex::VectorIndex(const std::filesystem::path& path) {
  static_assert(sizeof(Header) == 64);
  file_.emplace(path);
  const std::span<const std::uint8_t> bytes = file_->bytes();
  Header header;
  if (bytes.size() < sizeof header) damaged(path, fmt::format("{} bytes are no index: cut off?", bytes.size()));
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic) damaged(path, "byte 0: this is no index of vectors");
  if (header.version > kVersion)
    throw Error(Category::newer_version, "open_vector_index",
                fmt::format("{}: version {}, this program reads {}", path.string(), header.version, kVersion));
  if (header.version != kVersion || header.width < 1 || header.width > kMostWidth)
    damaged(path, "byte 8: the header makes no sense");
  if (header.size != bytes.size())
    damaged(path,
            fmt::format("byte 40: the index is {} bytes but the file is {}: cut off?", header.size, bytes.size()));
  const std::size_t width = header.width, groups = (width + kNibbleDims - 1) / kNibbleDims;
  if (header.vectors > bytes.size() / (width * sizeof(float)))
    damaged(path, "byte 16: the count does not fit the file");
  const std::size_t floats = sizeof header + (2 + header.vectors) * width * sizeof(float),
                    codes = (header.vectors + kNibbleBlock - 1) / kNibbleBlock * groups * 64;
  if (padded(floats) + codes != bytes.size()) damaged(path, "byte 16: the count does not fit the file");
  Header without = header;
  without.checksum = 0;
  std::uint8_t head[sizeof header];
  std::memcpy(head, &without, sizeof head);
  Checksum sum;
  sum.add(head);
  sum.add(bytes.subspan(sizeof head));
  if (sum.value() != header.checksum) damaged(path, "the checksum is wrong: bytes were changed");
  width_ = static_cast<int>(width);
  candidates_ = header.candidates;
  recall_ = header.recall;
  const auto* first = reinterpret_cast<const float*>(bytes.data() + sizeof header);
  lowest_ = {first, width};
  step_ = {first + width, width};
  vectors_ = {first + 2 * width, header.vectors * width};
  codes_ = bytes.subspan(padded(floats), codes);
}

}  // namespace euterpe
