#include "score/musicxml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "base/error.hpp"
#include "base/files.hpp"
#include "score/notation.hpp"

namespace euterpe {
namespace {

constexpr int kFinest = 24;
constexpr std::size_t kMaxMeasures = 1'000'000;

/// Ticks to the grid, half a step up.
class Grid {
 public:
  Grid(int ticks_per_quarter, int divisions) : tpq_(ticks_per_quarter), divisions_(divisions) {}
  std::int64_t at(std::int64_t tick) const {
    return tick / tpq_ * divisions_ + (tick % tpq_ * divisions_ * 2 + tpq_) / (2 * tpq_);
  }
  bool exact(std::int64_t tick) const { return tick % tpq_ * divisions_ % tpq_ == 0; }

 private:
  std::int64_t tpq_, divisions_;
};

struct Measure {
  std::int64_t begin = 0, end = 0;     ///< divisions
  int beat = 1;                        ///< divisions
  bool implicit = false;               ///< shorter or longer than its meter says
  std::optional<TimeSignature> meter;  ///< where it changes
  std::optional<KeySignature> key;     ///< where it changes
  int fifths = 0;                      ///< in force
  std::vector<Tempo> tempos;           ///< that begin in it, ticks turned into divisions from its beginning
};

/// Pitches that begin and end together.
struct Chord {
  std::int64_t begin = 0, end = 0;
  std::vector<std::pair<int, int>> notes;  ///< pitch, velocity; by pitch, each once
};

struct Part {
  std::string name;
  int program = 0, channel = 0;
  bool drums = false;
  std::vector<std::vector<Chord>> voices;  ///< in each, chords follow each other without overlap
  std::set<int> pitches;
};

bool grid_holds(const Score& score, const std::vector<std::int64_t>& bars, int divisions) {
  const Grid grid(score.ticks_per_quarter, divisions);
  const auto exact = [&](std::int64_t tick) { return grid.exact(tick); };
  return std::all_of(bars.begin(), bars.end(), exact) &&
         std::all_of(score.tracks.begin(), score.tracks.end(), [&](const Track& track) {
           return std::all_of(track.notes.begin(), track.notes.end(),
                              [&](const Note& n) { return grid.exact(n.start) && grid.exact(n.end()); });
         });
}

int divisions_for(const Score& score, const std::vector<std::int64_t>& bars) {
  for (const int divisions : {1, 2, 3, 4, 6, 8, 12, 16}) {
    if (grid_holds(score, bars, divisions)) return divisions;
  }
  return kFinest;
}

/// Chords to voices: each to the first that is silent by then, higher and longer chords first, so that voice 1 has the
/// melody.
std::vector<std::vector<Chord>> separate(std::vector<Chord> chords) {
  std::sort(chords.begin(), chords.end(), [](const Chord& a, const Chord& b) {
    return std::make_tuple(a.begin, -a.notes.back().first, -a.end) <
           std::make_tuple(b.begin, -b.notes.back().first, -b.end);
  });
  std::vector<std::vector<Chord>> voices;
  for (Chord& chord : chords) {
    auto voice = std::find_if(voices.begin(), voices.end(), [&](const auto& v) { return v.back().end <= chord.begin; });
    if (voice == voices.end()) voice = voices.emplace(voices.end());
    voice->push_back(std::move(chord));
  }
  if (voices.empty()) voices.emplace_back();
  return voices;
}

Part make_part(const Track& track, int channel, const Grid& grid) {
  Part part;
  part.channel = channel;
  part.drums = channel == 9;
  part.program = track.program;
  for (const ChannelEvent& e : track.events) {
    if (e.status == 0xC0 && e.channel == channel) {
      part.program = e.data1;
      break;
    }
  }
  part.name = xml_text(track.name);
  if (part.name.empty()) part.name = part.drums ? "Drums" : std::string(program_family(part.program));

  std::map<std::pair<std::int64_t, std::int64_t>, std::map<int, int>> together;
  for (const Note& n : track.notes) {
    if (n.channel != channel) continue;
    const std::int64_t begin = grid.at(n.start), end = std::max(begin + 1, grid.at(n.end()));
    int& velocity = together[{begin, end}][n.pitch];
    velocity = std::max<int>(velocity, n.velocity);
    part.pitches.insert(n.pitch);
  }
  std::vector<Chord> chords;
  for (const auto& [span, notes] : together) chords.push_back({span.first, span.second, {notes.begin(), notes.end()}});
  part.voices = separate(std::move(chords));
  return part;
}

std::vector<Part> make_parts(const Score& score, const Grid& grid) {
  std::vector<Part> parts;
  for (const Track& track : score.tracks) {
    std::set<int> channels;
    for (const Note& n : track.notes) channels.insert(n.channel);
    for (const int channel : channels) parts.push_back(make_part(track, channel, grid));
  }
  // The format wants a part even where there is no music.
  if (parts.empty()) parts.push_back(make_part(score.tracks.empty() ? Track{} : score.tracks[0], 0, grid));
  return parts;
}

std::vector<Measure> make_measures(const Score& score, const std::vector<std::int64_t>& bars, const Grid& grid,
                                   int divisions, std::int64_t music_end) {
  std::vector<Measure> measures;
  const auto add = [&](std::int64_t tick, std::int64_t begin, std::int64_t end) {
    const TimeSignature& meter = score.meter_at(tick);
    Measure m{begin, end};
    const bool compound = meter.denominator >= 8 && meter.numerator % 3 == 0 && meter.numerator > 3;
    m.beat = std::max(1, divisions * 4 * (compound ? 3 : 1) / std::max<int>(1, meter.denominator));
    m.implicit = (end - begin) * meter.denominator != std::int64_t{4} * divisions * meter.numerator;
    const TimeSignature* before = measures.empty() ? nullptr : &score.meter_at(tick - 1);
    if (before == nullptr || before->numerator != meter.numerator || before->denominator != meter.denominator) {
      m.meter = meter;
    }
    measures.push_back(m);
  };
  for (std::size_t i = 0; i + 1 < bars.size(); ++i) {
    const std::int64_t begin = grid.at(bars[i]), end = grid.at(bars[i + 1]);
    if (end > begin) add(bars[i], begin, end);
  }
  // Rounding may carry a note beyond the last bar line, and a score without notes has no bar at all.
  while (measures.empty() || measures.back().end < music_end) {
    const TimeSignature& meter = score.meter_at(bars.back());
    const std::int64_t begin = measures.empty() ? 0 : measures.back().end;
    const std::int64_t length = std::int64_t{4} * divisions * meter.numerator / std::max<int>(1, meter.denominator);
    add(bars.back(), begin, begin + std::max<std::int64_t>(1, length));
  }

  const auto measure_at = [&](std::int64_t position) {
    const auto after = std::upper_bound(measures.begin() + 1, measures.end(), position,
                                        [](std::int64_t p, const Measure& m) { return p < m.begin; });
    return std::prev(after);
  };
  for (const KeySignature& key : score.keys) {
    const std::int64_t position = grid.at(key.tick);
    auto m = measure_at(position);
    // A key stands at a bar line: the next one if it comes late in the bar.
    if (position - m->begin > m->end - position && std::next(m) != measures.end()) ++m;
    m->key = key;
  }
  for (const Tempo& tempo : score.tempos) {
    const std::int64_t position = grid.at(tempo.tick);
    if (position >= measures.back().end) continue;
    const auto m = measure_at(position);
    const Tempo placed{position - m->begin, tempo.microseconds_per_quarter};
    if (!m->tempos.empty() && m->tempos.back().tick == placed.tick) m->tempos.pop_back();
    m->tempos.push_back(placed);
  }
  int fifths = 0;
  for (Measure& m : measures) {
    if (m.key) fifths = m.key->fifths;
    m.fifths = fifths;
  }
  return measures;
}

class Writer {
 public:
  Writer(const Score& score, const std::vector<Part>& parts, const std::vector<Measure>& measures, int divisions)
      : score_(score), parts_(parts), measures_(measures), divisions_(divisions) {}

  std::string write() {
    out_ +=
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n"
        "<!DOCTYPE score-partwise PUBLIC \"-//Recordare//DTD MusicXML 4.0 Partwise//EN\" "
        "\"http://www.musicxml.org/dtds/partwise.dtd\">\n"
        "<score-partwise version=\"4.0\">\n";
    identification();
    out_ += "  <part-list>\n";
    for (std::size_t i = 0; i < parts_.size(); ++i) score_part(i);
    out_ += "  </part-list>\n";
    for (std::size_t i = 0; i < parts_.size(); ++i) part(i);
    out_ += "</score-partwise>\n";
    return std::move(out_);
  }

 private:
  template <class... Args>
  void put(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  void identification() {
    // In a file of several tracks, one without notes that comes first carries the title.
    if (score_.tracks.size() > 1 && score_.tracks[0].notes.empty() && !score_.tracks[0].name.empty()) {
      put("  <movement-title>{}</movement-title>\n", xml_text(score_.tracks[0].name));
    }
    out_ += "  <identification>\n";
    for (const Track& track : score_.tracks) {
      for (const TextEvent& text : track.texts) {
        if (text.type == 0x02) put("    <rights>{}</rights>\n", xml_text(text.text));
      }
    }
    out_ += "    <encoding><software>Euterpe " EUTERPE_VERSION "</software></encoding>\n  </identification>\n";
  }

  static std::string instrument_id(std::size_t part, int key) { return fmt::format("P{}-I{}", part + 1, key + 1); }

  void score_part(std::size_t i) {
    const Part& p = parts_[i];
    put("    <score-part id=\"P{}\">\n      <part-name>{}</part-name>\n", i + 1, p.name);
    // Percussion has an instrument for each of its keys, any other part one.
    const std::set<int> keys = p.drums ? p.pitches : std::set<int>{0};
    for (const int key : keys) {
      put("      <score-instrument id=\"{}\"><instrument-name>{}</instrument-name></score-instrument>\n",
          instrument_id(i, key), p.drums ? percussion_place(key).name : std::string(program_family(p.program)));
    }
    for (const int key : keys) {
      put("      <midi-instrument id=\"{}\"><midi-channel>{}</midi-channel><midi-program>{}</midi-program>",
          instrument_id(i, key), p.channel + 1, p.program + 1);
      if (p.drums) put("<midi-unpitched>{}</midi-unpitched>", key + 1);
      out_ += "</midi-instrument>\n";
    }
    out_ += "    </score-part>\n";
  }

  void part(std::size_t i) {
    part_ = i;
    shown_tempo_ = 0;
    next_.assign(parts_[i].voices.size(), 0);
    put("  <part id=\"P{}\">\n", i + 1);
    for (std::size_t m = 0; m < measures_.size(); ++m) measure(m);
    out_ += "  </part>\n";
  }

  void measure(std::size_t index) {
    const Measure& m = measures_[index];
    put("    <measure number=\"{}\"{}>\n", index + 1, m.implicit ? " implicit=\"yes\"" : "");
    attributes(m, index == 0);
    if (part_ == 0) {
      for (const Tempo& t : m.tempos) tempo(t);
    }
    const Part& p = parts_[part_];
    bool first = true;
    for (std::size_t v = 0; v < p.voices.size(); ++v) {
      std::size_t& next = next_[v];
      const auto& chords = p.voices[v];
      while (next < chords.size() && chords[next].end <= m.begin) ++next;
      const bool sounds = next < chords.size() && chords[next].begin < m.end;
      if (!sounds && v > 0) continue;
      if (!first) put("      <backup><duration>{}</duration></backup>\n", m.end - m.begin);
      first = false;
      voice(m, v, next);
    }
    if (index + 1 == measures_.size()) {
      out_ += "      <barline location=\"right\"><bar-style>light-heavy</bar-style></barline>\n";
    }
    out_ += "    </measure>\n";
  }

  void attributes(const Measure& m, bool first) {
    if (!first && !m.meter && !m.key) return;
    out_ += "      <attributes>";
    if (first) put("<divisions>{}</divisions>", divisions_);
    if (m.key && !parts_[part_].drums) {
      put("<key><fifths>{}</fifths><mode>{}</mode></key>", m.key->fifths, m.key->minor ? "minor" : "major");
    }
    if (m.meter) {
      put("<time><beats>{}</beats><beat-type>{}</beat-type></time>", m.meter->numerator, m.meter->denominator);
    }
    if (first) clef();
    out_ += "</attributes>\n";
  }

  void clef() {
    const Part& p = parts_[part_];
    if (p.drums) {
      out_ += "<clef><sign>percussion</sign><line>2</line></clef>";
      return;
    }
    double sum = 0, count = 0;
    for (const auto& chords : p.voices) {
      for (const Chord& c : chords) {
        for (const auto& [pitch, velocity] : c.notes) sum += pitch, ++count;
      }
    }
    constexpr double kMiddle = 57;  // the A below middle C stands as far from the one clef's staff as from the other's
    const bool bass = count > 0 && sum / count < kMiddle;
    put("<clef><sign>{}</sign><line>{}</line></clef>", bass ? "F" : "G", bass ? 4 : 2);
  }

  void tempo(const Tempo& t) {
    // Performances change tempo at every beat: all are played, those that differ by 5 % from the last shown are shown.
    const double bpm = t.bpm();
    const bool show = shown_tempo_ == 0 || std::abs(bpm / shown_tempo_ - 1) >= 0.05;
    const std::string offset = t.tick == 0 ? "" : fmt::format("<offset sound=\"yes\">{}</offset>", t.tick);
    if (show) {
      shown_tempo_ = bpm;
      put("      <direction placement=\"above\"><direction-type><metronome><beat-unit>quarter</beat-unit>"
          "<per-minute>{}</per-minute></metronome></direction-type>{}<sound tempo=\"{:.6g}\"/></direction>\n",
          std::lround(bpm), offset, bpm);
    } else {
      put("      <sound tempo=\"{:.6g}\">{}</sound>\n", bpm,
          t.tick == 0 ? "" : fmt::format("<offset>{}</offset>", t.tick));
    }
  }

  void voice(const Measure& m, std::size_t v, std::size_t from) {
    const auto& chords = parts_[part_].voices[v];
    std::int64_t at = m.begin;
    for (std::size_t i = from; i < chords.size() && chords[i].begin < m.end; ++i) {
      const Chord& c = chords[i];
      if (c.begin > at) rests(m, v, at, c.begin);
      chord(m, v, c);
      at = std::min(c.end, m.end);
    }
    if (at < m.end) rests(m, v, at, m.end);
  }

  void rests(const Measure& m, std::size_t v, std::int64_t from, std::int64_t to) {
    if (from == m.begin && to == m.end) {
      put("      <note><rest measure=\"yes\"/><duration>{}</duration><voice>{}</voice></note>\n", to - from, v + 1);
      return;
    }
    for (const NoteValue& value : values(m, from, to)) {
      // Rests of the lower voices only fill time; printed they would clutter the staff.
      put("      <note{}><rest/><duration>{}</duration><voice>{}</voice>", v > 0 ? " print-object=\"no\"" : "",
          value.length, v + 1);
      put_value(value);
      out_ += "</note>\n";
    }
  }

  void chord(const Measure& m, std::size_t v, const Chord& c) {
    std::int64_t at = std::max(c.begin, m.begin);
    for (const NoteValue& value : values(m, at, std::min(c.end, m.end))) {
      const bool stop = at > c.begin, start = at + value.length < c.end;
      for (std::size_t k = 0; k < c.notes.size(); ++k) note(m, v, c.notes[k], value, k > 0, stop, start);
      at += value.length;
    }
  }

  /// The order of the elements is the schema's.
  void note(const Measure& m, std::size_t v, std::pair<int, int> pitch_velocity, const NoteValue& value, bool in_chord,
            bool stop, bool start) {
    const auto [pitch, velocity] = pitch_velocity;
    const Part& p = parts_[part_];
    const PercussionPlace place = p.drums ? percussion_place(pitch) : PercussionPlace{};
    put("      <note dynamics=\"{:.2f}\">{}", velocity / 0.9,
        in_chord ? "<chord/>" : "");  // per cent of MIDI velocity 90
    if (p.drums) {
      put("<unpitched><display-step>{}</display-step><display-octave>{}</display-octave></unpitched>", place.step,
          place.octave);
    } else {
      const SpelledPitch s = spell(pitch, m.fifths);
      put("<pitch><step>{}</step>", s.step);
      if (s.alter != 0) put("<alter>{}</alter>", s.alter);
      put("<octave>{}</octave></pitch>", s.octave);
    }
    put("<duration>{}</duration>", value.length);
    if (stop) out_ += "<tie type=\"stop\"/>";
    if (start) out_ += "<tie type=\"start\"/>";
    if (p.drums) put("<instrument id=\"{}\"/>", instrument_id(part_, pitch));
    put("<voice>{}</voice>", v + 1);
    put_value(value);
    if (place.cross) out_ += "<notehead>x</notehead>";
    if (stop || start) {
      put("<notations>{}{}</notations>", stop ? "<tied type=\"stop\"/>" : "", start ? "<tied type=\"start\"/>" : "");
    }
    out_ += "</note>\n";
  }

  std::vector<NoteValue> values(const Measure& m, std::int64_t from, std::int64_t to) const {
    return split_into_values(static_cast<int>(from - m.begin), static_cast<int>(to - from), divisions_, m.beat);
  }

  void put_value(const NoteValue& value) {
    put("<type>{}</type>{}", value.type, value.dotted ? "<dot/>" : "");
    if (value.triplet) {
      out_ += "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>";
    }
  }

  const Score& score_;
  const std::vector<Part>& parts_;
  const std::vector<Measure>& measures_;
  int divisions_;
  std::string out_;
  std::size_t part_ = 0;
  double shown_tempo_ = 0;
  std::vector<std::size_t> next_;  ///< first chord of each voice that has not ended before the measure
};

}  // namespace

int notation_divisions(const Score& score) { return divisions_for(score, score.bar_lines()); }

std::string write_musicxml(const Score& score) {
  const std::vector<std::int64_t> bars = score.bar_lines();
  const int divisions = divisions_for(score, bars);
  const Grid grid(score.ticks_per_quarter, divisions);
  const std::vector<Part> parts = make_parts(score, grid);
  if (bars.size() > kMaxMeasures / parts.size()) {
    throw Error(Category::unsupported, "write_musicxml",
                fmt::format("{} parts of {} measures are too long to be written as notes", parts.size(), bars.size()));
  }
  std::int64_t music_end = 0;
  for (const Part& part : parts) {
    for (const auto& voice : part.voices) {
      for (const Chord& chord : voice) music_end = std::max(music_end, chord.end);
    }
  }
  const auto measures = make_measures(score, bars, grid, divisions, music_end);
  return Writer(score, parts, measures, divisions).write();
}

void write_musicxml(const std::filesystem::path& path, const Score& score) {
  write_file(path, std::string_view(write_musicxml(score)));
}

}  // namespace euterpe
