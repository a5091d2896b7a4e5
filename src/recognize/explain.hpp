#pragma once
/// Why a file was answered as it was: a picture, words and numbers.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "recognize/recognize.hpp"

namespace euterpe {

/// Of a longer score the bars with at most so many notes are looked at; of a recording one stretch of its curve.
inline constexpr std::size_t kExplainedNotes = 600;

struct Explanation {
  /// {task, answer (the label that is explained), probability, runner_up, runner_up_probability (all three in the
  /// excerpt), file {answer, probability, unknown}, excerpt {begin, end} in seconds, …}, and the cells, or bars and
  /// notes, that weighed most.
  nlohmann::json numbers;
  std::string about;                   ///< which answer is explained, where, and how sure it is there
  std::vector<std::string> sentences;  ///< which descriptors speak for the answer against the runner-up; may be empty
  std::vector<std::string> places;     ///< the heaviest cells or bars in words
};

/// Error{usage} where no picture can be drawn to this path: another extension than .png and .svg, a folder, `file`.
void expect_picture(const std::filesystem::path& picture, const std::filesystem::path& file);

/// Explains the first of `found`'s answers that tells labels apart: its most probable label, in that part of the file
/// where it is most probable. \param found what `recognizer` said of the file \param picture .png or .svg; its folder
/// is made where it is not there \param title what the file is called there Error{bad_input} where there is nothing to
/// explain; {usage | io} for the picture; else as Recognizer::recognize.
Explanation explain(Recognizer& recognizer, const Recognition& found, const std::filesystem::path& file,
                    const std::filesystem::path& picture, const std::string& title);

}  // namespace euterpe
