#include "recognize/reasons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.hpp"
#include "base/random.hpp"
#include "recognize/reasons_words.hpp"

namespace euterpe {
namespace {

constexpr double kCertain = 1e-9;
constexpr double kLeastShare = 0.02;  // shares that hardly ever vary: a deviation of less is none that one hears
constexpr double kNoticeable = 0.3, kApart = 0.15, kMost = 1.0;  // deviations: from the runner-up's mean; of both means

/// The question: the answer's log odds against the runner-up when some descriptors are the runner-up's mean.
struct Question {
  const DescriptorEvidence& evidence;
  std::vector<DescriptorWords> words;  ///< [descriptors]
  std::size_t answer = 0, runner_up = 0;

  const float* mean(std::size_t c) const { return evidence.class_mean.data() + c * evidence.names.size(); }
  double deviation(std::size_t c, std::size_t d) const {
    const double least = words[d].is_share() ? kLeastShare : 1e-9;
    return std::max(least, static_cast<double>(evidence.class_deviation[c * evidence.names.size() + d]));
  }
  double value(std::size_t d) const {
    double sum = 0;
    for (const auto& view : evidence.views) sum += view[d];
    return sum / static_cast<double>(evidence.views.size());
  }
  double operator()(const std::vector<std::uint8_t>& usual) const {
    auto views = evidence.views;
    for (auto& view : views)
      for (std::size_t d = 0; d < view.size(); ++d)
        if (usual[d]) view[d] = mean(runner_up)[d];
    const auto p = evidence.answer(views);
    return std::log(std::max(p[answer], kCertain)) - std::log(std::max(p[runner_up], kCertain));
  }
};

void check(const DescriptorEvidence& evidence) {
  const std::size_t n = evidence.names.size(), classes = evidence.labels.size();
  EUTERPE_ASSERT(n > 0 && classes > 1 && !evidence.views.empty());
  for (const auto& view : evidence.views) EUTERPE_ASSERT(view.size() == n);
  if (evidence.class_mean.size() != classes * n || evidence.class_deviation.size() != classes * n)
    throw Error(Category::bad_input, "reasons",
                fmt::format("the model does not say what is usual: {} class means, {} needed",
                            evidence.class_mean.size(), classes * n),
                "Train it again with this version.");
}

/// Shapley values of groups of descriptors, over permutations and their reverses.
std::vector<double> shapley(const Question& question, const std::vector<std::vector<std::size_t>>& groups,
                            const ReasonOptions& options) {
  std::vector<double> weight(groups.size(), 0.0);
  std::vector<std::size_t> order(groups.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(options.seed);
  const int pairs = std::max(1, options.permutations / 2);
  const double all = question(std::vector<std::uint8_t>(question.evidence.names.size(), 0));
  for (int p = 0; p < pairs; ++p) {
    random.shuffle(order);
    for (int turn = 0; turn < 2; ++turn) {
      std::vector<std::uint8_t> usual(question.evidence.names.size(), 0);
      double before = all;
      for (const std::size_t g : order) {
        for (const std::size_t d : groups[g]) usual[d] = 1;
        const double now = question(usual);
        weight[g] += (before - now) / (2 * pairs);
        before = now;
      }
      std::ranges::reverse(order);
    }
  }
  return weight;
}

void say(DescriptorReason& reason, const Question& question, std::size_t d) {
  const DescriptorWords& words = question.words[d];
  const auto& labels = question.evidence.labels;
  const std::string &answer = labels[question.answer], &other = labels[question.runner_up];
  const double raw = question.value(d), usual = question.mean(question.runner_up)[d];
  const double spread = question.deviation(question.runner_up, d);
  reason.descriptor = question.evidence.names[d];
  reason.unit = words.unit;
  reason.value = words.in_unit(raw);
  reason.usual_answer = words.in_unit(question.mean(question.answer)[d]);
  reason.usual_runner_up = words.in_unit(usual);
  reason.deviation_runner_up = std::abs(words.in_unit(usual + spread) - words.in_unit(usual - spread)) / 2;
  const std::string figures =
      fmt::format("{}; {} {}, {} {} ± {}", words.with_unit(reason.value), answer, words.number(reason.usual_answer),
                  other, words.number(reason.usual_runner_up), words.number(reason.deviation_runner_up));
  const std::size_t beside = reason.weight >= 0 ? question.runner_up : question.answer;
  const double far = (raw - question.mean(beside)[d]) / question.deviation(beside, d);
  reason.sentence =
      fmt::format("{}{} than {} {} ({})", reason.weight >= 0 ? "" : "against it: ", far > 0 ? words.more : words.less,
                  std::abs(far) >= kMost ? "most" : "usual for", labels[beside], figures);
}

}  // namespace

std::vector<DescriptorReason> reasons(const DescriptorEvidence& evidence, const ReasonOptions& options) {
  check(evidence);
  const auto p = evidence.answer(evidence.views);
  EUTERPE_ASSERT(p.size() == evidence.labels.size());
  Question question{evidence, {}};
  question.answer = options.label.value_or(static_cast<std::size_t>(std::ranges::max_element(p) - p.begin()));
  EUTERPE_ASSERT(question.answer < p.size());
  question.runner_up = question.answer == 0 ? 1 : 0;
  for (std::size_t c = 0; c < p.size(); ++c)
    if (c != question.answer && p[c] > p[question.runner_up]) question.runner_up = c;

  auto& words = question.words;
  std::map<std::string, std::vector<std::size_t>> families;
  for (std::size_t d = 0; d < evidence.names.size(); ++d) {
    words.push_back(descriptor_words(evidence.names[d]));
    families[words.back().family].push_back(d);
  }
  std::vector<std::vector<std::size_t>> groups;
  std::vector<DescriptorReason> found;
  for (auto& [family, members] : families) {
    found.push_back({});
    found.back().family = family;
    groups.push_back(std::move(members));
  }
  const auto weights = shapley(question, groups, options);
  const double all = question(std::vector<std::uint8_t>(evidence.names.size(), 0));
  for (std::size_t g = 0; g < groups.size(); ++g) {
    DescriptorReason& reason = found[g];
    reason.weight = weights[g];
    // The one that is spoken of: far from the runner-up's usual value, and on its own it moves the answer as the
    // family does.
    const bool speaks = reason.weight >= 0;
    double best = 0;
    std::size_t chosen = evidence.names.size();
    for (const std::size_t d : groups[g]) {
      if (words[d].more.empty()) continue;
      const double value = question.value(d), answer = question.mean(question.answer)[d],
                   other = question.mean(question.runner_up)[d];
      const double far =
          (value - (speaks ? other : answer)) / question.deviation(speaks ? question.runner_up : question.answer, d);
      const double apart = (answer - other) / question.deviation(question.runner_up, d);
      // Said of the answer it must hold of the answer's usual value too; said against it, of the runner-up's.
      if (std::abs(far) < kNoticeable || std::abs(apart) < kApart || (far * apart > 0) != speaks) continue;
      std::vector<std::uint8_t> usual(evidence.names.size(), 0);
      usual[d] = 1;
      const double effect = (all - question(usual)) * (speaks ? 1 : -1) * std::min(std::abs(far), 3.0);
      if (effect > best) best = effect, chosen = d;
    }
    if (chosen < evidence.names.size())
      say(reason, question, chosen);
    else
      reason.sentence = fmt::format("{}{} closer to {} than to {}", speaks ? "" : "against it: ", reason.family,
                                    evidence.labels[speaks ? question.answer : question.runner_up],
                                    evidence.labels[speaks ? question.runner_up : question.answer]);
  }
  std::ranges::stable_sort(found,
                           [](const DescriptorReason& a, const DescriptorReason& b) { return a.weight > b.weight; });
  return found;
}

nlohmann::json to_json(const DescriptorReason& reason) {
  nlohmann::json out{{"family", reason.family}, {"weight", reason.weight}, {"sentence", reason.sentence}};
  if (!reason.descriptor.empty())
    out.update({{"descriptor", reason.descriptor},
                {"value", reason.value},
                {"usual_answer", reason.usual_answer},
                {"usual_runner_up", reason.usual_runner_up},
                {"deviation_runner_up", reason.deviation_runner_up},
                {"unit", reason.unit}});
  return out;
}

}  // namespace euterpe
