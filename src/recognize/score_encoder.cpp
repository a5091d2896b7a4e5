#include "recognize/score_encoder.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace euterpe {

ScoreEncoder ScoreEncoder::load(std::string_view name) {
  Model model = find_model(name);
  const std::string task = model.card.value("task", "");
  if (task != "score-encoder" || !model.card.contains("options"))
    throw Error(Category::unsupported, "load_model",
                fmt::format("{}: its task is \"{}\", not \"score-encoder\"", model.name, task),
                "`euterpe models` lists what there is.");
  NoteEncoder network(transformer_options(model.card["options"]), model.weights());
  return {std::move(model), std::move(network)};
}

std::vector<std::vector<float>> ScoreEncoder::embed(const Score& score, unsigned hide) const {
  const auto notes = note_sequence(score);
  std::vector<NoteTokens> windows;
  for (const auto& [begin, end] : note_windows(notes.size(), static_cast<std::size_t>(network_.options().context))) {
    const std::span window(notes.data() + begin, end - begin);
    windows.push_back(note_tokens(window, {.hide = hide}));
  }
  return network_.embed(windows);
}

}  // namespace euterpe
