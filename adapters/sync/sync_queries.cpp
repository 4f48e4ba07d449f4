// Reports, scans, pauses, owners, links, tidying; parked matters are in sync_queries_parked.cpp.
#include "adapters/sync/sync_queries.hpp"

#include <algorithm>
#include <utility>

#include "adapters/sync/postgres_dry_runs.hpp"
#include "adapters/sync/postgres_rows.hpp"

namespace banyan::sync {
namespace {

// Below this many links they are counted, else the planner's estimate does.
constexpr std::int64_t kCountLinksBelow = 20'000;

const std::string kStreams =
    std::string("SELECT ") + kStateColumns +
    ", t.system, t.entity, coalesce(l.owner, ''), b.oldest, b.parked"
    ", a.captured, a.applied, a.superseded, a.echo, a.conflict, a.dead_letter, a.in_flight"
    ", m.captured + b.told, m.applied, m.superseded, m.echo, m.conflict, m.dead_letter, m.in_flight + b.told"
    ", v.started, v.ended, v.repair, v.checked, v.differences, v.repaired, v.report "
    "FROM banyan.stream_state s JOIN banyan.stream t ON t.id = s.stream "
    "JOIN banyan.sync_count a ON a.stream = s.stream AND a.side = 'legacy' "
    "JOIN banyan.sync_count m ON m.stream = s.stream AND m.side = 'modern' "
    "LEFT JOIN banyan.lease l ON l.stream = s.stream AND l.expires_at > clock_timestamp() "
    "CROSS JOIN LATERAL (SELECT "
    "(SELECT count(*) FROM banyan.parked p WHERE p.stream = s.stream AND p.state IN ('open', 'answered')) AS parked, "
    "(SELECT coalesce(sum(o.changes), 0) FROM banyan.outbox o WHERE o.stream = s.stream)::bigint AS told, " BANYAN_MICROS(
        "least((SELECT min(o.first_at) FROM banyan.outbox o WHERE o.stream = s.stream AND o.changes > 0), "
        "(SELECT min(i.at) FROM banyan.inbox i WHERE i.stream = s.stream AND i.outcome = 'in_flight'))") " AS oldest) b "
    "LEFT JOIN LATERAL (SELECT " BANYAN_MICROS("r.started") " AS started, " BANYAN_MICROS("r.ended")
    " AS ended, r.repair, r.checked, r.differences, r.repaired, r.report FROM banyan.verify_result r "
    "WHERE r.stream = s.stream ORDER BY r.id DESC LIMIT 1) v ON true "
    "WHERE t.active ORDER BY t.system, s.stream";

// Takes the run over only if none but a sweep is under way; what was met before is forgotten, and records without a
// link are looked for afresh, as the engine does when it begins one by itself.
constexpr const char* kStartScan = R"sql(
WITH begun AS (
  UPDATE banyan.stream_state s SET scan_kind = $3, scan_phase = 'reading', scan_position = '', scan_dry_run = $4,
    scan_repair = $5, scan_accepts_deletes = $7, scan_started = now(), scan_ended = 'epoch', scanned = 0, differences = 0, repaired = 0,
    report = CASE WHEN s.scan_kind = 'sweep' AND s.scan_phase <> 'done' AND $6 THEN '{"replaced_sweep": true}'::jsonb
             ELSE '{}' END || )sql" BANYAN_REPORT_OF_NEXT R"sql(,
    unlinked_from = '00000000-0000-0000-0000-000000000000'
  FROM banyan.stream t
  WHERE t.id = s.stream AND t.active AND ($1 = '' OR t.system = $1) AND ($2 = '' OR t.entity = $2)
    AND (s.scan_kind IN ('none', 'sweep') OR s.scan_phase = 'done')
  RETURNING s.stream, t.system, t.entity
))sql" BANYAN_FORGET_SEEN "SELECT system, entity, pg_notify('banyan_outbox', stream::text) FROM begun ORDER BY stream";

// A statement of its own, after kStartScan: that one may have waited for the commit that began the other run.
constexpr const char* kAskedFor = R"sql(
SELECT t.system, t.entity, s.scan_kind, s.scan_dry_run
FROM banyan.stream t JOIN banyan.stream_state s ON s.stream = t.id
WHERE t.active AND ($1 = '' OR t.system = $1) AND ($2 = '' OR t.entity = $2) ORDER BY t.id
)sql";

constexpr const char* kPause = R"sql(
WITH changed AS (
  UPDATE banyan.stream_state s SET paused = $2, pause_reason = $3 FROM banyan.stream t
  WHERE t.id = s.stream AND t.active AND ($1 = '' OR t.system = $1)
  RETURNING s.stream, t.system
)
SELECT system, count(pg_notify(CASE WHEN $2 THEN 'banyan_outbox' ELSE 'banyan_resumed' END, stream::text)) FROM changed GROUP BY system ORDER BY system
)sql";

constexpr const char* kSetOwner = R"sql(
UPDATE banyan.stream_state s SET owner = $3, epoch = s.epoch + CASE WHEN s.owner = $3 THEN 0 ELSE 1 END
FROM banyan.stream t WHERE t.id = s.stream AND t.active AND t.system = $1 AND t.entity = $2
RETURNING s.epoch, pg_notify('banyan_outbox', s.stream::text)
)sql";

constexpr const char* kLinks =
    "SELECT l.record_id, t.system, l.legacy_id FROM banyan.stream t JOIN banyan.link l ON l.stream = t.id "
    "WHERE t.entity = $1 AND l.record_id = ANY ($2::uuid[]) AND l.base IS NOT NULL ORDER BY l.record_id, t.system";

// Each count that stands for rows, beside those rows.
constexpr const char* kUnaccounted = R"sql(
SELECT t.system, t.entity, f.what, f.counted, f.found
FROM banyan.stream t
JOIN banyan.sync_count a ON a.stream = t.id AND a.side = 'legacy'
JOIN banyan.sync_count m ON m.stream = t.id AND m.side = 'modern'
CROSS JOIN LATERAL (
  SELECT coalesce(sum(legacy_changes) FILTER (WHERE kind = 'conflict'), 0) AS legacy_conflict,
         coalesce(sum(legacy_changes) FILTER (WHERE kind = 'dead_letter'), 0) AS legacy_dead,
         coalesce(sum(modern_changes) FILTER (WHERE kind = 'conflict'), 0) AS modern_conflict,
         coalesce(sum(modern_changes) FILTER (WHERE kind = 'dead_letter'), 0) AS modern_dead
  FROM banyan.parked p WHERE p.stream = t.id AND p.state IN ('open', 'answered')
) p
CROSS JOIN LATERAL (VALUES
  ('legacy changes in flight, against waiting rows', a.in_flight,
   (SELECT count(*) FROM banyan.waiting w WHERE w.stream = t.id)),
  ('legacy changes in flight, against the log', a.in_flight,
   (SELECT count(*) FROM banyan.inbox i WHERE i.stream = t.id AND i.outcome = 'in_flight')),
  ('legacy changes in conflicts', a.conflict, p.legacy_conflict),
  ('legacy changes in dead letters', a.dead_letter, p.legacy_dead),
  ('modern changes in conflicts', m.conflict, p.modern_conflict),
  ('modern changes in dead letters', m.dead_letter, p.modern_dead),
  ('legacy changes captured, against where they went', a.captured,
   a.applied + a.superseded + a.echo + a.conflict + a.dead_letter + a.in_flight),
  ('modern changes captured, against where they went', m.captured,
   m.applied + m.superseded + m.echo + m.conflict + m.dead_letter + m.in_flight)
) f (what, counted, found)
WHERE f.counted <> f.found ORDER BY t.id, f.what
)sql";

// The log goes on naming a matter as long as it is open.
constexpr const char* kPrune = R"sql(
DELETE FROM banyan.inbox WHERE id IN (
  SELECT i.id FROM banyan.inbox i
  WHERE i.at < now() - $1::bigint * interval '1 hour' AND i.outcome <> 'in_flight'
    AND NOT (i.outcome IN ('conflict', 'dead_letter') AND EXISTS (
      SELECT FROM banyan.parked p WHERE p.state IN ('open', 'answered') AND p.id::text = i.ref))
  ORDER BY i.id LIMIT $2::bigint)
)sql";

constexpr const char* kPruneDecided = R"sql(
DELETE FROM banyan.parked WHERE id IN (
  SELECT p.id FROM banyan.parked p
  WHERE p.state IN ('resolved', 'superseded') AND p.answered_by = 'policy'
    AND p.changed_at < now() - $1::bigint * interval '1 hour'
  ORDER BY p.changed_at LIMIT $2::bigint)
)sql";

// A process is out of the table an hour after it was last seen.
constexpr const char* kNamed = R"sql(
UPDATE banyan.stream SET named_at = now() WHERE named_at < now() - interval '5 minutes' AND id IN (
  SELECT unnest(p.streams) FROM banyan.process p WHERE p.alive_until > now())
)sql";
constexpr const char* kRetire = R"sql(
UPDATE banyan.stream SET active = false WHERE active AND named_at < now() - $1::bigint * interval '1 hour'
RETURNING system, entity
)sql";

Counts read_counts(const pqxx::row& row, pqxx::row::size_type first) {
  const auto number = [&](pqxx::row::size_type i) { return number_of(row[first + i]); };
  return {number(0), number(1), number(2), number(3), number(4), number(5), number(6)};
}

ScanState read_verify(const pqxx::row& row, pqxx::row::size_type first) {
  ScanState scan;
  scan.kind = ScanState::Kind::verify;
  scan.phase = ScanState::Phase::done;
  scan.started = time_of(row[first]);
  scan.ended = time_of(row[first + 1]);
  scan.repair = flag_of(row[first + 2]);
  scan.scanned = number_of(row[first + 3]);
  scan.differences = number_of(row[first + 4]);
  scan.repaired = number_of(row[first + 5]);
  scan.report = json_of(row[first + 6]);
  return scan;
}

StreamReport read_report(const pqxx::row& row) {
  constexpr auto kAt = kAfterState;
  StreamReport report;
  report.state = read_state(row);
  report.system = text_of(row[kAt]);
  report.entity = text_of(row[kAt + 1]);
  report.lease_owner = text_of(row[kAt + 2]);
  if (!row[kAt + 3].is_null()) report.oldest_waiting = time_of(row[kAt + 3]);
  report.parked = number_of(row[kAt + 4]);
  report.legacy = read_counts(row, kAt + 5);
  report.modern = read_counts(row, kAt + 12);
  if (!row[kAt + 19].is_null()) report.last_verify = read_verify(row, kAt + 19);
  return report;
}

// What the planner expects, from the statistics; counted if that is few.
std::int64_t estimate_links(store::Transaction& tx, StreamId stream) {
  const std::string where = " FROM banyan.link WHERE stream = " + std::to_string(stream);
  const Json plan = json_of(tx.exec1("EXPLAIN (FORMAT JSON) SELECT" + where)[0]);
  const auto expected = plan.at(0).at("Plan").at("Plan Rows").get<std::int64_t>();
  if (expected >= kCountLinksBelow) return expected;
  const auto counted =
      "SELECT count(*) FROM (SELECT" + where + " LIMIT " + std::to_string(10 * kCountLinksBelow) + ") l";
  return number_of(tx.exec1(counted)[0]);
}

}  // namespace

Result<std::vector<StreamReport>> SyncQueries::streams(Deadline deadline) {
  return database_.transact<std::vector<StreamReport>>(deadline, [](store::Transaction& tx) {
    std::vector<StreamReport> reports;
    for (const auto& row : tx.exec(kStreams)) reports.push_back(read_report(row));
    for (StreamReport& report : reports) report.links = estimate_links(tx, report.state.id);
    auto told = read_told(tx);
    auto dry_runs = read_dry_runs(tx);
    for (StreamReport& report : reports) {
      if (auto found = dry_runs.extract(report.state.id)) report.last_dry_run = std::move(found.mapped());
      if (auto found = told.extract(report.state.id)) report.told = std::move(found.mapped());
    }
    return reports;
  });
}

Result<StartedScans> SyncQueries::start_scan(const std::string& system, const std::string& entity,
                                             const ScanRequest& request, Deadline deadline) {
  if (auto fault = fault_in(request)) return fail(ErrorCode::invalid_argument, std::move(*fault));
  const auto begin = [&](store::Transaction& tx) {
    StartedScans scans;
    const std::string word(to_string(request.kind));
    const bool only_looks = request.dry_run || (request.kind == ScanState::Kind::verify && !request.repair);
    for (const auto& row : tx.exec_params(kStartScan, system, entity, word, request.dry_run, request.repair, only_looks,
                                          request.accepts_deletes)) {
      scans.begun.emplace_back(text_of(row[0]), text_of(row[1]));
    }
    for (const auto& row : tx.exec_params(kAskedFor, system, entity)) {
      StartedScans::Name name(text_of(row[0]), text_of(row[1]));
      if (std::find(scans.begun.begin(), scans.begun.end(), name) != scans.begun.end()) continue;
      const std::string run = std::string(flag_of(row[3]) ? "dry run of a " : "") + std::string(text_of(row[2]));
      scans.skipped.emplace_back(std::move(name), "a " + run + " is under way");
    }
    return scans;
  };
  auto scans = database_.transact<StartedScans>(deadline, begin);
  if (scans && scans->begun.empty() && scans->skipped.empty()) {
    return fail(ErrorCode::not_found, "There is no such system or entity.");
  }
  return scans;
}

Result<std::vector<std::string>> SyncQueries::pause(const std::string& system, bool paused, const std::string& reason,
                                                    Deadline deadline) {
  auto names = database_.transact<std::vector<std::string>>(deadline, [&](store::Transaction& tx) {
    std::vector<std::string> found;
    for (const auto& row : tx.exec_params(kPause, system, paused, reason)) found.emplace_back(text_of(row[0]));
    return found;
  });
  if (names && names->empty() && !system.empty()) return fail(ErrorCode::not_found, "There is no such system.");
  return names;
}

Result<std::int64_t> SyncQueries::set_owner(const std::string& system, const std::string& entity, Owner owner,
                                            Deadline deadline) {
  auto epoch = database_.transact<std::int64_t>(deadline, [&](store::Transaction& tx) {
    const pqxx::result rows = tx.exec_params(kSetOwner, system, entity, std::string(to_string(owner)));
    return rows.empty() ? 0 : number_of(rows[0][0]);
  });
  if (epoch && *epoch == 0) return fail(ErrorCode::not_found, "There is no such system or entity.");
  return epoch;
}

Result<std::map<std::string, Json>> SyncQueries::links(const std::string& entity,
                                                       const std::vector<std::string>& record_ids, Deadline deadline) {
  return database_.transact<std::map<std::string, Json>>(deadline, [&](store::Transaction& tx) {
    std::map<std::string, Json> links;
    for (const auto& row : tx.exec_params(kLinks, entity, array_text(record_ids))) {
      links[std::string(text_of(row[0]))].push_back(Json{{"system", text_of(row[1])}, {"id", text_of(row[2])}});
    }
    return links;
  });
}

Result<std::vector<std::string>> SyncQueries::unaccounted(Deadline deadline) {
  const auto compare = [](store::Transaction& tx) {
    std::vector<std::string> faults;
    for (const auto& row : tx.exec(kUnaccounted)) {
      faults.push_back(std::string(text_of(row[0])) + " " + std::string(text_of(row[1])) + ": " +
                       std::string(text_of(row[2])) + ": " + std::string(text_of(row[3])) + " counted, " +
                       std::string(text_of(row[4])) + " found");
    }
    return faults;
  };
  return database_.transact<std::vector<std::string>>(deadline, compare, store::Isolation::repeatable_read);
}

Result<std::int64_t> SyncQueries::prune(std::chrono::hours age, std::size_t limit, Deadline deadline) {
  return database_.transact<std::int64_t>(deadline, [&](store::Transaction& tx) {
    return static_cast<std::int64_t>(tx.exec_params(kPrune, age.count(), limit).affected_rows());
  });
}

Result<std::int64_t> SyncQueries::prune_decided(std::chrono::hours age, std::size_t limit, Deadline deadline) {
  return database_.transact<std::int64_t>(deadline, [&](store::Transaction& tx) {
    return static_cast<std::int64_t>(tx.exec_params(kPruneDecided, age.count(), limit).affected_rows());
  });
}

Result<std::vector<std::pair<std::string, std::string>>> SyncQueries::retire_streams(std::chrono::hours age,
                                                                                     Deadline deadline) {
  using Names = std::vector<std::pair<std::string, std::string>>;
  return database_.transact<Names>(deadline, [&](store::Transaction& tx) {
    tx.exec0(kNamed);
    Names names;
    for (const auto& row : tx.exec_params(kRetire, age.count())) names.emplace_back(text_of(row[0]), text_of(row[1]));
    return names;
  });
}

}  // namespace banyan::sync
