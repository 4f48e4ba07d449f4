// A fresh database with the tables of records, and short ways to fill it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "adapters/records/record_writer.hpp"
#include "adapters/records/records_schema.hpp"
#include "tests/support/postgres_fixture.hpp"

namespace banyan::records {

class RecordsTest : public test::PostgresTest {
protected:
  RecordsTest() {
    const auto applied = store::apply_schema(owner(), records_schema(), soon());
    if (!applied) ADD_FAILURE() << applied.error().public_message;
  }

  // The n-th id of a test.
  static std::string id(unsigned n) {
    std::string hex = std::to_string(n);
    return "01890a5d-ac96-774b-8000-" + std::string(12 - hex.size(), '0') + hex;
  }

  static RecordWrite write(RecordWrite::Kind kind, unsigned n, std::int64_t version, Json data) {
    RecordWrite write;
    write.kind = kind;
    write.record.entity = "account";
    write.record.id = id(n);
    write.record.version = version;
    write.changed = difference(Json::object(), data);
    write.record.data = std::move(data);
    write.author = {Side::modern, "user:clara"};
    return write;
  }

  static std::vector<RecordWrite> inserts(unsigned from, unsigned count) {
    std::vector<RecordWrite> writes;
    for (unsigned n = from; n < from + count; ++n) {
      writes.push_back(write(RecordWrite::Kind::insert, n, 1, {{"name", "account " + std::to_string(n)}}));
    }
    return writes;
  }

  Result<void> apply(const std::vector<RecordWrite>& writes) {
    return app().run(soon(), [&](store::Transaction& tx) { write_records(tx, writes); });
  }

  Record read(unsigned n) {
    const std::vector<std::string> ids{id(n)};
    auto records = app().transact<std::vector<Record>>(
        soon(), [&](store::Transaction& tx) { return read_records(tx, "account", ids, Lock::none); });
    if (records && records->size() == 1) return records->front();
    ADD_FAILURE() << "no record " << n;
    return {};
  }

  // The stream's id.
  std::int16_t make_stream(const std::string& system, const std::string& entity = "account") {
    return static_cast<std::int16_t>(std::stoi(value(
        app(), "INSERT INTO banyan.stream (system, entity) VALUES ('" + system + "', '" + entity + "') RETURNING id")));
  }
};

}  // namespace banyan::records
