// The captured changes: matters for a person first, since the log refers to them; then the log; then what waits.
#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "adapters/sync/postgres_text.hpp"
#include "adapters/sync/postgres_writer.hpp"

namespace banyan::sync {
namespace {

constexpr std::size_t kCopyFrom = 100;

#define BANYAN_PARKED_ROWS                                                                                       \
  "unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::text[], "    \
  "$10::text[], $11::jsonb[], $12::jsonb[], $13::jsonb[], $14::bigint[], $15::bigint[], $16::bigint[], "         \
  "$17::timestamptz[], $18::jsonb[], $19::text[]) n (id, kind, state, side, legacy_id, record_id, error_class, " \
  "message, fields, base, legacy, modern, epoch, legacy_changes, modern_changes, at, answer, answered_by)"

constexpr const char* kPark =
    "INSERT INTO banyan.parked (stream, kind, state, side, legacy_id, record_id, error_class, message, fields, base, "
    "legacy, modern, epoch, legacy_changes, modern_changes, at, answer, answered_by) "
    "SELECT $1::smallint, n.kind, n.state, n.side, n.legacy_id, n.record_id, n.error_class, n.message, "
    "n.fields::text[], "
    "n.base, n.legacy, n.modern, n.epoch, n.legacy_changes, n.modern_changes, n.at, n.answer, n.answered_by "
    "FROM " BANYAN_PARKED_ROWS
    " WHERE n.id = 0 ON CONFLICT (stream, kind, matter) WHERE state IN ('open', 'answered') DO UPDATE SET "
    "state = excluded.state, side = excluded.side, legacy_id = excluded.legacy_id, error_class = excluded.error_class, "
    "message = excluded.message, fields = excluded.fields, base = excluded.base, legacy = excluded.legacy, "
    "modern = excluded.modern, epoch = excluded.epoch, legacy_changes = excluded.legacy_changes, "
    "modern_changes = excluded.modern_changes, at = excluded.at, answer = excluded.answer, "
    "answered_by = excluded.answered_by, changed_at = now() RETURNING id, kind, legacy_id, state";
constexpr const char* kParkAgain =
    "UPDATE banyan.parked p SET state = n.state, side = n.side, legacy_id = n.legacy_id, record_id = n.record_id, "
    "error_class = n.error_class, message = n.message, fields = n.fields::text[], base = n.base, legacy = n.legacy, "
    "modern = n.modern, epoch = n.epoch, legacy_changes = n.legacy_changes, modern_changes = n.modern_changes, "
    "at = n.at, answer = n.answer, answered_by = n.answered_by, changed_at = now() FROM " BANYAN_PARKED_ROWS
    " WHERE p.stream = $1::smallint AND p.id = n.id";
constexpr const char* kClose =
    "UPDATE banyan.parked p SET state = n.state, answer = coalesce(n.answer, p.answer), "
    "answered_by = CASE WHEN n.answered_by = '' THEN p.answered_by ELSE n.answered_by END, changed_at = now() "
    "FROM unnest($2::bigint[], $3::text[], $4::jsonb[], $5::text[]) n (id, state, answer, answered_by) "
    "WHERE p.stream = $1::smallint AND p.id = n.id";

constexpr const char* kCapture =
    "INSERT INTO banyan.inbox (stream, legacy_id, legacy_version, via, outcome, ref) "
    "SELECT $1::smallint, n.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) n "
    "RETURNING id, legacy_id, outcome";
constexpr const char* kOutcomes =
    "UPDATE banyan.inbox i SET outcome = n.outcome, ref = n.ref "
    "FROM unnest($2::bigint[], $3::text[], $4::text[]) n (id, outcome, ref) WHERE i.stream = $1::smallint AND i.id = "
    "n.id";
constexpr const char* kWaitingDone =
    "DELETE FROM banyan.waiting WHERE stream = $1::smallint AND legacy_id = ANY ($2::text[])";
constexpr const char* kWait = R"sql(
INSERT INTO banyan.waiting (stream, legacy_id, inbox_id, on_entity, on_id, not_before, attempt, reason)
SELECT $1::smallint, n.* FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::integer[],
                                     $8::text[]) n
ON CONFLICT (stream, legacy_id) DO UPDATE SET inbox_id = excluded.inbox_id, on_entity = excluded.on_entity,
  on_id = excluded.on_id, not_before = excluded.not_before, attempt = excluded.attempt, reason = excluded.reason
)sql";

// (kind, legacy id) -> id of the matter.
using Matters = std::map<std::pair<Parked::Kind, std::string>, std::int64_t>;

pqxx::result write_parked_rows(store::Transaction& tx, const PostgresView& view, const char* sql,
                               const std::vector<const Parked*>& rows) {
  Column id, kind, state, side, legacy_id, record_id, error_class, message, fields, base, legacy, modern, epoch,
      legacy_changes, modern_changes, at, answer, answered_by;
  for (const Parked* row : rows) {
    id.add_number(row->id);
    kind.add(to_string(row->kind));
    state.add(to_string(row->state));
    side.add(to_string(row->side));
    legacy_id.add(row->legacy_id);
    record_id.add_or_null(row->record_id);
    error_class.add(row->error_class);
    message.add(row->message);
    fields.add_texts(row->fields);
    base.add_json(row->base);
    legacy.add_json(row->legacy);
    modern.add_json(row->modern);
    epoch.add_number(row->epoch);
    legacy_changes.add_number(row->legacy_changes);
    modern_changes.add_number(row->modern_changes);
    at.add_time(row->at);
    answer.add_json(row->answer);
    answered_by.add(row->answered_by);
  }
  return tx.exec_params(sql, view.stream(), id.finish(), kind.finish(), state.finish(), side.finish(),
                        legacy_id.finish(), record_id.finish(), error_class.finish(), message.finish(), fields.finish(),
                        base.finish(), legacy.finish(), modern.finish(), epoch.finish(), legacy_changes.finish(),
                        modern_changes.finish(), at.finish(), answer.finish(), answered_by.finish());
}

Matters write_parked(store::Transaction& tx, const PostgresView& view, const Changes& changes) {
  Matters matters;
  if (!changes.parked_closed.empty()) {
    Column id, state, answer, answered_by;
    for (const Parked& closed : changes.parked_closed) {
      id.add_number(closed.id);
      state.add(to_string(closed.state));
      answer.add_json(closed.answer);
      answered_by.add(closed.answered_by);
    }
    tx.exec_params0(kClose, view.stream(), id.finish(), state.finish(), answer.finish(), answered_by.finish());
  }
  std::vector<const Parked*> fresh;
  std::vector<const Parked*> known;
  for (const Parked& parked : changes.parked) {
    (parked.id == 0 ? fresh : known).push_back(&parked);
    const bool is_open = parked.state == Parked::State::open || parked.state == Parked::State::answered;
    if (parked.id != 0 && is_open) matters[{parked.kind, parked.legacy_id}] = parked.id;
  }
  if (!known.empty()) write_parked_rows(tx, view, kParkAgain, known);
  if (fresh.empty()) return matters;
  for (const auto& row : write_parked_rows(tx, view, kPark, fresh)) {
    if (text_of(row[3]) != "open" && text_of(row[3]) != "answered") continue;
    const auto kind = text_of(row[1]) == "conflict" ? Parked::Kind::conflict : Parked::Kind::dead_letter;
    matters[{kind, std::string(text_of(row[2]))}] = number_of(row[0]);
  }
  return matters;
}

std::string reference_of(const InboxEntry& entry, const Matters& matters) {
  if (entry.outcome != Outcome::conflict && entry.outcome != Outcome::dead_letter) return entry.ref;
  const auto kind = entry.outcome == Outcome::conflict ? Parked::Kind::conflict : Parked::Kind::dead_letter;
  const auto matter = matters.find({kind, entry.legacy_id});
  return matter == matters.end() ? entry.ref : std::to_string(matter->second);
}

void copy(store::Transaction& tx, const PostgresView& view, const std::vector<InboxEntry>& entries,
          const Matters& matters) {
  constexpr std::array kColumns{"stream", "legacy_id", "legacy_version", "via", "outcome", "ref"};
  pqxx::stream_to to(tx, "banyan.inbox", kColumns);
  for (const InboxEntry& entry : entries) {
    to << std::make_tuple(view.stream(), entry.legacy_id, entry.legacy_version, std::string(to_string(entry.via)),
                          std::string(to_string(entry.outcome)), reference_of(entry, matters));
  }
  to.complete();
}

// Gives the ids of those in flight, by legacy id.
std::unordered_map<std::string, std::int64_t> write_captured(store::Transaction& tx, const PostgresView& view,
                                                             const std::vector<InboxEntry>& entries,
                                                             const Matters& matters) {
  std::unordered_map<std::string, std::int64_t> in_flight;
  if (entries.empty()) return in_flight;
  const bool any_in_flight = std::any_of(entries.begin(), entries.end(),
                                         [](const InboxEntry& entry) { return entry.outcome == Outcome::in_flight; });
  if (!any_in_flight && entries.size() >= kCopyFrom) {
    copy(tx, view, entries, matters);
    return in_flight;
  }
  Column ids, versions, vias, outcomes, refs;
  for (const InboxEntry& entry : entries) {
    ids.add(entry.legacy_id);
    versions.add(entry.legacy_version);
    vias.add(to_string(entry.via));
    outcomes.add(to_string(entry.outcome));
    refs.add(reference_of(entry, matters));
  }
  for (const auto& row : tx.exec_params(kCapture, view.stream(), ids.finish(), versions.finish(), vias.finish(),
                                        outcomes.finish(), refs.finish())) {
    if (text_of(row[2]) == "in_flight") in_flight[std::string(text_of(row[1]))] = number_of(row[0]);
  }
  return in_flight;
}

void write_outcomes(store::Transaction& tx, const PostgresView& view, const Changes& changes, const Matters& matters) {
  if (changes.inbox_outcomes.empty()) return;
  Column ids, outcomes, refs;
  for (const auto& [id, entry] : changes.inbox_outcomes) {
    ids.add_number(id);
    outcomes.add(to_string(entry.outcome));
    refs.add(reference_of(entry, matters));
  }
  tx.exec_params0(kOutcomes, view.stream(), ids.finish(), outcomes.finish(), refs.finish());
}

}  // namespace

void write_inbox(store::Transaction& tx, const PostgresView& view, const Changes& changes) {
  const Matters matters = write_parked(tx, view, changes);
  const auto in_flight = write_captured(tx, view, changes.inbox, matters);
  write_outcomes(tx, view, changes, matters);
  if (!changes.waiting_done.empty()) tx.exec_params0(kWaitingDone, view.stream(), array_text(changes.waiting_done));
  if (changes.waiting.empty()) return;
  Column ids, inbox_ids, entities, on_ids, times, attempts, reasons;
  for (const Waiting& waiting : changes.waiting) {
    const auto captured = in_flight.find(waiting.legacy_id);
    ids.add(waiting.legacy_id);
    inbox_ids.add_number(waiting.inbox_id != 0 || captured == in_flight.end() ? waiting.inbox_id : captured->second);
    entities.add_or_null(waiting.on ? waiting.on->entity : "");
    on_ids.add_or_null(waiting.on ? waiting.on->id : "");
    times.add_time(waiting.not_before);
    attempts.add_number(waiting.attempt);
    reasons.add(waiting.reason);
  }
  tx.exec_params0(kWait, view.stream(), ids.finish(), inbox_ids.finish(), entities.finish(), on_ids.finish(),
                  times.finish(), attempts.finish(), reasons.finish());
}

}  // namespace banyan::sync
