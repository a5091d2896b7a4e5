#pragma once
/// Learns counts and mixing weights of a context mixing model.
#include <cstdint>
#include <functional>
#include <vector>

#include "nn/context_mixing.hpp"

namespace euterpe {

using ChoiceVisitor = std::function<void(const ChoicePoint& point, int symbol)>;
/// Goes through the choices of a piece in order.
using PieceReplay = std::function<void(std::size_t piece, const ChoiceVisitor& visit)>;

struct ContextFitting {
  int epochs = 6;
  double rate = 0.002;  ///< of the first epoch
  double decay = 0.55;  ///< an epoch
  int pieces = 2;       ///< contexts that fewer pieces have are not kept
  std::uint64_t seed = 1;
};

/// Counts all pieces, then learns the weights: each piece is predicted from the counts of all others and of its own
/// past, so that the weights trust contexts as far as they serve a piece not seen before. One thread; the same seed
/// gives the same weights. \return mean nats a choice of each epoch
std::vector<double> fit_context_mixing(ContextMixing& model, std::size_t pieces, const PieceReplay& replay,
                                       const ContextFitting& options);

}  // namespace euterpe
