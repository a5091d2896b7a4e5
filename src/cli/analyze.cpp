#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
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
#include "base/temporary_file.hpp"
#include "catalog/analysis.hpp"
#include "catalog/annotate_file.hpp"
#include "catalog/similar.hpp"
#include "catalog/text.hpp"
#include "cli/command.hpp"
#include "media/decode.hpp"
#include "media/picture.hpp"
#include "score/annotation_formats.hpp"
#include "score/harmony.hpp"
#include "score/key.hpp"
#include "score/score_file.hpp"
#include "signal/chroma_cqt.hpp"
#include "signal/cqt.hpp"
#include "signal/mel.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> paths;
  std::string plot;          // picture to write, empty: none
  std::size_t similar = 0;   // nearest tracks of the catalog to name, 0: none
  bool embedding = false;    // put the embedding into the JSON
  bool annotations = false;  // say beats, keys, chords, form and melody
  std::string format;        // of the annotations as files, a name or group of annotation_formats(); empty: none
  std::string out;           // file or folder for them, empty: stdout
};

/// A file to analyze, and what it is called in results.
struct Input {
  fs::path path;
  std::string shown;  // "-" for standard input
  fs::path relative;  // to the folder that was named
};

struct Neighbor {
  TrackRecord track;
  double similarity = 0;
};

struct Result {
  Input input;
  Analysis analysis;
  std::optional<Annotations> annotations;
  std::vector<Neighbor> similar;
};

/// What files that keep a name call the piece.
std::string title_of(const Result& result) {
  const std::string title = clean_text(result.analysis.title);
  return title.empty() ? result.input.relative.stem().string() : title;
}

nlohmann::json to_json(const Result& result, const Options& options) {
  const Analysis& a = result.analysis;
  nlohmann::json out{{"file", result.input.shown}, {"kind", a.kind}, {"duration", a.duration}};
  for (const auto& [name, text] :
       {std::pair{"title", a.title}, {"artist", a.artist}, {"album", a.album}, {"isrc", a.isrc}})
    if (!text.empty()) out[name] = clean_text(text);
  for (const auto& [name, number] : a.descriptors.numbers) out[name] = number;
  for (const auto& [name, text] : a.descriptors.texts) out[name] = text;
  for (const auto& [name, shares] : a.histograms) out[name] = shares;
  if (!a.instruments.empty()) out["instruments"] = a.instruments;
  out["embedding_space"] = a.descriptors.embedding_space;
  if (options.embedding) out["embedding"] = a.descriptors.embedding;
  if (!a.warnings.empty()) out["warnings"] = a.warnings;
  if (result.annotations && options.annotations) {
    const AnnotationFormat json = find_annotation_formats("json").front();
    out["annotations"] = nlohmann::json::parse(json.write(*result.annotations, title_of(result)));
  }
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

std::string minutes(double seconds) {
  const long whole = static_cast<long>(seconds) / 60;
  return fmt::format("{}:{:04.1f}", whole, seconds - static_cast<double>(60 * whole));
}

void print_annotations(const Annotations& a) {
  if (!a.beats.empty())
    line("beats", a.beats_per_bar > 0 ? fmt::format("{}, {} a bar", a.beats.size(), a.beats_per_bar)
                                      : fmt::format("{}", a.beats.size()));
  for (const KeySegment& s : a.keys)
    line("in", fmt::format("{:>6}  {}", minutes(s.start), KeyEstimate{s.tonic, s.minor, s.confidence}.name()));
  for (const StructureSegment& s : a.structure) line("section", fmt::format("{:>6}  {}", minutes(s.start), s.label));
  constexpr std::size_t kShown = 16;
  std::string chords;
  for (std::size_t i = 0; i < std::min(kShown, a.chords.size()); ++i)
    chords += (i > 0 ? " " : "") + a.chords[i].chord.name();
  if (a.chords.size() > kShown) chords += fmt::format(" and {} more", a.chords.size() - kShown);
  if (!chords.empty()) line("chords", chords);
}

void print_text(const Result& result, bool annotations) {
  const Analysis& a = result.analysis;
  const auto& numbers = a.descriptors.numbers;
  const auto number = [&](const char* name) -> std::optional<double> {
    const auto found = numbers.find(name);
    return found == numbers.end() ? std::nullopt : std::optional(found->second);
  };
  fmt::print("{}\n", result.input.shown);
  for (const auto& [name, text] :
       {std::pair{"title", a.title}, {"artist", a.artist}, {"album", a.album}, {"isrc", a.isrc}})
    if (!text.empty()) line(name, clean_text(text));
  line("kind", a.kind);
  line("duration", minutes(a.duration));
  const double tempo = number("tempo_bpm").value_or(0);
  if (a.kind == "score")
    line("tempo", fmt::format("{:.1f} quarter notes a minute", tempo));
  else if (tempo > 0)
    line("tempo",
         fmt::format("{:.1f} bpm", tempo) + (numbers.contains("tempo_confidence")
                                                 ? fmt::format(" (confidence {:.2f})", numbers.at("tempo_confidence"))
                                                 : ""));
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
  if (result.annotations && annotations) print_annotations(*result.annotations);
  for (const std::string& warning : a.warnings) line("warning", warning);
  for (const Neighbor& n : result.similar)
    line("similar", fmt::format("{:5.2f}  {}  {}", n.similarity, n.track.id.substr(0, 12),
                                n.track.artist.empty() ? n.track.title : n.track.artist + ": " + n.track.title));
}

void plot(const Result& result, const fs::path& to) {
  constexpr double kLongest = 600;  // seconds of audio that a picture of this width can still show
  const fs::path& path = result.input.path;
  const std::string title = title_of(result);
  if (result.analysis.kind == "score") return plot_score(to, read_score(path).score, title);
  DecodeOptions options;
  if (result.analysis.duration > kLongest) {
    options.duration = kLongest;
    spdlog::warn("analyze: the picture shows the first {} minutes of {}", kLongest / 60, title);
  }
  const AudioBuffer audio = decode(path, options);
  const Matrix mel = power_to_db(mel_spectrogram(audio.channel(0), audio.sample_rate));
  const Matrix cqt = cqt_magnitude(audio.channel(0), audio.sample_rate);
  const Matrix chroma = chroma_from_cqt(cqt, 12), cqt_db = amplitude_to_db(cqt);
  AnalysisView view;
  view.mel_db = {mel.data, mel.bins, mel.frames, mel.hop, 0, audio.sample_rate / 2.0, false};
  view.cqt_db = {cqt_db.data, cqt_db.bins, cqt_db.frames, cqt_db.hop};
  view.chroma = {chroma.data, chroma.bins, chroma.frames, chroma.hop};
  plot_analysis(to, audio, view, *result.annotations, title);
}

/// The named files, and of folders the audio and score files in them. Standard input becomes a file, for decoders seek.
std::vector<Input> inputs_of(const std::vector<std::string>& named, std::optional<TemporaryFile>& piped) {
  std::vector<Input> inputs;
  for (const std::string& name : named) {
    if (name == "-") {
      if (!piped) piped.emplace("analyze", std::cin);
      if (fs::is_empty(piped->path())) throw Error(Category::bad_input, "analyze", "standard input is empty");
      inputs.push_back({piped->path(), "-", "stdin"});
    } else if (!fs::is_directory(name)) {
      inputs.push_back({name, name, fs::path(name).filename()});
    } else {
      for (const fs::path& path : walk_files({name}))
        if (is_audio_name(path) || is_score_name(path))
          inputs.push_back({path, path.string(), path.lexically_relative(name)});
    }
  }
  if (inputs.empty()) throw Error(Category::not_found, "analyze", "no audio or score file in " + named.front());
  return inputs;
}

/// Where annotations go, and in which formats.
class AnnotationFiles {
 public:
  AnnotationFiles(const Options& options, const std::vector<Input>& inputs) : out_(options.out) {
    if (options.format.empty() && options.out.empty()) return;
    formats_ = find_annotation_formats(options.format.empty() ? format_of(options.out) : options.format);
    const bool one = inputs.size() == 1 && formats_.size() == 1;
    if (options.out.empty() && !one)
      throw Error(Category::usage, "analyze", "several files of annotations do not go to standard output",
                  "name a folder with -o");
    folder_ = !one || fs::is_directory(out_) || options.out.ends_with('/');
    if (!folder_) return;
    // A recording and a score of the same name would have the same file: these keep their own extensions.
    for (const Input& input : inputs) ++stems_[fs::path(input.relative).replace_extension()];
    std::map<fs::path, const Input*> places;
    for (const Input& input : inputs)
      if (const auto [at, fresh] = places.try_emplace(stem_of(input), &input); !fresh)
        throw Error(Category::usage, "analyze",
                    fmt::format("the annotations of {} and {} would have one name", at->second->shown, input.shown),
                    "run analyze once for each of their folders");
  }

  bool wanted() const { return !formats_.empty(); }
  bool to_stdout() const { return wanted() && out_.empty(); }

  void write(const Result& result) const {
    for (const AnnotationFormat& format : formats_) {
      const std::string text = format.write(*result.annotations, title_of(result));
      if (to_stdout()) {
        fmt::print("{}", text);
        continue;
      }
      const fs::path to = folder_ ? out_ / (stem_of(result.input).string() + std::string(format.suffix)) : out_;
      if (to.has_parent_path()) fs::create_directories(to.parent_path());
      write_file(to, std::string_view(text));
    }
  }

 private:
  fs::path stem_of(const Input& input) const {
    const fs::path stem = fs::path(input.relative).replace_extension();
    return stems_.at(stem) > 1 ? input.relative : stem;
  }

  /// The format whose files are called so; JSON for a folder and names that say nothing.
  static std::string_view format_of(const std::string& out) {
    for (const AnnotationFormat& format : annotation_formats())
      if (out.ends_with(format.suffix)) return format.name;
    return "json";
  }

  fs::path out_;
  bool folder_ = false;
  std::vector<AnnotationFormat> formats_;
  std::map<fs::path, int> stems_;
};

/// Errors speak of standard input, not of the file that stands for it.
Error told(const Error& error, const Input& input) {
  std::string detail = error.detail();
  const std::string path = input.path.string();
  if (input.shown == "-")
    for (std::size_t at = 0; (at = detail.find(path, at)) != std::string::npos;)
      detail.replace(at, path.size(), "standard input");
  return {error.category(), error.operation(), detail, error.hint()};
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

/// Tempo and key heard with care stand in the summary in place of the quick estimates that ingest makes of every track:
/// one answer must not contradict the other.
void prefer_annotations(Result& result) {
  const Annotations& a = *result.annotations;
  Descriptors& d = result.analysis.descriptors;
  if (result.analysis.kind == "audio" && a.tempo > 0) {
    d.numbers["tempo_bpm"] = a.tempo;
    d.numbers.erase("tempo_confidence");  // of the other estimate
  }
  if (!a.keys.empty()) {
    const KeyEstimate key = longest_key(a.keys);
    d.texts["key"] = key.name();
    d.numbers["key_confidence"] = key.confidence;
  }
}

void analyze(const Context& context, const Options& options) {
  std::optional<TemporaryFile> piped;
  const std::vector<Input> files = inputs_of(options.paths, piped);
  if (!options.plot.empty() && files.size() != 1)
    throw Error(Category::usage, "analyze", fmt::format("--plot takes one file, not {}", files.size()));
  const AnnotationFiles annotation_files(options, files);
  std::unique_ptr<Catalog> catalog;
  if (options.similar > 0) catalog = open_catalog(context.catalog);

  nlohmann::json all = nlohmann::json::array();
  std::vector<IngestFailure> failures;
  std::mutex failed;
  Progress progress("analyze", files.size(), "files");
  InOrder out(files.size(), [&](Result& result) {
    if (annotation_files.wanted()) annotation_files.write(result);
    if (annotation_files.to_stdout()) return;
    if (context.jsonl)
      print_json_line(to_json(result, options));
    else if (context.json)
      all.push_back(to_json(result, options));
    else
      print_text(result, options.annotations);
  });
  parallel_for(files.size(), [&](std::size_t i) {
    std::optional<Result> done;
    try {
      Result result{files[i], analyze_file(files[i].path), {}, {}};
      const bool drawn = !options.plot.empty() && result.analysis.kind == "audio";
      if (options.annotations || annotation_files.wanted() || drawn) {
        result.annotations = annotate_file(files[i].path);
        prefer_annotations(result);
      }
      if (catalog) {
        const std::string self = sha256_file(files[i].path);
        for (const auto& [id, similarity] :
             similar_tracks(*catalog, result.analysis.descriptors, options.similar + 1)) {
          if (id == self || result.similar.size() == options.similar) continue;
          if (auto track = catalog->track(id)) result.similar.push_back({std::move(*track), similarity});
        }
      }
      if (!options.plot.empty()) plot(result, options.plot);
      done = std::move(result);
    } catch (const Error& thrown) {
      const Error error = told(thrown, files[i]);
      if (files.size() == 1 || error.category() == Category::interrupted) throw error;
      spdlog::error("{}", error.what());
      const std::lock_guard lock(failed);
      failures.push_back({files[i].shown, error.what()});
    }
    out.put(i, std::move(done));
    progress.advance();
  });
  if (context.json && !context.jsonl && !annotation_files.to_stdout()) {
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
  app.add_option("file", options->paths, "Audio, MIDI and MusicXML files, folders of them, or - for standard input")
      ->required()
      ->type_name("FILE|FOLDER|-");
  app.add_option("--plot", options->plot,
                 "Draw form, chords, beats and spectra, or a piano roll, to a .png or .svg file");
  app.add_option("--similar", options->similar, "Name the N tracks of the catalog that sound most alike")
      ->type_name("N");
  app.add_flag("--embedding", options->embedding, "Put the content embedding into the JSON");
  app.add_flag("--annotations", options->annotations, "Say beats, keys, chords, form and (in JSON) the melody too");
  std::string formats;
  for (const AnnotationFormat& format : annotation_formats())
    formats += fmt::format("{}{}", formats.empty() ? "" : ", ", format.name);
  app.add_option("--format", options->format, "Write annotations as files: " + formats + "; lab for all plain text")
      ->type_name("FORMAT");
  app.add_option("-o,--out", options->out, "File or folder for the annotations (default: standard output)")
      ->type_name("PATH");
  app.callback([&context, options] { analyze(context, *options); });
}

}  // namespace euterpe
