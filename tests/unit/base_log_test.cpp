#include "gateway/base/log.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <vector>

#include "gateway/base/json_text.hpp"

namespace banyan {
namespace {

using std::chrono::microseconds;

struct ConvertsToText {
  operator std::string() const { return "s3cret"; }       // NOLINT: what a careless secret would offer
  operator std::string_view() const { return "s3cret"; }  // NOLINT
};
static_assert(!std::is_constructible_v<log::Field, std::string_view, ConvertsToText>);
static_assert(!std::is_constructible_v<log::Field, std::string_view, const void*>);

std::string render(log::Format format, std::string_view message, std::vector<log::Field> fields) {
  return log::render(format, WallTime(microseconds(1)), log::Level::warn, message, fields);
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(ApplicationLog, TextLineNamesTimeLevelMessageAndFields) {
  EXPECT_EQ(render(log::Format::text, "listening", {{"address", "127.0.0.1:8080"}, {"threads", 2}, {"tls", false}}),
            "1970-01-01T00:00:00.000001Z warn listening address=127.0.0.1:8080 threads=2 tls=false");
}

TEST(ApplicationLog, TextThatLooksLikeSeveralFieldsIsQuoted) {
  EXPECT_EQ(render(log::Format::text, "m", {{"a", "x level=error"}, {"b", ""}}),
            "1970-01-01T00:00:00.000001Z warn m a=\"x level=error\" b=\"\"");
}

TEST(ApplicationLog, LineBreaksCannotForgeASecondLine) {
  EXPECT_EQ(render(log::Format::text, "m\nn", {{"a", "x\ny"}}).find('\n'), std::string::npos);
  EXPECT_EQ(render(log::Format::json, "m\nn", {{"a", "x\ny"}}).find('\n'), std::string::npos);
}

TEST(ApplicationLog, JsonLineKeepsTypes) {
  const auto line = nlohmann::json::parse(render(log::Format::json, "say \"so\"",
                                                 {{"text", std::string("a\tb")},
                                                  {"n", -3},
                                                  {"u", std::numeric_limits<std::uint64_t>::max()},
                                                  {"r", 0.5},
                                                  {"t", true},
                                                  {"ms", std::chrono::milliseconds(2000)},
                                                  {"code", ErrorCode::deadline},
                                                  {"nan", 0.0 / 0.0}}));

  EXPECT_EQ(line["level"], "warn");
  EXPECT_EQ(line["message"], "say \"so\"");
  EXPECT_EQ(line["text"], "a\tb");
  EXPECT_EQ(line["n"], -3);
  EXPECT_EQ(line["u"], std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(line["r"], 0.5);
  EXPECT_EQ(line["t"], true);
  EXPECT_EQ(line["ms"], 2000);
  EXPECT_EQ(line["code"], "deadline");
  EXPECT_TRUE(line["nan"].is_null());
}

TEST(ApplicationLog, WritesToStandardErrorFromTheConfiguredLevelUp) {
  testing::internal::CaptureStderr();
  log::configure({log::Level::warn, log::Format::text});
  log::info("quiet");
  log::error("loud", {{"n", 1}});
  log::configure({});

  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_EQ(out.find("quiet"), std::string::npos);
  EXPECT_TRUE(out.ends_with(" error loud n=1\n")) << out;
}

TEST(ApplicationLog, LevelsAreReadByTheirWords) {
  log::Level level = log::Level::info;
  EXPECT_TRUE(log::parse_level("error", level));
  EXPECT_EQ(level, log::Level::error);
  EXPECT_FALSE(log::parse_level("Error", level));
  EXPECT_EQ(level, log::Level::error);
}

TEST(JsonText, EscapesWhatJsonDoesNotTake) {
  EXPECT_EQ(json_string("a\"b\\c\n\r\t\x01/"), R"("a\"b\\c\n\r\t\u0001/")");
  EXPECT_EQ(json_string(std::string_view("\0\x7f", 2)), R"("\u0000\u007f")");
}

TEST(JsonText, KeepsValidUtf8) {
  EXPECT_EQ(json_string("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8C\xB3z"), "\"a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8C\xB3z\"");
}

TEST(JsonText, AnyBytesGiveAValidString) {
  const std::array malformed{
      std::string_view("\x80"),         std::string_view("\xC0\xAF"),         std::string_view("\xE0\x80\xAF"),
      std::string_view("\xED\xA0\x80"), std::string_view("\xF4\x90\x80\x80"), std::string_view("\xF0\x8F\xBF\xBF"),
      std::string_view("\xE2\x82"),     std::string_view("\xFF\xFE")};
  for (const std::string_view bytes : malformed) {
    const auto parsed = nlohmann::json::parse("[" + json_string(bytes) + "]");
    EXPECT_NE(parsed[0].get<std::string>().find("\xEF\xBF\xBD"), std::string::npos) << testing::PrintToString(bytes);
  }
}

TEST(JsonText, TimesAreRfc3339WithMicroseconds) {
  std::string out;
  append_rfc3339(out, WallTime(std::chrono::seconds(1'709'210'096) + microseconds(42)));
  EXPECT_EQ(out, "2024-02-29T12:34:56.000042Z");
}

}  // namespace
}  // namespace banyan
