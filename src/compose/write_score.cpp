#include "compose/write_score.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "compose/performance.hpp"
#include "media/encode.hpp"
#include "media/loudness.hpp"
#include "media/picture.hpp"
#include "score/midi.hpp"
#include "score/musicxml.hpp"

namespace euterpe {
namespace {

struct Job {
  const std::filesystem::path& path;
  const Score& score;
  const SynthesisOptions& synthesis;
  const std::string& title;
  const GrayImage* sheet;
};

void as_midi(const Job& j) { write_midi(j.path, j.score); }
void as_musicxml(const Job& j) { write_musicxml(j.path, j.score); }
void as_picture(const Job& j) { plot_score(j.path, j.score, j.title); }
void as_png(const Job& j) { j.sheet ? write_gray_png(j.path, *j.sheet) : as_picture(j); }
void as_audio(const Job& j) {
  AudioBuffer audio = synthesize(played(j.score), j.synthesis);
  normalize_loudness(audio);
  encode(j.path, audio);
}

struct Row {
  std::string_view extension;
  void (*write)(const Job&);
};
constexpr std::array<Row, 11> kFormats{{{".mid", as_midi},
                                        {".midi", as_midi},
                                        {".musicxml", as_musicxml},
                                        {".wav", as_audio},
                                        {".flac", as_audio},
                                        {".mp3", as_audio},
                                        {".ogg", as_audio},
                                        {".opus", as_audio},
                                        {".m4a", as_audio},
                                        {".png", as_png},
                                        {".svg", as_picture}}};

}  // namespace

void write_score(const std::filesystem::path& path, const Score& score, const SynthesisOptions& synthesis,
                 const std::string& title, const GrayImage* sheet) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  if (sheet && score.note_count() == 0 && extension != ".png")
    throw Error(Category::usage, "write_score",
                fmt::format("{}: the model draws pictures that are not of music", path.string()),
                "name a .png file: there is nothing to play or to print");
  const Job job{path, score, synthesis, title, sheet};
  if (path == "-") return as_midi(job);
  std::string known;
  for (const Row& row : kFormats) {
    if (extension == row.extension) return row.write(job);
    known += fmt::format("{}{}", known.empty() ? "" : " ", row.extension);
  }
  throw Error(Category::usage, "write_score", fmt::format("{}: unknown kind of file \"{}\"", path.string(), extension),
              "known: " + known);
}

}  // namespace euterpe
