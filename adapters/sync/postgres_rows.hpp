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
    "w.legacy_id, w.inbox_id, w.on_entity, w.on_id, " BANYAN_MICROS("w.not_before") ", w.attempt, w.reason, "
    "(SELECT i.legacy_version FROM banyan.inbox i WHERE i.id = w.inbox_id)";
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
    "s.scan_kind, s.scan_phase, s.scan_position, s.scan_dry_run, s.scan_repair, s.scan_accepts_deletes, " BANYAN_MICROS(
        "s.scan_started") ", " BANYAN_MICROS("s.scan_ended") ", s.scanned, s.differences, s.repaired, s.report, " BANYAN_MICROS(
        "s.backfilled_at") ", s.schema, s.mapping";
inline constexpr pqxx::row::size_type kAfterState = 24;  // the first column that follows
StreamState read_state(const pqxx::row& row);

// Parts of a WITH that follow one named `begun`, which has the streams whose scan begins: what was met before is
// forgotten.
#define BANYAN_FORGET_SEEN                                                                                \
  ", forgotten AS (DELETE FROM banyan.scan_chunk c USING begun b WHERE c.stream = b.stream), marked AS (" \
  "INSERT INTO banyan.scan_chunk (stream, least, greatest, ids) SELECT stream, '', '', '{}' FROM begun) "

// report_of_next() of the row `s` of stream_state.
#define BANYAN_REPORT_OF_NEXT                                                                                      \
  "CASE WHEN s.report #> '{missing,held}' = 'true' THEN jsonb_build_object('held_before', s.report -> 'missing') " \
  "WHEN s.report ? 'held_before' THEN jsonb_build_object('held_before', s.report -> 'held_before') "               \
  "ELSE '{}'::jsonb END"

std::string_view to_string(ScanState::Kind kind);
std::string_view to_string(ScanState::Phase phase);

}  // namespace banyan::sync
