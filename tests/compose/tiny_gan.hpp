#pragma once
/// A GAN's generator with small random weights that knows one thing: the notes of C major's chord.
#include <string>

#include "base/random.hpp"
#include "nn/gan.hpp"

namespace euterpe::test {

inline void save_tiny_gan(const std::filesystem::path& folder) {
  GanOptions o;
  o.styles = {"folk", "pop"};
  o.width = 8;
  o.blocks = 1;
  o.voices = 2;
  o.noise_piece = o.noise_phrase = 4;
  o.noise_bar = 2;
  Random random(1);
  Safetensors file;
  const auto layer = [&](const std::string& name, std::int64_t out, std::int64_t in, std::vector<float> bias = {}) {
    std::vector<float> values(static_cast<std::size_t>(out * in));
    for (float& v : values) v = static_cast<float>(0.3 * random.normal());
    file.put(name + "_weight", {out, in}, values, DType::bf16);
    bias.resize(static_cast<std::size_t>(out));
    file.put(name + "_bias", {out}, bias);
  };
  const std::int64_t c = o.width, k = o.condition(), wide = 48;
  layer("phrase", 4 * c, 8 + k);
  layer("bar", c, 2);
  layer("beats", 4 * c, c);
  layer("steps", 4 * c, c);
  file.put("place", {4, 16, c}, std::vector<float>(static_cast<std::size_t>(64 * c), 0.1F));
  layer("block0", c, 3 * c);
  layer("asked0", c, k);
  std::vector<float> chord(12, -40.0F);
  for (const std::size_t note : {0U, 4U, 7U}) chord[note] = 0;
  for (const std::string part : {"melody", "accompaniment"}) {
    std::vector<float> pitches = chord;
    if (part == "accompaniment") pitches.insert(pitches.end(), chord.begin(), chord.end());
    layer(part + "_noise", c, 2);
    layer(part + "_time", c, 3 * c);
    layer(part + "_octaves", 6 * wide, c);
    layer(part + "_pitches", part == "melody" ? 12 : 24, wide, pitches);
    layer(part + "_step", part == "melody" ? 2 : 4, c);
  }
  // [meter, minor, moved, tempo, form]
  const nlohmann::json frames = {{0, 0, 0, 120, "AABa"}, {1, 0, -2, 96, "AB"}, {2, 1, 3, 60, "A"}};
  save_model(folder, file,
             {{"name", folder.filename().string()},
              {"task", "compose"},
              {"network", "gan"},
              {"options", to_json(o)},
              {"tokenizer", nullptr},
              {"styles", o.styles},
              {"frames", {{"folk", frames}, {"pop", frames}}},
              {"data", {{{"name", "made"}, {"licence", "CC0-1.0"}}}},
              {"commercial", true}});
}

}  // namespace euterpe::test
