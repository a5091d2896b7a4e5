#include "nn/context_mixing.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/hot.hpp"

namespace euterpe {
namespace {

constexpr int kMaxChains = 40, kMaxSymbols = 96;
constexpr int kIntervals = 2 * 24 + 1;  // biases of −24 … +24 semitones from the reference
constexpr int kAmounts = 5;             // classes of how much was counted
constexpr double kDiscount = 0.6;       // absolute discounting (Ney, Essen and Kneser 1994)
constexpr double kLeast = 2e-4;         // of any symbol allowed, spread evenly: nothing is impossible
constexpr double kSurest = 1e-5;        // no answer is surer
constexpr int kOwnTimes = 2;            // a piece's own past counts as so many others
constexpr float kShare = 0.3f;          // step of a weight of a situation, of one of a confidence

std::uint64_t blend(std::uint64_t h, std::uint64_t value) {
  h ^= value + 0x9e3779b97f4a7c15ull + (h << 6) + (h >> 2);
  h *= 0xff51afd7ed558ccdull;
  return h ^ (h >> 32);
}

using ContextKeys = std::array<std::uint32_t, kContextOrders>;

ContextKeys keys_of(const ContextChain& chain, std::size_t number, const ChoicePoint& point) {
  ContextKeys keys;
  std::uint64_t h = blend(blend(0x45757465ull, number), static_cast<std::uint64_t>(point.slot));
  for (std::size_t order = 0; order < keys.size(); ++order) {
    for (const int f : chain.features[order]) h = blend(h, point.features[static_cast<std::size_t>(f)]);
    h = blend(h, order);
    keys[order] = static_cast<std::uint32_t>(h >> 32) | (h >> 32 == 0);  // 0 marks an empty cell
  }
  return keys;
}

/// Symbols of relative chains count from the reference; what is no interval stands for itself.
int code_of(const ContextChain& chain, const ChoicePoint& point, int symbol) {
  if (!chain.relative || symbol == 0 || point.reference == 0) return symbol;
  return 2 * kMaxSymbols + symbol - point.reference;
}
int symbol_of(const ContextChain& chain, const ChoicePoint& point, int code) {
  if (!chain.relative || code == 0 || point.reference == 0) return code;
  return code - 2 * kMaxSymbols + point.reference;
}

int amount_class(int n) { return n < 2 ? 0 : n < 5 ? 1 : n < 20 ? 2 : 3; }

/// The cell of a context, or the empty one where it belongs.
template <class Cell>
std::size_t find_cell(const std::vector<Cell>& cells, std::uint32_t context) {
  const std::size_t mask = cells.size() - 1;
  std::size_t i = static_cast<std::size_t>(context) & mask;
  while (cells[i].context != 0 && cells[i].context != context) i = (i + 1) & mask;
  return i;
}

template <class Cell>
Cell& cell_for(std::vector<Cell>& cells, std::size_t& used, std::uint32_t context, std::uint32_t piece) {
  std::size_t i = find_cell(cells, context);
  if (cells[i].context == context) {
    cells[i].pieces += cells[i].last_piece != piece;
    cells[i].last_piece = piece;
    return cells[i];
  }
  if (3 * (used + 1) > 2 * cells.size()) {
    std::vector<Cell> larger(2 * cells.size());
    for (const Cell& c : cells)
      if (c.context != 0) larger[find_cell(larger, c.context)] = c;
    cells.swap(larger);
    i = find_cell(cells, context);
  }
  ++used;
  cells[i].context = context;
  cells[i].last_piece = piece;
  cells[i].pieces = 1;
  return cells[i];
}

/// Counts as four bits behind the leading one and a power of two: exact up to 31, then within a sixteenth.
int rounded(int count) {
  int shift = 0;
  while ((count >> shift) > 31) ++shift;
  return (count >> shift) << shift;
}
std::uint8_t small_float(int count) {
  if (count < 16) return static_cast<std::uint8_t>(count);
  int shift = 0;
  while ((count >> shift) > 31) ++shift;
  return static_cast<std::uint8_t>((shift + 1) * 16 + ((count >> shift) & 15));
}
int from_small_float(std::uint8_t byte) { return byte < 16 ? byte : (16 + (byte & 15)) << (byte / 16 - 1); }

constexpr std::uint8_t kLargeCounts = 255;  // two counts follow; else they are the halves of the byte

void put_number(std::vector<std::uint8_t>& out, std::uint32_t value) {
  for (; value >= 128; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 128));
  out.push_back(static_cast<std::uint8_t>(value));
}

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool done() const { return at_ == bytes_.size(); }
  std::uint8_t byte() {
    if (done()) throw Error(Category::bad_input, "load_model", "counts: end too early");
    return bytes_[at_++];
  }
  std::uint32_t number() {
    std::uint32_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const std::uint8_t b = byte();
      value |= static_cast<std::uint32_t>(b & 127) << shift;
      if (b < 128) return value;
    }
    throw Error(Category::bad_input, "load_model", "counts: a number without end");
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

/// Those that hold something, by context.
template <class Cell>
std::vector<Cell> sorted_cells(const std::vector<Cell>& cells) {
  std::vector<Cell> used;
  for (const Cell& c : cells)
    if (c.context != 0) used.push_back(c);
  std::sort(used.begin(), used.end(), [](const Cell& a, const Cell& b) { return a.context < b.context; });
  return used;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

void store_weights(Safetensors& file, const std::string& name, const std::vector<float>& values) {
  file.put(name, {static_cast<std::int64_t>(values.size())}, values);
}

void fetch_weights(const Safetensors& file, const std::string& name, std::vector<float>& values) {
  const std::array<std::int64_t, 1> shape{static_cast<std::int64_t>(values.size())};
  values = file.finite(name, shape);
}

}  // namespace

std::string ContextShape::fingerprint() const {
  std::string text = std::to_string(symbols) + "/" + std::to_string(slots) + "/" + std::to_string(situations) + "/" +
                     std::to_string(circumstances) + "/" + std::to_string(occasions);
  for (const auto* chains : {&repeats, &choices}) {
    text += "|";
    for (const ContextChain& c : *chains) {
      text += std::string(c.name) + (c.relative ? "~" : "") + (c.local ? "@" : "");
      for (const auto& order : c.features) {
        text += ";";
        for (const int f : order) text += std::to_string(f) + ",";
      }
    }
  }
  return sha256(std::string_view(text)).substr(0, 16);
}

ContextCounts::ContextCounts() : pairs_(256), lists_(256) {}

void ContextCounts::add_answer(std::uint32_t context, bool yes, int count) {
  Pair& p = cell_for(pairs_, pairs_used_, context, piece_);
  (yes ? p.yes : p.no) += count;
}

void ContextCounts::add_symbol(std::uint32_t context, int symbol, int count) {
  List& list = cell_for(lists_, lists_used_, context, piece_);
  for (std::uint32_t e = list.first; e != 0; e = entries_[e - 1].next)
    if (entries_[e - 1].symbol == symbol) {
      entries_[e - 1].count += count;
      return;
    }
  entries_.push_back({list.first, count, static_cast<std::int16_t>(symbol)});
  list.first = static_cast<std::uint32_t>(entries_.size());
}

ContextCounts::Answers ContextCounts::answers(std::uint32_t context) const {
  const Pair& p = pairs_[find_cell(pairs_, context)];
  return {p.no, p.yes};
}

void ContextCounts::collect(std::uint32_t context, std::vector<Follower>& followers) const {
  for (std::uint32_t e = lists_[find_cell(lists_, context)].first; e != 0; e = entries_[e - 1].next) {
    const Entry& entry = entries_[e - 1];
    const auto known =
        std::find_if(followers.begin(), followers.end(), [&](const Follower& f) { return f.symbol == entry.symbol; });
    if (known != followers.end())
      known->count += entry.count;
    else
      followers.push_back({entry.symbol, entry.count});
  }
}

bool ContextCounts::answers_at_least(std::uint32_t context) const {
  return pairs_[find_cell(pairs_, context)].pieces <= least_;
}

bool ContextCounts::symbols_at_least(std::uint32_t context) const {
  return lists_[find_cell(lists_, context)].pieces <= least_;
}

void ContextCounts::compact(int pieces) {
  ContextCounts kept;
  kept.least_ = static_cast<std::uint32_t>(pieces);
  for (const Pair& p : sorted_cells(pairs_)) {
    if (p.pieces < static_cast<std::uint32_t>(pieces)) continue;
    kept.add_answer(p.context, false, rounded(p.no));
    kept.add_answer(p.context, true, rounded(p.yes));
    kept.pairs_[find_cell(kept.pairs_, p.context)].pieces = p.pieces;
  }
  for (const List& l : sorted_cells(lists_)) {
    if (l.pieces < static_cast<std::uint32_t>(pieces)) continue;
    for (std::uint32_t e = l.first; e != 0; e = entries_[e - 1].next)
      kept.add_symbol(l.context, entries_[e - 1].symbol, rounded(entries_[e - 1].count));
    kept.lists_[find_cell(kept.lists_, l.context)].pieces = l.pieces;
  }
  *this = std::move(kept);
}

std::vector<std::uint8_t> ContextCounts::encode_answers() const {
  std::vector<std::uint8_t> out;
  std::uint32_t last = 0;
  for (const Pair& p : sorted_cells(pairs_)) {
    put_number(out, p.context - last);
    if (p.no < 15 && p.yes < 15) {
      out.push_back(static_cast<std::uint8_t>(p.no * 16 + p.yes));
    } else {
      out.push_back(kLargeCounts);
      out.push_back(small_float(p.no));
      out.push_back(small_float(p.yes));
    }
    last = p.context;
  }
  return out;
}

/// The last symbol of a context has its lowest bit set.
std::vector<std::uint8_t> ContextCounts::encode_symbols() const {
  std::vector<std::uint8_t> out;
  std::uint32_t last = 0;
  for (const List& l : sorted_cells(lists_)) {
    put_number(out, l.context - last);
    for (std::uint32_t e = l.first; e != 0; e = entries_[e - 1].next) {
      put_number(out, static_cast<std::uint32_t>(entries_[e - 1].symbol) * 2 + (entries_[e - 1].next == 0));
      out.push_back(small_float(entries_[e - 1].count));
    }
    last = l.context;
  }
  return out;
}

void ContextCounts::decode(std::span<const std::uint8_t> answers, std::span<const std::uint8_t> symbols) {
  *this = ContextCounts();
  std::uint32_t context = 0;
  const auto advance = [&](ByteReader& in) {
    const std::uint32_t step = in.number();
    if (step == 0 || context + step < context)
      throw Error(Category::bad_input, "load_model", "counts: contexts out of order");
    context += step;
  };
  for (ByteReader in(answers); !in.done();) {
    advance(in);
    const std::uint8_t small = in.byte();
    add_answer(context, false, small == kLargeCounts ? from_small_float(in.byte()) : small / 16);
    add_answer(context, true, small == kLargeCounts ? from_small_float(in.byte()) : small % 16);
  }
  context = 0;
  for (ByteReader in(symbols); !in.done();) {
    advance(in);
    for (bool more = true; more;) {
      const std::uint32_t symbol = in.number();
      if (symbol / 2 >= 4 * kMaxSymbols) throw Error(Category::bad_input, "load_model", "counts: no symbol");
      add_symbol(context, static_cast<int>(symbol / 2), from_small_float(in.byte()));
      more = symbol % 2 == 0;
    }
  }
}

/// What each chain says to a yes-or-no question, as log odds, and how sure it is.
struct ContextMixing::RepeatState {
  std::array<float, 2 * kMaxChains> odds;              // by the shorter two orders, then by all
  std::array<std::size_t, 2 * kMaxChains> confidence;  // index of the confidence weight
};

/// What each chain says of every symbol, as logarithms.
struct ContextMixing::ChoiceState {
  std::array<std::array<float, kMaxSymbols>, kMaxChains> logs;
  std::array<int, kMaxChains> confidence;
  std::array<float, kMaxSymbols> mixed;  // probabilities
  std::vector<ContextCounts::Follower> followers;
  int allowed = 0;  // symbols
};

ContextMixing::ContextMixing(ContextShape shape) : shape_(std::move(shape)) {
  EUTERPE_ASSERT(shape_.symbols <= kMaxSymbols && shape_.repeats.size() <= kMaxChains &&
                 shape_.choices.size() <= kMaxChains);
  const auto size = [](int a, std::size_t b) { return static_cast<std::size_t>(a) * b; };
  const auto resize = [&](Weights& w, std::size_t chains, std::size_t bias, float start) {
    w.situation.assign(size(shape_.situations, chains), start);
    w.circumstance.assign(size(shape_.circumstances, chains), 0);
    w.confidence.assign(size(shape_.slots, chains) * (kContextOrders + 1) * kAmounts, 0);
    w.bias.assign(bias, 0);
  };
  resize(repeats_, 2 * shape_.repeats.size(), size(shape_.occasions, 1), 0.12f);
  resize(choices_, shape_.choices.size(), size(shape_.slots, kIntervals), 0.2f);
  prior_.assign(size(shape_.slots, static_cast<std::size_t>(shape_.symbols)), 1.0f);
}

void ContextMixing::forget(const ChoicePoint& point, int symbol, ContextCounts& piece) const {
  if (point.expected >= 0)
    for (std::size_t i = 0; i < shape_.repeats.size(); ++i) {
      if (shape_.repeats[i].local) continue;
      for (const std::uint32_t key : keys_of(shape_.repeats[i], i, point)) {
        const ContextCounts::Answers known = memory_.answers(key), gone = piece.answers(key);
        if (known.no + known.yes == 0) continue;
        if (!memory_.answers_at_least(key)) {
          piece.add_answer(key, symbol == point.expected, -1);
        } else if (gone.no + gone.yes == 0) {
          piece.add_answer(key, false, -known.no);
          piece.add_answer(key, true, -known.yes);
        }
      }
    }
  if (symbol == point.expected) return;
  std::vector<ContextCounts::Follower> known, gone;
  for (std::size_t i = 0; i < shape_.choices.size(); ++i) {
    const ContextChain& chain = shape_.choices[i];
    if (chain.local) continue;
    const int code = code_of(chain, point, symbol);
    for (const std::uint32_t key : keys_of(chain, kMaxChains + i, point)) {
      known.clear();
      gone.clear();
      memory_.collect(key, known);
      if (known.empty()) continue;
      if (!memory_.symbols_at_least(key)) {
        piece.add_symbol(key, code, -1);
        continue;
      }
      piece.collect(key, gone);
      if (gone.empty())
        for (const auto& f : known) piece.add_symbol(key, f.symbol, -f.count);
    }
  }
}

void ContextMixing::remember(const ChoicePoint& point, int symbol, ContextCounts& piece) const {
  count(point, symbol, kOwnTimes, piece, true, false);
  count(point, symbol, 1, piece, false, true);
}

void ContextMixing::count(const ChoicePoint& point, int symbol, int times, ContextCounts& counts, bool lasting,
                          bool local) const {
  const auto wanted = [&](const ContextChain& c) { return c.local ? local : lasting; };
  if (point.expected >= 0)
    for (std::size_t i = 0; i < shape_.repeats.size(); ++i)
      if (wanted(shape_.repeats[i]))
        for (const std::uint32_t key : keys_of(shape_.repeats[i], i, point))
          counts.add_answer(key, symbol == point.expected, times);
  if (symbol == point.expected) return;
  for (std::size_t i = 0; i < shape_.choices.size(); ++i) {
    const ContextChain& chain = shape_.choices[i];
    if (!wanted(chain)) continue;
    const int code = code_of(chain, point, symbol);
    for (const std::uint32_t key : keys_of(chain, kMaxChains + i, point)) counts.add_symbol(key, code, times);
  }
}

/// Logistic mixing of yes-or-no answers: p = σ(Σ w σ⁻¹(pᵢ) + bias).
EUTERPE_HOT double ContextMixing::repeat_probability(const ChoicePoint& point, const ContextCounts& piece,
                                                     RepeatState& state) const {
  const std::size_t chains = shape_.repeats.size(), inputs = 2 * chains;
  const auto slot = static_cast<std::size_t>(point.slot);
  for (std::size_t i = 0; i < chains; ++i) {
    const ContextChain& chain = shape_.repeats[i];
    double p = 0.8, shorter = 0.8;
    std::size_t order = 0, amount = 0;
    for (const std::uint32_t key : keys_of(chain, i, point)) {
      ContextCounts::Answers n = piece.answers(key);
      if (!chain.local) {
        const ContextCounts::Answers lasting = memory_.answers(key);
        n.no += lasting.no;
        n.yes += lasting.yes;
      }
      const int total = n.no + n.yes;
      if (total <= 0) break;
      const bool certain = n.no <= 0 || n.yes <= 0;
      const double back = order == 0 ? 0.5 : certain ? 0.7 : 1.2;  // weight of the shorter context, in counts
      p = (n.yes + back * p) / (total + back);
      ++order;
      if (order <= 2) shorter = p;
      amount = certain && total >= 3 ? 4 : amount_class(total);
    }
    for (const std::size_t input : {i, chains + i}) {
      const double q = std::clamp(input == i ? shorter : p, kLeast, 1 - kLeast);
      state.odds[input] = static_cast<float>(std::log(q / (1 - q)));
      state.confidence[input] = ((slot * inputs + input) * (kContextOrders + 1) + order) * kAmounts + amount;
    }
  }
  double z = repeats_.bias[static_cast<std::size_t>(point.occasion)];
  const float* situation = repeats_.situation.data() + static_cast<std::size_t>(point.situation) * inputs;
  const float* circumstance = repeats_.circumstance.data() + static_cast<std::size_t>(point.circumstance) * inputs;
  for (std::size_t i = 0; i < inputs; ++i)
    z += (situation[i] + circumstance[i] + repeats_.confidence[state.confidence[i]]) * state.odds[i];
  return std::clamp(sigmoid(z), kSurest, 1 - kSurest);
}

/// Interpolated absolute discounting along each chain, then p ∝ exp(Σ w ln pᵢ + bias of the interval).
EUTERPE_HOT void ContextMixing::choice_probabilities(const ChoicePoint& point, const ContextCounts& piece,
                                                     ChoiceState& state) const {
  const std::size_t chains = shape_.choices.size();
  const int symbols = shape_.symbols;
  const float* prior = prior_.data() + static_cast<std::size_t>(point.slot) * static_cast<std::size_t>(symbols);
  std::array<float, kMaxSymbols> sum{}, p;
  for (std::size_t i = 0; i < chains; ++i) {
    const ContextChain& chain = shape_.choices[i];
    std::copy(prior, prior + symbols, p.begin());
    int order = 0, amount = 0;
    for (const std::uint32_t key : keys_of(chain, kMaxChains + i, point)) {
      state.followers.clear();
      piece.collect(key, state.followers);
      if (!chain.local) memory_.collect(key, state.followers);
      int total = 0, kinds = 0;
      for (const auto& f : state.followers)
        if (f.count > 0) total += f.count, ++kinds;
      if (total <= 0) break;
      const float rest = static_cast<float>(kDiscount * kinds / total);
      for (int s = 0; s < symbols; ++s) p[static_cast<std::size_t>(s)] *= rest;
      for (const auto& f : state.followers) {
        const int s = symbol_of(chain, point, f.symbol);
        if (f.count > 0 && s >= 0 && s < symbols)
          p[static_cast<std::size_t>(s)] += static_cast<float>((f.count - kDiscount) / total);
      }
      ++order;
      amount = amount_class(total);
    }
    state.confidence[i] = static_cast<int>(
        ((static_cast<std::size_t>(point.slot) * chains + i) * (kContextOrders + 1) + static_cast<std::size_t>(order)) *
            kAmounts +
        static_cast<std::size_t>(amount));
    const float w = choices_.situation[static_cast<std::size_t>(point.situation) * chains + i] +
                    choices_.circumstance[static_cast<std::size_t>(point.circumstance) * chains + i] +
                    choices_.confidence[static_cast<std::size_t>(state.confidence[i])];
    for (int s = 0; s < symbols; ++s) {
      const auto k = static_cast<std::size_t>(s);
      state.logs[i][k] = std::log(p[k] + 1e-7f);
      sum[k] += w * state.logs[i][k];
    }
  }
  float greatest = -INFINITY;
  state.allowed = 0;
  for (int s = 0; s < symbols; ++s) {
    const auto k = static_cast<std::size_t>(s);
    if (s == point.expected || (s != 0 && (s < point.lowest || s > point.highest))) {
      sum[k] = -INFINITY;
      continue;
    }
    ++state.allowed;
    if (s != 0 && point.reference != 0)
      sum[k] += choices_.bias[static_cast<std::size_t>(point.slot * kIntervals +
                                                       std::clamp(s - point.reference + 24, 0, kIntervals - 1))];
    greatest = std::max(greatest, sum[k]);
  }
  float total = 0;
  for (int s = 0; s < symbols; ++s) {
    const auto k = static_cast<std::size_t>(s);
    state.mixed[k] = std::exp(sum[k] - greatest);
    total += state.mixed[k];
  }
  for (int s = 0; s < symbols; ++s) state.mixed[static_cast<std::size_t>(s)] /= total;
}

/// The mixture with the least share of every symbol allowed.
float ContextMixing::bounded(const ChoicePoint& point, const ChoiceState& state, int symbol) const {
  if (symbol == point.expected || (symbol != 0 && (symbol < point.lowest || symbol > point.highest))) return 0;
  return static_cast<float>((1 - kLeast) * state.mixed[static_cast<std::size_t>(symbol)] + kLeast / state.allowed);
}

void ContextMixing::distribution(const ChoicePoint& point, const ContextCounts& piece, std::span<float> out) const {
  EUTERPE_ASSERT(out.size() == static_cast<std::size_t>(shape_.symbols));
  double others = 1;
  if (point.expected >= 0) {
    RepeatState state;
    others = 1 - repeat_probability(point, piece, state);
  }
  ChoiceState state;
  choice_probabilities(point, piece, state);
  for (int s = 0; s < shape_.symbols; ++s)
    out[static_cast<std::size_t>(s)] =
        s == point.expected ? static_cast<float>(1 - others) : static_cast<float>(others * bounded(point, state, s));
}

double ContextMixing::nats(const ChoicePoint& point, int symbol, const ContextCounts& piece) const {
  double nats = 0;
  if (point.expected >= 0) {
    RepeatState state;
    const double p = repeat_probability(point, piece, state);
    if (symbol == point.expected) return -std::log(p);
    nats -= std::log(1 - p);
  }
  ChoiceState state;
  choice_probabilities(point, piece, state);
  return nats - std::log(static_cast<double>(bounded(point, state, symbol)));
}

double ContextMixing::train(const ChoicePoint& point, int symbol, const ContextCounts& piece, double rate) {
  double nats = 0;
  if (point.expected >= 0) {
    RepeatState state;
    const double p = repeat_probability(point, piece, state);
    const bool yes = symbol == point.expected;
    nats -= std::log(yes ? p : 1 - p);
    const std::size_t inputs = 2 * shape_.repeats.size();
    const auto error = static_cast<float>(rate * ((yes ? 1 : 0) - p));
    for (std::size_t i = 0; i < inputs; ++i) {
      const float step = error * state.odds[i];
      repeats_.situation[static_cast<std::size_t>(point.situation) * inputs + i] += kShare * step;
      repeats_.circumstance[static_cast<std::size_t>(point.circumstance) * inputs + i] += kShare * step;
      repeats_.confidence[state.confidence[i]] += step;
    }
    repeats_.bias[static_cast<std::size_t>(point.occasion)] += 3 * error;
    if (yes) return nats;
  }
  ChoiceState state;
  choice_probabilities(point, piece, state);
  nats -= std::log(static_cast<double>(bounded(point, state, symbol)));
  const std::size_t chains = shape_.choices.size();
  for (std::size_t i = 0; i < chains; ++i) {
    float slope = state.logs[i][static_cast<std::size_t>(symbol)];
    for (int s = 0; s < shape_.symbols; ++s)
      slope -= state.mixed[static_cast<std::size_t>(s)] * state.logs[i][static_cast<std::size_t>(s)];
    const float step = static_cast<float>(rate) * std::clamp(slope, -4.0f, 4.0f);
    choices_.situation[static_cast<std::size_t>(point.situation) * chains + i] += kShare * step;
    choices_.circumstance[static_cast<std::size_t>(point.circumstance) * chains + i] += kShare * step;
    choices_.confidence[static_cast<std::size_t>(state.confidence[i])] += step;
  }
  if (point.reference != 0) {
    float* bias = choices_.bias.data() + point.slot * kIntervals;
    const auto at = [&](int s) { return std::clamp(s - point.reference + 24, 0, kIntervals - 1); };
    for (int s = 1; s < shape_.symbols; ++s)
      bias[at(s)] -= static_cast<float>(rate) * state.mixed[static_cast<std::size_t>(s)];
    if (symbol != 0) bias[at(symbol)] += static_cast<float>(rate);
  }
  return nats;
}

void ContextMixing::save_weights(Safetensors& file) const {
  for (const auto& [name, w] : {std::pair{"repeats.", &repeats_}, std::pair{"choices.", &choices_}}) {
    store_weights(file, std::string(name) + "situation", w->situation);
    store_weights(file, std::string(name) + "circumstance", w->circumstance);
    store_weights(file, std::string(name) + "confidence", w->confidence);
    store_weights(file, std::string(name) + "bias", w->bias);
  }
  store_weights(file, "prior", prior_);
}

void ContextMixing::load_weights(const Safetensors& file) {
  for (const auto& [name, w] : {std::pair{"repeats.", &repeats_}, std::pair{"choices.", &choices_}}) {
    fetch_weights(file, std::string(name) + "situation", w->situation);
    fetch_weights(file, std::string(name) + "circumstance", w->circumstance);
    fetch_weights(file, std::string(name) + "confidence", w->confidence);
    fetch_weights(file, std::string(name) + "bias", w->bias);
  }
  fetch_weights(file, "prior", prior_);
  for (const float p : prior_)
    if (!(p > 0)) throw Error(Category::bad_input, "load_weights", "prior: a probability is not positive");
}

}  // namespace euterpe
