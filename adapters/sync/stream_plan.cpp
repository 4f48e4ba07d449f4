// Store -> legacy: what is to be written. Everything here is decided inside one commit, which also notes what is about
// to be sent; stream_write.cpp then sends it.
#include <algorithm>
#include <utility>

#include "adapters/sync/field_values.hpp"
#include "adapters/sync/mapping_field.hpp"
#include "adapters/sync/stream_impl.hpp"

namespace banyan::sync {
namespace {

bool crosses_to_legacy(Flow flow) {
  return flow == Flow::both || flow == Flow::to_legacy;
}

bool holds_all(const std::optional<Parked>& matter) {
  return matter && std::find(matter->fields.begin(), matter->fields.end(), "*") != matter->fields.end();
}

// The fields that could be mapped: those asked for but the held ones.
std::vector<std::string> without_held(const std::vector<std::string>& fields, const std::vector<Held>& held) {
  std::vector<std::string> out;
  for (const std::string& field : fields) {
    if (std::none_of(held.begin(), held.end(), [&](const Held& h) { return h.field == field; })) out.push_back(field);
  }
  return out;
}

std::optional<Parked> invalid_fields(const std::vector<Held>& held, bool only_required) {
  Parked matter;
  matter.kind = Parked::Kind::dead_letter;
  matter.error_class = "invalid_value";
  for (const Held& field : held) {
    if (field.reason != Held::Reason::invalid || (only_required && !field.required)) continue;
    matter.fields.push_back(field.field);
    matter.message += (matter.message.empty() ? "" : "; ") + field.field + ": " + field.message;
  }
  if (matter.fields.empty()) return std::nullopt;
  return matter;
}

bool is_create_open(View& view) {
  const std::vector<Intent> intents = view.open_intents();
  return std::any_of(intents.begin(), intents.end(), [](const Intent& intent) { return intent.attempted; });
}

// What fields refer to that is no record any more: it will not come.
std::optional<Parked> gone_references(View& view, const std::vector<Held>& held, bool only_required) {
  std::vector<Reference> references;
  std::vector<std::string> fields;
  for (const Held& field : held) {
    if (field.reason != Held::Reason::unresolved || is_table_row(field.reference)) continue;
    if (only_required && !field.required) continue;
    references.push_back(field.reference);
    fields.push_back(field.field);
  }
  const std::vector<bool> gone = view.gone(references);
  // What waits for a record on its way goes on waiting; a person's matter would take it out of the queue.
  const bool any_on_its_way = std::find(gone.begin(), gone.end(), false) != gone.end();
  if (any_on_its_way && !only_required) return std::nullopt;
  Parked matter;
  matter.kind = Parked::Kind::dead_letter;
  matter.error_class = "missing_reference";
  for (std::size_t i = 0; i < gone.size(); ++i) {
    if (!gone[i]) continue;
    matter.fields.push_back(fields[i]);
    matter.message += (matter.message.empty() ? "" : "; ") + fields[i] + " refers to " + references[i].entity + " " +
                      references[i].id + ", which is deleted";
  }
  if (matter.fields.empty()) return std::nullopt;
  return matter;
}

const Held* first_unresolved(const std::vector<Held>& held, bool only_required) {
  const auto found = std::find_if(held.begin(), held.end(), [&](const Held& field) {
    return field.reason == Held::Reason::unresolved && (field.required || !only_required);
  });
  return found != held.end() ? &*found : nullptr;
}

// Of a row of a legacy table nobody is told when it comes.
std::string record_waited_for(const Held& held) {
  return is_table_row(held.reference) ? std::string() : held.reference.id;
}

// The record as it is to be, the held fields as legacy has them.
Json with_base_of_held(std::span<const FieldRule> rules, const Coupling& known, const std::vector<std::string>& held,
                       const std::vector<Held>& held_now) {
  Json data = known.record->data;
  for (const FieldRule& rule : rules) {
    const bool is_held =
        std::find(held.begin(), held.end(), rule.field) != held.end() || rule.direction == Direction::to_modern ||
        std::any_of(held_now.begin(), held_now.end(), [&](const Held& h) { return h.field == rule.field; });
    if (!is_held) continue;
    data.erase(rule.field);
    if (known.link->base->contains(rule.field)) data[rule.field] = (*known.link->base)[rule.field];
  }
  return data;
}

}  // namespace

void Stream::Impl::plan(View& view, std::span<const OutboxItem> items, Changes& changes,
                        std::vector<PlannedWrite>& writes) {
  std::vector<std::string> ids;
  for (const OutboxItem& item : items) ids.push_back(item.record_id);
  std::vector<Coupling> known = view.by_record(ids);
  for (std::size_t i = 0; i < items.size(); ++i) plan_one(view, items[i], known[i], changes, writes);
}

void Stream::Impl::plan_one(View& view, const OutboxItem& item, Coupling& known, Changes& changes,
                            std::vector<PlannedWrite>& writes) {
  if (!known.record) return push_done(changes, item, Outcome::superseded);
  if (holds_all(known.conflict)) {  // a person decides about the whole record
    Parked matter = *known.conflict;
    matter.modern_changes += item.changes;
    changes.parked.push_back(std::move(matter));
    return push_done(changes, item, Outcome::conflict);
  }
  if (item.hops > options_.hops_most) {
    Parked matter;
    matter.kind = Parked::Kind::dead_letter;
    matter.error_class = "loop";
    matter.message = "The change has come round through " + std::to_string(item.hops) + " systems.";
    return push_parked(view, changes, item, known, std::move(matter));
  }
  const Record& record = *known.record;
  if (known.link && !known.link->base) {
    if (record.deleted) return push_done(changes, item, Outcome::echo);
    if (!crosses_to_legacy(parts_.mapping.creates())) return push_done(changes, item, Outcome::superseded);
    changes.links_removed.push_back(known.link->legacy_id);  // brought back on the modern side: made anew
    known.link.reset();
  }
  if (!known.link) return plan_create(view, item, known, changes, writes);
  if (record.deleted) return plan_remove(view, item, known, changes, writes);
  plan_update(view, item, known, changes, writes);
}

void Stream::Impl::plan_create(View& view, const OutboxItem& item, const Coupling& known, Changes& changes,
                               std::vector<PlannedWrite>& writes) {
  const Record& record = *known.record;
  if (known.intent && known.intent->attempted) {  // also if it is deleted by now: what was made must go as well
    lost_creates_ = true;
    return push_delayed(changes, item);
  }
  if (record.deleted || !crosses_to_legacy(parts_.mapping.creates())) {
    if (known.intent) changes.intents_done.push_back(record.id);
    const bool was_ours = known.dead_letter && known.dead_letter->side == records::Side::modern;
    if (record.deleted && was_ours) close_matter(changes, *known.dead_letter, Parked::State::superseded);
    return push_done(changes, item, Outcome::superseded);
  }
  if (view.state().owner == Owner::legacy) {
    Parked matter;
    matter.kind = Parked::Kind::conflict;
    matter.error_class = "not_owner";
    matter.message = "Made on the modern side, while the legacy side owns " + parts_.mapping.entity() + ".";
    matter.fields = {"*"};
    return push_parked(view, changes, item, known, std::move(matter));
  }
  // What our own user creates can only be told apart if there is one at a time.
  const bool alone = can().create_identity == legacy::CreateIdentity::search;
  const bool busy = std::any_of(writes.begin(), writes.end(),
                                [](const PlannedWrite& write) { return write.kind == PlannedWrite::Kind::create; });
  if (alone && busy) return;            // stays in the outbox as it is
  if (alone && is_create_open(view)) {  // one of before, whose outcome is not known yet
    lost_creates_ = true;
    return push_postponed(changes, item);
  }

  const auto fields = fields_to_push(parts_.mapping.rules(), Json::object(), record.data, drifted_);
  const Mapped mapped = to_legacy(view, record.data, fields, true);
  if (auto matter = invalid_fields(mapped.held, true))
    return push_parked(view, changes, item, known, std::move(*matter));
  if (auto matter = gone_references(view, mapped.held, true))
    return push_parked(view, changes, item, known, std::move(*matter));
  if (const Held* first = first_unresolved(mapped.held, true)) {
    return push_delayed(changes, item, record_waited_for(*first));
  }

  PlannedWrite write;
  write.kind = PlannedWrite::Kind::create;
  write.item = item;
  write.fields = mapped.fields;
  write.pending.fields = without_held(fields, mapped.held);
  write.pending.values = pick(record.data, write.pending.fields);
  write.pending.at = view.now();
  Intent intent;
  intent.record_id = record.id;
  if (known.intent) intent.since = write.since = known.intent->since;
  intent.at = view.now();
  intent.sent = mapped.fields;
  intent.base = write.pending.values;
  intent.version = record.version;
  intent.attempted = true;
  changes.intents.push_back(std::move(intent));
  writes.push_back(std::move(write));
}

// Whether fields were held when the legacy record was last read that the schema has again and that no question is
// about.
bool Stream::Impl::is_partly_unread(const Coupling& known) const {
  std::vector<std::string> explained = drifted_;
  for (const std::optional<Parked>* matter : {&known.conflict, &known.dead_letter}) {
    if (*matter) explained.insert(explained.end(), (*matter)->fields.begin(), (*matter)->fields.end());
  }
  return std::any_of(known.link->held.begin(), known.link->held.end(), [&](const std::string& field) {
    return std::find(explained.begin(), explained.end(), field) == explained.end();
  });
}

void Stream::Impl::plan_remove(View& view, const OutboxItem& item, const Coupling& known, Changes& changes,
                               std::vector<PlannedWrite>& writes) {
  if (!crosses_to_legacy(parts_.mapping.deletes())) return take_back_delete(view, item, known, changes);
  if (view.state().owner == Owner::legacy) {
    Parked matter;
    matter.kind = Parked::Kind::conflict;
    matter.error_class = "not_owner";
    matter.message = "Deleted on the modern side, while the legacy side owns " + parts_.mapping.entity() + ".";
    matter.fields = {"*"};
    return push_parked(view, changes, item, known, std::move(matter));
  }
  // Nobody deletes what nobody has seen.
  if (known.waiting) return push_delayed(changes, item);
  if (is_partly_unread(known)) {
    to_read_.push_back(known.link->legacy_id);
    return push_delayed(changes, item);
  }
  const auto& before = known.link->pending;
  const bool has_versions = can().compare_and_set == legacy::CompareAndSet::version;
  if (before && !(before->is_delete && has_versions)) return plan_again(view, item, known, changes, writes);
  PlannedWrite write;
  write.kind = PlannedWrite::Kind::remove;
  write.item = item;
  write.legacy_id = known.link->legacy_id;
  write.pending.expected = known.link->legacy_version;
  write.pending.at = view.now();
  write.pending.is_delete = true;
  write.pending.is_repeat = before.has_value();
  Link link = *known.link;
  link.pending = write.pending;
  changes.links.push_back(std::move(link));
  writes.push_back(std::move(write));
}

void Stream::Impl::plan_update(View& view, const OutboxItem& item, const Coupling& known, Changes& changes,
                               std::vector<PlannedWrite>& writes) {
  if (known.link->pending) return plan_again(view, item, known, changes, writes);
  Link link = *known.link;
  std::vector<std::string> held = link.held;
  held.insert(held.end(), drifted_.begin(), drifted_.end());
  const std::vector<std::string> fields = fields_to_push(parts_.mapping.rules(), *link.base, known.record->data, held);
  const bool all = fields_to_push(parts_.mapping.rules(), *link.base, known.record->data, {}) == fields;
  take_back(view, item, known, changes);
  if (fields.empty()) {
    if (all && link.held.empty() && changes_nothing(changes, known.record->id)) {
      link.record_hash = records::content_hash(known.record->data);
      changes.links.push_back(std::move(link));
    }
    if (all) return push_done(changes, item, Outcome::echo);
    if (known.conflict) {
      Parked matter = *known.conflict;
      matter.modern = pick(known.record->data, matter.fields);
      matter.modern_changes += item.changes;
      changes.parked.push_back(std::move(matter));
      return push_done(changes, item, Outcome::conflict);
    }
    if (known.dead_letter) {
      Parked matter = *known.dead_letter;
      matter.modern_changes += item.changes;
      changes.parked.push_back(std::move(matter));
      return push_done(changes, item, Outcome::dead_letter);
    }
    return push_delayed(changes, item);  // held by another record or by the schema: later
  }
  if (view.state().owner == Owner::legacy) {
    Parked matter;
    matter.kind = Parked::Kind::conflict;
    matter.error_class = "not_owner";
    matter.message = "Edited on the modern side, while the legacy side owns " + parts_.mapping.entity() + ".";
    matter.fields = fields;
    matter.base = pick(*link.base, fields);
    matter.legacy = matter.base;
    matter.modern = pick(known.record->data, fields);
    link.held.insert(link.held.end(), fields.begin(), fields.end());
    changes.links.push_back(std::move(link));
    return push_parked(view, changes, item, known, std::move(matter));
  }
  const WallTime now = view.now();
  if (!may_write_again(now, link)) {
    Parked matter;
    matter.kind = Parked::Kind::dead_letter;
    matter.error_class = "damper";
    matter.message =
        "Written " + std::to_string(options_.damper_writes) + " times in a row: the two sides do not come to rest.";
    matter.fields = fields;
    return push_parked(view, changes, item, known, std::move(matter));
  }
  const Mapped mapped = to_legacy(view, known.record->data, fields, false);
  auto invalid = invalid_fields(mapped.held, false);
  const std::vector<std::string> sendable = without_held(fields, mapped.held);
  if (sendable.empty()) {
    if (!invalid) invalid = gone_references(view, mapped.held, false);
    if (invalid) return push_parked(view, changes, item, known, std::move(*invalid));
    const Held* first = first_unresolved(mapped.held, false);
    return push_delayed(changes, item, first != nullptr ? record_waited_for(*first) : std::string());
  }
  if (invalid) {  // the other fields go; these wait for a person, who finds the change counted with those that went
    OutboxItem uncounted = item;
    uncounted.changes = 0;
    park_modern(view, changes, uncounted, known, std::move(*invalid));
  }
  PlannedWrite write;
  write.item = item;
  write.legacy_id = link.legacy_id;
  write.fields = mapped.fields;
  if (!can().partial_update) {
    write.whole = whole_object(view, with_base_of_held(parts_.mapping.rules(), known, held, mapped.held));
  }
  write.pending.fields = sendable;
  write.pending.values = pick(known.record->data, sendable);
  write.pending.expected = link.legacy_version;
  write.pending.at = now;
  link.pending = write.pending;
  changes.links.push_back(std::move(link));
  writes.push_back(std::move(write));
}

// The damper: counts the write, unless there were too many of late.
bool Stream::Impl::may_write_again(WallTime now, Link& link) const {
  if (now - link.writes_since > options_.damper_window) {
    link.writes_since = now;
    link.writes = 0;
  }
  return ++link.writes <= options_.damper_writes;
}

// A write that was never answered comes first: of two, nobody could tell which one arrived. With versions it is made
// once more, as it was, since only one of both can find the version that it expects. Without, the record is read until
// it shows the write, or until the write can have no effect any more.
void Stream::Impl::plan_again(View& view, const OutboxItem& item, const Coupling& known, Changes& changes,
                              std::vector<PlannedWrite>& writes) {
  Link link = *known.link;
  PendingWrite& pending = *link.pending;
  Json data = *link.base;
  for (const std::string& field : pending.fields) {
    data.erase(field);
    if (pending.values.contains(field)) data[field] = pending.values[field];
  }
  PlannedWrite write;
  const bool has_versions = can().compare_and_set == legacy::CompareAndSet::version;
  bool repeats = has_versions && !pending.is_delete && view.state().owner != Owner::legacy;
  if (repeats) {
    Mapped mapped = to_legacy(view, data, pending.fields, false);
    repeats = mapped.held.empty();  // none for the damper: it is the same write, which takes place once at most
    write.fields = std::move(mapped.fields);
  }
  if (!repeats) {
    to_read_.push_back(link.legacy_id);
    return push_delayed(changes, item);
  }
  write.item = item;
  write.legacy_id = link.legacy_id;
  if (!can().partial_update) write.whole = whole_object(view, data);
  pending.at = view.now();
  pending.is_repeat = true;
  write.pending = pending;
  changes.links.push_back(std::move(link));
  writes.push_back(std::move(write));
}

// For a system whose update replaces the object: every mapped field.
Json Stream::Impl::whole_object(View& view, const Json& data) {
  std::vector<std::string> all;
  for (const FieldRule& rule : parts_.mapping.rules()) all.push_back(rule.field);
  return to_legacy(view, data, all, false).fields;
}

}  // namespace banyan::sync
