#include "adapters/sync/postgres_rows.hpp"

#include <array>
#include <stdexcept>

namespace banyan::sync {
namespace {

// The enumerator whose word stands in the row. The tables admit no other (CHECK).
template <typename Enum, std::size_t N>
Enum enum_of(const pqxx::field& field, const std::array<Enum, N>& all) {
  for (const Enum value : all) {
    if (to_string(value) == text_of(field)) return value;
  }
  throw std::logic_error("unknown word in column " + std::string(field.name()) + ": " + std::string(text_of(field)));
}

constexpr std::array kOwners{Owner::both, Owner::legacy, Owner::modern};
constexpr std::array kScanKinds{ScanState::Kind::none, ScanState::Kind::backfill, ScanState::Kind::sweep,
                                ScanState::Kind::verify};
constexpr std::array kScanPhases{ScanState::Phase::reading, ScanState::Phase::counting, ScanState::Phase::looking,
                                 ScanState::Phase::absent, ScanState::Phase::done};
constexpr std::array kParkedKinds{Parked::Kind::conflict, Parked::Kind::dead_letter};
constexpr std::array kParkedStates{Parked::State::open, Parked::State::answered, Parked::State::resolved,
                                   Parked::State::superseded};
constexpr std::array kSides{records::Side::legacy, records::Side::modern};

std::string string_of(const pqxx::field& field) {
  return std::string(text_of(field));
}

PendingWrite read_pending(const pqxx::field& field) {
  const Json json = json_of(field);
  PendingWrite write;
  write.fields = json.at("fields").get<std::vector<std::string>>();
  write.values = json.at("values");
  write.expected = json.at("expected").get<std::string>();
  write.at = records::wall_time(json.at("at").get<std::int64_t>());
  write.is_delete = json.at("is_delete").get<bool>();
  write.is_repeat = json.value("is_repeat", false);
  return write;
}

}  // namespace

std::string_view to_string(ScanState::Kind kind) {
  switch (kind) {
    case ScanState::Kind::backfill:
      return "backfill";
    case ScanState::Kind::sweep:
      return "sweep";
    case ScanState::Kind::verify:
      return "verify";
    case ScanState::Kind::none:
      break;
  }
  return "none";
}

std::string_view to_string(ScanState::Phase phase) {
  switch (phase) {
    case ScanState::Phase::counting:
      return "counting";
    case ScanState::Phase::looking:
      return "looking";
    case ScanState::Phase::absent:
      return "absent";
    case ScanState::Phase::done:
      return "done";
    case ScanState::Phase::reading:
      break;
  }
  return "reading";
}

Link read_link(const pqxx::row& row) {
  Link link;
  link.legacy_id = string_of(row[0]);
  link.record_id = string_of(row[1]);
  if (!row[2].is_null()) link.base = json_of(row[2]);
  link.base_hash = number_of(row[3]);
  link.legacy_version = string_of(row[4]);
  if (!row[5].is_null()) link.legacy_stamp = time_of(row[5]);
  link.record_hash = number_of(row[6]);
  link.held = texts_of(row[7]);
  if (!row[8].is_null()) link.pending = read_pending(row[8]);
  link.writes = number_of<std::int32_t>(row[9]);
  link.writes_since = time_of(row[10]);
  link.near_misses = number_of<std::int32_t>(row[11]);
  link.created_at = time_of(row[12]);
  return link;
}

Waiting read_waiting(const pqxx::row& row) {
  Waiting waiting;
  waiting.legacy_id = string_of(row[0]);
  waiting.inbox_id = number_of(row[1]);
  if (!row[2].is_null()) waiting.on = Reference{string_of(row[2]), string_of(row[3])};
  waiting.not_before = time_of(row[4]);
  waiting.attempt = number_of<std::int32_t>(row[5]);
  waiting.reason = string_of(row[6]);
  waiting.legacy_version = string_of(row[7]);
  return waiting;
}

Parked read_parked(const pqxx::row& row) {
  Parked parked;
  parked.id = number_of(row[0]);
  parked.stream = number_of<StreamId>(row[1]);
  parked.kind = enum_of(row[2], kParkedKinds);
  parked.state = enum_of(row[3], kParkedStates);
  parked.side = enum_of(row[4], kSides);
  parked.legacy_id = string_of(row[5]);
  parked.record_id = string_of(row[6]);
  parked.error_class = string_of(row[7]);
  parked.message = string_of(row[8]);
  parked.fields = texts_of(row[9]);
  parked.base = json_of(row[10]);
  parked.legacy = json_of(row[11]);
  parked.modern = json_of(row[12]);
  parked.epoch = number_of(row[13]);
  parked.legacy_changes = number_of(row[14]);
  parked.modern_changes = number_of(row[15]);
  parked.at = time_of(row[16]);
  parked.answer = json_of(row[17]);
  parked.answered_by = string_of(row[18]);
  return parked;
}

Intent read_intent(const pqxx::row& row) {
  Intent intent;
  intent.record_id = string_of(row[0]);
  intent.since = time_of(row[1]);
  intent.at = time_of(row[2]);
  intent.sent = json_of(row[3]);
  intent.base = json_of(row[4]);
  intent.version = number_of(row[5]);
  intent.attempted = flag_of(row[6]);
  return intent;
}

OutboxItem read_outbox_item(const pqxx::row& row) {
  OutboxItem item;
  item.record_id = string_of(row[0]);
  item.version = number_of(row[1]);
  item.changes = number_of<std::int32_t>(row[2]);
  item.hops = number_of<std::int32_t>(row[3]);
  item.attempt = number_of<std::int32_t>(row[4]);
  item.first_at = time_of(row[5]);
  return item;
}

StreamState read_state(const pqxx::row& row) {
  StreamState state;
  state.id = number_of<StreamId>(row[0]);
  state.owner = enum_of(row[1], kOwners);
  state.epoch = number_of(row[2]);
  state.paused = flag_of(row[3]);
  state.pause_reason = string_of(row[4]);
  state.cursor = {string_of(row[5]), string_of(row[6])};
  state.overlap = std::chrono::milliseconds(number_of(row[7]));
  state.deletes_since = string_of(row[8]);
  state.scan.kind = enum_of(row[9], kScanKinds);
  state.scan.phase = enum_of(row[10], kScanPhases);
  state.scan.position = string_of(row[11]);
  state.scan.dry_run = flag_of(row[12]);
  state.scan.repair = flag_of(row[13]);
  state.scan.accepts_deletes = flag_of(row[14]);
  state.scan.started = time_of(row[15]);
  state.scan.ended = time_of(row[16]);
  state.scan.scanned = number_of(row[17]);
  state.scan.differences = number_of(row[18]);
  state.scan.repaired = number_of(row[19]);
  state.scan.report = json_of(row[20]);
  state.backfilled_at = time_of(row[21]);
  state.schema = json_of(row[22]);
  state.mapping = json_of(row[23]);
  return state;
}

}  // namespace banyan::sync
