#include "nn/model.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/user_folders.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

constexpr const char* kWeights = "model.safetensors";
constexpr const char* kCard = "card.json";

bool is_model(const fs::path& folder) {
  std::error_code ec;
  return fs::is_regular_file(folder / kCard, ec);
}

Model load(const fs::path& folder) {
  const fs::path path = folder / kCard;
  auto bad = [&](const std::string& detail) {
    return Error(Category::bad_input, "read_model", path.string() + ": " + detail);
  };
  Model model;
  model.folder = folder;
  try {
    model.card = nlohmann::json::parse(read_text(path));
  } catch (const nlohmann::json::exception& e) {
    throw bad(e.what());
  }
  if (!model.card.is_object()) throw bad("expected an object");
  const auto version = model.card.find("format_version");
  if (version == model.card.end() || !version->is_number_integer()) throw bad("has no 'format_version'");
  if (version->get<std::int64_t>() > kCardVersion)
    throw Error(Category::newer_version, "read_model",
                fmt::format("{}: format {} was made by a newer Euterpe; this one reads up to {}", path.string(),
                            version->get<std::int64_t>(), kCardVersion),
                "update Euterpe");
  for (const char* key : {"name", "task", "network", "weights_sha256"})
    if (!model.card.contains(key) || !model.card[key].is_string()) throw bad(fmt::format("has no text '{}'", key));
  model.name = model.card["name"].get<std::string>();
  model.hash = model.card["weights_sha256"].get<std::string>();
  std::error_code ec;
  if (!fs::is_regular_file(folder / kWeights, ec))
    throw Error(Category::not_found, "read_model", (folder / kWeights).string() + ": no such file",
                "the card is there and its weights are not: copy the whole folder");
  return model;
}

/// Folders that hold models, the user's first.
std::vector<fs::path> roots() { return {user_models_folder(), models_folder()}; }

std::vector<fs::path> model_folders() {
  std::vector<fs::path> out;
  std::set<std::string> taken;
  for (const fs::path& root : roots()) {
    std::error_code ec;
    std::vector<fs::path> here;
    for (fs::directory_iterator it(root, ec), end; !ec && it != end; it.increment(ec))
      if (is_model(it->path())) here.push_back(it->path());
    std::sort(here.begin(), here.end());
    for (const fs::path& folder : here)
      if (taken.insert(folder.filename().string()).second) out.push_back(folder);
  }
  return out;
}

}  // namespace

fs::path user_models_folder() {
  if (const char* set = std::getenv("EUTERPE_USER_MODELS"); set && *set) return set;
  return user_data_folder() / "models";
}

Safetensors Model::weights() const {
  const fs::path path = folder / kWeights;
  const MappedFile file(path);
  const std::string found = sha256(file.bytes());
  if (found != hash)
    throw Error(
        Category::bad_input, "read_model",
        fmt::format("{}: SHA-256 is {}…, the card says {}…", path.string(), found.substr(0, 12), hash.substr(0, 12)),
        "damaged, or weights and card are of two models");
  try {
    return read_safetensors(file.bytes());
  } catch (const Error& e) {
    throw e.in(path.string());
  }
}

Model find_model(std::string_view name) {
  EUTERPE_ASSERT(!name.empty());
  // A name with a slash is a path; a bare name never means a folder that happens to lie in the working directory.
  if (name.find('/') != std::string_view::npos) {
    if (!is_model(name))
      throw Error(Category::not_found, "find_model", fmt::format("{}: holds no {}", name, kCard),
                  "give the folder that holds model.safetensors and card.json");
    return load(name);
  }
  if (name != "." && name != "..")
    for (const fs::path& root : roots())
      if (is_model(root / name)) return load(root / name);
  std::vector<std::string> known;
  for (const fs::path& folder : model_folders()) known.push_back(folder.filename().string());
  throw Error(Category::not_found, "find_model", fmt::format("there is no model '{}'", name),
              known.empty() ? fmt::format("no model was found in {} nor {}", roots()[0].string(), roots()[1].string())
                            : fmt::format("there are: {}", fmt::join(known, ", ")));
}

std::vector<Model> list_models() {
  std::vector<Model> out;
  for (const fs::path& folder : model_folders()) {
    try {
      out.push_back(load(folder));
    } catch (const Error& e) {
      spdlog::warn("{}", e.what());
    }
  }
  return out;
}

void save_model(const fs::path& wanted, const Safetensors& weights, nlohmann::json card) {
  const fs::path folder = wanted.has_filename() ? wanted : wanted.parent_path();  // "model/" names the folder itself
  EUTERPE_ASSERT(card.is_object());
  for (const char* key : {"name", "task", "network"}) EUTERPE_ASSERT(card.contains(key) && card[key].is_string());
  const std::vector<std::uint8_t> bytes = write_safetensors(weights);
  card["format_version"] = kCardVersion;
  card["weights_sha256"] = sha256(bytes);
  // Both files are written beside the folder and take its place in one step: a kill leaves the old model or the new
  // one.
  const fs::path made = fs::path(folder.string() + fmt::format(".{}.tmp", ::getpid()));
  std::error_code ignored;
  fs::remove_all(made, ignored);
  write_file(made / kWeights, bytes);
  write_file(made / kCard, card.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  auto fail = [&](const char* what) {
    throw Error(Category::io, "save_model", fmt::format("{}: {}: {}", folder.string(), what, std::strerror(errno)));
  };
  if (!fs::exists(folder)) {
    if (::rename(made.c_str(), folder.c_str()) != 0) fail("rename");
    return;
  }
  spdlog::info("{}: replaces the model that was there", folder.string());
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) != 0) fail("exchange");
  for (const char* old : {kWeights, kCard}) fs::remove(made / old, ignored);
  for (const auto& beside : fs::directory_iterator(made, ignored))
    if (!fs::exists(folder / beside.path().filename()))
      fs::rename(beside.path(), folder / beside.path().filename(), ignored);
  if (!fs::remove(made, ignored)) spdlog::warn("{}: holds what lay beside the old model", made.string());
}

}  // namespace euterpe
