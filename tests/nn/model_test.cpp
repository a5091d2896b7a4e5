#include "nn/model.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_folder.hpp"

namespace euterpe {
namespace {

namespace fs = std::filesystem;

class Models : public ::testing::Test {
 protected:
  const TemporaryFolder root;
  fs::path user = root / "user", shipped = root / "shipped";

  void SetUp() override {
    ::setenv("EUTERPE_USER_MODELS", user.c_str(), 1);
    ::setenv("EUTERPE_MODELS", shipped.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("EUTERPE_USER_MODELS");
    ::unsetenv("EUTERPE_MODELS");
  }
  static void save(const fs::path& folder, const std::string& network, float value) {
    Safetensors weights;
    weights.put("w", {1}, std::span(&value, 1));
    save_model(folder, weights, {{"name", folder.filename().string()}, {"task", "compose"}, {"network", network}});
  }
  static Category refusal(const std::string& name) {
    try {
      find_model(name).weights();
    } catch (const Error& e) {
      return e.category();
    }
    ADD_FAILURE() << name << " was accepted";
    return Category::usage;
  }
};

TEST_F(Models, AreFoundByNameTheUsersBeforeTheShipped) {
  save(shipped / "folk", "shipped", 1);
  EXPECT_EQ(find_model("folk").card["network"], "shipped");
  save(user / "folk", "own", 2);
  const Model model = find_model("folk");
  EXPECT_EQ(model.card["network"], "own");
  EXPECT_EQ(model.weights().floats("w").front(), 2);
  EXPECT_EQ(model.hash, sha256_file(user / "folk" / "model.safetensors"));
  EXPECT_EQ(model.card["format_version"], kCardVersion);
  EXPECT_EQ(find_model((shipped / "folk").string()).card["network"], "shipped");
}

TEST_F(Models, AListHoldsEachNameOnceAndPassesOverBrokenOnes) {
  save(shipped / "folk", "shipped", 1);
  save(shipped / "pop", "shipped", 1);
  save(user / "folk", "own", 1);
  write_file(user / "broken" / "card.json", std::string_view("{"));
  const auto all = list_models();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].card["network"], "own");
  EXPECT_EQ(all[1].name, "pop");
}

TEST_F(Models, AnUnknownNameListsWhatThereIs) {
  save(shipped / "folk", "shipped", 1);
  try {
    find_model("flok");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::not_found);
    EXPECT_EQ(e.hint(), "there are: folk");
  }
  EXPECT_EQ(refusal(".."), Category::not_found);
  EXPECT_EQ(refusal("./folk"), Category::not_found);
}

TEST_F(Models, ACardFromANewerVersionIsItsOwnError) {
  save(user / "folk", "own", 1);
  auto card = nlohmann::json::parse(read_text(user / "folk" / "card.json"));
  card["format_version"] = kCardVersion + 1;
  write_file(user / "folk" / "card.json", card.dump());
  EXPECT_EQ(refusal("folk"), Category::newer_version);
}

TEST_F(Models, WeightsThatAreNotTheCardsAreRefused) {
  save(user / "folk", "own", 1);
  auto bytes = read_file(user / "folk" / "model.safetensors");
  bytes.back() ^= 1;
  write_file(user / "folk" / "model.safetensors", bytes);
  EXPECT_EQ(refusal("folk"), Category::bad_input);
  fs::remove(user / "folk" / "model.safetensors");
  EXPECT_EQ(refusal("folk"), Category::not_found);
}

TEST_F(Models, WhatLiesBesideAModelStaysWhenItIsReplaced) {
  save(user / "a", "first", 1);
  write_file(user / "a" / "notes.txt", "mine");
  save(user / "a", "second", 2);
  EXPECT_EQ(find_model("a").card["network"], "second");
  EXPECT_TRUE(fs::exists(user / "a" / "notes.txt"));
  EXPECT_EQ(std::distance(fs::directory_iterator(user), fs::directory_iterator()), 1);
}

TEST_F(Models, ACardWithoutItsKeysIsRefused) {
  save(user / "folk", "own", 1);
  for (const char* text : {"", "[]", "{}", R"({"format_version": "1"})", R"({"format_version": 1, "name": 3})"}) {
    write_file(user / "folk" / "card.json", std::string_view(text));
    EXPECT_EQ(refusal("folk"), Category::bad_input) << text;
  }
}

}  // namespace
}  // namespace euterpe
