// What the sync API shows, as JSON. Pure. docs/reference/sync-api.md describes each member.
#pragma once

#include <optional>
#include <string>

#include "adapters/sync/stream.hpp"
#include "adapters/sync/sync_queries.hpp"

namespace banyan::api {

using records::Json;

// RFC 3339, or null for nothing and for the epoch, which stands for "never".
Json time_json(std::optional<WallTime> time);
Json counters_json(const sync::Counts& counts);
// The run of that kind: the one under way, or the last. `status`: of this process, for its rate; may be null.
Json backfill_json(const sync::StreamReport& report, const sync::StreamStatus* status);
Json dry_run_json(const sync::StreamReport& report, const sync::StreamStatus* status);
Json verify_json(const sync::StreamReport& report, const sync::StreamStatus* status);
// Linked records that the last run did not meet, if it has counted; else null.
Json missing_json(const sync::ScanState& scan);

}  // namespace banyan::api
