#include "protect/landmark_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/checksum.hpp"
#include "base/error.hpp"

namespace euterpe {
namespace {

static_assert(std::endian::native == std::endian::little, "the index is mapped as it stands");

constexpr char kMagic[8] = {'E', 'U', 'T', 'L', 'M', 'I', 'D', 'X'};
constexpr std::uint32_t kVersion = 1;
constexpr int kLowBits = 16;
constexpr std::size_t kBuckets = std::size_t{1} << (kLandmarkHashBits - kLowBits);
constexpr int kTrackFrameBits = 23, kBinBits = 9;
constexpr int kFanOut = 3;

struct Header {
  char magic[8];
  std::uint32_t version, hash_bits;
  std::uint64_t size, stamp, tracks, postings, peaks, checksum;
};
static_assert(sizeof(Header) == 64);

constexpr std::size_t padded(std::size_t bytes) { return (bytes + 7) / 8 * 8; }

/// Of the header, its own field as zero, and the body.
std::uint64_t checksum(Header header, std::span<const std::uint8_t> body) {
  header.checksum = 0;
  std::uint8_t head[sizeof header];
  std::memcpy(head, &header, sizeof header);
  Checksum sum;
  sum.add(head);
  sum.add(body);
  return sum.value();
}

template <class T>
void append(std::vector<std::uint8_t>& out, std::span<const T> values) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(values.data());
  out.insert(out.end(), data, data + values.size_bytes());
  out.resize(padded(out.size()));
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

void LandmarkIndexBuilder::add(std::string_view id, const Constellation& constellation) {
  if (id.size() != 64 || std::any_of(id.begin(), id.end(), [](char c) { return hex_digit(c) < 0; }))
    throw Error(Category::bad_input, "index", fmt::format("\"{}\" is no track id (64 hexadecimal digits)", id));
  if (constellation.frames >= 1U << kTrackFrameBits)
    throw Error(Category::unsupported, "index",
                fmt::format("{}: {:.0f} hours in one recording", id, constellation.frames * kLandmarkFrame / 3600),
                "cut it into parts of at most 54 hours");
  if (frames_ + constellation.frames > UINT32_MAX)
    throw Error(Category::unsupported, "index", "more than 27,000 hours do not fit one index");
  const auto first = static_cast<std::uint32_t>(frames_);
  tracks_.push_back({std::string(id), first, constellation.frames, peaks_.size()});
  for (const Landmark& l : landmarks(constellation, kFanOut))
    postings_.push_back((std::uint64_t{l.hash} << 32) | (first + l.frame));
  for (const Peak& p : constellation.peaks) peaks_.push_back((p.frame << kBinBits) | p.bin);
  frames_ += constellation.frames;
}

std::vector<std::uint8_t> LandmarkIndexBuilder::finish(std::uint64_t stamp) {
  std::sort(postings_.begin(), postings_.end());
  std::vector<LandmarkIndex::Entry> entries;
  for (const Track& t : tracks_) {
    LandmarkIndex::Entry e{{}, t.first_frame, t.frames, t.first_peak};
    for (std::size_t i = 0; i < 32; ++i)
      e.id[i] = static_cast<std::uint8_t>(hex_digit(t.id[2 * i]) * 16 + hex_digit(t.id[2 * i + 1]));
    entries.push_back(e);
  }
  std::vector<std::uint64_t> buckets(kBuckets + 1, 0);
  std::vector<std::uint16_t> low;
  std::vector<std::uint32_t> frames;
  low.reserve(postings_.size());
  frames.reserve(postings_.size());
  for (const std::uint64_t p : postings_) {
    ++buckets[(p >> (32 + kLowBits)) + 1];
    low.push_back(static_cast<std::uint16_t>(p >> 32));
    frames.push_back(static_cast<std::uint32_t>(p));
  }
  for (std::size_t b = 1; b <= kBuckets; ++b) buckets[b] += buckets[b - 1];

  Header header{{}, kVersion, kLandmarkHashBits, 0, stamp, tracks_.size(), postings_.size(), peaks_.size(), 0};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  std::vector<std::uint8_t> out(sizeof header);
  append<LandmarkIndex::Entry>(out, entries);
  append<std::uint64_t>(out, buckets);
  append<std::uint16_t>(out, low);
  append<std::uint32_t>(out, frames);
  append<std::uint32_t>(out, peaks_);
  header.size = out.size();
  header.checksum = checksum(header, std::span(out).subspan(sizeof header));
  std::memcpy(out.data(), &header, sizeof header);
  return out;
}

LandmarkIndex::LandmarkIndex(const std::filesystem::path& path) {
  file_.emplace_back(path);
  bytes_ = file_.front().bytes();
  check(path.string());
}

LandmarkIndex::LandmarkIndex(std::vector<std::uint8_t> bytes, std::string name)
    : memory_(std::move(bytes)), bytes_(memory_) {
  check(name);
}

void LandmarkIndex::check(const std::string& name) {
  const auto damaged = [&](const std::string& what) {
    throw Error(Category::bad_input, "open_index", name + ": " + what, "delete it; it is built again from the catalog");
  };
  Header header;
  if (bytes_.size() < sizeof header) damaged(fmt::format("{} bytes are no index: cut off?", bytes_.size()));
  std::memcpy(&header, bytes_.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) damaged("byte 0: this is no landmark index");
  if (header.version > kVersion)
    throw Error(Category::newer_version, "open_index",
                fmt::format("{}: version {}, this program reads {}", name, header.version, kVersion));
  if (header.version != kVersion || header.hash_bits != kLandmarkHashBits) damaged("byte 8: unknown version or hash");
  if (header.size != bytes_.size())
    damaged(fmt::format("byte 16: the index is {} bytes but the file is {}: cut off?", header.size, bytes_.size()));
  // Each count alone must fit the file before their sum is trusted not to overflow.
  if (header.tracks > bytes_.size() / sizeof(Entry) || header.postings > bytes_.size() / 6 ||
      header.peaks > bytes_.size() / 4)
    damaged("byte 32: the counts do not fit the file");
  std::size_t at = sizeof header;
  const auto section = [&]<class T>(std::span<const T>& to, std::size_t count) {
    const std::size_t begin = at;
    at += padded(count * sizeof(T));
    if (at <= bytes_.size()) to = {reinterpret_cast<const T*>(bytes_.data() + begin), count};
  };
  section(tracks_, header.tracks);
  section(buckets_, kBuckets + 1);
  section(low_, header.postings);
  section(frames_, header.postings);
  section(peaks_, header.peaks);
  if (at != bytes_.size()) damaged("byte 32: the counts do not fit the file");

  if (header.checksum != checksum(header, bytes_.subspan(sizeof header)))
    damaged("the checksum is wrong: bytes were changed");

  std::uint64_t frame = 0, peak = 0;
  for (const Entry& t : tracks_) {
    if (t.first_frame != frame || t.first_peak < peak || t.first_peak > header.peaks)
      damaged("the list of tracks is wrong");
    frame += t.frames;
    peak = t.first_peak;
  }
  if (!std::is_sorted(buckets_.begin(), buckets_.end()) || buckets_.front() != 0 || buckets_.back() != header.postings)
    damaged("the list of buckets is wrong");
  stamp_ = header.stamp;
}

std::string LandmarkIndex::id(std::size_t track) const {
  return fmt::format("{:02x}", fmt::join(tracks_[track].id, ""));
}

std::uint64_t LandmarkIndex::total_frames() const {
  return tracks_.empty() ? 0 : std::uint64_t{tracks_.back().first_frame} + tracks_.back().frames;
}

std::span<const std::uint32_t> LandmarkIndex::lookup(std::uint32_t hash) const {
  const std::size_t bucket = hash >> kLowBits;
  if (bucket >= kBuckets) return {};
  const auto begin = low_.begin() + static_cast<std::ptrdiff_t>(buckets_[bucket]);
  const auto end = low_.begin() + static_cast<std::ptrdiff_t>(buckets_[bucket + 1]);
  const auto [first, last] = std::equal_range(begin, end, static_cast<std::uint16_t>(hash));
  return frames_.subspan(static_cast<std::size_t>(first - low_.begin()), static_cast<std::size_t>(last - first));
}

std::size_t LandmarkIndex::track_at(std::uint64_t frame) const {
  if (frame >= total_frames()) return tracks();
  const auto after = std::upper_bound(tracks_.begin(), tracks_.end(), frame,
                                      [](std::uint64_t f, const Entry& e) { return f < e.first_frame; });
  return static_cast<std::size_t>(after - tracks_.begin()) - 1;
}

std::vector<Peak> LandmarkIndex::peaks(std::size_t track, std::int64_t begin, std::int64_t end) const {
  const std::size_t first = tracks_[track].first_peak;
  const std::size_t last = track + 1 < tracks_.size() ? tracks_[track + 1].first_peak : peaks_.size();
  const auto all = peaks_.subspan(first, last - first);
  const auto at =
      std::partition_point(all.begin(), all.end(), [&](std::uint32_t p) { return (p >> kBinBits) < begin; });
  std::vector<Peak> result;
  for (auto p = at; p != all.end() && (*p >> kBinBits) < end; ++p)
    result.push_back({*p >> kBinBits, static_cast<std::uint16_t>(*p & ((1U << kBinBits) - 1))});
  return result;
}

}  // namespace euterpe
