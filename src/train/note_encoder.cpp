#include "train/note_encoder.hpp"

#include <torch/torch.h>

#include <cmath>
#include <map>

#include "base/error.hpp"
#include "base/parallel.hpp"
#include "nn/note_encoder_module.hpp"
#include "train/note_masking.hpp"
#include "train/trainer.hpp"

namespace euterpe {
namespace {

constexpr double kMostNotes = 3000;  // of one piece count when pieces are drawn: a symphony is one piece, too

struct Source {
  std::vector<const NotePiece*> pieces;
  std::vector<double> weights;
  double notes = 0;
};
using Sources = std::map<std::string, Source>;

Sources sources_of(std::span<const NotePiece> pieces, bool held_out) {
  Sources sources;
  for (const NotePiece& piece : pieces) {
    constexpr std::size_t kFewest = 8;
    if (piece.held_out != held_out || piece.notes.size() < kFewest) continue;
    Source& source = sources[piece.source];
    source.pieces.push_back(&piece);
    source.weights.push_back(std::min(kMostNotes, static_cast<double>(piece.notes.size())));
    source.notes += static_cast<double>(piece.notes.size());
  }
  return sources;
}

NoteVariation draw_variation(const NotePiece& piece, Random& random) {
  NoteVariation v;
  v.semitones = static_cast<int>(random.below(12)) - 6;
  v.tempo = std::exp(random.uniform(-0.1, 0.1));
  v.velocity = static_cast<int>(std::lround(4 * random.normal()));
  constexpr double kNoMeter = 0.3, kNoSeconds = 0.2, kNoVelocity = 0.2, kNoProgram = 0.3;
  if (!piece.meter || random.uniform() < kNoMeter)
    v.hide |= kHideMeter;
  else if (random.uniform() < kNoSeconds)
    v.hide |= kHideSeconds;
  if (random.uniform() < kNoVelocity) v.hide |= kHideVelocity;
  if (random.uniform() < kNoProgram) v.hide |= kHideProgram;
  return v;
}

MaskedNotes draw_window(const Source& source, std::size_t longest, double share, Random& random) {
  const NotePiece& piece = *source.pieces[random.weighted(source.weights)];
  const std::size_t length = std::min(longest, piece.notes.size());
  const std::size_t begin = random.below(piece.notes.size() - length + 1);
  const std::span window(piece.notes.data() + begin, length);
  return mask_notes(note_tokens(window, draw_variation(piece, random)), share, random);
}

struct Answers {
  torch::Tensor loss;
  double pitch_nats = 0, pitch_right = 0, pitches = 0;
};

double weight_of(NoteAttribute attribute) {
  switch (attribute) {
    case NoteAttribute::pitch:
      return 1.0;
    case NoteAttribute::velocity:
      return 0.2;
    case NoteAttribute::position:
      return 0.25;
    default:
      return 0.4;
  }
}

/// Weighted sum over the attributes of the mean cross entropy of their masked notes.
Answers answer(const NoteEncoderModule& network, const std::vector<MaskedNotes>& windows, Random* random) {
  std::vector<const NoteTokens*> tokens;
  for (const MaskedNotes& w : windows) tokens.push_back(&w.tokens);
  const NoteBatch batch = note_batch(tokens, network->options);
  const std::int64_t notes = batch.classes.size(1);
  std::map<NoteAttribute, std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>>> targets;
  for (std::size_t w = 0; w < windows.size(); ++w)
    for (const auto& t : windows[w].targets) {
      auto& [rows, classes] = targets[t.attribute];
      rows.push_back(static_cast<std::int64_t>(w) * notes + t.note);
      classes.push_back(t.answer - note_class_offset(t.attribute));
    }
  const auto x =
      note_norm(network->run(network->embed(batch), batch, 0, network->options.layers, random), network->final_norm)
          .reshape({-1, network->options.d_model});
  Answers out{torch::zeros({}), 0, 0, 0};
  for (auto& [attribute, target] : targets) {
    auto& [rows, classes] = target;
    const auto count = static_cast<std::int64_t>(rows.size());
    const std::int64_t offset = note_class_offset(attribute);
    const auto index = torch::from_blob(rows.data(), {count}, torch::kInt64).clone();
    const auto truth = torch::from_blob(classes.data(), {count}, torch::kInt64).clone();
    const auto vectors =
        network->embedding.slice(0, offset, offset + kNoteClasses[static_cast<std::size_t>(attribute)]);
    const auto logits = torch::linear(x.index_select(0, index), vectors);
    const auto nats = torch::nn::functional::cross_entropy(logits, truth);
    out.loss = out.loss + weight_of(attribute) * nats;
    if (attribute == NoteAttribute::pitch && !random) {
      out.pitches = static_cast<double>(count);
      out.pitch_nats = nats.item<double>() * out.pitches;
      out.pitch_right = logits.argmax(1).eq(truth).sum().item<double>();
    }
  }
  return out;
}

}  // namespace

Safetensors train_note_encoder(std::span<const NotePiece> pieces, const NoteEncoderTraining& options,
                               NoteEncoderReport* report) {
  at::set_num_threads(threads());
  torch::manual_seed(options.seed);
  NoteEncoderModule network(transformer_options(to_json(options.network)));
  const Sources train = sources_of(pieces, false), valid = sources_of(pieces, true);
  if (train.empty() || valid.empty())
    throw Error(Category::bad_input, "train_note_encoder",
                "the corpus holds no piece to learn from, or none to validate on");
  std::vector<const Source*> sources;
  std::vector<double> weights;
  for (const auto& [name, source] : train) {
    sources.push_back(&source);
    weights.push_back(std::sqrt(source.notes));
  }
  const auto context = static_cast<std::size_t>(options.network.context);
  constexpr int kValidationWindows = 16;
  std::map<std::string, std::vector<MaskedNotes>> validation;
  Random fixed(0x5eed);
  for (const auto& [name, source] : valid)
    for (int i = 0; i < kValidationWindows; ++i)
      validation[name].push_back(draw_window(source, context, options.share, fixed));

  auto validate = [&](NoteEncoderReport* details) {
    torch::NoGradGuard guard;
    double sum = 0;
    for (const auto& [name, windows] : validation) {
      const Answers a = answer(network, windows, nullptr);
      sum += a.loss.item<double>();
      if (details && a.pitches > 0)
        details->pitch_by_source.push_back({name, {a.pitch_nats / a.pitches, a.pitch_right / a.pitches}});
    }
    return sum / static_cast<double>(validation.size());
  };

  TrainingTask task;
  task.unit = "notes";
  task.recipe = {{"network", to_json(options.network)},
                 {"notes", options.notes},
                 {"share", options.share},
                 {"corpus", options.corpus}};
  for (auto& p : network->named_parameters()) task.parameters.emplace_back(p.key(), p.value());
  task.loss = [&](Random& random, std::int64_t& items) {
    // Short windows cost less attention, and many tasks have short pieces.
    const std::size_t longest = random.below(2) == 0 ? context : context / 2;
    std::vector<MaskedNotes> windows;
    for (std::size_t seen = 0; seen + longest / 2 <= static_cast<std::size_t>(options.notes); seen += longest) {
      windows.push_back(draw_window(*sources[random.weighted(weights)], longest, options.share, random));
      items += static_cast<std::int64_t>(windows.back().tokens.size());
    }
    return answer(network, windows, &random).loss;
  };
  task.validate = [&] { return validate(nullptr); };

  TrainerOptions trainer;
  trainer.folder = options.run;
  trainer.seed = options.seed;
  trainer.steps = options.steps;
  trainer.learning_rate = options.learning_rate;
  trainer.warmup = std::min<std::int64_t>(200, options.steps / 10 + 1);
  trainer.evaluate_every = options.evaluate_every;
  trainer.checkpoint_every = options.checkpoint_every;
  trainer.seconds = options.seconds;
  const TrainingReport result = run_training(task, trainer);
  if (report) {
    report->steps = result.steps;
    report->best_step = result.best_step;
    report->parameters = parameter_count(options.network);
    report->best_validation = result.best_validation;
    report->seconds = result.seconds;
    report->notes_per_second = result.items_per_second;
    validate(report);
  }
  Safetensors weights_file;
  put_parameters(*network, weights_file);
  return weights_file;
}

}  // namespace euterpe
