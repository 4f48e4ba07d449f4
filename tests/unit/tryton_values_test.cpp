#include "adapters/legacy/tryton/values.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "adapters/legacy/base64.hpp"

namespace banyan::legacy::tryton {
namespace {

struct Pair {
  std::string type;
  Json typed;
  Json plain;
};

std::vector<Pair> pairs() {
  const auto parse = [](const char* text) { return Json::parse(text); };
  return {
      {"char", "Zoë", "Zoë"},
      {"boolean", true, true},
      {"integer", 7, 7},
      {"many2one", 12, 12},
      {"float", 0.25, 0.25},
      {"numeric", parse(R"({"__class__": "Decimal", "decimal": "12500.50"})"), "12500.50"},
      {"date", parse(R"({"__class__": "date", "year": 2026, "month": 11, "day": 1})"), "2026-11-01"},
      {"timestamp",
       parse(R"({"__class__": "datetime", "year": 2026, "month": 11, "day": 1, "hour": 12, "minute": 0, "second": 9,
                 "microsecond": 818377})"),
       "2026-11-01T12:00:09.818377Z"},
      {"time", parse(R"({"__class__": "time", "hour": 9, "minute": 5, "second": 0, "microsecond": 1})"),
       "09:05:00.000001"},
      {"binary", parse(R"({"__class__": "bytes", "base64": "AAEC"})"), "AAEC"},
      {"selection", nullptr, nullptr},
      {"multiselection", parse(R"(["a", "b"])"), parse(R"(["a", "b"])")},
      {"dict", parse(R"({"colour": "red"})"), parse(R"({"colour": "red"})")},
  };
}

TEST(TrytonValues, GoBothWays) {
  for (const auto& [type, typed, plain] : pairs()) {
    EXPECT_EQ(to_plain(typed), Value<Json>(plain)) << type;
    EXPECT_EQ(to_typed(plain, type, Json()), Value<Json>(typed)) << type;
  }
}

TEST(TrytonValues, AreTakenInTheirOtherFormsToo) {
  EXPECT_EQ(to_typed("7", "many2one", Json()), Value<Json>(7));
  EXPECT_EQ(to_typed(7, "numeric", Json()), Value<Json>(Json{{"__class__", "Decimal"}, {"decimal", "7"}}));
  EXPECT_EQ(to_typed("0.5", "float", Json()), Value<Json>(0.5));
  EXPECT_EQ(to_typed("2026-11-01T12:00:09Z", "datetime", Json()).value()["microsecond"], 0);
  EXPECT_EQ(to_plain(Json{{"__class__", "timedelta"}, {"seconds", 5.0}}), Value<Json>("5"));
  EXPECT_EQ(to_plain(Json{{"__class__", "timedelta"}, {"seconds", 0.5}}), Value<Json>("0.5"));
  EXPECT_EQ(to_plain(Json{{"__class__", "bytes"}, {"base64", "AA\nEC\n"}}), Value<Json>("AAEC"));
}

TEST(TrytonValues, OfTheWrongFormAreRefused) {
  const std::vector<std::pair<std::string, Json>> wrong{{"date", "2026-13-01"},
                                                        {"date", "2026-02-30"},
                                                        {"date", "2026-1-1"},
                                                        {"date", "2026-11-01T00:00:00Z"},
                                                        {"date", 7},
                                                        {"timestamp", "2026-11-01"},
                                                        {"timestamp", "2026-11-01T25:00:00Z"},
                                                        {"timestamp", "2026-11-01T12:00:00"},
                                                        {"numeric", "1e5"},
                                                        {"numeric", "12,5"},
                                                        {"numeric", ""},
                                                        {"numeric", "1."},
                                                        {"numeric", true},
                                                        {"integer", "7a"},
                                                        {"integer", 7.5},
                                                        {"many2one", "party,7"},
                                                        {"boolean", "true"},
                                                        {"char", 7},
                                                        {"time", "9:00"},
                                                        {"float", "x"},
                                                        {"many2many", "7"},
                                                        {"many2many", Json::array({"x"})},
                                                        {"binary", 7}};
  for (const auto& [type, plain] : wrong) {
    const auto typed = to_typed(plain, type, Json::array());
    ASSERT_FALSE(typed) << type << " " << plain;
    EXPECT_LT(typed.error().size(), 200U);
  }
  for (const char* typed : {R"({"__class__": "date", "year": 2026})", R"({"__class__": "Decimal", "decimal": 5})",
                            R"({"__class__": "datetime", "year": "x"})", R"({"__class__": "timedelta"})",
                            R"({"__class__": "set"})", R"({"a": [{"__class__": "time", "hour": -1}]})"}) {
    EXPECT_FALSE(to_plain(Json::parse(typed))) << typed;
  }
}

TEST(TrytonValues, ThatAreNestedTooDeeplyAreRefused) {
  Json nested = Json::array();
  for (int i = 0; i < 40; ++i) nested = Json::array({nested});
  EXPECT_FALSE(to_plain(nested));
}

TEST(TrytonValues, ListsBecomeWhatGoesAndWhatComes) {
  const Json held = Json::array({1, 2, 3});
  EXPECT_EQ(to_typed(Json::array({3, 4}), "many2many", held).value(), Json::parse(R"([["remove",[1,2]],["add",[4]]])"));
  EXPECT_EQ(to_typed(Json::array({"1", 2, 3}), "one2many", held).value(), Json::array());
  EXPECT_EQ(to_typed(nullptr, "many2many", held).value(), Json::parse(R"([["remove",[1,2,3]]])"));
  const Json commands = Json::parse(R"([["create",[{"city":"Berlin"}]]])");
  EXPECT_EQ(to_typed(commands, "one2many", held).value(), commands);
}

TEST(TrytonStamps, AreExactToTheMicrosecond) {
  for (const std::string text :
       {"2026-11-21T07:45:57.000001Z", "1970-01-01T00:00:00.000000Z", "2000-02-29T23:59:59.999999Z"}) {
    const auto time = parse_stamp(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(format_stamp(*time), text);
    EXPECT_EQ(to_plain(typed_datetime(*time)), Value<Json>(text));
  }
}

TEST(TrytonIds, ArePositiveDecimals) {
  EXPECT_EQ(parse_id("12"), 12);
  for (const std::string text : {"", "0", "-1", "+1", "012", "1x", " 1", "9223372036854775808"}) {
    EXPECT_EQ(parse_id(text), std::nullopt) << text;
  }
}

TEST(Base64, IsThatOfRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe"), "//4=");
}

}  // namespace
}  // namespace banyan::legacy::tryton
