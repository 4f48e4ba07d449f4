#include "adapters/sync/postgres_sync_store.hpp"

#include <utility>

#include "adapters/records/record_writer.hpp"
#include "adapters/sync/postgres_rows.hpp"
#include "adapters/sync/postgres_view.hpp"
#include "adapters/sync/postgres_writer.hpp"

namespace banyan::sync {
namespace {

constexpr const char* kFindStream = "SELECT id FROM banyan.stream WHERE system = $1 AND entity = $2 AND active";
// A stream that was out of use has not heard of the records made meanwhile.
constexpr const char* kOpenStream = R"sql(
WITH opened AS (
  INSERT INTO banyan.stream (system, entity) VALUES ($1, $2)
  ON CONFLICT (system, entity) DO UPDATE SET active = true
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

// Waits for a commit under way. The same owner goes on with its token, even late: nobody has come between.
constexpr const char* kLease =
    "INSERT INTO banyan.lease AS l (stream, token, owner, expires_at) "
    "VALUES ($1::smallint, 1, $2, clock_timestamp() + $3::bigint * interval '1 millisecond') "
    "ON CONFLICT (stream) DO UPDATE SET token = l.token + CASE WHEN l.owner = excluded.owner THEN 0 ELSE 1 END, "
    "owner = excluded.owner, expires_at = clock_timestamp() + $3::bigint * interval '1 millisecond' "
    "WHERE l.owner = excluded.owner OR l.expires_at <= clock_timestamp() RETURNING token";
constexpr const char* kRelease =
    "UPDATE banyan.lease SET owner = '', expires_at = '-infinity' WHERE stream = $1::smallint AND token = $2::bigint";
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
// What has not been tried yet is due whatever the clocks of this machine and the database say.
const std::string kOutbox = std::string("SELECT ") + kOutboxColumns +
                            " FROM banyan.outbox o WHERE o.stream = $1::smallint AND (o.attempt = 0 OR o.not_before "
                            "<= $2::timestamptz) ORDER BY o.first_at, o.record_id LIMIT $3::bigint";
const std::string kDue = std::string("SELECT ") + kWaitingColumns +
                         " FROM banyan.waiting w WHERE w.stream = $1::smallint AND w.not_before <= $2::timestamptz "
                         "ORDER BY w.not_before, w.legacy_id LIMIT $3::bigint";
const std::string kAnswered = std::string("SELECT ") + kParkedColumns +
                              " FROM banyan.parked p WHERE p.stream = $1::smallint AND p.state = 'answered' "
                              "ORDER BY p.id LIMIT $2::bigint";

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
    if (rows.empty()) rows = tx.exec_params(kOpenStream, system, entity);
    return number_of<StreamId>(rows[0][0]);
  });
}

Result<std::optional<Fence>> PostgresSyncStore::lease(StreamId stream, const std::string& owner,
                                                      std::chrono::milliseconds term, Deadline deadline) {
  return database_.transact<std::optional<Fence>>(deadline, [&](store::Transaction& tx) -> std::optional<Fence> {
    const pqxx::result rows = tx.exec_params(kLease, stream, owner, term.count());
    if (rows.empty()) return std::nullopt;
    return Fence{stream, number_of(rows[0][0])};
  });
}

Result<void> PostgresSyncStore::release(const Fence& fence, Deadline deadline) {
  return database_.run(deadline,
                       [fence](store::Transaction& tx) { tx.exec_params0(kRelease, fence.stream, fence.token); });
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

Result<std::vector<Parked>> PostgresSyncStore::answered(StreamId stream, std::size_t limit, Deadline deadline) {
  return database_.transact<std::vector<Parked>>(deadline, [&](store::Transaction& tx) {
    return read_all<Parked>(tx.exec_params(kAnswered, stream, limit), read_parked);
  });
}

}  // namespace banyan::sync
