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
#include "base/parallel.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "catalog/analysis.hpp"
#include "catalog/catalog.hpp"
#include "catalog/passages.hpp"
#include "cli/command.hpp"
#include "compose/blend.hpp"
#include "compose/default_composer.hpp"
#include "compose/drums.hpp"
#include "compose/gate.hpp"
#include "compose/performance.hpp"
#include "compose/variants.hpp"
#include "compose/write_score.hpp"
#include "media/decode.hpp"
#include "recognize/style_score.hpp"
#include "score/score_file.hpp"

namespace euterpe {
namespace {

struct Options {
  std::string model, key, meter, emotion, height, chords, infill, drums;
  std::filesystem::path prompt, melody, piece, vary, transfer, soundfont;
  std::vector<std::filesystem::path> interpolate;  ///< from and to, or none
  std::vector<std::filesystem::path> out;
  int count = 1, variants = 0, steps = 7;
  bool commercial = false, store = false, with_drums = false;
  ComposeOptions compose;

  /// Pieces that are written.
  int pieces() const { return interpolate.empty() ? count : steps; }
  /// Nothing of what is given stays as it is.
  bool all_new() const { return prompt.empty() && melody.empty() && piece.empty(); }
};

struct GivenFile {
  std::filesystem::path path;
  std::string hash;
  Score score;
};

/// "tune.mid" for a single piece, "tune-3.mid" for the third of several.
std::filesystem::path numbered(const std::filesystem::path& path, int index, int count) {
  if (count == 1) return path;
  return path.parent_path() / fmt::format("{}-{}{}", path.stem().string(), index + 1, path.extension().string());
}

/// The piece enters the catalog as a track with its terms, and as a work with its provenance.
void store(Catalog& catalog, const std::filesystem::path& midi, const Composition& piece,
           const std::vector<GivenFile>& given) {
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
  std::vector<std::string> owners;
  for (const GivenFile& g : given) {
    if (!catalog.track(g.hash)) continue;
    // What holds a track's music keeps to that track's terms.
    const RightsRecord of_given = catalog.rights(g.hash);
    if (!of_given.owner.empty() && std::find(owners.begin(), owners.end(), of_given.owner) == owners.end())
      owners.push_back(of_given.owner);
    if (!of_given.licence.empty()) rights.licence = of_given.licence + "; " + rights.licence;
    rights.may_train = rights.may_train && of_given.may_train;
    rights.may_recommend = rights.may_recommend && of_given.may_recommend;
  }
  if (!owners.empty()) rights.owner = fmt::format("{}", fmt::join(owners, "; "));
  catalog.put_track(track, analysis.descriptors, rights);
  for (const auto& [name, blob] : analysis.blobs) catalog.put_blob(track.id, name, blob);
  WorkRecord work;
  work.id = track.id;
  work.model = piece.provenance["model"];
  work.model_hash = piece.provenance["model_hash"];
  work.style = piece.provenance["style"];
  for (const GivenFile& g : given) work.prompt += (work.prompt.empty() ? "" : " ") + g.hash;
  work.licence = rights.licence;
  work.seed = piece.provenance["seed"];
  work.provenance = piece.provenance.dump();
  work.created = track.added;
  catalog.put_work(work);
}

/// The style of the model's that the score-style recognizer hears in the prompt; empty if the model is another's whose
/// styles it does not know, or the prompt tells none.
std::string closest_style(const Score& prompt, const std::vector<std::string>& styles) {
  const bool pitched = std::any_of(prompt.tracks.begin(), prompt.tracks.end(),
                                   [](const Track& t) { return !t.drums && !t.notes.empty(); });
  if (!pitched) return std::find(styles.begin(), styles.end(), "drums") != styles.end() ? "drums" : "";
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

[[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) {
  throw Error(Category::usage, "compose", what, hint);
}

/// The files that are given: two to go from one to the other, else one or none.
std::vector<std::filesystem::path> given_paths(const Options& o) {
  std::vector<std::filesystem::path> out = o.interpolate;
  for (const auto* path : {&o.prompt, &o.melody, &o.piece, &o.vary, &o.transfer})
    if (!path->empty()) out.push_back(*path);
  if (out.size() > (o.interpolate.empty() ? 1 : 2))
    refuse("--continue, --melody, --piece, --vary, --transfer and --interpolate do not go together",
           "give one of them");
  if (!o.infill.empty() && o.piece.empty())
    refuse("--infill needs a piece whose bars are to be written anew", "name it with --piece");
  if (!o.piece.empty() && o.infill.empty() && !o.with_drums)
    refuse("--piece alone asks for nothing",
           "say which bars to write anew (--infill 5-8), or add drums (--drums rock)");
  if (!o.transfer.empty() && o.compose.style.empty())
    refuse("--transfer needs the style into which the piece goes", "name it with --style");
  if (!o.interpolate.empty() && (o.count != 1 || o.variants != 0))
    refuse("--count and --variants do not go with --interpolate", "--steps says how many pieces there are");
  return out;
}

/// Reads what is given. What a network sees as bars of notes is refused here where it has none, and by its file's name.
std::vector<GivenFile> read_given(const Options& o) {
  std::vector<GivenFile> out;
  std::vector<BarGrid> grids;
  for (const auto& path : given_paths(o)) {
    out.push_back({path, sha256_file(path), read_score(path).score});
    if (o.vary.empty() && o.transfer.empty() && o.interpolate.empty()) continue;
    try {
      grids.push_back(bar_grid(out.back().score));
    } catch (const Error& e) {
      throw e.in(path.string());
    }
  }
  if (grids.size() < 2) return out;
  try {
    require_same_meters(grids[0], grids[1]);
  } catch (const Error& e) {
    throw e.in(fmt::format("{} and {}", out[0].path.string(), out[1].path.string()));
  }
  return out;
}

/// What the words of the command line mean.
void read_wishes(Options& o, const std::vector<GivenFile>& given) {
  ComposeOptions& wish = o.compose;
  if (!given.empty() && (!o.key.empty() || wish.tempo || !o.meter.empty()))
    refuse("--key, --tempo and --meter do not go with a piece that is given", "the piece keeps its own");
  if (!o.prompt.empty()) wish.prompt = &given[0].score;
  if (!o.melody.empty()) wish.melody = &given[0].score;
  if (!o.vary.empty()) wish.vary = &given[0].score;
  if (!o.transfer.empty()) wish.transfer = &given[0].score;
  if (!o.interpolate.empty()) {
    wish.blend_from = &given[0].score;
    wish.blend_to = &given[1].score;
  }
  if (!o.infill.empty()) {
    wish.gap_in = &given[0].score;
    wish.gap = parse_bar_range(o.infill);
  }
  if (!o.key.empty()) wish.key = parse_key(o.key);
  if (!o.meter.empty()) wish.meter = o.meter;
  if (!o.emotion.empty()) wish.emotion = parse_emotion(o.emotion);
  if (!o.height.empty()) wish.height = parse_pitch(o.height);
  if (!o.chords.empty()) wish.chords = parse_bar_chords(o.chords);
  if (o.count < 1) refuse("--count must be at least 1");
  if (o.variants != 0 && o.variants < o.count)
    refuse(fmt::format("--variants {} is fewer than the {} pieces asked for", o.variants, o.count));
}

void check_outputs(const Options& o, const Context& context) {
  if (o.store && std::none_of(o.out.begin(), o.out.end(), is_midi_name))
    refuse("--store keeps the MIDI file's path: name one with -o");
  if (std::any_of(o.out.begin(), o.out.end(), is_stdout) && (context.json || context.jsonl || o.pieces() > 1))
    refuse("-o - is for one piece alone on standard output", "name a file with -o");
  const std::vector<std::filesystem::path> given = given_paths(o);
  if (given.empty()) return;
  std::vector<std::filesystem::path> outputs;
  for (int i = 0; i < o.pieces(); ++i)
    for (const auto& wanted : o.out) outputs.push_back(numbered(wanted, i, o.pieces()));
  refuse_to_overwrite_input("compose", outputs, given);
}

/// The model that was named, or the one that does best what is asked; it says which style is heard in what is given.
Composer open_composer(Options& o, const std::vector<GivenFile>& given) {
  read_wishes(o, given);
  const std::string name = o.model.empty() ? default_composer(o.compose) : o.model;
  Composer composer(find_model(name));
  if (o.compose.style.empty() && !given.empty() && given[0].score.note_count() > 0)
    o.compose.style = closest_style(given[0].score, composer.styles());
  if (!o.model.empty()) return composer;
  if (o.compose.style.empty()) o.compose.style = composer.styles().front();
  const std::string best = default_composer(o.compose);
  return best == name ? composer : Composer(find_model(best));
}

/// The wish behind each piece. On the way from one piece to another the style is that of the nearer one, unless it was
/// named.
std::vector<ComposeOptions> wishes_of(const Options& o, std::uint64_t seed, const std::string& style_of_last) {
  std::vector<ComposeOptions> out(static_cast<std::size_t>(std::max(o.pieces(), o.variants)), o.compose);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].seed = seed;
    if (o.interpolate.empty()) {
      out[i].seed += i;
      continue;
    }
    out[i].share = static_cast<double>(i) / (o.steps - 1);
    if (out[i].share > 0.5) out[i].style = style_of_last;
  }
  return out;
}

/// A model that knows drums: the one that composes, if it does.
Composer open_drummer(const Composer& composer) {
  const auto& styles = composer.styles();
  if (std::find(styles.begin(), styles.end(), "drums") != styles.end()) return composer;
  return Composer(find_model(kDefaultComposer));
}

/// Instruments and dynamics, and where it comes from.
void finish(Composition& piece, const Options& o, const Composer* drummer, const std::vector<GivenFile>& given) {
  const std::string style = piece.provenance["style"];
  if (!o.interpolate.empty())
    piece.provenance["between"] = {given[0].hash, given[1].hash};
  else if (!given.empty())
    piece.provenance[!o.melody.empty()     ? "melody"
                     : !o.vary.empty()     ? "varied"
                     : !o.transfer.empty() ? "transferred"
                                           : "prompt"] = given[0].hash;
  if (!piece.provenance.value("in_key", true))
    spdlog::warn("seed {}: in {} attempts no piece came out in the mode that was asked for",
                 piece.provenance["seed"].get<std::uint64_t>(), piece.attempts);
  if (piece.provenance.value("chords_kept", 1.0) < kChordsKept)
    spdlog::warn("seed {}: {:.0f} % of the chords asked for are heard in what kept to them best",
                 piece.provenance["seed"].get<std::uint64_t>(), 100 * piece.provenance["chords_kept"].get<double>());
  if ((o.compose.density || o.compose.height || o.compose.polyphony) && piece.provenance.value("off_plan", 0) > 1)
    spdlog::warn("seed {}: the density, register or polyphony that was asked for is missed in the best of {} attempts",
                 piece.provenance["seed"].get<std::uint64_t>(), piece.attempts);
  if (o.all_new()) perform(piece.score, style);
  if (!o.melody.empty()) perform(piece.score, style, piece.score.tracks.size() - piece.written.tracks.size());
  if (drummer) {
    const Composition groove =
        add_drums(piece.score, *drummer, o.drums, piece.provenance["seed"], o.compose.sampling, o.compose.progress);
    add_drummer(piece.provenance, groove.provenance);
  }
  piece.score.tracks.front().texts.push_back(
      {0, 0x01,
       fmt::format("Composed by Euterpe {}, model {} {}, style {}, seed {}", EUTERPE_VERSION,
                   piece.provenance["model"].get<std::string>(),
                   piece.provenance["model_hash"].get<std::string>().substr(0, 12), style,
                   piece.provenance["seed"].get<std::uint64_t>())});
  piece.score.sort();  // a prompt's texts may stand later
}

/// A piece that is given and gets drums alone, whose player is all that composes.
Composition untouched(const Score& given, const Options& o, const Model& drummer, std::uint64_t seed) {
  Composition piece;
  piece.score = given;
  piece.provenance = {{"model", drummer.name},
                      {"model_hash", drummer.hash},
                      {"style", o.compose.style.empty() ? "none" : o.compose.style},
                      {"seed", seed},
                      {"learned_from", nlohmann::json::array()},
                      {"commercial", true}};  // until add_drummer() says whose drums they are
  return piece;
}

void refuse_noncommercial(const Model& model) {
  if (!model.card.value("commercial", false))
    throw Error(Category::refused, "compose",
                fmt::format("{} learned from data that may not be used commercially", model.name),
                "train your own: euterpe prepare --folder DIR, then euterpe train transformer");
}

void run(Options& o, const Context& context) {
  const std::vector<GivenFile> given = read_given(o);
  const bool named_style = !o.compose.style.empty();
  const Composer composer = open_composer(o, given);
  const std::optional<Composer> drummer = o.with_drums ? std::optional(open_drummer(composer)) : std::nullopt;
  const Model& model = composer.model();
  const bool writes = o.piece.empty() || !o.infill.empty();
  if (o.commercial && writes) refuse_noncommercial(model);
  if (o.commercial && drummer) refuse_noncommercial(drummer->model());
  check_outputs(o, context);
  std::unique_ptr<Catalog> catalog;
  if (o.store) catalog = open_catalog(context.catalog);
  SynthesisOptions synthesis;
  synthesis.soundfont = o.soundfont;

  GateOptions gate_options;
  for (const GivenFile& g : given) {  // what is gone on from may be repeated
    gate_options.except.insert(g.hash);
    gate_options.given.push_back(g.score);
  }
  std::optional<PassageIndex> own;
  if (std::filesystem::exists(context.catalog)) own = open_catalog_passages(*open_catalog(context.catalog));
  const OriginalityGate gate(OriginalityGate::indexes_of(model), std::move(own), gate_options);

  Progress progress("compose", 0, "bars");
  o.compose.progress = &progress;
  std::string style_of_last = o.compose.style;
  if (!o.interpolate.empty() && !named_style) {
    const std::string heard = closest_style(given[1].score, composer.styles());
    if (!heard.empty()) style_of_last = heard;
  }
  const std::vector<ComposeOptions> wishes = wishes_of(o, context.seed, style_of_last);
  std::vector<Composition> pieces(wishes.size()), first;
  if (writes && o.interpolate.empty()) {
    std::vector<std::uint64_t> seeds;
    for (const ComposeOptions& wish : wishes) seeds.push_back(wish.seed);
    first = composer.compose_variants(o.compose, seeds);
  }
  parallel_for(pieces.size(), [&](std::size_t i) {
    if (!writes) {
      pieces[i] = untouched(given[0].score, o, drummer->model(), wishes[i].seed);
    } else {
      const auto originality = gate.admit([&](int attempt) {
        if (attempt == 1 && !first.empty()) {
          pieces[i] = std::move(first[i]);
        } else {
          ComposeOptions wish = wishes[i];
          if (attempt > 1) wish.seed = Random::stream(wish.seed, static_cast<std::uint64_t>(attempt)).next();
          pieces[i] = composer.compose(wish);
        }
        return pieces[i].written;
      });
      pieces[i].provenance["originality"] = originality;
    }
  });
  std::vector<RankedVariant> order;
  if (o.variants > 0)
    order = rank_variants(pieces);
  else
    for (std::size_t i = 0; i < pieces.size(); ++i) order.push_back({i, -pieces[i].nats_per_token, 0});

  auto rows = nlohmann::json::array();
  const bool to_stdout = std::any_of(o.out.begin(), o.out.end(), is_stdout);
  for (int i = 0; i < o.pieces(); ++i) {
    const RankedVariant& rank = order[static_cast<std::size_t>(i)];
    Composition& piece = pieces[rank.index];
    finish(piece, o, drummer ? &*drummer : nullptr, given);
    const std::string style = piece.provenance["style"];
    const auto seed = piece.provenance["seed"].get<std::uint64_t>();
    nlohmann::json row = piece.provenance;
    if (o.variants > 0) {
      row["likelihood"] = rank.likelihood;
      row["novelty"] = rank.novelty;
    }
    row["notes"] = piece.score.note_count();
    row["seconds"] = piece.score.duration().value;
    row["files"] = nlohmann::json::array();
    std::filesystem::path midi;
    for (const auto& wanted : o.out) {
      const auto path = numbered(wanted, i, o.pieces());
      write_score(path, piece.score, synthesis, fmt::format("{}, seed {}", style, seed),
                  piece.sheet ? &*piece.sheet : nullptr);
      row["files"].push_back(path.string());
      if (is_midi_name(path)) midi = path;
    }
    if (catalog) store(*catalog, midi, piece, given);
    if (context.jsonl)
      print_json_line(row);
    else if (context.json)
      rows.push_back(std::move(row));
    else
      fmt::print(to_stdout ? stderr : stdout, "{}: {}, {} notes, {:.0f} s, seed {}{}\n",
                 fmt::join(row["files"].get<std::vector<std::string>>(), " "), style, piece.score.note_count(),
                 piece.score.duration().value, seed,
                 writes && piece.nats_per_token > 0 ? fmt::format(" ({:.2f} nats a token)", piece.nats_per_token) : "");
  }
  if (context.json && !context.jsonl) print_json(rows.size() == 1 ? rows.front() : nlohmann::json{{"pieces", rows}});
}

}  // namespace

void setup_compose(CLI::App& app, Context& context) {
  auto o = std::make_shared<Options>();
  SamplingWishes& s = o->compose.sampling;
  ComposeOptions& c = o->compose;
  const char* wishes = "What is asked";
  app.add_option("--style", c.style,
                 "chorale, folk, pop, or what the model has learned, with a kind if wanted: folk/jig, bach (default: "
                 "its first; with a piece that is given the one heard there)")
      ->group(wishes);
  app.add_option("--bars", c.bars, "Bars to write")->capture_default_str()->group(wishes);
  app.add_option("--key", o->key, "\"C major\", \"F# minor\", \"Bb\", \"Am\" (default: the model chooses)")
      ->group(wishes);
  app.add_option("--tempo", c.tempo, "Quarter notes a minute, 30 to 240 (default: the model chooses)")->group(wishes);
  app.add_option("--meter", o->meter, "4/4, 3/4, 6/8 … (default: the model chooses)")->group(wishes);
  app.add_option("--chords", o->chords, "\"C | Am F | G7 | C\": one or two a bar, again from the first at the end")
      ->group(wishes);
  app.add_option("--emotion", o->emotion, "happy, tense, sad, calm, or Q1 to Q4; for a model that learned it")
      ->group(wishes);
  app.add_option("--density", c.density, "Notes a bar")->group(wishes);
  app.add_option("--register", o->height, "Mean pitch: C5, F#3 or a MIDI number")->group(wishes);
  app.add_option("--polyphony", c.polyphony, "Notes that sound together on average, 1 to 16")->group(wishes);

  const char* files = "What is given (MIDI or MusicXML)";
  app.add_option("--continue", o->prompt, "Piece to go on from")->check(CLI::ExistingFile)->group(files);
  app.add_option("--melody", o->melody, "Melody to accompany")->check(CLI::ExistingFile)->group(files);
  app.add_option("--piece", o->piece, "Piece for --infill or --drums")->check(CLI::ExistingFile)->group(files);
  app.add_option("--infill", o->infill, "Bars of --piece to write anew: 5-8")->group(files);
  CLI::Option* vary = app.add_option("--vary", o->vary, "Piece to say otherwise")->check(CLI::ExistingFile);
  vary->group(files);
  app.add_option("--amount", c.amount, "Of --vary: 0 = the piece as the model says it, 1 = a new one in its style")
      ->capture_default_str()
      ->needs(vary)
      ->group(files);
  app.add_option("--transfer", o->transfer, "Piece to say in --style; its melody keeps its shape")
      ->check(CLI::ExistingFile)
      ->group(files);
  CLI::Option* interpolate = app.add_option("--interpolate", o->interpolate, "Two pieces to go between");
  interpolate->expected(2)->check(CLI::ExistingFile)->group(files);
  app.add_option("--steps", o->steps, "Pieces from the one to the other, both included")
      ->capture_default_str()
      ->needs(interpolate)
      ->check(CLI::Range(2, 100))
      ->group(files);
  CLI::Option* drums =
      app.add_option("--drums", o->drums, "Add a drum track: rock, funk, jazz, latin, hiphop … or any")->group(files);

  const char* drawing = "How it is drawn";
  app.add_option("--count", o->count, "Pieces, with seeds from --seed on")->capture_default_str()->group(drawing);
  app.add_option("--variants", o->variants,
                 "Compose so many, and keep the --count best by likelihood and novelty; 0 = off")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000))
      ->group(drawing);
  app.add_option("--temperature", s.temperature, "Below 1 safer, above 1 bolder (default: the style's, else 1)")
      ->group(drawing);
  app.add_option("--top-k", s.top_k, "Keep the k likeliest tokens, 0 = off")->capture_default_str()->group(drawing);
  app.add_option("--top-p", s.top_p,
                 "Keep the likeliest tokens that hold this probability, 1 = off (default: the style's, else 0.98)")
      ->group(drawing);
  app.add_option("--min-p", s.min_p, "Drop tokens less likely than this share of the likeliest, 0 = off")
      ->capture_default_str()
      ->group(drawing);
  app.add_option("--guidance", s.guidance,
                 "Above 1 what is asked counts for more, at twice the time; 1 = off (default: with an emotion, "
                 "and of an autoencoder, the model's, else 1)")
      ->group(drawing);
  app.add_option("--repetition-penalty", s.repetition_penalty,
                 "Nats taken from what repeats an earlier bar word for word, for each such bar; 0 = off")
      ->capture_default_str()
      ->group(drawing);
  app.add_option(
      "--model", o->model,
      "Model that composes (default: chorale for chorales of which nothing is asked that it has not learned, "
      "vae for --vary, --transfer, --interpolate and --polyphony, else composer)");
  app.add_option("--soundfont", o->soundfont, "SoundFont for audio (default: the General MIDI one)");
  app.add_flag("--store", o->store, "Add the piece to the catalog, with its provenance and terms");
  app.add_flag("--commercial", o->commercial, "Refuse weights that may not be used commercially");
  app.add_option(
         "-o,--output", o->out,
         ".mid .musicxml .wav .flac .mp3 .ogg .opus .m4a .png .svg; several may be named; - = MIDI to standard output; "
         ".png of a model that draws pictures is a sheet of them")
      ->required();
  app.callback([o, drums, &context] {
    o->with_drums = drums->count() > 0;
    if (o->drums == "any") o->drums.clear();
    run(*o, context);
  });
}

}  // namespace euterpe
