#include "compose/compose.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/output_file.hpp"
#include "catalog/analysis.hpp"
#include "catalog/catalog.hpp"
#include "cli/command.hpp"
#include "compose/performance.hpp"
#include "compose/write_score.hpp"
#include "media/decode.hpp"
#include "recognize/style_score.hpp"
#include "score/score_file.hpp"

namespace euterpe {
namespace {

struct Options {
  std::string model = "composer", key, meter;
  std::filesystem::path prompt, soundfont;
  std::vector<std::filesystem::path> out;
  int count = 1;
  bool commercial = false, store = false;
  ComposeOptions compose;
};

/// "tune.mid" for a single piece, "tune-3.mid" for the third of several.
std::filesystem::path numbered(const std::filesystem::path& path, int index, int count) {
  if (count == 1) return path;
  return path.parent_path() / fmt::format("{}-{}{}", path.stem().string(), index + 1, path.extension().string());
}

/// The piece enters the catalog as a track with its terms, and as a work with its provenance.
void store(Catalog& catalog, const std::filesystem::path& midi, const Composition& piece) {
  const Analysis analysis = analyze_file(midi);
  TrackRecord track;
  track.id = sha256_file(midi);
  track.path = std::filesystem::absolute(midi).string();
  track.kind = analysis.kind;
  track.title = midi.stem().string();
  track.duration = analysis.duration;
  track.added =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  std::vector<std::string> terms;
  for (const auto& source : piece.provenance["learned_from"])
    terms.push_back(fmt::format("{}: {}", source["name"].get<std::string>(), source["licence"].get<std::string>()));
  RightsRecord rights;
  rights.licence = piece.provenance["commercial"].get<bool>()
                       ? "composed; learned from " + fmt::format("{}", fmt::join(terms, "; "))
                       : "non-commercial: learned from " + fmt::format("{}", fmt::join(terms, "; "));
  const std::string prompt = piece.provenance.value("prompt", "");
  if (!prompt.empty() && catalog.track(prompt)) {
    // What goes on from a track keeps to that track's terms.
    const RightsRecord of_prompt = catalog.rights(prompt);
    if (!of_prompt.owner.empty()) rights.owner = of_prompt.owner;
    if (!of_prompt.licence.empty()) rights.licence = of_prompt.licence + "; " + rights.licence;
    rights.may_train = of_prompt.may_train;
    rights.may_recommend = of_prompt.may_recommend;
  }
  catalog.put_track(track, analysis.descriptors, rights);
  for (const auto& [name, blob] : analysis.blobs) catalog.put_blob(track.id, name, blob);
  WorkRecord work;
  work.id = track.id;
  work.model = piece.provenance["model"];
  work.model_hash = piece.provenance["model_hash"];
  work.style = piece.provenance["style"];
  work.prompt = prompt;
  work.licence = rights.licence;
  work.seed = piece.provenance["seed"];
  work.provenance = piece.provenance.dump();
  work.created = track.added;
  catalog.put_work(work);
}

/// The style of the model's that the score-style recognizer hears in the prompt; empty if the model is another's whose
/// styles it does not know, or the prompt tells none.
std::string closest_style(const Score& prompt, const std::vector<std::string>& styles) {
  const auto notes = grid_notes(prompt);
  if (notes.size() < kStyleMinNotes) return {};
  const StyleScoreModel judge = StyleScoreModel::load();
  const auto p = judge.piece_probabilities(notes);
  std::string best;
  double most = 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (std::find(styles.begin(), styles.end(), judge.labels()[i]) != styles.end() && p[i] > most)
      most = p[i], best = judge.labels()[i];
  return best;
}

void run(Options& o, const Context& context) {
  const Model model = find_model(o.model);
  if (o.commercial && !model.card.value("commercial", false))
    throw Error(Category::refused, "compose",
                fmt::format("{} learned from data that may not be used commercially", model.name),
                "train your own: euterpe prepare --folder DIR, then euterpe train transformer");
  const Composer composer(model);
  Score prompt;
  if (!o.prompt.empty()) {
    // The piece that is continued has them already, and they go on.
    if (!o.key.empty() || o.compose.tempo || !o.meter.empty())
      throw Error(Category::usage, "compose", "--key, --tempo and --meter do not go with --continue",
                  "the piece keeps its own");
    prompt = read_score(o.prompt).score;
    o.compose.prompt = &prompt;
    if (o.compose.style.empty()) o.compose.style = closest_style(prompt, composer.styles());
  }
  if (!o.key.empty()) o.compose.key = parse_key(o.key);
  if (!o.meter.empty()) o.compose.meter = o.meter;
  if (o.count < 1) throw Error(Category::usage, "compose", "--count must be at least 1");
  if (o.store && std::none_of(o.out.begin(), o.out.end(), is_midi_name))
    throw Error(Category::usage, "compose", "--store keeps the MIDI file's path: name one with -o");
  const bool to_stdout = std::any_of(o.out.begin(), o.out.end(), is_stdout);
  if (to_stdout && (context.json || context.jsonl || o.count > 1))
    throw Error(Category::usage, "compose", "-o - is for one piece alone on standard output", "name a file with -o");
  if (!o.prompt.empty()) {
    std::vector<std::filesystem::path> outputs;
    for (int i = 0; i < o.count; ++i)
      for (const auto& wanted : o.out) outputs.push_back(numbered(wanted, i, o.count));
    refuse_to_overwrite_input("compose", outputs, {&o.prompt, 1});
  }
  std::unique_ptr<Catalog> catalog;
  if (o.store) catalog = open_catalog(context.catalog);
  SynthesisOptions synthesis;
  synthesis.soundfont = o.soundfont;
  auto rows = nlohmann::json::array();
  for (int i = 0; i < o.count; ++i) {
    o.compose.seed = context.seed + static_cast<std::uint64_t>(i);
    Composition piece = composer.compose(o.compose);
    const std::string style = piece.provenance["style"];
    if (o.compose.prompt) piece.provenance["prompt"] = sha256_file(o.prompt);
    if (!piece.provenance.value("in_key", true))
      spdlog::warn("seed {}: in {} attempts no piece came out in the mode that was asked for", o.compose.seed,
                   piece.attempts);
    if (!o.compose.prompt) perform(piece.score, style);
    piece.score.tracks.front().texts.push_back(
        {0, 0x01,
         fmt::format("Composed by Euterpe {}, model {} {}, style {}, seed {}", EUTERPE_VERSION, model.name,
                     model.hash.substr(0, 12), style, o.compose.seed)});
    piece.score.sort();  // a prompt's texts may stand later
    nlohmann::json row = piece.provenance;
    row["notes"] = piece.score.note_count();
    row["seconds"] = piece.score.duration().value;
    row["files"] = nlohmann::json::array();
    std::filesystem::path midi;
    for (const auto& wanted : o.out) {
      const auto path = numbered(wanted, i, o.count);
      write_score(path, piece.score, synthesis, fmt::format("{}, seed {}", style, o.compose.seed));
      row["files"].push_back(path.string());
      if (is_midi_name(path)) midi = path;
    }
    if (catalog) {
      store(*catalog, midi, piece);
    }
    if (context.jsonl)
      print_json_line(row);
    else if (context.json)
      rows.push_back(std::move(row));
    else
      fmt::print(to_stdout ? stderr : stdout, "{}: {}, {} notes, {:.0f} s, seed {} ({:.2f} nats a token)\n",
                 fmt::join(row["files"].get<std::vector<std::string>>(), " "), style, piece.score.note_count(),
                 piece.score.duration().value, o.compose.seed, piece.nats_per_token);
  }
  if (context.json && !context.jsonl) print_json(o.count == 1 ? rows.front() : nlohmann::json{{"pieces", rows}});
}

}  // namespace

void setup_compose(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  SamplingOptions& s = o->compose.sampling;
  app.add_option(
      "--style", o->compose.style,
      "chorale, folk, pop, or what the model has learned (default: its first; with --continue the one heard there)");
  app.add_option("--bars", o->compose.bars, "Bars to write")->capture_default_str();
  app.add_option("--continue", o->prompt, "MIDI or MusicXML file to go on from")->check(CLI::ExistingFile);
  app.add_option("--key", o->key, "\"C major\", \"F# minor\", \"Bb\", \"Am\" (default: the model chooses)");
  app.add_option("--tempo", o->compose.tempo, "Quarter notes a minute, 30 to 240 (default: the model chooses)");
  app.add_option("--meter", o->meter, "4/4, 3/4, 6/8 … (default: the model chooses)");
  app.add_option("--count", o->count, "Pieces, with seeds from --seed on")->capture_default_str();
  app.add_option("--temperature", s.temperature, "Below 1 safer, above 1 bolder")->capture_default_str();
  app.add_option("--top-k", s.top_k, "Keep the k likeliest tokens, 0 = off")->capture_default_str();
  app.add_option("--top-p", s.top_p, "Keep the likeliest tokens that hold this probability, 1 = off")
      ->capture_default_str();
  app.add_option("--min-p", s.min_p, "Drop tokens less likely than this share of the likeliest, 0 = off")
      ->capture_default_str();
  app.add_option("--model", o->model, "Model that composes")->capture_default_str();
  app.add_option("--soundfont", o->soundfont, "SoundFont for audio (default: the General MIDI one)");
  app.add_flag("--store", o->store, "Add the piece to the catalog, with its provenance and terms");
  app.add_flag("--commercial", o->commercial, "Refuse weights that may not be used commercially");
  app.add_option(
         "-o,--output", o->out,
         ".mid .musicxml .wav .flac .mp3 .ogg .opus .m4a .png .svg; several may be named; - = MIDI to standard output")
      ->required();
  app.callback([o, &context] { run(*o, context); });
}

}  // namespace euterpe
