// Rows of the sync tables as the values of sync_store.hpp: lists of columns, and what reads them.
#pragma once

#include <pqxx/pqxx>
#include <string_view>

#include "adapters/sync/postgres_text.hpp"
#include "adapters/sync/sync_store.hpp"

namespace banyan::sync {

// Each list goes with the function that reads it; the columns stand first in the row.
inline constexpr const char* kLinkColumns =
    "l.legacy_id, l.record_id, l.base, l.base_hash, l.legacy_version, " BANYAN_MICROS("l.legacy_stamp")
    ", l.record_hash, CASE WHEN l.quiet THEN '' ELSE to_json(l.held)::text END, l.pending, l.writes, " BANYAN_MICROS(
        "l.writes_since") ", l.near_misses, " BANYAN_MICROS("l.created_at");
Link read_link(const pqxx::row& row);

inline constexpr const char* kWaitingColumns =
    "w.legacy_id, w.inbox_id, w.on_entity, w.on_id, " BANYAN_MICROS("w.not_before") ", w.attempt, w.reason";
Waiting read_waiting(const pqxx::row& row);

inline constexpr const char* kParkedColumns =
    "p.id, p.stream, p.kind, p.state, p.side, p.legacy_id, p.record_id, p.error_class, p.message, to_json(p.fields), "
    "p.base, p.legacy, p.modern, p.epoch, p.legacy_changes, p.modern_changes, " BANYAN_MICROS(
        "p.at") ", p.answer, p.answered_by";
Parked read_parked(const pqxx::row& row);

inline constexpr const char* kIntentColumns =
    "i.record_id, " BANYAN_MICROS("i.since") ", " BANYAN_MICROS("i.at") ", i.sent, i.base, i.version, i.attempted";
Intent read_intent(const pqxx::row& row);

inline constexpr const char* kOutboxColumns =
    "o.record_id, o.version, o.changes, o.hops, o.attempt, " BANYAN_MICROS("o.first_at");
OutboxItem read_outbox_item(const pqxx::row& row);

inline constexpr const char* kStateColumns =
    "s.stream, s.owner, s.epoch, s.paused, s.pause_reason, s.cursor_stamp, s.cursor_id, s.overlap_ms, s.deletes_since, "
    "s.scan_kind, s.scan_phase, s.scan_position, s.scan_dry_run, s.scan_repair, " BANYAN_MICROS("s.scan_started")
    ", " BANYAN_MICROS("s.scan_ended") ", s.scanned, s.differences, s.repaired, s.report, " BANYAN_MICROS(
        "s.backfilled_at") ", s.schema, s.mapping";
StreamState read_state(const pqxx::row& row);

std::string_view to_string(ScanState::Kind kind);
std::string_view to_string(ScanState::Phase phase);

}  // namespace banyan::sync
