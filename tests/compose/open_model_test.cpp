#include <gtest/gtest.h>

#include <string>

#include "base/error.hpp"
#include "base/temporary_folder.hpp"
#include "compose/compose.hpp"
#include "compose/tiny_composer.hpp"

namespace euterpe {
namespace {

TEST(OpenComposer, refuses_a_model_that_composes_nothing_and_says_what_its_card_says) {
  const TemporaryFolder folder;
  test::save_tiny_composer(folder / "tiny");
  Model model = find_model((folder / "tiny").string());
  const auto refused = [&](const char* key, const nlohmann::json& value, const std::string& words) {
    Model other = model;
    other.card[key] = value;
    try {
      const Composer composer(other);
      ADD_FAILURE() << key << " " << value;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::bad_input);
      EXPECT_NE(e.detail().find(words), std::string::npos) << e.detail();
    }
  };
  EXPECT_EQ(Composer(model).model().name, "tiny");
  refused("task", "style-score", "task \"style-score\"");
  refused("tokenizer", nullptr, "tokenizer \"\"");  // as recognizers have it
  refused("tokenizer", "morse", "tokenizer \"morse\"");
  refused("tokenizer", "voices", "network \"transformer\", tokenizer \"voices\"");
  refused("network", "context-mixing", "network \"context-mixing\", tokenizer \"remi.v2\"");
}

}  // namespace
}  // namespace euterpe
