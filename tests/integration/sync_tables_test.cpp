// Records that name rows of a table which has not been read since the rows were made.
#include <gmock/gmock.h>

#include "adapters/sync/legacy_table.hpp"
#include "tests/integration/sync_stream_world.hpp"

namespace banyan::test {
namespace {

using sync::ScanState;
using testing::HasSubstr;

class SyncTables : public SyncStreamTest {
protected:
  SyncTables() {
    mapping_ = sync::parse_mapping(R"(
tables:
  employees: {type: employee, key: name}
entities:
  account:
    type: party
    fields:
      name: name
      code: {legacy: owner, table: employees}
)",
                                   "m.yaml", "crm", ontology())
                   .value();
    legacy_.put("employee", "1", {{"name", "Clara"}});
    reader_.emplace(legacy_, mapping_.tables, budget_, sync::TableReader::Options{}, clock_);
    EXPECT_TRUE(reader_->fill());
  }
  void begin() {
    stream_ = make("account");
    fence_ = take(*stream_);
    settle(*stream_, fence_);
  }
  // What waits is due now.
  void go_on() {
    world_.run("UPDATE banyan.waiting SET not_before = 'epoch'");
    world_.run("UPDATE banyan.outbox SET not_before = 'epoch'");
    settle(*stream_, fence_);
  }
  std::int64_t parked() { return number("SELECT count(*) FROM banyan.parked"); }
  std::int64_t owned_by(const std::string& code) {
    return number("SELECT count(*) FROM banyan.record WHERE data ->> 'code' = '" + code + "'");
  }

  std::optional<sync::TableReader> reader_;
  std::unique_ptr<sync::Stream> stream_;
  Fence fence_;
};

TEST_F(SyncTables, ARecordOfSomebodyWhoWasJustHiredNeedsNoRestartAndNoPerson) {
  begin();
  legacy_.put("employee", "2", {{"name", "Max"}});
  legacy_.put("party", "7", {{"name", "Acme"}, {"owner", "2"}});
  settle(*stream_, fence_);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.record"), 1) << "taken in but for the field";
  EXPECT_EQ(owned_by("Max"), 0);
  reader_->read_again();
  go_on();
  EXPECT_EQ(owned_by("Max"), 1);
  EXPECT_EQ(parked(), 0);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.waiting"), 0);
}

TEST_F(SyncTables, AnAgentMayNameSomebodyWhoWasJustHired) {
  legacy_.put("party", "7", {{"name", "Acme"}, {"owner", "1"}});
  begin();
  legacy_.put("employee", "2", {{"name", "Max"}});
  RecordWrite write;
  write.kind = RecordWrite::Kind::update;
  write.record.entity = "account";
  write.record.id = "01900000-0000-7000-9000-000000000001";
  write.record.version = 2;
  write.record.data = Json{{"name", "Acme"}, {"code", "Max"}};
  write.changed = Json{{"code", {{"from", "Clara"}, {"to", "Max"}}}};
  write.author = {records::Side::modern, "agent:planner"};
  world_.write(write);
  settle(*stream_, fence_);
  EXPECT_EQ(legacy_.get("party", "7")["owner"], "1");
  reader_->read_again();
  go_on();
  EXPECT_EQ(legacy_.get("party", "7")["owner"], "2");
  EXPECT_EQ(parked(), 0);
}

TEST_F(SyncTables, ARowThatIsNotThereBecomesADeadLetterOnceTheTableHasBeenReadAgain) {
  begin();
  legacy_.put("party", "7", {{"name", "Acme"}, {"owner", "9"}});
  settle(*stream_, fence_);
  EXPECT_EQ(parked(), 0);
  reader_->read_again();
  go_on();
  EXPECT_EQ(number("SELECT count(*) FROM banyan.parked WHERE error_class = 'invalid_value' AND state = 'open'"), 1);
}

TEST_F(SyncTables, ADryRunTellsOfARowThatIsNotThere) {
  options_.backfills_itself = false;
  legacy_.put("party", "7", {{"name", "Acme"}, {"owner", "9"}});
  begin();
  const ScanState scan = run(*stream_, fence_, {ScanState::Kind::backfill, true});
  EXPECT_EQ(scan.report["unmappable"], 1) << scan.report;
  EXPECT_THAT(scan.report["problems"].at(0)["message"].get<std::string>(), HasSubstr("table employees 9"));
}

}  // namespace
}  // namespace banyan::test
