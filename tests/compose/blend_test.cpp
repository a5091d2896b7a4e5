#include "compose/blend.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace euterpe {
namespace {

BarGrid in_meters(const std::vector<const char*>& names) {
  BarGrid grid;
  for (const char* name : names) grid.bars.push_back({*grid_meter(name), {}});
  return grid;
}

TEST(Blend, NeedsTheSameMetersAsFarAsBothPiecesGo) {
  EXPECT_NO_THROW(require_same_meters(in_meters({"4/4", "4/4"}), in_meters({"4/4", "2/2", "3/4"})));
  EXPECT_NO_THROW(require_same_meters(in_meters({}), in_meters({"3/4"})));
  try {
    require_same_meters(in_meters({"3/4", "3/4"}), in_meters({"3/4", "6/8"}));
    FAIL() << "bars of as many sixteenths are not of one meter";
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), Category::usage);
    EXPECT_NE(e.detail().find("bar 2 is in 3/4 in the first and in 6/8 in the second"), std::string::npos)
        << e.detail();
  }
}

}  // namespace
}  // namespace euterpe
