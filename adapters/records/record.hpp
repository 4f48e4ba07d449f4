// Record: one canonical object in Banyan's store.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "adapters/records/canonical.hpp"
#include "gateway/base/clock.hpp"

namespace banyan::records {

// On whose side a change began.
enum class Side : std::uint8_t { legacy, modern };
std::string_view to_string(Side side);  // "legacy", "modern"

struct Record {
  std::string entity;
  std::string id;            // lower-case UUID, version 7: ids of one process sort by time of creation
  std::int64_t version = 0;  // from 1; rises by one with each change, also with delete and restore
  Json data = Json::object();
  bool deleted = false;     // a tombstone: data is what it held last
  std::string merged_into;  // id of the record that replaced it; empty: none. Only of a tombstone
  WallTime created_at{};
  WallTime updated_at{};
};

// Who made a change, for the history.
struct Author {
  Side side = Side::modern;
  std::string name;  // "user:clara", "agent:planner", "system:tryton"; never a secret
};

// One change to one record, whole: what the repositories write, together with its history row and the outbox rows of
// the streams that must hear of it.
struct RecordWrite {
  enum class Kind : std::uint8_t { insert, update, remove, restore };
  Kind kind = Kind::update;
  Record record;  // as it will be, version included; the stored version must be version - 1 (insert: none)
  Json changed;   // {"field": {"from": …, "to": …}}, absent values left out: for the history
  Author author;
  std::int16_t skip_stream = 0;  // the stream that this change came through and that need not hear of it; 0: tell all
  std::int32_t hops = 0;         // systems that the change has gone through already: bounds A -> B -> C -> A
};

// {"field": {"from": …, "to": …}} for every field in which two data objects differ.
Json difference(const Json& from, const Json& to);

}  // namespace banyan::records
