#include "adapters/legacy/tryton/answer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace banyan::legacy::tryton {
namespace {

using Kind = Failure::Kind;

Reply read(int status, const std::string& body, bool write) {
  HttpResponse response;
  response.status = status;
  response.body = body;
  return read_reply(response, 7, write, WallTime());
}

TEST(TrytonAnswer, OfACallHoldsItsResult) {
  const Reply reply = read(200, R"({"id": 7, "result": [1, 2]})", true);
  EXPECT_EQ(reply.kind, Reply::Kind::result);
  EXPECT_EQ(reply.result, Json::array({1, 2}));
  EXPECT_EQ(read(200, R"({"id": 7, "result": null})", true).kind, Reply::Kind::result);
}

TEST(TrytonAnswer, WithAnErrorIsToldApart) {
  struct Row {
    std::string error;
    Kind read;
    Kind write;
  };
  for (const Row& row : std::vector<Row>{
           {R"(["UserError", ["The code must be unique.", "", null]])", Kind::rejected, Kind::rejected},
           {R"(["ConcurrencyException", "Records were modified in the meanwhile"])", Kind::stale, Kind::stale},
           {R"(["LoginException", ["password", "Password", "password"]])", Kind::unauthorised, Kind::unauthorised},
           {R"(["RateLimitException", []])", Kind::rate_limited, Kind::rate_limited},
           {R"(["'nope'", "Traceback"])", Kind::rejected, Kind::rejected},
           {R"(["connection to server at \"db\" failed: Connection refused", ""])", Kind::unavailable,
            Kind::unavailable},
           {R"(["FATAL:  database \"x\" does not exist\n", ""])", Kind::unavailable, Kind::unavailable},
           {R"(["could not serialize access due to concurrent update", ""])", Kind::unavailable, Kind::unavailable},
           {R"(["server closed the connection unexpectedly", ""])", Kind::unavailable, Kind::unknown},
           {R"(["connection already closed", ""])", Kind::unavailable, Kind::unknown},
           {R"("odd")", Kind::malformed, Kind::unknown},
           {R"([])", Kind::malformed, Kind::unknown},
           {R"(["UserWarning", "no name"])", Kind::malformed, Kind::unknown}}) {
    const std::string body = R"({"id": 7, "error": )" + row.error + "}";
    EXPECT_EQ(read(200, body, false).failure.kind, row.read) << row.error;
    EXPECT_EQ(read(200, body, true).failure.kind, row.write) << row.error;
    EXPECT_EQ(read(200, body, true).kind, Reply::Kind::failure) << row.error;
  }
}

TEST(TrytonAnswer, ThatAsksNamesItsQuestion) {
  const Reply reply = read(200, R"({"id": 7, "error": ["UserWarning", ["sure.12", "Sure?", ""]]})", true);
  EXPECT_EQ(reply.kind, Reply::Kind::warning);
  EXPECT_EQ(reply.warning_name, "sure.12");
  EXPECT_EQ(reply.failure.kind, Kind::rejected);
}

TEST(TrytonAnswer, WithoutSenseIsMalformedAndOfAWriteUnknown) {
  for (const std::string body : {"", "<html>Maintenance</html>", "{\"id\": 7", "[1]", "{}", R"({"id": 7})",
                                 R"({"id": 8, "result": 1})", R"({"id": "7", "result": 1})"}) {
    EXPECT_EQ(read(200, body, false).failure.kind, Kind::malformed) << body;
    EXPECT_EQ(read(200, body, true).failure.kind, Kind::unknown) << body;
  }
}

TEST(TrytonAnswer, FollowsItsStatus) {
  EXPECT_EQ(read(401, "", true).kind, Reply::Kind::logged_out);
  EXPECT_EQ(read(403, "<html>", true).failure.kind, Kind::rejected);
  EXPECT_EQ(read(404, "<html>", true).failure.kind, Kind::unavailable);
  EXPECT_EQ(read(429, "", true).failure.kind, Kind::rate_limited);
  EXPECT_EQ(read(500, "", true).failure.kind, Kind::unavailable);
  EXPECT_EQ(read(504, "", true).failure.kind, Kind::unknown);
  EXPECT_EQ(read(308, "", false).failure.kind, Kind::malformed);
  EXPECT_EQ(read(308, "", true).failure.kind, Kind::unavailable);
  EXPECT_EQ(read(103, "", true).failure.kind, Kind::unknown);
  EXPECT_EQ(read(204, "", true).failure.kind, Kind::unknown);
}

TEST(TrytonAnswer, IsQuotedInPartOnly) {
  EXPECT_LT(read(200, std::string(1U << 20U, 'x'), false).failure.message.size(), 1024U);
}

}  // namespace
}  // namespace banyan::legacy::tryton
