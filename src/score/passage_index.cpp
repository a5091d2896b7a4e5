#include "score/passage_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <numeric>
#include <tuple>

#include "base/error.hpp"
#include "base/files.hpp"
#include "score/passage_packing.hpp"

namespace euterpe {
namespace {

static_assert(std::endian::native == std::endian::little, "the index is mapped as it stands");

constexpr char kMagic[8] = {'E', 'U', 'T', 'P', 'A', 'S', 'S', 'X'};
constexpr std::uint32_t kVersion = 2;
constexpr int kLowBits = 8;
constexpr std::size_t kBuckets = std::size_t{1} << (kPassageHashBits - kLowBits);
constexpr int kPrintBucketBits = 16;
constexpr int kPitchBits = 7;
constexpr std::uint64_t kLongest = 1u << (32 - kPitchBits);  // sixteenths on the axis
constexpr int kPerQuarter = 4;

enum class Part : std::uint32_t { settings, pieces, names, runs, hashes, prints, keys };
constexpr std::array kSegmentNames{"settings", "pieces", "names", "runs", "hashes", "prints", "keys"};
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
  std::uint32_t runs, prints;
};
static_assert(sizeof(Settings) == 24);

/// Where a piece and its name begin is the sum of what stands before.
struct PieceRow {
  std::uint32_t length;  ///< sixteenths
  std::uint16_t name_length;
  std::uint8_t numerator, denominator;
};
static_assert(sizeof(PieceRow) == 8);

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

/// Counting sort that keeps the order within a bucket. \return where each bucket begins in `out`, and its end
template <class T>
std::vector<std::uint32_t> sort_by_bucket(std::span<const T> list, auto bucket_of, std::size_t buckets,
                                          std::vector<T>& out) {
  std::vector<std::uint32_t> starts(buckets + 1, 0);
  for (const T& x : list) ++starts[bucket_of(x) + 1];
  for (std::size_t b = 1; b <= buckets; ++b) starts[b] += starts[b - 1];
  std::vector<std::uint32_t> next(starts.begin(), starts.end() - 1);
  out.resize(list.size());
  for (const T& x : list) out[next[bucket_of(x)]++] = x;
  return starts;
}

}  // namespace

void PassageIndexBuilder::add(std::string name, const Score& score, double thinner) {
  const std::uint64_t first = pieces_.empty() ? 0 : std::uint64_t{pieces_.back().first} + pieces_.back().length;
  const double length = std::ceil(static_cast<double>(score.end_tick()) * kPerQuarter / score.ticks_per_quarter) + 1;
  if (static_cast<double>(first) + length > static_cast<double>(kLongest))
    throw Error(Category::unsupported, "index", name + ": the pieces are longer than two million bars together",
                "make several indexes");
  if (name.size() > std::numeric_limits<std::uint16_t>::max())
    throw Error(Category::unsupported, "index", name.substr(0, 80) + "…: a name of more than 65,535 bytes", "");
  const TimeSignature& meter = score.meter_at(0);
  const auto piece = static_cast<std::uint32_t>(pieces_.size());
  pieces_.push_back({std::move(name), static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(length),
                     meter.numerator, meter.denominator, options_.per_bar / thinner});
  for (BarPrint print : bar_prints(score)) {
    print.axis += static_cast<std::uint32_t>(first);
    prints_.push_back(print);
  }
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
  const double limit =
      std::max(options_.common * static_cast<double>(pieces_.size()), static_cast<double>(options_.few));
  // Hashes that stand in more pieces than that.
  const auto too_common = [&](std::vector<std::pair<std::uint32_t, std::uint32_t>> in) {
    std::sort(in.begin(), in.end());
    in.erase(std::unique(in.begin(), in.end()), in.end());
    std::vector<std::uint32_t> common;
    for (std::size_t i = 0; i < in.size();) {
      std::size_t end = i;
      while (end < in.size() && in[end].first == in[i].first) ++end;
      if (static_cast<double>(end - i) > limit) common.push_back(in[i].first);
      i = end;
    }
    return common;
  };
  std::vector<std::pair<std::uint32_t, std::uint32_t>> in;
  for (const Run& r : runs_) in.emplace_back(r.hash, r.piece);
  const auto common = too_common(std::move(in));
  std::vector<Run> rare;
  std::copy_if(runs_.begin(), runs_.end(), std::back_inserter(rare),
               [&](const Run& r) { return !std::binary_search(common.begin(), common.end(), r.hash); });
  // A highest line and the part that sings are often one: what both have is kept once.
  const auto same = [](const Run& a, const Run& b) { return a.hash == b.hash && a.place == b.place; };
  std::vector<IndexedRun> kept;
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
    const double window = std::min(std::floor(2 * static_cast<double>(runs.size()) / (bars * piece.per_bar) - 0.5),
                                   static_cast<double>(runs.size()));
    for (std::size_t begin = 0; begin < runs.size();) {
      std::size_t last = begin;
      while (last < runs.size() && runs[last].line == runs[begin].line) ++last;
      for (const Run* r : winnow(std::span<const Run>(runs).subspan(begin, last - begin),
                                 static_cast<std::size_t>(std::max(1.0, window))))
        kept.push_back({r->place >> kPitchBits, r->hash, static_cast<std::uint8_t>(r->place & ((1u << kPitchBits) - 1)),
                        r->rhythm});
      begin = last;
    }
  }
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());

  in.clear();
  for (std::size_t i = 0, piece = 0; i < prints_.size(); ++i) {
    while (prints_[i].axis - pieces_[piece].first >= pieces_[piece].length) ++piece;
    in.emplace_back(prints_[i].key, static_cast<std::uint32_t>(piece));
  }
  const auto common_prints = too_common(std::move(in));
  std::vector<BarPrint> prints_kept;
  std::copy_if(prints_.begin(), prints_.end(), std::back_inserter(prints_kept), [&](const BarPrint& p) {
    return !std::binary_search(common_prints.begin(), common_prints.end(), p.key);
  });

  std::vector<PieceRow> rows;
  std::string text;
  for (const Piece& p : pieces_) {
    rows.push_back({p.length, static_cast<std::uint16_t>(p.name.size()), p.numerator, p.denominator});
    text += p.name;
  }
  const Settings chosen{options_.runs.melody,
                        options_.runs.texture,
                        {},
                        stamp,
                        static_cast<std::uint32_t>(kept.size()),
                        static_cast<std::uint32_t>(prints_kept.size())};
  const PackedList runs = pack_runs(std::move(kept)), prints = pack_prints(std::move(prints_kept));

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
  append(Part::pieces, rows.data(), rows.size() * sizeof rows[0]);
  append(Part::names, text.data(), text.size());
  append(Part::runs, runs.code.data(), runs.code.size());
  append(Part::hashes, runs.raw.data(), runs.raw.size());
  append(Part::prints, prints.code.data(), prints.code.size());
  append(Part::keys, prints.raw.data(), prints.raw.size());
  header.size = out.size();
  header.checksum = checksum(header_bytes(header));
  std::memcpy(out.data(), &header, sizeof header);
  return out;
}

PassageIndex::PassageIndex(const std::filesystem::path& path) { read(MappedFile(path).bytes(), path.string()); }

PassageIndex::PassageIndex(std::span<const std::uint8_t> bytes, const std::string& name) { read(bytes, name); }

void PassageIndex::read(std::span<const std::uint8_t> bytes, const std::string& name) {
  const auto damaged = [&](const std::string& what) {
    throw Error(Category::bad_input, "open_index", name + ": " + what, "make it anew from the pieces");
  };
  Header header;
  if (bytes.size() < sizeof header) damaged(fmt::format("{} bytes are no passage index: cut off?", bytes.size()));
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) damaged("byte 0: this is no passage index");
  if (header.version > kVersion)
    throw Error(Category::newer_version, "open_index",
                fmt::format("{}: version {}, this program reads {}", name, header.version, kVersion));
  if (header.version != kVersion)
    damaged(fmt::format("version {}, this program reads {}: made by an older one", header.version, kVersion));
  if (header.segments != kSegments) damaged(fmt::format("byte 12: {} segments, not {}", header.segments, kSegments));
  if (header.size != bytes.size())
    damaged(fmt::format("byte 16: the index is {} bytes but the file is {}: cut off?", header.size, bytes.size()));
  if (header.checksum != checksum(header_bytes(header))) damaged("the list of segments was changed");
  std::size_t at = sizeof header;
  for (std::size_t s = 0; s < kSegments; ++s) {
    const SegmentRow& row = header.rows[s];
    if (row.kind != s || row.offset != at || row.size > bytes.size() - at || padded(row.size) > bytes.size() - at)
      damaged(fmt::format("segment {}: does not lie inside the file", kSegmentNames[s]));
    if (row.checksum != checksum(bytes.subspan(row.offset, row.size)))
      damaged(fmt::format("segment {} at byte {}: the checksum is wrong, bytes were changed", kSegmentNames[s],
                          row.offset));
    const auto pad = bytes.subspan(row.offset + row.size, padded(row.size) - row.size);
    if (std::any_of(pad.begin(), pad.end(), [](std::uint8_t b) { return b != 0; }))
      damaged(fmt::format("segment {}: bytes after its end were changed", kSegmentNames[s]));
    at += padded(row.size);
  }
  if (at != bytes.size()) damaged("bytes follow the last segment");
  const auto section = [&](Part part) {
    const SegmentRow& row = header.rows[static_cast<std::size_t>(part)];
    return bytes.subspan(row.offset, row.size);
  };
  Settings chosen;
  if (section(Part::settings).size() != sizeof chosen) damaged("segment settings: broken size");
  std::memcpy(&chosen, section(Part::settings).data(), sizeof chosen);
  if (chosen.melody < 2 || chosen.texture < 2) damaged("segment settings: a run is shorter than two notes");
  runs_ = {chosen.melody, chosen.texture};
  stamp_ = chosen.stamp;

  const auto text = section(Part::names);
  names_.assign(text.begin(), text.end());
  const auto rows = section(Part::pieces);
  if (rows.size() % sizeof(PieceRow) != 0) damaged("segment pieces: broken size");
  std::uint64_t axis = 0, letters = 0;
  for (std::size_t i = 0; i < rows.size(); i += sizeof(PieceRow)) {
    PieceRow row;
    std::memcpy(&row, rows.data() + i, sizeof row);
    if (row.length == 0 || row.numerator == 0 || row.denominator == 0 || axis + row.length > kLongest ||
        letters + row.name_length > names_.size())
      damaged("segment pieces: the list of pieces is wrong");
    pieces_.push_back({static_cast<std::uint32_t>(axis), row.length, static_cast<std::uint32_t>(letters),
                       row.name_length, row.numerator, row.denominator});
    axis += row.length;
    letters += row.name_length;
  }
  if (letters != names_.size()) damaged("segment pieces: the list of pieces is wrong");

  if (chosen.runs > kMostPerByte * section(Part::runs).size()) damaged("segment runs: more are declared than it holds");
  const auto runs = unpack_runs(section(Part::runs), section(Part::hashes), chosen.runs);
  if (runs.size() != chosen.runs) damaged("segment runs: it ends before its last entry");
  for (const IndexedRun& run : runs)
    if (run.axis >= axis || run.pitch >> kPitchBits != 0) damaged("segment runs: one stands outside of every piece");
  if (chosen.prints > kMostPerByte * section(Part::prints).size())
    damaged("segment prints: more are declared than it holds");
  prints_ = unpack_prints(section(Part::prints), section(Part::keys), chosen.prints);
  if (prints_.size() != chosen.prints) damaged("segment prints: it ends before its last entry");
  for (const BarPrint& print : prints_)
    if (print.axis >= axis) damaged("segment prints: one stands outside of every piece");
  if (!std::is_sorted(runs.begin(), runs.end()) || !std::is_sorted(prints_.begin(), prints_.end()))
    damaged("segments runs and prints: not in order");
  sort_runs(runs);
  std::vector<std::uint32_t> order(prints_.size());
  std::iota(order.begin(), order.end(), 0u);
  print_buckets_ = sort_by_bucket<std::uint32_t>(
      order, [&](std::uint32_t p) { return prints_[p].key >> (32 - kPrintBucketBits); },
      std::size_t{1} << kPrintBucketBits, by_key_);
  bytes_ = bytes.size();
  hash_ = sha256(bytes);
}

void PassageIndex::sort_runs(std::span<const IndexedRun> runs) {
  std::vector<IndexedRun> sorted;
  buckets_ = sort_by_bucket(
      runs, [](const IndexedRun& run) { return run.hash >> kLowBits; }, kBuckets, sorted);
  for (std::size_t b = 0; b < kBuckets; ++b)
    std::sort(sorted.begin() + buckets_[b], sorted.begin() + buckets_[b + 1],
              [](const IndexedRun& x, const IndexedRun& y) {
                return std::tie(x.hash, x.axis, x.pitch) < std::tie(y.hash, y.axis, y.pitch);
              });
  low_.reserve(sorted.size());
  rhythms_.reserve(sorted.size());
  places_.reserve(sorted.size());
  for (const IndexedRun& run : sorted) {
    low_.push_back(static_cast<std::uint8_t>(run.hash));
    rhythms_.push_back(run.rhythm);
    places_.push_back(run.axis << kPitchBits | run.pitch);
  }
}

std::string_view PassageIndex::name(std::size_t piece) const {
  return std::string_view(names_).substr(pieces_[piece].name, pieces_[piece].name_length);
}

PassageIndex::PlaceRange PassageIndex::lookup(std::uint32_t hash) const {
  const std::size_t bucket = hash >> kLowBits;
  if (bucket >= kBuckets) return {0, 0};
  const auto begin = low_.begin() + static_cast<std::ptrdiff_t>(buckets_[bucket]);
  const auto end = low_.begin() + static_cast<std::ptrdiff_t>(buckets_[bucket + 1]);
  const auto [first, last] = std::equal_range(begin, end, static_cast<std::uint8_t>(hash));
  return {static_cast<std::size_t>(first - low_.begin()), static_cast<std::size_t>(last - low_.begin())};
}

std::span<const std::uint32_t> PassageIndex::prints_with(std::uint32_t key) const {
  const std::size_t bucket = key >> (32 - kPrintBucketBits);
  return std::span(by_key_).subspan(print_buckets_[bucket], print_buckets_[bucket + 1] - print_buckets_[bucket]);
}

std::size_t PassageIndex::piece_at(std::uint32_t axis) const {
  const auto after = std::upper_bound(pieces_.begin(), pieces_.end(), axis,
                                      [](std::uint32_t a, const PieceEntry& p) { return a < p.first; });
  if (after == pieces_.begin()) return pieces_.size();
  const auto i = static_cast<std::size_t>(after - pieces_.begin()) - 1;
  return axis - pieces_[i].first < pieces_[i].length ? i : pieces_.size();
}

}  // namespace euterpe
