#include "base/error.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace euterpe {
namespace {

struct Row {
  Category category;
  std::string_view name;
  int exit_code;
};

constexpr std::array<Row, 9> kRows{{
    {Category::usage, "usage", 2},
    {Category::bad_input, "bad_input", 1},
    {Category::not_found, "not_found", 1},
    {Category::io, "io", 1},
    {Category::unsupported, "unsupported", 1},
    {Category::newer_version, "newer_version", 1},
    {Category::refused, "refused", 1},
    {Category::partial, "partial", 3},
    {Category::interrupted, "interrupted", 130},
}};

const Row& row(Category category) {
  for (const Row& r : kRows)
    if (r.category == category) return r;
  assertion_failed("category has a row", __FILE__, __LINE__);
}

}  // namespace

std::string_view name(Category category) { return row(category).name; }
int exit_code(Category category) { return row(category).exit_code; }

Error::Error(Category category, std::string operation, std::string detail, std::string hint)
    : category_(category), operation_(std::move(operation)), detail_(std::move(detail)), hint_(std::move(hint)) {
  what_ = "[" + operation_ + "] " + detail_;
  if (!hint_.empty()) what_ += " (" + hint_ + ")";
}

Error Error::in(std::string_view where) const {
  return Error(category_, operation_, std::string(where) + ": " + detail_, hint_);
}

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "euterpe: bug: %s:%d: assertion failed: %s\n", file, line, expression);
  std::abort();
}

}  // namespace euterpe
