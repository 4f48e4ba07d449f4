// What is said of a stream that this process keeps, that another keeps, and that nobody does.
#include "gateway/api/sync_condition.hpp"

#include <gmock/gmock.h>

namespace banyan::api {
namespace {

using namespace std::chrono_literals;
using sync::StreamReport;
using sync::StreamStatus;
using testing::DoubleNear;
using testing::IsEmpty;
using testing::Optional;

constexpr auto kPoll = 500ms;
const WallTime kNow{std::chrono::hours(500'000)};

// As another process, `them`, has told it a second ago.
StreamReport told(const std::string& trouble = "", std::optional<WallTime> read = kNow - 1s) {
  StreamReport report;
  report.lease_owner = "them";
  report.told.emplace();
  report.told->process = "them";
  report.told->at = kNow - 1s;
  report.told->status.trouble = trouble;
  report.told->status.caught_up_at = read;
  report.told->status.schema_drift = {"name is held"};
  return report;
}

StreamStatus mine(std::optional<WallTime> read) {
  StreamStatus status;
  status.caught_up_at = read;
  return status;
}

StreamCondition condition(const StreamReport& report, const StreamStatus* status = nullptr) {
  return condition_of(report, status, kPoll, kNow);
}

TEST(StreamCondition, OfAnotherProcessIsWhatThatOneTells) {
  const StreamCondition found = condition(told("connection refused"));
  EXPECT_EQ(found.state, "running");
  EXPECT_EQ(found.reason, "connection refused");
  EXPECT_EQ(found.figures.schema_drift.size(), 1U);
  EXPECT_EQ(found.figures.caught_up_at, kNow - 1s);
  EXPECT_THAT(found.lag_seconds, Optional(0.0)) << "it tells but once a second";
}

TEST(StreamCondition, OfARefusedLogInIsAPause) {
  StreamReport report = told("credentials refused: not you");
  report.told->status.is_refused = true;
  EXPECT_EQ(condition(report).state, "paused");
  EXPECT_EQ(condition(report).reason, "credentials refused: not you");
  report.state.paused = true;
  report.state.pause_reason = "by clara";
  EXPECT_EQ(condition(report).reason, "by clara") << "a person comes first";
}

TEST(StreamCondition, TroubleOfAProcessThatHasLostTheStreamCountsNoMore) {
  StreamReport report = told("connection refused");
  report.lease_owner = "others";
  EXPECT_THAT(condition(report).reason, IsEmpty());
  EXPECT_EQ(condition(report).figures.schema_drift.size(), 1U) << "that is not of the process";
}

TEST(StreamCondition, OfAStreamThatNobodyKeepsIsWhatWasToldALittleWhileAgo) {
  StreamReport report = told("connection refused");
  report.lease_owner.clear();
  EXPECT_EQ(condition(report).state, "starting");
  EXPECT_EQ(condition(report).reason, "connection refused");
  report.told->at = kNow - 10min;
  EXPECT_EQ(condition(report).state, "starting");
  EXPECT_THAT(condition(report).reason, IsEmpty());
}

TEST(StreamLag, GrowsWhileTheFeedIsNotReadToItsEnd) {
  EXPECT_THAT(condition(told("", kNow - 2h)).lag_seconds, Optional(DoubleNear(7'200, 3)));
  const StreamStatus status = mine(kNow - 10s);
  EXPECT_THAT(condition(told(), &status).lag_seconds, Optional(DoubleNear(0.5, 0.001))) << "another has read it later";
  EXPECT_THAT(condition(told("", std::nullopt), &status).lag_seconds, Optional(DoubleNear(9.5, 0.001)));
}

TEST(StreamLag, IsThatOfTheOldestChangeOnItsWayIfThatIsMore) {
  StreamReport report = told();
  report.oldest_waiting = kNow - 60s;
  EXPECT_THAT(condition(report).lag_seconds, Optional(60.0));
  report.told->status.caught_up_at = kNow - 2h;
  EXPECT_THAT(condition(report).lag_seconds, Optional(DoubleNear(7'200, 3)));
}

TEST(StreamLag, IsNotKnownWhereNoFeedWasEverRead) {
  EXPECT_EQ(condition(told("", std::nullopt)).lag_seconds, std::nullopt);
  EXPECT_EQ(condition(StreamReport()).lag_seconds, std::nullopt);
  StreamStatus status = mine(std::nullopt);
  status.behind_ms = 30'000;
  EXPECT_THAT(condition(StreamReport(), &status).lag_seconds, Optional(30.0)) << "since it was taken on";
}

TEST(StreamLag, IsNeverLessThanNone) {
  const StreamStatus status = mine(kNow + 5s);
  EXPECT_THAT(condition(told(), &status).lag_seconds, Optional(0.0));
}

}  // namespace
}  // namespace banyan::api
