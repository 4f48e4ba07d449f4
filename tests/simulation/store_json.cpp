#include "tests/simulation/store_json.hpp"

#include <chrono>

#include "tests/simulation/judge.hpp"

namespace banyan::simulation {
namespace {

constexpr std::size_t kMostDifferences = 6;

// The parts in which they differ: of the one, and of the other.
std::string difference_of(const Json& one, const Json& other) {
  std::string text;
  std::size_t shown = 0;
  for (const Json& step : Json::diff(one, other)) {
    if (++shown > kMostDifferences) return text + " …";
    const std::string place = step.at("path").get<std::string>();
    const Json before = step.at("op") == "add" ? Json() : one.at(Json::json_pointer(place));
    text += " " + place + ": " + before.dump() + " and " + step.value("value", Json()).dump() + ";";
  }
  return text;
}

}  // namespace

void require_same(const std::string& what, const Json& postgres, const Json& memory) {
  if (postgres == memory) return;
  throw Violation{"stores: " + what +
                  " is not the same in PostgreSQL and in memory:" + difference_of(postgres, memory)};
}

Json as_json(WallTime value) {
  return std::chrono::floor<std::chrono::microseconds>(value.time_since_epoch()).count();
}

Json as_json(const sync::Reference& value) {
  return value.entity + "/" + value.id;
}

Json as_json(const records::Record& value) {
  return {{"entity", value.entity},
          {"id", value.id},
          {"version", value.version},
          {"data", value.data},
          {"deleted", value.deleted},
          {"merged_into", value.merged_into},
          {"created_at", as_json(value.created_at)},
          {"updated_at", as_json(value.updated_at)}};
}

Json as_json(const sync::PendingWrite& value) {
  return {{"fields", value.fields},  {"values", value.values},       {"expected", value.expected},
          {"at", as_json(value.at)}, {"is_delete", value.is_delete}, {"is_repeat", value.is_repeat}};
}

Json as_json(const sync::Link& value) {
  return {{"legacy_id", value.legacy_id},
          {"record_id", value.record_id},
          {"base", value.base ? *value.base : Json()},
          {"base_hash", value.base_hash},
          {"legacy_version", value.legacy_version},
          {"legacy_stamp", as_json(value.legacy_stamp)},
          {"record_hash", value.record_hash},
          {"held", value.held},
          {"pending", as_json(value.pending)},
          {"writes", value.writes},
          {"writes_since", as_json(value.writes_since)},
          {"near_misses", value.near_misses},
          {"created_at", as_json(value.created_at)}};
}

Json as_json(const sync::LinkHead& value) {
  return {{"exists", value.exists},
          {"has_base", value.has_base},
          {"quiet", value.quiet},
          {"base_hash", value.base_hash},
          {"legacy_version", value.legacy_version}};
}

Json as_json(const sync::Waiting& value) {
  return {{"legacy_id", value.legacy_id}, {"inbox_id", value.inbox_id},
          {"on", as_json(value.on)},      {"not_before", as_json(value.not_before)},
          {"attempt", value.attempt},     {"reason", value.reason}};
}

Json as_json(const sync::Parked& value) {
  return {{"id", value.id},
          {"stream", value.stream},
          {"kind", sync::to_string(value.kind)},
          {"state", sync::to_string(value.state)},
          {"side", records::to_string(value.side)},
          {"legacy_id", value.legacy_id},
          {"record_id", value.record_id},
          {"error_class", value.error_class},
          {"message", value.message},
          {"fields", value.fields},
          {"base", value.base},
          {"legacy", value.legacy},
          {"modern", value.modern},
          {"epoch", value.epoch},
          {"legacy_changes", value.legacy_changes},
          {"modern_changes", value.modern_changes},
          {"at", as_json(value.at)},
          {"answer", value.answer},
          {"answered_by", value.answered_by}};
}

Json as_json(const sync::Intent& value) {
  return {{"record_id", value.record_id}, {"since", as_json(value.since)},
          {"at", as_json(value.at)},      {"sent", value.sent},
          {"base", value.base},           {"version", value.version},
          {"attempted", value.attempted}};
}

Json as_json(const sync::Coupling& value) {
  return {{"legacy_id", value.legacy_id},
          {"link", as_json(value.link)},
          {"record", as_json(value.record)},
          {"waiting", as_json(value.waiting)},
          {"intent", as_json(value.intent)},
          {"conflict", as_json(value.conflict)},
          {"dead_letter", as_json(value.dead_letter)}};
}

Json as_json(const sync::OutboxItem& value) {
  return {{"record_id", value.record_id}, {"version", value.version}, {"changes", value.changes},
          {"hops", value.hops},           {"attempt", value.attempt}, {"first_at", as_json(value.first_at)}};
}

Json as_json(const sync::StreamState& value) {
  const sync::ScanState& scan = value.scan;
  return {{"id", value.id},
          {"owner", sync::to_string(value.owner)},
          {"epoch", value.epoch},
          {"paused", value.paused},
          {"pause_reason", value.pause_reason},
          {"cursor", {value.cursor.stamp, value.cursor.id}},
          {"overlap", value.overlap.count()},
          {"deletes_since", value.deletes_since},
          {"scan",
           {{"kind", static_cast<int>(scan.kind)},
            {"phase", static_cast<int>(scan.phase)},
            {"position", scan.position},
            {"dry_run", scan.dry_run},
            {"repair", scan.repair},
            {"accepts_deletes", scan.accepts_deletes},
            {"started", as_json(scan.started)},
            {"ended", as_json(scan.ended)},
            {"scanned", scan.scanned},
            {"differences", scan.differences},
            {"repaired", scan.repaired},
            {"report", scan.report}}},
          {"backfilled_at", as_json(value.backfilled_at)},
          {"schema", value.schema},
          {"mapping", value.mapping}};
}

Json as_json(const sync::Counts& value) {
  return {{"captured", value.captured},  {"applied", value.applied},   {"superseded", value.superseded},
          {"echo", value.echo},          {"conflict", value.conflict}, {"dead_letter", value.dead_letter},
          {"in_flight", value.in_flight}};
}

Json as_json(const sync::InboxEntry& value) {
  return {{"legacy_id", value.legacy_id},
          {"legacy_version", value.legacy_version},
          {"via", sync::to_string(value.via)},
          {"outcome", sync::to_string(value.outcome)},
          {"ref", value.ref}};
}

Json as_json(const sync::Fence& value) {
  return {{"stream", value.stream}, {"token", value.token}};
}

Json as_json(const sync::SyncStore::Drift& value) {
  return {{"checked", value.checked}, {"record_ids", value.record_ids}};
}

Json as_json(const sync::View::Edit& value) {
  return {{"at", as_json(value.at)}, {"to", value.to}};
}

Json as_json(const sync::View::NotSeen& value) {
  return {{"ids", value.ids}, {"up_to", value.up_to}};
}

Json as_json(const sync::View::NotSeenCount& value) {
  return {{"missing", value.missing}, {"linked", value.linked}, {"up_to", value.up_to}};
}

}  // namespace banyan::simulation
