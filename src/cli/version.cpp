#include "cli/version.hpp"

#include <fmt/format.h>
#include <sodium.h>
#include <spdlog/version.h>

#include "cli/blas.hpp"
#include "cli/command.hpp"
#include "nn/torch_version.hpp"

namespace euterpe {

std::string version_text() {
  std::vector<Linked> linked{{"libtorch", torch_version()}, {"BLAS", blas_name()}};
  for (Linked& library : linked_for_media()) linked.push_back(std::move(library));
  linked.push_back({"libsodium", sodium_version_string()});
  linked.push_back({"CLI11", CLI11_VERSION});
  linked.push_back({"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)});
  linked.push_back({"spdlog", fmt::format("{}.{}.{}", SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH)});
  std::string out = fmt::format("euterpe {}", EUTERPE_VERSION);
  for (const Linked& library : linked) out += fmt::format("\n  {:<12} {}", library.name, library.version);
  return out;
}

}  // namespace euterpe
