#include "train/context_mixing.hpp"

#include <fmt/format.h>

#include <numeric>

#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"

namespace euterpe {

std::vector<double> fit_context_mixing(ContextMixing& model, std::size_t pieces, const PieceReplay& replay,
                                       const ContextFitting& options) {
  const ContextShape& shape = model.shape();
  const auto symbols = static_cast<std::size_t>(shape.symbols);
  std::vector<float> prior(static_cast<std::size_t>(shape.slots) * symbols, 0.02f);
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    model.memory().begin_piece();
    replay(piece, [&](const ChoicePoint& point, int symbol) {
      model.learn(point, symbol);
      prior[static_cast<std::size_t>(point.slot) * symbols + static_cast<std::size_t>(symbol)] += 1;
    });
  }
  model.memory().compact(options.pieces);
  for (auto row = prior.begin(); row != prior.end(); row += static_cast<std::ptrdiff_t>(symbols)) {
    const float sum = std::accumulate(row, row + static_cast<std::ptrdiff_t>(symbols), 0.0f);
    for (std::size_t s = 0; s < symbols; ++s) row[static_cast<std::ptrdiff_t>(s)] /= sum;
  }
  model.set_prior(std::move(prior));

  Progress progress("learn", static_cast<std::uint64_t>(options.epochs) * pieces, "pieces");
  std::vector<double> losses;
  std::vector<std::size_t> order(pieces);
  std::iota(order.begin(), order.end(), std::size_t{0});
  double rate = options.rate;
  for (int epoch = 0; epoch < options.epochs; ++epoch, rate *= options.decay) {
    Random random = Random::stream(options.seed, static_cast<std::uint64_t>(epoch));
    random.shuffle(order);
    double nats = 0;
    std::size_t choices = 0;
    for (const std::size_t piece : order) {
      check_interrupt();
      ContextCounts own;
      replay(piece, [&](const ChoicePoint& point, int symbol) { model.forget(point, symbol, own); });
      replay(piece, [&](const ChoicePoint& point, int symbol) {
        nats += model.train(point, symbol, own, rate);
        model.remember(point, symbol, own);
        ++choices;
      });
      progress.advance();
      progress.note(fmt::format("{:.4f} nats a choice", nats / static_cast<double>(choices)));
    }
    losses.push_back(nats / static_cast<double>(choices));
  }
  return losses;
}

}  // namespace euterpe
