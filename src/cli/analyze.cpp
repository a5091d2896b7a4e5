#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "catalog/analysis.hpp"
#include "catalog/similar.hpp"
#include "catalog/text.hpp"
#include "cli/command.hpp"
#include "media/decode.hpp"
#include "media/picture.hpp"
#include "score/midi.hpp"
#include "signal/mel.hpp"
#include "signal/stft.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> paths;
  std::string plot;         // picture to write, empty: none
  std::size_t similar = 0;  // nearest tracks of the catalog to name, 0: none
  bool embedding = false;   // put the embedding into the JSON
};

struct Neighbor {
  TrackRecord track;
  double similarity = 0;
};

struct Result {
  fs::path path;
  Analysis analysis;
  std::vector<Neighbor> similar;
};

nlohmann::json to_json(const Result& result, const Options& options) {
  const Analysis& a = result.analysis;
  nlohmann::json out{{"file", result.path.string()}, {"kind", a.kind}, {"duration", a.duration}};
  for (const auto& [name, text] :
       {std::pair{"title", a.title}, {"artist", a.artist}, {"album", a.album}, {"isrc", a.isrc}})
    if (!text.empty()) out[name] = clean_text(text);
  for (const auto& [name, number] : a.descriptors.numbers) out[name] = number;
  for (const auto& [name, text] : a.descriptors.texts) out[name] = text;
  out["embedding_space"] = a.descriptors.embedding_space;
  if (options.embedding) out["embedding"] = a.descriptors.embedding;
  if (!a.warnings.empty()) out["warnings"] = a.warnings;
  if (options.similar > 0) {
    out["similar"] = nlohmann::json::array();
    for (const Neighbor& n : result.similar)
      out["similar"].push_back({{"track", n.track.id},
                                {"similarity", n.similarity},
                                {"title", n.track.title},
                                {"artist", n.track.artist},
                                {"path", n.track.path}});
  }
  return out;
}

void line(std::string_view label, const std::string& text) { fmt::print("  {:<14}{}\n", label, text); }

void print_text(const Result& result) {
  const Analysis& a = result.analysis;
  const auto& numbers = a.descriptors.numbers;
  const auto number = [&](const char* name) -> std::optional<double> {
    const auto found = numbers.find(name);
    return found == numbers.end() ? std::nullopt : std::optional(found->second);
  };
  fmt::print("{}\n", result.path.string());
  for (const auto& [name, text] :
       {std::pair{"title", a.title}, {"artist", a.artist}, {"album", a.album}, {"isrc", a.isrc}})
    if (!text.empty()) line(name, clean_text(text));
  line("kind", a.kind);
  line("duration", fmt::format("{}:{:04.1f}", static_cast<long>(a.duration) / 60,
                               a.duration - static_cast<double>(static_cast<long>(a.duration) / 60 * 60)));
  const double tempo = number("tempo_bpm").value_or(0);
  if (a.kind == "score")
    line("tempo", fmt::format("{:.1f} quarter notes a minute", tempo));
  else if (tempo > 0)
    line("tempo", fmt::format("{:.1f} bpm (confidence {:.2f})", tempo, number("tempo_confidence").value_or(0)));
  else
    line("tempo", "no pulse");
  if (const auto key = a.descriptors.texts.find("key"); key != a.descriptors.texts.end())
    line("key", fmt::format("{} (confidence {:.2f})", key->second, number("key_confidence").value_or(0)));
  if (const auto meter = a.descriptors.texts.find("meter"); meter != a.descriptors.texts.end())
    line("meter", meter->second);
  if (const auto notes = number("notes"))
    line("notes", fmt::format("{:.0f} in {:.0f} tracks, {:.0f} bars", *notes, number("tracks").value_or(0),
                              number("bars").value_or(0)));
  if (const auto lufs = number("loudness_lufs"))
    line("loudness", fmt::format("{:.1f} LUFS, range {:.1f} LU, true peak {:.1f} dBTP", *lufs,
                                 number("loudness_range_lu").value_or(0), number("true_peak_dbtp").value_or(0)));
  else if (a.kind == "audio")
    line("loudness", "silence");
  if (a.kind == "audio")
    line("onsets", fmt::format("{:.2f} a second, tuned {:+.0f} cents from A = 440 Hz",
                               number("onsets_per_second").value_or(0), number("tuning_cents").value_or(0)));
  for (const std::string& warning : a.warnings) line("warning", warning);
  for (const Neighbor& n : result.similar)
    line("similar", fmt::format("{:5.2f}  {}  {}", n.similarity, n.track.id.substr(0, 12),
                                n.track.artist.empty() ? n.track.title : n.track.artist + ": " + n.track.title));
}

void plot(const Result& result, const fs::path& to) {
  constexpr double kLongest = 600;  // seconds of audio that a picture of this width can still show
  const std::string title = result.path.filename().string();
  if (result.analysis.kind == "score") return plot_score(to, read_midi(result.path).score, title);
  DecodeOptions options;
  if (result.analysis.duration > kLongest) {
    options.duration = kLongest;
    spdlog::warn("analyze: the picture shows the first {} minutes of {}", kLongest / 60, title);
  }
  const AudioBuffer audio = decode(result.path, options);
  const Matrix mel =
      power_to_db(mel_spectrogram(power_spectrogram(audio.channel(0), audio.sample_rate), audio.sample_rate));
  MelView view;
  view.data = mel.data;
  view.bins = mel.bins;
  view.frames = mel.frames;
  view.hop = mel.hop;
  view.fmax = audio.sample_rate / 2.0;
  plot_audio(to, audio, view, title);
}

/// The named files, and of folders the audio and MIDI files in them.
std::vector<fs::path> files_of(const std::vector<std::string>& named) {
  std::vector<fs::path> files;
  for (const std::string& name : named) {
    if (!fs::is_directory(name)) {
      files.emplace_back(name);
      continue;
    }
    for (const fs::path& path : walk_files({name}))
      if (is_audio_name(path) || is_midi_name(path)) files.push_back(path);
  }
  if (files.empty()) throw Error(Category::not_found, "analyze", "no audio or MIDI file in " + named.front());
  return files;
}

/// Gives out results in the order of the files, each as soon as those before it are done.
class InOrder {
 public:
  InOrder(std::size_t n, std::function<void(Result&)> emit) : slots_(n), emit_(std::move(emit)) {}
  void put(std::size_t i, std::optional<Result> result) {
    const std::lock_guard lock(mutex_);
    slots_[i] = Slot{true, std::move(result)};
    for (; next_ < slots_.size() && slots_[next_].done; ++next_) {
      if (slots_[next_].result) emit_(*slots_[next_].result);
      slots_[next_].result.reset();
    }
  }

 private:
  struct Slot {
    bool done = false;
    std::optional<Result> result;
  };
  std::vector<Slot> slots_;
  std::function<void(Result&)> emit_;
  std::size_t next_ = 0;
  std::mutex mutex_;
};

void analyze(const Context& context, const Options& options) {
  const std::vector<fs::path> files = files_of(options.paths);
  if (!options.plot.empty() && files.size() != 1)
    throw Error(Category::usage, "analyze", fmt::format("--plot takes one file, not {}", files.size()));
  std::unique_ptr<Catalog> catalog;
  if (options.similar > 0) catalog = open_catalog(context.catalog);

  nlohmann::json all = nlohmann::json::array();
  std::vector<IngestFailure> failures;
  std::mutex failed;
  Progress progress("analyze", files.size(), "files");
  InOrder out(files.size(), [&](Result& result) {
    if (context.jsonl)
      print_json_line(to_json(result, options));
    else if (context.json)
      all.push_back(to_json(result, options));
    else
      print_text(result);
  });
  parallel_for(files.size(), [&](std::size_t i) {
    std::optional<Result> done;
    try {
      Result result{files[i], analyze_file(files[i]), {}};
      if (catalog) {
        const std::string self = sha256_file(files[i]);
        for (const auto& [id, similarity] :
             similar_tracks(*catalog, result.analysis.descriptors, options.similar + 1)) {
          if (id == self || result.similar.size() == options.similar) continue;
          if (auto track = catalog->track(id)) result.similar.push_back({std::move(*track), similarity});
        }
      }
      if (!options.plot.empty()) plot(result, options.plot);
      done = std::move(result);
    } catch (const Error& error) {
      if (files.size() == 1 || error.category() == Category::interrupted) throw;
      spdlog::error("{}", error.what());
      const std::lock_guard lock(failed);
      failures.push_back({files[i].string(), error.what()});
    }
    out.put(i, std::move(done));
    progress.advance();
  });
  if (context.json && !context.jsonl) {
    if (files.size() == 1) {
      print_json(all.front());
    } else {
      nlohmann::json bad = nlohmann::json::array();
      for (const IngestFailure& failure : failures) bad.push_back({{"file", failure.path}, {"cause", failure.cause}});
      print_json({{"files", all}, {"failed", bad}});
    }
  }
  if (!failures.empty())
    throw Error(failures.size() == files.size() ? Category::bad_input : Category::partial, "analyze",
                fmt::format("{} of {} files could not be analyzed", failures.size(), files.size()));
}

}  // namespace

void setup_analyze(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  app.add_option("file", options->paths, "Audio or MIDI files, or folders of them")->required();
  app.add_option("--plot", options->plot, "Draw waveform and mel spectrogram, or piano roll, to a .png or .svg file");
  app.add_option("--similar", options->similar, "Name the N tracks of the catalog that sound most alike")
      ->type_name("N");
  app.add_flag("--embedding", options->embedding, "Put the content embedding into the JSON");
  app.callback([&context, options] { analyze(context, *options); });
}

}  // namespace euterpe
