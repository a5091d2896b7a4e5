#include "recognize/recognize_audio.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "media/decode.hpp"
#include "recognize/cpu_timer.hpp"

namespace euterpe {
namespace {

constexpr int kMostExcerpts = 4;

/// The evidence of the k-th third: its descriptors are a view of their own already, and the chunks whose middle lies in
/// it are its embedding.
AudioEvidence third_of(const AudioEvidence& whole, std::size_t k, const AudioEncoder* encoder) {
  AudioEvidence part = whole;
  part.duration = Seconds(whole.duration.value / 3);
  part.begin = Seconds(whole.begin.value + static_cast<double>(k) * part.duration.value);
  part.views = {whole.views[k + 1]};
  if (!encoder || whole.embedding.empty()) return part;
  part.embedding.clear();
  const auto width = static_cast<std::size_t>(encoder->width());
  const std::size_t chunks = whole.embedding.size() / width;
  const double chunk = std::min(encoder->chunk_seconds(), whole.duration.value);
  for (std::size_t i = 0; i < chunks; ++i) {
    const double start =
        chunks > 1 ? static_cast<double>(i) * (whole.duration.value - chunk) / static_cast<double>(chunks - 1) : 0;
    if (static_cast<std::size_t>(3 * (start + chunk / 2) / whole.duration.value) != k) continue;
    const auto row = whole.embedding.begin() + static_cast<std::ptrdiff_t>(i * width);
    part.embedding.insert(part.embedding.end(), row, row + static_cast<std::ptrdiff_t>(width));
  }
  if (part.embedding.empty()) part.embedding = whole.embedding;
  return part;
}

/// The answers of one segment that belong to a curve.
Segment segment(const AudioEvidence& evidence, const AudioHeads& heads) {
  return {evidence.begin.value, evidence.begin.value + evidence.duration.value, heads.answers(evidence)};
}

/// Mean over the chunks, [width], added to the sum over excerpts.
void add_place(std::vector<float>& sum, const AudioEvidence& evidence, std::size_t width) {
  const std::vector<float>& from = width > 0 ? evidence.embedding : evidence.views.front();
  const std::size_t columns = width > 0 ? width : from.size();
  const std::size_t rows = from.size() / columns;
  sum.resize(columns, 0);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) sum[c] += from[r * columns + c] / static_cast<float>(rows);
}

}  // namespace

AudioEvidence hear(const AudioBuffer& excerpt, const AudioEncoder* encoder, Stages& stages) {
  AudioEvidence evidence;
  {
    const CpuTimer timer(stages.descriptors);
    evidence = audio_evidence(excerpt);
  }
  const CpuTimer timer(stages.network);
  if (encoder) evidence.embedding = encoder->embed(excerpt);
  return evidence;
}

Recognition recognize_audio(const std::filesystem::path& path, const AskedAudio& asked, Stages& stages) {
  Recognition result;
  result.kind = "audio";
  result.duration = probe_audio(path).duration;
  const int excerpts = static_cast<int>(std::clamp(result.duration / kAudioExcerpt, 1.0, double{kMostExcerpts}));
  std::vector<std::vector<Answer>> said;  // [head and task][excerpt]
  std::optional<Error> unheard;
  int heard = 0;
  for (int i = 0; i < excerpts; ++i) {
    check_interrupt();
    // Excerpts stand in the middle of equal parts of the recording.
    const double start = std::max(0.0, (i + 0.5) * result.duration / excerpts - kAudioExcerpt / 2);
    AudioBuffer audio;
    std::string warning;
    try {
      const CpuTimer timer(stages.decode);
      audio = decode(path, {kEncoderRate, 1, start, kAudioExcerpt}, &warning);
    } catch (const Error& error) {
      // A header may promise more than there is; what was heard of it stands.
      if (error.category() != Category::bad_input || heard == 0) throw;
      result.warnings.push_back(error.detail());
      continue;
    }
    if (!warning.empty()) result.warnings.push_back(std::move(warning));
    if (excerpts == 1) result.duration = std::max(result.duration, audio.duration().value);
    AudioEvidence evidence;
    try {
      evidence = hear(audio, asked.encoder, stages);
    } catch (const Error& error) {
      if (error.category() != Category::bad_input) throw;
      unheard = error;
      continue;
    }
    evidence.begin = Seconds(start);
    const CpuTimer timer(stages.heads);
    std::size_t slot = 0;
    for (const AudioHeads* heads : asked.heads)
      for (Answer& answer : heads->answers(evidence)) {
        if (slot == said.size()) said.emplace_back();
        said[slot++].push_back(std::move(answer));
      }
    if (asked.curve && evidence.views.size() == 4)
      for (std::size_t k = 0; k < 3; ++k)
        result.curve.push_back(segment(third_of(evidence, k, asked.encoder), *asked.curve));
    else if (asked.curve)
      result.curve.push_back(segment(evidence, *asked.curve));
    add_place(result.embedding, evidence, asked.encoder ? static_cast<std::size_t>(asked.encoder->width()) : 0);
    ++heard;
  }
  if (heard == 0) throw unheard->in(path.string());
  for (const auto& parts : said) result.answers.push_back(mean_answer(parts));
  for (float& x : result.embedding) x /= static_cast<float>(heard);
  result.embedding_space = asked.encoder ? asked.encoder->model().hash : "audio.v1";
  return result;
}

}  // namespace euterpe
