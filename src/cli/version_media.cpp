#include <cairo.h>
#include <fluidsynth.h>
#include <fmt/format.h>
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

#include "cli/version.hpp"

namespace euterpe {
namespace {

std::string av(unsigned version) {
  return fmt::format("{}.{}.{}", AV_VERSION_MAJOR(version), AV_VERSION_MINOR(version), AV_VERSION_MICRO(version));
}

}  // namespace

std::vector<Linked> linked_for_media() {
  return {{"FFmpeg", fmt::format("{} (avcodec {}, avformat {}, avfilter {}, swresample {}; {})", av_version_info(),
                                 av(avcodec_version()), av(avformat_version()), av(avfilter_version()),
                                 av(swresample_version()), avcodec_license())},
          {"SQLite", sqlite3_libversion()},
          {"FluidSynth", fluid_version_str()},
          {"cairo", cairo_version_string()},
          {"pugixml", fmt::format("{}.{}", PUGIXML_VERSION / 1000, PUGIXML_VERSION % 1000 / 10)},
          {"zlib", zlibVersion()}};
}

}  // namespace euterpe
