#pragma once
/// A composer whose weights are random: it knows no music, so what its pieces keep to is what the program guarantees.
#include <string>
#include <vector>

#include "base/random.hpp"
#include "nn/model.hpp"
#include "nn/transformer.hpp"
#include "score/tokenizer.hpp"

namespace euterpe::test {

inline void save_tiny_composer(const std::filesystem::path& folder, int context = 96, std::uint64_t seed = 1) {
  TransformerOptions o;
  o.vocabulary = RemiVocabulary::size();
  o.d_model = 32;
  o.layers = 1;
  o.heads = 2;
  o.ff = 32;
  o.context = context;
  Random random(seed);
  Safetensors file;
  auto matrix = [&](const std::string& name, std::int64_t rows, std::int64_t columns) {
    std::vector<float> values(static_cast<std::size_t>(rows * columns));
    for (float& v : values) v = static_cast<float>(0.15 * random.normal());
    file.put(name, {rows, columns}, values, DType::bf16);
  };
  const std::vector<float> ones(32, 1.0f);
  matrix("embedding", o.vocabulary, 32);
  file.put("final_norm", {32}, ones);
  file.put("block0.attention_norm", {32}, ones);
  file.put("block0.ff_norm", {32}, ones);
  matrix("block0.qkv", 96, 32);
  matrix("block0.attention_out", 32, 32);
  matrix("block0.ff_in", 64, 32);
  matrix("block0.ff_out", 32, 32);
  save_model(folder, file,
             {{"name", folder.filename().string()},
              {"task", "compose"},
              {"network", "transformer"},
              {"options", to_json(o)},
              {"tokenizer", RemiVocabulary::kName},
              {"styles", {"chorale", "folk", "drums"}},
              {"varieties", {"folk/jig", "drums/funk"}},
              {"emotions", true},
              {"data", {{{"name", "made"}, {"licence", "CC0-1.0"}}}},
              {"commercial", true}});
}

}  // namespace euterpe::test
