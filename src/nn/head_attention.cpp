#include "nn/head_attention.hpp"

#include <algorithm>
#include <cmath>

#include "base/hot.hpp"
#include "nn/small_product.hpp"

namespace euterpe {
namespace {

/// Rows of scores that are made together: with the keys and values they stay in the second cache, and whole tiles of
/// the product fill them.
constexpr std::int64_t kBlock = 48;
constexpr std::int64_t kLane = 16;

std::int64_t rounded(std::int64_t n) { return (n + kLane - 1) / kLane * kLane; }

EUTERPE_HOT void transpose_rows(const float* from, float* to, std::int64_t time, std::int64_t head,
                                std::int64_t width) {
  for (std::int64_t t = 0; t + kLane <= time; t += kLane)
    for (std::int64_t d = 0; d < head; ++d)
      for (std::int64_t i = 0; i < kLane; ++i) to[d * width + t + i] = from[(t + i) * head + d];
  for (std::int64_t t = time / kLane * kLane; t < time; ++t)
    for (std::int64_t d = 0; d < head; ++d) to[d * width + t] = from[t * head + d];
}

void copy_row(const float* from, float* to, std::int64_t n) { std::copy(from, from + n, to); }
void copy_row(const Bf16* from, float* to, std::int64_t n) { widen_row(from, to, n); }
void copy_row(const float* from, Bf16* to, std::int64_t n) { narrow_row(from, to, n); }

}  // namespace

HeadAttention::HeadAttention(std::int64_t time, std::int64_t head)
    : head_(head), scale_(1 / std::sqrt(static_cast<float>(head))) {
  resize(time);
}

void HeadAttention::resize(std::int64_t time) {
  time_ = time;
  width_ = rounded(time) + kLane;  // the odd line keeps rows of scores from falling onto the same few lines of a cache
  for (std::vector<float>* rows : {&q_, &k_, &v_, &side_}) rows->resize(static_cast<std::size_t>(time * head_));
  k_across_.resize(static_cast<std::size_t>(head_ * width_));
  p_.resize(static_cast<std::size_t>(kBlock * width_));
}

void HeadAttention::transpose(const std::vector<float>& from, std::vector<float>& to) const {
  transpose_rows(from.data(), to.data(), time_, head_, width_);
}

template <class T>
void HeadAttention::read(const HeadPlace<const T>& from, const float* cosine, const float* sine) {
  rotate_rows(from.query, from.step, cosine, sine, scale_, q_.data(), time_, head_ / 2);
  rotate_rows(from.query + from.part, from.step, cosine, sine, 1, k_.data(), time_, head_ / 2);
  for (std::int64_t t = 0; t < time_; ++t)
    copy_row(from.query + 2 * from.part + t * from.step, v_.data() + t * head_, head_);
  transpose(k_, k_across_);
}

void HeadAttention::scores(std::int64_t row, std::int64_t rows, std::int64_t last) {
  small_product({q_.data() + row * head_, head_, 1}, k_across_.data(), width_, p_.data(), width_, rows, head_,
                rounded(last), false);
}

template <class T>
void HeadAttention::forward(const HeadPlace<const T>& from, const float* cosine, const float* sine, T* out,
                            std::int64_t stride, float* normalizer) {
  read(from, cosine, sine);
  for (std::int64_t row = 0; row < time_; row += kBlock) {
    const std::int64_t last = std::min(time_, row + kBlock), rows = last - row;
    scores(row, rows, last);
    causal_softmax(p_.data(), width_, normalizer + row, rows, last, row + 1);
    small_product({p_.data(), width_, 1}, v_.data(), head_, side_.data() + row * head_, head_, rows, last, head_,
                  false);
  }
  for (std::int64_t t = 0; t < time_; ++t) copy_row(side_.data() + t * head_, out + t * stride, head_);
}

template <class T>
void HeadAttention::backward(const HeadPlace<const T>& from, const float* cosine, const float* sine, const T* dout,
                             std::int64_t stride, const float* normalizer, const HeadPlace<T>& to) {
  read(from, cosine, sine);
  v_across_.resize(k_across_.size());
  dp_.resize(p_.size());
  dq_.resize(q_.size());
  transpose(v_, v_across_);
  for (std::int64_t t = 0; t < time_; ++t) copy_row(dout + t * stride, side_.data() + t * head_, head_);
  dk_.assign(q_.size(), 0.0f);
  dv_.assign(q_.size(), 0.0f);
  for (std::int64_t row = 0; row < time_; row += kBlock) {
    const std::int64_t last = std::min(time_, row + kBlock), rows = last - row;
    const float *q = q_.data() + row * head_, *dy = side_.data() + row * head_;
    scores(row, rows, last);
    causal_softmax_again(p_.data(), width_, normalizer + row, rows, last, row + 1);
    small_product({dy, head_, 1}, v_across_.data(), width_, dp_.data(), width_, rows, head_, rounded(last), false);
    small_product({p_.data(), 1, width_}, dy, head_, dv_.data(), head_, last, rows, head_, true);
    softmax_gradient(p_.data(), dp_.data(), width_, rows, last, row + 1);
    small_product({dp_.data(), width_, 1}, k_.data(), head_, dq_.data() + row * head_, head_, rows, last, head_, false);
    small_product({dp_.data(), 1, width_}, q, head_, dk_.data(), head_, last, rows, head_, true);
  }
  rotate_rows_back(dq_.data(), cosine, sine, scale_, to.query, to.step, time_, head_ / 2);
  rotate_rows_back(dk_.data(), cosine, sine, 1, to.query + to.part, to.step, time_, head_ / 2);
  for (std::int64_t t = 0; t < time_; ++t)
    copy_row(dv_.data() + t * head_, to.query + 2 * to.part + t * to.step, head_);
}

template void HeadAttention::forward(const HeadPlace<const float>&, const float*, const float*, float*, std::int64_t,
                                     float*);
template void HeadAttention::forward(const HeadPlace<const Bf16>&, const float*, const float*, Bf16*, std::int64_t,
                                     float*);
template void HeadAttention::backward(const HeadPlace<const float>&, const float*, const float*, const float*,
                                      std::int64_t, const float*, const HeadPlace<float>&);
template void HeadAttention::backward(const HeadPlace<const Bf16>&, const float*, const float*, const Bf16*,
                                      std::int64_t, const float*, const HeadPlace<Bf16>&);

}  // namespace euterpe
