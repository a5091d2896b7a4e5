#pragma once
/// Inside of the MusicXML reader: the texts of its elements to numbers. Nothing here throws: what makes no sense is
/// nothing, and the reader says so with its place.
#include <optional>
#include <pugixml.hpp>
#include <string_view>
#include <utility>
#include <vector>

namespace euterpe::musicxml {

/// Without white space around it.
std::string_view trimmed(std::string_view text);

/// The finite number at the beginning of a text, or the first in it where `words` may come before.
std::optional<double> number_in(std::string_view text, bool words = false);
/// Of an element's text.
std::optional<double> number(pugi::xml_node node);
/// The same, rounded and brought into least … most; `otherwise` if there is none.
int integer(pugi::xml_node node, int otherwise, int least, int most);

/// Semitones of a step above C: "C" 0 … "B" 11.
std::optional<int> semitones_of_step(std::string_view letter);
/// Quarter notes of a written value: "whole" 4 … "256th".
std::optional<double> quarters_of_value(std::string_view type);
/// With the dots that follow it, up to `end`: \param value an element as <type> or <beat-unit>, \param dot its dots'
/// name
double quarters_with_dots(pugi::xml_node value, const char* dot, pugi::xml_node end = {});

/// Numerator and denominator of <time>: "4" over "4", "3+2" over "8", and sums of several fractions. Nothing for what
/// no bar of MIDI can have (1–255 over a power of two up to 64).
std::optional<std::pair<int, int>> meter_of(pugi::xml_node time);

/// Velocities: of a mark that holds on ("mf"), of one for what begins at its place alone ("sfz", "fp"; then also the
/// mark that holds on behind it), and of per cent of a forte (90; MusicXML 4.0, sound/@dynamics).
std::optional<int> velocity_of_mark(std::string_view mark);
struct Accent {
  int velocity;
  std::string_view then;  ///< the mark that holds on behind it, empty if none
};
std::optional<Accent> accent_of_mark(std::string_view mark);
int velocity_of_per_cent(double per_cent);

/// The passes that an ending's number names, ascending: "1, 2" and "1-3".
std::vector<int> passes_in(std::string_view text);

}  // namespace euterpe::musicxml
