#include <gtest/gtest.h>

#include <array>
#include <string>

#include "gateway/base/nearest.hpp"

namespace banyan {
namespace {

TEST(EditDistance, CountsASwapOfNeighboursAsOneEdit) {
  EXPECT_EQ(edit_distance("host", "hots"), 1U);
  EXPECT_EQ(edit_distance("host", "host"), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Nearest, FindsTheWordThatASlipOfTheHandMeant) {
  const std::array<std::string, 3> known{"endpoints", "host", "request_body"};
  EXPECT_EQ(nearest("hots", known), "host");
  EXPECT_EQ(nearest("endpoint", known), "endpoints");
  EXPECT_EQ(nearest("requestbody", known), "request_body");
}

TEST(Nearest, SuggestsNothingThatIsFarAway) {
  const std::array<std::string, 2> known{"endpoints", "host"};
  EXPECT_EQ(nearest("colour", known), std::nullopt);
  EXPECT_EQ(nearest("x", known), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 'e'), known), std::nullopt);
}

}  // namespace
}  // namespace banyan
