// Parked matters, as people see and answer them.
#include <utility>

#include "adapters/sync/postgres_rows.hpp"
#include "adapters/sync/sync_queries.hpp"

namespace banyan::sync {
namespace {

const std::string kMatters = std::string("SELECT ") + kParkedColumns +
                             ", t.system, t.entity FROM banyan.parked p JOIN banyan.stream t ON t.id = p.stream ";
constexpr pqxx::row::size_type kAfterParked = 19;

// $1 kind, $2 system, $3 entity, $4 error class
constexpr const char* kFits =
    "p.kind = $1 AND ($2 = '' OR t.system = $2) AND ($3 = '' OR t.entity = $3) AND ($4 = '' OR p.error_class = $4)";

constexpr const char* kAnswer = R"sql(
UPDATE banyan.parked SET state = 'answered', answer = $2::jsonb, answered_by = $3, changed_at = now()
WHERE id = $1::bigint AND state = 'open'
RETURNING pg_notify('banyan_answers', stream::text)
)sql";

const std::string kReplay =
    std::string(
        "WITH answered AS (UPDATE banyan.parked p SET state = 'answered', answer = '{}', answered_by = $5, "
        "changed_at = now() FROM banyan.stream t WHERE t.id = p.stream AND p.state = 'open' AND ") +
    kFits +
    " RETURNING p.stream), "
    "told AS (SELECT pg_notify('banyan_answers', stream::text) FROM (SELECT DISTINCT stream FROM answered) streams) "
    "SELECT (SELECT count(*) FROM answered), (SELECT count(*) FROM told)";

ParkedReport read_report(const pqxx::row& row) {
  return {std::string(text_of(row[kAfterParked])), std::string(text_of(row[kAfterParked + 1])), read_parked(row)};
}

const char* states(ParkedFilter::Which which) {
  switch (which) {
    case ParkedFilter::Which::open:
      return " AND p.state IN ('open', 'answered')";
    case ParkedFilter::Which::resolved:
      return " AND p.state IN ('resolved', 'superseded')";
    case ParkedFilter::Which::all:
      break;
  }
  return "";
}

std::optional<ParkedReport> find(store::Transaction& tx, std::int64_t id) {
  const pqxx::result rows = tx.exec_params(kMatters + "WHERE p.id = $1::bigint", id);
  if (rows.empty()) return std::nullopt;
  return read_report(rows[0]);
}

tl::unexpected<Error> unknown() {
  return fail(ErrorCode::not_found, "There is no such conflict or dead letter.");
}

}  // namespace

Result<std::vector<ParkedReport>> SyncQueries::parked(const ParkedFilter& filter, Deadline deadline) {
  const std::string page = filter.newest_first
                               ? " AND ($5::bigint = 0 OR p.id < $5::bigint) ORDER BY p.id DESC LIMIT $6::bigint"
                               : " AND p.id > $5::bigint ORDER BY p.id LIMIT $6::bigint";
  const std::string sql = kMatters + "WHERE " + kFits + states(filter.which) + page;
  return database_.transact<std::vector<ParkedReport>>(deadline, [&](store::Transaction& tx) {
    std::vector<ParkedReport> reports;
    for (const auto& row : tx.exec_params(sql, std::string(to_string(filter.kind)), filter.system, filter.entity,
                                          filter.error_class, filter.after, filter.limit)) {
      reports.push_back(read_report(row));
    }
    return reports;
  });
}

Result<ParkedReport> SyncQueries::parked_one(std::int64_t id, Deadline deadline) {
  auto found =
      database_.transact<std::optional<ParkedReport>>(deadline, [id](store::Transaction& tx) { return find(tx, id); });
  if (!found) return tl::unexpected(std::move(found.error()));
  if (!*found) return unknown();
  return std::move(**found);
}

Result<ParkedReport> SyncQueries::answer(std::int64_t id, const Json& answer, const std::string& by,
                                         Deadline deadline) {
  bool was_open = false;
  auto found = database_.transact<std::optional<ParkedReport>>(deadline, [&](store::Transaction& tx) {
    was_open = !tx.exec_params(kAnswer, id, answer.dump(), by).empty();
    return find(tx, id);
  });
  if (!found) return tl::unexpected(std::move(found.error()));
  if (!*found) return unknown();
  if (!was_open) return fail(ErrorCode::conflict, "It has been answered or settled already.");
  return std::move(**found);
}

Result<std::int64_t> SyncQueries::replay(const ParkedFilter& filter, const std::string& by, Deadline deadline) {
  return database_.transact<std::int64_t>(deadline, [&](store::Transaction& tx) {
    return number_of(tx.exec_params1(kReplay, std::string(to_string(Parked::Kind::dead_letter)), filter.system,
                                     filter.entity, filter.error_class, by)[0]);
  });
}

}  // namespace banyan::sync
