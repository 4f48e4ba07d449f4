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

constexpr const char* kLive =
    "SELECT n.place FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY n (entity, id, place) "
    "JOIN banyan.record r ON r.entity = n.entity AND r.id = n.id WHERE NOT r.deleted";

constexpr const char* kRowUnlinked =
    "SELECT EXISTS (SELECT FROM (SELECT w.legacy_id FROM banyan.waiting w WHERE w.stream = $1::smallint "
    "UNION ALL SELECT p.legacy_id FROM banyan.parked p WHERE p.stream = $1::smallint AND p.legacy_id <> '' "
    "AND p.state IN ('open', 'answered')) known WHERE NOT EXISTS "
    "(SELECT FROM banyan.link l WHERE l.stream = $1::smallint AND l.legacy_id = known.legacy_id))";

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

// Without the row that says that the run has begun, nothing is known of what it met. What follows compares sets of
// ids: left to old statistics the planner would compare all with all.
constexpr const char* kIsKnown =
    "SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_nestloop', 'off', true) "
    "FROM banyan.scan_chunk WHERE stream = $1::smallint AND least = ''";

// A part of the links, and the ids met that may be among them.
#define BANYAN_MISSING                                                                                              \
  "WITH part AS MATERIALIZED (SELECT l.legacy_id, l.base IS NOT NULL AND l.created_at < $3::timestamptz AS counts " \
  "FROM banyan.link l WHERE l.stream = $1::smallint AND l.legacy_id > $2 ORDER BY l.legacy_id LIMIT $4::bigint), "  \
  "ended AS (SELECT max(legacy_id) AS last, count(*) = $4::bigint AS goes_on FROM part), "                          \
  "missing AS (SELECT p.legacy_id FROM part p WHERE p.counts AND NOT EXISTS ("                                      \
  "SELECT FROM banyan.scan_chunk c CROSS JOIN unnest(c.ids) m (id) WHERE c.stream = $1::smallint "                  \
  "AND c.greatest > $2 AND c.least <= (SELECT last FROM ended) AND m.id = p.legacy_id)) "                           \
  "SELECT (SELECT CASE WHEN goes_on THEN last ELSE '' END FROM ended), "

constexpr const char* kNotSeen =
    BANYAN_MISSING "to_json(ARRAY(SELECT legacy_id FROM missing ORDER BY legacy_id LIMIT $5::bigint))";
constexpr const char* kCountNotSeen =
    BANYAN_MISSING "(SELECT count(*) FROM missing), (SELECT count(*) FILTER (WHERE counts) FROM part)";

struct ReferenceColumns {
  Column entities;
  Column ids;
};
ReferenceColumns columns_of(std::span<const Reference> references) {
  ReferenceColumns columns;
  for (const Reference& reference : references) {
    columns.entities.add(reference.entity);
    columns.ids.add(reference.id);
  }
  return columns;
}

std::vector<std::optional<std::string>> look_up(store::Transaction& tx, const char* sql, const std::string& system,
                                                std::span<const Reference> references, pqxx::row::size_type answer) {
  std::vector<std::optional<std::string>> found(references.size());
  if (references.empty()) return found;
  ReferenceColumns asked = columns_of(references);
  for (const auto& row : tx.exec_params(sql, system, asked.entities.finish(), asked.ids.finish())) {
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

std::vector<bool> PostgresView::gone(std::span<const Reference> by_record_id) {
  std::vector<bool> gone(by_record_id.size(), true);
  if (by_record_id.empty()) return gone;
  ReferenceColumns asked = columns_of(by_record_id);
  for (const auto& row : tx_.exec_params(kLive, asked.entities.finish(), asked.ids.finish())) {
    gone[number_of<std::size_t>(row[0]) - 1] = false;
  }
  return gone;
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

bool PostgresView::any_row_unlinked() {
  return (any_waiting_ || any_parked_) && flag_of(tx_.exec_params1(kRowUnlinked, stream_text_)[0]);
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

std::optional<View::NotSeen> PostgresView::not_seen(const LinkPart& part, std::size_t limit) {
  NotSeen found;
  if (tx_.exec_params(kIsKnown, stream_text_).empty()) return std::nullopt;
  const std::string started = timestamp_text(state_before().scan.started);
  const pqxx::row row = tx_.exec_params1(kNotSeen, stream_text_, part.after, started, part.links, limit);
  found.up_to = text_of(row[0]);
  found.ids = json_of(row[1]).get<std::vector<std::string>>();
  if (found.ids.size() == limit) found.up_to = found.ids.back();
  return found;
}

std::optional<View::NotSeenCount> PostgresView::count_not_seen(const LinkPart& part) {
  NotSeenCount found;
  if (tx_.exec_params(kIsKnown, stream_text_).empty()) return std::nullopt;
  const std::string started = timestamp_text(state_before().scan.started);
  const pqxx::row row = tx_.exec_params1(kCountNotSeen, stream_text_, part.after, started, part.links);
  found.up_to = text_of(row[0]);
  found.missing = number_of(row[1]);
  found.linked = number_of(row[2]);
  return found;
}

}  // namespace banyan::sync
