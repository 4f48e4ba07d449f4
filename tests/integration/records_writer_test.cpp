#include <gmock/gmock.h>

#include "tests/integration/records_fixture.hpp"

namespace banyan::records {
namespace {

using Kind = RecordWrite::Kind;

class RecordWriter : public RecordsTest {
protected:
  std::string outbox() {
    return value(app(),
                 "SELECT coalesce(string_agg(format('%s:v%s:%s changes:%s hops', stream, version, changes, hops), ' ' "
                 "ORDER BY stream, record_id), '') FROM banyan.outbox");
  }
};

TEST_F(RecordWriter, KeepsARecordWithItsHistory) {
  ASSERT_TRUE(apply({write(Kind::insert, 1, 1, {{"name", "Ada \"L\" \\ {1,2}"}, {"active", true}})}));
  RecordWrite update = write(Kind::update, 1, 2, {{"name", "Ada"}});
  update.changed = difference(read(1).data, update.record.data);
  update.author = {Side::legacy, "system:tryton"};
  ASSERT_TRUE(apply({update}));

  const Record record = read(1);
  EXPECT_EQ(record.version, 2);
  EXPECT_EQ(record.data, (Json{{"name", "Ada"}}));
  EXPECT_GT(record.updated_at, record.created_at);
  EXPECT_EQ(value(app(), "SELECT count(*) FROM banyan.record_history"), "2");
  EXPECT_EQ(value(app(),
                  "SELECT format('%s %s %s %s', side, author, kind, changed) FROM banyan.record_history WHERE "
                  "version = 2"),
            "legacy system:tryton update {\"name\": {\"to\": \"Ada\", \"from\": \"Ada \\\"L\\\" \\\\ {1,2}\"}, "
            "\"active\": {\"from\": true}}");
}

TEST_F(RecordWriter, KeepsTombstonesAndWhatTheyWereMergedInto) {
  ASSERT_TRUE(apply(inserts(1, 2)));
  RecordWrite removal = write(Kind::remove, 1, 2, {{"name", "account 1"}});
  removal.record.deleted = true;
  removal.record.merged_into = id(2);
  ASSERT_TRUE(apply({removal}));
  EXPECT_TRUE(read(1).deleted);
  EXPECT_EQ(read(1).merged_into, id(2));
  ASSERT_TRUE(apply({write(Kind::restore, 1, 3, {{"name", "account 1"}})}));
  EXPECT_FALSE(read(1).deleted);
  EXPECT_EQ(read(1).merged_into, "");
}

TEST_F(RecordWriter, RefusesAVersionThatIsNotTheNext) {
  ASSERT_TRUE(apply(inserts(1, 3)));
  const std::vector<std::vector<RecordWrite>> refused{
      {write(Kind::update, 2, 3, {{"name", "late"}})},
      {write(Kind::update, 2, 1, {{"name", "early"}})},
      {write(Kind::insert, 2, 1, {{"name", "twice"}})},
      {write(Kind::update, 9, 2, {{"name", "of nothing"}})},
      {write(Kind::update, 1, 2, {{"name", "fits"}}), write(Kind::update, 2, 3, {{"name", "does not"}})},
  };
  for (const auto& writes : refused) {
    try {
      (void)apply(writes);
      ADD_FAILURE() << writes.back().record.data;
    } catch (const VersionConflict& conflict) {
      EXPECT_EQ(conflict.entity(), "account");
      EXPECT_EQ(conflict.id(), writes.back().record.id);
    }
  }
  EXPECT_EQ(value(app(), "SELECT string_agg(version::text, ' ') FROM banyan.record"), "1 1 1");
  EXPECT_EQ(value(app(), "SELECT count(*) FROM banyan.record_history"), "3");
}

TEST_F(RecordWriter, CopiesLargeBatchesOfInsertsJustTheSame) {
  make_stream("tryton");
  auto writes = inserts(0, 250);
  writes[7].record.data["name"] = "tab\t back\\ line\n \\N quote\" é";
  ASSERT_TRUE(apply(writes));
  EXPECT_EQ(read(7).data, writes[7].record.data);
  EXPECT_EQ(value(app(), "SELECT count(*) FROM banyan.record_history WHERE kind = 'insert'"), "250");
  EXPECT_EQ(value(app(), "SELECT count(*) FROM banyan.outbox"), "250");
}

TEST_F(RecordWriter, NamesTheRecordThatALargeBatchFindsThere) {
  ASSERT_TRUE(apply(inserts(42, 1)));
  try {
    (void)apply(inserts(0, 250));
    ADD_FAILURE();
  } catch (const VersionConflict& conflict) {
    EXPECT_EQ(conflict.id(), id(42));
  }
  EXPECT_EQ(value(app(), "SELECT count(*) FROM banyan.record"), "1");
}

TEST_F(RecordWriter, WritesARecordSeveralTimesInTheOrderGiven) {
  ASSERT_TRUE(apply({write(Kind::insert, 1, 1, {{"name", "a"}}), write(Kind::insert, 2, 1, {{"name", "x"}}),
                     write(Kind::update, 1, 2, {{"name", "b"}}), write(Kind::update, 1, 3, {{"name", "c"}})}));
  EXPECT_EQ(read(1).version, 3);
  EXPECT_EQ(read(1).data["name"], "c");
  EXPECT_EQ(value(app(), "SELECT count(*) FROM banyan.record_history"), "4");
}

TEST_F(RecordWriter, TellsEveryActiveStreamOfTheEntityButTheOneItCameThrough) {
  const auto tryton = make_stream("tryton");
  make_stream("rest");
  make_stream("tryton", "contact");
  make_stream("old");
  execute(app(), "UPDATE banyan.stream SET active = false WHERE system = 'old'");
  auto writes = inserts(1, 1);
  writes[0].skip_stream = tryton;
  ASSERT_TRUE(apply(writes));
  EXPECT_EQ(outbox(), "2:v1:1 changes:0 hops");
}

TEST_F(RecordWriter, LetsOneOutboxRowStandForManyChanges) {
  make_stream("tryton");
  ASSERT_TRUE(apply(inserts(1, 1)));
  execute(app(), "UPDATE banyan.outbox SET attempt = 3, not_before = now() + interval '1 hour'");
  RecordWrite update = write(Kind::update, 1, 2, {{"name", "b"}});
  update.hops = 2;
  ASSERT_TRUE(apply({update}));
  EXPECT_EQ(outbox(), "1:v2:2 changes:0 hops");
  EXPECT_EQ(value(app(), "SELECT attempt FROM banyan.outbox WHERE not_before <= now()"), "0");
}

TEST_F(RecordWriter, NotifiesEachStreamOnce) {
  make_stream("tryton");
  make_stream("rest");
  std::vector<std::string> heard;
  struct Receiver final : pqxx::notification_receiver {
    Receiver(pqxx::connection_base& connection, std::vector<std::string>& out)
        : notification_receiver(connection, "banyan_outbox"), heard(out) {}
    void operator()(const std::string& payload, int) override { heard.push_back(payload); }
    std::vector<std::string>& heard;
  };
  pqxx::connection connection(url("banyan_app").reveal());
  Receiver receiver(connection, heard);
  ASSERT_TRUE(apply(inserts(1, 3)));
  ASSERT_TRUE(apply(inserts(10, 250)));
  while (heard.size() < 4 && connection.await_notification(10, 0) > 0) {
  }
  EXPECT_THAT(heard, testing::UnorderedElementsAre("1", "2", "1", "2"));
}

TEST_F(RecordWriter, ReadsInOrderOfIdAndLeavesOutWhatIsNotThere) {
  ASSERT_TRUE(apply(inserts(1, 3)));
  const std::vector<std::string> ids{id(3), id(9), id(1)};
  const auto records = app().transact<std::vector<Record>>(
      soon(), [&](store::Transaction& tx) { return read_records(tx, "account", ids, Lock::update); });
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ(records->front().id, id(1));
  EXPECT_EQ(records->back().id, id(3));
}

}  // namespace
}  // namespace banyan::records
