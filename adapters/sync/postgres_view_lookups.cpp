// What a commit looks up beyond the couplings: references, records without a link, the history, what a scan has missed.
#include <utility>

#include "adapters/records/record_rows.hpp"
#include "adapters/sync/postgres_rows.hpp"
#include "adapters/sync/postgres_view.hpp"

namespace banyan::sync {
namespace {

// Each reference and, step by step, what its legacy record was merged into. The last of them that has a link counts. A
// circle of redirects ends after 32 steps.
#define BANYAN_HOPS(WHERE)                                                                        \
  "UNION ALL SELECT h.place, h.stream, r.into_id, h.hops + 1 FROM hop h "                         \
  "JOIN banyan.redirect r ON r.stream = h.stream AND r.legacy_id = h.id WHERE h.hops < 32) "      \
  "SELECT DISTINCT ON (h.place) l.record_id, l.legacy_id, h.place FROM hop h JOIN banyan.link l " \
  "ON l.stream = h.stream AND l.legacy_id = h.id " WHERE "ORDER BY h.place, h.hops DESC"

constexpr const char* kByLegacyId =
    "WITH RECURSIVE hop (place, stream, id, hops) AS ("
    "SELECT n.place, s.id, n.id COLLATE \"C\", 0 FROM unnest($2::text[], $3::text[]) WITH ORDINALITY n (entity, id, "
    "place) "
    "JOIN banyan.stream s ON s.system = $1 AND s.entity = n.entity " BANYAN_HOPS("");

// Without a base the legacy row is gone: nothing can refer to it.
constexpr const char* kByRecordId =
    "WITH RECURSIVE hop (place, stream, id, hops) AS ("
    "SELECT n.place, s.id, k.legacy_id, 0 FROM unnest($2::text[], $3::uuid[]) WITH ORDINALITY n (entity, id, place) "
    "JOIN banyan.stream s ON s.system = $1 AND s.entity = n.entity "
    "JOIN banyan.link k ON k.stream = s.id AND k.record_id = n.id " BANYAN_HOPS("WHERE l.base IS NOT NULL ");

// A record without a link is not below stream_state.unlinked_from, or it is in the outbox.
constexpr const char* kUnlinkedInOutbox =
    "SELECT EXISTS (SELECT FROM banyan.outbox o JOIN banyan.record r ON r.entity = $2 AND r.id = o.record_id "
    "WHERE o.stream = $1::smallint AND NOT r.deleted "
    "AND NOT EXISTS (SELECT FROM banyan.link l WHERE l.stream = $1::smallint AND l.record_id = o.record_id))";

constexpr const char* kUnlinkedFrom =
    "SELECT unlinked_from FROM banyan.stream_state WHERE stream = $1::smallint FOR NO KEY UPDATE";

constexpr const char* kNextUnlinked =
    "SELECT r.id FROM banyan.record r WHERE r.entity = $2 AND r.id >= $3::uuid AND NOT r.deleted "
    "AND NOT EXISTS (SELECT FROM banyan.link l WHERE l.stream = $1::smallint AND l.record_id = r.id) "
    "ORDER BY r.id LIMIT 1";

constexpr const char* kSetUnlinkedFrom =
    "UPDATE banyan.stream_state SET unlinked_from = $2::uuid WHERE stream = $1::smallint";

constexpr const char* kLastEdit =
    "SELECT " BANYAN_MICROS("at")
    ", changed -> $3 -> 'to' FROM banyan.record_history "
    "WHERE entity = $1 AND id = $2::uuid AND changed ? $3 AND NOT (side = 'legacy' AND author = 'system:' || $4) "
    "ORDER BY version DESC LIMIT 1";

constexpr const char* kLastVersion =
    "SELECT coalesce(max(version), 0) FROM banyan.record_history WHERE entity = $1 AND id = $2::uuid";

// What follows walks through two indexes side by side. Left to old statistics the planner would compare all with all.
constexpr const char* kRun =
    "SELECT run, set_config('enable_mergejoin', 'on', true), set_config('enable_nestloop', 'off', true) FROM "
    "banyan.sweep_seen "
    "WHERE stream = $1::smallint AND legacy_id = ''";

constexpr const char* kNotSeen =
    "SELECT l.legacy_id FROM banyan.link l WHERE l.stream = $1::smallint AND l.legacy_id > $2 AND l.base IS NOT NULL "
    "AND l.created_at < $3::timestamptz AND NOT EXISTS (SELECT FROM banyan.sweep_seen s "
    "WHERE s.stream = $1::smallint AND s.legacy_id > $2 AND s.legacy_id = l.legacy_id AND s.run = $5::integer) ORDER "
    "BY l.legacy_id LIMIT $4::bigint";

std::vector<std::optional<std::string>> look_up(store::Transaction& tx, const char* sql, const std::string& system,
                                                std::span<const Reference> references, pqxx::row::size_type answer) {
  std::vector<std::optional<std::string>> found(references.size());
  if (references.empty()) return found;
  Column entities;
  Column ids;
  for (const Reference& reference : references) {
    entities.add(reference.entity);
    ids.add(reference.id);
  }
  for (const auto& row : tx.exec_params(sql, system, entities.finish(), ids.finish())) {
    found[number_of<std::size_t>(row[2]) - 1] = std::string(text_of(row[answer]));
  }
  return found;
}

}  // namespace

std::vector<std::optional<std::string>> PostgresView::record_ids(std::span<const Reference> by_legacy_id) {
  return look_up(tx_, kByLegacyId, system_, by_legacy_id, 0);
}

std::vector<std::optional<std::string>> PostgresView::legacy_ids(std::span<const Reference> by_record_id) {
  return look_up(tx_, kByRecordId, system_, by_record_id, 1);
}

bool PostgresView::any_unlinked() {
  if (flag_of(tx_.exec_params1(kUnlinkedInOutbox, stream_text_, entity_)[0])) return true;
  const pqxx::row from = tx_.exec_params1(kUnlinkedFrom, stream_text_);
  if (from[0].is_null()) return false;
  const std::string before(text_of(from[0]));
  const pqxx::result next = tx_.exec_params(kNextUnlinked, stream_text_, entity_, before);
  if (next.empty()) {
    tx_.exec_params0(kSetUnlinkedFrom, stream_text_, nullptr);
    return false;
  }
  const std::string first(text_of(next[0][0]));
  if (first != before) tx_.exec_params0(kSetUnlinkedFrom, stream_text_, first);
  return true;
}

std::vector<Record> PostgresView::unlinked(const Json& values, std::size_t limit) {
  std::vector<Record> records;
  if (!any_unlinked()) return records;
  std::string sql =
      std::string("SELECT ") + records::kRecordColumns +
      " FROM banyan.record r JOIN banyan.stream_state s ON s.stream = $1::smallint "
      "WHERE r.entity = $2 AND NOT r.deleted AND r.data @> $3::jsonb AND (r.id >= s.unlinked_from OR r.id IN "
      "(SELECT o.record_id FROM banyan.outbox o WHERE o.stream = $1::smallint)) "
      "AND NOT EXISTS (SELECT FROM banyan.link l WHERE l.stream = $1::smallint AND l.record_id = r.id)";
  // Said twice: an index on a field is one on its text.
  for (const auto& [field, value] : values.items()) {
    if (value.is_string()) {
      sql += " AND r.data ->> " + tx_.quote(field) + " = " + tx_.quote(value.get_ref<const std::string&>());
    }
  }
  sql += " ORDER BY r.id LIMIT $4::bigint FOR UPDATE OF r";
  for (const auto& row : tx_.exec_params(sql, stream_text_, entity_, values.dump(), limit)) {
    records.push_back(records::record_of(row));
  }
  return records;
}

std::int64_t PostgresView::last_version(const std::string& record_id) {
  return number_of(tx_.exec_params1(kLastVersion, entity_, record_id)[0]);
}

std::optional<View::Edit> PostgresView::last_modern_edit(const std::string& record_id, const std::string& field) {
  const pqxx::result rows = tx_.exec_params(kLastEdit, entity_, record_id, field, system_);
  if (rows.empty()) return std::nullopt;
  return Edit{time_of(rows[0][0]), json_of(rows[0][1])};
}

std::vector<std::string> PostgresView::links_not_seen(const std::string& after, std::size_t limit) {
  std::vector<std::string> ids;
  const pqxx::result run = tx_.exec_params(kRun, stream_text_);
  if (run.empty()) return ids;
  const std::string started = timestamp_text(state_before().scan.started);
  for (const auto& row : tx_.exec_params(kNotSeen, stream_text_, after, started, limit, number_of(run[0][0]))) {
    ids.emplace_back(text_of(row[0]));
  }
  return ids;
}

}  // namespace banyan::sync
