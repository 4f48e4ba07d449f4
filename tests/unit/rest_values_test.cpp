// Values between the wire and the port: pointers, numbers, times, links, templates, rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "adapters/legacy/rest/fields.hpp"
#include "adapters/legacy/rest/link_header.hpp"
#include "adapters/legacy/rest/pointer.hpp"
#include "adapters/legacy/rest/row.hpp"
#include "adapters/legacy/rest/template_text.hpp"
#include "adapters/legacy/rest/time_form.hpp"
#include "adapters/legacy/rest/wire_json.hpp"

namespace banyan::legacy::rest {
namespace {

using testing::HasSubstr;
using Kind = TimeForm::Kind;
using Type = FieldForm::Type;
using std::chrono::microseconds;
using std::chrono::minutes;

Pointer at(const std::string& text) {
  return Pointer::parse(text).value();
}

TEST(Pointer, FindsAndPutsWhereItPoints) {
  Json document = Json::parse(R"({"a": {"b/c": [10, {"~d": 11}]}})");
  EXPECT_EQ(*at("/a/b~1c/1/~0d").find(document), 11);
  EXPECT_EQ(*at("").find(document), document);
  for (const char* absent : {"/b", "/a/b~1c/2", "/a/b~1c/01", "/a/b~1c/-", "/a/b~1c/0/x"}) {
    EXPECT_EQ(at(absent).find(document), nullptr) << absent;
  }
  EXPECT_TRUE(at("/x/y").put(document, 1));
  EXPECT_TRUE(at("/a/b~1c/0").put(document, 12));
  EXPECT_FALSE(at("/x/y/z").put(document, 1));
  at("/a/b~1c/1/~0d").erase(document);
  EXPECT_EQ(document, Json::parse(R"({"a": {"b/c": [12, {}]}, "x": {"y": 1}})"));
  for (const char* text : {"a", "/~", "/~2"}) EXPECT_FALSE(Pointer::parse(text)) << text;
}

TEST(WireJson, KeepsTheDigitsOfEveryNumber) {
  const std::string text = R"({"a":12500.50,"b":[123456789012345678901234567890,-0.0,1E+2],"c":"é","d":-7,"e":null})";
  const auto parsed = parse_wire(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(wire_text(*parsed), text);
  EXPECT_EQ(without_raw_numbers(*parsed)["a"], "12500.50");
}

TEST(WireJson, SaysWhereItBreaks) {
  EXPECT_EQ(parse_wire("[1, 2").error(), "it ends too early at byte 5");
  EXPECT_EQ(parse_wire("").error(), "it ends too early at byte 0");
  EXPECT_FALSE(parse_wire("1e400"));
  EXPECT_EQ(parse_wire("<html>").error(), "no JSON at byte 1");
  EXPECT_EQ(parse_wire(std::string(100'000, '[')).error(), "nested deeper than 64 levels");
  EXPECT_THAT(parse_wire("\xff").error(), HasSubstr("no JSON at byte"));
}

TEST(WireJson, KnowsWhichTextCameInAnotherEncoding) {
  EXPECT_EQ(broken_text_in(*parse_wire(R"(["é", {"a": "\ud83d\ude00 \u0000 \\ud800"}, 1.5])")), std::nullopt);
  EXPECT_EQ(broken_text_in(*parse_wire("\"\xEF\xB7\x90\"")), std::nullopt) << "U+FDD0 is UTF-8";
  EXPECT_EQ(broken_text_in(*parse_wire("[\"a\", {\"b\": \"caf\xe9\"}]")), "/1/b");
  EXPECT_EQ(broken_text_in(*parse_wire("{\"b\": \"\xc0\xaf\"}")), "/b") << "overlong";
  EXPECT_EQ(broken_text_in(*parse_wire("{\"b\": \"\xed\xa0\x80\"}")), "/b") << "a surrogate";
  EXPECT_EQ(broken_text_in(*parse_wire(R"({"b": "\ud83d!"})")), "/b");
  EXPECT_EQ(broken_text_in(*parse_wire(R"({"b": "\ude00\ud83d"})")), "/b");
  EXPECT_EQ(wire_text(*parse_wire("{\"na\xefve\": \"caf\xe9\"}")), "{\"na\uFFFDve\":\"caf\uFFFD\"}");
  EXPECT_FALSE(parse_wire("[\"caf\xe9\", 1")) << "broken in two ways";
}

struct TimeCase {
  TimeForm form;
  const char* text;
  const char* moment;  // as in cursors; null: refused
};

TEST(TimeForm, ReadsWhatIsOfItsFormAndNothingElse) {
  const TimeForm iso;
  const TimeForm east{Kind::iso, "", minutes(120), microseconds(1'000'000)};
  const TimeForm pattern{Kind::pattern, "%d-%b-%Y %H:%M", minutes(-300), microseconds(60'000'000)};
  const TimeForm seconds{Kind::epoch_seconds, "", minutes(0), microseconds(1)};
  const TimeForm millis{Kind::epoch_millis, "", minutes(0), microseconds(1'000)};
  const std::vector<TimeCase> cases{
      {iso, "2026-11-01T12:00:00Z", "2026-11-01T12:00:00.000000Z"},
      {iso, "2026-11-01 12:00:00.123456789", "2026-11-01T12:00:00.123456Z"},
      {iso, "2026-11-01T12:00:00+02:00", "2026-11-01T10:00:00.000000Z"},
      {iso, "2026-11-01T12:00:00-0330", "2026-11-01T15:30:00.000000Z"},
      {iso, "9999-12-31", "9999-12-31T00:00:00.000000Z"},
      {iso, "2026-02-29", nullptr},
      {iso, "2026-11-01T24:00:00Z", nullptr},
      {iso, "2026-11-01T12:00:00Zulu", nullptr},
      {iso, "0000-00-00", nullptr},
      {iso, "", nullptr},
      {east, "2026-11-01T12:00:00", "2026-11-01T10:00:00.000000Z"},
      {east, "2026-11-01T12:00:00Z", "2026-11-01T12:00:00.000000Z"},
      {pattern, "21-Nov-2026 23:59", "2026-11-22T04:59:00.000000Z"},
      {pattern, "21-Nix-2026 23:59", nullptr},
      {seconds, "1795226601.818377", "2026-11-21T02:03:21.818377Z"},
      {seconds, "-1", "1969-12-31T23:59:59.000000Z"},
      {seconds, "1e9", nullptr},
      {seconds, "999999999999999", nullptr},
      {millis, "1795226601818", "2026-11-21T02:03:21.818000Z"},
  };
  for (const TimeCase& each : cases) {
    const auto moment = parse_time(each.form, each.text);
    EXPECT_EQ(moment ? cursor_text(*moment) : "refused", each.moment == nullptr ? "refused" : each.moment) << each.text;
  }
}

TEST(TimeForm, MomentsBefore1970GoThereAndBack) {
  const TimeForm seconds{Kind::epoch_seconds, "", minutes(0), microseconds(1'000)};
  for (const char* text : {"-1795226601.818", "-1.500", "-0.001", "-1.000", "0.000", "1.250"}) {
    EXPECT_EQ(format_time(seconds, parse_time(seconds, text).value()), text);
  }
}

TEST(TimeForm, WritesInItsZoneCutToItsPrecision) {
  const Moment moment = *moment_of_cursor("2026-11-21T02:03:21.818377Z");
  const auto written = [moment](Kind kind, const char* pattern, int offset, int precision) {
    return format_time({kind, pattern, minutes(offset), microseconds(precision)}, moment);
  };
  EXPECT_EQ(written(Kind::iso, "", 0, 1'000'000), "2026-11-21T02:03:21Z");
  EXPECT_EQ(written(Kind::iso, "", 120, 1'000), "2026-11-21T04:03:21.818+02:00");
  EXPECT_EQ(written(Kind::epoch_seconds, "", 0, 1'000'000), "1795226601");
  EXPECT_EQ(written(Kind::epoch_seconds, "", 0, 1), "1795226601.818377");
  EXPECT_EQ(written(Kind::epoch_millis, "", 0, 1'000), "1795226601818");
  EXPECT_EQ(written(Kind::pattern, "%d-%b-%Y %H:%M:%S.%f %z", -330, 10'000), "20-Nov-2026 20:33:21.81 -0530");
  EXPECT_EQ(format_time({Kind::iso, "", minutes(0), microseconds(1'000'000)}, Moment(microseconds(-1))),
            "1969-12-31T23:59:59Z");
}

TEST(LinkHeader, FindsTheRelationAmongOthers) {
  EXPECT_EQ(link_target(R"(</a?x=1,2>; rel="prev last"; title="a, \"b\"", </b>; rel=next)", "next"), "/b");
  EXPECT_EQ(link_target(R"(<https://h/c>;REL="NEXT";rel=prev)", "next"), "https://h/c");
  EXPECT_EQ(link_target(R"(</a>; rel="nextish")", "next"), std::nullopt);
  for (const char* broken : {"", "next", "</a", "</a>; rel=\"next", "</a> rel=next", "</a>; rel"}) {
    EXPECT_EQ(link_target(broken, "next"), std::nullopt) << broken;
  }
}

TEST(LinkHeader, TargetsAreRelativeToTheRequest) {
  const std::string url = "https://h:1/api/list?page=1";
  EXPECT_EQ(resolve_target(url, "https://x/y"), "https://x/y");
  EXPECT_EQ(resolve_target(url, "//x/y"), "https://x/y");
  EXPECT_EQ(resolve_target(url, "/y?z"), "https://h:1/y?z");
  EXPECT_EQ(resolve_target(url, "?page=2"), "https://h:1/api/list?page=2");
  EXPECT_EQ(resolve_target(url, "more?page=2"), "https://h:1/api/more?page=2");
  EXPECT_EQ(resolve_target("https://h", "a"), "https://h/a");
}

TEST(TemplateText, ValuesCannotLeaveTheirPlaceInAPath) {
  const std::vector<std::string_view> places{"id"};
  const auto parsed = Template::parse("/a/{id}/b{{}}", places);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->fill_path({{"id", "../x?y#z/é"}}), "/a/..%2Fx%3Fy%23z%2F%C3%A9/b%7B%7D");
  EXPECT_EQ(parsed->fill({{"id", "1"}}), "/a/1/b{}");
}

TEST(Fields, HaveOneFormAtThePort) {
  struct Case {
    Type type;
    const char* wire;
    const char* port;  // null: refused
  };
  const std::vector<Case> cases{
      {Type::text, "\"a\"", "\"a\""},
      {Type::text, "7", "\"7\""},
      {Type::text, "{}", nullptr},
      {Type::integer, "\"12\"", "12"},
      {Type::integer, "12.0", nullptr},
      {Type::integer, "1.5", nullptr},
      {Type::integer, "\"\"", "null"},
      {Type::decimal, "12500.50", "\"12500.50\""},
      {Type::decimal, "1.5e3", "\"1500\""},
      {Type::decimal, "-25e-3", "\"-0.025\""},
      {Type::decimal, "1e99", nullptr},
      {Type::decimal, "-5e60", nullptr},  // 61 digits
      {Type::decimal, "1e-60", nullptr},
      {Type::decimal, "\"much\"", nullptr},
      {Type::boolean, "1", "true"},
      {Type::boolean, "\"false\"", "false"},
      {Type::boolean, "2", nullptr},
      {Type::date, "\"2026-11-01T00:00:00Z\"", "\"2026-11-01\""},
      {Type::date, "\"0000-00-00\"", "null"},
      {Type::timestamp, "\"2026-11-01 10:00\"", "\"2026-11-01T10:00:00.000000Z\""},
      {Type::timestamp, "[]", nullptr},
      {Type::any, "{\"a\": 1.50}", "{\"a\": \"1.50\"}"},
  };
  for (const Case& each : cases) {
    FieldForm field;
    field.type = each.type;
    const auto read = from_wire(field, *parse_wire(each.wire));
    EXPECT_EQ(read.has_value(), each.port != nullptr) << each.wire;
    if (read && each.port != nullptr) {
      EXPECT_EQ(*read, Json::parse(each.port)) << each.wire;
    }
  }
}

TEST(Fields, GoBackAsTheSystemWritesThem) {
  FieldForm day;
  day.type = Type::date;
  day.time = {Kind::epoch_seconds, "", minutes(120), microseconds(1'000'000)};
  const auto wire = to_wire(day, "2026-11-01");
  EXPECT_EQ(*wire, 1'793'484'000);  // midnight two hours ahead of UTC
  EXPECT_EQ(*from_wire(day, *wire), "2026-11-01");
  FieldForm amount;
  amount.type = Type::decimal;
  EXPECT_EQ(wire_text(*to_wire(amount, "12500.50")), "12500.50");
  amount.as_text = true;
  EXPECT_EQ(wire_text(*to_wire(amount, "12500.50")), "\"12500.50\"");
  FieldForm active;
  active.type = Type::boolean;
  active.words = {"N", "Y"};
  EXPECT_EQ(*to_wire(active, true), "Y");
  EXPECT_EQ(*from_wire(active, "N"), false);
  EXPECT_FALSE(to_wire(active, "yes"));
  EXPECT_FALSE(to_wire(amount, "much"));
  EXPECT_FALSE(to_wire(day, "01.11.2026"));
}

TEST(Ids, ThatWouldChangeAPathAreNone) {
  IdForm text;
  text.number = false;
  for (const char* id : {"", ".", "..", "a\nb"}) EXPECT_FALSE(is_id(text, id)) << id;
  EXPECT_TRUE(is_id(text, "a/b"));
  IdForm number;
  for (const char* id : {"", "01", "1.0", "a", "99999999999999999999"}) EXPECT_FALSE(is_id(number, id)) << id;
  EXPECT_LT(compare_ids(number, "9", "10"), 0);
  EXPECT_GT(compare_ids(text, "9", "10"), 0);
}

}  // namespace
}  // namespace banyan::legacy::rest
