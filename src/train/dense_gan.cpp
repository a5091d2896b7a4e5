#include "train/dense_gan.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/gray_png.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "nn/dense_gan_module.hpp"
#include "nn/model.hpp"
#include "nn/random_tensor_module.hpp"
#include "score/midi.hpp"
#include "score/passage_files.hpp"
#include "score/roll_patch.hpp"
#include "train/adversarial_module.hpp"
#include "train/gan_losses_module.hpp"
#include "train/sample_health.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSheet = 100;                          // samples, in rows of ten
constexpr std::int64_t kInARow = 8;                           // patches of a MIDI file
constexpr std::uint64_t kOrders = 0x0DDE, kSamples = 0x5A3B;  // streams beside those of the steps

void check_range(const DenseGanTraining& o) {
  const auto require = [](bool ok, const char* what) {
    if (!ok) throw Error(Category::usage, "train gan", what);
  };
  require(o.batch >= 1, "batch must be at least 1");
  require(o.noise >= 0 && o.penalty_weight >= 0, "noise and the penalty's weight must not be below 0");
  require(o.penalty == "none" || o.penalty == "gradient" || o.penalty == "r1",
          "the penalty must be none, gradient or r1");
}

/// Which pictures each batch holds: all of them once an epoch, but for a rest smaller than a batch.
class Epochs {
 public:
  Epochs(std::size_t pictures, std::int64_t batch, std::uint64_t seed)
      : batch_(std::min(batch, static_cast<std::int64_t>(pictures))), seed_(seed), order_(pictures) {}
  std::int64_t batch() const { return batch_; }
  std::int64_t batches() const { return static_cast<std::int64_t>(order_.size()) / batch_; }
  /// Numbers of the pictures of a step, counted from 0.
  std::span<const std::int64_t> pictures(std::int64_t step) {
    if (const std::int64_t epoch = step / batches(); epoch != epoch_) {
      epoch_ = epoch;
      std::iota(order_.begin(), order_.end(), 0);
      Random random = Random::stream(seed_ ^ kOrders, static_cast<std::uint64_t>(epoch));
      random.shuffle(order_);
    }
    return std::span<const std::int64_t>(order_).subspan(static_cast<std::size_t>(step % batches() * batch_),
                                                         static_cast<std::size_t>(batch_));
  }

 private:
  std::int64_t batch_, epoch_ = -1;
  std::uint64_t seed_;
  std::vector<std::int64_t> order_;
};

class DenseGanRun {
 public:
  DenseGanRun(const PictureSet& pictures, const DenseGanTraining& options)
      : pictures_(pictures),
        options_(options),
        pixels_(static_cast<std::int64_t>(pictures.height * pictures.width)),
        epochs_(pictures.count, options.batch, options.seed),
        generator_(pixels_),
        discriminator_(pixels_, options.minibatch_deviation),
        loss_(gan_loss(options.loss)) {
    generator_->to(device_);
    discriminator_->to(device_);
    Random random = Random::stream(options.seed ^ kSamples, 0);
    sheet_noise_ = normal_tensor(random, {kSheet, static_cast<std::int64_t>(kDenseNoise)}).to(device_);
    for (std::int64_t i = 0; i < kSheet; ++i) {
      const std::uint8_t* from =
          pictures.pixels.data() + random.below(pictures.count) * static_cast<std::size_t>(pixels_);
      for (std::int64_t p = 0; p < pixels_; ++p) real_.push_back(static_cast<float>(from[p]) / 255);
    }
  }

  AdversarialTask task() {
    AdversarialTask task;
    for (auto& p : generator_->named_parameters()) task.generator.emplace_back(p.key(), p.value());
    for (auto& p : discriminator_->named_parameters()) task.discriminator.emplace_back(p.key(), p.value());
    task.batch = epochs_.batch();
    task.recipe = {{"network", "dense"},
                   {"pictures", pictures_.hash},
                   {"batch", options_.batch},
                   {"loss", options_.loss},
                   {"penalty", options_.penalty},
                   {"penalty_weight", options_.penalty_weight},
                   {"minibatch_deviation", options_.minibatch_deviation},
                   {"noise", options_.noise}};
    task.discriminator_loss = [this](Random& random, std::int64_t step) { return discriminator_loss(random, step); };
    task.generator_loss = [this](Random& random, std::int64_t step) {
      return generator_loss(loss_, discriminator_->forward(blurred(drawn(random), random, step)));
    };
    task.sample = [this](std::int64_t step) { return sample(step); };
    task.on_batch = [this](std::int64_t step, double loss_d, double loss_g) {
      const std::int64_t batches = epochs_.batches();
      spdlog::info("epoch {}, batch {} of {}: D loss {:.4f}, G loss {:.4f}", (step - 1) / batches + 1,
                   (step - 1) % batches + 1, batches, loss_d, loss_g);
    };
    return task;
  }

  Safetensors weights() const { return generator_->weights(DType::i8); }

 private:
  torch::Tensor drawn(Random& random) {
    return generator_->forward(
        normal_tensor(random, {epochs_.batch(), static_cast<std::int64_t>(kDenseNoise)}).to(device_));
  }
  torch::Tensor blurred(const torch::Tensor& pictures, Random& random, std::int64_t step) const {
    const double left = 1 - static_cast<double>(step) / static_cast<double>(options_.steps);
    if (options_.noise <= 0) return pictures;
    return pictures + options_.noise * left * normal_tensor(random, pictures.sizes().vec()).to(device_);
  }

  /// In −1 … 1, [batch × pixels].
  torch::Tensor real(std::int64_t step) {
    torch::Tensor out = torch::empty({epochs_.batch(), pixels_}, torch::kUInt8);
    std::uint8_t* to = out.data_ptr<std::uint8_t>();
    for (const std::int64_t number : epochs_.pictures(step))
      to = std::copy_n(pictures_.pixels.data() + number * pixels_, pixels_, to);
    return out.to(device_).to(torch::kFloat32).div_(127.5).sub_(1);
  }

  torch::Tensor discriminator_loss(Random& random, std::int64_t step) {
    torch::Tensor fake;
    {
      torch::NoGradGuard guard;
      fake = blurred(drawn(random), random, step);
    }
    const torch::Tensor x = blurred(real(step), random, step);
    const torch::Tensor loss =
        euterpe::discriminator_loss(loss_, discriminator_->forward(x), discriminator_->forward(fake));
    if (options_.penalty == "none") return loss;
    const Critic critic = [this](const torch::Tensor& at) { return discriminator_->forward(at); };
    if (options_.penalty == "r1") return loss + options_.penalty_weight * real_gradient_penalty(critic, x, x.size(0));
    const torch::Tensor mix = uniform_tensor(random, {x.size(0)}).to(device_);
    return loss + options_.penalty_weight * gradient_penalty(critic, x, fake, mix);
  }

  SampleReport sample(std::int64_t step) {
    torch::NoGradGuard guard;
    const torch::Tensor values = (generator_->forward(sheet_noise_) + 1).mul(0.5).to(torch::kCPU).contiguous();
    const std::span<const float> made(values.data_ptr<float>(), static_cast<std::size_t>(values.numel()));
    std::vector<GrayImage> images;
    for (std::int64_t i = 0; i < kSheet; ++i) {
      GrayImage image{static_cast<int>(pictures_.width), static_cast<int>(pictures_.height), {}};
      for (const float v : made.subspan(static_cast<std::size_t>(i * pixels_), static_cast<std::size_t>(pixels_)))
        image.pixels.push_back(static_cast<std::uint8_t>(std::lround(255 * v)));
      images.push_back(std::move(image));
    }
    const fs::path name = options_.folder / "samples" / fmt::format("{:07}", step);
    write_gray_png(name.string() + ".png", image_sheet(images, 10));
    if (pictures_.patches) {
      std::vector<RollPatch> row;
      for (std::int64_t i = 0; i < kInARow; ++i) row.push_back(images[static_cast<std::size_t>(i)].pixels);
      BarGrid music = patches_grid(row, pictures_.patches->lowest);
      music.tempo = pictures_.patches->tempo;
      write_midi(name.string() + ".mid", grid_score(music));
    }
    const SampleHealth health = sample_health(made, real_, static_cast<std::size_t>(pixels_));
    return {health.numbers(), health.alarms()};
  }

  const PictureSet& pictures_;
  const DenseGanTraining& options_;
  std::int64_t pixels_;
  Epochs epochs_;
  torch::Device device_{torch::cuda::is_available() ? torch::kCUDA : torch::kCPU};
  DenseGeneratorModule generator_;
  DenseDiscriminatorModule discriminator_;
  GanLoss loss_;
  torch::Tensor sheet_noise_;  ///< the same for every sheet, so that one sees a sample change
  std::vector<float> real_;    ///< as many real pictures, 0 … 1
};

}  // namespace

nlohmann::json train_dense_gan(const PictureSet& pictures, const DenseGanTraining& o) {
  check_range(o);
  EUTERPE_ASSERT(pictures.count > 0 && pictures.pixels.size() == pictures.count * pictures.height * pictures.width);
  at::set_num_threads(threads());
  torch::manual_seed(o.seed);
  DenseGanRun run(pictures, o);
  fs::create_directories(o.folder / "samples");
  const AdversarialReport report = run_adversarial(run.task(), o);

  nlohmann::json card = pictures.card;
  card["name"] = o.out.filename().string();
  card["task"] = "compose";
  card["network"] = "dense-gan";
  card["tokenizer"] = nullptr;
  card["options"] = {{"height", pictures.height}, {"width", pictures.width}};
  if (pictures.patches)
    card["options"].update({{"lowest", pictures.patches->lowest}, {"tempo", std::round(pictures.patches->tempo)}});
  card["training"].update({{"seed", o.seed},
                           {"steps", report.steps},
                           {"batch", o.batch},
                           {"pictures", pictures.count},
                           {"learning_rate_g", o.learning_rate_g},
                           {"learning_rate_d", o.learning_rate_d},
                           {"beta1", o.beta1},
                           {"beta2", o.beta2},
                           {"ema", o.ema},
                           {"loss", o.loss},
                           {"penalty", o.penalty},
                           {"penalty_weight", o.penalty_weight},
                           {"minibatch_deviation", o.minibatch_deviation},
                           {"final_rate", o.final_rate},
                           {"noise", o.noise}});
  nlohmann::json metrics{{"command", "train gan --network dense"}};
  metrics.update(report.samples.numbers);
  card["metrics"] = {metrics};
  save_model(o.out, run.weights(), card);
  if (!pictures.passages.empty()) write_passages(o.out, pictures.passages, {});  // what the model may not repeat
  return {{"training", card["training"]},
          {"metrics", card["metrics"]},
          {"seconds", report.seconds},
          {"steps_per_second", report.steps_per_second},
          {"first_alarms", report.first_alarms}};
}

}  // namespace euterpe
