#include "recognize/recognize_audio.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "media/decode.hpp"
#include "recognize/cpu_timer.hpp"

namespace euterpe {
namespace {

constexpr int kMostExcerpts = 4;
constexpr double kLeastInThirds = kAudioExcerpt / 2;  // seconds, as audio_views() divides
constexpr double kShort = 0.5;  // seconds that may lack at an excerpt's end before the file counts as broken off

int excerpts_of(double duration) {
  return static_cast<int>(std::clamp(duration / kAudioExcerpt, 1.0, double{kMostExcerpts}));
}

/// Excerpts stand in the middle of equal parts of the recording.
double excerpt_begin(double duration, int i) {
  return std::max(0.0, (i + 0.5) * duration / excerpts_of(duration) - kAudioExcerpt / 2);
}

/// Seconds that can be decoded of a file whose header is not to be believed.
double decoded_seconds(const std::filesystem::path& path, std::string& warning) {
  std::uint64_t frames = 0;
  decode_blocks(
      path, {kEncoderRate, 1},
      [&](const AudioBuffer& block) {
        frames += block.frames();
        return true;
      },
      &warning);
  return static_cast<double>(frames) / kEncoderRate;
}

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

std::vector<std::pair<double, double>> listened_stretches(double duration) {
  std::vector<std::pair<double, double>> stretches;
  for (int i = 0; i < excerpts_of(duration); ++i) {
    const double begin = excerpt_begin(duration, i), length = std::min(kAudioExcerpt, duration - begin);
    const int parts = length >= kLeastInThirds ? 3 : 1;
    for (int k = 0; k < parts; ++k)
      stretches.emplace_back(begin + k * length / parts, begin + (k + 1) * length / parts);
  }
  return stretches;
}

namespace {

/// What is heard of a recording, excerpt by excerpt.
struct Heard {
  Recognition result;
  std::vector<std::vector<Answer>> said;  // [head and task][excerpt]
  int count = 0;
  bool breaks_off = false;  // before `duration`: the excerpts stand at wrong places
};

Heard hear_excerpts(const std::filesystem::path& path, double duration, bool measured, const AskedAudio& asked,
                    Stages& stages) {
  Heard heard;
  Recognition& result = heard.result;
  result.kind = "audio";
  result.duration = duration;
  std::optional<Error> unheard;
  for (int i = 0; i < excerpts_of(duration); ++i) {
    check_interrupt();
    const double start = excerpt_begin(duration, i);
    AudioBuffer audio;
    std::string warning;
    try {
      const CpuTimer timer(stages.decode);
      audio = decode(path, {kEncoderRate, 1, start, kAudioExcerpt}, &warning);
    } catch (const Error& error) {
      // Past the end of what there is, or nothing at all: decoding the whole file tells.
      if (error.category() != Category::bad_input || measured || start <= 0) throw;
      heard.breaks_off = true;
      return heard;
    }
    const double end = start + audio.duration().value;
    if (!measured && end < std::min(start + kAudioExcerpt, duration) - kShort) {
      heard.breaks_off = true;
      return heard;
    }
    if (excerpts_of(duration) == 1) result.duration = std::max(duration, end);  // a header may say too little as well
    if (!warning.empty()) result.warnings.push_back(std::move(warning));
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
        if (slot == heard.said.size()) heard.said.emplace_back();
        heard.said[slot++].push_back(std::move(answer));
      }
    if (asked.curve && evidence.views.size() == 4)
      for (std::size_t k = 0; k < 3; ++k)
        result.curve.push_back(segment(third_of(evidence, k, asked.encoder), *asked.curve));
    else if (asked.curve)
      result.curve.push_back(segment(evidence, *asked.curve));
    add_place(result.embedding, evidence, asked.encoder ? static_cast<std::size_t>(asked.encoder->width()) : 0);
    ++heard.count;
  }
  if (heard.count == 0) throw unheard->in(path.string());
  return heard;
}

}  // namespace

Recognition recognize_audio(const std::filesystem::path& path, const AskedAudio& asked, Stages& stages) {
  const double promised = probe_audio(path).duration;
  Heard heard;
  if (promised > 0) heard = hear_excerpts(path, promised, false, asked, stages);
  if (promised <= 0 || heard.breaks_off) {
    double duration = 0;
    std::string warning;
    {
      const CpuTimer timer(stages.decode);
      duration = decoded_seconds(path, warning);
    }
    heard = hear_excerpts(path, duration, true, asked, stages);
    heard.result.warnings.clear();  // parts of what was said of the whole
    if (!warning.empty()) heard.result.warnings.push_back(std::move(warning));
  }
  Recognition& result = heard.result;
  for (const auto& parts : heard.said) result.answers.push_back(mean_answer(parts));
  for (float& x : result.embedding) x /= static_cast<float>(heard.count);
  result.embedding_space = asked.encoder ? asked.encoder->model().hash : "audio.v1";
  return std::move(result);
}

}  // namespace euterpe
