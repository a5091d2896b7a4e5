#include "train/passages.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.hpp"

namespace euterpe {
namespace {

/// Before anything is read: no model and no data are there.
TEST(TrainPassages, refuses_a_number_of_runs_that_would_index_nothing) {
  const TrainerRow& row = passage_trainers().front();
  for (const double per_bar : {0.0, -1.0, 0.01, 1e6, std::numeric_limits<double>::quiet_NaN()}) {
    TrainingRequest request;
    request.out = "none-such";
    request.settings["per-bar"] = per_bar;
    try {
      row.train(request);
      ADD_FAILURE() << per_bar;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::usage) << per_bar;
      EXPECT_NE(std::string(e.what()).find("--per-bar"), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace euterpe
