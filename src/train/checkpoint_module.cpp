#include <torch/torch.h>

#include "train/checkpoint_module.hpp"

#include <fmt/format.h>

#include <limits>
#include <stdexcept>
#include <utility>

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

constexpr int kCheckpointVersion = 1;

void require_same_recipe(const std::filesystem::path& folder, const nlohmann::json& mine,
                         const nlohmann::json& theirs) {
  for (const auto& [key, value] : mine.items())
    if (!theirs.contains(key) || theirs[key] != value)
      throw Error(Category::usage, "resume",
                  fmt::format("{}: the run there has {} {}, this one {}", folder.string(), key,
                              shortened(theirs.value(key, nlohmann::json()).dump()), shortened(value.dump())),
                  "give the same options and corpus to go on with it, or another --name or --run for a new one");
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

void save_run(const std::filesystem::path& checkpoint, Safetensors tensors, const nlohmann::json& recipe,
              nlohmann::json state) {
  state["version"] = kCheckpointVersion;
  state["recipe"] = recipe;
  tensors.metadata["state"] = state.dump();
  write_safetensors(checkpoint, tensors);
}

Safetensors open_run(const std::filesystem::path& checkpoint, const nlohmann::json& recipe,
                     const std::function<void(const nlohmann::json& state)>& restore) {
  Safetensors tensors = read_safetensors(checkpoint);
  try {
    const auto state = nlohmann::json::parse(tensors.metadata.at("state"));
    if (state.at("version").get<int>() > kCheckpointVersion)
      throw Error(Category::newer_version, "resume", checkpoint.string() + ": made by a newer version");
    require_same_recipe(checkpoint.parent_path(), recipe, state.at("recipe"));
    restore(state);
  } catch (const nlohmann::json::exception& e) {
    throw Error(Category::bad_input, "resume", checkpoint.string() + ": " + e.what());
  } catch (const std::out_of_range&) {
    throw Error(Category::bad_input, "resume", checkpoint.string() + ": holds no training state");
  }
  return tensors;
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
