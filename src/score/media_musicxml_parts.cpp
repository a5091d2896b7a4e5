#include "score/musicxml_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/error.hpp"
#include "score/instrument_names.hpp"
#include "score/musicxml_values.hpp"
#include "score/notation.hpp"

namespace euterpe::musicxml {
namespace {

using pugi::xml_node;

constexpr double kMaxMeasure = 100'000;  // quarter notes; whole pieces without bar lines are some thousands long
constexpr int kDefaultVelocity = 80;

bool is(xml_node node, const char* name) { return std::strcmp(node.name(), name) == 0; }
bool yes(pugi::xml_attribute attribute) { return std::strcmp(attribute.value(), "yes") == 0; }

struct Transposition {
  int chromatic = 0, diatonic = 0;
  bool diatonic_known = false;
};

class PartReader {
 public:
  PartReader(xml_node score_part, int ticks_per_quarter, Part& part, std::vector<Measure>& measures, Repairs& repairs,
             std::size_t& copies_left)
      : ticks_(ticks_per_quarter), part_(part), measures_(measures), repairs_(repairs), copies_left_(copies_left) {
    instruments(score_part);
  }

  void read(std::span<const MeasureNode> nodes) {
    for (std::size_t i = 0; i < nodes.size(); ++i) measure(i, nodes[i]);
  }

 private:
  void mend(const std::string& what) { repairs_.add(place(), what); }
  std::string place() const { return fmt::format("part {} measure {}", part_.id, measures_[at_].number); }

  // --- the part's instruments ---

  void instruments(xml_node score_part) {
    const std::string_view name = trimmed(score_part.child_value("part-name"));
    part_.name = name.empty() ? trimmed(score_part.child_value("part-abbreviation")) : name;
    for (const xml_node node : score_part.children("score-instrument")) {
      Instrument& instrument = part_.instruments.emplace_back();
      ids_.emplace(node.attribute("id").value(), part_.instruments.size() - 1);
      const std::string_view sound = trimmed(node.child_value("instrument-sound"));
      const std::string_view own = trimmed(node.child_value("instrument-name"));
      instrument.program = program_by_name(sound).value_or(
          program_by_name(own).value_or(program_by_name(part_.name).value_or(instrument.program)));
    }
    if (part_.instruments.empty()) {
      part_.instruments.emplace_back().program = program_by_name(part_.name).value_or(0);
    }
    std::size_t position = 0;
    for (const xml_node node : score_part.children("midi-instrument")) {
      const auto id = ids_.find(node.attribute("id").value());
      const std::size_t index = id == ids_.end() ? position : id->second;
      ++position;
      if (index >= part_.instruments.size()) continue;
      Instrument& instrument = part_.instruments[index];
      const auto take = [&](const char* child, int offset, int most, int& value) {
        const auto said = number(node.child(child));
        if (said && *said + offset >= 0 && *said + offset <= most) value = static_cast<int>(*said) + offset;
      };
      take("midi-channel", -1, 15, instrument.channel);
      take("midi-program", -1, 127, instrument.program);
      take("midi-unpitched", -1, 127, instrument.unpitched);
      constexpr double kController = 127;
      if (const auto v = number(node.child("volume")); v && *v >= 0 && *v <= 100) {
        instrument.volume = static_cast<int>(std::lround(*v / 100 * kController));
      }
      if (const auto p = number(node.child("pan")); p && std::abs(*p) <= 90) {
        instrument.pan = std::min(127, static_cast<int>(std::lround((*p + 90) / 180 * 128)));
      }
    }
  }

  // --- a measure ---

  void measure(std::size_t index, const MeasureNode& node) {
    at_ = index;
    cursor_ = chord_at_ = furthest_ = 0;
    levels_.clear();
    accents_.clear();
    graces_.clear();
    grace_slots_ = 0;
    now_ = &part_.measures.emplace_back();
    for (const xml_node child : node.content.children()) {
      if (is(child, "note")) {
        note(child);
      } else if (is(child, "backup")) {
        place_graces();
        const double length = duration(child);
        if (length > cursor_ + 0.5) mend("a backup leads to before the bar line; it ends there");
        cursor_ = chord_at_ = std::max(0.0, cursor_ - length);
      } else if (is(child, "forward")) {
        place_graces();
        cursor_ = chord_at_ = cursor_ + duration(child);
        reach(cursor_);
      } else if (is(child, "attributes")) {
        attributes(child);
      } else if (is(child, "direction")) {
        direction(child);
      } else if (is(child, "sound")) {
        sound(child, offset(child.child("offset")));
      } else if (is(child, "barline")) {
        barline(child);
      }
    }
    place_graces();
    set_velocities();
    now_->length = furthest_;
    simile();
  }

  void reach(double at) {
    furthest_ = std::max(furthest_, at);
    if (furthest_ > kMaxMeasure * ticks_) {
      throw Error(Category::bad_input, "read_musicxml",
                  fmt::format("{}: it is longer than {:.0f} quarter notes", place(), kMaxMeasure),
                  "a duration or the divisions are probably damaged");
    }
  }

  double in_ticks(double divisions) const { return divisions * ticks_ / divisions_; }
  double offset(xml_node node) const {
    const double most = kMaxMeasure * ticks_;
    return std::clamp(in_ticks(number(node).value_or(0)), -most, most);
  }

  /// Of a note, backup or forward; without a word about it, as long as it is written.
  double duration(xml_node node) {
    const auto said = number(node.child("duration"));
    if (said && *said >= 0) return in_ticks(*said);
    if (node.child("rest") && !node.child("type")) return nominal();
    double length = quarters_with_dots(node.child("type"), "dot") * ticks_;
    const xml_node tuplet = node.child("time-modification");
    const double actual = number(tuplet.child("actual-notes")).value_or(1);
    const double normal = number(tuplet.child("normal-notes")).value_or(1);
    if (actual > 0 && normal > 0) length *= normal / actual;
    mend(said ? "a negative duration; taken as it is written" : "a note without duration; taken as it is written");
    return length;
  }

  double nominal() const {
    const TimeSignature& meter = measures_[at_].meter;
    return 4.0 * ticks_ * meter.numerator / meter.denominator;
  }

  // --- notes ---

  void note(xml_node node) {
    const bool grace = node.child("grace"), in_chord = node.child("chord");
    if (grace) {
      if (!in_chord || grace_slots_ == 0) ++grace_slots_;
      if (const auto read = sounding(node)) graces_.emplace_back(grace_slots_ - 1, *read);
      return;
    }
    if (!in_chord) place_graces();
    const double length = duration(node);
    const double at = in_chord ? chord_at_ : cursor_;
    if (!in_chord) {
      chord_at_ = cursor_;
      cursor_ += length;
    }
    reach(at + length);
    if (node.child("cue")) return mend("a cue note is not played");
    if (node.child("rest")) return;
    if (auto read = sounding(node)) {
      read->at = at;
      read->length = length;
      lyrics(node, at);
      if (const xml_node marks = node.child("notations").child("dynamics")) dynamics(marks, at);
      now_->notes.push_back(*read);
    }
  }

  /// Pitch, instrument, voice, ties and its own velocity; nothing for what no instrument can play.
  std::optional<WrittenNote> sounding(xml_node node) {
    WrittenNote out;
    if (const xml_node by_id = node.child("instrument")) {
      const auto id = ids_.find(by_id.attribute("id").value());
      if (id != ids_.end()) out.instrument = static_cast<int>(id->second);
    }
    const Instrument& instrument = part_.instruments[static_cast<std::size_t>(out.instrument)];
    out.voice = integer(node.child("voice"), 1, 0, 9999);
    out.drum = instrument.channel == 9;
    double pitch = 0;
    if (const xml_node p = node.child("pitch")) {
      const auto step = semitones_of_step(p.child_value("step"));
      const auto octave = number(p.child("octave"));
      if (!step || !octave) return mend("a pitch without step or octave is left out"), std::nullopt;
      pitch = 12 * (*octave + 1) + *step + number(p.child("alter")).value_or(0) + transposition(node).chromatic;
      if (out.drum && instrument.unpitched >= 0) pitch = instrument.unpitched;
    } else if (const xml_node u = node.child("unpitched")) {
      out.drum = true;
      pitch = percussion_key(u, node, instrument);
    } else {
      return mend("a note without pitch is left out"), std::nullopt;
    }
    const double whole = std::floor(pitch + 0.5);
    if (!(whole >= 0 && whole <= 127)) return mend("a pitch beyond MIDI's range is left out"), std::nullopt;
    if (whole != pitch) mend("a pitch between the semitones; the nearest is played");
    out.pitch = static_cast<int>(whole);
    if (const auto level = node.attribute("dynamics")) {
      out.velocity = velocity_of_per_cent(number_in(level.value()).value_or(0));
    }
    ties(node, out);
    return out;
  }

  /// Notation programs write both the tie that sounds and the one that is drawn; a few only the second.
  static void ties(xml_node node, WrittenNote& out) {
    const xml_node drawn = node.child("notations");
    const bool sounds = node.child("tie");
    for (const xml_node tie : sounds ? node.children("tie") : drawn.children("tied")) {
      const std::string_view type = tie.attribute("type").value();
      out.tie_start = out.tie_start || type == "start" || type == "continue";
      out.tie_stop = out.tie_stop || type == "stop" || type == "continue";
    }
  }

  /// Which drum: what the file says, else what stands at this place of the staff, else the snare.
  int percussion_key(xml_node unpitched, xml_node note, const Instrument& instrument) {
    if (instrument.unpitched >= 0) return instrument.unpitched;
    const std::string_view step = trimmed(unpitched.child_value("display-step"));
    const auto octave = number(unpitched.child("display-octave"));
    const std::string_view head = trimmed(note.child_value("notehead"));
    constexpr int kLowest = 35, kHighest = 59, kSnare = 38;
    for (int key = kLowest; key <= kHighest && octave && !step.empty(); ++key) {
      const PercussionPlace place = percussion_place(key);
      if (place.step == step[0] && place.octave == *octave && place.cross == (head == "x")) {
        mend("percussion without midi-unpitched; taken by its place on the staff");
        return key;
      }
    }
    mend("percussion without midi-unpitched; played on the snare");
    return kSnare;
  }

  /// Grace notes sound just before what they adorn, a thirty-second each, all together an eighth at most.
  void place_graces() {
    const double each = std::min(ticks_ / 8.0, grace_slots_ > 0 ? ticks_ / 2.0 / grace_slots_ : 0);
    for (auto& [slot, note] : graces_) {
      note.at = cursor_ - (grace_slots_ - slot) * each;
      note.length = each;
      note.tie_start = note.tie_stop = false;
      now_->notes.push_back(note);
    }
    graces_.clear();
    grace_slots_ = 0;
  }

  void lyrics(xml_node node, double at) {
    for (const xml_node lyric : node.children("lyric")) {
      std::string text;
      for (const xml_node syllable : lyric.children("text")) text += syllable.child_value();
      if (text.empty()) continue;
      // SMF recommended practice RP-017: a word's last syllable is followed by a space.
      const std::string_view syllabic = trimmed(lyric.child_value("syllabic"));
      if (syllabic != "begin" && syllabic != "middle") text += ' ';
      const int verse =
          static_cast<int>(std::clamp(number_in(lyric.attribute("number").value()).value_or(1), 1.0, 99.0));
      now_->texts.push_back({at, 0x05, std::move(text), verse});
    }
  }

  // --- attributes ---

  void attributes(xml_node node) {
    if (const auto d = number(node.child("divisions"))) {
      constexpr double kMost = 1e6;
      if (*d > 0 && *d <= kMost)
        divisions_ = *d;
      else
        mend("divisions that cannot be meant are left out");
    }
    for (const xml_node t : node.children("transpose")) {
      Transposition transposition;
      const auto said = [&](const char* child) { return integer(t.child(child), 0, -127, 127); };
      transposition.chromatic = said("chromatic") + 12 * said("octave-change");
      transposition.diatonic = said("diatonic") + 7 * said("octave-change");
      transposition.diatonic_known = t.child("diatonic");
      const int staff = static_cast<int>(std::clamp(number_in(t.attribute("number").value()).value_or(0), 0.0, 99.0));
      if (staff == 0) transpositions_.clear();
      transpositions_[staff] = transposition;
      part_.transposes = part_.transposes || transposition.chromatic % 12 != 0;
    }
    if (const xml_node key = node.child("key")) read_key(key);
    if (const xml_node time = node.child("time")) read_meter(time);
    for (const xml_node style : node.children("measure-style")) {
      const xml_node repeat = style.child("measure-repeat");
      if (!repeat) continue;
      const bool starts = std::string_view(repeat.attribute("type").value()) == "start";
      simile_ = starts ? integer(repeat, 1, 1, 4) : 0;
    }
  }

  Transposition transposition(xml_node note) const {
    auto found = transpositions_.find(integer(note.child("staff"), 1, 1, 99));
    if (found == transpositions_.end()) found = transpositions_.find(0);
    return found == transpositions_.end() ? Transposition{} : found->second;
  }

  void read_key(xml_node node) {
    const auto fifths = number(node.child("fifths"));
    if (!fifths || std::abs(*fifths) > 14) return mend("a key signature that is no number of fifths has no effect");
    int sounding = static_cast<int>(*fifths);
    const auto all = transpositions_.empty() ? transpositions_.end() : transpositions_.begin();
    if (all != transpositions_.end()) {
      // On the line of fifths an interval of c semitones and d steps goes 7c − 12d to the right.
      const Transposition& t = all->second;
      sounding += t.diatonic_known ? 7 * t.chromatic - 12 * t.diatonic : 7 * t.chromatic % 12;
    }
    while (sounding > 7) sounding -= 12;
    while (sounding < -7) sounding += 12;
    const std::string_view mode = trimmed(node.child_value("mode"));
    part_.keys.push_back(
        {{at_, cursor_}, {0, static_cast<std::int8_t>(sounding), mode == "minor" || mode == "aeolian"}});
  }

  void read_meter(xml_node node) {
    if (node.child("senza-misura")) return;
    const auto meter = meter_of(node);
    if (!meter) return mend("a time signature that no bar can have has no effect");
    const std::size_t from = cursor_ > 0 ? at_ + 1 : at_;
    if (from >= measures_.size() || measures_[from].meter_changes) return;
    measures_[from].meter_changes = true;
    for (std::size_t i = from; i < measures_.size() && (i == from || !measures_[i].meter_changes); ++i) {
      measures_[i].meter.numerator = static_cast<std::uint8_t>(meter->first);
      measures_[i].meter.denominator = static_cast<std::uint8_t>(meter->second);
    }
  }

  // --- directions ---

  void direction(xml_node node) {
    const xml_node plays = node.child("sound");
    const double drawn = offset(node.child("offset"));
    // An offset moves the drawing alone, unless it says that it is heard.
    const double shift = yes(node.child("offset").attribute("sound")) ? drawn : 0;
    const double at = std::max(0.0, cursor_ + shift);
    for (const xml_node type : node.children("direction-type")) {
      for (const xml_node mark : type.children()) {
        if (is(mark, "dynamics") && !plays.attribute("dynamics")) dynamics(mark, at);
        if (is(mark, "metronome") && !plays.attribute("tempo")) metronome(mark, at);
        if (is(mark, "segno") && !plays) measures_[at_].segno_sign = true;
        if (is(mark, "coda") && !plays) measures_[at_].coda_sign = true;
        if (is(mark, "words")) words(mark, at, plays);
        if (is(mark, "rehearsal")) text(at, 0x06, mark.child_value());
      }
    }
    if (plays) sound(plays, plays.child("offset") ? offset(plays.child("offset")) : shift);
  }

  void text(double at, std::uint8_t type, std::string_view words) {
    words = trimmed(words);
    if (!words.empty()) now_->texts.push_back({at, type, std::string(words), 0});
  }

  void words(xml_node mark, double at, xml_node plays) {
    text(at, 0x01, mark.child_value());
    if (plays) return;
    std::string lower;
    for (const char c : trimmed(mark.child_value())) {
      lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    Flow& flow = measures_[at_].flow;
    if (lower.starts_with("d.c.") || lower.starts_with("da capo")) flow.da_capo = true;
    if (lower.starts_with("d.s.") || lower.starts_with("dal segno")) flow.dal_segno = "";
    if (lower.starts_with("to coda") || lower.starts_with("al coda")) flow.to_coda = "";
    if (lower == "fine") flow.fine = true;
  }

  void dynamics(xml_node marks, double at) {
    for (const xml_node mark : marks.children()) {
      if (const auto level = velocity_of_mark(mark.name())) levels_.push_back({at, *level});
      if (const auto accent = accent_of_mark(mark.name())) {
        accents_.push_back({at, accent->velocity});
        if (const auto then = velocity_of_mark(accent->then)) levels_.push_back({at, *then});
      }
    }
  }

  void metronome(xml_node mark, double at) {
    constexpr const char* kDot = "beat-unit-dot";
    const xml_node first = mark.child("beat-unit"), second = first.next_sibling("beat-unit");
    const double left = quarters_with_dots(first, kDot, second);
    if (const auto beats = number_in(mark.child_value("per-minute"), true)) return tempo(at, *beats * left);
    // "eighth = dotted eighth": what the first was, the second is.
    const double right = quarters_with_dots(second, kDot);
    if (left > 0 && right > 0) tempo(at, tempo_before(at) * right / left);
  }

  /// Quarter notes a minute where the mark stands.
  double tempo_before(double at) const {
    for (std::size_t i = at_ + 1; i-- > 0;) {
      const auto& tempos = measures_[i].tempos;
      for (auto t = tempos.rbegin(); t != tempos.rend(); ++t) {
        if (i < at_ || t->first < at) return 60e6 / t->second;
      }
    }
    return 120;
  }

  void tempo(double at, double quarters_per_minute) {
    constexpr double kLongest = 16'777'215;  // microseconds that a MIDI tempo can hold
    if (!(quarters_per_minute > 0)) return;
    const double microseconds = std::round(60e6 / quarters_per_minute);
    if (microseconds < 1 || microseconds > kLongest) return mend("a tempo beyond MIDI's range has no effect");
    auto& tempos = measures_[at_].tempos;
    const auto after =
        std::upper_bound(tempos.begin(), tempos.end(), at, [](double a, const auto& t) { return a < t.first; });
    // Other parts repeat the marks of the first; that one is heard.
    if (after != tempos.begin() && at - std::prev(after)->first < 0.5) return;
    if (after != tempos.end() && after->first - at < 0.5) return;
    tempos.insert(after, {at, static_cast<std::uint32_t>(microseconds)});
  }

  void sound(xml_node node, double shift) {
    const double at = std::max(0.0, cursor_ + shift);
    if (const auto t = node.attribute("tempo")) tempo(at, number_in(t.value()).value_or(0));
    if (const auto d = node.attribute("dynamics"))
      levels_.push_back({at, velocity_of_per_cent(number_in(d.value()).value_or(0))});
    Flow& flow = measures_[at_].flow;
    if (yes(node.attribute("dacapo"))) flow.da_capo = true;
    if (yes(node.attribute("forward-repeat"))) flow.repeat_begins = true;
    if (node.attribute("fine")) flow.fine = true;
    const auto label = [&](const char* name, std::optional<std::string>& value) {
      if (const auto attribute = node.attribute(name)) value = attribute.value();
    };
    label("segno", flow.segno);
    label("coda", flow.coda);
    label("dalsegno", flow.dal_segno);
    label("tocoda", flow.to_coda);
  }

  void barline(xml_node node) {
    const bool left = std::string_view(node.attribute("location").value()) == "left";
    Measure& here = measures_[at_];
    if (const xml_node repeat = node.child("repeat")) {
      if (std::string_view(repeat.attribute("direction").value()) == "forward") {
        if (left)
          here.flow.repeat_begins = true;
        else if (at_ + 1 < measures_.size())
          measures_[at_ + 1].flow.repeat_begins = true;
      } else if (!left || at_ > 0) {
        constexpr double kMost = 64;
        const double times = std::clamp(number_in(repeat.attribute("times").value()).value_or(2), 1.0, kMost);
        (left ? measures_[at_ - 1] : here).flow.repeat_ends = static_cast<int>(times);
      }
    }
    if (const xml_node ending = node.child("ending")) {
      const std::string_view type = ending.attribute("type").value();
      const std::vector<int> passes = passes_in(ending.attribute("number").value());
      if (type == "start") here.ending_starts = passes;
      if (type != "start") here.ending_stops = true;
    }
    if (node.child("segno") && !here.flow.segno) here.flow.segno = node.attribute("segno").value();
    if (node.child("coda") && !here.flow.coda) here.flow.coda = node.attribute("coda").value();
  }

  // --- what the whole measure must be known for ---

  void set_velocities() {
    const auto earlier = [](const Level& a, const Level& b) { return a.at < b.at; };
    std::stable_sort(levels_.begin(), levels_.end(), earlier);
    std::stable_sort(accents_.begin(), accents_.end(), earlier);
    for (WrittenNote& note : now_->notes) {
      if (note.velocity > 0) continue;
      // The last mark that stands there or before.
      const auto behind = [&](const std::vector<Level>& marks) {
        return std::lower_bound(marks.begin(), marks.end(), Level{note.at + 0.5, 0}, earlier);
      };
      const auto level = behind(levels_), accent = behind(accents_);
      note.velocity = level == levels_.begin() ? level_ : std::prev(level)->velocity;
      if (accent != accents_.begin() && note.at - std::prev(accent)->at < 0.5) {
        note.velocity = std::prev(accent)->velocity;
      }
    }
    if (!levels_.empty()) level_ = levels_.back().velocity;
  }

  /// A measure under a repeat sign holds what stood before it.
  void simile() {
    const std::size_t back = static_cast<std::size_t>(simile_);
    if (simile_ == 0 || at_ < back || !now_->notes.empty()) return;
    const PartMeasure& before = part_.measures[at_ - back];
    if (before.notes.size() > copies_left_) {
      throw Error(Category::bad_input, "read_musicxml", place() + ": too many measures under repeat signs",
                  "no piece is so long; is the file damaged?");
    }
    copies_left_ -= before.notes.size();
    now_->notes = before.notes;
    now_->length = std::max(now_->length, before.length);
  }

  struct Level {
    double at;
    int velocity;
  };

  const int ticks_;
  Part& part_;
  std::vector<Measure>& measures_;
  Repairs& repairs_;
  std::map<std::string, std::size_t> ids_;

  std::size_t at_ = 0;  ///< the measure being read
  PartMeasure* now_ = nullptr;
  double divisions_ = 1;
  double cursor_ = 0, chord_at_ = 0, furthest_ = 0;
  std::map<int, Transposition> transpositions_;  ///< by staff; 0: all of them
  int simile_ = 0;                               ///< measures that repeat signs stand for; 0: none
  std::size_t& copies_left_;                     ///< notes that they may still stand for, in all parts together
  int level_ = kDefaultVelocity;
  std::vector<Level> levels_, accents_;
  int grace_slots_ = 0;
  std::vector<std::pair<int, WrittenNote>> graces_;
};

}  // namespace

void Repairs::add(const std::string& place, const std::string& what) {
  constexpr std::size_t kMaxKinds = 100;
  const auto [it, fresh] = index_.try_emplace(what, entries_.size());
  if (fresh && entries_.size() == kMaxKinds) {
    index_.erase(it);
    ++unlisted_;
    return;
  }
  if (fresh) entries_.push_back({what, place, 0});
  ++entries_[it->second].count;
}

std::vector<std::string> Repairs::lines() const {
  std::vector<std::string> out;
  for (const Entry& e : entries_) {
    const std::string times = e.count > 1 ? fmt::format(" ({} times)", e.count) : "";
    out.push_back(e.place.empty() ? e.what + times : fmt::format("{}: {}{}", e.place, e.what, times));
  }
  if (unlisted_ > 0) out.push_back(fmt::format("and {} faults of other kinds", unlisted_));
  return out;
}

void read_part(std::span<const MeasureNode> nodes, xml_node score_part, int ticks_per_quarter, Part& part,
               std::vector<Measure>& measures, Repairs& repairs, std::size_t& copies_left) {
  PartReader(score_part, ticks_per_quarter, part, measures, repairs, copies_left).read(nodes);
}

}  // namespace euterpe::musicxml
