#pragma once
/// What is wrong with a recording, measured in one pass of bounded memory, and what is to be done about it.
#include <filesystem>
#include <string>
#include <vector>

#include "media/decode.hpp"
#include "signal/landmarks.hpp"

namespace euterpe {

/// Facts about one file at its own rate, with its own channels.
struct AudioFacts {
  int sample_rate = 0, channels = 0;
  double seconds = 0;              ///< decoded
  double peak = 0;                 ///< greatest |sample|, full scale 1
  double level_db = -200;          ///< RMS over all channels, dB of full scale
  double silent_share = 0;         ///< of blocks of 50 ms in which every channel stays below kSilenceDb
  double lead = 0, tail = 0;       ///< seconds of such silence at the beginning and the end
  double clipped_share = 0;        ///< of samples on flat tops: runs of three or more equal values near the peak
  std::vector<double> dc;          ///< mean of each channel
  std::vector<double> channel_db;  ///< RMS of each channel, dB of full scale
  double correlation = 1;          ///< of the first two channels: 1 mono in stereo, −1 inverted; 1 where there is one
  double end_db = -200;            ///< level of the last 50 ms before the silence at the end, dB over the file's level
  double bandwidth = 0;            ///< Hz: the highest frequency with more than −70 dB of the strongest band's power
  double edge_db = 0;  ///< fall of the spectrum from below to above `bandwidth`: a resampler's or a codec's wall
  double filled = 0;   ///< share of the octave below `bandwidth` that sounds: a wall stands behind music, not a tone
  DecodeLoss loss;
  bool cut = false;     ///< the container ends before it says: a WAV's data chunk, an Ogg stream without its last page
  std::string sound;    ///< SHA-256 of the decoded samples, rate and channels: equal for a file in other wrapping
  Constellation print;  ///< landmarks of the mono mix at 22,050 Hz, see signal/landmarks.hpp

  static constexpr double kSilenceDb = -60;
};

/// Decodes the file twice, block by block: as it is, and as landmarks hear it. Throws as decode() does.
AudioFacts examine_audio(const std::filesystem::path& path);

/// From which measure on a file is left out. Each has an off value.
struct DefectLimits {
  double shortest = 0.25;        ///< seconds between the silence at both ends; 0 = off
  double silent_share = 0.6;     ///< 1 = off
  double clipped_share = 0.005;  ///< 1 = off; a synthesizer's square wave looks the same as clipping
  bool broken = true;            ///< leave out what breaks off or has damaged packets; false = off
  double end_db = 200;           ///< level at the end over the file's, for sets of whole pieces −10; 200 = off
  double bandwidth = 0;          ///< Hz that the spectrum must reach; 0 = off
};

/// What becomes of a file. Defects are named by stable words: "silent", "short", "clipped", "broken off", "damaged",
/// "abrupt end", "narrow band" leave it out; "dc offset", "empty channel", "inverted channel", "silence at the ends"
/// and "no numbers" (samples that were NaN or infinite and became 0) are mended; "mono in stereo", "upsampled" and
/// "abrupt end" are noted and harm nothing.
struct Verdict {
  std::string left_out;  ///< the first reason, empty if the file stays
  std::string detail;    ///< the measure behind it, "silent for 0.97 of 31.2 s"
  std::vector<std::string> mended, noted;
  double offset = 0, length = 0;  ///< seconds: the part between the silence at both ends
  int channel = -1;               ///< the one channel to be heard, −1 = the mean of all
  double dc = 0;                  ///< to be subtracted from it
};
Verdict judge(const AudioFacts& facts, const DefectLimits& limits = {});

}  // namespace euterpe
