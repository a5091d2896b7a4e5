#pragma once
/// SASRec as one of the recommenders that are compared.
#include <memory>

#include "recommend/models.hpp"

namespace euterpe {

/// Settings: epochs, dropout, seed. Fitted to choose among settings it keeps what it was after each number of epochs of
/// its row's grid, so that all of them cost one training.
std::unique_ptr<ItemModel> make_sasrec();

}  // namespace euterpe
