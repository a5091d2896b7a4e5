#include "signal/annotate.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "signal/audio_harmony.hpp"
#include "signal/audio_structure.hpp"
#include "signal/beat_tracking.hpp"
#include "signal/frame_descriptors.hpp"
#include "signal/melody.hpp"

namespace euterpe {
namespace {

constexpr double kRate = FrameDescriptors::kSampleRate;
constexpr std::size_t kPart = 600 * FrameDescriptors::kSampleRate;
constexpr std::size_t kRest = 60 * FrameDescriptors::kSampleRate;  // less than this joins the part before

template <class Segment>
void append(std::vector<Segment>& all, std::vector<Segment> part, double offset) {
  for (Segment& s : part) {
    s.start += offset;
    s.end += offset;
    all.push_back(std::move(s));
  }
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

struct Annotator::Impl {
  std::vector<float> buffer;
  std::uint64_t described = 0;  // samples
  Annotations all;
  std::vector<double> tempos;  // one a part
  std::map<int, int> meters;   // parts by beats in a bar
  StructureFeatures form;

  void part(std::size_t count) {
    const std::span<const float> audio(buffer.data(), count);
    const double offset = static_cast<double>(described) / kRate;
    const BeatTrack track = track_beats(audio);
    std::vector<Beat> beats = track.beats;
    for (Beat& beat : beats) beat.time += offset;
    if (!beats.empty()) {
      tempos.push_back(track.tempo);
      ++meters[track.beats_per_bar];
    }
    AudioHarmony harmony = estimate_harmony(audio, track.beats);
    append(all.chords, std::move(harmony.chords), offset);
    append(all.keys, std::move(harmony.keys), offset);
    const MelodyTrack melody = predominant_melody(audio);
    all.melody.hop = melody.hop;
    if (melody.hop > 0) {  // the part's frames from the place where it begins
      all.melody.hz.resize(static_cast<std::size_t>(std::lround(offset / melody.hop)), 0.0f);
      all.melody.hz.insert(all.melody.hz.end(), melody.hz.begin(), melody.hz.end());
    }
    add_form(structure_features(frame_descriptors(audio), beats, offset));
    all.beats.insert(all.beats.end(), beats.begin(), beats.end());
    buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
    described += count;
  }

  void add_form(StructureFeatures part) {
    if (part.steps() == 0) return;
    if (!form.times.empty()) form.times.pop_back();  // the end of the part before is the beginning of this one
    form.timbre_size = part.timbre_size;
    form.times.insert(form.times.end(), part.times.begin(), part.times.end());
    form.harmony.insert(form.harmony.end(), part.harmony.begin(), part.harmony.end());
    form.timbre.insert(form.timbre.end(), part.timbre.begin(), part.timbre.end());
    form.downbeat.insert(form.downbeat.end(), part.downbeat.begin(), part.downbeat.end());
  }
};

Annotator::Annotator() : impl_(std::make_unique<Impl>()) {}
Annotator::~Annotator() = default;
Annotator::Annotator(Annotator&&) noexcept = default;

void Annotator::push(std::span<const float> mono) {
  while (!mono.empty()) {
    const auto block = mono.first(std::min(mono.size(), kPart + kRest - impl_->buffer.size()));
    mono = mono.subspan(block.size());
    for (const float s : block) impl_->buffer.push_back(std::isfinite(s) ? s : 0.0f);
    if (impl_->buffer.size() == kPart + kRest) impl_->part(kPart);
  }
}

Annotations Annotator::finish() {
  Impl& m = *impl_;
  if (!m.buffer.empty()) m.part(m.buffer.size());
  m.all.duration = static_cast<double>(m.described) / kRate;
  m.all.tempo = median(m.tempos);
  if (!m.meters.empty())
    m.all.beats_per_bar = std::ranges::max_element(m.meters, {}, [](const auto& p) { return p.second; })->first;
  m.all.structure = segment_structure(coarsened(std::move(m.form)));
  // One key or chord that goes on over a seam is one.
  const auto join = [](auto& segments, auto same) {
    std::size_t kept = 0;
    for (std::size_t i = 1; i < segments.size(); ++i) {
      if (same(segments[kept], segments[i]) && segments[i].start <= segments[kept].end + 1e-6)
        segments[kept].end = segments[i].end;
      else
        segments[++kept] = segments[i];
    }
    if (!segments.empty()) segments.resize(kept + 1);
  };
  join(m.all.chords, [](const ChordSegment& a, const ChordSegment& b) { return a.chord == b.chord; });
  join(m.all.keys, [](const KeySegment& a, const KeySegment& b) { return a.tonic == b.tonic && a.minor == b.minor; });
  return std::move(m.all);
}

Annotations annotate(std::span<const float> mono22050) {
  Annotator annotator;
  annotator.push(mono22050);
  return annotator.finish();
}

}  // namespace euterpe
