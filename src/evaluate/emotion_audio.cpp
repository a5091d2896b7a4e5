#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.hpp"
#include "base/random.hpp"
#include "evaluate/audio_answers.hpp"
#include "recognize/metrics.hpp"

namespace euterpe {
namespace {

constexpr int kDraws = 500;

double deviation(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return std::sqrt(squares / (n - 1));
}

/// Mean squared error in units of the variance of what was felt: 1 for who always says the mean.
double error_over_variance(const std::vector<double>& foretold, const std::vector<double>& felt) {
  const double spread = deviation(felt);
  double squares = 0;
  for (std::size_t i = 0; i < felt.size(); ++i) squares += (foretold[i] - felt[i]) * (foretold[i] - felt[i]);
  return squares / (static_cast<double>(felt.size() - 1) * std::max(spread * spread, 1e-12));
}

}  // namespace

nlohmann::json evaluate_emotion_audio(const EvaluateOptions& options) {
  const AudioAnswers found = audio_answers(options, style_audio_trainer(), "style", "emotify");
  const auto& emotions = emotion_labels();
  // [emotion][clip]; and the clips of each artist, for they are drawn together
  std::vector<std::vector<double>> foretold(emotions.size()), felt(emotions.size());
  std::map<std::string, std::vector<std::size_t>> artists;
  for (std::size_t i = 0; i < found.answers.size(); ++i) {
    const LabeledClip& clip = found.clips.clips[i];
    const auto answer = std::ranges::find(found.answers[i], "emotion", &Answer::task);
    if (clip.votes.empty() || answer == found.answers[i].end()) continue;
    const auto numbers = numbers_of(*answer, emotions);
    artists[clip.group].push_back(felt.front().size());
    for (std::size_t e = 0; e < emotions.size(); ++e) {
      foretold[e].push_back(numbers[e]);
      felt[e].push_back(clip.votes[e]);
    }
  }
  const std::size_t n = felt.front().size();
  if (n < 3)
    throw Error(Category::bad_input, "evaluate emotion-audio",
                found.clips.folder.string() + ": votes are there for fewer than three clips",
                "votes.csv holds one row a listener: file and 0 or 1 for each of nine emotions.");

  std::vector<std::vector<std::size_t>> groups;
  for (const auto& [name, clips] : artists) groups.push_back(clips);
  std::vector<std::vector<double>> drawn(emotions.size());
  std::vector<double> drawn_mean;
  Random random(options.seed);
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<std::size_t> rows;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const auto& clips = groups[random.below(groups.size())];
      rows.insert(rows.end(), clips.begin(), clips.end());
    }
    double sum = 0;
    for (std::size_t e = 0; e < emotions.size(); ++e) {
      std::vector<double> a, b;
      for (const std::size_t row : rows) {
        a.push_back(foretold[e][row]);
        b.push_back(felt[e][row]);
      }
      drawn[e].push_back(pearson(a, b));
      sum += drawn[e].back();
    }
    drawn_mean.push_back(sum / static_cast<double>(emotions.size()));
  }

  nlohmann::json r;
  double sum = 0, error = 0;
  for (std::size_t e = 0; e < emotions.size(); ++e) {
    error += error_over_variance(foretold[e], felt[e]) / static_cast<double>(emotions.size());
    const double value = pearson(foretold[e], felt[e]);
    sum += value;
    r[emotions[e]] = value;
    r[emotions[e] + "_se"] = deviation(drawn[e]);
  }
  r["mean"] = sum / static_cast<double>(emotions.size());
  r["mean_se"] = deviation(drawn_mean);
  return {{"n", n}, {"pearson", r}, {"error_over_variance", error}, {"model", found.model}};
}

}  // namespace euterpe
