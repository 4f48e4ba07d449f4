// The fence, the state and the couplings; what reaches beyond the stream's own rows is in postgres_view_lookups.cpp.
#include "adapters/sync/postgres_view.hpp"

#include <unordered_map>
#include <utility>

#include "adapters/records/record_writer.hpp"
#include "adapters/sync/postgres_rows.hpp"

namespace banyan::sync {
namespace {

// Every statement of a commit finds its rows by key. A table that is being filled has no statistics yet, and the
// planner would read the whole of it: so that is priced out. One round trip for all that a commit needs to know first.
constexpr const char* kFence =
    "SELECT l.token = $2::bigint AND l.expires_at > clock_timestamp(), s.system, s.entity, " BANYAN_MICROS("now()")
    ", EXISTS (SELECT FROM banyan.waiting w WHERE w.stream = l.stream)"
    ", EXISTS (SELECT FROM banyan.parked p WHERE p.stream = l.stream AND p.state IN ('open', 'answered'))"
    ", EXISTS (SELECT FROM banyan.intent i WHERE i.stream = l.stream)"
    ", EXISTS (SELECT FROM banyan.waiting w WHERE w.on_id IS NOT NULL)"
    ", set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true)"
    ", set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true) "
    "FROM banyan.lease l JOIN banyan.stream s ON s.id = l.stream WHERE l.stream = $1::smallint FOR KEY SHARE OF l";

// Locked, so that an owner is never changed in the middle of a commit.
const std::string kState = std::string("SELECT ") + kStateColumns +
                           " FROM banyan.stream_state s WHERE s.stream = $1::smallint FOR NO KEY UPDATE";

constexpr const char* kHeads =
    "SELECT l.quiet, l.base_hash, l.legacy_version, l.base IS NOT NULL, "
    "EXISTS (SELECT FROM banyan.waiting w WHERE w.stream = l.stream AND w.legacy_id = l.legacy_id), n.place "
    "FROM unnest($2::text[]) WITH ORDINALITY n (id, place) "
    "JOIN banyan.link l ON l.stream = $1::smallint AND l.legacy_id = n.id";

const std::string kLinksByLegacy = std::string("SELECT ") + kLinkColumns +
                                   ", n.place FROM unnest($2::text[]) WITH ORDINALITY n (id, place) "
                                   "JOIN banyan.link l ON l.stream = $1::smallint AND l.legacy_id = n.id";
const std::string kLinksByRecord = std::string("SELECT ") + kLinkColumns +
                                   ", n.place FROM unnest($2::uuid[]) WITH ORDINALITY n (id, place) "
                                   "JOIN banyan.link l ON l.stream = $1::smallint AND l.record_id = n.id";
const std::string kWaiting = std::string("SELECT ") + kWaitingColumns +
                             " FROM banyan.waiting w WHERE w.stream = $1::smallint AND w.legacy_id = ANY ($2::text[])";
const std::string kIntents = std::string("SELECT ") + kIntentColumns +
                             " FROM banyan.intent i WHERE i.stream = $1::smallint AND i.record_id = ANY ($2::uuid[])";
const std::string kOpenIntents = std::string("SELECT ") + kIntentColumns +
                                 " FROM banyan.intent i WHERE i.stream = $1::smallint ORDER BY i.record_id";
const std::string kOpenParked =
    std::string("SELECT ") + kParkedColumns +
    " FROM banyan.parked p WHERE p.id IN (SELECT q.id FROM banyan.parked q WHERE q.stream = $1::smallint AND "
    "q.state IN ('open', 'answered') AND q.kind IN ('conflict', 'dead_letter') AND q.matter = ANY ($2::text[]) "
    "UNION ALL SELECT q.id FROM banyan.parked q WHERE q.stream = $1::smallint AND q.state IN ('open', 'answered') AND "
    "q.legacy_id <> '' AND q.legacy_id = ANY ($2::text[])) AND p.state IN ('open', 'answered') ORDER BY p.id FOR "
    "UPDATE";
const std::string kParkedById = std::string("SELECT ") + kParkedColumns +
                                " FROM banyan.parked p WHERE p.stream = $1::smallint AND p.id = $2::bigint FOR UPDATE";

constexpr const char* kDisputed =
    "SELECT jsonb_array_elements_text(p.legacy) FROM banyan.parked p WHERE p.stream = $1::smallint AND p.state IN "
    "('open', 'answered') AND p.error_class = 'ambiguous_create' AND jsonb_typeof(p.legacy) = 'array'";

std::string ids_text(std::span<const std::string> ids) {
  Column column;
  for (const std::string& id : ids) column.add(id);
  return column.finish();
}

// The last column is the place among the ids asked for, from 1.
std::size_t place_of(const pqxx::row& row) {
  return number_of<std::size_t>(row[row.size() - 1]) - 1;
}

}  // namespace

PostgresView::PostgresView(store::Transaction& tx, const Fence& fence)
    : tx_(tx), stream_(fence.stream), stream_text_(std::to_string(fence.stream)) {
  const pqxx::result rows = tx_.exec_params(kFence, stream_text_, fence.token);
  if (rows.empty() || !flag_of(rows[0][0])) throw StaleFence{};
  const pqxx::row row = rows[0];
  system_ = text_of(row[1]);
  entity_ = text_of(row[2]);
  now_ = time_of(row[3]);
  any_waiting_ = flag_of(row[4]);
  any_parked_ = flag_of(row[5]);
  any_intents_ = flag_of(row[6]);
  others_wait_ = flag_of(row[7]);
}

const StreamState& PostgresView::state_before() {
  if (!state_) state_ = read_state(tx_.exec_params1(kState, stream_text_));
  return *state_;
}

StreamState PostgresView::state() {
  return state_before();
}

std::vector<LinkHead> PostgresView::heads(std::span<const std::string> legacy_ids) {
  std::vector<LinkHead> heads(legacy_ids.size());
  if (legacy_ids.empty()) return heads;
  for (const auto& row : tx_.exec_params(kHeads, stream_text_, ids_text(legacy_ids))) {
    LinkHead& head = heads[place_of(row)];
    head.exists = true;
    head.has_base = flag_of(row[3]);
    head.quiet = flag_of(row[0]) && !flag_of(row[4]);
    head.base_hash = number_of(row[1]);
    head.legacy_version = text_of(row[2]);
  }
  for (std::size_t i = 0; i < heads.size(); ++i) {
    if (!heads[i].exists) absent_.insert(legacy_ids[i]);
  }
  return heads;
}

std::vector<Coupling> PostgresView::by_legacy(std::span<const std::string> legacy_ids) {
  std::vector<Coupling> couplings(legacy_ids.size());
  bool all_absent = true;
  for (std::size_t i = 0; i < legacy_ids.size(); ++i) {
    couplings[i].legacy_id = legacy_ids[i];
    all_absent = all_absent && absent_.contains(legacy_ids[i]);
  }
  std::vector<std::string> record_ids(legacy_ids.size());
  if (!all_absent) {
    for (const auto& row : tx_.exec_params(kLinksByLegacy, stream_text_, ids_text(legacy_ids))) {
      Coupling& coupling = couplings[place_of(row)];
      coupling.link = read_link(row);
      record_ids[place_of(row)] = coupling.link->record_id;
    }
  }
  for (const Coupling& coupling : couplings) {
    if (!coupling.link) absent_.insert(coupling.legacy_id);
  }
  return couple(std::move(couplings), record_ids);
}

std::vector<Coupling> PostgresView::by_record(std::span<const std::string> record_ids) {
  std::vector<Coupling> couplings(record_ids.size());
  if (record_ids.empty()) return couplings;
  for (const auto& row : tx_.exec_params(kLinksByRecord, stream_text_, ids_text(record_ids))) {
    Coupling& coupling = couplings[place_of(row)];
    coupling.link = read_link(row);
    coupling.legacy_id = coupling.link->legacy_id;
  }
  return couple(std::move(couplings), {record_ids.begin(), record_ids.end()});
}

// Adds all but the links. `record_ids`: of each coupling, or empty.
std::vector<Coupling> PostgresView::couple(std::vector<Coupling> couplings,
                                           const std::vector<std::string>& record_ids) {
  std::vector<std::string> wanted;
  std::unordered_map<std::string_view, std::size_t> places;
  std::vector<std::size_t> again;  // places whose record is that of an earlier one too
  for (std::size_t i = 0; i < record_ids.size(); ++i) {
    if (record_ids[i].empty()) continue;
    if (places.emplace(record_ids[i], i).second) {
      wanted.push_back(record_ids[i]);
    } else {
      again.push_back(i);
    }
  }
  if (!wanted.empty()) {
    for (Record& record : records::read_records(tx_, entity_, wanted, records::Lock::update)) {
      if (const auto place = places.find(record.id); place != places.end()) {
        couplings[place->second].record = std::move(record);
      }
    }
  }
  for (const std::size_t i : again) couplings[i].record = couplings[places.at(record_ids[i])].record;
  if (any_waiting_) add_waiting(couplings);
  if (any_intents_ && !wanted.empty()) add_intents(couplings, record_ids);
  if (any_parked_) add_parked(couplings, record_ids);
  return couplings;
}

void PostgresView::add_waiting(std::vector<Coupling>& couplings) {
  Column ids;
  for (const Coupling& coupling : couplings) ids.add(coupling.legacy_id);
  std::unordered_map<std::string, Waiting> found;
  for (const auto& row : tx_.exec_params(kWaiting, stream_text_, ids.finish())) {
    Waiting waiting = read_waiting(row);
    std::string id = waiting.legacy_id;
    found.emplace(std::move(id), std::move(waiting));
  }
  for (Coupling& coupling : couplings) {
    if (const auto waiting = found.find(coupling.legacy_id); waiting != found.end()) coupling.waiting = waiting->second;
  }
}

void PostgresView::add_intents(std::vector<Coupling>& couplings, const std::vector<std::string>& record_ids) {
  Column ids;
  for (const std::string& id : record_ids) ids.add_or_null(id);
  std::unordered_map<std::string, Intent> found;
  for (const auto& row : tx_.exec_params(kIntents, stream_text_, ids.finish())) {
    Intent intent = read_intent(row);
    std::string id = intent.record_id;
    found.emplace(std::move(id), std::move(intent));
  }
  for (std::size_t i = 0; i < couplings.size(); ++i) {
    if (const auto intent = found.find(record_ids[i]); intent != found.end()) couplings[i].intent = intent->second;
  }
}

void PostgresView::add_parked(std::vector<Coupling>& couplings, const std::vector<std::string>& record_ids) {
  // Apart: where legacy records get ids of ours, both sides have the same text.
  using Places = std::unordered_multimap<std::string_view, std::size_t>;
  Places by_legacy_id;
  Places by_record_id;
  Column ids;
  for (std::size_t i = 0; i < couplings.size(); ++i) {
    for (auto& [places, id] :
         {std::pair(&by_legacy_id, &std::as_const(couplings[i].legacy_id)), std::pair(&by_record_id, &record_ids[i])}) {
      if (id->empty()) continue;
      places->emplace(*id, i);
      ids.add(*id);
    }
  }
  for (const auto& row : tx_.exec_params(kOpenParked, stream_text_, ids.finish())) {
    const Parked parked = read_parked(row);
    for (const auto& [places, id] :
         {std::pair(&by_legacy_id, &parked.legacy_id), std::pair(&by_record_id, &parked.record_id)}) {
      const auto [first, last] = places->equal_range(*id);
      for (auto place = first; place != last; ++place) {
        Coupling& coupling = couplings[place->second];
        (parked.kind == Parked::Kind::conflict ? coupling.conflict : coupling.dead_letter) = parked;
      }
    }
  }
}

std::vector<Intent> PostgresView::open_intents() {
  std::vector<Intent> intents;
  if (!any_intents_) return intents;
  for (const auto& row : tx_.exec_params(kOpenIntents, stream_text_)) intents.push_back(read_intent(row));
  return intents;
}

std::vector<std::string> PostgresView::disputed_ids() {
  std::vector<std::string> ids;
  if (!any_parked_) return ids;
  for (const auto& row : tx_.exec_params(kDisputed, stream_text_)) ids.emplace_back(text_of(row[0]));
  return ids;
}

std::optional<Parked> PostgresView::parked(std::int64_t id) {
  const pqxx::result rows = tx_.exec_params(kParkedById, stream_text_, id);
  if (rows.empty()) return std::nullopt;
  return read_parked(rows[0]);
}

}  // namespace banyan::sync
