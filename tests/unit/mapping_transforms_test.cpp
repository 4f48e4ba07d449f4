#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "adapters/sync/transforms.hpp"
#include "tests/unit/mapping_support.hpp"

namespace banyan::sync {
namespace {

using namespace mapping_test;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Row {
  std::string field;       // as the mapping declares it
  Json legacy;             // read …
  Json canonical;          // … as this; null: held
  Json written = nullptr;  // and written as this; null: as `legacy`
};

std::string name_of(const Row& row) {
  return row.field.substr(0, row.field.find(':'));
}

void expect_row(const Row& row) {
  SCOPED_TRACE(row.field + " with " + row.legacy.dump());
  const Mapping mapping = mapping_of(account_with({row.field}));
  ASSERT_THAT(mapping.streams, SizeIs(1));
  const std::string name = name_of(row);
  const Mapped read = in(mapping, "account", {{"name", "A"}, {"x", row.legacy}});
  if (row.canonical.is_null()) {
    ASSERT_THAT(read.held, SizeIs(1));
    EXPECT_EQ(read.held[0].reason, Held::Reason::invalid);
    return;
  }
  ASSERT_THAT(read.held, IsEmpty()) << read.held[0].message;
  EXPECT_EQ(read.fields.at(name), row.canonical);
  const Mapped written = out(mapping, "account", {{name, row.canonical}}, {name});
  ASSERT_THAT(written.held, IsEmpty()) << written.held[0].message;
  EXPECT_EQ(written.fields, Json({{"x", row.written.is_null() ? row.legacy : row.written}}));
}

void expect_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) expect_row(row);
}

TEST(MappingTransforms, ChangeTexts) {
  expect_rows({
      {"code: {legacy: x, transforms: trim}", "  A 1 ", "A 1", "A 1"},
      {"code: {legacy: x, transforms: lower}", "AbÄ", "abÄ", "abÄ"},
      {"code: {legacy: x, transforms: [upper]}", "de", "DE", "DE"},
      {"code: {legacy: x, transforms: {case: {to_modern: upper, to_legacy: lower}}}", "de", "DE", "de"},
      {"code: {legacy: x, transforms: digits}", "12-34 (5)", "12345", "12345"},
      {"code: {legacy: x, transforms: {digits: {keep: \"+\"}}}", "+49 30/12", "+493012", "+493012"},
      {"code: {legacy: x, transforms: {prefix: \"tel:\"}}", "tel:12", "12"},
      {"code: {legacy: x, transforms: {prefix: \"tel:\"}}", "12", "12", "tel:12"},
      {"code: {legacy: x, transforms: {suffix: \" GmbH\"}}", "Alpha GmbH", "Alpha"},
      {"code: {legacy: x, transforms: trim}", 12, nullptr},
  });
}

TEST(MappingTransforms, DecodeHtmlEntities) {
  expect_rows({
      {"name: {legacy: x, transforms: html_entities}", "A &amp; B &lt;C&gt; &quot;D&quot; &#039;E&#039;",
       "A & B <C> \"D\" 'E'"},
      {"name: {legacy: x, transforms: html_entities}", "S&ouml;hne &#x20AC; &euro;", "Söhne € €", "Söhne € €"},
      {"name: {legacy: x, transforms: html_entities}", "AT&T &nosuch; &#xD800; & &;", "AT&T &nosuch; &#xD800; & &;",
       "AT&amp;T &amp;nosuch; &amp;#xD800; &amp; &amp;;"},
  });
}

TEST(MappingTransforms, TurnTextsIntoNumbers) {
  const std::string text = "employees: {legacy: x, transforms: integer_text}";
  expect_rows({
      {"employees: x", 12, 12},
      {text, "12", 12},
      {text, "0012", 12, "12"},
      {text, "-3", -3},
      {text, "9223372036854775807", 9223372036854775807},
      {text, "9223372036854775808", nullptr},
      {text, "twelve", nullptr},
      {text, "1.5", nullptr},
      {text, 12, nullptr},
  });
}

TEST(MappingTransforms, WriteDecimalsInTheFormOfTheLegacySystem) {
  expect_rows({
      {"revenue: x", "12.50", "12.5", "12.5"},
      {"revenue: {legacy: x, transforms: {scale: 2}}", "12.50", "12.5"},
      {"revenue: {legacy: x, transforms: {scale: 2}}", "-7.00", "-7"},
      {"revenue: {legacy: x, transforms: decimal_number}", 12.5, "12.5"},
      {"revenue: {legacy: x, transforms: decimal_number}", 0.1, "0.1"},
      {"revenue: {legacy: x, transforms: decimal_number}", 1200, "1200"},
      {"revenue: {legacy: x, transforms: {minor_units: 2}}", 1250, "12.5"},
      {"revenue: {legacy: x, transforms: {minor_units: 2}}", -5, "-0.05"},
      {"revenue: {legacy: x, transforms: {minor_units: 0}}", 5, "5"},
      {"revenue: {legacy: x, transforms: {minor_units: 2}}", 12.5, nullptr},
      {"revenue: {legacy: x, transforms: [integer_text, {minor_units: 3}]}", "1250", "1.25"},
      {"revenue: {legacy: x, transforms: {decimal_text: {point: \",\", group: \".\", digits: 2}}}", "1.234.567,50",
       "1234567.5"},
      {"revenue: {legacy: x, transforms: {decimal_text: {point: \",\"}}}", "-12,5", "-12.5"},
      {"revenue: {legacy: x, transforms: {decimal_text: {point: \",\"}}}", "12.5", nullptr},
      {"revenue: {legacy: x, transforms: [{prefix: \"EUR \"}, {scale: 2}]}", "EUR 3.10", "3.1"},
  });
}

TEST(MappingTransforms, TurnSharesOfOneIntoPercent) {
  const std::string share = "revenue: {legacy: x, transforms: [decimal_number, percent]}";
  expect_rows({
      {share, 0.2, "20"},
      {share, 1, "100"},
      {share, 0, "0"},
      {share, 0.0725, "7.25"},
      {share, -0.5, "-50"},
      {"revenue: {legacy: x, transforms: [{scale: 4}, percent]}", "0.0700", "7"},
      {"revenue: {legacy: x, transforms: percent}", 0.2, nullptr},
  });
}

TEST(MappingTransforms, HoldDecimalsThatTheLegacySideCannotHold) {
  const Mapping mapping = mapping_of(account_with({"revenue: {legacy: x, transforms: {minor_units: 2}}"}));
  const Mapped written = out(mapping, "account", {{"revenue", "12.345"}}, {"revenue"});
  ASSERT_THAT(written.held, SizeIs(1));
  EXPECT_EQ(written.held[0].message,
            "legacy field x: \"12.345\"; expected at most 2 digits after the point, and 64 bits in minor units");
  EXPECT_TRUE(written.fields.empty());
}

TEST(MappingTransforms, ReadAndWriteTimes) {
  const std::string local =
      "seen_at: {legacy: x, transforms: {timestamp_format: {pattern: \"%F %T\", offset: \"+02:00\"}}}";
  expect_rows({
      {"seen_at: {legacy: x, transforms: {epoch: s}}", 1762000000, "2025-11-01T12:26:40.000000Z"},
      {"seen_at: {legacy: x, transforms: {epoch: ms}}", 1762000000123, "2025-11-01T12:26:40.123000Z"},
      {"seen_at: {legacy: x, transforms: {epoch: us}}", -1, "1969-12-31T23:59:59.999999Z"},
      {"seen_at: {legacy: x, transforms: [integer_text, {epoch: s}]}", "0", "1970-01-01T00:00:00.000000Z"},
      {"seen_at: {legacy: x, transforms: {epoch: s}}", 9007199254740992, nullptr},
      {local, "2026-11-01 01:30:00", "2026-10-31T23:30:00.000000Z"},
      {local, "2026-11-01 24:30:00", nullptr},
      {local, "2026-11-01", nullptr},
      {"seen_at: {legacy: x, transforms: {timestamp_format: {pattern: \"%d %b %Y %H:%M%z\"}}}",
       "03 Feb 2026 04:05+01:00", "2026-02-03T03:05:00.000000Z", "03 Feb 2026 03:05+00:00"},
      {"seen_at: {legacy: x, transforms: {timestamp_format: {pattern: \"%FT%T.%f\"}}}", "2026-01-01T00:00:00.25",
       "2026-01-01T00:00:00.250000Z", "2026-01-01T00:00:00.250000"},
      {"founded: {legacy: x, transforms: {date_format: \"%d.%m.%Y\"}}", "01.11.2026", "2026-11-01"},
      {"founded: {legacy: x, transforms: {date_format: \"%m/%d/%y\"}}", "02/29/00", "2000-02-29"},
      {"founded: {legacy: x, transforms: {date_format: \"%d.%m.%Y\"}}", "31.02.2026", nullptr},
      {"founded: {legacy: x, transforms: {date_format: \"%Y%m%d\"}}", "20261101", "2026-11-01"},
  });
}

TEST(MappingTransforms, FloorTimesThatTheLegacySideCountsInSeconds) {
  const Mapping mapping = mapping_of(account_with({"seen_at: {legacy: x, transforms: {epoch: s}}"}));
  const Mapped written = out(mapping, "account", {{"seen_at", "1969-12-31T23:59:58.750000Z"}}, {"seen_at"});
  EXPECT_EQ(written.fields, Json({{"x", -2}}));
}

TEST(MappingTransforms, TurnWordsIntoBooleans) {
  const std::string words = "active: {legacy: x, transforms: {boolean: {true: [Y, yes], false: [N, no]}}}";
  expect_rows({
      {"active: x", true, true},
      {words, "Y", true},
      {words, "no", false, "N"},
      {words, "maybe", nullptr},
      {"active: {legacy: x, transforms: {boolean: {true: 1, false: 0}}}", 0, false},
      {"active: {legacy: x, transforms: {boolean: {true: \"1\", false: \"0\"}}}", "1", true},
      {"active: {legacy: x, transforms: {boolean: {true: \"1\", false: \"0\"}}}", 1, nullptr},
      {"active: {legacy: x, transforms: {boolean: {true: false, false: true}}}", false, true},
  });
}

TEST(MappingTransforms, SplitMultipleChoices) {
  expect_rows({
      {"tags: x", {"b", "a"}, {"a", "b"}, {"a", "b"}},
      {"tags: {legacy: x, transforms: {split: \";\"}}", "b; a;;b", {"a", "b"}, "a;b"},
      {"colours: {legacy: x, transforms: {split: {separator: \",\", quote: \"^\"}}}",
       "^red^,^blue^",
       {"blue", "red"},
       "^blue^,^red^"},
      {"colours: {legacy: x, transforms: {split: \",\"}}", "red,pink", nullptr},
  });
}

TEST(MappingTransforms, HoldElementsThatHoldTheSeparator) {
  const Mapping mapping = mapping_of(account_with({"tags: {legacy: x, transforms: {split: \";\"}}"}));
  EXPECT_THAT(out(mapping, "account", {{"tags", {"a;b"}}}, {"tags"}).held, SizeIs(1));
}

TEST(MappingTransforms, RunInOrderOnTheWayInAndBackwardsOnTheWayOut) {
  expect_row(
      {"code: {legacy: x, transforms: [{prefix: \"<\"}, {suffix: \">\"}, html_entities]}", "<a &amp; b>", "a & b"});
}

TEST(TimePattern, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(TimePattern::compile("%Y-%q").error(), "the directive %q");
  EXPECT_EQ(TimePattern::compile("%Y %Y").error(), "%Y a second time");
  EXPECT_EQ(TimePattern::compile("%").error(), "the directive %");
}

TEST(CanonicalTimestamp, IsReadOnlyInItsOneForm) {
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:01.000002Z"), 1'000'002);
  for (const char* text : {"1970-01-01T00:00:01Z", "1970-01-01 00:00:01.000002Z", "1970-02-30T00:00:01.000002Z",
                           "1970-01-01T00:00:61.000002Z", "197a-01-01T00:00:01.000002Z", ""}) {
    EXPECT_EQ(parse_timestamp(text), std::nullopt) << text;
  }
  EXPECT_EQ(timestamp_text(*parse_timestamp("0001-01-01T00:00:00.000000Z")), "0001-01-01T00:00:00.000000Z");
  EXPECT_EQ(timestamp_text(*parse_timestamp("9999-12-31T23:59:59.999999Z")), "9999-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace banyan::sync
