#include "cli/demo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "catalog/ingest.hpp"
#include "cli/command.hpp"
#include "compose/compose.hpp"
#include "compose/default_composer.hpp"
#include "compose/performance.hpp"
#include "media/decode.hpp"
#include "media/encode.hpp"
#include "media/loudness.hpp"
#include "media/synthesize.hpp"
#include "score/midi.hpp"
#include "score/score_file.hpp"

namespace euterpe {
namespace {

constexpr int kBars = 16;
constexpr std::size_t kMostFiles = 300;   // of the user's own folder: a demonstration should end within minutes
constexpr std::size_t kStrangers = 12;    // works that no index knows
constexpr std::size_t kHeardOfMusic = 6;  // works rendered to be listened to where the user's folder is the catalogue
constexpr const char* kMarker = ".euterpe-demo";

// Only a folder that an earlier demonstration left may be cleared.
void prepare_folder(const std::filesystem::path& folder) {
  if (std::filesystem::exists(folder)) {
    if (!std::filesystem::exists(folder / kMarker) && !std::filesystem::is_empty(folder)) {
      throw Error(Category::usage, "demo", folder.string() + ": exists and is no earlier demonstration's",
                  "name another folder with --out");
    }
    std::filesystem::remove_all(folder);
  }
  write_file(folder / kMarker, std::string_view("made by euterpe demo, may be deleted\n"));
}

void render_one(DemoWork& work, const std::filesystem::path& folder) {
  AudioBuffer audio = synthesize(work.score);
  normalize_loudness(audio);
  const std::filesystem::path path = folder / work.style / (work.midi.stem().string() + ".flac");
  encode(path, audio, {.title = work.title, .artist = "Euterpe"});
  work.audio = path;
}

}  // namespace

Demo::Demo(DemoOptions options)
    : options_(std::move(options)),
      folder_(options_.out / "files"),
      report_(options_.music.empty() ? "Euterpe: a demonstration"
                                     : "Euterpe: a demonstration on " + options_.music.filename().string()) {
  prepare_folder(folder_);
}

Demo::~Demo() {
  catalog_.reset();
  std::error_code ignored;
  if (!options_.keep) std::filesystem::remove_all(folder_, ignored);
}

void Demo::row(const std::string& name, const std::string& what, const std::function<std::string()>& step) {
  check_interrupt();
  const auto start = std::chrono::steady_clock::now();
  const std::string result = step();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  steps_.push_back({name, what, result, seconds});
  if (!options_.table) return;
  if (steps_.size() == 1) fmt::print("{:<10} {:<48} {:<56} {:>7}\n", "step", "what", "result", "seconds");
  fmt::print("{:<10} {:<48} {:<56} {:>7.1f}\n", name, what, result, seconds);
  std::fflush(stdout);
}

void Demo::run() {
  const bool own = options_.music.empty();
  open_report();
  row("compose", fmt::format("{} works of {} bars in {} styles", options_.works, kBars, kDemoStyles.size()),
      [&] { return compose(); });
  row("render", own ? "all works played by FluidSynth, to FLAC" : "some works played by FluidSynth, to FLAC",
      [&] { return render(); });
  row("ingest", own ? "the renderings into a scratch catalog" : "your folder into a scratch catalog",
      [&] { return ingest_music(); });
  report_works();
  row("recognize", "style of the composed scores", [&] { return recognize_works(); });
  row("recognize", own ? "style of the renderings, by the audio model" : "style of your files",
      [&] { return recognize_music(); });
  row("listen", fmt::format("{} SIMULATED listeners who prefer styles", options_.listeners),
      [&] { return simulate(); });
  row("recommend", "each SIMULATED listener's last listen, held out", [&] { return recommend(); });
  row("identify", "10 s excerpts: clean, MP3 64k, pink noise 10 dB", [&] { return identify_excerpts(); });
  row("train", fmt::format("a small Transformer on the works, {:.0f} s", options_.train_seconds),
      [&] { return train(); });
  report_steps();
  report_.write(report_path());
}

std::string Demo::compose() {
  std::map<std::string, Composer> composers;
  for (const char* style : kDemoStyles) {
    ComposeOptions asked;
    asked.style = style;
    composers.emplace(style, Composer(find_model(default_composer(asked))));
  }
  const std::size_t strangers = options_.music.empty() ? kStrangers : 0;
  const auto count = static_cast<std::size_t>(options_.works);
  std::vector<DemoWork> all(count + strangers);
  Progress progress("composing", all.size(), "works");
  parallel_for(all.size(), [&](std::size_t i) {
    check_interrupt();
    DemoWork& work = all[i];
    work.style = kDemoStyles[i % kDemoStyles.size()];
    work.title = fmt::format("{} {:02}", work.style, i / kDemoStyles.size() + 1);
    ComposeOptions options;
    options.style = work.style;
    options.bars = kBars;
    options.seed = Random::stream(options_.seed, i).next();
    work.score = composers.at(work.style).compose(options).score;
    perform(work.score, work.style);
    work.midi = folder_ / (i < count ? "works" : "strangers") / work.style /
                fmt::format("{}-{:02}.mid", work.style, i / kDemoStyles.size() + 1);
    const std::vector<std::uint8_t> bytes = write_midi(work.score);
    if (read_midi(bytes).score != work.score) {
      throw Error(Category::bad_input, "demo", work.title + ": the composed file does not read back to the same score");
    }
    write_file(work.midi, bytes);
    progress.advance();
  });
  works_.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count));
  strangers_.assign(all.begin() + static_cast<std::ptrdiff_t>(count), all.end());
  const std::set<std::vector<std::uint8_t>> distinct = [&] {
    std::set<std::vector<std::uint8_t>> files;
    for (const DemoWork& work : all) files.insert(read_file(work.midi));
    return files;
  }();
  return fmt::format("{} valid MIDI files{}, {} different", all.size(),
                     strangers > 0 ? fmt::format(" ({} to be strangers)", strangers) : "", distinct.size());
}

std::string Demo::render() {
  std::vector<DemoWork*> wanted;
  for (DemoWork& work : works_) wanted.push_back(&work);
  for (DemoWork& work : strangers_) wanted.push_back(&work);
  if (!options_.music.empty()) wanted.resize(std::min(wanted.size(), kHeardOfMusic));
  Progress progress("rendering", wanted.size(), "works");
  std::atomic<double> seconds = 0;
  parallel_for(wanted.size(), [&](std::size_t i) {
    check_interrupt();
    const bool stranger = i >= works_.size();
    render_one(*wanted[i], folder_ / (stranger ? "strangers-audio" : "audio"));
    seconds.fetch_add(wanted[i]->score.duration().value);
    progress.advance();
  });
  return fmt::format("{} of music in {} files", format_duration(seconds), wanted.size());
}

std::vector<std::filesystem::path> Demo::chosen_music() const {
  std::vector<std::filesystem::path> files;
  for (const auto& path : walk_files({options_.music})) {
    if (is_audio_name(path) || is_score_name(path)) files.push_back(path);
  }
  if (files.empty()) {
    throw Error(Category::not_found, "demo", options_.music.string() + ": no audio or score file below it");
  }
  if (files.size() <= kMostFiles) return files;
  std::vector<std::filesystem::path> chosen;
  for (std::size_t i = 0; i < kMostFiles; ++i) chosen.push_back(files[i * files.size() / kMostFiles]);
  return chosen;
}

std::string Demo::ingest_music() {
  catalog_ = open_catalog(folder_ / "catalog");
  const bool own = options_.music.empty();
  const std::vector<std::filesystem::path> paths =
      own ? std::vector<std::filesystem::path>{folder_ / "audio"} : chosen_music();
  Progress progress("ingesting", 0, "files");
  const auto start = std::chrono::steady_clock::now();
  IngestOptions options;
  options.analyze = analyze_file;
  options.on_item = [&](const IngestItem&) { progress.advance(); };
  const IngestSummary summary = ingest(*catalog_, paths, options);
  check_interrupt();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (summary.added == 0) {
    throw Error(Category::bad_input, "demo", options_.music.string() + ": none of its files could be read",
                summary.failures.empty() ? "" : "the first: " + summary.failures.front().cause);
  }
  std::string result = fmt::format("{} tracks, {} of music at {:.0f} × real time", summary.added,
                                   format_duration(summary.music_seconds), summary.music_seconds / seconds);
  if (summary.failed > 0) result += fmt::format(", {} bad files", summary.failed);
  return result;
}

void setup_demo(CLI::App& app, Context& context) {
  auto options = std::make_shared<DemoOptions>();
  app.add_option("--music", options->music, "Use your own folder of audio and MIDI as the catalogue (up to 300 files)")
      ->check(CLI::ExistingDirectory)
      ->type_name("FOLDER");
  app.add_option("--out", options->out, "Folder for report.html")->capture_default_str()->type_name("FOLDER");
  app.add_flag("--keep", options->keep, "Keep works, renderings, scratch catalog and trained model in OUT/files");
  app.add_option("--works", options->works, "Works to compose")->capture_default_str()->check(CLI::Range(6, 600));
  app.add_option("--listeners", options->listeners, "Simulated listeners")
      ->capture_default_str()
      ->check(CLI::Range(10, 10000));
  app.add_option("--train-seconds", options->train_seconds, "Time for training")
      ->capture_default_str()
      ->check(CLI::Range(1, 3600));
  app.callback([options, &context] {
    options->seed = context.seed;
    options->table = !context.json && !context.jsonl;
    Demo demo(*options);
    demo.run();
    const std::string report = std::filesystem::absolute(demo.report_path()).lexically_normal().string();
    double total = 0;
    nlohmann::json steps = nlohmann::json::array();
    for (const DemoStep& step : demo.steps()) {
      total += step.seconds;
      steps.push_back({{"step", step.name}, {"what", step.what}, {"result", step.result}, {"seconds", step.seconds}});
    }
    if (options->table) {
      fmt::print("\n{} in all; listeners are simulated. The report with plots and players: {}\n",
                 format_duration(total), report);
    } else {
      print_json({{"steps", steps},
                  {"seconds", total},
                  {"report", report},
                  {"simulated", nlohmann::json::array({"listen", "recommend"})}});
    }
  });
}

}  // namespace euterpe
