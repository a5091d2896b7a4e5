#include <torch/torch.h>

#include "train/checkpoint_module.hpp"

#include <fmt/format.h>

#include <limits>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/error.hpp"

namespace euterpe {
namespace {

std::string shortened(std::string text) {
  constexpr std::size_t kMost = 24;
  if (text.size() > kMost) text = text.substr(0, kMost) + "…";
  return text;
}

}  // namespace

void store_tensor(Safetensors& file, const std::string& name, const torch::Tensor& tensor) {
  const torch::Tensor t = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  file.put(name, t.sizes().vec(), std::span(t.data_ptr<float>(), static_cast<std::size_t>(t.numel())));
}

void load_tensor(const Safetensors& file, const std::string& name, torch::Tensor into) {
  const auto shape = into.sizes().vec();
  auto values = file.floats(name, shape);
  torch::NoGradGuard guard;
  into.copy_(torch::from_blob(values.data(), shape, torch::kFloat32));
}

void require_same_recipe(const std::filesystem::path& folder, const nlohmann::json& mine,
                         const nlohmann::json& theirs) {
  for (const auto& [key, value] : mine.items())
    if (!theirs.contains(key) || theirs[key] != value)
      throw Error(Category::usage, "resume",
                  fmt::format("{}: the run there has {} {}, this one {}", folder.string(), key,
                              shortened(theirs.value(key, nlohmann::json()).dump()), shortened(value.dump())),
                  "give the same options and corpus to go on with it, or another --name or --run for a new one");
}

void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
#endif
}

RunJournal::RunJournal(const std::filesystem::path& folder, std::int64_t step, std::int64_t steps, double seconds)
    : events(folder),
      metrics(folder / "metrics.jsonl", std::ios::app),
      progress("train", static_cast<std::uint64_t>(steps), "steps") {
  progress.go_on_from(static_cast<std::uint64_t>(step));
  progress.stop_after(seconds);
}

}  // namespace euterpe
