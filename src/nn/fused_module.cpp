#include <torch/torch.h>

#include "nn/fused_module.hpp"

#include <cmath>

#include "nn/head_attention.hpp"
#include "nn/row_kernels.hpp"
#include "nn/transformer.hpp"

namespace euterpe {
namespace {
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool is_bf16(const Tensor& x) { return x.scalar_type() == torch::kBFloat16; }
bool in_kernels(const Tensor& x) { return x.is_cpu() && (is_bf16(x) || x.scalar_type() == torch::kFloat32); }

template <class T>
T* data(const Tensor& x) {
  if constexpr (std::is_same_v<T, Bf16>)
    return reinterpret_cast<Bf16*>(x.data_ptr<at::BFloat16>());
  else
    return x.data_ptr<float>();
}

/// body(T{}) for the T, float or Bf16, of which x is.
void with_type(const Tensor& x, auto&& body) {
  if (is_bf16(x))
    body(Bf16{});
  else
    body(float{});
}

/// Rows a thread takes at a time; sums over rows are made chunk by chunk in this order, whatever the threads.
constexpr std::int64_t kChunk = 256;

void for_chunks(std::int64_t rows, const std::function<void(std::int64_t, std::int64_t)>& body) {
  const std::int64_t chunks = (rows + kChunk - 1) / kChunk;
  at::parallel_for(0, chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c) body(c * kChunk, std::min(rows, (c + 1) * kChunk));
  });
}

std::int64_t rows_of(const Tensor& x) { return x.numel() / x.size(-1); }

/// The mask's key of one row of the whole batch.
std::uint64_t row_key(std::uint64_t key, std::int64_t row) {
  std::uint64_t z = key + (static_cast<std::uint64_t>(row) + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

/// \param bf16 what the result is; x or the result, but not both
Tensor drop(const Tensor& x, const Tensor& add, const Dropout& d, bool bf16) {
  Tensor y = torch::empty(x.sizes(), x.options().dtype(bf16 ? torch::kBFloat16 : torch::kFloat32));
  const std::int64_t batch = x.size(0), row = batch > 0 ? x.numel() / batch : 0;
  const auto* sum = add.defined() ? add.data_ptr<float>() : nullptr;
  constexpr std::int64_t kSpan = 1 << 15;
  const std::int64_t spans = (row + kSpan - 1) / kSpan;
  auto run = [&](const auto* in, auto* out) {
    at::parallel_for(0, batch * spans, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t b = i / spans, first = i % spans * kSpan, at = b * row + first;
        drop_row(in + at, sum ? sum + at : nullptr, out + at, row_key(d.key, d.first_row + b), d.rate,
                 static_cast<std::uint32_t>(first), std::min(kSpan, row - first));
      }
    });
  };
  if (is_bf16(x))
    run(data<Bf16>(x), data<float>(y));
  else
    with_type(y, [&](auto out) { run(data<float>(x), data<decltype(out)>(y)); });
  return y;
}

void keep(AutogradContext* ctx, const Dropout& dropout, const Tensor& x) {
  ctx->saved_data["rate"] = dropout.rate;
  ctx->saved_data["key"] = static_cast<std::int64_t>(dropout.key);
  ctx->saved_data["row"] = dropout.first_row;
  ctx->saved_data["bf16"] = is_bf16(x);
}

Tensor drop_again(AutogradContext* ctx, const Tensor& grad) {
  const Dropout dropout{ctx->saved_data["rate"].toDouble(), static_cast<std::uint64_t>(ctx->saved_data["key"].toInt()),
                        ctx->saved_data["row"].toInt()};
  return drop(grad.contiguous(), {}, dropout, ctx->saved_data["bf16"].toBool());
}

// Two, since libtorch takes no undefined tensor as an argument of a function with a gradient.
struct DropFunction : torch::autograd::Function<DropFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Dropout& dropout) {
    keep(ctx, dropout, x);
    return drop(x.contiguous(), {}, dropout, false);
  }
  static variable_list backward(AutogradContext* ctx, variable_list grad) { return {drop_again(ctx, grad[0]), {}}; }
};

struct DropAddFunction : torch::autograd::Function<DropAddFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& add, const Dropout& dropout) {
    keep(ctx, dropout, x);
    return drop(x.contiguous(), add.contiguous(), dropout, false);
  }
  static variable_list backward(AutogradContext* ctx, variable_list grad) {
    return {drop_again(ctx, grad[0]), grad[0], {}};
  }
};

struct NormFunction : torch::autograd::Function<NormFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& given, const Tensor& weight, bool bf16) {
    const Tensor x = given.contiguous();
    const std::int64_t rows = rows_of(x), d = x.size(-1);
    Tensor y = torch::empty(x.sizes(), x.options().dtype(bf16 ? torch::kBFloat16 : torch::kFloat32));
    Tensor scale = torch::empty({rows}, x.options());
    with_type(y, [&](auto type) {
      for_chunks(rows, [&](std::int64_t begin, std::int64_t end) {
        norm_rows(x.data_ptr<float>() + begin * d, weight.data_ptr<float>(), data<decltype(type)>(y) + begin * d,
                  scale.data_ptr<float>() + begin, end - begin, d);
      });
    });
    ctx->save_for_backward({x, weight, scale});
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list grad) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &scale = saved[2], dy = grad[0].contiguous();
    const std::int64_t rows = rows_of(x), d = x.size(-1);
    Tensor dx = torch::empty_like(x);
    Tensor dweight = torch::zeros({(rows + kChunk - 1) / kChunk, d}, x.options());
    with_type(dy, [&](auto type) {
      for_chunks(rows, [&](std::int64_t begin, std::int64_t end) {
        norm_rows_gradient(data<decltype(type)>(dy) + begin * d, x.data_ptr<float>() + begin * d,
                           weight.data_ptr<float>(), scale.data_ptr<float>() + begin, dx.data_ptr<float>() + begin * d,
                           dweight.data_ptr<float>() + begin / kChunk * d, end - begin, d);
      });
    });
    return {dx, dweight.sum(0), {}};
  }
};

struct SwigluFunction : torch::autograd::Function<SwigluFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& given) {
    const Tensor g = given.contiguous();
    auto shape = g.sizes().vec();
    const std::int64_t ff = shape.back() /= 2;
    Tensor y = torch::empty(shape, g.options());
    with_type(g, [&](auto type) {
      using T = decltype(type);
      for_chunks(rows_of(g), [&](std::int64_t begin, std::int64_t end) {
        swiglu_rows(data<T>(g) + 2 * begin * ff, data<T>(y) + begin * ff, end - begin, ff);
      });
    });
    ctx->save_for_backward({g});
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list grad) {
    const Tensor g = ctx->get_saved_variables()[0], dy = grad[0].contiguous();
    const std::int64_t ff = dy.size(-1);
    Tensor dg = torch::empty_like(g);
    with_type(g, [&](auto type) {
      using T = decltype(type);
      for_chunks(rows_of(g), [&](std::int64_t begin, std::int64_t end) {
        swiglu_rows_gradient(data<T>(dy) + begin * ff, data<T>(g) + 2 * begin * ff, data<T>(dg) + 2 * begin * ff,
                             end - begin, ff);
      });
    });
    return {dg};
  }
};

/// The rotary table of one sequence, or the one of all.
const float* row_of(const Tensor& table, std::int64_t b) {
  return table.data_ptr<float>() + (table.dim() == 3 ? b * table.stride(0) : 0);
}

/// The sequence that begins at `step`, head h of its queries, keys and values. \param qkv [steps × 3 × heads × head]
template <class T>
HeadPlace<T> place_of(const Tensor& qkv, std::int64_t step, std::int64_t h) {
  return {data<std::remove_const_t<T>>(qkv) + step * qkv.stride(0) + h * qkv.size(3), qkv.stride(0), qkv.stride(1)};
}

/// Of sequences that stand one after the other: `begins` [sequences + 1] counts their steps.
struct AttentionFunction : torch::autograd::Function<AttentionFunction> {
  /// body(attention, first step, head, sequence) for every head of every sequence.
  template <class Body>
  static void for_heads(const Tensor& begins, std::int64_t heads, std::int64_t head, const Body& body) {
    const auto* begin_of = begins.data_ptr<std::int64_t>();
    at::parallel_for(0, (begins.numel() - 1) * heads, 1, [&](std::int64_t begin, std::int64_t end) {
      HeadAttention attention(0, head);
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t b = i / heads;
        attention.resize(begin_of[b + 1] - begin_of[b]);
        body(attention, begin_of[b], i % heads, b);
      }
    });
  }

  static Tensor forward(AutogradContext* ctx, const Tensor& given, const Tensor& begins, const Tensor& cosine,
                        const Tensor& sine) {
    const Tensor qkv = given.detach().contiguous();
    const std::int64_t steps = qkv.size(0), heads = qkv.size(2), head = qkv.size(3);
    Tensor out = torch::empty({steps, heads * head}, qkv.options());
    Tensor normalizer = torch::empty({heads, steps}, torch::kFloat32);
    with_type(qkv, [&](auto type) {
      using T = decltype(type);
      for_heads(begins, heads, head, [&](HeadAttention& attention, std::int64_t at, std::int64_t h, std::int64_t b) {
        attention.forward(place_of<const T>(qkv, at, h), row_of(cosine, b), row_of(sine, b),
                          data<T>(out) + (at * heads + h) * head, heads * head,
                          normalizer.data_ptr<float>() + h * steps + at);
      });
    });
    ctx->save_for_backward({qkv, begins, cosine, sine, normalizer});
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grad) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &qkv = saved[0], &cosine = saved[2], &sine = saved[3], &normalizer = saved[4];
    const std::int64_t steps = qkv.size(0), heads = qkv.size(2), head = qkv.size(3);
    const Tensor dout = grad[0].contiguous();
    Tensor dqkv = torch::empty_like(qkv);
    with_type(qkv, [&](auto type) {
      using T = decltype(type);
      for_heads(saved[1], heads, head, [&](HeadAttention& attention, std::int64_t at, std::int64_t h, std::int64_t b) {
        attention.backward(place_of<const T>(qkv, at, h), row_of(cosine, b), row_of(sine, b),
                           static_cast<const T*>(data<T>(dout)) + (at * heads + h) * head, heads * head,
                           normalizer.data_ptr<float>() + h * steps + at, place_of<T>(dqkv, at, h));
      });
    });
    return {dqkv, {}, {}, {}};
  }
};

struct CrossEntropyFunction : torch::autograd::Function<CrossEntropyFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& logits, const Tensor& targets, std::int64_t ignored) {
    const std::int64_t rows = logits.size(0), vocabulary = logits.size(1);
    const auto* target = targets.data_ptr<std::int64_t>();
    const auto count = (targets != ignored).sum().item<std::int64_t>();
    const float weight = count > 0 ? 1 / static_cast<float>(count) : 0;
    std::vector<double> sums(static_cast<std::size_t>((rows + kChunk - 1) / kChunk));
    for_chunks(rows, [&](std::int64_t begin, std::int64_t end) {
      double sum = 0;
      std::vector<float> wide(is_bf16(logits) ? static_cast<std::size_t>(vocabulary) : 0);
      auto run = [&](float* row, std::int64_t r) {
        if (target[r] == ignored)
          std::fill(row, row + vocabulary, 0.0f);
        else
          sum += cross_entropy_row(row, vocabulary, target[r], weight);
      };
      for (std::int64_t r = begin; r < end; ++r) {
        if (!is_bf16(logits)) {
          run(logits.data_ptr<float>() + r * vocabulary, r);
          continue;
        }
        Bf16* row = data<Bf16>(logits) + r * vocabulary;
        widen_row(row, wide.data(), vocabulary);
        run(wide.data(), r);
        narrow_row(wide.data(), row, vocabulary);
      }
      sums[static_cast<std::size_t>(begin / kChunk)] = sum;
    });
    double total = 0;
    for (double s : sums) total += s;
    ctx->saved_data["gradient"] = logits.detach();
    return torch::scalar_tensor(count > 0 ? total / static_cast<double>(count) : 0.0, torch::kFloat32);
  }
  static variable_list backward(AutogradContext* ctx, variable_list grad) {
    const float scale = grad[0].item<float>();
    Tensor gradient = ctx->saved_data["gradient"].toTensor();
    if (scale != 1) gradient = gradient * scale;
    return {gradient, {}, {}};
  }
};

struct Pass : torch::CustomClassHolder {
  explicit Pass(std::function<Tensor(const Tensor&)> f) : run(std::move(f)) {}
  std::function<Tensor(const Tensor&)> run;
};

struct RecomputeFunction : torch::autograd::Function<RecomputeFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const c10::intrusive_ptr<Pass>& pass) {
    ctx->save_for_backward({x});
    ctx->saved_data["pass"] = c10::IValue::make_capsule(pass);
    return pass->run(x);  // libtorch has switched gradients off here
  }
  static variable_list backward(AutogradContext* ctx, variable_list grad) {
    const Tensor x = ctx->get_saved_variables()[0].detach().requires_grad_(true);
    const auto pass = ctx->saved_data["pass"].toCapsule();
    torch::AutoGradMode on(true);
    const Tensor y = static_cast<Pass*>(pass.get())->run(x);
    torch::autograd::backward({y}, {grad[0]});
    return {x.grad(), {}};
  }
};

}  // namespace

Dropout Dropout::at(std::uint64_t place) const {
  return {rate, row_key(key ^ 0x5bf03635ULL, static_cast<std::int64_t>(place)), first_row};
}

Tensor dropped(const Tensor& x, const Tensor& add, const Dropout* dropout) {
  if (!dropout || dropout->rate <= 0) return add.defined() ? add + x : x;
  if (in_kernels(x)) return add.defined() ? DropAddFunction::apply(x, add, *dropout) : DropFunction::apply(x, *dropout);
  if (x.is_cuda()) torch::cuda::manual_seed(row_key(dropout->key, dropout->first_row));
  const Tensor y = torch::dropout(x, dropout->rate, true);
  return add.defined() ? add + y : y;
}

Tensor fused_norm(const Tensor& x, const Tensor& weight, bool bf16) {
  if (in_kernels(x)) return NormFunction::apply(x, weight, bf16);
  const Tensor wide = x.to(torch::kFloat32);
  return (wide * torch::rsqrt(wide.square().mean(-1, true) + kNormEpsilon) * weight).to(x.scalar_type());
}

Tensor fused_swiglu(const Tensor& g) {
  if (in_kernels(g)) return SwigluFunction::apply(g);
  const auto halves = g.chunk(2, -1);
  return torch::silu(halves[0]) * halves[1];
}

Tensor mixed_linear(const Tensor& x, const Tensor& weight) { return torch::linear(x, weight.to(x.scalar_type())); }

Tensor causal_attention(const Tensor& qkv, const Tensor& cosine, const Tensor& sine) {
  const std::int64_t batch = qkv.size(0), time = qkv.size(1);
  if (in_kernels(qkv))
    return AttentionFunction::apply(qkv.flatten(0, 1), torch::arange(0, batch * time + 1, time), cosine, sine)
        .view({batch, time, -1});
  auto rotate = [&](const Tensor& x) {
    const auto halves = x.chunk(2, -1);
    // [batch × heads × time × pairs]
    const auto of_heads = [&](const Tensor& t) { return (t.dim() == 3 ? t.unsqueeze(1) : t).to(x.scalar_type()); };
    const Tensor c = of_heads(cosine), s = of_heads(sine);
    return torch::cat({halves[0] * c - halves[1] * s, halves[1] * c + halves[0] * s}, -1);
  };
  const Tensor parts = qkv.permute({2, 0, 3, 1, 4});
  const Tensor q = rotate(parts[0]), k = rotate(parts[1]);
#if TORCH_VERSION_MAJOR >= 2
  const Tensor mixed = at::scaled_dot_product_attention(q, k, parts[2], {}, 0.0, true);
#else
  const Tensor mask = torch::full({time, time}, -INFINITY, q.options()).triu(1);
  const Tensor scores = torch::matmul(q, k.transpose(-2, -1)) * (1 / std::sqrt(static_cast<double>(q.size(-1)))) + mask;
  const Tensor mixed = torch::matmul(torch::softmax(scores, -1), parts[2]);
#endif
  return mixed.transpose(1, 2).reshape({batch, time, qkv.size(3) * qkv.size(4)});
}

Tensor ragged_causal_attention(const Tensor& qkv, const Tensor& begins, const Tensor& cosine, const Tensor& sine) {
  if (in_kernels(qkv)) return AttentionFunction::apply(qkv, begins, cosine, sine);
  // Padded behind the end: a causal step never sees it.
  const Tensor lengths = begins.diff();
  const std::int64_t batch = lengths.numel(), time = lengths.max().item<std::int64_t>();
  const Tensor inside = torch::arange(time).unsqueeze(0) < lengths.unsqueeze(1);
  const Tensor places = inside.flatten().nonzero().squeeze(1).to(qkv.device());
  Tensor padded = torch::zeros({batch * time, qkv.size(1), qkv.size(2), qkv.size(3)}, qkv.options());
  padded = padded.index_copy(0, places, qkv);
  const Tensor all = causal_attention(padded.view({batch, time, qkv.size(1), qkv.size(2), qkv.size(3)}),
                                      cosine.narrow(0, 0, time), sine.narrow(0, 0, time));
  return all.flatten(0, 1).index_select(0, places);
}

Tensor consume_cross_entropy(const Tensor& logits, const Tensor& targets, std::int64_t ignored) {
  if (in_kernels(logits) && logits.is_contiguous()) return CrossEntropyFunction::apply(logits, targets, ignored);
  return torch::nn::functional::cross_entropy(logits.to(torch::kFloat32), targets,
                                              torch::nn::functional::CrossEntropyFuncOptions().ignore_index(ignored));
}

Tensor recomputed(const Tensor& x, std::function<Tensor(const Tensor&)> pass) {
  if (!torch::GradMode::is_enabled() || !x.requires_grad()) return pass(x);
  return RecomputeFunction::apply(x, c10::make_intrusive<Pass>(std::move(pass)));
}

}  // namespace euterpe
