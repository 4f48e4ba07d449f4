#include <gtest/gtest.h>

#include "adapters/records/record.hpp"

namespace banyan::records {
namespace {

TEST(Difference, NamesOnlyFieldsThatDifferAndLeavesAbsentValuesOut) {
  const Json from{{"name", "Ada"}, {"city", "Paris"}, {"active", true}};
  const Json to{{"name", "Ada L."}, {"active", true}, {"country", "FR"}};
  const Json expected{
      {"name", {{"from", "Ada"}, {"to", "Ada L."}}}, {"city", {{"from", "Paris"}}}, {"country", {{"to", "FR"}}}};
  EXPECT_EQ(difference(from, to), expected);
}

TEST(Difference, OfEqualObjectsIsEmpty) {
  const Json data{{"tags", {"a", "b"}}};
  EXPECT_EQ(difference(data, data), Json::object());
}

TEST(Side, HasTheWordOfTheHistory) {
  EXPECT_EQ(to_string(Side::legacy), "legacy");
  EXPECT_EQ(to_string(Side::modern), "modern");
}

}  // namespace
}  // namespace banyan::records
