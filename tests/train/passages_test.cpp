#include "train/passages.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_folder.hpp"
#include "nn/model.hpp"
#include "score/passage_index.hpp"

namespace euterpe {
namespace {

/// Before anything is read: no model and no data are there.
TEST(TrainPassages, refuses_a_number_of_runs_that_would_index_nothing) {
  const TrainerRow& row = passage_trainers().front();
  for (const double per_bar : {0.0, -1.0, 0.01, 1e6, std::numeric_limits<double>::quiet_NaN()}) {
    TrainingRequest request;
    request.out = "none-such";
    request.settings["per-bar"] = per_bar;
    request.words["known-by"] = "";
    try {
      row.train(request);
      ADD_FAILURE() << per_bar;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::usage) << per_bar;
      EXPECT_NE(std::string(e.what()).find("--per-bar"), std::string::npos) << e.what();
    }
  }
}

/// Where the chorales are: a model that learned from them may name the index of the shipped one, whose pieces they are.
TEST(TrainPassages, names_the_index_of_a_model_that_knows_every_piece) {
  const char* data = std::getenv("EUTERPE_DATA");
  if (!data) GTEST_SKIP() << "EUTERPE_DATA is not set";
  const TemporaryFolder folder;
  Safetensors weights;
  weights.put("x", {1}, std::vector<float>{1});
  TrainingRequest request;
  request.data = data;
  request.out = folder / "mine";
  request.settings["per-bar"] = 6.5;
  request.words["known-by"] = "chorale";
  nlohmann::json card{{"name", "mine"}, {"task", "compose"}, {"network", "vae"}, {"data", {{{"name", "jsb"}}}}};
  save_model(request.out, weights, card);
  write_file(request.out / kPassageIndexName, std::string_view("of before"));
  passage_trainers().front().train(request);
  EXPECT_EQ(find_model(request.out.string()).card[kPassagesElsewhere],
            sha256_file(find_model("chorale").folder / kPassageIndexName));
  EXPECT_FALSE(std::filesystem::exists(request.out / kPassageIndexName));
  // The chorale model knows no folk tune.
  card["data"] = {{{"name", "nottingham"}}};
  save_model(request.out, weights, card);
  EXPECT_THROW(passage_trainers().front().train(request), Error);
}

}  // namespace
}  // namespace euterpe
