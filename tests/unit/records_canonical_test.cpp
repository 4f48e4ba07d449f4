#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "adapters/records/canonical.hpp"

namespace banyan::records {
namespace {

struct Case {
  const char* given;
  const char* expected;
};

// What `SELECT x::jsonb::text` answers.
TEST(CanonicalText, IsWhatPostgresqlPrints) {
  const std::vector<Case> cases{
      {R"({})", R"({})"},
      {R"([])", R"([])"},
      {R"({"a":[]})", R"({"a": []})"},
      {R"({"bb":1,"a":2,"ab":3})", R"({"a": 2, "ab": 3, "bb": 1})"},
      {R"({"é":1,"zz":2,"z":3})", R"({"z": 3, "zz": 2, "é": 1})"},
      {R"({"x":{"long":true,"no":false},"y":null})", R"({"x": {"no": false, "long": true}, "y": null})"},
      {R"([1,-2,9223372036854775807,18446744073709551615])", R"([1, -2, 9223372036854775807, 18446744073709551615])"},
      {R"("quote \" back \\ slash / tab \t line \n \r \b \f")",
       R"("quote \" back \\ slash / tab \t line \n \r \b \f")"},
      {R"("\u0001\u001f\u007f")", "\"\\u0001\\u001f\x7F\""},
      {R"("\u00e9 \ud83d\ude00")", "\"é 😀\""},
  };
  for (const Case& c : cases) EXPECT_EQ(canonical_text(Json::parse(c.given)), c.expected) << c.given;
}

TEST(CanonicalText, RefusesFloatingPointNumbers) {
  EXPECT_THROW(canonical_text(Json(1.5)), std::logic_error);
}

// Values from `('x' || left(md5($1::jsonb::text), 16))::bit(64)::bigint`.
TEST(ContentHash, IsWhatTheDatabaseComputes) {
  EXPECT_EQ(content_hash(Json::object()), -7381035218815976880);
  EXPECT_EQ(content_hash(Json{{"name", "Ada"}, {"active", true}}),
            content_hash(Json{{"active", true}, {"name", "Ada"}}));
  EXPECT_NE(content_hash(Json{{"name", "Ada"}}), content_hash(Json{{"name", "ada"}}));
}

TEST(Empty, AreNullEmptyTextAndEmptyList) {
  for (const Json& value : {Json(nullptr), Json(""), Json::array()}) EXPECT_TRUE(is_empty(value)) << value;
  for (const Json& value : {Json(false), Json(0), Json(" "), Json::object(), Json::array({""})}) {
    EXPECT_FALSE(is_empty(value)) << value;
  }
}

}  // namespace
}  // namespace banyan::records
