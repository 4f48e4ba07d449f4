#include "tests/simulation/judge.hpp"

#include <algorithm>

namespace banyan::simulation {
namespace {

using sync::Link;
using sync::Parked;

bool is_tracked(const FieldSpec& field) {
  return field.kind == FieldSpec::Kind::text || field.kind == FieldSpec::Kind::decimal;
}

const Json& value_of(const Json& data, const std::string& field) {
  static const Json none;
  const auto found = data.find(field);
  return found == data.end() ? none : *found;
}

}  // namespace

Judge::Judge(Ledger& ledger, MemoryStore& store, SimLegacy& system, std::vector<Line> lines)
    : ledger_(ledger), store_(store), system_(system), lines_(std::move(lines)) {}

ThingId Judge::thing_of_record(const std::string& record_id, const std::string& entity) {
  const auto [thing, is_new] = things_.try_emplace(record_id, 0);
  if (is_new) thing->second = ledger_.make_thing(entity);
  return thing->second;
}

void Judge::committed(StreamId stream, const CommitSummary& summary) {
  const Line& line = line_of(stream);
  for (const auto& [legacy_id, record_id] : summary.links) {
    const LegacyRow* row = system_.row(line.entity->type, legacy_id);
    if (row == nullptr) throw Violation{"link: of a legacy record that never was: " + legacy_id};
    ledger_.unite(row->thing, thing_of_record(record_id, line.entity->entity));
  }
  for (const Json& value : summary.recorded) ledger_.note_recorded(value);
  for (const CommitSummary::Write& write : summary.writes) apply(line, write, summary.answers);
}

// Whether a legacy write decides on anything: what legacy makes of our own values is taken over in any epoch, and so
// are fields of which it is the only source.
bool Judge::decides(const Line& line, const CommitSummary::Write& write) {
  if (write.kind != RecordWrite::Kind::update) return true;
  for (const auto& [name, change] : write.changed.items()) {
    const FieldSpec* field = line.entity->field(name);
    if (field == nullptr || field->direction == sync::Direction::to_modern) continue;
    const EditId from = Ledger::token_of(change.value("from", Json()));
    if (from == 0 || from != Ledger::token_of(change.value("to", Json()))) return true;
  }
  return false;
}

void Judge::apply(const Line& line, const CommitSummary::Write& write, bool answers) {
  const bool linked = things_.contains(write.id);
  if (!linked) throw Violation{"link: record " + write.id + " was made without one"};
  const bool verify = write.author.rfind("verify:", 0) == 0;
  const bool theirs = store_.stream(line.id).state.owner == sync::Owner::modern;
  if (theirs && write.legacy_side && !answers && !verify && decides(line, write)) {
    throw Violation{"epoch: a legacy change was applied to " + write.id + ", which the modern side owns"};
  }
  const ThingId thing = things_.at(write.id);
  ledger_.note_recorded(write.changed);
  if (verify) return;
  for (const auto& [name, change] : write.changed.items()) {
    const FieldSpec* field = line.entity->field(name);
    if (field == nullptr || !is_tracked(*field)) continue;
    const auto to = change.find("to");
    // What only legacy decides is not in a row that we have made anew.
    const bool made_anew = field->direction == sync::Direction::to_modern && to == change.end();
    const auto fault = ledger_.engine_wrote(thing, name, Where::modern, to == change.end() ? Json() : *to);
    if (fault && !made_anew) throw Violation{*fault};
  }
  const bool removed = write.kind == RecordWrite::Kind::remove;
  if (removed || write.kind == RecordWrite::Kind::restore || write.kind == RecordWrite::Kind::insert) {
    if (auto fault = ledger_.engine_set_alive(thing, Where::modern, !removed)) throw Violation{*fault};
  }
}

void Judge::check_conservation() const {
  for (const Line& line : lines_) {
    const auto faults = store_.conservation(line.id);
    if (!faults.empty()) throw Violation{"conservation: " + faults.front()};
  }
}

Judge::Excuse Judge::excuse_of(StreamId stream, const std::string& legacy_id, const std::string& record_id) const {
  Excuse excuse;
  const MemoryStore::StreamRows& rows = store_.stream(stream);
  for (const auto& [id, matter] : rows.open) {
    const bool same =
        (!legacy_id.empty() && matter.legacy_id == legacy_id) || (!record_id.empty() && matter.record_id == record_id);
    if (!same) continue;
    if (matter.kind == Parked::Kind::dead_letter || matter.fields.empty()) excuse.whole = true;
    for (const std::string& field : matter.fields) {
      if (field == "*") excuse.whole = true;
      excuse.fields.push_back(field);
    }
  }
  return excuse;
}

void Judge::check_rest(bool strict) const {
  for (const Line& line : lines_) {
    const MemoryStore::StreamRows& rows = store_.stream(line.id);
    if (strict && !rows.open.empty()) {
      const Parked& matter = rows.open.begin()->second;
      throw Violation{"parked: every question was answered, yet one is open: " + line.entity->entity + " " +
                      matter.error_class + ": " + matter.message + " (legacy " + matter.legacy_id + ", record " +
                      matter.record_id + ")"};
    }
    if (strict && !rows.waiting.empty()) {
      throw Violation{"waiting: still, at rest: " + line.entity->entity + " " + rows.waiting.begin()->first + ": " +
                      rows.waiting.begin()->second.reason};
    }
    if (strict && !rows.outbox.empty()) {
      throw Violation{"outbox: still full at rest: " + line.entity->entity + " " + rows.outbox.begin()->first};
    }
    for (const auto& [legacy_id, link] : rows.links) check_pair(line, link, strict);
    check_rows(line, strict);
    check_records(line, strict);
    check_duplicates(line);
    check_questions(line);
  }
}

void Judge::check_pair(const Line& line, const Link& link, bool strict) const {
  const Excuse excuse = strict ? Excuse{} : excuse_of(line.id, link.legacy_id, link.record_id);
  if (excuse.whole) return;
  const LegacyRow* row = system_.row(line.entity->type, link.legacy_id);
  const Record* record = store_.record(link.record_id);
  const std::string pair = line.entity->entity + " " + link.legacy_id + " and record " + link.record_id;
  const bool there = row != nullptr && !row->deleted;
  const bool here = record != nullptr && !record->deleted;
  // A link without base is the memory of a delete: its record may have been brought back, and then has another row.
  if (!link.base && !there) return;
  if (there != here) throw Violation{"alive: of " + pair + " only the " + (there ? "legacy" : "modern") + " one lives"};
  if (!there) return;
  const sync::Lookup lookup = [&](const sync::Reference& reference) -> std::optional<std::string> {
    for (const Line& other : lines_) {
      if (other.entity->entity != reference.entity) continue;
      std::string id = reference.id;
      const auto& redirects = store_.stream(other.id).redirects;
      for (auto next = redirects.find(id); next != redirects.end(); next = redirects.find(id)) id = next->second;
      const auto found = store_.stream(other.id).links.find(id);
      if (found != store_.stream(other.id).links.end()) return found->second.record_id;
    }
    return std::nullopt;
  };
  Json fields = row->fields;
  for (const FieldSpec& field : line.entity->fields) fields.emplace(field.legacy_name, nullptr);
  const sync::Mapped mapped = line.mapping->to_modern(fields, lookup);
  for (const sync::FieldRule& rule : line.mapping->rules()) {
    const bool excused = std::find(excuse.fields.begin(), excuse.fields.end(), rule.field) != excuse.fields.end();
    const bool held = std::any_of(mapped.held.begin(), mapped.held.end(),
                                  [&](const sync::Held& one) { return one.field == rule.field; });
    const bool hidden = system_.table(line.entity->type).hidden.contains(line.entity->field(rule.field)->legacy_name);
    if (excused || hidden || (held && !strict)) continue;
    const Json& legacy = value_of(mapped.fields, rule.field);
    const Json& modern = value_of(record->data, rule.field);
    // Until somebody puts it right, a record may refer to one that is gone.
    const bool refers = line.entity->field(rule.field)->kind == FieldSpec::Kind::reference && modern.is_string();
    const Record* target = refers ? store_.record(modern.get<std::string>()) : nullptr;
    const bool waits = store_.stream(line.id).outbox.contains(link.record_id);
    if (target != nullptr && (target->deleted || waits) && !strict) continue;
    const bool crosses_both = line.entity->field(rule.field)->direction == sync::Direction::both;
    const bool never_agreed = strict && link.base && crosses_both && value_of(*link.base, rule.field) == "never agreed";
    if (legacy == modern && !never_agreed) continue;
    throw Violation{"different: " + rule.field + " of " + pair + ": legacy " + legacy.dump() + ", modern " +
                    modern.dump() + ", base " + (link.base ? value_of(*link.base, rule.field).dump() : "none") + ". " +
                    ledger_.story(row->thing, rule.field)};
  }
}

void Judge::check_rows(const Line& line, bool strict) const {
  const auto& links = store_.stream(line.id).links;
  for (const auto& [id, row] : system_.table(line.entity->type).rows) {
    if (row.deleted || links.contains(id)) continue;
    const bool waits = store_.stream(line.id).waiting.contains(id);
    const Excuse excuse = excuse_of(line.id, id, {});
    if (!strict && (waits || excuse.whole || !excuse.fields.empty())) continue;
    throw Violation{"missing: legacy " + line.entity->entity + " " + id + " has no record"};
  }
}

void Judge::check_records(const Line& line, bool strict) const {
  const MemoryStore::StreamRows& rows = store_.stream(line.id);
  for (const auto& [id, record] : store_.all_records()) {
    if (record.entity != line.entity->entity || record.deleted) continue;
    const auto link = rows.link_of.find(id);
    const bool has_row = link != rows.link_of.end() && rows.links.at(link->second).base;
    if (has_row) continue;
    const Excuse excuse = excuse_of(line.id, link == rows.link_of.end() ? "" : link->second, id);
    if (!strict && (excuse.whole || !excuse.fields.empty() || rows.outbox.contains(id))) continue;
    throw Violation{"missing: record " + line.entity->entity + " " + id + " has no legacy row"};
  }
}

void Judge::check_duplicates(const Line& line) const {
  std::map<ThingId, std::string> seen;
  for (const auto& [id, row] : system_.table(line.entity->type).rows) {
    if (row.deleted || ledger_.doubles(row.thing)) continue;
    const auto [other, is_new] = seen.try_emplace(ledger_.root(row.thing), id);
    if (is_new) continue;
    throw Violation{"duplicate: legacy " + line.entity->entity + " " + other->second + " and " + id + " are one"};
  }
  seen.clear();
  for (const auto& [id, thing] : things_) {
    const Record* record = store_.record(id);
    if (record == nullptr || record->deleted || record->entity != line.entity->entity || ledger_.doubles(thing))
      continue;
    const auto [other, is_new] = seen.try_emplace(ledger_.root(thing), id);
    if (is_new) continue;
    throw Violation{"duplicate: records " + line.entity->entity + " " + other->second + " and " + id + " are one"};
  }
}

void Judge::check_questions(const Line& line) const {
  for (const auto& [id, matter] : store_.stream(line.id).open) {
    const bool is_ours = matter.side == records::Side::modern && matter.legacy_changes == 0;
    const Record* record = store_.record(matter.record_id);
    if (!is_ours || matter.kind != Parked::Kind::dead_letter || record == nullptr) continue;
    if (record->deleted ? is_unknown_to_legacy(line, record->id) : has_its_references(matter, *record)) {
      throw Violation{
          "asked: " + line.entity->entity + " " + matter.record_id + ": " + matter.message +
          (record->deleted ? ", yet it never came to be there" : ", yet it refers to nothing that is gone")};
    }
  }
}

bool Judge::is_unknown_to_legacy(const Line& line, const std::string& record_id) const {
  const MemoryStore::StreamRows& rows = store_.stream(line.id);
  const bool is_disputed = std::any_of(rows.open.begin(), rows.open.end(), [&](const auto& one) {
    return one.second.kind == Parked::Kind::conflict && one.second.record_id == record_id;
  });
  return !is_disputed && !rows.link_of.contains(record_id) && !rows.outbox.contains(record_id) &&
         !rows.intents.contains(record_id);
}

bool Judge::has_its_references(const Parked& matter, const Record& record) const {
  if (matter.error_class != "missing_reference") return false;
  return std::all_of(matter.fields.begin(), matter.fields.end(), [&](const std::string& field) {
    const Json& target = value_of(record.data, field);
    const Record* found = target.is_string() ? store_.record(target.get<std::string>()) : nullptr;
    return target.is_null() || (found != nullptr && !found->deleted);
  });
}

void Judge::check_ledger(std::chrono::microseconds clocks_differ) const {
  std::map<ThingId, bool> lives;
  for (const auto& [id, thing] : things_) {
    const Record* record = store_.record(id);
    if (record == nullptr) continue;
    bool& alive = lives[ledger_.root(thing)];
    alive = alive || !record->deleted;
    if (record->deleted || ledger_.doubles(thing)) continue;
    const Line& line = *std::find_if(lines_.begin(), lines_.end(),
                                     [&](const Line& one) { return one.entity->entity == record->entity; });
    for (const FieldSpec& field : line.entity->fields) {
      if (!is_tracked(field)) continue;
      const auto fault = ledger_.check_final(thing, field, value_of(record->data, field.name), clocks_differ);
      if (fault) throw Violation{*fault};
    }
  }
  for (const auto& [thing, alive] : lives) {
    if (ledger_.doubles(thing)) continue;
    if (auto fault = ledger_.check_alive(thing, alive)) throw Violation{*fault};
  }
}

}  // namespace banyan::simulation
