// The set-based writing of records: thousands per statement, inside a transaction of the caller.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "adapters/records/record.hpp"
#include "gateway/store/database.hpp"

namespace banyan::records {

// Thrown when a record is not as a write presupposes: its stored version is not version - 1, or an insert finds it
// there. The transaction has written something or other by then and must not be committed.
class VersionConflict final : public std::runtime_error {
public:
  VersionConflict(std::string entity, std::string id);
  const std::string& entity() const { return entity_; }
  const std::string& id() const { return id_; }

private:
  std::string entity_;
  std::string id_;
};

// Writes each record with its history row, and an outbox row for each active stream of its entity but `skip_stream`;
// streams are notified on the channel banyan_outbox. Data and ids must be in canonical form; created_at and updated_at
// are the database's own. A record may be written more than once: in the order given, each version one up.
// From kCopyFrom writes on that are all inserts, COPY is used.
inline constexpr std::size_t kCopyFrom = 100;
void write_records(store::Transaction& tx, std::span<const RecordWrite> writes);

enum class Lock : std::uint8_t {
  none,
  update,  // FOR UPDATE, in order of id, so that two callers cannot wait for each other
};

// Those of the records that exist, tombstones included, in order of id.
std::vector<Record> read_records(store::Transaction& tx, const std::string& entity, std::span<const std::string> ids,
                                 Lock lock);

}  // namespace banyan::records
