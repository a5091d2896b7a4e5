#pragma once
/// What trained heads say about a recording: its style and its emotion, or its instrument.
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "media/audio_buffer.hpp"
#include "nn/kernel_machine.hpp"
#include "nn/model.hpp"
#include "recognize/answer.hpp"
#include "recognize/audio_encoder.hpp"
#include "recognize/regression_forest.hpp"
#include "recognize/unknown.hpp"

namespace euterpe {

/// A longer recording is judged by several excerpts of at most this length, spread over it.
inline constexpr double kAudioExcerpt = 30.0;  // seconds

/// Descriptor vectors (audio_features()) of the whole excerpt and, where it is at least 15 s long, of each of its
/// thirds.
/// \param excerpt mono at 22,050 Hz
std::vector<std::vector<float>> audio_views(const AudioBuffer& excerpt);

/// All that the heads look at, so that it is heard once for all of them.
struct AudioEvidence {
  Seconds begin{0}, duration{0};          ///< of the excerpt in its recording; `begin` is for the caller's use
  std::vector<std::vector<float>> views;  ///< audio_views()
  std::vector<float> covariance;          ///< timbre_covariance() of the excerpt
  std::vector<float> separation;          ///< separation_features() of the excerpt
  std::vector<float> embedding;           ///< [chunks × AudioEncoder::width()], AudioEncoder::embed()
};

/// \param excerpt mono at 22,050 Hz. Error{bad_input} for less than a quarter of a second and for silence.
AudioEvidence audio_evidence(const AudioBuffer& excerpt, const AudioEncoder& encoder);
/// The same with no embedding yet: encoder.embed(excerpt) is all that it lacks.
AudioEvidence audio_evidence(const AudioBuffer& excerpt);

/// What a machine is given, each a part of its kernel.
enum class AudioPart {
  descriptors,  ///< mean of the views
  covariance,   ///< AudioEvidence::covariance
  separation,   ///< AudioEvidence::separation
  embedding     ///< mean and deviation over the chunks
};
struct AudioInput {
  std::vector<AudioPart> parts;
  std::size_t width = 0;  ///< of the encoder's embedding

  std::vector<std::size_t> widths() const;  ///< of each part
  /// The parts one after the other. What the evidence lacks is NaN, which a machine takes for the mean.
  /// Error{unsupported} for evidence of an encoder of another width.
  std::vector<float> operator()(const AudioEvidence& evidence) const;
};
/// "descriptors", "covariance", "separation", "embedding": as cards name them.
const char* to_string(AudioPart part);

/// A machine and what it is given.
struct AudioMachine {
  KernelMachine machine;
  AudioInput input;

  std::vector<float> operator()(const AudioEvidence& evidence) const { return machine(input(evidence)); }
};

/// One question: neighboring outputs of a machine.
struct AudioHead {
  std::string task;  ///< as Answer::task
  Answer::Kind kind = Answer::Kind::probabilities;
  std::vector<std::string> labels;
  double temperature = 1;          ///< probabilities = softmax(outputs / temperature); > 0
  double lowest = 0, highest = 1;  ///< values are cut to this range
  /// Values stand this many times as far from the machine's bias (the mean of what it learned from) as the outputs do:
  /// regularized outputs are timid. > 0
  double spread = 1;
};

/// Heads that were trained together: "style-audio" answers style, emotion and valence-arousal (a user's own: style),
/// "instrument" the instrument. Immutable and thread-safe.
class AudioHeads {
 public:
  /// Error{not_found | bad_input | newer_version} as find_model(); Error{bad_input} too where the card and the weights
  /// do not fit each other.
  static AudioHeads load(std::string_view name = "style-audio");
  /// \param forest second opinion on the last outputs; looks at forest_input(), may be empty. Values are the mean of
  ///               both, or the machine's alone where the evidence lacks what the forest looks at
  AudioHeads(std::vector<AudioHead> heads, AudioMachine labels, AudioMachine values = {}, RegressionForest forest = {});

  const std::vector<AudioHead>& heads() const { return heads_; }
  /// The head of that task, nullptr if there is none such.
  const AudioHead* head(std::string_view task) const;
  /// Error{unsupported} where they hear an embedding and learned from another encoder's than that of this hash. Heads
  /// that were not loaded from disk take any.
  void expect_encoder(std::string_view hash) const;

  /// One answer a head, in their order, each with its largest number first. All share one
  /// `unknown`, of the views; it is 0 where the model was not loaded from disk.
  /// Error{unsupported} for evidence of an encoder of another width.
  std::vector<Answer> answers(const AudioEvidence& evidence) const;
  /// Where the recording lies among others, for similarity by cosine: the first machine's standardized inputs, each
  /// part with the say that it has in the kernel; unit length.
  std::vector<float> embedding(const AudioEvidence& evidence) const;

  /// Outputs of all heads, not yet made an answer; temperatures are fitted on these.
  std::vector<float> outputs(const AudioEvidence& evidence) const;

  const RegressionForest& forest() const { return forest_; }
  /// What every forest looks at: descriptors and separation.
  static const AudioInput& forest_input();
  const UnknownDetector& unknown() const { return unknown_; }
  const AudioMachine& labels() const { return labels_; }  ///< answers the first head
  const AudioMachine& values() const { return values_; }  ///< answers the others; without outputs where there are none
  bool hear_embedding() const;                            ///< whether either machine looks at it
  const Model& model() const { return model_; }           ///< name, card and hash; empty if not loaded from disk

 private:
  std::vector<AudioHead> heads_;
  AudioMachine labels_, values_;
  RegressionForest forest_;
  UnknownDetector unknown_;
  Model model_;
};

/// The rows of the card's options.heads.
nlohmann::json to_json(const std::vector<AudioHead>& heads);

}  // namespace euterpe
