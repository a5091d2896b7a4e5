#include "score/passage_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <tuple>

#include "base/error.hpp"

namespace euterpe {
namespace {

static_assert(std::endian::native == std::endian::little, "the index is mapped as it stands");

constexpr char kMagic[8] = {'E', 'U', 'T', 'P', 'A', 'S', 'S', 'X'};
constexpr std::uint32_t kVersion = 1;
constexpr int kLowBits = 8;
constexpr std::size_t kBuckets = std::size_t{1} << (kPassageHashBits - kLowBits);
constexpr int kPitchBits = 7;
constexpr std::uint64_t kLongest = 1u << (32 - kPitchBits);  // sixteenths on the axis
constexpr int kPerQuarter = 4;

enum class Part : std::uint32_t { settings, pieces, names, buckets, hashes, rhythms, places };
constexpr std::array kSegmentNames{"settings", "pieces", "names", "buckets", "hashes", "rhythms", "places"};
constexpr std::size_t kSegments = kSegmentNames.size();

struct SegmentRow {
  std::uint32_t kind, padding;
  std::uint64_t offset, size, checksum;
};
struct Header {
  char magic[8];
  std::uint32_t version, segments;
  std::uint64_t size;
  SegmentRow rows[kSegments];
  std::uint64_t checksum;
};
static_assert(sizeof(Header) == 24 + 32 * kSegments + 8);

struct Settings {
  std::uint8_t melody, texture, padding[6];
  std::uint64_t stamp;
};
static_assert(sizeof(Settings) == 16);

constexpr std::size_t padded(std::size_t bytes) { return (bytes + 7) / 8 * 8; }

/// FNV-1a over words of eight bytes with a rotation, so that a change of one word cannot be lost. Guards against
/// damage, not against forgery: every number that leads into memory is checked on its own.
std::uint64_t checksum(std::span<const std::uint8_t> bytes) {
  std::uint64_t sum = 14695981039346656037ULL ^ bytes.size();
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    sum = std::rotl((sum ^ word) * 1099511628211ULL, 29);
  }
  for (; at < bytes.size(); ++at) sum = std::rotl((sum ^ bytes[at]) * 1099511628211ULL, 29);
  return sum;
}

std::span<const std::uint8_t> header_bytes(const Header& header) {
  return {reinterpret_cast<const std::uint8_t*>(&header), offsetof(Header, checksum)};
}

/// Places of the runs that winnowing keeps: of any `window` neighbors the last with the least hash. \param runs of one
/// line, in order
template <class Run>
std::vector<const Run*> winnow(std::span<const Run> runs, std::size_t window) {
  // Least by another order than that of the hashes, or low buckets would be crowded.
  const auto rank = [](const Run& r) { return r.hash * 2654435761u; };
  std::vector<const Run*> kept;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::size_t end = std::min(i + window, runs.size());
    if (i > 0 && end < i + window) break;
    std::size_t least = i;
    for (std::size_t k = i; k < end; ++k)
      if (rank(runs[k]) <= rank(runs[least])) least = k;
    if (kept.empty() || kept.back() != &runs[least]) kept.push_back(&runs[least]);
  }
  return kept;
}

}  // namespace

void PassageIndexBuilder::add(std::string name, const Score& score) {
  const std::uint64_t first = pieces_.empty() ? 0 : std::uint64_t{pieces_.back().first} + pieces_.back().length;
  const double length = std::ceil(static_cast<double>(score.end_tick()) * kPerQuarter / score.ticks_per_quarter) + 1;
  if (static_cast<double>(first) + length > static_cast<double>(kLongest))
    throw Error(Category::unsupported, "index", name + ": the pieces are longer than two million bars together",
                "make several indexes");
  const TimeSignature& meter = score.meter_at(0);
  const auto piece = static_cast<std::uint32_t>(pieces_.size());
  pieces_.push_back({std::move(name), static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(length),
                     meter.numerator, meter.denominator});
  for (const PassageLine& line : indexed_passage_lines(score)) {
    for (const PassageRun& run : passage_runs(line, options_.runs)) {
      const PassageOnset& onset = line.onsets[run.onset];
      const auto at = static_cast<std::uint32_t>(first) +
                      static_cast<std::uint32_t>(std::max(0.0, std::floor(onset.time * kPerQuarter + 0.5)));
      runs_.push_back(
          {run.hash, piece, at << kPitchBits | static_cast<std::uint32_t>(onset.top), lines_, pack_rhythm(run.rhythm)});
    }
    ++lines_;
  }
}

std::vector<std::uint8_t> PassageIndexBuilder::finish(std::uint64_t stamp) {
  // In how many pieces each hash stands.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> in;
  in.reserve(runs_.size());
  for (const Run& r : runs_) in.emplace_back(r.hash, r.piece);
  std::sort(in.begin(), in.end());
  in.erase(std::unique(in.begin(), in.end()), in.end());
  const double limit =
      std::max(options_.common * static_cast<double>(pieces_.size()), static_cast<double>(options_.few));
  std::vector<std::uint32_t> common;
  for (std::size_t i = 0; i < in.size();) {
    std::size_t end = i;
    while (end < in.size() && in[end].first == in[i].first) ++end;
    if (static_cast<double>(end - i) > limit) common.push_back(in[i].first);
    i = end;
  }
  std::vector<Run> rare;
  std::copy_if(runs_.begin(), runs_.end(), std::back_inserter(rare),
               [&](const Run& r) { return !std::binary_search(common.begin(), common.end(), r.hash); });
  // A highest line and the part that sings are often one: what both have is kept once.
  const auto same = [](const Run& a, const Run& b) { return a.hash == b.hash && a.place == b.place; };
  std::vector<std::pair<std::uint64_t, std::uint8_t>> kept;  // hash · 2³² + place, rhythm
  for (std::size_t i = 0; i < rare.size();) {
    std::size_t end = i;
    while (end < rare.size() && rare[end].piece == rare[i].piece) ++end;
    std::vector<Run> runs(rare.begin() + static_cast<std::ptrdiff_t>(i),
                          rare.begin() + static_cast<std::ptrdiff_t>(end));
    i = end;
    std::stable_sort(runs.begin(), runs.end(),
                     [](const Run& a, const Run& b) { return std::tie(a.hash, a.place) < std::tie(b.hash, b.place); });
    runs.erase(std::unique(runs.begin(), runs.end(), same), runs.end());
    std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) {
      return std::tie(a.line, a.place, a.hash) < std::tie(b.line, b.place, b.hash);
    });
    const Piece& piece = pieces_[runs[0].piece];
    const double bars = piece.length * piece.denominator / (4.0 * kPerQuarter * piece.numerator);
    // Winnowing with window w keeps 2 / (w + 1) of them.
    const double window = std::floor(2 * static_cast<double>(runs.size()) / (bars * options_.per_bar) - 0.5);
    for (std::size_t begin = 0; begin < runs.size();) {
      std::size_t last = begin;
      while (last < runs.size() && runs[last].line == runs[begin].line) ++last;
      for (const Run* r : winnow(std::span<const Run>(runs).subspan(begin, last - begin),
                                 static_cast<std::size_t>(std::max(1.0, window))))
        kept.emplace_back(std::uint64_t{r->hash} << 32 | r->place, r->rhythm);
      begin = last;
    }
  }
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());

  std::vector<PassageIndex::PieceEntry> entries;
  std::string text;
  for (const Piece& p : pieces_) {
    entries.push_back({p.first,
                       p.length,
                       static_cast<std::uint32_t>(text.size()),
                       static_cast<std::uint32_t>(p.name.size()),
                       p.numerator,
                       p.denominator,
                       {}});
    text += p.name;
  }
  std::vector<std::uint32_t> starts(kBuckets + 1, 0), where;
  std::vector<std::uint8_t> low, shares;
  for (const auto& [k, rhythm] : kept) {
    shares.push_back(rhythm);
    ++starts[(k >> (32 + kLowBits)) + 1];
    low.push_back(static_cast<std::uint8_t>(k >> 32));
    where.push_back(static_cast<std::uint32_t>(k));
  }
  for (std::size_t b = 1; b <= kBuckets; ++b) starts[b] += starts[b - 1];
  const Settings chosen{options_.runs.melody, options_.runs.texture, {}, stamp};

  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kVersion;
  header.segments = kSegments;
  std::vector<std::uint8_t> out(sizeof header);
  const auto append = [&](Part part, const void* data, std::size_t size) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    const auto kind = static_cast<std::uint32_t>(part);
    header.rows[kind] = {kind, 0, out.size(), size, checksum({bytes, size})};
    out.insert(out.end(), bytes, bytes + size);
    out.resize(padded(out.size()));
  };
  append(Part::settings, &chosen, sizeof chosen);
  append(Part::pieces, entries.data(), entries.size() * sizeof entries[0]);
  append(Part::names, text.data(), text.size());
  append(Part::buckets, starts.data(), starts.size() * sizeof starts[0]);
  append(Part::hashes, low.data(), low.size());
  append(Part::rhythms, shares.data(), shares.size());
  append(Part::places, where.data(), where.size() * sizeof where[0]);
  header.size = out.size();
  header.checksum = checksum(header_bytes(header));
  std::memcpy(out.data(), &header, sizeof header);
  return out;
}

PassageIndex::PassageIndex(const std::filesystem::path& path) {
  file_.emplace_back(path);
  bytes_ = file_.front().bytes();
  check(path.string());
}

PassageIndex::PassageIndex(std::vector<std::uint8_t> bytes, std::string name)
    : memory_(std::move(bytes)), bytes_(memory_) {
  check(name);
}

void PassageIndex::check(const std::string& name) {
  const auto damaged = [&](const std::string& what) {
    throw Error(Category::bad_input, "open_index", name + ": " + what, "make it anew from the pieces");
  };
  Header header;
  if (bytes_.size() < sizeof header) damaged(fmt::format("{} bytes are no passage index: cut off?", bytes_.size()));
  std::memcpy(&header, bytes_.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) damaged("byte 0: this is no passage index");
  if (header.version > kVersion)
    throw Error(Category::newer_version, "open_index",
                fmt::format("{}: version {}, this program reads {}", name, header.version, kVersion));
  if (header.version != kVersion || header.segments != kSegments) damaged("byte 8: unknown version");
  if (header.size != bytes_.size())
    damaged(fmt::format("byte 16: the index is {} bytes but the file is {}: cut off?", header.size, bytes_.size()));
  if (header.checksum != checksum(header_bytes(header))) damaged("the list of segments was changed");
  std::size_t at = sizeof header;
  for (std::size_t s = 0; s < kSegments; ++s) {
    const SegmentRow& row = header.rows[s];
    if (row.kind != s || row.offset != at || row.size > bytes_.size() - at || padded(row.size) > bytes_.size() - at)
      damaged(fmt::format("segment {}: does not lie inside the file", kSegmentNames[s]));
    if (row.checksum != checksum(bytes_.subspan(row.offset, row.size)))
      damaged(fmt::format("segment {} at byte {}: the checksum is wrong, bytes were changed", kSegmentNames[s],
                          row.offset));
    const auto pad = bytes_.subspan(row.offset + row.size, padded(row.size) - row.size);
    if (std::any_of(pad.begin(), pad.end(), [](std::uint8_t b) { return b != 0; }))
      damaged(fmt::format("segment {}: bytes after its end were changed", kSegmentNames[s]));
    at += padded(row.size);
  }
  if (at != bytes_.size()) damaged("bytes follow the last segment");
  const auto section = [&]<class T>(std::span<const T>& to, Part part) {
    const auto kind = static_cast<std::size_t>(part);
    const SegmentRow& row = header.rows[kind];
    if (row.size % sizeof(T) != 0) damaged(fmt::format("segment {}: broken size", kSegmentNames[kind]));
    to = {reinterpret_cast<const T*>(bytes_.data() + row.offset), row.size / sizeof(T)};
  };
  std::span<const Settings> chosen;
  section(chosen, Part::settings);
  section(pieces_, Part::pieces);
  section(names_, Part::names);
  section(buckets_, Part::buckets);
  section(low_, Part::hashes);
  section(rhythms_, Part::rhythms);
  section(places_, Part::places);
  if (chosen.size() != 1 || chosen[0].melody < 2 || chosen[0].texture < 2)
    damaged("segment settings: a run is shorter than two notes");
  runs_ = {chosen[0].melody, chosen[0].texture};
  stamp_ = chosen[0].stamp;
  if (low_.size() != places_.size() || rhythms_.size() != places_.size() || buckets_.size() != kBuckets + 1 ||
      buckets_.front() != 0 || buckets_.back() != places_.size() || !std::is_sorted(buckets_.begin(), buckets_.end()))
    damaged("segment buckets: does not lead to the places");
  std::uint64_t axis = 0, text = 0;
  for (const PieceEntry& p : pieces_) {
    if (p.first != axis || p.length == 0 || p.name != text || p.numerator == 0 || p.denominator == 0 ||
        text + p.name_length > names_.size())
      damaged("segment pieces: the list of pieces is wrong");
    axis += p.length;
    text += p.name_length;
  }
  if (axis > kLongest || text != names_.size()) damaged("segment pieces: the list of pieces is wrong");
}

std::string_view PassageIndex::name(std::size_t piece) const {
  return {names_.data() + pieces_[piece].name, pieces_[piece].name_length};
}

PassageIndex::PlaceRange PassageIndex::lookup(std::uint32_t hash) const {
  const std::size_t bucket = hash >> kLowBits;
  if (bucket >= kBuckets) return {0, 0};
  const auto begin = low_.begin() + static_cast<std::ptrdiff_t>(buckets_[bucket]);
  const auto end = low_.begin() + static_cast<std::ptrdiff_t>(buckets_[bucket + 1]);
  const auto [first, last] = std::equal_range(begin, end, static_cast<std::uint8_t>(hash));
  return {static_cast<std::size_t>(first - low_.begin()), static_cast<std::size_t>(last - low_.begin())};
}

std::size_t PassageIndex::piece_at(std::uint32_t axis) const {
  const auto after = std::upper_bound(pieces_.begin(), pieces_.end(), axis,
                                      [](std::uint32_t a, const PieceEntry& p) { return a < p.first; });
  if (after == pieces_.begin()) return pieces_.size();
  const auto i = static_cast<std::size_t>(after - pieces_.begin()) - 1;
  return axis - pieces_[i].first < pieces_[i].length ? i : pieces_.size();
}

}  // namespace euterpe
