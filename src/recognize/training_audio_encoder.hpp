#pragma once
/// Training of the audio encoder on music that a synthesizer plays, whose instruments, density, tempo and harmony are
/// known without anybody having labeled them.
#include <filesystem>
#include <span>
#include <vector>

#include "recognize/heard_clips.hpp"
#include "recognize/trainer.hpp"
#include "train/media_cnn.hpp"

namespace euterpe {

/// `train audio-encoder`: renders the clips into the run folder (a clip once, 64 in a file), then trains.
extern const RecognizerTrainer kAudioEncoderTrainer;

/// The heads that pretraining learns with, in the order of rendered_targets().
std::vector<CnnHead> rendered_heads(int styles);
/// What is to be said of the seconds from begin to end of the clip. targets: [sum of the heads' widths]
void rendered_targets(const HeardClip& clip, double begin, double end, int styles, std::span<float> targets);

}  // namespace euterpe
