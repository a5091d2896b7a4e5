#include "recognize/recognize_score.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "recognize/cpu_timer.hpp"
#include "score/descriptors.hpp"

namespace euterpe {
namespace {

constexpr std::size_t kMostSegments = 64;
constexpr std::size_t kLeastSegmentNotes = 16;  // fewer say nothing of their own

Answer style_answer(const StyleScoreModel& model, const std::vector<double>& probabilities) {
  Answer answer;
  answer.task = "style";
  for (std::size_t i = 0; i < probabilities.size(); ++i)
    answer.values.emplace_back(model.labels()[i], probabilities[i]);
  answer.model = model.model().name;
  answer.model_hash = model.model().hash;
  answer.commercial = model.model().card.value("commercial", nlohmann::json(false)) == true;
  return mean_answer({answer});  // in order
}

/// The encoder's vectors, once for each thing that tasks hide from it.
class Embeddings {
 public:
  Embeddings(const Score& score, const ScoreEncoder* encoder, Stages& stages)
      : score_(score), encoder_(encoder), stages_(stages) {}
  const std::vector<std::vector<float>>& hiding(unsigned what) {
    const auto [place, fresh] = known_.try_emplace(what);
    if (fresh && encoder_) {
      const CpuTimer timer(stages_.network);
      place->second = encoder_->embed(score_, what);
    }
    return place->second;
  }

 private:
  const Score& score_;
  const ScoreEncoder* encoder_;
  Stages& stages_;
  std::map<unsigned, std::vector<std::vector<float>>> known_;
};

TaskEvidence& place_of(ScoreEvidence& evidence, ScoreTask task) {
  return task == ScoreTask::emotion ? evidence.emotion
                                    : (task == ScoreTask::composer ? evidence.composer : evidence.drum_style);
}

/// What one head says; nothing where the notes do not allow its task.
std::vector<Answer> ask(const ScoreHeads& head, const Score& score, Embeddings& embeddings, Stages& stages) {
  ScoreEvidence evidence;
  TaskEvidence& of = place_of(evidence, head.task());
  {
    const CpuTimer timer(stages.descriptors);
    of = task_evidence(score, head.task(), nullptr);
  }
  if (!evidence.has(head.task())) return {};
  if (head.wants_embedding()) of.embedding = embeddings.hiding(hidden(head.task()));
  const CpuTimer timer(stages.heads);
  return head.answers(evidence);
}

std::vector<Segment> curve_of(const Score& score, const AskedScore& asked, Stages& stages) {
  std::vector<Segment> curve;
  const auto bars = score.bar_lines();
  const std::size_t count = bars.size() - 1;
  const std::size_t step = kSegmentBars * std::max<std::size_t>(1, (count + kSegmentBars * kMostSegments - 1) /
                                                                       (kSegmentBars * kMostSegments));
  for (std::size_t bar = 0; bar < count; bar += step) {
    check_interrupt();
    // A rest shorter than half a segment belongs to the one before it.
    const std::size_t left = count - bar, end = left < step + step / 2 ? count : bar + step;
    const Score part = score_part(score, bars[bar], bars[end]);
    Segment segment{score.seconds_at(Ticks(bars[bar])).value, score.seconds_at(Ticks(bars[end])).value, {}};
    const auto notes = grid_notes(part);
    if (asked.style && notes.size() >= kLeastSegmentNotes)
      segment.answers.push_back(style_answer(*asked.style, asked.style->piece_probabilities(notes)));
    Embeddings embeddings(part, asked.encoder, stages);
    for (const ScoreHeads* head : asked.heads)
      if (head->task() == ScoreTask::emotion && notes.size() >= kLeastSegmentNotes)
        for (Answer& answer : ask(*head, part, embeddings, stages)) segment.answers.push_back(std::move(answer));
    if (!segment.answers.empty()) curve.push_back(std::move(segment));
    if (end == count) break;
  }
  return curve;
}

}  // namespace

Score score_part(const Score& score, std::int64_t from, std::int64_t to) {
  Score part;
  part.ticks_per_quarter = score.ticks_per_quarter;
  // What holds at the beginning is what was said last before it.
  const auto cut = [&](const auto& list, auto& into) {
    for (auto item : list) {
      if (item.tick >= to) break;
      if (item.tick <= from) into.clear();
      item.tick = std::max<std::int64_t>(0, item.tick - from);
      into.push_back(item);
    }
  };
  cut(score.tempos, part.tempos);
  cut(score.meters, part.meters);
  cut(score.keys, part.keys);
  for (const Track& track : score.tracks) {
    Track kept;
    kept.name = track.name;
    kept.program = track.program;
    kept.drums = track.drums;
    const auto begin = std::partition_point(track.notes.begin(), track.notes.end(),
                                            [&](const Note& note) { return note.start < from; });
    for (auto note = begin; note != track.notes.end() && note->start < to; ++note) {
      kept.notes.push_back(*note);
      kept.notes.back().start -= from;
    }
    if (!kept.notes.empty()) part.tracks.push_back(std::move(kept));
  }
  return part;
}

Recognition recognize_score(const Score& score, const AskedScore& asked, Stages& stages) {
  Recognition result;
  result.kind = "score";
  result.duration = score.duration().value;
  const std::size_t all = score.note_count();
  if (all == 0) throw Error(Category::bad_input, "recognize", "holds no notes");
  std::vector<GridNote> notes;
  {
    const CpuTimer timer(stages.descriptors);
    notes = grid_notes(score);
  }
  const bool drums_alone = notes.empty();
  double unknown = 0;  // to the style model, and to others that have no detector of their own
  if (asked.unknown && !asked.unknown->empty() && notes.size() >= kStyleMinNotes) {
    const CpuTimer timer(stages.descriptors);
    unknown = asked.unknown->unknown(style_views(score));
  }
  Embeddings embeddings(score, asked.encoder, stages);
  if (asked.style && notes.size() >= kStyleMinNotes) {
    const CpuTimer timer(stages.descriptors);
    result.answers.push_back(style_answer(*asked.style, asked.style->piece_probabilities(notes)));
    result.answers.back().unknown = unknown;
  }
  for (const ScoreHeads* head : asked.heads)
    if ((head->task() == ScoreTask::drum_style) == drums_alone)
      for (Answer& answer : ask(*head, score, embeddings, stages)) {
        if (head->unknown().empty()) answer.unknown = unknown;
        result.answers.push_back(std::move(answer));
      }
  if (result.answers.empty() && !asked.in_part) {
    const bool asked_drums = std::any_of(asked.heads.begin(), asked.heads.end(),
                                         [](const ScoreHeads* h) { return h->task() == ScoreTask::drum_style; });
    if (drums_alone && !asked_drums)
      throw Error(Category::bad_input, "recognize", "holds drums alone: what is asked is told from pitched notes");
    const std::size_t n = drums_alone ? all : notes.size();
    throw Error(Category::bad_input, "recognize",
                fmt::format("{} {} note{}: too few to tell anything (at least {})", n, drums_alone ? "drum" : "pitched",
                            n == 1 ? "" : "s", kScoreMinNotes));
  }
  if (!drums_alone) result.curve = curve_of(score, asked, stages);

  const auto& windows = embeddings.hiding(hidden(ScoreTask::composer));
  if (asked.encoder && !windows.empty()) {
    result.embedding_space = asked.encoder->model().hash;
    result.embedding.resize(windows.front().size(), 0);
    for (const auto& window : windows)
      for (std::size_t i = 0; i < window.size(); ++i)
        result.embedding[i] += window[i] / static_cast<float>(windows.size());
  } else {
    const CpuTimer timer(stages.descriptors);
    result.embedding_space = "score.v1";
    result.embedding = score_features(notes);
  }
  return result;
}

}  // namespace euterpe
