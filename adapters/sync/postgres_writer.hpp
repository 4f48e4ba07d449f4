// Writes all that one commit changes, set by set. Internal to PostgresSyncStore.
#pragma once

#include "adapters/sync/postgres_view.hpp"
#include "adapters/sync/sync_store.hpp"
#include "gateway/store/database.hpp"

namespace banyan::sync {

// In the transaction of the view.
void write_changes(store::Transaction& tx, PostgresView& view, const Changes& changes);

// Its parts.
void write_links(store::Transaction& tx, const PostgresView& view, const Changes& changes);
// The captured changes and what waits for a person or for another record.
void write_inbox(store::Transaction& tx, const PostgresView& view, const Changes& changes);

}  // namespace banyan::sync
