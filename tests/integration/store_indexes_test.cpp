// make_indexes() on a real PostgreSQL: beside writers, after a crash, in several processes.
#include "gateway/store/indexes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <future>

#include "tests/support/postgres_fixture.hpp"

namespace banyan::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Index kByName{"thing_name", "banyan.thing ((data->>'name'), id)"};
const Index kBySize{"thing_size", "banyan.thing (((data->>'size')::numeric), id) WHERE kind = 'box'"};

class IndexesTest : public test::PostgresTest {
protected:
  IndexesTest() {
    execute(owner(), "CREATE TABLE banyan.thing (id serial PRIMARY KEY, kind text DEFAULT 'box', data jsonb NOT NULL)");
    insert(R"({"name": "a", "size": "1"})");
  }

  void insert(const std::string& data) { execute(app(), "INSERT INTO banyan.thing (data) VALUES ('" + data + "')"); }
  Result<IndexReport> make(const std::vector<Index>& wanted) {
    return make_indexes(url("banyan_owner"), wanted, stop_.get_token());
  }
  // Made, and fit for use.
  std::string whole() { return names("indisvalid"); }
  std::string unfinished() { return names("NOT indisvalid"); }
  std::string names(const std::string& condition) {
    return value(owner(),
                 "SELECT coalesce(string_agg(indexrelid::regclass::text, ' ' ORDER BY 1), '') FROM pg_index "
                 "WHERE indrelid = 'banyan.thing'::regclass AND NOT indisprimary AND " +
                     condition);
  }
  // Waits until a CREATE INDEX waits for somebody's transaction.
  void wait_until_it_waits() {
    while (value(superuser(),
                 "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'banyan indexes' AND "
                 "wait_event_type = 'Lock'") == "0") {
      std::this_thread::yield();
    }
  }
  // An index whose making was broken off.
  void leave_unfinished(const Index& index) {
    std::future<Result<IndexReport>> making;
    std::stop_source stop;
    const auto begun = app().run(soon(), [&](Transaction& tx) {
      tx.exec("INSERT INTO banyan.thing (data) VALUES ('{}')");
      making = std::async(std::launch::async,
                          [&] { return make_indexes(url("banyan_owner"), std::array{index}, stop.get_token()); });
      wait_until_it_waits();
      stop.request_stop();
      EXPECT_EQ(making.get().error().code, ErrorCode::unavailable) << "a stop ends it, whatever it waits for";
    });
    ASSERT_TRUE(begun);
  }

  std::stop_source stop_;
};

TEST_F(IndexesTest, AreMadeOnce) {
  EXPECT_THAT(make({kByName, kBySize})->made, ElementsAre("thing_name", "thing_size"));
  EXPECT_EQ(whole(), "banyan.thing_name banyan.thing_size");
  const auto again = make({kByName, kBySize});
  EXPECT_THAT(again->made, IsEmpty());
  EXPECT_THAT(again->failed, IsEmpty());
}

TEST_F(IndexesTest, WritersGoOnWhileOneIsMade) {
  std::future<Result<IndexReport>> making;
  const auto held = app().run(soon(), [&](Transaction& tx) {
    tx.exec("INSERT INTO banyan.thing (data) VALUES ('{}')");
    making = std::async(std::launch::async, [&] { return make({kByName}); });
    wait_until_it_waits();
    execute(superuser(), "INSERT INTO banyan.thing (data) VALUES ('{}')");  // fails the test if it has to wait
  });
  ASSERT_TRUE(held);
  EXPECT_THAT(making.get()->made, ElementsAre("thing_name"));
}

TEST_F(IndexesTest, OneThatFailsIsToldTakenAwayAndStopsNoOther) {
  insert(R"({"size": "large"})");
  const auto report = make({kBySize, kByName});
  ASSERT_TRUE(report) << report.error().internal_detail;
  EXPECT_THAT(report->made, ElementsAre("thing_name"));
  ASSERT_EQ(report->failed.size(), 1U);
  EXPECT_EQ(report->failed[0].name, "thing_size");
  EXPECT_THAT(report->failed[0].reason, HasSubstr("invalid input syntax for type numeric"));
  EXPECT_EQ(unfinished(), "");
}

TEST_F(IndexesTest, AnUnfinishedOneIsMadeAnew) {
  leave_unfinished(kByName);
  ASSERT_EQ(unfinished(), "banyan.thing_name");
  EXPECT_THAT(make({kByName})->made, ElementsAre("thing_name"));
  EXPECT_EQ(whole(), "banyan.thing_name");
}

TEST_F(IndexesTest, OneOfAnotherDefinitionIsMadeAnewAndOneThatNobodyWantsGoes) {
  ASSERT_TRUE(make({{"thing_name", kBySize.on}, kBySize}));
  EXPECT_THAT(make({kByName})->made, ElementsAre("thing_name"));
  EXPECT_EQ(whole(), "banyan.thing_name");
  insert(R"({"name": "b", "size": "large"})");  // no index asks for a number any more
}

TEST_F(IndexesTest, OnesThatOthersHaveMadeAreLeftAlone) {
  execute(owner(), "CREATE INDEX thing_kind ON banyan.thing (kind); CREATE INDEX thing_name ON banyan.thing (id)");
  EXPECT_THAT(make({kByName})->made, IsEmpty()) << "of an older version: taken over as it is";
  EXPECT_EQ(whole(), "banyan.thing_kind banyan.thing_name");
}

TEST_F(IndexesTest, OneProcessAtATimeMakesThem) {
  const auto held = superuser().run(soon(), [&](Transaction& tx) {
    tx.exec("SELECT pg_advisory_xact_lock(4242006215382)");
    EXPECT_EQ(make({kByName}).error().code, ErrorCode::conflict);
  });
  ASSERT_TRUE(held);
  EXPECT_EQ(whole(), "");
  EXPECT_TRUE(make({kByName}));
}

TEST_F(IndexesTest, AStoreThatCannotBeReachedIsToldAsSuch) {
  EXPECT_EQ(make_indexes(Secret("host=/nowhere"), {}, stop_.get_token()).error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace banyan::store
