#pragma once
/// Why a file was answered as it was: a picture, words and numbers.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "recognize/recognize.hpp"

namespace euterpe {

/// Of a recording so much from its middle is looked at, of a score the bars from its beginning with so many notes.
inline constexpr double kExplainedSeconds = 10;
inline constexpr std::size_t kExplainedNotes = 600;

struct Explanation {
  nlohmann::json numbers;              ///< {task, answer, …}, and the cells, or bars and notes, that weighed most
  std::vector<std::string> sentences;  ///< which descriptors speak for the answer against the runner-up; may be empty
  std::vector<std::string> places;     ///< the heaviest cells or bars in words
};

/// Explains the first of `found`'s answers that tells labels apart.
/// \param found what `recognizer` said of the file \param picture .png or .svg \param title what it is called there
/// Error{bad_input} where there is nothing to explain; {usage | io} for the picture; else as Recognizer::recognize.
Explanation explain(Recognizer& recognizer, const Recognition& found, const std::filesystem::path& file,
                    const std::filesystem::path& picture, const std::string& title);

}  // namespace euterpe
