#include "base/config.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "base/error.hpp"

namespace euterpe {
namespace {

class ConfigTest : public ::testing::Test {
 protected:
  std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("euterpe-config-" + std::to_string(::getpid()) + ".toml");
  Config config;

  void SetUp() override {
    config.declare("threads", "0", "how many");
    config.declare("compose.top-p", "0.95", "nucleus");
    config.declare("compose.style", "folk", "which");
    config.declare("loud", "no", "whether");
  }
  void TearDown() override {
    std::filesystem::remove(file);
    ::unsetenv("EUTERPE_COMPOSE_TOP_P");
    ::unsetenv("EUTERPE_THREADS");
  }
  void write(const std::string& text) { std::ofstream(file) << text; }
  ConfigEntry entry(const std::string& key) const {
    for (const ConfigEntry& e : config.entries())
      if (e.key == key) return e;
    ADD_FAILURE() << key;
    return {};
  }
  /// Loads the file, which must be refused; the error's detail.
  std::string refusal() {
    try {
      config.load_file(file);
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), Category::usage);
      return e.detail();
    }
    ADD_FAILURE() << "not refused";
    return {};
  }
};

TEST_F(ConfigTest, DefaultIsOverruledByFileThenEnvironmentThenFlag) {
  EXPECT_EQ(entry("compose.top-p").origin, "default");
  write("threads = 3\n\n[compose]\ntop-p = 0.5\n");
  config.load_file(file);
  EXPECT_DOUBLE_EQ(config.number("compose.top-p"), 0.5);
  EXPECT_EQ(entry("compose.top-p").origin, "file " + file.string() + ":4");
  ::setenv("EUTERPE_COMPOSE_TOP_P", "0.25", 1);
  config.load_environment();
  EXPECT_DOUBLE_EQ(config.number("compose.top-p"), 0.25);
  EXPECT_EQ(entry("compose.top-p").origin, "environment EUTERPE_COMPOSE_TOP_P");
  config.set_flag("compose.top-p", "0.125", "--top-p");
  EXPECT_DOUBLE_EQ(config.number("compose.top-p"), 0.125);
  EXPECT_EQ(entry("compose.top-p").origin, "flag --top-p");
  EXPECT_EQ(config.integer("threads"), 3);
  EXPECT_EQ(config.text("compose.style"), "folk");
}

TEST_F(ConfigTest, EntriesAreSortedByKey) {
  const auto all = config.entries();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].key, "compose.style");
  EXPECT_EQ(all[3].key, "threads");
}

TEST_F(ConfigTest, UnknownKeyNamesFileAndLineAndChangesNothing) {
  write("threads = 7\n[compose]\nflavor = 'x'\n");
  EXPECT_EQ(refusal(), file.string() + ":3: unknown key 'compose.flavor'");
  EXPECT_EQ(config.integer("threads"), 0);
}

TEST_F(ConfigTest, BrokenTomlNamesThePlace) {
  write("threads = 1\nloud = = 2\n");
  EXPECT_TRUE(refusal().starts_with(file.string() + ":2:")) << refusal();
}

TEST_F(ConfigTest, AListIsRefused) {
  write("threads = [1, 2]\n");
  EXPECT_NE(refusal().find("'threads' must be"), std::string::npos);
}

TEST_F(ConfigTest, AMissingFileIsNotFound) {
  try {
    config.load_file(file);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::not_found);
  }
}

TEST_F(ConfigTest, AValueThatDoesNotConvertNamesKeyValueAndOrigin) {
  ::setenv("EUTERPE_THREADS", "4x", 1);
  config.load_environment();
  try {
    config.integer("threads");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.detail(), "threads = '4x' (environment EUTERPE_THREADS): expected a whole number");
  }
  config.set_flag("compose.top-p", "nan", "--top-p");
  EXPECT_THROW(config.number("compose.top-p"), Error);
  EXPECT_THROW(config.flag("compose.top-p"), Error);
}

TEST_F(ConfigTest, TruthHasThreeSpellings) {
  for (const char* yes : {"true", "1", "yes"}) {
    config.set_flag("loud", yes, "--loud");
    EXPECT_TRUE(config.flag("loud"));
  }
  for (const char* no : {"false", "0", "no"}) {
    config.set_flag("loud", no, "--loud");
    EXPECT_FALSE(config.flag("loud"));
  }
}

}  // namespace
}  // namespace euterpe
