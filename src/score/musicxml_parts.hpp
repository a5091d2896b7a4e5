#pragma once
/// Inside of the MusicXML reader: what is written in each measure of each part, not yet put into the order in which it
/// is played. Times are ticks from the beginning of the measure, not rounded, so that nothing drifts.
#include <cstdint>
#include <map>
#include <pugixml.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "score/score.hpp"
#include "score/unfold.hpp"

namespace euterpe::musicxml {

/// What was mended, one line a kind, so that a file with a fault in every measure still gives a short list.
class Repairs {
 public:
  void add(const std::string& place, const std::string& what);
  std::vector<std::string> lines() const;

 private:
  struct Entry {
    std::string what, place;
    std::size_t count;
  };
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t> index_;
  std::size_t unlisted_ = 0;
};

struct Instrument {
  int channel = -1;           ///< 0–15; −1: not said
  int program = 0;            ///< 0–127
  int unpitched = -1;         ///< General MIDI percussion key; −1: not said
  int volume = -1, pan = -1;  ///< controllers 7 and 10; −1: not said
};

struct WrittenNote {
  double at = 0, length = 0;  ///< ticks; grace notes may begin before their measure
  int pitch = 60;             ///< as it sounds
  int velocity = 0;
  int instrument = 0;  ///< index in its part
  bool drum = false;
  int voice = 1;
  bool tie_start = false, tie_stop = false;
};

struct WrittenText {
  double at = 0;
  std::uint8_t type = 0x01;  ///< MIDI's meta type
  std::string text;
  int verse = 0;  ///< of a lyric; 0: in every pass
};

struct PartMeasure {
  std::vector<WrittenNote> notes;
  std::vector<WrittenText> texts;
  double length = 0;  ///< how far anything in it reaches
};

struct Part {
  std::string id, name;
  std::vector<Instrument> instruments;  ///< at least one
  std::vector<PartMeasure> measures;
  bool transposes = false;
  /// Where the part changes key: measure, tick in it, sounding key.
  std::vector<std::pair<std::pair<std::size_t, double>, KeySignature>> keys;
};

/// What all parts share in a measure.
struct Measure {
  std::string number;
  TimeSignature meter;
  bool meter_changes = false;
  std::vector<std::pair<double, std::uint32_t>> tempos;  ///< microseconds a quarter note
  Flow flow;
  std::vector<int> ending_starts;  ///< numbers of the bracket that begins here
  bool ending_stops = false;
  bool segno_sign = false, coda_sign = false;  ///< drawn, with no word about playing
};

struct MeasureNode {
  pugi::xml_node content;  ///< its children are the notes
  std::string number;
};

/// Reads one part's measures into `part`, what they say about all parts into `measures` (as many as `nodes`).
/// \param ticks_per_quarter every division of the part falls on a tick of it, if any such resolution was found
/// \param copies_left notes for which measures under repeat signs may still stand; lessened by those that do
/// Throws Error{bad_input} naming part and measure where a measure cannot be meant.
void read_part(std::span<const MeasureNode> nodes, pugi::xml_node score_part, int ticks_per_quarter, Part& part,
               std::vector<Measure>& measures, Repairs& repairs, std::size_t& copies_left);

}  // namespace euterpe::musicxml
