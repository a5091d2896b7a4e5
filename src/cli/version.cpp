#include <cairo.h>
#include <fluidsynth.h>
#include <fmt/format.h>
#include <sodium.h>
#include <spdlog/version.h>
#include <sqlite3.h>
#include <zlib.h>
#include <pugixml.hpp>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libswresample/swresample.h>
}

#include "cli/blas.hpp"
#include "cli/command.hpp"
#include "nn/torch_version.hpp"

namespace euterpe {
namespace {

std::string av(unsigned version) {
  return fmt::format("{}.{}.{}", AV_VERSION_MAJOR(version), AV_VERSION_MINOR(version), AV_VERSION_MICRO(version));
}

}  // namespace

std::string version_text() {
  std::string out = fmt::format("euterpe {}\n", EUTERPE_VERSION);
  auto line = [&](const char* name, const std::string& version) { out += fmt::format("  {:<12} {}\n", name, version); };
  line("FFmpeg", fmt::format("{} (avcodec {}, avformat {}, avfilter {}, swresample {}; {})", av_version_info(),
                             av(avcodec_version()), av(avformat_version()), av(avfilter_version()),
                             av(swresample_version()), avcodec_license()));
  line("libtorch", torch_version());
  line("BLAS", blas_name());
  line("SQLite", sqlite3_libversion());
  line("FluidSynth", fluid_version_str());
  line("libsodium", sodium_version_string());
  line("cairo", cairo_version_string());
  line("pugixml", fmt::format("{}.{}", PUGIXML_VERSION / 1000, PUGIXML_VERSION % 1000 / 10));
  line("zlib", zlibVersion());
  line("CLI11", CLI11_VERSION);
  line("fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100));
  line("spdlog", fmt::format("{}.{}.{}", SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH));
  out.pop_back();
  return out;
}

}  // namespace euterpe
