#include "adapters/sync/postgres_sync_store.hpp"

#include <utility>

#include "adapters/records/record_writer.hpp"
#include "adapters/sync/postgres_rows.hpp"
#include "adapters/sync/postgres_told.hpp"
#include "adapters/sync/postgres_view.hpp"
#include "adapters/sync/postgres_writer.hpp"

namespace banyan::sync {
namespace {

constexpr const char* kFindStream =
    "UPDATE banyan.stream SET named_at = now() WHERE system = $1 AND entity = $2 AND active RETURNING id";
// A stream that was out of use has not heard of the records made meanwhile.
constexpr const char* kOpenStream = R"sql(
WITH opened AS (
  INSERT INTO banyan.stream (system, entity) VALUES ($1, $2)
  ON CONFLICT (system, entity) DO UPDATE SET active = true, named_at = now()
  RETURNING id
), counted AS (
  INSERT INTO banyan.sync_count (stream, side) SELECT id, side FROM opened, (VALUES ('legacy'), ('modern')) sides (side)
  ON CONFLICT DO NOTHING
), stated AS (
  INSERT INTO banyan.stream_state (stream) SELECT id FROM opened
  ON CONFLICT (stream) DO UPDATE SET unlinked_from = '00000000-0000-0000-0000-000000000000'
)
SELECT id FROM opened
)sql";

// So it looks for what it has missed, on both sides, before anything else.
constexpr const char* kVerifyAgain = R"sql(
WITH begun AS (
  UPDATE banyan.stream_state s SET scan_kind = 'verify', scan_phase = 'reading', scan_position = '', scan_dry_run = false,
    scan_repair = true, scan_accepts_deletes = false, scan_started = now(), scan_ended = 'epoch', scanned = 0, differences = 0, repaired = 0,
    report = )sql" BANYAN_REPORT_OF_NEXT R"sql(
  WHERE stream = $1::smallint AND backfilled_at <> 'epoch' AND (scan_kind <> 'backfill' OR scan_phase = 'done')
  RETURNING stream
))sql" BANYAN_FORGET_SEEN "SELECT FROM begun";

// A commit holds the key of its lease (FOR KEY SHARE): that does not hinder a renewal, but nobody takes the lease over
// meanwhile. Nothing waits here: the next round comes soon.
constexpr const char* kIsInUse =
    "SELECT EXISTS (SELECT FROM banyan.lease WHERE stream = $1::smallint) AND NOT EXISTS "
    "(SELECT FROM banyan.lease WHERE stream = $1::smallint FOR UPDATE SKIP LOCKED)";
// The same owner goes on with its token, even late: nobody has come between.
constexpr const char* kLease =
    "INSERT INTO banyan.lease AS l (stream, token, owner, expires_at) "
    "VALUES ($1::smallint, 1, $2, clock_timestamp() + $3::bigint * interval '1 millisecond') "
    "ON CONFLICT (stream) DO UPDATE SET token = l.token + CASE WHEN l.owner = excluded.owner THEN 0 ELSE 1 END, "
    "owner = excluded.owner, expires_at = clock_timestamp() + $3::bigint * interval '1 millisecond' "
    "WHERE l.owner = excluded.owner OR l.expires_at <= clock_timestamp() RETURNING token";
constexpr const char* kRelease =
    "UPDATE banyan.lease SET owner = '', expires_at = clock_timestamp() WHERE stream = $1::smallint AND token = "
    "$2::bigint";
// Renewing waits for no commit, since it leaves the key as it is.
constexpr const char* kKeepLeases = R"sql(
WITH noted AS (
  INSERT INTO banyan.process (owner, alive_until, streams)
  VALUES ($1, clock_timestamp() + $2::bigint * interval '1 millisecond', $3::smallint[])
  ON CONFLICT (owner) DO UPDATE SET alive_until = excluded.alive_until, streams = excluded.streams
), buried AS (
  DELETE FROM banyan.process WHERE owner <> $1 AND alive_until < clock_timestamp() - interval '1 hour'
), renewed AS (
  UPDATE banyan.lease SET expires_at = clock_timestamp() + $2::bigint * interval '1 millisecond'
  WHERE owner = $1 AND stream = ANY ($3::smallint[]) RETURNING stream, token
)
SELECT r.token, r.token IS NULL AND (l.stream IS NULL OR l.expires_at <= clock_timestamp()),
  1 + (SELECT count(*) FROM banyan.process p
       WHERE p.owner <> $1 AND p.alive_until > clock_timestamp() AND n.stream = ANY (p.streams))
FROM unnest($3::smallint[]) WITH ORDINALITY n (stream, place)
LEFT JOIN renewed r ON r.stream = n.stream LEFT JOIN banyan.lease l ON l.stream = n.stream ORDER BY n.place
)sql";
// Those gone for long are taken out on the way.
constexpr const char* kPresent = R"sql(
WITH noted AS (
  INSERT INTO banyan.process (owner, alive_until) VALUES ($1, clock_timestamp() + $2::bigint * interval '1 millisecond')
  ON CONFLICT (owner) DO UPDATE SET alive_until = excluded.alive_until
), buried AS (
  DELETE FROM banyan.process WHERE owner <> $1 AND alive_until < clock_timestamp() - interval '1 hour'
)
SELECT 1 + count(*) FROM banyan.process WHERE owner <> $1 AND alive_until > clock_timestamp()
)sql";

const std::string kState =
    std::string("SELECT ") + kStateColumns + " FROM banyan.stream_state s WHERE s.stream = $1::smallint";
// Times of rows are by the database's clock, but tests give their own. What has not been tried yet is due whatever the
// clocks say.
const std::string kOutbox = std::string("SELECT ") + kOutboxColumns +
                            " FROM banyan.outbox o WHERE o.stream = $1::smallint AND (o.attempt = 0 OR o.not_before "
                            "<= greatest($2::timestamptz, now())) ORDER BY o.first_at, o.record_id LIMIT $3::bigint";
const std::string kDue = std::string("SELECT ") + kWaitingColumns +
                         " FROM banyan.waiting w WHERE w.stream = $1::smallint AND w.not_before <= greatest("
                         "$2::timestamptz, now()) "
                         "ORDER BY w.not_before, w.legacy_id LIMIT $3::bigint";
// What the record says now, whatever it said when the matter was opened. Of which entity its references are is not
// known here: ids are unique across all of them. OFFSET keeps the planner from joining the other way round, which would
// read all records for each matter.
constexpr const char* kReferenceIsMissing =
    "SELECT FROM banyan.stream o JOIN banyan.record d ON d.entity = o.entity AND d.id = m.record_id "
    "CROSS JOIN LATERAL unnest(m.fields) f (field) WHERE o.id = m.stream AND (d.deleted OR d.data ->> f.field IS NOT "
    "NULL AND "
    "NOT EXISTS (SELECT FROM banyan.stream s CROSS JOIN LATERAL ("
    "SELECT FROM banyan.record r WHERE r.entity = s.entity AND NOT r.deleted AND r.id = CASE "
    "WHEN d.data ->> f.field ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' "
    "THEN (d.data ->> f.field)::uuid END OFFSET 0) found))";
const std::string kReadyMatters =
    std::string("SELECT ") + kParkedColumns +
    " FROM banyan.parked p WHERE p.id IN ((SELECT a.id FROM banyan.parked a WHERE a.stream = $1::smallint AND "
    "a.state = 'answered' ORDER BY a.id LIMIT $2::bigint) UNION ALL (SELECT m.id FROM banyan.parked m WHERE "
    "$3::boolean AND m.stream = $1::smallint AND m.state = 'open' AND m.side = 'modern' AND "
    "m.error_class = 'missing_reference' AND m.legacy_changes = 0 AND NOT EXISTS (" +
    kReferenceIsMissing + ") ORDER BY m.id LIMIT $2::bigint)) ORDER BY p.id LIMIT $2::bigint";

template <typename T, typename Read>
std::vector<T> read_all(const pqxx::result& rows, Read read) {
  std::vector<T> values;
  values.reserve(rows.size());
  for (const auto& row : rows) values.push_back(read(row));
  return values;
}

}  // namespace

Result<StreamId> PostgresSyncStore::open_stream(const std::string& system, const std::string& entity,
                                                Deadline deadline) {
  return database_.transact<StreamId>(deadline, [system, entity](store::Transaction& tx) {
    pqxx::result rows = tx.exec_params(kFindStream, system, entity);
    if (!rows.empty()) return number_of<StreamId>(rows[0][0]);
    rows = tx.exec_params(kOpenStream, system, entity);
    const auto id = number_of<StreamId>(rows[0][0]);
    tx.exec_params(kVerifyAgain, id);
    return id;
  });
}

Result<std::optional<Fence>> PostgresSyncStore::lease(StreamId stream, const std::string& owner,
                                                      std::chrono::milliseconds term, Deadline deadline) {
  return database_.transact<std::optional<Fence>>(deadline, [&](store::Transaction& tx) -> std::optional<Fence> {
    if (flag_of(tx.exec_params1(kIsInUse, stream)[0])) return std::nullopt;
    const pqxx::result rows = tx.exec_params(kLease, stream, owner, term.count());
    if (rows.empty()) return std::nullopt;
    return Fence{stream, number_of(rows[0][0])};
  });
}

Result<void> PostgresSyncStore::release(const Fence& fence, Deadline deadline) {
  return database_.run(deadline,
                       [fence](store::Transaction& tx) { tx.exec_params0(kRelease, fence.stream, fence.token); });
}

Result<std::vector<LeaseStand>> PostgresSyncStore::keep_leases(const std::string& owner,
                                                               std::span<const StreamId> streams,
                                                               std::chrono::milliseconds term, Deadline deadline) {
  Column ids;
  for (const StreamId stream : streams) ids.add_number(stream);
  const std::string asked = ids.finish();
  return database_.transact<std::vector<LeaseStand>>(deadline, [&](store::Transaction& tx) {
    std::vector<LeaseStand> stands;
    for (const auto& row : tx.exec_params(kKeepLeases, owner, term.count(), asked)) {
      LeaseStand stand;
      if (!row[0].is_null()) stand.held = Fence{streams[stands.size()], number_of(row[0])};
      stand.free = flag_of(row[1]);
      stand.candidates = number_of<std::size_t>(row[2]);
      stands.push_back(stand);
    }
    return stands;
  });
}

Result<void> PostgresSyncStore::tell(const std::string& owner,
                                     std::span<const std::pair<StreamId, StreamStatus>> statuses, Deadline deadline) {
  return database_.run(deadline, [&](store::Transaction& tx) { write_told(tx, owner, statuses); });
}

Result<std::size_t> PostgresSyncStore::present(const std::string& owner, std::chrono::milliseconds term,
                                               Deadline deadline) {
  return database_.transact<std::size_t>(deadline, [&](store::Transaction& tx) {
    return number_of<std::size_t>(tx.exec_params1(kPresent, owner, term.count())[0]);
  });
}

Result<void> PostgresSyncStore::commit(const Fence& fence, const Decide& decide, Deadline deadline) {
  try {
    return database_.run(deadline, [&](store::Transaction& tx) {
      PostgresView view(tx, fence);
      write_changes(tx, view, decide(view));
    });
  } catch (const StaleFence&) {
    return fail(ErrorCode::precondition_failed, "another process has taken the stream over",
                "stream " + std::to_string(fence.stream) + ", token " + std::to_string(fence.token));
  } catch (const records::VersionConflict& conflict) {
    return fail(ErrorCode::conflict, "the record has changed meanwhile", conflict.what());
  }
}

Result<StreamState> PostgresSyncStore::state(StreamId stream, Deadline deadline) {
  return database_.transact<StreamState>(
      deadline, [stream](store::Transaction& tx) { return read_state(tx.exec_params1(kState, stream)); });
}

Result<std::vector<OutboxItem>> PostgresSyncStore::outbox(StreamId stream, std::size_t limit, WallTime now,
                                                          Deadline deadline) {
  return database_.transact<std::vector<OutboxItem>>(deadline, [&](store::Transaction& tx) {
    return read_all<OutboxItem>(tx.exec_params(kOutbox, stream, timestamp_text(now), limit), read_outbox_item);
  });
}

Result<std::vector<Waiting>> PostgresSyncStore::due(StreamId stream, std::size_t limit, WallTime now,
                                                    Deadline deadline) {
  return database_.transact<std::vector<Waiting>>(deadline, [&](store::Transaction& tx) {
    return read_all<Waiting>(tx.exec_params(kDue, stream, timestamp_text(now), limit), read_waiting);
  });
}

Result<std::vector<Parked>> PostgresSyncStore::ready_matters(StreamId stream, std::size_t limit, Look look,
                                                             Deadline deadline) {
  return database_.transact<std::vector<Parked>>(deadline, [&](store::Transaction& tx) {
    return read_all<Parked>(tx.exec_params(kReadyMatters, stream, limit, look == Look::restored_too), read_parked);
  });
}

}  // namespace banyan::sync
