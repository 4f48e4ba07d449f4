#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "adapters/legacy/http_client.hpp"

namespace banyan::legacy {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

const WallTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + 8h + 30min;

HttpResponse answer(int status, std::string retry_after = {}, std::string body = {}) {
  HttpResponse response;
  response.status = status;
  if (!retry_after.empty()) response.headers.emplace_back("retry-after", std::move(retry_after));
  response.body = std::move(body);
  return response;
}

TEST(RetryAfter, IsReadAsSecondsOrAsADate) {
  EXPECT_EQ(retry_after(answer(429, "7"), kNow), milliseconds(7s));
  EXPECT_EQ(retry_after(answer(429, "Sat, 21 Nov 2026 08:31:30 GMT"), kNow), milliseconds(90s));
  EXPECT_EQ(retry_after(answer(429, "Sat, 21 Nov 2026 08:00:00 GMT"), kNow), milliseconds(0));
}

TEST(RetryAfter, OfAnotherFormIsNone) {
  for (const std::string text :
       {"", "soon", "-3", "7.5", "Sat, 21 Foo 2026 08:31:30 GMT", "Sat, 31 Feb 2026 08:31:30 GMT",
        "Sat, 21 Nov 2026 08:31:30 CET", "Sat, 21 Nov 2026 08:31:30 GMT!"}) {
    EXPECT_EQ(retry_after(answer(429, text), kNow), std::nullopt) << text;
  }
}

TEST(RetryAfter, IsAtMostADay) {
  EXPECT_EQ(retry_after(answer(429, "99999999999999999999"), kNow), milliseconds(24h));
  EXPECT_EQ(retry_after(answer(429, "Sat, 21 Nov 2099 08:31:30 GMT"), kNow), milliseconds(24h));
}

TEST(FailureOfStatus, FollowsTheTable) {
  struct Row {
    int status;
    bool write;
    Failure::Kind then;
  };
  using Kind = Failure::Kind;
  for (const Row& row : std::vector<Row>{{100, false, Kind::malformed},
                                         {308, false, Kind::malformed},
                                         {400, true, Kind::rejected},
                                         {401, false, Kind::unauthorised},
                                         {403, false, Kind::unauthorised},
                                         {404, false, Kind::missing},
                                         {408, true, Kind::unavailable},
                                         {409, true, Kind::duplicate},
                                         {410, false, Kind::missing},
                                         {412, true, Kind::stale},
                                         {422, true, Kind::rejected},
                                         {429, false, Kind::rate_limited},
                                         {500, true, Kind::unavailable},
                                         {502, false, Kind::unavailable},
                                         {502, true, Kind::unknown},
                                         {503, true, Kind::unavailable},
                                         {504, true, Kind::unknown}}) {
    const auto failure = failure_of_status(answer(row.status), row.write, kNow);
    ASSERT_TRUE(failure) << row.status;
    EXPECT_EQ(failure->kind, row.then) << row.status << (row.write ? " to a write" : "");
  }
}

TEST(FailureOfStatus, IsNoneForSuccess) {
  EXPECT_FALSE(failure_of_status(answer(200), true, kNow));
  EXPECT_FALSE(failure_of_status(answer(204), true, kNow));
}

TEST(FailureOfStatus, CarriesTheWaitAndTheBeginningOfTheBody) {
  const auto failure = failure_of_status(answer(503, "2", std::string(5000, 'x')), false, kNow);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, Failure::Kind::rate_limited);
  EXPECT_EQ(failure->retry_after, milliseconds(2s));
  EXPECT_LT(failure->message.size(), 1024U);
}

TEST(Excerpt, IsBoundedAndValidUtf8OnOneLine) {
  EXPECT_EQ(excerpt("a\nb"), "a\\nb");
  EXPECT_EQ(excerpt("abcdef", 3), "abc...");
  EXPECT_EQ(excerpt("\xff", 8), "\xEF\xBF\xBD");
  EXPECT_EQ(excerpt("\n\n\n", 4), "\\n\\n");
  EXPECT_EQ(excerpt("\xff\xff", 4), "\xEF\xBF\xBD");  // the second replacement would be cut in two
}

}  // namespace
}  // namespace banyan::legacy
