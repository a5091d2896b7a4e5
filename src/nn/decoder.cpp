#include "nn/decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "nn/key_value_cache.hpp"
#include "nn/rotary.hpp"
#include "nn/row_functions.hpp"
#include "nn/thread_team.hpp"

namespace euterpe {
namespace {

constexpr int kBlockTokens =
    96;                        // of a prompt, whole tiles: their activations stay in cache, weights are read once each
constexpr int kFewTokens = 6;  // below, a prompt goes faster as a stream of its weights than as tiles

std::size_t at(int row, int stride) { return static_cast<std::size_t>(row) * static_cast<std::size_t>(stride); }

/// A token on its way through the network.
struct Row {
  int token, sequence, position;
  MusicPlace place;
};

/// Rows as the kernels take them.
struct Input {
  const float* floats = nullptr;        // bf16 weights
  const std::int32_t* pairs = nullptr;  // int8 weights
  const float* scales = nullptr;        // of pairs
  std::size_t stride = 0;               // of rows, or of tiles
  int rows = 0;
  bool tiles = false;
};

void multiply(const PanelMatrix& m, int first, int last, const Input& in, PanelOutput out) {
  const PanelKernels& kernels = panel_kernels();
  out.values += first * kPanelRows;
  if (first == last) return;
  if (m.format() == WeightFormat::bf16)
    (in.tiles ? kernels.tiles_bf16 : kernels.stream_bf16)(m.bf16(first, last), in.floats, in.stride, in.rows, out);
  else
    (in.tiles ? kernels.tiles_int8 : kernels.stream_int8)(m.int8(first, last), in.pairs, in.scales, in.stride, in.rows,
                                                          out);
}

/// Memory of one member of the team.
struct Workspace {
  std::vector<float> normed, tiles, scales;
  std::vector<std::int32_t> pairs, pair_tiles;
  std::vector<float> scores, query_tile, score_tile, attended;  // of attention, a tile of rows
};

}  // namespace

struct BatchDecoder::State {
  State(std::shared_ptr<const TransformerWeights> w, int sequences);

  void make_room(int rows);
  void forward(std::span<const Row> new_rows, bool prompt, bool wants_logits);
  void forward(const ThreadTeam::Member& member, bool prompt, int first_wanted);
  Input prepare(const ThreadTeam::Member& member, const float* x, const std::vector<float>* norm, int columns,
                bool prompt);
  void prepare_rows(Workspace& w, const float* x, const std::vector<float>* norm, int columns, int first, int last);
  void attend(Workspace& w, int layer, int h, bool prompt);
  void attend_row(Workspace& w, int layer, int h, int r);
  void attend_tile(Workspace& w, int layer, int h, int first, int last);
  float* qkv_of(int row, int h, int part) {
    return qkv.data() + at(row, qkv_stride) + static_cast<std::size_t>((h * 3 + part) * padded);
  }

  std::shared_ptr<const TransformerWeights> weights;
  const TransformerOptions& o;
  const int head, padded, qkv_stride, longest;
  int room = 0;
  std::vector<KeyValueCache> caches;
  RotaryAngles angles;
  std::vector<float> cosine, sine;                  // [room × head / 2]
  std::vector<float> x, qkv, mixed, gates, hidden;  // [room × …]
  std::vector<float> new_logits, logits;            // [sequences × logit_stride]
  int logit_stride;
  std::vector<Row> rows, step_rows;
  std::vector<Workspace> workspaces;
};

BatchDecoder::State::State(std::shared_ptr<const TransformerWeights> w, int sequences)
    : weights(std::move(w)),
      o(weights->options()),
      head(weights->head()),
      padded(weights->padded_head()),
      qkv_stride(3 * o.heads * padded),
      longest(std::max(o.d_model, o.ff)),
      angles(o),
      logit_stride(weights->output().panels() * kPanelRows) {
  EUTERPE_ASSERT(sequences > 0);
  for (int s = 0; s < sequences; ++s) caches.emplace_back(o.layers, o.heads, head, o.context);
  new_logits.resize(at(sequences, logit_stride));
  logits.resize(new_logits.size());
  workspaces.resize(static_cast<std::size_t>(threads()));
  make_room(sequences);
}

void BatchDecoder::State::make_room(int n) {
  if (n <= room) return;
  room = n;
  const int tile = panel_kernels().tile, whole = (n + tile - 1) / tile * tile, context = caches[0].padded_context();
  cosine.resize(at(n, head / 2));
  sine.resize(cosine.size());
  x.resize(at(n, o.d_model));
  qkv.resize(at(n, qkv_stride));
  mixed.resize(at(n, o.d_model));
  gates.resize(at(n, 2 * o.ff));
  hidden.resize(at(n, o.ff));
  rows.reserve(static_cast<std::size_t>(n));
  step_rows.reserve(static_cast<std::size_t>(n));
  for (Workspace& w : workspaces) {
    // Tiles are prepared together, in the first workspace.
    const bool with_tiles = n >= kFewTokens && &w == workspaces.data();
    w.normed.resize(at(n, o.d_model));
    if (with_tiles && weights->format() == WeightFormat::bf16) w.tiles.resize(at(whole, longest));
    if (weights->format() == WeightFormat::int8) {
      w.pairs.resize(at(n, longest / 2));
      w.scales.resize(static_cast<std::size_t>(n));
      if (with_tiles) w.pair_tiles.resize(at(whole, longest / 2));
    }
    w.scores.resize(at(n >= kFewTokens ? tile : 1, context));
    w.attended.resize(at(n >= kFewTokens ? tile : 1, padded));
    if (n >= kFewTokens) {
      w.query_tile.resize(at(tile, head));
      w.score_tile.resize(at(tile, context));
    }
  }
}

void BatchDecoder::State::prepare_rows(Workspace& w, const float* from, const std::vector<float>* norm, int columns,
                                       int first, int last) {
  for (int r = first; r < last; ++r) {
    const float* row = from + at(r, columns);
    if (norm) {
      rms_norm_row(row, norm->data(), w.normed.data() + at(r, columns), columns);
      row = w.normed.data() + at(r, columns);
    }
    if (weights->format() == WeightFormat::int8)
      w.scales[static_cast<std::size_t>(r)] =
          quantize_row(row, w.pairs.data() + at(r, columns / 2), columns, input_limit(columns));
  }
}

/// Few rows each member prepares for itself, which is faster than to wait for others; many are shared out.
Input BatchDecoder::State::prepare(const ThreadTeam::Member& member, const float* from, const std::vector<float>* norm,
                                   int columns, bool prompt) {
  const int n = static_cast<int>(rows.size());
  const bool int8 = weights->format() == WeightFormat::int8;
  Workspace& w = workspaces[prompt ? 0 : static_cast<std::size_t>(member.rank())];
  const int tile = panel_kernels().tile, tiles = prompt ? (n + tile - 1) / tile : 1;
  const int first = prompt ? member.first(tiles) * tile : 0, last = prompt ? std::min(n, member.last(tiles) * tile) : n;
  prepare_rows(w, from, norm, columns, first, last);
  const float* floats = norm ? w.normed.data() : from;
  if (!prompt)
    return {floats, w.pairs.data(), w.scales.data(), static_cast<std::size_t>(int8 ? columns / 2 : columns), n, false};
  for (int r = first; r < last; r += tile) {
    const int count = std::min(tile, last - r);
    if (int8)
      pack_tile(w.pairs.data() + at(r, columns / 2), static_cast<std::size_t>(columns / 2), count, columns / 2, tile,
                w.pair_tiles.data() + at(r, columns / 2));
    else
      pack_tile(floats + at(r, columns), static_cast<std::size_t>(columns), count, columns, tile,
                w.tiles.data() + at(r, columns));
  }
  member.meet();
  return {w.tiles.data(), w.pair_tiles.data(), w.scales.data(), at(tile, int8 ? columns / 2 : columns), n, true};
}

void BatchDecoder::State::attend_row(Workspace& w, int layer, int h, int r) {
  const PanelKernels& kernels = panel_kernels();
  const Row& row = rows[static_cast<std::size_t>(r)];
  const KeyValueCache& cache = caches[static_cast<std::size_t>(row.sequence)];
  const int length = row.position + 1;
  const Bf16Panels keys = cache.keys(layer, h, length), values = cache.values(layer, h, length);
  kernels.stream_bf16(keys, qkv_of(r, h, 0), 0, 1, {w.scores.data(), 0, false});
  softmax_row(w.scores.data(), length, keys.panels * kPanelRows);
  kernels.stream_bf16(values, w.scores.data(), 0, 1, {w.attended.data(), 0, false});
  std::copy_n(w.attended.data(), head, mixed.data() + at(r, o.d_model) + h * head);
}

/// Rows of one sequence in a row, at most a tile.
void BatchDecoder::State::attend_tile(Workspace& w, int layer, int h, int first, int last) {
  const PanelKernels& kernels = panel_kernels();
  const KeyValueCache& cache = caches[static_cast<std::size_t>(rows[0].sequence)];
  const int n = last - first, length = rows[static_cast<std::size_t>(last - 1)].position + 1;
  const auto stride = static_cast<std::size_t>(cache.padded_context());
  const Bf16Panels keys = cache.keys(layer, h, length), values = cache.values(layer, h, length);
  pack_tile(qkv_of(first, h, 0), static_cast<std::size_t>(qkv_stride), n, head, kernels.tile, w.query_tile.data());
  kernels.tiles_bf16(keys, w.query_tile.data(), 0, n, {w.scores.data(), stride, false});
  // The future has no weight.
  for (int r = 0; r < n; ++r)
    softmax_row(w.scores.data() + static_cast<std::size_t>(r) * stride,
                rows[static_cast<std::size_t>(first + r)].position + 1, keys.panels * kPanelRows);
  pack_tile(w.scores.data(), stride, n, 2 * values.pairs, kernels.tile, w.score_tile.data());
  kernels.tiles_bf16(values, w.score_tile.data(), 0, n, {w.attended.data(), static_cast<std::size_t>(padded), false});
  for (int r = 0; r < n; ++r)
    std::copy_n(w.attended.data() + at(r, padded), head, mixed.data() + at(first + r, o.d_model) + h * head);
}

void BatchDecoder::State::attend(Workspace& w, int layer, int h, bool prompt) {
  const int n = static_cast<int>(rows.size()), half = head / 2;
  for (int r = 0; r < n; ++r) {
    const Row& row = rows[static_cast<std::size_t>(r)];
    const float *c = cosine.data() + at(r, half), *s = sine.data() + at(r, half);
    rotate_row(qkv_of(r, h, 0), c, s, half, 1.0f / std::sqrt(static_cast<float>(head)));
    rotate_row(qkv_of(r, h, 1), c, s, half, 1.0f);
    caches[static_cast<std::size_t>(row.sequence)].put(layer, h, row.position, qkv_of(r, h, 1), qkv_of(r, h, 2));
  }
  const int tile = panel_kernels().tile;
  if (prompt)
    for (int r = 0; r < n; r += tile) attend_tile(w, layer, h, r, std::min(n, r + tile));
  else
    for (int r = 0; r < n; ++r) attend_row(w, layer, h, r);
}

/// Logits of the rows from `first_wanted` on.
void BatchDecoder::State::forward(const ThreadTeam::Member& member, bool prompt, int first_wanted) {
  const int d = o.d_model, n = static_cast<int>(rows.size());
  Workspace& own = workspaces[static_cast<std::size_t>(member.rank())];
  auto multiply_share = [&](const PanelMatrix& m, const Input& in, float* out, int stride, bool add) {
    multiply(m, member.first(m.panels()), member.last(m.panels()), in, {out, static_cast<std::size_t>(stride), add});
  };
  for (int layer = 0; layer < o.layers; ++layer) {
    const TransformerWeights::Block& block = weights->blocks()[static_cast<std::size_t>(layer)];
    // A head's queries, keys, values and attention belong to one member, who need not wait for others between them.
    const Input normed = prepare(member, x.data(), &block.attention_norm, d, prompt);
    const int first = member.first(o.heads), last = member.last(o.heads), panels = 3 * padded / kPanelRows;
    multiply(block.qkv, first * panels, last * panels, normed,
             {qkv.data(), static_cast<std::size_t>(qkv_stride), false});
    for (int h = first; h < last; ++h) attend(own, layer, h, prompt);
    member.meet();
    multiply_share(block.attention_out, prepare(member, mixed.data(), nullptr, d, prompt), x.data(), d, true);
    member.meet();
    const Input again = prepare(member, x.data(), &block.ff_norm, d, prompt);
    const int from = member.first(o.ff / kPanelRows), to = member.last(o.ff / kPanelRows);
    multiply(block.ff_in, 2 * from, 2 * to, again, {gates.data(), static_cast<std::size_t>(2 * o.ff), false});
    for (int r = 0; r < n; ++r)
      swiglu_row(gates.data() + at(r, 2 * o.ff) + 2 * from * kPanelRows,
                 hidden.data() + at(r, o.ff) + from * kPanelRows, (to - from) * kPanelRows);
    member.meet();
    multiply_share(block.ff_out, prepare(member, hidden.data(), nullptr, o.ff, prompt), x.data(), d, true);
    member.meet();
  }
  if (first_wanted == n) return;
  const int first = first_wanted;
  prepare_rows(own, x.data(), &weights->final_norm(), d, first, n);
  const bool int8 = weights->format() == WeightFormat::int8;
  const Input in{own.normed.data() + at(first, d),
                 own.pairs.data() + (int8 ? at(first, d / 2) : 0),
                 own.scales.data() + (int8 ? first : 0),
                 static_cast<std::size_t>(int8 ? d / 2 : d),
                 n - first,
                 false};
  multiply_share(weights->output(), in, new_logits.data(), logit_stride, false);
}

void BatchDecoder::State::forward(std::span<const Row> new_rows, bool prompt, bool wants_logits) {
  make_room(static_cast<int>(new_rows.size()));
  rows.assign(new_rows.begin(), new_rows.end());
  const float scale = std::sqrt(static_cast<float>(o.d_model));
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto first = at(static_cast<int>(r), head / 2);
    angles.turn(rows[r].position, rows[r].place, cosine.data() + first, sine.data() + first);
    const auto from = weights->embedding(rows[r].token);
    float* to = x.data() + at(static_cast<int>(r), o.d_model);
    for (std::size_t i = 0; i < from.size(); ++i) to[i] = std::bit_cast<float>(std::uint32_t{from[i]} << 16) * scale;
  }
  const bool tiles = prompt && rows.size() >= kFewTokens;
  // Of a prompt, only what follows its last token is asked.
  const int n = static_cast<int>(rows.size()), first_wanted = !wants_logits ? n : prompt ? n - 1 : 0;
  const int team = std::min(threads(), static_cast<int>(workspaces.size()));
  ThreadTeam::shared().run(team, [&](const ThreadTeam::Member& member) { forward(member, tiles, first_wanted); });
  for (std::size_t r = 0; r < rows.size(); ++r)
    caches[static_cast<std::size_t>(rows[r].sequence)].set_length(rows[r].position + 1);
  for (int r = first_wanted; r < n; ++r)
    std::copy_n(new_logits.data() + at(r - first_wanted, logit_stride), logit_stride,
                logits.data() + at(rows[static_cast<std::size_t>(r)].sequence, logit_stride));
}

BatchDecoder::BatchDecoder(std::shared_ptr<const TransformerWeights> weights, int sequences)
    : state_(std::make_unique<State>(std::move(weights), sequences)) {}
BatchDecoder::BatchDecoder(BatchDecoder&&) noexcept = default;
BatchDecoder& BatchDecoder::operator=(BatchDecoder&&) noexcept = default;
BatchDecoder::~BatchDecoder() = default;

int BatchDecoder::sequences() const { return static_cast<int>(state_->caches.size()); }
int BatchDecoder::context() const { return state_->o.context; }
int BatchDecoder::length(int sequence) const { return state_->caches[static_cast<std::size_t>(sequence)].length(); }

std::span<const float> BatchDecoder::logits(int sequence) const {
  return std::span(state_->logits)
      .subspan(at(sequence, state_->logit_stride), static_cast<std::size_t>(state_->o.vocabulary));
}

void BatchDecoder::step(std::span<const int> tokens, std::span<const MusicPlace> places) {
  EUTERPE_ASSERT(tokens.size() == state_->caches.size() && (places.empty() || places.size() == tokens.size()));
  auto& rows = state_->step_rows;
  rows.clear();
  for (int s = 0; s < sequences(); ++s) {
    const int token = tokens[static_cast<std::size_t>(s)];
    if (token == kRests) continue;
    EUTERPE_ASSERT(token >= 0 && token < state_->o.vocabulary);
    if (length(s) >= context())
      throw Error(Category::usage, "decode", fmt::format("the context of {} tokens is full", context()));
    rows.push_back({token, s, length(s), places.empty() ? MusicPlace{} : places[static_cast<std::size_t>(s)]});
  }
  if (!rows.empty()) state_->forward(rows, false, true);
}

void BatchDecoder::prefill(int sequence, std::span<const int> tokens, std::span<const MusicPlace> places) {
  EUTERPE_ASSERT(places.empty() || places.size() == tokens.size());
  const int n = static_cast<int>(tokens.size()), begin = length(sequence);
  if (n > context() - begin)
    throw Error(Category::usage, "decode",
                fmt::format("{} tokens do not fit the context of {}, of which {} are taken", n, context(), begin));
  for (int first = 0; first < n; first += kBlockTokens) {
    const int last = std::min(n, first + kBlockTokens);
    auto& rows = state_->step_rows;
    rows.clear();
    for (int i = first; i < last; ++i) {
      const int token = tokens[static_cast<std::size_t>(i)];
      EUTERPE_ASSERT(token >= 0 && token < state_->o.vocabulary);
      rows.push_back({token, sequence, begin + i, places.empty() ? MusicPlace{} : places[static_cast<std::size_t>(i)]});
    }
    state_->forward(rows, true, last == n);
  }
}

void BatchDecoder::fork(int from, int to) {
  if (from == to) return;
  State& s = *state_;
  s.caches[static_cast<std::size_t>(to)].copy_from(s.caches[static_cast<std::size_t>(from)]);
  std::copy_n(s.logits.data() + at(from, s.logit_stride), s.logit_stride, s.logits.data() + at(to, s.logit_stride));
}

void BatchDecoder::rewind(int sequence, int length) {
  KeyValueCache& cache = state_->caches[static_cast<std::size_t>(sequence)];
  EUTERPE_ASSERT(length >= 0 && length <= cache.length());
  cache.set_length(length);
}

}  // namespace euterpe
