// RecordStore: records one at a time, checked against the ontology, for the API and for agents. The sync engine writes
// with write_records() instead: what it brings has happened already.
//
// Every call is one transaction and blocks until the deadline; safe from any thread. Fails with the codes:
//   not_found            no such entity, no such record
//   gone                 the record is a tombstone; RecordError::current holds it
//   precondition_failed  another version is stored than the one expected; RecordError::current holds the record
//   conflict             the id is taken, or other records still refer to this one
//   too_large            a record to be removed has more than 1,000 parts, or one to be restored more than 20,000
//   invalid_argument     RecordError::faults says which fields, or which part of a query
//   and those of Database::run()
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "adapters/records/canonicalise.hpp"
#include "adapters/records/ontology.hpp"
#include "adapters/records/record.hpp"
#include "adapters/records/record_id.hpp"
#include "adapters/records/record_query.hpp"
#include "gateway/store/database.hpp"

namespace banyan::records {

struct RecordError {
  Error error;
  std::vector<FieldFault> faults;
  std::optional<Record> current;
};

template <typename T>
using RecordResult = tl::expected<T, RecordError>;

struct RecordPage {
  std::vector<Record> records;
  std::string next;  // cursor of the next page; empty: this was the last
};

// A version of a record: who made it, when, on which side, and what changed.
struct HistoryEntry {
  std::int64_t version = 0;
  WallTime at{};
  std::string side;  // "legacy", "modern"
  std::string author;
  std::string kind;  // "insert", "update", "remove", "restore"
  Json changed;      // {"field": {"from": …, "to": …}}
};

struct HistoryPage {
  std::vector<HistoryEntry> entries;  // the newest first
  std::int64_t next = 0;              // `before` of the next page; 0: this was the last
};

// A record that is back.
struct Restored {
  struct Part {
    std::string entity;
    std::string id;
    std::string left;  // why it is a tombstone still; empty: it is back as well
  };
  Record record;
  std::vector<Part> parts;
};

class RecordStore {
public:
  // All must outlive the object.
  RecordStore(store::Database& database, const Ontology& ontology, RecordIds& ids);

  const Ontology& ontology() const { return ontology_; }

  // `id`: of the caller's choice, or empty. References must point at live records, hierarchies stay trees.
  RecordResult<Record> create(const std::string& entity, const Json& data, const Author& author, Deadline deadline,
                              const std::string& id = {});

  enum class Tombstones : std::uint8_t { refused, given };
  RecordResult<Record> get(const std::string& entity, const std::string& id, Deadline deadline,
                           Tombstones tombstones = Tombstones::refused);

  // Live records, or tombstones if the query asks for them. A page is consistent in itself; a record that does not
  // change is on one page exactly.
  RecordResult<RecordPage> list(const std::string& entity, const ListQuery& query, Deadline deadline);

  // `merge_patch` as RFC 7396 has it, on the data: null removes a field. Only the fields in it are checked. A patch
  // that changes nothing makes no version. `expected`: the version that the record must have; nothing: any.
  RecordResult<Record> patch(const std::string& entity, const std::string& id, const Json& merge_patch,
                             std::optional<std::int64_t> expected, const Author& author, Deadline deadline);

  // Leaves a tombstone, and tombstones of all that is part of the record. Refused with `conflict` while other live
  // records refer to it.
  RecordResult<Record> remove(const std::string& entity, const std::string& id, std::optional<std::int64_t> expected,
                              const Author& author, Deadline deadline);

  // Brings a tombstone back with the data that it held, and with it the parts that went with it: see parts_gone_with().
  // A part that cannot come back, since what else it refers to is gone, stays away. A live record is left as it is.
  RecordResult<Restored> restore(const std::string& entity, const std::string& id, std::optional<std::int64_t> expected,
                                 const Author& author, Deadline deadline);

  // Also of tombstones. `before`: only older versions; 0: from the newest on. `limit`: 1 to kLargestPage.
  RecordResult<HistoryPage> history(const std::string& entity, const std::string& id, std::int64_t before,
                                    std::size_t limit, Deadline deadline);

private:
  template <typename T>
  RecordResult<T> run(Deadline deadline, const std::function<T(store::Transaction&)>& fn);
  const Entity& known(const std::string& entity) const;
  RecordWrite change(RecordWrite::Kind kind, const Record& before, const Author& author) const;
  void remove_parts(store::Transaction& tx, const Author& author, std::vector<RecordWrite>& writes) const;

  store::Database& database_;
  const Ontology& ontology_;
  RecordIds& ids_;
};

}  // namespace banyan::records
