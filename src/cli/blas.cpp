#include "cli/blas.hpp"

#include <dlfcn.h>

#include <filesystem>

namespace euterpe {
namespace {

std::string sgemm_library() {
  Dl_info info{};
  void* sgemm = dlsym(RTLD_DEFAULT, "sgemm_");
  if (!sgemm || !dladdr(sgemm, &info) || !info.dli_fname) return {};
  std::error_code ec;
  const auto real = std::filesystem::canonical(info.dli_fname, ec);
  return ec ? info.dli_fname : real.string();
}

}  // namespace

std::string blas_name() {
  const std::string library = sgemm_library();
  if (library.empty()) return "none";
  using Config = const char* (*)();
  // Only the library that answers sgemm_ counts; an OpenBLAS that is loaded beside it and not called does not.
  if (library.find("openblas") != std::string::npos)
    if (auto config = reinterpret_cast<Config>(dlsym(RTLD_DEFAULT, "openblas_get_config")))
      return std::string(config()) + " (" + library + ")";
  return library;
}

std::string blas_problem() {
  const std::string library = sgemm_library();
  // The reference BLAS of Debian is …/blas/libblas.so.3.x; the fast ones carry their own names.
  if (std::filesystem::path(library).filename().string().rfind("libblas.so", 0) != 0) return {};
  if (library.find("openblas") != std::string::npos || library.find("mkl") != std::string::npos ||
      library.find("blis") != std::string::npos || library.find("atlas") != std::string::npos)
    return {};
  return "running on the reference BLAS (" + library +
         "), thirty times slower than OpenBLAS; "
         "run: apt-get install libopenblas0-openmp";
}

}  // namespace euterpe
