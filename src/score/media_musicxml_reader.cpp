#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <optional>
#include <pugixml.hpp>

#include "base/error.hpp"
#include "base/files.hpp"
#include "score/musicxml.hpp"
#include "score/musicxml_parts.hpp"
#include "score/musicxml_values.hpp"
#include "score/mxl.hpp"
#include "score/unfold.hpp"

namespace euterpe {
namespace {

using namespace musicxml;
using Bytes = std::span<const std::uint8_t>;
using pugi::xml_node;

constexpr std::size_t kMaxPlayed = 100'000;              // measures
constexpr std::size_t kMaxNotes = 4'000'000;             // after repeats
constexpr std::size_t kMaxTextBytes = 2 * kMaxMusicXml;  // after repeats
constexpr double kMaxTicks = (1 << 28) - 1;              // the longest silence that a MIDI file can hold
constexpr std::size_t kMaxPartMeasures = 2'000'000;
constexpr const char* kTooLong = "no piece is so long; is the file damaged?";
constexpr int kFinestTicks = 32'767, kUsualTicks = 480, kFallbackTicks = 10'080;

[[noreturn]] void fail(const std::string& detail, const std::string& hint) {
  throw Error(Category::bad_input, "read_musicxml", detail, hint);
}

std::string_view text_of(xml_node node) { return node.child_value(); }

// --- the document ---

struct Document {
  std::vector<std::string> ids;                 ///< of the parts, in their order
  std::vector<std::vector<MeasureNode>> nodes;  ///< by part; all equally many
};

std::string number_of(xml_node measure, std::size_t index) {
  const std::string number = measure.attribute("number").value();
  return number.empty() ? std::to_string(index + 1) : number;
}

Document partwise(xml_node root) {
  Document out;
  for (const xml_node part : root.children("part")) {
    out.ids.emplace_back(part.attribute("id").value());
    auto& nodes = out.nodes.emplace_back();
    for (const xml_node m : part.children("measure")) nodes.push_back({m, number_of(m, nodes.size())});
  }
  return out;
}

/// A part may say nothing and stand for as many measures as any other, so a small file can claim more than memory.
void check_extent(std::size_t parts, std::size_t measures) {
  if (measures > kMaxPlayed || measures * parts > kMaxPartMeasures) {
    fail(fmt::format("{} parts of {} measures", parts, measures), kTooLong);
  }
}

Document timewise(xml_node root) {
  Document out;
  std::map<std::string, std::size_t> places;
  std::size_t index = 0;
  for (const xml_node measure : root.children("measure")) {
    for (const xml_node part : measure.children("part")) {
      const std::string id = part.attribute("id").value();
      const auto [place, fresh] = places.try_emplace(id, out.ids.size());
      if (fresh) {
        check_extent(out.ids.size() + 1, index + 1);
        out.ids.push_back(id);
        out.nodes.emplace_back();
      }
      auto& nodes = out.nodes[place->second];
      if (nodes.size() > index) continue;  // the same part twice in a measure
      while (nodes.size() < index) nodes.push_back({{}, std::to_string(nodes.size() + 1)});
      nodes.push_back({part, number_of(measure, index)});
    }
    ++index;
  }
  return out;
}

void even_out(Document& document, Repairs& repairs) {
  std::size_t most = 0;
  for (const auto& nodes : document.nodes) most = std::max(most, nodes.size());
  check_extent(document.nodes.size(), most);
  for (std::size_t p = 0; p < document.nodes.size(); ++p) {
    auto& nodes = document.nodes[p];
    if (nodes.size() == most) continue;
    repairs.add("part " + document.ids[p],
                fmt::format("{} measures where another part has {}; silent to the end", nodes.size(), most));
    while (nodes.size() < most) nodes.push_back({{}, std::to_string(nodes.size() + 1)});
  }
}

/// The coarsest resolution that holds every division exactly, a multiple of 480 where that is not too fine for MIDI.
int ticks_for(const Document& document, Repairs& repairs) {
  std::int64_t common = 1;
  for (const auto& nodes : document.nodes) {
    for (const MeasureNode& node : nodes) {
      for (const xml_node a : node.content.children("attributes")) {
        const double d = number(a.child("divisions")).value_or(1);
        if (!(d >= 1 && d <= kFinestTicks && d == std::floor(d))) continue;
        common = std::lcm(common, static_cast<std::int64_t>(d));
        if (common > kFinestTicks) {
          repairs.add("", fmt::format("divisions that no MIDI resolution holds together; times are rounded to {} "
                                      "ticks a quarter note",
                                      kFallbackTicks));
          return kFallbackTicks;
        }
      }
    }
  }
  const std::int64_t usual = std::lcm(common, std::int64_t{kUsualTicks});
  return static_cast<int>(usual <= kFinestTicks ? usual : common);
}

/// Brackets of endings to the passes of every measure under them, and drawn coda signs to jump and target.
void complete_flow(std::vector<Measure>& measures) {
  std::vector<int> under;
  for (Measure& m : measures) {
    if (!m.ending_starts.empty()) {
      under = m.ending_starts;
      m.flow.ending_begins = true;
    }
    m.flow.endings = under;
    if (m.ending_stops) under.clear();
  }
  const bool said = std::any_of(measures.begin(), measures.end(), [](const Measure& m) { return bool(m.flow.coda); });
  std::vector<Measure*> codas;
  for (Measure& m : measures) {
    if (m.segno_sign && !m.flow.segno) m.flow.segno = "";
    if (m.coda_sign) codas.push_back(&m);
  }
  if (said || codas.empty()) return;
  codas.back()->flow.coda = "";
  if (codas.size() > 1) codas.front()->flow.to_coda = "";
}

// --- channels ---

constexpr int kDrums = 9;

/// MIDI channels of all instruments that play: what the file says, as far as no two programs share a channel.
class Channels {
 public:
  Channels(const std::vector<Part>& parts, Repairs& repairs) {
    std::vector<std::pair<std::size_t, std::size_t>> homeless;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      of_.emplace_back(parts[p].instruments.size(), -1);
      std::vector<bool> plays(parts[p].instruments.size(), false);
      for (const PartMeasure& m : parts[p].measures) {
        for (const WrittenNote& n : m.notes) {
          if (!n.drum) plays[static_cast<std::size_t>(n.instrument)] = true;
        }
      }
      for (std::size_t i = 0; i < plays.size(); ++i) {
        const Instrument& instrument = parts[p].instruments[i];
        if (!plays[i]) continue;
        const int wish = instrument.channel;
        if (wish >= 0 && wish != kDrums && (program_[wish] < 0 || program_[wish] == instrument.program)) {
          of_[p][i] = wish;
          program_[wish] = instrument.program;
        } else {
          homeless.emplace_back(p, i);
        }
      }
    }
    for (const auto& [p, i] : homeless) of_[p][i] = find(parts[p].instruments[i].program, repairs);
  }

  int of(std::size_t part, const WrittenNote& note) const {
    return note.drum ? kDrums : of_[part][static_cast<std::size_t>(note.instrument)];
  }

 private:
  int find(int program, Repairs& repairs) {
    for (const int wanted : {-1, program}) {
      for (int c = 0; c < 16; ++c) {
        if (c == kDrums || program_[c] != wanted) continue;
        program_[c] = program;
        return c;
      }
    }
    repairs.add("", "more instruments than MIDI has channels; some share one and its program");
    return 0;
  }

  std::array<int, 16> program_ = filled();
  static constexpr std::array<int, 16> filled() {
    std::array<int, 16> all{};
    all.fill(-1);
    return all;
  }
  std::vector<std::vector<int>> of_;
};

// --- playing ---

std::int64_t tick(double at) { return std::max<std::int64_t>(0, std::llround(at)); }

struct Step {
  PlayedMeasure played;
  double begin = 0;  ///< ticks
};

class Performer {
 public:
  Performer(Score& score, const std::vector<Part>& parts, const std::vector<Measure>& measures, Repairs& repairs)
      : score_(score), parts_(parts), measures_(measures), repairs_(repairs), channels_(parts, repairs) {
    for (std::size_t m = 0; m < measures.size(); ++m) {
      double length = 0;
      for (const Part& part : parts) length = std::max(length, part.measures[m].length);
      const TimeSignature& meter = measures[m].meter;
      const double full = 4.0 * score.ticks_per_quarter * meter.numerator / meter.denominator;
      lengths_.push_back(length > 0 ? length : full);
    }
  }

  void play() {
    order();
    meters();
    tempos();
    keys();
    for (std::size_t p = 0; p < parts_.size(); ++p) track(p);
  }

 private:
  void order() {
    std::vector<Flow> flows;
    for (const Measure& m : measures_) flows.push_back(m.flow);
    std::vector<PlayedMeasure> played = unfold(flows, std::min(kMaxPlayed, kMaxPartMeasures / parts_.size()));
    if (played.empty()) {
      repairs_.add("", "repeats and jumps that never end; played straight through");
      for (std::size_t m = 0; m < measures_.size(); ++m) played.push_back({static_cast<int>(m), 1});
    }
    double at = 0;
    std::vector<std::size_t> text_bytes(measures_.size());
    for (const Part& part : parts_) {
      for (std::size_t m = 0; m < measures_.size(); ++m) {
        for (const WrittenText& t : part.measures[m].texts) text_bytes[m] += t.text.size();
      }
    }
    std::size_t notes = 0, bytes = 0;
    for (const PlayedMeasure& p : played) {
      const auto m = static_cast<std::size_t>(p.measure);
      steps_.push_back({p, at});
      at += lengths_[m];
      bytes += text_bytes[m];
      for (const Part& part : parts_) notes += part.measures[m].notes.size() + part.measures[m].texts.size();
    }
    if (notes > kMaxNotes || at > kMaxTicks) {
      fail(fmt::format("with repeats it has {} notes in {:.0f} quarter notes", notes, at / score_.ticks_per_quarter),
           kTooLong);
    }
    if (bytes > kMaxTextBytes) fail(fmt::format("with repeats it has {} bytes of words", bytes), kTooLong);
  }

  const Measure& measure(const Step& step) const { return measures_[static_cast<std::size_t>(step.played.measure)]; }
  double length(const Step& step) const { return lengths_[static_cast<std::size_t>(step.played.measure)]; }

  /// A signature stands where the meter changes, and where a measure begins that no count from the last would meet: the
  /// bar lines of the score are those of the notation.
  void meters() {
    TimeSignature now{-1};
    double next = 0;  // where the meter in force puts its next bar line
    for (const Step& step : steps_) {
      TimeSignature meter = measure(step).meter;
      const double quarter = score_.ticks_per_quarter, full = 4 * quarter * meter.numerator / meter.denominator;
      // A measure that is longer than its meter, as a cadenza, is one long bar where a signature can say so.
      const double units = length(step) * meter.denominator / (4 * quarter);
      if (length(step) > full + 0.5 && std::abs(units - std::round(units)) < 1e-6 && units <= 255) {
        meter.numerator = static_cast<std::uint8_t>(std::lround(units));
      }
      meter.tick = tick(step.begin);
      const bool changes = meter.numerator != now.numerator || meter.denominator != now.denominator;
      if (now.tick < 0 || changes || std::abs(step.begin - next) > 0.5) {
        now = meter;
        score_.meters.push_back(now);
      }
      const double bar = 4 * quarter * now.numerator / now.denominator;
      next = step.begin + bar;
    }
  }

  void tempos() {
    // In force at the beginning of each written measure.
    std::vector<std::uint32_t> before;
    std::uint32_t now = 0;
    for (const Measure& m : measures_) {
      before.push_back(now);
      if (!m.tempos.empty()) now = m.tempos.back().second;
    }
    now = 0;
    constexpr std::uint32_t kUnsaid = 500'000;  // 120 quarter notes a minute
    const auto set = [&](double at, std::uint32_t value) {
      if (value == now || (now == 0 && value == 0)) return;
      now = value;
      const std::uint32_t microseconds = value == 0 ? kUnsaid : value;
      if (!score_.tempos.empty() && score_.tempos.back().tick == tick(at)) score_.tempos.pop_back();
      score_.tempos.push_back({tick(at), microseconds});
    };
    for (const Step& step : steps_) {
      set(step.begin, before[static_cast<std::size_t>(step.played.measure)]);
      for (const auto& [at, value] : measure(step).tempos) set(step.begin + std::min(at, length(step)), value);
    }
  }

  /// The keys of the part that says most clearly what sounds: no drums, and rather one that does not transpose.
  void keys() {
    const Part* chosen = nullptr;
    for (const bool transposing : {false, true}) {
      for (const Part& part : parts_) {
        if (chosen == nullptr && part.transposes == transposing && !part.keys.empty() && !only_drums(part)) {
          chosen = &part;
        }
      }
    }
    if (chosen == nullptr) return;
    std::vector<std::optional<KeySignature>> before;
    std::vector<std::vector<std::pair<double, KeySignature>>> changes(measures_.size());
    for (const auto& [place, key] : chosen->keys) changes[place.first].emplace_back(place.second, key);
    std::optional<KeySignature> now;
    for (const auto& list : changes) {
      before.push_back(now);
      if (!list.empty()) now = list.back().second;
    }
    now.reset();
    const auto set = [&](double at, KeySignature key) {
      if (now && now->fifths == key.fifths && now->minor == key.minor) return;
      key.tick = tick(at);
      now = key;
      score_.keys.push_back(key);
    };
    for (const Step& step : steps_) {
      const auto m = static_cast<std::size_t>(step.played.measure);
      if (before[m]) set(step.begin, *before[m]);
      for (const auto& [at, key] : changes[m]) set(step.begin + at, key);
    }
  }

  static bool only_drums(const Part& part) {
    bool any = false;
    for (const PartMeasure& m : part.measures) {
      for (const WrittenNote& n : m.notes) {
        any = true;
        if (!n.drum) return false;
      }
    }
    return any;
  }

  void track(std::size_t p) {
    const Part& part = parts_[p];
    Track& track = score_.tracks.emplace_back();
    track.name = part.name;
    if (!part.name.empty()) track.texts.push_back({0, 0x03, part.name});
    set_instruments(track, p);
    notes(track, p);
    texts(track, part);
    track.drums = only_drums(part) ||
                  (track.notes.empty() && !track.events.empty() &&
                   std::all_of(track.events.begin(), track.events.end(), [](const auto& e) { return e.channel == 9; }));
  }

  void set_instruments(Track& track, std::size_t p) {
    const Part& part = parts_[p];
    std::vector<std::pair<int, std::size_t>> used;  // channel, instrument
    for (const PartMeasure& m : part.measures) {
      for (const WrittenNote& n : m.notes) {
        const int channel = channels_.of(p, n);
        const bool known = std::any_of(used.begin(), used.end(), [&](const auto& u) { return u.first == channel; });
        if (!known) used.emplace_back(channel, static_cast<std::size_t>(n.instrument));
      }
    }
    for (const auto& [channel, i] : used) {
      const Instrument& instrument = part.instruments[i];
      const auto c = static_cast<std::uint8_t>(channel);
      const auto event = [&](std::uint8_t status, int data1, int data2) {
        track.events.push_back({0, status, c, static_cast<std::uint8_t>(data1), static_cast<std::uint8_t>(data2)});
      };
      event(0xC0, instrument.program, 0);
      if (instrument.volume >= 0) event(0xB0, 7, instrument.volume);
      if (instrument.pan >= 0) event(0xB0, 10, instrument.pan);
    }
    if (!used.empty()) track.program = static_cast<std::uint8_t>(part.instruments[used.front().second].program);
  }

  /// Ties are joined in the order of playing, for they go over bar lines, into endings and back to repeats.
  void notes(Track& track, std::size_t p) {
    struct Open {
      std::size_t note;
      double end;
      int voice;
    };
    constexpr std::size_t kMostOpen = 1000;                 // ties at a time from one key; more are a damaged file's
    std::map<std::pair<int, int>, std::vector<Open>> open;  // by channel and pitch
    for (const Step& step : steps_) {
      std::vector<WrittenNote> sorted = parts_[p].measures[static_cast<std::size_t>(step.played.measure)].notes;
      std::stable_sort(sorted.begin(), sorted.end(),
                       [](const WrittenNote& a, const WrittenNote& b) { return a.at < b.at; });
      for (const WrittenNote& n : sorted) {
        const int channel = channels_.of(p, n);
        const double begin = std::max(0.0, step.begin + n.at), end = begin + n.length;
        auto& waiting = open[{channel, n.pitch}];
        std::erase_if(waiting, [&](const Open& o) { return o.end < begin - 0.5; });
        std::size_t index = track.notes.size();
        if (n.tie_stop) {
          const auto meets = [&](const Open& o, bool any_voice) {
            return std::abs(o.end - begin) <= 0.5 && (any_voice || o.voice == n.voice);
          };
          auto it = std::find_if(waiting.begin(), waiting.end(), [&](const Open& o) { return meets(o, false); });
          if (it == waiting.end()) {
            it = std::find_if(waiting.begin(), waiting.end(), [&](const Open& o) { return meets(o, true); });
          }
          if (it != waiting.end()) {
            index = it->note;
            waiting.erase(it);
          } else {
            repairs_.add(fmt::format("part {} measure {}", parts_[p].id, measure(step).number),
                         "a tie that comes from nowhere; its note begins there");
          }
        }
        if (index == track.notes.size()) {
          track.notes.push_back({tick(begin), 0, static_cast<std::uint8_t>(n.pitch),
                                 static_cast<std::uint8_t>(n.velocity), static_cast<std::uint8_t>(channel)});
        }
        Note& note = track.notes[index];
        note.duration = std::max(note.duration, tick(end) - note.start);
        if (n.tie_start && waiting.size() < kMostOpen) waiting.push_back({index, end, n.voice});
      }
    }
  }

  void texts(Track& track, const Part& part) {
    for (const Step& step : steps_) {
      const PartMeasure& m = part.measures[static_cast<std::size_t>(step.played.measure)];
      // The verse of this pass where there is one, else the first.
      const auto of_pass = [&](const WrittenText& t) { return t.verse == step.played.pass; };
      const int verse = std::any_of(m.texts.begin(), m.texts.end(), of_pass) ? step.played.pass : 1;
      for (const WrittenText& t : m.texts) {
        if (t.verse == 0 || t.verse == verse) track.texts.push_back({tick(step.begin + t.at), t.type, t.text});
      }
    }
  }

  Score& score_;
  const std::vector<Part>& parts_;
  const std::vector<Measure>& measures_;
  Repairs& repairs_;
  Channels channels_;
  std::vector<double> lengths_;
  std::vector<Step> steps_;
};

// --- all together ---

void add_title(Score& score, xml_node root) {
  std::string title(text_of(root.child("movement-title")));
  if (title.empty()) title = text_of(root.child("work").child("work-title"));
  Track track;
  track.name = title;
  if (!title.empty()) track.texts.push_back({0, 0x03, title});
  for (const xml_node rights : root.child("identification").children("rights")) {
    if (!text_of(rights).empty()) track.texts.push_back({0, 0x02, std::string(text_of(rights))});
  }
  if (!track.texts.empty()) score.tracks.push_back(std::move(track));
}

std::string composer_of(xml_node root) {
  for (const xml_node creator : root.child("identification").children("creator")) {
    const std::string_view type = creator.attribute("type").value();
    if (type == "composer" || type.empty()) return std::string(text_of(creator));
  }
  return {};
}

xml_node parse(pugi::xml_document& document, Bytes text) {
  const pugi::xml_parse_result parsed = document.load_buffer(text.data(), text.size());
  if (!parsed) {
    const auto at = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, parsed.offset));
    constexpr std::size_t kNearEnd = 16;
    fail(fmt::format("byte {} of {}: {}", at, text.size(), parsed.description()),
         at + kNearEnd >= text.size() ? "incomplete download?" : "is it an XML file? the text before this place is");
  }
  const xml_node root = document.document_element();
  const std::string_view name = root.name();
  if (name == "score-partwise" || name == "score-timewise") return root;
  fail(fmt::format("the document is <{}>, not <score-partwise> or <score-timewise>", name),
       name == "opus"   ? "it lists several scores; read each of them"
       : name == "html" ? "it is a web page; was a link saved in place of the file?"
                        : "it is XML, but not MusicXML; export the score as MusicXML");
}

}  // namespace

MusicXmlReadResult read_musicxml(Bytes bytes) {
  MusicXmlReadResult out;
  Repairs repairs;
  std::string unpacked;
  if (is_zip(bytes)) {
    out.compressed = true;
    unpacked = read_mxl(bytes, out.mended);
    bytes = {reinterpret_cast<const std::uint8_t*>(unpacked.data()), unpacked.size()};
  }
  if (bytes.size() > kMaxMusicXml) fail("larger than 100 MB", "no score is; is it something else?");
  pugi::xml_document xml;
  const xml_node root = parse(xml, bytes);
  out.composer = composer_of(root);

  Document document = std::strcmp(root.name(), "score-timewise") == 0 ? timewise(root) : partwise(root);
  if (document.ids.empty()) fail("the score has no part", "is the file complete?");
  even_out(document, repairs);
  if (document.nodes.front().empty()) fail("the score has no measure", "is the file complete?");
  out.score.ticks_per_quarter = ticks_for(document, repairs);

  std::vector<Measure> measures(document.nodes.front().size());
  for (std::size_t m = 0; m < measures.size(); ++m) measures[m].number = document.nodes.front()[m].number;
  std::map<std::string_view, xml_node> about;
  for (const xml_node node : root.child("part-list").children("score-part")) {
    about.try_emplace(node.attribute("id").value(), node);
  }
  std::vector<Part> parts(document.ids.size());
  std::size_t copies_left = kMaxNotes;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    parts[p].id = document.ids[p];
    const auto found = about.find(parts[p].id);
    read_part(document.nodes[p], found == about.end() ? xml_node() : found->second, out.score.ticks_per_quarter,
              parts[p], measures, repairs, copies_left);
  }
  complete_flow(measures);
  add_title(out.score, root);
  Performer(out.score, parts, measures, repairs).play();
  out.score.sort();
  for (std::string& line : repairs.lines()) out.mended.push_back(std::move(line));
  return out;
}

MusicXmlReadResult read_musicxml(const std::filesystem::path& path) {
  std::error_code unknown;
  const auto size = std::filesystem::file_size(path, unknown);
  if (!unknown && size > kMaxMusicXml) {
    fail(fmt::format("{}: {} bytes, larger than 100 MB", path.string(), size), "no score is; is it something else?");
  }
  const auto bytes = read_file(path);
  try {
    return read_musicxml(bytes);
  } catch (const Error& e) {
    throw e.in(path.string());
  }
}

}  // namespace euterpe
