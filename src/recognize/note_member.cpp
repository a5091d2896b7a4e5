#include "recognize/note_member.hpp"

#include <cmath>

#include "base/error.hpp"
#include "train/note_classifier.hpp"

namespace euterpe {

NoteMember NoteMember::fit(const NoteEncoder& encoder, std::span<const NoteMemberExample> examples,
                           std::span<const std::size_t> train, std::span<const std::size_t> valid,
                           const NoteMemberOptions& options, std::uint64_t seed) {
  std::vector<double> pieces(static_cast<std::size_t>(options.classes), 0.0);
  for (const std::size_t row : train) pieces[static_cast<std::size_t>(examples[row].label)] += 1;
  const auto chosen = [&](std::span<const std::size_t> rows, bool weighted) {
    std::vector<NoteExample> out;
    for (const std::size_t row : rows) {
      const NoteMemberExample& example = examples[row];
      const double count = pieces[static_cast<std::size_t>(example.label)];
      out.push_back({example.notes,
                     {one_hot(example.label, options.classes)},
                     weighted && options.balance ? 1 / std::sqrt(std::max(1.0, count)) : 1.0});
    }
    return out;
  };
  FineTuning tuning;
  tuning.shape.heads = {{"label", options.classes, true}};
  tuning.shape.trained_layers = options.trained_layers;
  tuning.shape.window = static_cast<std::size_t>(options.window);
  tuning.shape.hide = options.hide;
  tuning.epochs = options.epochs;
  tuning.patience = 0;
  tuning.windows_an_epoch = options.windows_an_epoch;
  tuning.semitones = options.semitones;
  tuning.learning_rate = options.learning_rate;
  tuning.seed = seed;
  tuning.run = options.run;
  return NoteMember(
      NoteClassifier(encoder, tuning.shape, fine_tune(encoder, chosen(train, true), chosen(valid, false), tuning)));
}

NoteMember NoteMember::from(const NoteEncoder& encoder, const nlohmann::json& options, const Safetensors& file,
                            const std::string& prefix) {
  const NoteClassifierShape shape = note_classifier_shape(options);
  if (!shape.heads.front().probabilities)
    throw Error(Category::bad_input, "note_member", "the card's head gives no probabilities");
  return NoteMember(NoteClassifier(encoder, shape, file, prefix));
}

nlohmann::json NoteMember::options() const { return to_json(classifier_->shape()); }

void NoteMember::put(Safetensors& file, const std::string& prefix) const { classifier_->put(file, prefix); }

std::vector<double> NoteMember::probabilities(std::span<const SequenceNote> notes) const {
  return classifier_->piece(notes).front();
}

}  // namespace euterpe
