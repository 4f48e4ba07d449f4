// A database of its own with the tables of records and sync in it.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "adapters/records/record_writer.hpp"
#include "adapters/records/records_schema.hpp"
#include "adapters/sync/postgres_sync_store.hpp"
#include "gateway/store/schema.hpp"
#include "tests/support/postgres_fixture.hpp"
#include "tests/support/sync_store_fixture.hpp"

namespace banyan::test {

class PostgresSyncTest : public PostgresTest {
protected:
  PostgresSyncTest() : store_(app()) {
    std::vector<store::SchemaFile> files;
    for (const store::SchemaFile& file : records::records_schema()) files.push_back(file);
    for (const store::SchemaFile& file : sync::sync_schema()) files.push_back(file);
    const auto applied = store::apply_schema(owner(), files, soon());
    if (!applied) throw std::runtime_error(applied.error().public_message);
  }

  sync::PostgresSyncStore store_;
};

class PostgresSyncWorld final : public PostgresSyncTest, public SyncStoreWorld {
public:
  sync::SyncStore& store() override { return store_; }
  Deadline soon() override { return PostgresTest::soon(); }

  store::Database& database() { return app(); }
  store::Database& superusers() { return superuser(); }
  void run(const std::string& sql) { execute(superuser(), sql); }

  void pass(std::chrono::milliseconds span) override {
    const std::string by = "interval '" + std::to_string(span.count()) + " milliseconds'";
    execute(app(), "UPDATE banyan.lease SET expires_at = expires_at - " + by);
    execute(app(), "UPDATE banyan.process SET alive_until = alive_until - " + by);
  }
  void write(const RecordWrite& write) override {
    must(app().run(PostgresTest::soon(),
                   [&](store::Transaction& tx) { records::write_records(tx, std::span(&write, 1)); }));
  }
  void answer(std::int64_t parked, const Json& answer, const std::string& by) override {
    must(app().run(PostgresTest::soon(), [&](store::Transaction& tx) {
      tx.exec_params0("UPDATE banyan.parked SET state = 'answered', answer = $2::jsonb, answered_by = $3 WHERE id = $1",
                      parked, answer.dump(), by);
    }));
  }
  sync::Counts counts(StreamId stream, records::Side side) override {
    sync::Counts counts;
    must(app().run(PostgresTest::soon(), [&](store::Transaction& tx) {
      const auto row = tx.exec_params1(
          "SELECT captured, applied, superseded, echo, conflict, dead_letter, in_flight FROM banyan.sync_count "
          "WHERE stream = $1 AND side = $2",
          stream, std::string(records::to_string(side)));
      const auto number = [&](pqxx::row::size_type i) { return row[i].as<std::int64_t>(); };
      counts = {number(0), number(1), number(2), number(3), number(4), number(5), number(6)};
    }));
    return counts;
  }
  std::vector<sync::InboxEntry> inbox(StreamId stream) override {
    std::vector<sync::InboxEntry> entries;
    must(app().run(PostgresTest::soon(), [&](store::Transaction& tx) {
      entries.clear();
      for (const auto& row : tx.exec_params(
               "SELECT legacy_id, legacy_version, outcome, ref FROM banyan.inbox WHERE stream = $1 ORDER BY id",
               stream)) {
        entries.push_back(
            {row[0].c_str(), row[1].c_str(), sync::Via::feed, outcome_of(row[2].c_str()), row[3].c_str()});
      }
    }));
    return entries;
  }

private:
  void TestBody() override {}

  static Outcome outcome_of(std::string_view word) {
    for (const Outcome outcome : {Outcome::applied, Outcome::superseded, Outcome::echo, Outcome::conflict,
                                  Outcome::dead_letter, Outcome::in_flight}) {
      if (to_string(outcome) == word) return outcome;
    }
    throw std::logic_error("unknown outcome");
  }
  static void must(const Result<void>& done) {
    if (!done) throw std::runtime_error(done.error().internal_detail);
  }
};

}  // namespace banyan::test
