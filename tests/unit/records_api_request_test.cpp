#include "gateway/api/record_api_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace banyan::api {
namespace {

using records::Filter;
using testing::ElementsAre;

TEST(ListQuery, TakesLimitCursorSortAndFilters) {
  const auto query = list_query(
      "limit=20&cursor=ab&sort=name,-amount&filter[stage]=lead&filter%5Bamount%5D%5Bgte%5D=10&filter[name][in]=a,b+c");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->limit, 20U);
  EXPECT_EQ(query->cursor, "ab");
  ASSERT_EQ(query->sort.size(), 2U);
  EXPECT_EQ(query->sort[1].field, "amount");
  EXPECT_TRUE(query->sort[1].descending);
  ASSERT_EQ(query->filters.size(), 3U);
  EXPECT_EQ(query->filters[0].field, "stage");
  EXPECT_EQ(query->filters[1].op, Filter::Operator::gte);
  EXPECT_THAT(query->filters[2].values, ElementsAre("a", "b c"));
}

TEST(ListQuery, IsOfLiveRecordsUnlessTombstonesAreAskedFor) {
  EXPECT_FALSE(list_query("")->deleted);
  EXPECT_FALSE(list_query("deleted=false")->deleted);
  EXPECT_TRUE(list_query("deleted=only")->deleted);
}

TEST(ListQuery, RefusesWhatItDoesNotKnow) {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"limt=1",
       "limt: an unknown parameter; expected one of limit, cursor, sort, deleted or filter[field]; did you mean "
       "\"limit\"?"},
      {"limit=ten", "limit: \"ten\"; expected a number from 1 to 200"},
      {"deleted=true", "deleted: \"true\"; expected only or false"},
      {"limit=-1", "limit: \"-1\"; expected a number from 1 to 200"},
      {"limit=1&limit=2", "limit: the parameter a second time; expected one of the two"},
      {"filter[a=1", "filter[a: a malformed filter; expected filter[field] or filter[field][operator]"},
      {"filter[a][b][c]=1", "filter[a][b][c]: a malformed filter; expected filter[field] or filter[field][operator]"},
      {"filter[a][like]=1",
       "filter[a][like]: the operator \"like\"; expected one of eq, ne, gt, gte, lt, lte, in, contains or exists"},
      {"sort=%zz", "a malformed percent-encoding; expected %xx with two hexadecimal digits"},
      {"sort=%0", "a malformed percent-encoding; expected %xx with two hexadecimal digits"},
      {"sort=%00", "a malformed percent-encoding; expected %xx with two hexadecimal digits"},
  };
  for (const auto& [query, fault] : cases) {
    const auto refused = list_query(query);
    ASSERT_FALSE(refused) << query;
    EXPECT_EQ(records::to_string(refused.error()), fault);
  }
}

TEST(Segments, AreDecodedAndNeverEmpty) {
  EXPECT_THAT(segments_below("/api/records", "/api/records").value(), ElementsAre());
  EXPECT_THAT(segments_below("/api/records", "/api/records/a%2Fb/c").value(), ElementsAre("a/b", "c"));
  EXPECT_FALSE(segments_below("/api/records", "/api/records/"));
  EXPECT_FALSE(segments_below("/api/records", "/api/records/a//b"));
  EXPECT_FALSE(segments_below("/api/records", "/api/recordsx"));
}

TEST(EntityTags, AreVersionsInQuotes) {
  const EntityTags tags = entity_tags(R"("7", W/"8" , "x", 9)");
  EXPECT_THAT(tags.versions, ElementsAre(7));
  EXPECT_THAT(tags.weak, ElementsAre(8));
  EXPECT_FALSE(tags.any);
  EXPECT_TRUE(entity_tags(" * ").any);
}

}  // namespace
}  // namespace banyan::api
