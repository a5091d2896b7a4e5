#include "score/annotation_formats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.hpp"
#include "base/files.hpp"
#include "score/key.hpp"

namespace euterpe {
namespace {

using nlohmann::json;

// --- writing ---------------------------------------------------------------------------------------------------------

/// JSON prints a double's shortest exact form: rounded to microseconds, finer than any annotation, it stays legible.
double seconds(double value) { return std::round(value * 1e6) / 1e6; }
double confidence(double value) { return std::round(value * 1e4) / 1e4; }

std::string key_label(const KeySegment& key) {
  std::string name = KeyEstimate{key.tonic, key.minor, 1}.name();
  std::replace(name.begin(), name.end(), ' ', ':');
  return name;
}

/// Chords beyond the vocabulary are "X", as annotators write them.
std::string chord_label(const ChordSegment& s, const std::vector<KeySegment>& keys) {
  return s.chord.root >= 0 && s.chord.quality == ChordQuality::other ? "X" : chord_name(s, keys);
}

template <class Segments, class Label>
std::string lab(const Segments& segments, Label label) {
  std::string out;
  for (const auto& s : segments) {
    fmt::format_to(std::back_inserter(out), "{:.6f}\t{:.6f}\t{}\n", s.start, s.end, label(s));
  }
  return out;
}

std::string write_chords(const Annotations& a, std::string_view) {
  return lab(a.chords, [&](const ChordSegment& s) { return chord_label(s, a.keys); });
}

std::string write_keys(const Annotations& a, std::string_view) { return lab(a.keys, key_label); }

std::string write_structure(const Annotations& a, std::string_view) {
  return lab(a.structure, [](const StructureSegment& s) { return s.label; });
}

std::string write_beats(const Annotations& a, std::string_view) {
  std::string out;
  for (const Beat& b : a.beats) fmt::format_to(std::back_inserter(out), "{:.6f}\n", b.time);
  return out;
}

std::string write_positions(const Annotations& a, std::string_view) {
  std::string out;
  for (const Beat& b : a.beats) fmt::format_to(std::back_inserter(out), "{:.6f}\t{}\n", b.time, b.position);
  return out;
}

std::string write_melody(const Annotations& a, std::string_view) {
  std::string out;
  for (std::size_t t = 0; t < a.melody.hz.size(); ++t) {
    fmt::format_to(std::back_inserter(out), "{:.6f}\t{:.3f}\n", static_cast<double>(t) * a.melody.hop, a.melody.hz[t]);
  }
  return out;
}

template <class Segments, class Label>
json json_segments(const Segments& segments, const char* name, Label label) {
  json out = json::array();
  for (const auto& s : segments) {
    out.push_back({{"start", seconds(s.start)},
                   {"end", seconds(s.end)},
                   {name, label(s)},
                   {"confidence", confidence(s.confidence)}});
  }
  return out;
}

double hertz(float hz) { return std::round(hz * 1e3) / 1e3; }

std::string write_json(const Annotations& a, std::string_view title) {
  json beats = json::array(), melody = json::array();
  for (const Beat& b : a.beats) beats.push_back({{"time", seconds(b.time)}, {"position", b.position}});
  for (const float hz : a.melody.hz) melody.push_back(hertz(hz));
  const json out{{"title", title},
                 {"duration", seconds(a.duration)},
                 {"tempo_bpm", seconds(a.tempo)},
                 {"beats_per_bar", a.beats_per_bar},
                 {"beats", beats},
                 {"keys", json_segments(a.keys, "key", key_label)},
                 {"chords", json_segments(a.chords, "chord", [&](const auto& s) { return chord_label(s, a.keys); })},
                 {"structure", json_segments(a.structure, "label", [](const auto& s) { return s.label; })},
                 {"melody", {{"hop", a.melody.hop}, {"hz", melody}}}};
  return out.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

/// What the schema's pattern for chord_harte lets through: it knows neither "X" nor "sus2".
std::string jams_chord(std::string label) {
  constexpr std::string_view kSus2 = "sus2";
  const std::size_t at = label.find(kSus2);
  if (at != std::string::npos) label.replace(at, kSus2.size(), "(1,2,5)");
  return label;
}

/// JAMS says durations where segments have ends. Readers add them up again, and mir_eval refuses segments that then
/// overlap, be it by the last bit.
double duration_between(double time, double end) {
  double duration = std::max(0.0, end - time);
  while (time + duration > end && duration > 0) duration = std::nextafter(duration, 0.0);
  return duration;
}

json observation(double time, double end, json value, json sure) {
  return {{"time", seconds(time)},
          {"duration", duration_between(seconds(time), seconds(end))},
          {"value", std::move(value)},
          {"confidence", std::move(sure)}};
}

std::string write_jams(const Annotations& a, std::string_view title) {
  json all = json::array();
  const auto add = [&](const char* space, json data) {
    if (data.empty()) return;
    all.push_back({{"namespace", space},
                   {"annotation_metadata",
                    {{"annotation_tools", "Euterpe " EUTERPE_VERSION}, {"data_source", "program"}, {"version", 1}}},
                   {"data", std::move(data)},
                   {"time", 0.0},
                   {"duration", seconds(a.duration)},
                   {"sandbox", json::object()}});
  };
  json beats = json::array(), chords = json::array(), keys = json::array(), structure = json::array();
  for (const Beat& b : a.beats) {
    beats.push_back(observation(b.time, b.time, b.position > 0 ? json(b.position) : json(), nullptr));
  }
  for (const ChordSegment& s : a.chords) {
    if (const std::string label = chord_label(s, a.keys); label != "X") {
      chords.push_back(observation(s.start, s.end, jams_chord(label), confidence(s.confidence)));
    }
  }
  for (const KeySegment& s : a.keys) {
    keys.push_back(observation(s.start, s.end, key_label(s), confidence(s.confidence)));
  }
  for (const StructureSegment& s : a.structure) {
    structure.push_back(observation(s.start, s.end, s.label, confidence(s.confidence)));
  }
  add("beat", std::move(beats));
  add("chord_harte", std::move(chords));
  add("key_mode", std::move(keys));
  add("segment_open", std::move(structure));
  if (!a.melody.hz.empty()) {
    // A dense namespace: one list for each field instead of one object for each observation.
    json times = json::array(), durations = json::array(), values = json::array(), sure = json::array();
    for (std::size_t t = 0; t < a.melody.hz.size(); ++t) {
      times.push_back(seconds(static_cast<double>(t) * a.melody.hop));
      durations.push_back(0.0);
      values.push_back({{"index", 0}, {"frequency", hertz(a.melody.hz[t])}, {"voiced", a.melody.hz[t] > 0}});
      sure.push_back(nullptr);
    }
    add("pitch_contour", {{"time", times}, {"duration", durations}, {"value", values}, {"confidence", sure}});
  }
  // The schema wants a confidence with every tempo; ours is a median and has none, so it stands as full.
  if (a.tempo > 0) add("tempo", json::array({observation(0, a.duration, seconds(a.tempo), 1.0)}));

  const json out{{"file_metadata",
                  {{"title", title},
                   {"artist", ""},
                   {"release", ""},
                   {"duration", seconds(a.duration)},
                   {"identifiers", json::object()},
                   {"jams_version", "0.3.4"}}},
                 {"annotations", std::move(all)},
                 {"sandbox", json::object()}};
  return out.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

constexpr std::array kFormats{
    AnnotationFormat{"json", "", ".json", "everything in one JSON object", write_json},
    AnnotationFormat{"jams", "", ".jams", "JAMS: beat, chord_harte, key_mode, segment_open, pitch_contour, tempo",
                     write_jams},
    AnnotationFormat{"chords", "lab", ".chords.lab", "start, end and Harte label of each chord", write_chords},
    AnnotationFormat{"keys", "lab", ".keys.lab", "start, end and name of each key", write_keys},
    AnnotationFormat{"structure", "lab", ".structure.lab", "start, end and letter of each section", write_structure},
    AnnotationFormat{"beats", "lab", ".beats.txt", "the time of each beat", write_beats},
    AnnotationFormat{"positions", "lab", ".positions.txt", "time and position in the bar of each beat",
                     write_positions},
    AnnotationFormat{"melody", "lab", ".melody.txt", "time and frequency of the melody", write_melody},
};

// --- reading ---------------------------------------------------------------------------------------------------------

/// A line of text split at white space; errors that it throws name the file and the line.
class Line {
 public:
  Line(const char* operation, const std::string& file, std::size_t number, std::string_view text)
      : operation_(operation), file_(file), number_(number), text_(text) {
    constexpr std::string_view kSpace = " \t\r\v\f";
    for (std::size_t at = text.find_first_not_of(kSpace); at != std::string_view::npos;) {
      const std::size_t end = std::min(text.find_first_of(kSpace, at), text.size());
      fields_.push_back(text.substr(at, end - at));
      at = text.find_first_not_of(kSpace, end);
    }
  }

  const std::vector<std::string_view>& fields() const { return fields_; }

  [[noreturn]] void fail(const std::string& what, const char* hint) const {
    constexpr std::size_t kShown = 60;
    throw Error(Category::bad_input, operation_,
                fmt::format("{}: line {} (\"{}\"): {}", file_, number_, text_.substr(0, kShown), what), hint);
  }

  double number(std::size_t field) const {
    const std::string_view text = fields_[field];
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
      fail(fmt::format("\"{}\" is no number", text), "times are seconds with a decimal point");
    }
    return value;
  }

 private:
  const char* operation_;
  const std::string& file_;
  std::size_t number_;
  std::string_view text_;
  std::vector<std::string_view> fields_;
};

template <class Each>
void read_lines(const char* operation, const std::filesystem::path& path, Each&& each) {
  const std::string text = read_text(path), file = path.string();
  std::string_view rest = text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = rest.find('\n');
    const Line line(operation, file, number, rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (!line.fields().empty() && !line.fields()[0].starts_with('#')) each(line);
  }
}

/// Start and end of "start end label"; `before` is the end of the segment before it. Annotation tools round, so
/// segments may overlap by that much; the later one then begins where the earlier ends.
std::pair<double, double> read_span(const Line& line, double before) {
  constexpr double kRounding = 1e-3;  // seconds
  if (line.fields().size() < 3) line.fail("expected start, end and label", "seconds and a label, divided by tabs");
  const double start = line.number(0), end = line.number(1);
  if (end < start) line.fail("the end is before the start", "are the columns exchanged?");
  if (start < before - kRounding) line.fail("it begins before the segment above it ends", "segments must be in order");
  return {std::max(start, before), std::max({end, start, before})};
}

/// "Bb:maj", "F#" or the words "A", "minor".
std::optional<KeySegment> parse_key(std::string_view tonic, std::string_view mode) {
  if (const std::size_t colon = tonic.find(':'); colon != std::string_view::npos) {
    mode = tonic.substr(colon + 1);
    tonic = tonic.substr(0, colon);
  }
  const auto chord = parse_chord(tonic);  // a bare root is a major chord
  if (!chord || chord->root < 0 || tonic.find('/') != std::string_view::npos) return std::nullopt;
  KeySegment key;
  key.tonic = chord->root;
  key.confidence = 1;
  for (const std::string_view word : {"min", "aeolian", "dorian", "phrygian", "locrian"}) {
    if (mode.starts_with(word)) key.minor = true;
  }
  const bool known = key.minor || mode.empty() || mode.starts_with("maj") || mode == "ionian" || mode == "lydian" ||
                     mode == "mixolydian";
  return known ? std::optional(key) : std::nullopt;
}

}  // namespace

std::span<const AnnotationFormat> annotation_formats() { return kFormats; }

std::vector<AnnotationFormat> find_annotation_formats(std::string_view word) {
  std::vector<AnnotationFormat> found;
  std::vector<std::string_view> words;
  for (const AnnotationFormat& format : kFormats) {
    for (const std::string_view name : {format.name, format.group}) {
      if (name.empty()) continue;
      if (name == word) found.push_back(format);
      if (std::find(words.begin(), words.end(), name) == words.end()) words.push_back(name);
    }
  }
  if (found.empty()) {
    throw Error(Category::usage, "annotations", fmt::format("no format \"{}\"", word),
                fmt::format("formats: {}", fmt::join(words, ", ")));
  }
  return found;
}

std::vector<ChordSegment> read_chord_lab(const std::filesystem::path& path) {
  std::vector<ChordSegment> out;
  double before = 0;
  read_lines("read_chord_lab", path, [&](const Line& line) {
    const auto [start, end] = read_span(line, before);
    const std::string_view label = line.fields()[2];
    std::optional<Chord> chord = parse_chord(label);
    if (!chord && label == "X") chord = Chord{0, ChordQuality::other, 0};
    if (!chord) {
      line.fail(fmt::format("\"{}\" is no chord label", label), "labels look like C:maj, F#:min7, Bb:maj/3, N or X");
    }
    if (end > start) out.push_back({start, end, *chord, 1});
    before = end;
  });
  return out;
}

std::vector<KeySegment> read_key_lab(const std::filesystem::path& path) {
  std::vector<KeySegment> out;
  double before = 0;
  read_lines("read_key_lab", path, [&](const Line& line) {
    const auto [start, end] = read_span(line, before);
    before = end;
    const auto& fields = line.fields();
    const std::size_t at = fields[2] == "Key" && fields.size() > 3 ? 3 : 2;
    if (fields[at] == "N" || fields[at] == "Silence") return;
    std::optional<KeySegment> key = parse_key(fields[at], at + 1 < fields.size() ? fields[at + 1] : "");
    if (!key) line.fail("this is no key", "labels look like Bb:maj, C:minor or A minor");
    key->start = start;
    key->end = end;
    if (end > start) out.push_back(*key);
  });
  return out;
}

std::vector<Beat> read_beats(const std::filesystem::path& path) {
  std::vector<Beat> out;
  read_lines("read_beats", path, [&](const Line& line) {
    const std::size_t columns = line.fields().size();
    if (columns > 3) line.fail("more than three columns", "a time in seconds, and the position in the bar");
    Beat beat{line.number(0), 0};
    if (!out.empty() && beat.time <= out.back().time) line.fail("not after the beat above it", "beats must ascend");
    const double last = columns > 1 ? line.number(columns - 1) : 0;
    if (columns == 2) {
      constexpr int kMost = 255;  // beats that a bar can have
      if (last < 0 || last > kMost || last != std::floor(last)) {
        line.fail("the position in the bar is no whole number from 0 to 255", "1 is the downbeat");
      }
      beat.position = static_cast<int>(last);
    } else if (columns == 3) {
      if (last == 1)
        beat.position = 1;
      else if (!out.empty() && out.back().position > 0)
        beat.position = out.back().position + 1;
    }
    out.push_back(beat);
  });
  return out;
}

}  // namespace euterpe
