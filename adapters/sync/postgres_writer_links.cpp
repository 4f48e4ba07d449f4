// Links: by COPY where many are new, by a plain UPDATE those that are there, else by one statement for both.
#include <array>
#include <tuple>

#include "adapters/sync/postgres_text.hpp"
#include "adapters/sync/postgres_writer.hpp"

namespace banyan::sync {
namespace {

// Below this COPY costs more round trips than it saves.
constexpr std::size_t kCopyFrom = 100;

constexpr const char* kRemove =
    "DELETE FROM banyan.link WHERE stream = $1::smallint AND legacy_id = ANY ($2::text[]) RETURNING record_id";
constexpr const char* kUnlinkedAgain =
    "UPDATE banyan.stream_state SET unlinked_from = least(unlinked_from, $2::uuid) WHERE stream = $1::smallint";

constexpr const char* kReplace = R"sql(
INSERT INTO banyan.link (stream, legacy_id, record_id, base, base_hash, legacy_version, legacy_stamp, record_hash, held,
                         pending, writes, writes_since, near_misses)
SELECT $1::smallint, n.legacy_id, n.record_id, n.base, n.base_hash, n.legacy_version, n.legacy_stamp, n.record_hash,
       n.held::text[], n.pending, n.writes, n.writes_since, n.near_misses
FROM unnest($2::text[], $3::uuid[], $4::jsonb[], $5::bigint[], $6::text[], $7::timestamptz[], $8::bigint[], $9::text[],
            $10::jsonb[], $11::integer[], $12::timestamptz[], $13::integer[])
  n (legacy_id, record_id, base, base_hash, legacy_version, legacy_stamp, record_hash, held, pending, writes,
     writes_since, near_misses)
ON CONFLICT (stream, legacy_id) DO UPDATE SET record_id = excluded.record_id, base = excluded.base,
  base_hash = excluded.base_hash, legacy_version = excluded.legacy_version, legacy_stamp = excluded.legacy_stamp,
  record_hash = excluded.record_hash, held = excluded.held, pending = excluded.pending, writes = excluded.writes,
  writes_since = excluded.writes_since, near_misses = excluded.near_misses
)sql";

// For links that are there and have nothing in their rarer columns. Cheaper than the upsert, which makes a whole row
// and locks the old one before it comes to the same.
constexpr const char* kUpdatePlain = R"sql(
UPDATE banyan.link l SET record_id = n.record_id, base = n.base, base_hash = n.base_hash,
  legacy_version = n.legacy_version, legacy_stamp = n.legacy_stamp, record_hash = n.record_hash, held = '{}',
  pending = NULL, writes = 0, writes_since = 'epoch', near_misses = 0
FROM unnest($2::text[], $3::uuid[], $4::jsonb[], $5::bigint[], $6::text[], $7::timestamptz[], $8::bigint[])
  n (legacy_id, record_id, base, base_hash, legacy_version, legacy_stamp, record_hash)
WHERE l.stream = $1::smallint AND l.legacy_id = n.legacy_id
)sql";

bool is_plain(const Link& link) {
  return link.base && link.held.empty() && !link.pending && link.writes == 0 && link.near_misses == 0 &&
         link.writes_since == WallTime{};
}

Json pending_json(const PendingWrite& write) {
  const auto at = std::chrono::duration_cast<std::chrono::microseconds>(write.at.time_since_epoch()).count();
  return Json{{"fields", write.fields},       {"values", write.values},      {"expected", write.expected}, {"at", at},
              {"is_delete", write.is_delete}, {"is_repeat", write.is_repeat}};
}

void copy(store::Transaction& tx, const PostgresView& view, const std::vector<const Link*>& links) {
  constexpr std::array kColumns{"stream",    "legacy_id",      "record_id",    "base",
                                "base_hash", "legacy_version", "legacy_stamp", "record_hash"};
  pqxx::stream_to to(tx, "banyan.link", kColumns);
  std::string stamp;
  for (const Link* link : links) {
    if (link->legacy_stamp) stamp = timestamp_text(*link->legacy_stamp);
    to << std::make_tuple(view.stream(), link->legacy_id, link->record_id, link->base->dump(), link->base_hash,
                          link->legacy_version, link->legacy_stamp ? stamp.c_str() : nullptr, link->record_hash);
  }
  to.complete();
}

void replace(store::Transaction& tx, const PostgresView& view, const std::vector<const Link*>& links) {
  Column legacy_id, record_id, base, base_hash, version, stamp, record_hash, held, pending, writes, since, misses;
  for (const Link* link : links) {
    legacy_id.add(link->legacy_id);
    record_id.add(link->record_id);
    base.add_json(link->base);
    base_hash.add_number(link->base_hash);
    version.add(link->legacy_version);
    stamp.add_time(link->legacy_stamp);
    record_hash.add_number(link->record_hash);
    held.add_texts(link->held);
    pending.add_json(link->pending ? std::optional<Json>(pending_json(*link->pending)) : std::nullopt);
    writes.add_number(link->writes);
    since.add_time(link->writes_since);
    misses.add_number(link->near_misses);
  }
  tx.exec_params0(kReplace, view.stream(), legacy_id.finish(), record_id.finish(), base.finish(), base_hash.finish(),
                  version.finish(), stamp.finish(), record_hash.finish(), held.finish(), pending.finish(),
                  writes.finish(), since.finish(), misses.finish());
}

// Whether all of them were there.
bool update(store::Transaction& tx, const PostgresView& view, const std::vector<const Link*>& links) {
  Column legacy_id, record_id, base, base_hash, version, stamp, record_hash;
  for (const Link* link : links) {
    legacy_id.add(link->legacy_id);
    record_id.add(link->record_id);
    base.add_json(link->base);
    base_hash.add_number(link->base_hash);
    version.add(link->legacy_version);
    stamp.add_time(link->legacy_stamp);
    record_hash.add_number(link->record_hash);
  }
  const pqxx::result done =
      tx.exec_params0(kUpdatePlain, view.stream(), legacy_id.finish(), record_id.finish(), base.finish(),
                      base_hash.finish(), version.finish(), stamp.finish(), record_hash.finish());
  return done.affected_rows() == links.size();
}

}  // namespace

void write_links(store::Transaction& tx, const PostgresView& view, const Changes& changes) {
  if (!changes.links_removed.empty()) {
    for (const auto& row : tx.exec_params(kRemove, view.stream(), array_text(changes.links_removed))) {
      tx.exec_params0(kUnlinkedAgain, view.stream(), std::string(text_of(row[0])));
    }
  }
  std::vector<const Link*> fresh;
  std::vector<const Link*> known;
  std::vector<const Link*> others;
  for (const Link& link : changes.links) {
    const bool was_read = link.created_at != WallTime{};  // from the store, by this commit
    const bool is_new = view.is_known_absent(link.legacy_id);
    (!is_plain(link) ? others : is_new ? fresh : was_read ? known : others).push_back(&link);
  }
  if (fresh.size() < kCopyFrom) {
    others.insert(others.end(), fresh.begin(), fresh.end());
    fresh.clear();
  }
  if (!fresh.empty()) copy(tx, view, fresh);
  // A row that is not there after all (removed above), or there twice: the statement for both puts that right.
  if (!known.empty() && !update(tx, view, known)) others.insert(others.end(), known.begin(), known.end());
  if (!others.empty()) replace(tx, view, others);
}

}  // namespace banyan::sync
