// Finished dry runs: banyan.dry_run_result.
#pragma once

#include <map>

#include "adapters/sync/sync_store.hpp"
#include "gateway/store/database.hpp"

namespace banyan::sync {

void write_dry_run(store::Transaction& tx, StreamId stream, const ScanState& scan);
// The last one of each stream.
std::map<StreamId, ScanState> read_dry_runs(store::Transaction& tx);

}  // namespace banyan::sync
