#include "catalog/licence.hpp"

#include <gtest/gtest.h>

namespace euterpe {
namespace {

TEST(Licence, NonCommercialTermsAreKnownInAnySpelling) {
  for (const char* licence : {"CC-BY-NC-4.0", "cc-by-nc-sa-3.0", "CC BY-NC 4.0", "CC_BY_NC", "by-nc", "NC",
                              "MIT AND (CC-BY-NC-ND-4.0)", "NonCommercial", "non-commercial use only",
                              "Attribution Non Commercial", "for non_commercial purposes", "NON  COMMERCIAL",
                              "non\xE2\x80\x91"
                              "commercial"})
    EXPECT_FALSE(allows_commercial_use(licence)) << licence;
}

TEST(Licence, OtherTermsLeaveCommercialUseOpen) {
  for (const char* licence : {"CC-BY-4.0", "CC0-1.0", "MIT", "CC-BY-SA-4.0 OR MIT", "Public domain", "France, Vincent",
                              "commercial", "NCSA", "CC-BY-ND-4.0"})
    EXPECT_TRUE(allows_commercial_use(licence)) << licence;
}

TEST(Licence, WhatIsNotStatedAllowsNothing) {
  for (const char* licence : {"", "  ", "-"}) EXPECT_FALSE(allows_commercial_use(licence)) << licence;
}

}  // namespace
}  // namespace euterpe
