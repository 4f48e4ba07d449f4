// What a process has told of its streams: banyan.stream_told.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>

#include "adapters/sync/sync_store.hpp"
#include "gateway/store/database.hpp"

namespace banyan::sync {

// See SyncStore::tell().
void write_told(store::Transaction& tx, const std::string& owner,
                std::span<const std::pair<StreamId, StreamStatus>> statuses);

struct Told {
  std::string process;
  WallTime at{};
  StreamStatus status;  // without names
};
std::map<StreamId, Told> read_told(store::Transaction& tx);

}  // namespace banyan::sync
