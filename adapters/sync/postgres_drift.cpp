// Drift by checksums: count and sum of hashes, once from the records and once from the links, which is two passes
// without a join; of all first, then by bucket, which holds the records whose ids end with the same byte. Only where
// buckets differ are records and links joined row by row.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "adapters/sync/postgres_sync_store.hpp"
#include "adapters/sync/postgres_text.hpp"

namespace banyan::sync {
namespace {

constexpr const char* kPlan = "SET LOCAL jit = off; SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '64MB'";
constexpr const char* kEntity = "SELECT entity FROM banyan.stream WHERE id = $1::smallint";

#define BANYAN_BUCKET(id) "get_byte(uuid_send(" id "), 15)"
#define BANYAN_NOT_IN_OUTBOX(id) \
  "NOT EXISTS (SELECT FROM banyan.outbox o WHERE o.stream = $1::smallint AND o.record_id = " id ")"

// Mixed with the id, so that hashes which two records have exchanged do not go unseen. A tombstone is not what a link
// with a base remembers, though its data is: $3 says whether that counts.
const std::string kRecordSums =
    "count(*), sum(uuid_hash_extended(r.id, CASE WHEN r.deleted AND $3::boolean THEN ~r.hash ELSE r.hash END)) "
    "FROM banyan.record r WHERE r.entity = $2 AND " BANYAN_NOT_IN_OUTBOX("r.id")
    " AND NOT EXISTS (SELECT FROM banyan.link l WHERE l.stream = $1::smallint AND NOT l.quiet AND l.record_id = r.id)";
const std::string kLinkSums =
    "count(*), sum(uuid_hash_extended(l.record_id, l.record_hash)) FROM banyan.link l "
    "WHERE l.stream = $1::smallint AND l.quiet AND " BANYAN_NOT_IN_OUTBOX("l.record_id");
// One sum of all first: PostgreSQL does that on all cores, but not the buckets, of which it expects as many as rows.
const std::string kWhole = "SELECT 0, ";
const std::string kRecordBuckets = "SELECT " BANYAN_BUCKET("r.id") ", ";
const std::string kLinkBuckets = "SELECT " BANYAN_BUCKET("l.record_id") ", ";
constexpr const char* kRows =
    "SELECT l.record_id FROM banyan.link l LEFT JOIN banyan.record r ON r.entity = $2 AND r.id = l.record_id "
    "WHERE l.stream = $1::smallint AND l.quiet AND " BANYAN_BUCKET("l.record_id") " = ANY ($3::integer[]) AND "
    BANYAN_NOT_IN_OUTBOX("l.record_id")
    " AND (r.id IS NULL OR (r.deleted AND $5::boolean) OR (NOT r.deleted AND r.hash <> l.record_hash)) "
    "AND l.record_id > $6::uuid ORDER BY l.record_id LIMIT $4::bigint";
// Lost on its way out, or put in behind our back.
constexpr const char* kUnlinkedRows =
    "SELECT r.id FROM banyan.record r WHERE r.entity = $2 AND NOT r.deleted AND " BANYAN_BUCKET("r.id")
    " = ANY ($3::integer[]) AND " BANYAN_NOT_IN_OUTBOX("r.id")
    " AND NOT EXISTS (SELECT FROM banyan.link l WHERE l.stream = $1::smallint AND l.record_id = r.id) "
    "AND NOT EXISTS (SELECT FROM banyan.intent i WHERE i.stream = $1::smallint AND i.record_id = r.id AND i.attempted) "
    "AND NOT EXISTS (SELECT FROM banyan.parked p WHERE p.stream = $1::smallint AND p.record_id = r.id "
    "AND p.state IN ('open', 'answered')) AND r.id > $5::uuid ORDER BY r.id LIMIT $4::bigint";
constexpr const char* kLeastId = "00000000-0000-0000-0000-000000000000";

struct Sum {
  std::int64_t count = 0;
  std::string hashes;
  bool operator==(const Sum&) const = default;
};
using Buckets = std::map<int, Sum>;

Buckets buckets_of(const pqxx::result& rows) {
  Buckets buckets;
  for (const auto& row : rows) {
    buckets[number_of<int>(row[0])] = {number_of(row[1]), std::string(text_of(row[2]))};
  }
  return buckets;
}

std::set<int> unequal_buckets(const Buckets& some, const Buckets& others) {
  std::set<int> unequal;
  for (const auto& [one, other] : {std::pair(&some, &others), std::pair(&others, &some)}) {
    for (const auto& [bucket, sum] : *one) {
      const auto found = other->find(bucket);
      if (found == other->end() || !(found->second == sum)) unequal.insert(bucket);
    }
  }
  return unequal;
}

std::vector<std::string> ids_of(const pqxx::result& rows) {
  std::vector<std::string> ids;
  for (const auto& row : rows) ids.emplace_back(text_of(row[0]));
  return ids;
}

}  // namespace

Result<SyncStore::Drift> PostgresSyncStore::drift(StreamId stream, std::size_t limit, Deadline deadline,
                                                  const DriftScope& scope) {
  const auto compare = [&](store::Transaction& tx) {
    Drift drift;
    tx.exec0(kPlan);
    const std::string entity(text_of(tx.exec_params1(kEntity, stream)[0]));
    const Buckets links = buckets_of(tx.exec_params(kWhole + kLinkSums, stream));
    drift.checked = links.at(0).count;
    if (links == buckets_of(tx.exec_params(kWhole + kRecordSums, stream, entity, scope.tombstones))) return drift;

    const Buckets records =
        buckets_of(tx.exec_params(kRecordBuckets + kRecordSums + " GROUP BY 1", stream, entity, scope.tombstones));
    const std::set<int> unequal =
        unequal_buckets(records, buckets_of(tx.exec_params(kLinkBuckets + kLinkSums + " GROUP BY 1", stream)));
    if (unequal.empty()) return drift;
    Column differing;
    for (const int bucket : unequal) differing.add_number(bucket);
    const std::string after = scope.after.empty() ? kLeastId : scope.after;
    const std::string buckets = differing.finish();
    std::vector<std::string>& ids = drift.record_ids;
    ids = ids_of(tx.exec_params(kRows, stream, entity, buckets, limit, scope.tombstones, after));
    if (!scope.unlinked) return drift;
    const auto linked = static_cast<std::ptrdiff_t>(ids.size());
    for (std::string& id : ids_of(tx.exec_params(kUnlinkedRows, stream, entity, buckets, limit, after))) {
      ids.push_back(std::move(id));
    }
    std::inplace_merge(ids.begin(), ids.begin() + linked, ids.end());
    if (ids.size() > limit) ids.resize(limit);
    return drift;
  };
  return database_.transact<Drift>(deadline, compare, store::Isolation::repeatable_read);
}

}  // namespace banyan::sync
