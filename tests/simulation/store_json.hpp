// The values of sync_store.hpp as JSON: to be compared, and shown where they differ.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sync/sync_store.hpp"

namespace banyan::simulation {

using sync::Json;

inline Json as_json(bool value) {
  return value;
}
inline Json as_json(std::int16_t value) {
  return value;
}
inline Json as_json(std::int64_t value) {
  return value;
}
inline Json as_json(std::size_t value) {
  return value;
}
inline Json as_json(const std::string& value) {
  return value;
}
Json as_json(WallTime value);  // microseconds since 1970
Json as_json(const sync::Reference& value);
Json as_json(const records::Record& value);
Json as_json(const sync::PendingWrite& value);
Json as_json(const sync::Link& value);
Json as_json(const sync::LinkHead& value);
Json as_json(const sync::Waiting& value);
Json as_json(const sync::Parked& value);
Json as_json(const sync::Intent& value);
Json as_json(const sync::Coupling& value);
Json as_json(const sync::OutboxItem& value);
Json as_json(const sync::StreamState& value);
Json as_json(const sync::Counts& value);
Json as_json(const sync::InboxEntry& value);
Json as_json(const sync::Fence& value);
Json as_json(const sync::SyncStore::Drift& value);
Json as_json(const sync::View::Edit& value);
Json as_json(const sync::View::NotSeen& value);
Json as_json(const sync::View::NotSeenCount& value);

template <typename T>
Json as_json(const std::optional<T>& value) {
  return value ? as_json(*value) : Json();
}

template <typename T>
Json as_json(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(as_json(value));
  return list;
}

// Throws Violation if they are not equal.
void require_same(const std::string& what, const Json& postgres, const Json& memory);

}  // namespace banyan::simulation
