#include "corpus/datasets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "score/midi.hpp"
#include "score/remi_vocabulary.hpp"

namespace euterpe {
namespace fs = std::filesystem;
namespace {

std::vector<fs::path> midi_files(const fs::path& folder, const char* set) {
  std::vector<fs::path> out;
  for (auto& path : walk_files({folder}))
    if (path.extension() == ".mid") out.push_back(path);
  if (out.empty())
    throw Error(Category::not_found, fmt::format("read_{}", set), folder.string() + ": holds no .mid file",
                "name the folder as its publisher lays it out");
  return out;
}

/// Reads each file in parallel; one that cannot be read is reported and left out.
template <class Make>
std::vector<Piece> read_all(const std::vector<fs::path>& files, Make&& make) {
  std::vector<Piece> pieces(files.size());
  parallel_for(files.size(), [&](std::size_t i) {
    try {
      pieces[i] = make(files[i]);
      pieces[i].file = sha256_file(files[i]);
    } catch (const Error& e) {
      spdlog::warn("left out {}: {}", files[i].string(), e.what());
    }
  });
  std::erase_if(pieces, [](const Piece& p) { return p.score.note_count() == 0; });
  return pieces;
}

Piece jsb_piece(const nlohmann::json& steps, const std::string& split, std::size_t index) {
  constexpr int kStep = 120;  // ticks in a sixteenth at 480 to the quarter
  constexpr int kBar = 16;
  // General MIDI church organ would blur the voices in one; choir aahs and low strings keep them apart by register
  // alone.
  static constexpr std::array<const char*, 4> kVoices{"Soprano", "Alto", "Tenor", "Bass"};
  constexpr int kChoirAahs = 52;
  Piece piece;
  piece.id = fmt::format("jsb/{}/{}", split, index);
  piece.group = piece.id;
  piece.style = "chorale";
  piece.split = split;
  Score& score = piece.score;
  score.ticks_per_quarter = 4 * kStep;
  score.tempos.push_back({0, 60000000 / 80});
  score.meters.push_back({0, 4, 4});
  const int length = static_cast<int>(steps.size());
  const int upbeat = length % kBar == 0 ? 0 : kBar - length % kBar;
  for (int voice = 0; voice < 4; ++voice) {
    Track& track = add_track(score, kVoices[static_cast<std::size_t>(voice)], kChoirAahs, voice);
    int start = 0, pitch = -1;
    auto flush = [&](int end) {
      if (pitch >= 0)
        track.notes.push_back({(start + upbeat) * std::int64_t{kStep}, (end - start) * std::int64_t{kStep},
                               static_cast<std::uint8_t>(pitch), 80, static_cast<std::uint8_t>(voice)});
    };
    for (int t = 0; t < length; ++t) {
      const auto& step = steps[static_cast<std::size_t>(t)];
      if (!step.is_array() || step.size() != 4)
        throw Error(Category::bad_input, "read_jsb", fmt::format("{}: step {}: expected four voices", piece.id, t));
      const double value = step[static_cast<std::size_t>(voice)].get<double>();
      if (!(value >= -1 && value <= 127))
        throw Error(Category::bad_input, "read_jsb",
                    fmt::format("{}: step {}: pitch {} is no MIDI pitch", piece.id, t, value));
      const int p = static_cast<int>(value);
      if (t > 0 && (p != pitch || (t + upbeat) % kBar == 0)) {
        flush(t);
        start = t;
      }
      pitch = p;
    }
    flush(length);
  }
  score.sort();
  return piece;
}

struct Beat {
  double time;
  bool downbeat;
};

std::vector<Beat> read_beats(const fs::path& path) {
  std::vector<Beat> beats;
  std::istringstream in(read_text(path));
  double time, half_bar, bar;
  while (in >> time >> half_bar >> bar) beats.push_back({time, bar > 0.5});
  return beats;
}

/// Moves every event by −offset ticks; what would come before 0 is put at 0, notes that end there are dropped.
void shift_score(Score& score, std::int64_t offset) {
  auto move = [&](std::int64_t& tick) { tick = std::max<std::int64_t>(0, tick - offset); };
  for (Track& track : score.tracks) {
    for (Note& n : track.notes) {
      n.start -= offset;
      if (n.start < 0) {
        n.duration += n.start;
        n.start = 0;
      }
    }
    std::erase_if(track.notes, [](const Note& n) { return n.duration <= 0; });
    for (auto& e : track.events) move(e.tick);
    for (auto& t : track.texts) move(t.tick);
  }
  for (auto& t : score.tempos) move(t.tick);
  for (auto& m : score.meters) move(m.tick);
  for (auto& k : score.keys) move(k.tick);
  score.sort();
}

Piece pop909_piece(const fs::path& path) {
  Piece piece;
  const std::string number = path.stem().string();
  piece.id = piece.group = "pop909/" + number;
  piece.style = "pop";
  piece.split = split_of(piece.group);
  piece.score = read_midi(path).score;
  const auto beats = read_beats(path.parent_path() / "beat_midi.txt");
  Score& score = piece.score;
  std::map<int, int> spacing;
  int last = -1;
  for (int i = 0; i < static_cast<int>(beats.size()); ++i)
    if (beats[static_cast<std::size_t>(i)].downbeat) {
      if (last >= 0) ++spacing[i - last];
      last = i;
    }
  int beats_per_bar = 4, most = 0;
  for (const auto& [n, count] : spacing)
    if (count > most && n >= 2 && n <= 6) beats_per_bar = n, most = count;
  score.meters = {{0, static_cast<std::uint8_t>(beats_per_bar), 4}};
  for (const Beat& beat : beats)
    if (beat.downbeat) {
      const std::int64_t bar = std::int64_t{beats_per_bar} * score.ticks_per_quarter;
      const std::int64_t offset = score.tick_at(Seconds(beat.time)).value;
      // Whole bars before the first downbeat stay: the music may begin with an upbeat.
      shift_score(score, offset % bar);
      break;
    }
  return piece;
}

/// Kind of tune by the beginning of the file's name: "reelsa-c12" is a reel.
std::string tune_kind(std::string_view stem) {
  static constexpr std::array<std::array<const char*, 2>, 9> kKinds{{{"ashover", "ashover"},
                                                                     {"hpps", "hornpipe"},
                                                                     {"jigs", "jig"},
                                                                     {"morris", "morris"},
                                                                     {"playford", "playford"},
                                                                     {"reels", "reel"},
                                                                     {"slip", "slipjig"},
                                                                     {"waltzes", "waltz"},
                                                                     {"xmas", "carol"}}};
  for (const auto& [prefix, kind] : kKinds)
    if (stem.starts_with(prefix)) return kind;
  return {};
}

/// The composer's name as tokens know it, or nothing for one too rare to be learned.
std::string composer_variety(const std::string& name) {
  const std::string usual = name == "mendelsonn" ? "mendelssohn" : name == "buxehude" ? "buxtehude" : name;
  return remi_variety("classical", usual) ? usual : std::string();
}

}  // namespace

std::string split_of(std::string_view group) {
  // First eight hex digits of the hash as a fraction: stable on every machine, and for a group added later.
  const std::string digest = sha256(group).substr(0, 8);
  std::uint32_t value = 0;
  std::from_chars(digest.data(), digest.data() + digest.size(), value, 16);
  const double x = value / 4294967296.0;
  return x < 0.8 ? "train" : x < 0.9 ? "valid" : "test";
}

std::vector<Piece> read_jsb(const fs::path& folder) {
  const fs::path path = fs::is_directory(folder) ? folder / "Jsb16thSeparated.json" : folder;
  nlohmann::json json;
  try {
    json = nlohmann::json::parse(read_text(path));
  } catch (const nlohmann::json::exception& e) {
    throw Error(Category::bad_input, "read_jsb", path.string() + ": " + e.what());
  }
  std::vector<Piece> pieces;
  for (const char* split : {"train", "valid", "test"}) {
    if (!json.contains(split))
      throw Error(Category::bad_input, "read_jsb", fmt::format("{}: has no \"{}\"", path.string(), split));
    for (const auto& steps : json[split]) {
      try {
        pieces.push_back(jsb_piece(steps, split, pieces.size()));
      } catch (const nlohmann::json::exception& e) {
        throw Error(Category::bad_input, "read_jsb",
                    fmt::format("{}: piece {}: {}", path.string(), pieces.size(), e.what()));
      }
    }
  }
  return pieces;
}

std::vector<Piece> read_nottingham(const fs::path& folder) {
  return read_all(midi_files(folder, "nottingham"), [](const fs::path& path) {
    Piece piece;
    piece.id = piece.group = "nottingham/" + path.stem().string();
    piece.style = "folk";
    piece.variety = tune_kind(path.stem().string());
    piece.split = split_of(piece.group);
    piece.score = read_midi(path).score;
    return piece;
  });
}

std::vector<Piece> read_pop909(const fs::path& folder) {
  auto files = midi_files(folder, "pop909");
  std::erase_if(files, [](const fs::path& p) { return p.stem() != p.parent_path().filename(); });
  return read_all(files, pop909_piece);
}

std::vector<Piece> read_classical(const fs::path& folder) {
  struct Work {
    std::string composer, work;
  };
  std::map<std::string, Work> work_of;
  std::istringstream rows(read_text(folder / "works.csv"));
  for (std::string row; std::getline(rows, row);) {
    const auto first = row.find(','), last = row.rfind(',');
    if (first == std::string::npos || last <= first) continue;
    work_of[row.substr(0, first)] = {row.substr(first + 1, last - first - 1), row.substr(last + 1)};
  }
  return read_all(midi_files(folder, "classical"), [&](const fs::path& path) {
    Piece piece;
    const auto found = work_of.find(path.filename().string());
    piece.id = "classical/" + path.stem().string();
    piece.group = "classical/" + (found == work_of.end() ? path.stem().string() : found->second.work);
    piece.style = "classical";
    if (found != work_of.end()) piece.variety = composer_variety(found->second.composer);
    piece.split = split_of(piece.group);
    piece.score = read_midi(path).score;
    return piece;
  });
}

const std::vector<Dataset>& datasets() {
  static const std::vector<Dataset> table{
      {"jsb", "chorale", "public domain", true, read_jsb},
      {"nottingham", "folk", "traditional tunes, public domain; the collection's repository is GPL-3.0", true,
       read_nottingham},
      {"pop909", "pop", "MIT", true, read_pop909},
      {"classical", "classical", "MIT as its card says, unconfirmed", true, read_classical},
  };
  return table;
}

const Dataset& dataset(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Dataset& d : datasets()) {
    if (name == d.name) return d;
    names.push_back(d.name);
  }
  throw Error(Category::usage, "dataset", fmt::format("there is no data set \"{}\"", name),
              fmt::format("known: {}", fmt::join(names, ", ")));
}

}  // namespace euterpe
