// Tables whose rows stand for codes, and when they are read again.
#include "adapters/sync/legacy_table.hpp"

#include <gtest/gtest.h>

#include "tests/support/fake_legacy.hpp"
#include "tests/support/hand_clock.hpp"

namespace banyan::sync {
namespace {

using std::chrono::seconds;
using Missing = LegacyTable::Missing;

class LegacyTables : public ::testing::Test {
protected:
  LegacyTables() {
    hire("1", "Clara Lehmann");
    legacy_.on_call = [this](const std::string&, const std::string&) { ++scans_; };
    EXPECT_TRUE(reader_.fill());
  }

  void hire(const std::string& id, const std::string& name) {
    legacy_.put("company.employee", id, {{"rec_name", name}});
  }
  std::string code_of(const std::string& id) { return table_->code_of(id).value_or("?"); }
  // What a row that is asked for and not there is held to be.
  Missing missing(const std::string& id) { return table_->code_of(id).error(); }
  int scans_since() { return std::exchange(scans_, 0); }

  test::HandClock clock_;
  test::FakeLegacy legacy_;
  const std::shared_ptr<LegacyTable> table_ =
      std::make_shared<LegacyTable>("employees", "company.employee", "rec_name", [](std::string&) { return true; });
  const std::vector<std::shared_ptr<LegacyTable>> tables_{table_};
  Budget budget_{10.0, clock_};  // two of ten are kept for live work
  TableReader reader_{legacy_, tables_, budget_, {}, clock_};
  int scans_ = 0;
};

TEST_F(LegacyTables, AreFilledOnce) {
  EXPECT_EQ(code_of("1"), "Clara Lehmann");
  EXPECT_EQ(table_->id_of("Clara Lehmann"), "1");
  EXPECT_EQ(scans_since(), 1);
  EXPECT_TRUE(reader_.fill());
  EXPECT_EQ(scans_since(), 0);
}

TEST_F(LegacyTables, AreLeftAloneForAWhileAsLongAsNothingIsMissed) {
  EXPECT_EQ(code_of("1"), "Clara Lehmann");
  scans_since();
  clock_.pass(seconds(299));
  reader_.read_again();
  EXPECT_EQ(scans_since(), 0);
}

TEST_F(LegacyTables, ARowThatIsRenamedIsNoticedWithinFiveMinutes) {
  hire("1", "Clara Berg");
  clock_.pass(seconds(300));
  reader_.read_again();
  EXPECT_EQ(code_of("1"), "Clara Berg");
  EXPECT_EQ(table_->id_of("Clara Lehmann"), "1") << "records of before say so";
  scans_since();
  clock_.pass(seconds(60));
  reader_.read_again();
  EXPECT_EQ(scans_since(), 0) << "the next five minutes have begun";
}

TEST_F(LegacyTables, ARowThatHasComeSinceIsFoundByTheNextReading) {
  hire("2", "Max Berg");
  EXPECT_EQ(missing("2"), Missing::perhaps);
  EXPECT_EQ(table_->id_of("Max Berg").error(), Missing::perhaps);
  reader_.read_again();
  EXPECT_EQ(code_of("2"), "Max Berg");
  EXPECT_EQ(table_->id_of("Max Berg"), "2");
}

TEST_F(LegacyTables, ARowThatIsNotThereAfterAReadingIsMissingForSure) {
  EXPECT_EQ(missing("9"), Missing::perhaps);
  EXPECT_EQ(missing("9"), Missing::perhaps) << "nobody has read yet";
  reader_.read_again();
  EXPECT_EQ(missing("9"), Missing::for_sure);
}

TEST_F(LegacyTables, AreReadAtMostOnceAMinute) {
  missing("2");
  scans_since();
  reader_.read_again();
  EXPECT_EQ(scans_since(), 1);
  hire("3", "Ute Kern");
  EXPECT_EQ(missing("3"), Missing::perhaps);
  clock_.pass(seconds(59));
  reader_.read_again();
  EXPECT_EQ(scans_since(), 0);
  clock_.pass(seconds(1));
  reader_.read_again();
  EXPECT_EQ(scans_since(), 1);
  EXPECT_EQ(code_of("3"), "Ute Kern");
}

TEST_F(LegacyTables, WhatWasMissingForSureIsLookedForAgainAfterAMinute) {
  missing("2");
  reader_.read_again();
  ASSERT_EQ(missing("2"), Missing::for_sure);
  hire("2", "Max Berg");
  clock_.pass(seconds(60));
  reader_.read_again();
  EXPECT_EQ(missing("2"), Missing::perhaps);
  reader_.read_again();
  EXPECT_EQ(code_of("2"), "Max Berg");
}

TEST_F(LegacyTables, WhatIsAskedForWhileAReadingIsUnderWayIsNotConcludedFromIt) {
  missing("2");
  legacy_.on_call = [this](const std::string&, const std::string&) { missing("8"); };
  reader_.read_again();
  EXPECT_EQ(missing("2"), Missing::for_sure);
  EXPECT_EQ(missing("8"), Missing::perhaps);
}

TEST_F(LegacyTables, AReadingThatFailsConcludesNothingAndIsTriedAgainAfterAMinute) {
  hire("2", "Max Berg");
  missing("2");
  legacy_.is_down = true;
  reader_.read_again();
  EXPECT_EQ(missing("2"), Missing::perhaps);
  legacy_.is_down = false;
  reader_.read_again();
  EXPECT_EQ(missing("2"), Missing::perhaps);
  clock_.pass(seconds(60));
  reader_.read_again();
  EXPECT_EQ(code_of("2"), "Max Berg");
}

TEST_F(LegacyTables, ARowThatIsAskedForIsReadAsLiveWorkOutOfTheBudget) {
  hire("2", "Max Berg");
  missing("2");
  scans_since();
  while (!budget_.take(Urgency::live)) {
  }
  reader_.read_again();
  EXPECT_EQ(scans_since(), 0) << "there is no call for it";
  clock_.pass(std::chrono::milliseconds(100));
  reader_.read_again();
  EXPECT_EQ(code_of("2"), "Max Berg") << "as soon as there is one, not a minute later";
  EXPECT_TRUE(budget_.take(Urgency::live)) << "it took the one";
}

TEST_F(LegacyTables, ARefreshLeavesToLiveWorkWhatIsKeptForIt) {
  clock_.pass(seconds(300));
  scans_since();
  while (!budget_.take(Urgency::background)) {
  }
  reader_.read_again();
  EXPECT_EQ(scans_since(), 0);
  clock_.pass(seconds(1));
  reader_.read_again();
  EXPECT_EQ(scans_since(), 1);
}

TEST_F(LegacyTables, AReadingThatOthersAreAlwaysFasterThanIsMadeAfterAMinute) {
  hire("2", "Max Berg");
  missing("2");
  const auto others_take_all = [this] {
    while (!budget_.take(Urgency::live)) {
    }
    reader_.read_again();
  };
  others_take_all();
  clock_.pass(seconds(59));
  others_take_all();
  EXPECT_EQ(missing("2"), Missing::perhaps);
  clock_.pass(seconds(1));
  others_take_all();
  EXPECT_EQ(code_of("2"), "Max Berg");
}

TEST_F(LegacyTables, EachPageIsACall) {
  for (int i = 0; i < 1'000; ++i) hire(std::to_string(10'000 + i), "Employee " + std::to_string(i));
  missing("2");
  const auto before = budget_.figures().calls;
  reader_.read_again();
  EXPECT_EQ(budget_.figures().calls, before + 2);
}

TEST_F(LegacyTables, AStartThatFailsTimeAndAgainLeavesNoDebt) {
  const auto empty = std::make_shared<LegacyTable>("units", "product.uom", "symbol", [](std::string&) { return true; });
  Budget slow(0.1, clock_);
  TableReader reader(legacy_, std::span(&empty, 1), slow, {}, clock_);
  legacy_.is_down = true;
  int waits = 0;
  for (int i = 0; i < 100; ++i) {
    const auto filled = reader.fill();
    ASSERT_FALSE(filled);
    if (filled.error().kind != legacy::Failure::Kind::rate_limited) continue;
    ++waits;
    clock_.pass(*filled.error().retry_after);
  }
  EXPECT_GE(waits, 49);
  clock_.pass(seconds(10));
  EXPECT_FALSE(slow.take(Urgency::live));
}

TEST_F(LegacyTables, ASystemThatHasHadTooManyCallsGetsNoneFromAnybodyForAsLongAsItSays) {
  missing("2");
  legacy_.is_down = true;
  legacy_.down_with = {legacy::Failure::Kind::rate_limited, "too many", seconds(30)};
  reader_.read_again();
  clock_.pass(seconds(29));
  EXPECT_TRUE(budget_.take(Urgency::live));
  clock_.pass(seconds(1));
  EXPECT_FALSE(budget_.take(Urgency::live));
}

TEST_F(LegacyTables, ACodeThatMovesToAnotherRowIsThatRows) {
  hire("2", "Max Berg");
  missing("2");
  reader_.read_again();
  EXPECT_EQ(table_->id_of("Max Berg"), "2");
  hire("2", "Max Winter");
  hire("3", "Max Berg");
  missing("3");
  clock_.pass(seconds(60));
  reader_.read_again();
  EXPECT_EQ(table_->id_of("Max Berg"), "3");
  EXPECT_EQ(code_of("2"), "Max Winter");
}

TEST_F(LegacyTables, RowsThatAreGoneStayAndNewCodesAreTaken) {
  (void)legacy_.remove("company.employee", "1", "", {});
  hire("2", "Max Berg");
  missing("2");
  reader_.read_again();
  EXPECT_EQ(code_of("1"), "Clara Lehmann");
  hire("2", "Max Winter");
  missing("3");
  clock_.pass(seconds(60));
  reader_.read_again();
  EXPECT_EQ(code_of("2"), "Max Winter");
  EXPECT_EQ(table_->id_of("Max Berg"), "2") << "records of before have this one";
}

}  // namespace
}  // namespace banyan::sync
