#include "corpus/prepare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <memory>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/output_file.hpp"
#include "cli/command.hpp"
#include "corpus/media_augment_audio.hpp"
#include "corpus/media_catalog_source.hpp"
#include "corpus/media_prepare_audio.hpp"
#include "media/decode.hpp"
#include "score/score_file.hpp"

namespace euterpe {
namespace {

struct Options {
  std::filesystem::path data, folder, out, augment;
  std::vector<std::string> sets;
  std::vector<std::filesystem::path> audio;
  bool catalog = false, catalog_audio = false, keep_broken = false;
  std::string style = "none", group_by = "artist";
  PrepareOptions score;
  PrepareAudioOptions sound;
};

constexpr std::size_t kNamed = 20;  // of those left out that are named on a terminal; all of them stand in the file

/// The summary goes to standard output, or beside it where that is the shard or manifest itself.
std::FILE* summary_of(const Options& o) { return is_stdout(o.out) ? stderr : stdout; }

/// \param left_out {id, reason, detail} each
void print_left_out(std::FILE* to, const nlohmann::json& counts, const nlohmann::json& left_out) {
  for (const auto& [reason, count] : counts.items()) fmt::print(to, "  left out: {} ({})\n", count.get<int>(), reason);
  for (std::size_t i = 0; i < left_out.size() && i < kNamed; ++i)
    fmt::print(to, "    {}: {}: {}\n", left_out[i]["id"].get<std::string>(), left_out[i]["reason"].get<std::string>(),
               left_out[i]["detail"].get<std::string>());
  if (left_out.size() > kNamed) fmt::print(to, "    and {} more, see the file\n", left_out.size() - kNamed);
}

void print_sources(std::FILE* to, const nlohmann::json& data, const char* unit) {
  for (const auto& source : data)
    fmt::print(to, "  from {}: {} {}, {}\n", source["name"].get<std::string>(), source[unit].get<int>(), unit,
               source["licence"].get<std::string>());
}

/// A shard must not be called what says that it is something else, nor stand where something is that is read.
void check_output(const Options& o, const Context& context, bool recordings) {
  constexpr std::array kOthers{".json", ".csv", ".txt", ".toml", ".md", ".html", ".npy", ".png", ".svg", ".pdf"};
  const std::string suffix = o.out.extension().string();
  const char *own = recordings ? ".jsonl" : ".shard", *other = recordings ? ".shard" : ".jsonl";
  if (suffix == other || is_audio_name(o.out) || is_score_name(o.out) ||
      std::find(kOthers.begin(), kOthers.end(), suffix) != kOthers.end())
    throw Error(Category::usage, "prepare",
                fmt::format("{}: {} called {}", o.out.string(),
                            recordings ? "a manifest of recordings is not" : "a shard of scores is not", suffix),
                fmt::format("name it {}{}", o.out.stem().string(), own));
  if (is_stdout(o.out) && (context.json || context.jsonl))
    throw Error(Category::usage, "prepare", "-o - and --json both want standard output", "name a file with -o");
  if (!std::filesystem::exists(o.out)) return;
  std::vector<std::filesystem::path> roots = o.audio, inputs;
  if (!o.folder.empty()) roots.push_back(o.folder);
  if (!o.augment.empty()) inputs.push_back(o.augment);
  for (const auto& root : roots)
    for (const auto& path : walk_files({root}))
      if (path == root || is_audio_name(path) || is_score_name(path) || path.extension() == ".csv")
        inputs.push_back(path);
  for (const std::string& set : o.sets)
    for (auto& path : walk_files({o.data / set})) inputs.push_back(std::move(path));
  if (o.catalog || o.catalog_audio)
    for (const TrackRecord& track : open_catalog(context.catalog)->tracks()) inputs.push_back(track.path);
  refuse_to_overwrite_input("prepare", {&o.out, 1}, inputs);
}

/// What was written stands; but a batch of which part could not be read has not succeeded.
void report_unreadable(const nlohmann::json& counts) {
  if (const int count = counts.value("unreadable", 0); count > 0)
    throw Error(Category::partial, "prepare",
                fmt::format("{} file{} could not be read, the others are prepared", count, count == 1 ? "" : "s"),
                "they are listed as left out, with the reasons");
}

/// Nothing is written then: an older file of the same name is better than none.
[[noreturn]] void nothing_left(const std::string& what, const std::string& hint) {
  throw Error(Category::bad_input, "prepare", "no " + what + " is left to learn from; nothing is written", hint);
}

void prepare_recordings(Options& o, const Context& context) {
  std::vector<AudioSource> sources;
  const GroupBy by = group_by(o.group_by);
  for (const auto& folder : o.audio) sources.push_back(audio_source_from_folder(folder, by));
  // A catalog that is not there has marked nothing; preparing a folder should not make one.
  if (o.catalog_audio || std::filesystem::exists(context.catalog)) {
    const auto catalog = open_catalog(context.catalog);
    o.sound.forbidden = forbidden_tracks(*catalog);
    if (o.catalog_audio) sources.push_back(audio_source_from_catalog(*catalog, by));
  }
  o.sound.limits.broken = !o.keep_broken;
  o.sound.keep_near_duplicates = o.score.keep_near_duplicates;
  nlohmann::json augment = nlohmann::json::array();
  if (!o.augment.empty()) augment = AudioAugmentation::from_toml(read_text(o.augment), o.augment.string()).json();
  AudioManifest manifest = prepare_audio(sources, o.sound);
  manifest.augment = augment;
  if (!manifest.clips.empty()) write_audio_manifest(o.out, manifest);
  if (by == GroupBy::artist && !manifest.clips.empty() &&
      std::all_of(manifest.clips.begin(), manifest.clips.end(), [](const AudioClip& c) { return c.group == c.id; }))
    spdlog::warn(
        "prepare: no artist is known of any recording, so each is a group of its own; --group-by folder keeps together "
        "what lies together");

  std::map<std::string, std::size_t> splits;
  std::map<std::string, int> mended, noted;
  double seconds = 0;
  for (const AudioClip& clip : manifest.clips) {
    ++splits[clip.split];
    seconds += clip.length;
    for (const std::string& defect : clip.mended) ++mended[defect];
    for (const std::string& defect : clip.noted) ++noted[defect];
  }
  auto left_out = nlohmann::json::array();
  for (const LeftOutClip& clip : manifest.left_out)
    left_out.push_back({{"id", clip.id}, {"reason", clip.reason}, {"detail", clip.detail}});
  if (context.json) {
    print_json({{"manifest", o.out.string()},
                {"clips", manifest.clips.size()},
                {"hours", seconds / 3600},
                {"splits", splits},
                {"data", manifest.data},
                {"mended", mended},
                {"noted", noted},
                {"left_out", manifest.counts},
                {"left_out_clips", left_out},
                {"split_hash", manifest.split_hash},
                {"manifest_hash", manifest.hash}});
  } else {
    std::FILE* to = summary_of(o);
    fmt::print(to, "{}: {} clips, {:.2f} hours\n", o.out.string(), manifest.clips.size(), seconds / 3600);
    for (const auto& [split, count] : splits) fmt::print(to, "  {:<6} {:>6} clips\n", split, count);
    print_sources(to, manifest.data, "clips");
    for (const auto& [defect, count] : mended) fmt::print(to, "  mended: {} ({})\n", count, defect);
    for (const auto& [defect, count] : noted) fmt::print(to, "  noted: {} ({})\n", count, defect);
    print_left_out(to, manifest.counts, left_out);
  }
  if (manifest.clips.empty())
    nothing_left("recording",
                 manifest.left_out.empty() && o.catalog_audio
                     ? "the catalog holds none that may be learned from: take some in with `euterpe ingest`"
                     : "the reasons stand beside the names above");
  report_unreadable(manifest.counts);
}

void prepare_scores(const Options& o, const Context& context) {
  std::vector<Source> sources;
  for (const std::string& set : o.sets) {
    if (o.data.empty()) throw Error(Category::usage, "prepare", "--sets needs --data, the folder that holds the sets");
    sources.push_back(source_from_dataset(set, o.data));
  }
  if (!o.folder.empty()) sources.push_back(source_from_folder(o.folder, o.style));
  if (o.catalog || std::filesystem::exists(context.catalog)) {
    const auto catalog = open_catalog(context.catalog);
    for (Source& source : sources) leave_out_forbidden(source, *catalog);
    if (o.catalog) sources.push_back(source_from_catalog(*catalog, o.style));
  }
  if (sources.empty())
    throw Error(Category::usage, "prepare", "nothing to prepare",
                "name --sets with --data, --folder, --from-catalog, --audio or --audio-from-catalog");
  PrepareOptions options = o.score;
  options.seed = context.seed;
  const Shard shard = prepare(sources, options);
  if (!shard.pieces.empty()) write_shard(o.out, shard);
  auto noted = nlohmann::json::array();
  for (const Source& source : sources)
    for (const Remark& r : source.noted) noted.push_back({{"id", r.id}, {"reason", r.reason}, {"detail", r.detail}});

  std::map<std::string, std::size_t> splits;
  std::size_t tokens = 0;
  for (const ShardPiece& p : shard.pieces) {
    ++splits[p.split];
    tokens += p.tokens.size();
  }
  if (context.json) {
    print_json({{"shard", o.out.string()},
                {"pieces", shard.pieces.size()},
                {"tokens", tokens},
                {"splits", splits},
                {"data", shard.data},
                {"left_out", shard.left_out},
                {"left_out_pieces", shard.left_out_pieces},
                {"noted", noted},
                {"split_hash", shard.split_hash}});
  } else {
    std::FILE* to = summary_of(o);
    fmt::print(to, "{}: {} pieces, {} tokens\n", o.out.string(), shard.pieces.size(), tokens);
    for (const auto& [split, count] : splits) fmt::print(to, "  {:<6} {:>6} pieces\n", split, count);
    print_sources(to, shard.data, "pieces");
    if (!noted.empty()) fmt::print(to, "  noted: {}\n", noted.size());
    for (std::size_t i = 0; i < noted.size() && i < kNamed; ++i)
      fmt::print(to, "    {}: {}: {}\n", noted[i]["id"].get<std::string>(), noted[i]["reason"].get<std::string>(),
                 noted[i]["detail"].get<std::string>());
    print_left_out(to, shard.left_out, shard.left_out_pieces);
  }
  if (shard.pieces.empty())
    nothing_left("score",
                 o.catalog && shard.left_out.empty()
                     ? "the catalog holds no score that may be learned from; --audio-from-catalog takes its recordings"
                     : "the reasons stand beside the names above");
  report_unreadable(shard.left_out);
}

void run(Options& o, const Context& context) {
  const bool recordings = !o.audio.empty() || o.catalog_audio;
  if (recordings && (!o.sets.empty() || !o.folder.empty() || o.catalog))
    throw Error(Category::usage, "prepare", "scores and recordings make two files",
                "run prepare once for each of them");
  check_output(o, context, recordings);
  if (recordings)
    prepare_recordings(o, context);
  else
    prepare_scores(o, context);
}

}  // namespace

void setup_prepare(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  app.add_option("-o,--output", o->out,
                 "Shard (scores, .shard) or manifest (recordings, .jsonl) to write; - = standard output")
      ->required();
  app.add_flag("--keep-near-duplicates", o->score.keep_near_duplicates,
               "Leave out exact doubles alone, not what is nearly the same");

  const char* scores = "Scores";
  app.add_option("--data", o->data, "Folder that holds the public data sets")->envname("EUTERPE_DATA")->group(scores);
  app.add_option("--sets", o->sets, "Data sets below --data: jsb, nottingham, pop909, classical, groove, emopia")
      ->delimiter(',')
      ->group(scores);
  app.add_option("--folder", o->folder, "Your own folder of MIDI and MusicXML files")->group(scores);
  app.add_flag("--from-catalog", o->catalog, "The catalog's scores; tracks that may not be trained on are left out")
      ->group(scores);
  app.add_option("--style", o->style, "Style of the pieces of --folder and --from-catalog")
      ->capture_default_str()
      ->group(scores);
  app.add_flag("--velocities", o->score.velocities, "Keep dynamics, at a third more tokens")->group(scores);
  app.add_flag("--performed-timing", o->score.performed_timing,
               "Keep performed timing instead of sixteenths and eighth triplets")
      ->group(scores);
  app.add_option("--variants", o->score.variants,
                 "Copies added to each training piece: transposed, faster or slower, with other dynamics")
      ->check(CLI::Range(0, 100))
      ->capture_default_str()
      ->group(scores);

  const char* recordings = "Recordings";
  DefectLimits& limits = o->sound.limits;
  app.add_option("--audio", o->audio, "Folders (or files) of recordings; writes a manifest of clean ones")
      ->delimiter(',')
      ->group(recordings);
  app.add_flag("--audio-from-catalog", o->catalog_audio,
               "The catalog's recordings; tracks that may not be trained on are left out")
      ->group(recordings);
  app.add_option("--group-by", o->group_by, "What a split never divides: artist, folder or file")
      ->capture_default_str()
      ->group(recordings);
  app.add_option("--augment", o->augment, "Chain of augmentations (TOML) that a trainer is to apply")
      ->group(recordings);
  app.add_option("--shortest", limits.shortest, "Least seconds between the silence at both ends; 0 = any")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(recordings);
  app.add_option("--silent-share", limits.silent_share, "Greatest share of silence between them; 1 = any")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(recordings);
  app.add_option("--clipped-share", limits.clipped_share, "Greatest share of samples on flat tops; 1 = any")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(recordings);
  app.add_option("--end-level", limits.end_db,
                 "Greatest level of the end over the whole, dB: -10 finds pieces cut off; 200 = any")
      ->capture_default_str()
      ->group(recordings);
  app.add_option("--bandwidth", limits.bandwidth, "Hz that the spectrum must reach; 0 = any")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(recordings);
  app.add_flag("--keep-broken", o->keep_broken, "Keep files that break off or are damaged, as far as they decode")
      ->group(recordings);
  app.add_option("--same-recording", o->sound.duplicates.correlation,
                 "Correlation of aligned waveforms from which two recordings are one")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str()
      ->group(recordings);
  app.callback([o, &context] { run(*o, context); });
}

}  // namespace euterpe
