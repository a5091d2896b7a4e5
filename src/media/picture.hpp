#pragma once
/// Pictures of audio, scores and numbers: PNG or SVG by the path's extension, from one drawing.
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "media/audio_buffer.hpp"
#include "score/annotation.hpp"
#include "score/score.hpp"

namespace euterpe {

/// All functions throw Error{usage} for another extension than .png and .svg, Error{io} when writing fails.
struct PictureSize {
  int width = 1200, height = 640;  ///< pixels, 200 … 8000
};

/// A mel spectrogram as signal/ computes it, seen from here.
struct MelView {
  std::span<const float> data;  ///< dB, row-major [bins × frames], lowest bin first
  std::size_t bins = 0, frames = 0;
  double hop = 0;                 ///< seconds from frame to frame; frame t stands at t · hop
  double fmin = 0, fmax = 11025;  ///< Hz, the edges of the lowest and the highest band
  bool htk = false;               ///< which mel scale: HTK's or Slaney's
};

/// Waveform above mel spectrogram on one time axis in seconds; color covers the 80 dB below the maximum.
void plot_audio(const std::filesystem::path& path, const AudioBuffer& audio, const MelView& mel_db,
                const std::string& title = {}, PictureSize size = {});

/// A matrix of descriptors as signal/ computes it, seen from here: row-major [bins × frames], lowest bin first.
struct MatrixView {
  std::span<const float> data;
  std::size_t bins = 0, frames = 0;
  double hop = 0;  ///< seconds from frame to frame
};

/// What `plot_analysis` draws, from top to bottom; panels whose data is empty are left out.
struct AnalysisView {
  MelView mel_db;            ///< dB
  MatrixView cqt_db;         ///< dB, 12 bins an octave
  double cqt_fmin = 32.703;  ///< Hz of the CQT's lowest bin
  MatrixView chroma;         ///< [12 × frames], C first, 0 … 1
};

/// Structure, keys and chords as strips, waveform with beats, mel spectrogram, CQT and chroma on one time axis.
void plot_analysis(const std::filesystem::path& path, const AudioBuffer& audio, const AnalysisView& view,
                   const Annotations& annotations, const std::string& title = {}, PictureSize size = {1600, 1180});

/// Piano roll, one color a track, louder notes stronger; bars on the upper axis, seconds on the lower, pitch names
/// left.
void plot_score(const std::filesystem::path& path, const Score& score, const std::string& title = {},
                PictureSize size = {});
/// The same with form, keys and chords as strips above the bars.
void plot_score(const std::filesystem::path& path, const Score& score, const Annotations& annotations,
                const std::string& title = {}, PictureSize size = {});

struct Series {
  std::string name;
  std::vector<double> x, y;  ///< equal length; points that are not finite leave a gap
};
struct LineChart {
  std::string title, x_label, y_label;
  std::vector<Series> series;
};
void plot_lines(const std::filesystem::path& path, const LineChart& chart, PictureSize size = {900, 420});

struct Bar {
  std::string label;
  double value = 0;   ///< ≥ 0
  std::string group;  ///< bars of one group share a color; the groups stand in the legend
};
struct BarChart {
  std::string title, value_label;
  std::vector<Bar> bars;  ///< drawn from top to bottom
  double maximum = 0;     ///< end of the axis, 0 = the largest value
};
void plot_bars(const std::filesystem::path& path, const BarChart& chart, PictureSize size = {900, 420});

}  // namespace euterpe
