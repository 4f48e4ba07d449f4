#include "adapters/records/record_writer.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "adapters/records/record_rows.hpp"

namespace banyan::records {
namespace {

// One row for each record written ("" and its id) and for each stream told (its id, nothing). Conflicts show as records
// that are missing from the answer.
constexpr const char* kWrite = R"sql(
WITH input AS MATERIALIZED (
  SELECT * FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::jsonb[], $5::boolean[], $6::uuid[], $7::jsonb[],
                       $8::text[], $9::text[], $10::text[], $11::smallint[], $12::integer[])
    AS i (entity, id, version, data, deleted, merged_into, changed, side, author, kind, skip, hops)
), inserted AS (
  INSERT INTO banyan.record (entity, id, version, data, deleted, merged_into)
  SELECT entity, id, version, data, deleted, merged_into FROM input WHERE kind = 'insert'
  ON CONFLICT DO NOTHING
  RETURNING id
), updated AS (
  UPDATE banyan.record r
  SET version = i.version, data = i.data, deleted = i.deleted, merged_into = i.merged_into, updated_at = now()
  FROM input i
  WHERE i.kind <> 'insert' AND r.entity = i.entity AND r.id = i.id AND r.version = i.version - 1
  RETURNING r.id
), history AS (
  INSERT INTO banyan.record_history (entity, id, version, side, author, kind, changed)
  SELECT entity, id, version, side, author, kind, changed FROM input
  ON CONFLICT DO NOTHING
), listening AS MATERIALIZED (
  SELECT id, entity FROM banyan.stream WHERE active
), told AS (
  INSERT INTO banyan.outbox AS o (stream, record_id, version, changes, hops)
  SELECT s.id, i.id, i.version, 1, i.hops
  FROM input i JOIN listening s ON s.entity = i.entity AND s.id <> i.skip
  ON CONFLICT (stream, record_id) DO UPDATE
  SET version = excluded.version, changes = o.changes + 1, hops = least(o.hops, excluded.hops),
      not_before = excluded.not_before, attempt = 0
  RETURNING stream
)
SELECT pg_notify('banyan_outbox', stream::text)::text, NULL::uuid FROM (SELECT DISTINCT stream FROM told) streams
UNION ALL SELECT NULL, id FROM inserted
UNION ALL SELECT NULL, id FROM updated
)sql";

// The same where no record is new: the history takes its rows from what was updated, so it need not look for ones that
// are there already.
constexpr const char* kUpdate = R"sql(
WITH updated AS (
  UPDATE banyan.record r
  SET version = i.version, data = i.data, deleted = i.deleted, merged_into = i.merged_into, updated_at = now()
  FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::jsonb[], $5::boolean[], $6::uuid[], $7::jsonb[],
              $8::text[], $9::text[], $10::text[], $11::smallint[], $12::integer[])
    AS i (entity, id, version, data, deleted, merged_into, changed, side, author, kind, skip, hops)
  WHERE r.entity = i.entity AND r.id = i.id AND r.version = i.version - 1
  RETURNING i.entity, i.id, i.version, i.side, i.author, i.kind, i.changed, i.skip, i.hops
), history AS (
  INSERT INTO banyan.record_history (entity, id, version, side, author, kind, changed)
  SELECT entity, id, version, side, author, kind, changed FROM updated
), listening AS MATERIALIZED (
  SELECT id, entity FROM banyan.stream WHERE active
), told AS (
  INSERT INTO banyan.outbox AS o (stream, record_id, version, changes, hops)
  SELECT s.id, i.id, i.version, 1, i.hops
  FROM updated i JOIN listening s ON s.entity = i.entity AND s.id <> i.skip
  ON CONFLICT (stream, record_id) DO UPDATE
  SET version = excluded.version, changes = o.changes + 1, hops = least(o.hops, excluded.hops),
      not_before = excluded.not_before, attempt = 0
  RETURNING stream
)
SELECT pg_notify('banyan_outbox', stream::text)::text, NULL::uuid FROM (SELECT DISTINCT stream FROM told) streams
UNION ALL SELECT NULL, id FROM updated
)sql";

// The outbox rows of records that were copied in: none of them can have one yet.
constexpr const char* kTell = R"sql(
WITH told AS (
  INSERT INTO banyan.outbox (stream, record_id, version, changes, hops)
  SELECT s.id, i.id, i.version, 1, i.hops
  FROM unnest($1::text[], $2::uuid[], $3::bigint[], $4::smallint[], $5::integer[]) AS i (entity, id, version, skip, hops)
  JOIN banyan.stream s ON s.entity = i.entity AND s.active AND s.id <> i.skip
  RETURNING stream
)
SELECT pg_notify('banyan_outbox', stream::text) FROM (SELECT DISTINCT stream FROM told) streams
)sql";

constexpr const char* kStreams = "SELECT id, entity FROM banyan.stream WHERE active";

std::string_view word(RecordWrite::Kind kind) {
  constexpr std::array<std::string_view, 4> kWords{"insert", "update", "remove", "restore"};
  return kWords.at(static_cast<std::size_t>(kind));
}

using Writes = std::vector<const RecordWrite*>;

[[noreturn]] void throw_conflict(const Writes& writes, const std::multiset<std::string_view>& written) {
  for (const RecordWrite* write : writes) {
    if (!written.contains(write->record.id)) throw VersionConflict(write->record.entity, write->record.id);
  }
  throw std::logic_error("a record was written more often than asked for");
}

// Executes a statement that is prepared once per connection.
template <typename... Arguments>
pqxx::result prepared(store::Transaction& tx, const char* name, const char* sql, const Arguments&... arguments) {
  tx.conn().prepare(name, sql);
  return tx.exec_prepared(name, arguments...);
}

// Each record at most once.
void write_by_statement(store::Transaction& tx, const Writes& writes) {
  ArrayText entity, id, version, data, deleted, merged_into, changed, side, author, kind, skip, hops;
  for (const RecordWrite* write : writes) {
    const Record& record = write->record;
    entity.add(record.entity);
    id.add(record.id);
    version.add_number(record.version);
    data.add(canonical_text(record.data));
    deleted.add(record.deleted ? "t" : "f");
    if (record.merged_into.empty()) {
      merged_into.add_null();
    } else {
      merged_into.add(record.merged_into);
    }
    changed.add(canonical_text(write->changed));
    side.add(to_string(write->author.side));
    author.add(write->author.name);
    kind.add(word(write->kind));
    skip.add_number(write->skip_stream);
    hops.add_number(write->hops);
  }
  const bool any_new =
      std::ranges::any_of(writes, [](const RecordWrite* write) { return write->kind == RecordWrite::Kind::insert; });
  const pqxx::result answer =
      prepared(tx, any_new ? "banyan_write_records" : "banyan_update_records", any_new ? kWrite : kUpdate,
               entity.finish(), id.finish(), version.finish(), data.finish(), deleted.finish(), merged_into.finish(),
               changed.finish(), side.finish(), author.finish(), kind.finish(), skip.finish(), hops.finish());
  std::multiset<std::string_view> written;
  for (const auto& row : answer) {
    if (!row[1].is_null()) written.insert(row[1].c_str());
  }
  if (written.size() != writes.size()) throw_conflict(writes, written);
}

void copy_records(store::Transaction& tx, const Writes& writes) {
  const std::array columns{"entity", "id", "version", "data", "deleted"};
  pqxx::stream_to to(tx, "banyan.record", columns);
  for (const RecordWrite* write : writes) {
    const Record& record = write->record;
    to << std::make_tuple(record.entity, record.id, record.version, canonical_text(record.data), record.deleted);
  }
  to.complete();
}

void copy_history(store::Transaction& tx, const Writes& writes) {
  const std::array columns{"entity", "id", "version", "side", "author", "kind", "changed"};
  pqxx::stream_to to(tx, "banyan.record_history", columns);
  for (const RecordWrite* write : writes) {
    to << std::make_tuple(write->record.entity, write->record.id, write->record.version,
                          std::string(to_string(write->author.side)), write->author.name,
                          std::string(word(write->kind)), canonical_text(write->changed));
  }
  to.complete();
}

void tell_streams(store::Transaction& tx, const Writes& writes) {
  const pqxx::result streams = prepared(tx, "banyan_active_streams", kStreams);
  ArrayText entity, id, version, skip, hops;
  bool any = false;
  for (const RecordWrite* write : writes) {
    const bool is_heard = std::ranges::any_of(streams, [&](const auto& stream) {
      return stream[0].template as<std::int16_t>() != write->skip_stream && write->record.entity == stream[1].c_str();
    });
    if (!is_heard) continue;
    any = true;
    entity.add(write->record.entity);
    id.add(write->record.id);
    version.add_number(write->record.version);
    skip.add_number(write->skip_stream);
    hops.add_number(write->hops);
  }
  if (!any) return;
  prepared(tx, "banyan_tell_streams", kTell, entity.finish(), id.finish(), version.finish(), skip.finish(),
           hops.finish());
}

void write_by_copy(store::Transaction& tx, const Writes& writes) {
  try {
    copy_records(tx, writes);
  } catch (const pqxx::unique_violation& error) {
    const std::string_view message = error.what();
    const auto named = std::ranges::find_if(
        writes, [&](const RecordWrite* write) { return message.find(write->record.id) != message.npos; });
    const Record& record = (named == writes.end() ? writes.front() : *named)->record;
    throw VersionConflict(record.entity, record.id);
  }
  copy_history(tx, writes);
  tell_streams(tx, writes);
}

void write_once_each(store::Transaction& tx, Writes& writes) {
  if (writes.empty()) return;
  // Two transactions that write some of the same records take them in one order, so that neither waits for ever.
  std::ranges::sort(writes, {},
                    [](const RecordWrite* write) { return std::tie(write->record.entity, write->record.id); });
  const bool copy = writes.size() >= kCopyFrom && std::ranges::all_of(writes, [](const RecordWrite* write) {
                      return write->kind == RecordWrite::Kind::insert && write->record.merged_into.empty();
                    });
  if (copy) {
    write_by_copy(tx, writes);
  } else {
    write_by_statement(tx, writes);
  }
  writes.clear();
}

}  // namespace

VersionConflict::VersionConflict(std::string entity, std::string id)
    : std::runtime_error("the record " + entity + " " + id + " is not at the version expected"),
      entity_(std::move(entity)),
      id_(std::move(id)) {}

void write_records(store::Transaction& tx, std::span<const RecordWrite> writes) {
  Writes batch;
  std::set<std::pair<std::string_view, std::string_view>> in_batch;
  batch.reserve(writes.size());
  for (const RecordWrite& write : writes) {
    if (!in_batch.emplace(write.record.entity, write.record.id).second) {
      write_once_each(tx, batch);
      in_batch = {{write.record.entity, write.record.id}};
    }
    batch.push_back(&write);
  }
  write_once_each(tx, batch);
}

std::vector<Record> read_records(store::Transaction& tx, const std::string& entity, std::span<const std::string> ids,
                                 Lock lock) {
  static const std::string kRead =
      std::string("SELECT ") + kRecordColumns +
      " FROM banyan.record r WHERE r.entity = $1 AND r.id = ANY ($2::uuid[]) ORDER BY r.id";
  static const std::string kReadForUpdate = kRead + " FOR UPDATE";
  ArrayText list;
  for (const std::string& id : ids) list.add(id);
  const pqxx::result rows = lock == Lock::update
                                ? prepared(tx, "banyan_lock_records", kReadForUpdate.c_str(), entity, list.finish())
                                : prepared(tx, "banyan_read_records", kRead.c_str(), entity, list.finish());
  std::vector<Record> records;
  records.reserve(rows.size());
  for (const auto& row : rows) records.push_back(record_of(row));
  return records;
}

}  // namespace banyan::records
