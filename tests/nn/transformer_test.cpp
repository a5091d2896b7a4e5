#include "nn/transformer.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace euterpe {
namespace {

const nlohmann::json kGood{{"vocabulary", 100}, {"d_model", 32}, {"layers", 2},     {"heads", 2},
                           {"ff", 48},          {"context", 64}, {"musical", true}, {"dropout", 0.25}};

TEST(TransformerOptions, survive_the_card) {
  const TransformerOptions o = transformer_options(kGood);
  EXPECT_EQ(to_json(o), kGood);
  EXPECT_EQ(o.heads, 2);
  EXPECT_TRUE(o.musical);
  EXPECT_EQ(o.dropout, 0.25);
}

TEST(TransformerOptions, that_make_no_network_are_refused_by_name) {
  auto refused = [](const char* key, nlohmann::json value) {
    auto card = kGood;
    card[key] = std::move(value);
    try {
      transformer_options(card);
      ADD_FAILURE() << card.dump();
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::bad_input);
      EXPECT_NE(e.detail().find(key), std::string::npos) << e.detail();
    }
  };
  for (const char* key : {"vocabulary", "d_model", "layers", "heads", "ff", "context"}) {
    refused(key, 0);
    refused(key, "32");
    refused(key, 1.5);
    refused(key, 4294967296 + 32);  // would be 32 in 32 bits
    auto card = kGood;
    card.erase(key);
    EXPECT_THROW(transformer_options(card), Error) << key;
  }
  refused("d_model", 34);  // 17 a head cannot be rotated in pairs
  refused("dropout", 1.0);
  refused("dropout", "none");
  EXPECT_THROW(transformer_options("no object"), Error);
}

}  // namespace
}  // namespace euterpe
