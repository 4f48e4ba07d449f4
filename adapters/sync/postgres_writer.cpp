// Outbox, intents, scans, state and counts; links and inbox have files of their own.
#include "adapters/sync/postgres_writer.hpp"

#include <utility>

#include "adapters/records/record_writer.hpp"
#include "adapters/sync/postgres_dry_runs.hpp"
#include "adapters/sync/postgres_rows.hpp"

namespace banyan::sync {
namespace {

// An edit beside us may raise the version of a row; the statement after this one sees it.
constexpr const char* kLockOutbox =
    "SELECT FROM banyan.outbox WHERE stream = $1::smallint AND record_id = ANY ($2::uuid[]) ORDER BY record_id FOR "
    "UPDATE";
constexpr const char* kOutboxDone = R"sql(
WITH done AS (SELECT * FROM unnest($2::uuid[], $3::bigint[], $4::integer[]) d (record_id, version, changes)),
removed AS (
  DELETE FROM banyan.outbox o USING done d
  WHERE o.stream = $1::smallint AND o.record_id = d.record_id AND o.version = d.version
)
UPDATE banyan.outbox o SET changes = greatest(o.changes - d.changes, 0) FROM done d
WHERE o.stream = $1::smallint AND o.record_id = d.record_id AND o.version <> d.version
)sql";
constexpr const char* kOutboxDelayed =
    "UPDATE banyan.outbox o SET not_before = d.not_before, attempt = d.attempt, waits_for = d.waits_for "
    "FROM unnest($2::uuid[], $3::timestamptz[], $4::integer[], $5::integer[], $6::uuid[]) "
    "d (record_id, not_before, attempt_read, attempt, waits_for) "
    "WHERE o.stream = $1::smallint AND o.record_id = d.record_id AND o.attempt = d.attempt_read";
constexpr const char* kOutboxAdded = R"sql(
WITH added AS (
  INSERT INTO banyan.outbox (stream, record_id, version, changes, hops)
  SELECT $1::smallint, r.id, r.version, 0, 0 FROM banyan.record r WHERE r.entity = $2 AND r.id = ANY ($3::uuid[])
  ON CONFLICT DO NOTHING RETURNING stream
)
SELECT pg_notify('banyan_outbox', stream::text) FROM (SELECT DISTINCT stream FROM added) streams
)sql";
// Those that are left without a link are looked for from here on: see PostgresView::any_unlinked().
constexpr const char* kUnlinkedAgain =
    "UPDATE banyan.stream_state s SET unlinked_from = least(s.unlinked_from, x.id) FROM ("
    "SELECT n.id FROM unnest($2::uuid[]) n (id) WHERE NOT EXISTS (SELECT FROM banyan.link l "
    "WHERE l.stream = $1::smallint AND l.record_id = n.id) ORDER BY n.id LIMIT 1) x WHERE s.stream = $1::smallint";
constexpr const char* kIntents = R"sql(
INSERT INTO banyan.intent (stream, record_id, since, at, sent, base, version, attempted)
SELECT $1::smallint, n.* FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::jsonb[], $6::jsonb[],
  $7::bigint[], $8::boolean[]) n
ON CONFLICT (stream, record_id) DO UPDATE SET since = excluded.since, at = excluded.at, sent = excluded.sent,
  base = excluded.base, version = excluded.version, attempted = excluded.attempted
)sql";
constexpr const char* kIntentsDone =
    "DELETE FROM banyan.intent WHERE stream = $1::smallint AND record_id = ANY ($2::uuid[])";
constexpr const char* kForgetSeen =
    "WITH begun AS (SELECT $1::smallint AS stream)" BANYAN_FORGET_SEEN "SELECT FROM begun";
constexpr const char* kLookForUnlinked =
    "UPDATE banyan.stream_state SET unlinked_from = '00000000-0000-0000-0000-000000000000' WHERE stream = $1::smallint";
constexpr const char* kSeen =
    "INSERT INTO banyan.scan_chunk (stream, least, greatest, ids) VALUES ($1::smallint, $2, $3, $4::text[])";
constexpr const char* kRedirects =
    "INSERT INTO banyan.redirect (stream, legacy_id, into_id) "
    "SELECT $1::smallint, n.* FROM unnest($2::text[], $3::text[]) n "
    "ON CONFLICT (stream, legacy_id) DO UPDATE SET into_id = excluded.into_id";
constexpr const char* kAwake = R"sql(
WITH woken AS (
  UPDATE banyan.waiting w SET not_before = 'epoch'
  FROM unnest($2::text[], $3::text[]) n (entity, id), banyan.stream s
  WHERE s.system = $1 AND w.stream = s.id AND w.on_entity = n.entity AND w.on_id = n.id
  RETURNING w.stream
)
SELECT pg_notify('banyan_outbox', stream::text) FROM (SELECT DISTINCT stream FROM woken) streams
)sql";
// Rows that another stream is about to write are skipped: a commit that waits for them while they wait for it would end
// neither. They come when it is time.
constexpr const char* kAwakeOutbox = R"sql(
WITH due AS MATERIALIZED (
  SELECT o.stream, o.record_id FROM unnest($2::uuid[]) n (id) JOIN banyan.outbox o ON o.waits_for = n.id
  JOIN banyan.stream s ON s.id = o.stream AND s.system = $1 FOR UPDATE OF o SKIP LOCKED
), woken AS (
  UPDATE banyan.outbox o SET attempt = 0, waits_for = NULL FROM due d
  WHERE o.stream = d.stream AND o.record_id = d.record_id RETURNING o.stream
)
SELECT pg_notify('banyan_outbox', stream::text) FROM (SELECT DISTINCT stream FROM woken) streams
)sql";
// NULL leaves a large part as it is.
constexpr const char* kState = R"sql(
UPDATE banyan.stream_state SET cursor_stamp = $2, cursor_id = $3, overlap_ms = $4, deletes_since = $5,
  scan_kind = $6, scan_phase = $7, scan_position = $8, scan_dry_run = $9, scan_repair = $10,
  scan_accepts_deletes = $11, scan_started = $12::timestamptz, scan_ended = $13::timestamptz, scanned = $14,
  differences = $15, repaired = $16, report = coalesce($17::jsonb, report), backfilled_at = $18::timestamptz,
  schema = coalesce($19::jsonb, schema), mapping = coalesce($20::jsonb, mapping)
WHERE stream = $1::smallint
)sql";
constexpr const char* kVerified =
    "INSERT INTO banyan.verify_result (stream, started, ended, repair, checked, differences, repaired, report) "
    "VALUES ($1::smallint, $2::timestamptz, $3::timestamptz, $4, $5, $6, $7, $8::jsonb)";
constexpr const char* kPaused =
    "UPDATE banyan.stream_state SET paused = $2, pause_reason = $3 WHERE stream = $1::smallint";
constexpr const char* kCounts =
    "UPDATE banyan.sync_count SET captured = captured + $3, applied = applied + $4, superseded = superseded + $5, "
    "echo = echo + $6, conflict = conflict + $7, dead_letter = dead_letter + $8, in_flight = in_flight + $9 "
    "WHERE stream = $1::smallint AND side = $2";

void write_outbox(store::Transaction& tx, const PostgresView& view, const Changes& changes) {
  if (!changes.outbox_done.empty()) {
    Column ids, versions, counts;
    for (const Changes::OutboxDone& done : changes.outbox_done) {
      ids.add(done.item.record_id);
      versions.add_number(done.item.version);
      counts.add_number(done.item.changes);
    }
    tx.exec_params(kLockOutbox, view.stream(), ids.finish());
    tx.exec_params0(kOutboxDone, view.stream(), ids.finish(), versions.finish(), counts.finish());
    tx.exec_params0(kUnlinkedAgain, view.stream(), ids.finish());
  }
  if (!changes.outbox_delayed.empty()) {
    Column ids, times, attempts_read, attempts, waits_for;
    for (const Changes::OutboxDelay& delay : changes.outbox_delayed) {
      ids.add(delay.record_id);
      times.add_time(delay.not_before);
      attempts_read.add_number(delay.attempt_read);
      attempts.add_number(delay.attempt);
      waits_for.add_or_null(delay.waits_for);
    }
    tx.exec_params0(kOutboxDelayed, view.stream(), ids.finish(), times.finish(), attempts_read.finish(),
                    attempts.finish(), waits_for.finish());
  }
  if (!changes.outbox_added.empty()) {
    tx.exec_params(kOutboxAdded, view.stream(), view.entity(), array_text(changes.outbox_added));
  }
}

void write_intents(store::Transaction& tx, const PostgresView& view, const Changes& changes) {
  if (!changes.intents_done.empty()) tx.exec_params0(kIntentsDone, view.stream(), array_text(changes.intents_done));
  if (changes.intents.empty()) return;
  Column ids, since, at, sent, base, versions, attempted;
  for (const Intent& intent : changes.intents) {
    ids.add(intent.record_id);
    since.add_time(intent.since);
    at.add_time(intent.at);
    sent.add(intent.sent.dump());
    base.add(intent.base.dump());
    versions.add_number(intent.version);
    attempted.add_flag(intent.attempted);
  }
  tx.exec_params0(kIntents, view.stream(), ids.finish(), since.finish(), at.finish(), sent.finish(), base.finish(),
                  versions.finish(), attempted.finish());
}

void write_seen(store::Transaction& tx, const PostgresView& view, const Changes& changes) {
  if (changes.forget_seen) {
    tx.exec_params(kForgetSeen, view.stream());
    tx.exec_params0(kLookForUnlinked, view.stream());
  }
  if (changes.seen.empty()) return;
  const auto [least, greatest] = std::minmax_element(changes.seen.begin(), changes.seen.end());
  tx.exec_params0(kSeen, view.stream(), *least, *greatest, array_text(changes.seen));
}

void write_redirects(store::Transaction& tx, const PostgresView& view, const Changes& changes) {
  Column from, to;
  for (const Reference& redirect : changes.redirects) {
    from.add(redirect.entity);
    to.add(redirect.id);
  }
  if (!changes.redirects.empty()) tx.exec_params0(kRedirects, view.stream(), from.finish(), to.finish());
}

void wake_others(store::Transaction& tx, const PostgresView& view, const Changes& changes) {
  Column entities, ids;
  std::vector<std::string> records;
  for (const Changes::Coupled& coupled : changes.awake) {
    entities.add(coupled.entity);
    ids.add(coupled.legacy_id);
    if (!coupled.record_id.empty()) records.push_back(coupled.record_id);
  }
  const bool any_waits = view.others_wait() || !changes.waiting.empty();
  if (!changes.awake.empty() && any_waits) tx.exec_params(kAwake, view.system(), entities.finish(), ids.finish());
  if (!records.empty()) tx.exec_params(kAwakeOutbox, view.system(), array_text(records));
}

std::optional<std::string> if_changed(const Json& value, const Json& before) {
  if (value == before) return std::nullopt;
  return value.dump();
}

void write_state(store::Transaction& tx, PostgresView& view, const StreamState& state) {
  const StreamState& before = view.state_before();
  const ScanState& scan = state.scan;
  const auto report = if_changed(scan.report, before.scan.report);
  const auto schema = if_changed(state.schema, before.schema);
  const auto mapping = if_changed(state.mapping, before.mapping);
  const auto pointer = [](const std::optional<std::string>& text) { return text ? text->c_str() : nullptr; };
  tx.exec_params0(kState, view.stream(), state.cursor.stamp, state.cursor.id, state.overlap.count(),
                  state.deletes_since, std::string(to_string(scan.kind)), std::string(to_string(scan.phase)),
                  scan.position, scan.dry_run, scan.repair, scan.accepts_deletes, timestamp_text(scan.started),
                  timestamp_text(scan.ended), scan.scanned, scan.differences, scan.repaired, pointer(report),
                  timestamp_text(state.backfilled_at), pointer(schema), pointer(mapping));
  const bool was_done = before.scan.kind == scan.kind && before.scan.phase == ScanState::Phase::done &&
                        before.scan.started == scan.started;
  if (scan.kind == ScanState::Kind::verify && scan.phase == ScanState::Phase::done && !was_done) {
    tx.exec_params0(kVerified, view.stream(), timestamp_text(scan.started), timestamp_text(scan.ended), scan.repair,
                    scan.scanned, scan.differences, scan.repaired, scan.report.dump());
  }
  if (scan.dry_run && scan.phase == ScanState::Phase::done && !was_done) write_dry_run(tx, view.stream(), scan);
}

void write_counts(store::Transaction& tx, const PostgresView& view, const char* side, const Counts& counts) {
  const auto& [captured, applied, superseded, echo, conflict, dead_letter, in_flight] = counts;
  if ((captured | applied | superseded | echo | conflict | dead_letter | in_flight) == 0) return;
  tx.exec_params0(kCounts, view.stream(), side, captured, applied, superseded, echo, conflict, dead_letter, in_flight);
}

}  // namespace

void write_changes(store::Transaction& tx, PostgresView& view, const Changes& changes) {
  records::write_records(tx, changes.records);
  write_links(tx, view, changes);
  write_inbox(tx, view, changes);
  write_outbox(tx, view, changes);
  write_intents(tx, view, changes);
  write_seen(tx, view, changes);
  write_redirects(tx, view, changes);
  wake_others(tx, view, changes);
  if (changes.state) write_state(tx, view, *changes.state);
  if (changes.paused) tx.exec_params0(kPaused, view.stream(), *changes.paused, changes.pause_reason);
  write_counts(tx, view, "legacy", changes.legacy_counts);
  write_counts(tx, view, "modern", changes.modern_counts);
}

}  // namespace banyan::sync
