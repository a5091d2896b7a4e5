#include "train/note_classifier.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <chrono>
#include <cmath>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "nn/note_classifier_module.hpp"

namespace euterpe {
namespace {

/// A window in training and the piece that it is of.
struct Crop {
  NoteTokens tokens;
  const NoteExample* example = nullptr;
};

Crop draw_crop(const NoteExample& example, const FineTuning& options, Random& random) {
  NoteVariation v;
  v.hide = options.shape.hide;
  v.semitones =
      static_cast<int>(random.below(static_cast<std::uint64_t>(2 * options.semitones + 1))) - options.semitones;
  v.tempo = std::exp(random.uniform(-options.tempo, options.tempo));
  v.velocity = static_cast<int>(std::lround(options.velocity * random.normal()));
  const std::size_t length = std::min(options.shape.window, example.notes.size());
  const std::size_t begin = random.below(example.notes.size() - length + 1);
  std::vector<SequenceNote> notes;
  for (const SequenceNote& note : example.notes.subspan(begin, length))
    if (random.uniform() >= options.drop_notes) notes.push_back(note);
  if (notes.empty()) notes.push_back(example.notes[begin]);
  return {note_tokens(notes, v), &example};
}

/// Windows of one epoch in steps of similar lengths, the steps in random order.
std::vector<std::vector<Crop>> draw_epoch(std::span<const NoteExample> examples, const FineTuning& options,
                                          Random& random) {
  std::vector<Crop> crops;
  for (const NoteExample& example : examples) {
    const std::size_t whole = (example.notes.size() + options.shape.window - 1) / options.shape.window;
    const std::size_t count = std::min<std::size_t>(whole, static_cast<std::size_t>(options.windows_an_epoch));
    for (std::size_t k = 0; k < count; ++k) crops.push_back(draw_crop(example, options, random));
  }
  random.shuffle(crops);
  // Chunks of several steps are put in order of length, so that steps stay mixed and little is filled up.
  constexpr std::size_t kChunk = 8;
  std::vector<std::vector<Crop>> steps;
  const std::size_t rows =
      std::max<std::size_t>(1, static_cast<std::size_t>(options.notes) / options.shape.window) * kChunk;
  for (std::size_t from = 0; from < crops.size(); from += rows) {
    std::vector<NoteTokens> tokens;
    const std::size_t to = std::min(crops.size(), from + rows);
    for (std::size_t i = from; i < to; ++i) tokens.push_back(crops[i].tokens);
    for (const auto& group : similar_lengths(tokens, static_cast<std::size_t>(options.notes))) {
      auto& step = steps.emplace_back();
      for (const std::size_t i : group) step.push_back(std::move(crops[from + i]));
    }
  }
  random.shuffle(steps);
  return steps;
}

/// Loss of one head: cross entropy with a smoothed distribution, or squared error; unlabeled rows count nothing.
torch::Tensor head_loss(const torch::Tensor& outputs, const NoteHead& head, std::size_t index,
                        const std::vector<Crop>& crops, double smoothing) {
  const auto rows = static_cast<std::int64_t>(crops.size());
  torch::Tensor target = torch::zeros({rows, head.outputs}), weight = torch::zeros({rows});
  for (std::int64_t r = 0; r < rows; ++r) {
    const NoteExample& example = *crops[static_cast<std::size_t>(r)].example;
    const auto& values = example.targets[index];
    if (values.empty()) continue;
    std::copy(values.begin(), values.end(), target.data_ptr<float>() + r * head.outputs);
    weight.data_ptr<float>()[r] = static_cast<float>(example.weight);
  }
  torch::Tensor loss;
  if (head.probabilities) {
    target = target * (1 - smoothing) + smoothing / head.outputs;
    loss = -(target * torch::log_softmax(outputs, 1)).sum(1);
  } else {
    loss = (outputs - target).square().mean(1);
  }
  return (loss * weight).sum() / weight.sum().clamp_min(1e-6);
}

/// Mean loss over pieces of each head, from the means over their windows.
std::vector<double> validate(const NoteClassifierModule& network, std::span<const NoteExample> examples,
                             const FineTuning& options) {
  torch::NoGradGuard guard;
  constexpr std::size_t kWindows = 4;
  std::vector<NoteTokens> windows;
  std::vector<std::size_t> of;
  for (std::size_t e = 0; e < examples.size(); ++e)
    for (const auto& [begin, end] : note_windows(examples[e].notes.size(), options.shape.window, kWindows)) {
      windows.push_back(note_tokens(examples[e].notes.subspan(begin, end - begin), {.hide = options.shape.hide}));
      of.push_back(e);
    }
  const auto& heads = options.shape.heads;
  std::vector<std::vector<std::vector<double>>> sums(heads.size());
  for (std::size_t h = 0; h < heads.size(); ++h)
    sums[h].assign(examples.size(), std::vector<double>(static_cast<std::size_t>(heads[h].outputs), 0.0));
  std::vector<double> counts(examples.size(), 0.0);
  for (const auto& group : similar_lengths(windows, static_cast<std::size_t>(options.notes))) {
    std::vector<const NoteTokens*> part;
    for (const std::size_t i : group) part.push_back(&windows[i]);
    const NoteEncoderModule& encoder = network->encoder;
    const NoteBatch batch = note_batch(part, encoder->options);
    const auto pooled =
        network->pool(encoder->run(encoder->embed(batch), batch, 0, encoder->options.layers, nullptr), batch);
    for (std::size_t h = 0; h < heads.size(); ++h) {
      const auto raw = network->head(h, pooled);
      const auto values = (heads[h].probabilities ? torch::log_softmax(raw, 1) : raw).contiguous();
      for (std::size_t k = 0; k < group.size(); ++k)
        for (std::size_t o = 0; o < sums[h][of[group[k]]].size(); ++o)
          sums[h][of[group[k]]][o] += values[static_cast<std::int64_t>(k)][static_cast<std::int64_t>(o)].item<double>();
    }
    for (const std::size_t i : group) counts[of[i]] += 1;
  }
  std::vector<double> losses;
  for (std::size_t h = 0; h < heads.size(); ++h) {
    double sum = 0, weight = 0;
    for (std::size_t e = 0; e < examples.size(); ++e) {
      const auto& target = examples[e].targets[h];
      if (target.empty()) continue;
      auto& mean = sums[h][e];
      for (double& v : mean) v /= counts[e];
      double loss = 0;
      if (heads[h].probabilities) {
        double total = 0;
        for (const double v : mean) total += std::exp(v);
        for (std::size_t o = 0; o < mean.size(); ++o) loss -= target[o] * (mean[o] - std::log(total));
      } else {
        for (std::size_t o = 0; o < mean.size(); ++o)
          loss += (mean[o] - target[o]) * (mean[o] - target[o]) / static_cast<double>(mean.size());
      }
      sum += loss * examples[e].weight;
      weight += examples[e].weight;
    }
    losses.push_back(weight > 0 ? sum / weight : 0);
  }
  return losses;
}

/// AdamW (Loshchilov and Hutter 2019) with a rate of its own for each tensor, and averaged weights.
class Optimizer {
 public:
  Optimizer(const NoteClassifierModule& network, const FineTuning& options) : options_(options) {
    const int layers = network->encoder->options.layers;
    for (const auto& [name, value] : network->own_parameters()) {
      double rate = 1;
      // Blocks by their height, the note vectors below all of them.
      int below = -1;
      for (int i = 0; i < layers; ++i)
        if (name.rfind("encoder.block" + std::to_string(i) + ".", 0) == 0) below = layers - 1 - i;
      if (name == "encoder.embedding") below = layers;
      if (name == "encoder.final_norm") below = 0;
      if (below >= 0) rate = options.layer_rate * std::pow(options.layer_decay, below);
      const auto zeros = torch::zeros_like(value).detach();
      slots_.push_back({name, value, zeros, zeros.clone(), value.detach().clone(), rate});
    }
  }

  void step(double share_of_rate) {
    torch::NoGradGuard guard;
    constexpr double kBeta1 = 0.9, kBeta2 = 0.98, kClip = 1.0;
    ++steps_;
    double square = 0;
    for (const Slot& s : slots_)
      if (s.value.grad().defined()) square += s.value.grad().square().sum().item<double>();
    const double norm = std::sqrt(square), shrink = norm > kClip ? kClip / norm : 1.0;
    const double t = static_cast<double>(steps_);
    const double c1 = 1 - std::pow(kBeta1, t), c2 = 1 - std::pow(kBeta2, t);
    const double decay = std::min(options_.ema, (1 + t) / (10 + t));
    for (Slot& s : slots_) {
      torch::Tensor grad = s.value.mutable_grad();
      if (!grad.defined()) continue;
      grad.mul_(shrink);
      const double rate = options_.learning_rate * s.rate * share_of_rate;
      s.first.mul_(kBeta1).add_(grad, 1 - kBeta1);
      s.second.mul_(kBeta2).addcmul_(grad, grad, 1 - kBeta2);
      if (s.value.dim() > 1) s.value.mul_(1 - rate * options_.weight_decay);
      s.value.addcdiv_(s.first, (s.second / c2).sqrt_().add_(1e-8), -rate / c1);
      s.average.mul_(decay).add_(s.value, 1 - decay);
      grad.zero_();
    }
  }

  void put(Safetensors& file) const {
    for (const Slot& s : slots_)
      for (const auto& [kind, tensor] : parts(s)) {
        const auto t = tensor.detach().contiguous();
        file.put(kind + s.name, t.sizes().vec(), {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())});
      }
  }
  /// The state that put() wrote after so many steps.
  void take(const Safetensors& file, std::int64_t steps) {
    torch::NoGradGuard guard;
    steps_ = steps;
    for (const Slot& s : slots_)
      for (auto& [kind, tensor] : parts(s)) {
        const auto shape = tensor.sizes().vec();
        auto values = file.floats(kind + s.name, shape);
        tensor.copy_(torch::from_blob(values.data(), shape, torch::kFloat32));
      }
  }
  std::int64_t steps() const { return steps_; }

  /// Exchanges the trained with the averaged weights; called twice, all is as before.
  void swap_average() {
    torch::NoGradGuard guard;
    if (options_.ema <= 0) return;
    for (Slot& s : slots_) {
      const auto kept = s.value.detach().clone();
      s.value.copy_(s.average);
      s.average.copy_(kept);
    }
  }

 private:
  struct Slot {
    std::string name;
    torch::Tensor value, first, second, average;
    double rate;
  };
  /// What a checkpoint holds of a parameter; handles to the same memory.
  static std::vector<std::pair<std::string, torch::Tensor>> parts(const Slot& s) {
    return {{"parameter/", s.value}, {"first/", s.first}, {"second/", s.second}, {"average/", s.average}};
  }
  FineTuning options_;
  std::vector<Slot> slots_;
  std::int64_t steps_ = 0;
};

/// All that the weights after an epoch depend on.
nlohmann::json recipe_of(const NoteEncoder& encoder, std::span<const NoteExample> train,
                         std::span<const NoteExample> valid, const FineTuning& o) {
  std::string heard;
  for (const auto& examples : {train, valid}) {
    for (const NoteExample& e : examples) {
      for (const SequenceNote& n : e.notes)
        heard += fmt::format("{} {} {} {} {} {};", n.beat, n.second, n.beats, n.pitch, n.velocity, n.program);
      heard += fmt::format("{} {}\n", e.weight, nlohmann::json(e.targets).dump());
    }
    heard += "\n";
  }
  Safetensors start;
  put_parameters(*encoder.network(), start);
  return {{"encoder", sha256(write_safetensors(start))},
          {"examples", sha256(heard)},
          {"shape", to_json(o.shape)},
          {"epochs", o.epochs},
          {"patience", o.patience},
          {"windows_an_epoch", o.windows_an_epoch},
          {"notes", o.notes},
          {"learning_rate", o.learning_rate},
          {"layer_rate", o.layer_rate},
          {"layer_decay", o.layer_decay},
          {"weight_decay", o.weight_decay},
          {"dropout", o.dropout},
          {"head_dropout", o.head_dropout},
          {"label_smoothing", o.label_smoothing},
          {"drop_notes", o.drop_notes},
          {"semitones", o.semitones},
          {"tempo", o.tempo},
          {"velocity", o.velocity},
          {"ema", o.ema},
          {"seed", o.seed}};
}

constexpr const char* kBest = "best/";

/// Writes what a stopped run goes on from.
void save(const std::filesystem::path& path, const Optimizer& optimizer, const Safetensors& best,
          const FineTuningReport& report, const nlohmann::json& recipe) {
  Safetensors file;
  optimizer.put(file);
  for (const auto& [name, tensor] : best.tensors) file.tensors[kBest + name] = tensor;
  file.metadata["state"] = nlohmann::json{
      {"recipe", recipe},
      {"steps", optimizer.steps()},
      {"epochs", report.epochs},
      {"best_epoch", report.best_epoch},
      {"valid_loss", report.valid_loss},
      {"valid_by_head", report.valid_by_head},
      {"train_losses",
       report.train_losses}}.dump();
  std::filesystem::create_directories(path.parent_path());
  write_safetensors(path, file);
}

void resume(const std::filesystem::path& path, Optimizer& optimizer, Safetensors& best, FineTuningReport& report,
            const nlohmann::json& recipe) {
  const Safetensors file = read_safetensors(path);
  try {
    const auto state = nlohmann::json::parse(file.metadata.at("state"));
    for (const auto& [key, value] : recipe.items())
      if (state.at("recipe").value(key, nlohmann::json()) != value)
        throw Error(Category::usage, "resume", fmt::format("{}: the run there has another \"{}\"", path.string(), key),
                    "give the same options and data, or another --run folder");
    optimizer.take(file, state.at("steps"));
    report.epochs = state.at("epochs");
    report.best_epoch = state.at("best_epoch");
    report.valid_loss = state.at("valid_loss");
    report.valid_by_head = state.at("valid_by_head").get<std::vector<double>>();
    report.train_losses = state.at("train_losses").get<std::vector<double>>();
  } catch (const nlohmann::json::exception& e) {
    throw Error(Category::bad_input, "resume", path.string() + ": " + e.what());
  } catch (const std::out_of_range&) {
    throw Error(Category::bad_input, "resume", path.string() + ": holds no training state");
  }
  for (const auto& [name, tensor] : file.tensors)
    if (name.starts_with(kBest)) best.tensors[name.substr(std::string_view(kBest).size())] = tensor;
  spdlog::info("fine_tune: goes on after epoch {}", report.epochs);
}

}  // namespace

std::vector<float> one_hot(int label, int classes) {
  EUTERPE_ASSERT(label >= 0 && label < classes);
  std::vector<float> out(static_cast<std::size_t>(classes), 0.0f);
  out[static_cast<std::size_t>(label)] = 1;
  return out;
}

Safetensors fine_tune(const NoteEncoder& encoder, std::span<const NoteExample> train,
                      std::span<const NoteExample> valid, const FineTuning& options, FineTuningReport* report) {
  if (train.empty()) throw Error(Category::bad_input, "fine_tune", "there is no piece to learn from");
  const auto& heads = options.shape.heads;
  for (const auto& examples : {train, valid})
    for (const NoteExample& e : examples) EUTERPE_ASSERT(!e.notes.empty() && e.targets.size() == heads.size());
  const auto start = std::chrono::steady_clock::now();
  at::set_num_threads(threads());
  torch::manual_seed(options.seed);
  TransformerOptions shape = encoder.options();
  shape.dropout = options.dropout;
  NoteClassifierModule network(shape, options.shape);
  {
    torch::NoGradGuard guard;
    auto mine = network->encoder->named_parameters();
    for (const auto& p : encoder.network()->named_parameters()) mine[p.key()].copy_(p.value());
    for (auto& p : network->encoder->parameters()) p.set_requires_grad(false);
    for (auto& [name, value] : network->own_parameters()) value.set_requires_grad(true);
  }
  Optimizer optimizer(network, options);
  FineTuningReport result;
  Safetensors best;
  const bool kept = !options.run.empty();
  const std::filesystem::path checkpoint = options.run / "checkpoint.safetensors";
  const nlohmann::json recipe = kept ? recipe_of(encoder, train, valid, options) : nlohmann::json();
  if (kept && std::filesystem::exists(checkpoint)) resume(checkpoint, optimizer, best, result, recipe);
  const auto stale = [&] {
    return options.patience > 0 && !valid.empty() && result.epochs - result.best_epoch >= options.patience;
  };
  double items = 0;
  for (int epoch = result.epochs; epoch < options.epochs && !stale(); ++epoch) {
    Random random = Random::stream(options.seed, static_cast<std::uint64_t>(epoch));
    const auto steps = draw_epoch(train, options, random);
    double sum = 0;
    for (std::size_t s = 0; s < steps.size(); ++s) {
      check_interrupt();
      std::vector<const NoteTokens*> tokens;
      for (const Crop& crop : steps[s]) {
        tokens.push_back(&crop.tokens);
        items += static_cast<double>(crop.tokens.size());
      }
      const NoteBatch batch = note_batch(tokens, shape);
      torch::Tensor x;
      if (network->first() > 0) {
        torch::NoGradGuard guard;
        x = network->encoder->run(network->encoder->embed(batch), batch, 0, network->first(), nullptr);
      } else {
        x = network->encoder->embed(batch);
      }
      x = network->encoder->run(x, batch, network->first(), shape.layers, &random);
      const auto pooled = fast_dropout(network->pool(x, batch), options.head_dropout, random);
      torch::Tensor loss = torch::zeros({});
      for (std::size_t h = 0; h < heads.size(); ++h)
        loss = loss + head_loss(network->head(h, pooled), heads[h], h, steps[s], options.label_smoothing);
      loss.backward();
      sum += loss.item<double>();
      const double done = (epoch + static_cast<double>(s) / static_cast<double>(steps.size())) / options.epochs;
      constexpr double kWarmup = 0.05;
      optimizer.step(done < kWarmup ? done / kWarmup + 0.02 : 0.5 * (1 + std::cos(3.141592653589793 * done)));
    }
    result.train_losses.push_back(sum / static_cast<double>(steps.size()));
    result.epochs = epoch + 1;
    optimizer.swap_average();
    const auto losses = validate(network, valid, options);
    double total = 0;
    for (const double head : losses) total += head;
    const bool better = valid.empty() || epoch == 0 || total < result.valid_loss;
    if (better) {
      best = {};
      network->put(best, "");
      result.best_epoch = epoch + 1;
      result.valid_loss = total;
      result.valid_by_head = losses;
    }
    optimizer.swap_average();
    spdlog::info("fine_tune: epoch {} of {}: training loss {:.4f}{}", epoch + 1, options.epochs,
                 result.train_losses.back(), valid.empty() ? "" : fmt::format(", validation loss {:.4f}", total));
    if (kept) save(checkpoint, optimizer, best, result, recipe);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.notes_per_second = items / std::max(1e-9, result.seconds);
  if (report) *report = std::move(result);
  return best;
}

}  // namespace euterpe
