#include "nn/transformer.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace euterpe {
namespace {

void check(bool ok, const char* option, const std::string& rule) {
  if (!ok) throw Error(Category::bad_input, "transformer_options", fmt::format("{} {}", option, rule));
}

}  // namespace

TransformerOptions transformer_options(const nlohmann::json& json) {
  TransformerOptions o;
  auto integer = [&](const char* key, int& value, int low, int high) {
    check(json.contains(key) && json[key].is_number_integer(), key, "is missing or no whole number");
    const auto given = json[key].get<std::int64_t>();
    check(given >= low && given <= high, key, fmt::format("is {}, must be {} to {}", given, low, high));
    value = static_cast<int>(given);
  };
  integer("vocabulary", o.vocabulary, 2, 1 << 20);
  integer("d_model", o.d_model, 8, 1 << 14);
  integer("layers", o.layers, 1, 256);
  integer("heads", o.heads, 1, 256);
  integer("ff", o.ff, 8, 1 << 16);
  integer("context", o.context, 2, 1 << 16);
  // The decoder multiplies sixteen columns at a time; better said here than after hours of training.
  check(o.d_model % 16 == 0, "d_model", "must be a multiple of 16");
  check(o.ff % 16 == 0, "ff", "must be a multiple of 16");
  check(o.d_model % (2 * o.heads) == 0, "d_model", "must be an even multiple of heads");
  if (json.contains("musical")) {
    check(json["musical"].is_boolean(), "musical", "is not true or false");
    o.musical = json["musical"].get<bool>();
  }
  if (json.contains("dropout")) {
    check(json["dropout"].is_number(), "dropout", "is no number");
    o.dropout = json["dropout"].get<double>();
  }
  check(o.dropout >= 0 && o.dropout < 1, "dropout", "must be in [0, 1)");
  return o;
}

nlohmann::json to_json(const TransformerOptions& o) {
  return {{"vocabulary", o.vocabulary}, {"d_model", o.d_model}, {"layers", o.layers},  {"heads", o.heads}, {"ff", o.ff},
          {"context", o.context},       {"musical", o.musical}, {"dropout", o.dropout}};
}

std::int64_t parameter_count(const TransformerOptions& o) {
  const std::int64_t d = o.d_model, ff = o.ff;
  return o.vocabulary * d + o.layers * (4 * d * d + 3 * d * ff + 2 * d) + d;
}

}  // namespace euterpe
