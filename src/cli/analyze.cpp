#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
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
#include "base/text.hpp"
#include "catalog/analysis.hpp"
#include "catalog/annotate_file.hpp"
#include "catalog/similar.hpp"
#include "cli/analyze_inputs.hpp"
#include "cli/annotation_files.hpp"
#include "cli/command.hpp"
#include "cli/describe.hpp"
#include "cli/in_order.hpp"
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
  int similar = 0;           // nearest tracks of the catalog to name, 0: none
  bool embedding = false;    // put the embedding into the JSON
  bool annotations = false;  // say beats, keys, chords, form and melody
  std::string format;        // of what is written as files; empty: none, or as `out` says
  std::string out;           // file or folder for them, empty: stdout
  bool list_descriptors = false;
  DescribeCommand describe;
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
  std::vector<fs::path> written;
};

/// What files that keep a name call the piece.
std::string title_of(const Result& result) {
  const std::string title = clean_text(result.analysis.title);
  return title.empty() ? result.input.relative.stem().string() : title;
}

/// Counts and MIDI pitches are whole numbers, and stand so in the JSON.
nlohmann::json figure(const std::string& name, double value) {
  static constexpr std::array kWhole{
      "notes",        "tracks",        "bars",           "ambitus",         "ambitus_lowest",   "ambitus_highest",
      "melody_range", "melody_lowest", "melody_highest", "meter_numerator", "meter_denominator"};
  if (std::find(kWhole.begin(), kWhole.end(), name) != kWhole.end() && value == std::floor(value))
    return static_cast<std::int64_t>(value);
  return value;
}

nlohmann::json to_json(const Result& result, const Options& options) {
  const Analysis& a = result.analysis;
  nlohmann::json out{{"file", result.input.shown}, {"kind", a.kind}, {"duration", a.duration}};
  for (const auto& [name, text] :
       {std::pair{"title", a.title}, {"artist", a.artist}, {"album", a.album}, {"isrc", a.isrc}})
    if (!text.empty()) out[name] = clean_text(text);
  for (const auto& [name, number] : a.descriptors.numbers) out[name] = figure(name, number);
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
  for (const fs::path& file : result.written) out["files"].push_back(file.string());
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
  const long tenths = std::lround(seconds * 10);
  return fmt::format("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10);
}

void print_annotations(const Annotations& a) {
  const auto span = [](const char* label, const auto& s, const std::string& what) {
    line(label, fmt::format("{:>7} {:>7}  {}", minutes(s.start), minutes(s.end), what));
  };
  if (!a.beats.empty())
    line("beats", a.beats_per_bar > 0 ? fmt::format("{}, {} a bar", a.beats.size(), a.beats_per_bar)
                                      : fmt::format("{}", a.beats.size()));
  for (const KeySegment& s : a.keys) span("in", s, KeyEstimate{s.tonic, s.minor, s.confidence}.name());
  for (const StructureSegment& s : a.structure) span("section", s, s.label);
  for (const ChordSegment& s : a.chords) span("chord", s, chord_name(s, a.keys));
}

/// The notated meter, beside what the notes say where that is another one: many files say 1/4 throughout.
std::string meter_text(const Result& result, const std::string& notated) {
  const auto& numbers = result.analysis.descriptors.numbers;
  const auto at = numbers.find("meter_numerator");
  if (!result.annotations || result.annotations->beats_per_bar == 0 || at == numbers.end()) return notated;
  const int beats = result.annotations->beats_per_bar, numerator = static_cast<int>(at->second);
  const bool same = beats == numerator || (numerator % 3 == 0 && beats == numerator / 3);
  return same ? notated : fmt::format("notated {}; beats {} a bar", notated, beats);
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
    line("meter", meter_text(result, meter->second));
  if (const auto notes = number("notes"))
    line("notes", fmt::format("{:.0f} in {:.0f} tracks, {:.0f} bars", *notes, number("tracks").value_or(0),
                              number("bars").value_or(0)));
  if (const auto lufs = number("loudness_lufs"))
    line("loudness", fmt::format("{:.1f} LUFS, range {:.1f} LU, true peak {:.1f} dBTP", *lufs,
                                 number("loudness_range_lu").value_or(0), number("true_peak_dbtp").value_or(0)));
  else if (a.kind == "audio")
    line("loudness", numbers.contains("true_peak_dbtp") ? "too short to tell" : "silence");
  if (a.kind == "audio")
    line("onsets", fmt::format("{:.2f} a second, tuned {:+.0f} cents from A = 440 Hz",
                               number("onsets_per_second").value_or(0), number("tuning_cents").value_or(0)));
  if (result.annotations && annotations) print_annotations(*result.annotations);
  for (const fs::path& file : result.written) line("wrote", file.string());
  for (const std::string& warning : a.warnings) line("warning", warning);
  for (const Neighbor& n : result.similar)
    line("similar", fmt::format("{:5.2f}  {}  {}", n.similarity, n.track.id.substr(0, 12),
                                n.track.artist.empty() ? n.track.title : n.track.artist + ": " + n.track.title));
}

void plot(const Result& result, const fs::path& to) {
  constexpr double kLongest = 600;  // seconds of audio that a picture of this width can still show
  const fs::path& path = result.input.path;
  const std::string title = title_of(result);
  if (result.analysis.kind == "score") return plot_score(to, read_score(path).score, *result.annotations, title);
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

void analyze(const Context& context, Options& options) {
  if (options.list_descriptors) return list_descriptors(context);
  if (options.paths.empty())
    throw Error(Category::usage, "analyze", "no file is named", "see `euterpe analyze --help`");
  if (options.similar < 0) throw Error(Category::usage, "analyze", "--similar takes a number of tracks from 0 on");
  std::optional<TemporaryFile> piped;
  const std::vector<Input> files = inputs_of(options.paths, piped);
  if (!options.describe.names.empty() || options.describe.statistics) {
    if (!options.plot.empty() || options.similar > 0 || options.annotations || options.embedding)
      throw Error(Category::usage, "analyze", "--descriptors and --statistics write numbers alone",
                  "run analyze once more for pictures, annotations and what is similar");
    options.describe.format = options.format;
    options.describe.out = options.out;
    return describe_files(context, options.describe, files);
  }
  if (!options.plot.empty() && files.size() != 1)
    throw Error(Category::usage, "analyze", fmt::format("--plot takes one file, not {}", files.size()));
  const AnnotationFiles annotation_files(options.format, options.out, files);
  if (annotation_files.to_stdout() && (context.json || context.jsonl) && options.format != "json")
    throw Error(Category::usage, "analyze", "--json and annotations both want standard output",
                "name a file for these with -o, or use --annotations --json");
  std::vector<fs::path> outputs;
  for (const Input& file : files)
    for (fs::path& place : annotation_files.places(file)) outputs.push_back(std::move(place));
  if (!options.plot.empty()) outputs.emplace_back(options.plot);
  refuse_to_overwrite(outputs, files);
  std::unique_ptr<Catalog> catalog;
  if (options.similar > 0) {
    catalog = open_catalog(context.catalog);
    if (catalog->tracks().empty())
      spdlog::warn("analyze: {} holds no track that could be similar; `euterpe ingest` takes them in",
                   context.catalog.string());
  }

  nlohmann::json all = nlohmann::json::array();
  std::vector<IngestFailure> failures;
  std::mutex failed;
  Progress progress("analyze", files.size(), "files");
  InOrder<Result> out(files.size(), [&](Result& result) {
    if (annotation_files.wanted())
      result.written = annotation_files.write(result.input, *result.annotations, title_of(result));
    if (!options.plot.empty()) result.written.emplace_back(options.plot);
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
      Result result{files[i], analyze_file(files[i].path), {}, {}, {}};
      if (options.annotations || annotation_files.wanted() || !options.plot.empty()) {
        result.annotations = annotate_file(files[i].path);
        prefer_annotations(result);
      }
      if (catalog) {
        const auto wanted = static_cast<std::size_t>(options.similar);
        const std::string self = sha256_file(files[i].path);
        for (const auto& [id, similarity] : similar_tracks(*catalog, result.analysis.descriptors, wanted + 1)) {
          if (id == self || result.similar.size() == wanted) continue;
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
  app.add_option(
         "--format", options->format,
         "Write annotations as files: " + formats + "; lab for all plain text. Of descriptors: npy, csv, json, jsonl")
      ->type_name("FORMAT");
  app.add_option("-o,--out", options->out,
                 "File or folder for annotations or descriptors; - = standard output, the default")
      ->type_name("PATH");
  app.add_flag("--list-descriptors", options->list_descriptors, "List the descriptors of audio, and which stream")
      ->group("Descriptors");
  add_descriptor_options(app, options->describe);
  app.callback([&context, options] { analyze(context, *options); });
}

}  // namespace euterpe
