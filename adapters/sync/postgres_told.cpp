#include "adapters/sync/postgres_told.hpp"

#include <algorithm>
#include <pqxx/pqxx>

#include "adapters/sync/postgres_text.hpp"

namespace banyan::sync {
namespace {

// When the feed was last read to its end outlives the process that read it.
constexpr const char* kTell = R"sql(
INSERT INTO banyan.stream_told AS t
  (stream, process, told_at, trouble, is_refused, caught_up_at, near_misses, scan_rate, schema_drift)
SELECT n.stream, $1, clock_timestamp(), n.trouble, n.is_refused, n.caught_up_at, n.near_misses, n.scan_rate,
  n.schema_drift::text[]
FROM unnest($2::smallint[], $3::text[], $4::boolean[], $5::timestamptz[], $6::bigint[], $7::float8[], $8::text[])
  n (stream, trouble, is_refused, caught_up_at, near_misses, scan_rate, schema_drift)
WHERE NOT EXISTS (SELECT FROM banyan.lease l
                  WHERE l.stream = n.stream AND l.owner NOT IN ('', $1) AND l.expires_at > clock_timestamp())
ON CONFLICT (stream) DO UPDATE SET process = excluded.process, told_at = excluded.told_at, trouble = excluded.trouble,
  is_refused = excluded.is_refused, caught_up_at = greatest(t.caught_up_at, excluded.caught_up_at),
  near_misses = excluded.near_misses, scan_rate = excluded.scan_rate, schema_drift = excluded.schema_drift
)sql";

constexpr const char* kTold = "SELECT t.stream, t.process, " BANYAN_MICROS(
    "t.told_at") ", t.trouble, t.is_refused, " BANYAN_MICROS("t.caught_up_at") ", t.near_misses, t.scan_rate, "
                 "to_json(t.schema_drift) FROM banyan.stream_told t";

// What PostgreSQL holds as text.
std::string holdable(std::string text) {
  std::erase(text, '\0');
  return text;
}

}  // namespace

void write_told(store::Transaction& tx, const std::string& owner,
                std::span<const std::pair<StreamId, StreamStatus>> statuses) {
  if (statuses.empty()) return;
  Column streams;
  Column troubles;
  Column refused;
  Column caught_up;
  Column misses;
  Column rates;
  Column drifts;
  for (const auto& [stream, status] : statuses) {
    streams.add_number(stream);
    troubles.add(holdable(status.trouble));
    refused.add_flag(status.is_refused);
    caught_up.add_time(status.caught_up_at);
    misses.add_number(status.near_misses);
    rates.add(std::to_string(status.scan_rate));
    std::vector<std::string> sentences;
    for (const std::string& sentence : status.schema_drift) sentences.push_back(holdable(sentence));
    drifts.add_texts(sentences);
  }
  tx.exec_params0(kTell, owner, streams.finish(), troubles.finish(), refused.finish(), caught_up.finish(),
                  misses.finish(), rates.finish(), drifts.finish());
}

std::map<StreamId, Told> read_told(store::Transaction& tx) {
  std::map<StreamId, Told> all;
  for (const auto& row : tx.exec(kTold)) {
    Told told;
    told.process = text_of(row[1]);
    told.at = time_of(row[2]);
    told.status.trouble = text_of(row[3]);
    told.status.is_refused = flag_of(row[4]);
    if (!row[5].is_null()) told.status.caught_up_at = time_of(row[5]);
    told.status.near_misses = number_of(row[6]);
    told.status.scan_rate = row[7].as<double>();
    told.status.schema_drift = texts_of(row[8]);
    all.emplace(number_of<StreamId>(row[0]), std::move(told));
  }
  return all;
}

}  // namespace banyan::sync
