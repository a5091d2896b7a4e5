#include "recognize/heard_clips.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <limits>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/temporary_folder.hpp"
#include "nn/safetensors.hpp"

namespace euterpe {
namespace {

constexpr int kStyles = 3;

class HeardClips : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  CnnOptions options{16, 24, {4, 6}, 5};
  std::filesystem::path path = folder / "clips.safetensors";
  std::vector<HeardClip> clips;

  void SetUp() override {
    for (int i = 0; i < 3; ++i) {
      HeardClip clip;
      clip.frames = 30;
      for (auto& levels : clip.levels) levels.assign(16 * 30, static_cast<std::uint8_t>(40 + i));
      clip.notes = {{0, 1, 30, 60, 90}, {0.5f, 1, kPercussion + 36, 36, 100}};
      clip.ensemble = i;
      clip.style = i;
      clip.drum_kit = i - 1;
      clip.tempo = 90.1 + i;
      clips.push_back(clip);
    }
    write_clips(path, clips, "a recipe");
  }
  std::vector<HeardClip> read() const { return read_clips(path, "a recipe", options, kStyles); }
  /// Whether clips are rendered again after a change to what was stored.
  bool refused(const std::function<void(Safetensors&)>& change) const {
    Safetensors file = read_safetensors(path);
    change(file);
    const auto other = folder / "changed.safetensors";
    write_safetensors(other, file);
    return read_clips(other, "a recipe", options, kStyles).empty();
  }
  static void set(Safetensors& file, const char* name, std::size_t at, float value) {
    auto values = file.floats(name);
    values[at] = value;
    file.put(name, file.at(name).shape, values);
  }
};

TEST_F(HeardClips, come_back_as_they_were_written) {
  const auto found = read();
  ASSERT_EQ(found.size(), clips.size());
  for (std::size_t i = 0; i < clips.size(); ++i) {
    EXPECT_EQ(found[i].frames, clips[i].frames);
    EXPECT_EQ(found[i].levels[0], clips[i].levels[0]);
    EXPECT_EQ(found[i].levels[1], clips[i].levels[1]);
    EXPECT_EQ(found[i].notes, clips[i].notes);
    EXPECT_EQ(found[i].ensemble, clips[i].ensemble);
    EXPECT_EQ(found[i].style, clips[i].style);
    EXPECT_EQ(found[i].drum_kit, clips[i].drum_kit);
    EXPECT_EQ(found[i].tempo, clips[i].tempo);
  }
  EXPECT_FALSE(refused([](Safetensors&) {}));
}

TEST_F(HeardClips, of_another_recipe_network_or_number_of_styles_are_not_taken) {
  EXPECT_TRUE(read_clips(path, "another recipe", options, kStyles).empty());
  EXPECT_TRUE(read_clips(path, "a recipe", {32, 24, {4}, 5}, kStyles).empty());
  EXPECT_TRUE(read_clips(path, "a recipe", {16, 31, {4}, 5}, kStyles).empty()) << "shorter than a chunk";
  EXPECT_TRUE(read_clips(path, "a recipe", options, 2).empty());
}

TEST_F(HeardClips, that_were_tampered_with_are_not_taken) {
  EXPECT_TRUE(refused([](Safetensors& f) { f.metadata.erase("format"); }));
  EXPECT_TRUE(refused([](Safetensors& f) { f.metadata.erase("tempos"); }));
  EXPECT_TRUE(refused([](Safetensors& f) { f.metadata["tempos"] = "[90"; }));
  EXPECT_TRUE(refused([](Safetensors& f) { f.metadata["tempos"] = "[90, 90, \"fast\"]"; }));
  EXPECT_TRUE(refused([](Safetensors& f) { f.tensors.erase("levels"); }));
  EXPECT_TRUE(refused([](Safetensors& f) { f.tensors["levels"].dtype = DType::i8; }));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float frames : {0.0f, 29.0f, 1e9f, -1.0f, nan})
    EXPECT_TRUE(refused([&](Safetensors& f) { set(f, "facts", 0, frames); })) << frames;
  for (const std::size_t fact : {1u, 2u, 3u, 4u})
    for (const float value : {1000.0f, -2.0f, 0.5f, nan})
      EXPECT_TRUE(refused([&](Safetensors& f) { set(f, "facts", fact, value); })) << fact << " " << value;
  EXPECT_TRUE(refused([&](Safetensors& f) { set(f, "facts", 4, 1); })) << "a note too many is left";
  for (const std::size_t fact : {0u, 1u, 2u, 3u, 4u})
    EXPECT_TRUE(refused([&](Safetensors& f) { set(f, "notes", fact, fact == 1 ? -1.0f : nan); })) << fact;
}

TEST_F(HeardClips, cut_short_or_no_such_file_at_all_are_not_taken) {
  const std::string whole = read_text(path);
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, whole.size() / 2, whole.size() - 1}) {
    std::ofstream(path, std::ios::binary) << whole.substr(0, size);
    EXPECT_TRUE(read().empty()) << size;
  }
  std::ofstream(path, std::ios::binary) << "no safetensors, but long enough to be looked at";
  EXPECT_TRUE(read().empty());
}

}  // namespace
}  // namespace euterpe
