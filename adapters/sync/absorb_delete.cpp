// One row whose record is known and that one side has not, or not any more: delete, restore, merge of two records.
#include <algorithm>
#include <utility>

#include "adapters/sync/absorber.hpp"
#include "adapters/sync/field_values.hpp"

namespace banyan::sync {
namespace {

bool answers(const Intake& intake, const char* choice) {
  return intake.answer.contains("*") && intake.answer["*"] == choice;
}

}  // namespace

void Absorber::absorb_gone(Item& item) {
  const Coupling& known = item.coupling;
  if (!known.link) {
    if (known.waiting) settle(item, Outcome::superseded, "deleted");
    settle_field_matters(item, Outcome::superseded);
    if (known.conflict) close(*known.conflict, Parked::State::superseded);
    return;
  }
  if (!known.link->base) return absorb_gone_again(item);
  const bool our_delete = known.link->pending && known.link->pending->is_delete;
  if (our_delete && known.record && !known.record->deleted) {  // brought back before we knew of it: it is made anew
    out_.changes.links_removed.push_back(item.intake->row.id);
    out_.changes.outbox_added.push_back(known.record->id);
    settle(item, Outcome::echo, known.record->id);
    return close_all(item, Parked::State::superseded);
  }
  const bool lives = known.record && !known.record->deleted;
  if (state_.owner == Owner::modern && lives && !item.intake->is_decided()) return absorb_unowned(item);
  Link link = link_of(item, known.link->record_id);
  const Json base = *link.base;
  link.base.reset();
  link.base_hash = 0;
  link.held.clear();
  out_.deleted_any = true;

  const bool crosses = context_.mapping.deletes() == Flow::both || context_.mapping.deletes() == Flow::to_modern;
  if (!known.record || known.record->deleted || !crosses) {
    out_.changes.links.push_back(std::move(link));
    settle(item, crosses ? Outcome::echo : Outcome::superseded, known.link->record_id);
    return close_all(item, Parked::State::superseded);
  }
  const bool edited = is_edited(base, known.record->data);
  Policy policy = edited ? context_.mapping.delete_conflict() : Policy::legacy;
  if (answers(*item.intake, "legacy")) policy = Policy::legacy;
  if (answers(*item.intake, "modern")) policy = Policy::modern;
  if (policy == Policy::modern) {  // it is made anew on the legacy side
    out_.changes.links_removed.push_back(link.legacy_id);
    out_.changes.outbox_added.push_back(known.record->id);
    note_decided(item, {"*", base, kNoValue, context_.mapping.project(known.record->data), Winner::modern});
    settle(item, Outcome::superseded, known.record->id);
    return close_all(item, Parked::State::superseded);
  }
  if (policy == Policy::review) {
    link.held = {"*"};
    out_.changes.links.push_back(std::move(link));
    settle(item, Outcome::conflict, "");
    Parked matter;
    matter.kind = Parked::Kind::conflict;
    matter.error_class = "delete_edit";
    matter.message = "Deleted on the legacy side, edited on the modern side.";
    matter.fields = {"*"};
    matter.base = base;
    matter.modern = context_.mapping.project(known.record->data);
    return park(item, std::move(matter), Outcome::conflict);
  }
  if (edited) note_decided(item, {"*", base, kNoValue, context_.mapping.project(known.record->data), Winner::legacy});
  Record record = *known.record;
  record.deleted = true;
  write_record(item, RecordWrite::Kind::remove, record, record.data);
  out_.changes.links.push_back(std::move(link));
  settle(item, Outcome::applied, record.id);
  close_all(item, Parked::State::superseded);
}

// Known to be deleted. If a person had to decide about it and has, this is where it happens.
void Absorber::absorb_gone_again(Item& item) {
  const Coupling& known = item.coupling;
  if (known.waiting) settle(item, Outcome::echo, "deleted");
  if (!known.conflict || !known.record) return;
  if (answers(*item.intake, "legacy")) {
    Link link = link_of(item, known.record->id);
    link.held.clear();
    out_.changes.links.push_back(std::move(link));
    if (!known.record->deleted) {
      Record record = *known.record;
      record.deleted = true;
      write_record(item, RecordWrite::Kind::remove, record, record.data);
    }
    close_all(item, Parked::State::resolved);
  } else if (answers(*item.intake, "modern")) {
    out_.changes.links_removed.push_back(item.intake->row.id);
    out_.changes.outbox_added.push_back(known.record->id);
    close_all(item, Parked::State::resolved);
  }
}

void Absorber::absorb_merged_away(Item& item) {
  const Coupling& known = item.coupling;
  const legacy::LegacyRecord& row = item.intake->row;
  if (known.link && !known.link->base) {  // a repeat
    if (known.waiting) settle(item, Outcome::echo, "merged");
    return;
  }
  const bool lives = known.record && !known.record->deleted;
  if (known.link && lives && state_.owner == Owner::modern && !item.intake->is_decided()) return absorb_unowned(item);
  const Reference winner{context_.mapping.entity(), row.merged_into};
  const auto into = view_.record_ids(std::span(&winner, 1)).front();
  if (!into) return wait(item, winner, "merged into " + row.merged_into + ", which is not known yet");
  out_.changes.redirects.push_back({row.id, row.merged_into});
  if (!known.link) {
    if (known.waiting) settle(item, Outcome::superseded, "merged");
    return;
  }
  Link link = link_of(item, known.link->record_id);
  const Json base = *link.base;
  link.base.reset();
  link.base_hash = 0;
  link.held.clear();
  out_.changes.links.push_back(std::move(link));
  if (known.record && !known.record->deleted && known.record->id != *into) {
    if (!fields_to_push(context_.mapping.rules(), base, known.record->data, {}).empty()) {
      note_decided(item, {"*", base, kNoValue, context_.mapping.project(known.record->data), Winner::legacy});
    }
    Record record = *known.record;
    record.deleted = true;
    record.merged_into = *into;
    write_record(item, RecordWrite::Kind::remove, record, record.data);
  }
  settle(item, Outcome::applied, known.link->record_id);
  close_all(item, Parked::State::superseded);
}

// Whether the row is as it was last seen, as far as the schema shows it. A value that cannot be read is an edit, unless
// a question about it is open.
bool Absorber::shows_no_edit(const Item& item, const Json& base) const {
  const auto& asked = item.coupling.dead_letter ? item.coupling.dead_letter->fields : context_.drifted;
  const auto& rules = context_.mapping.rules();
  return std::all_of(rules.begin(), rules.end(), [&](const FieldRule& rule) {
    const auto is_among = [&](const std::vector<std::string>& fields) {
      return std::find(fields.begin(), fields.end(), rule.field) != fields.end();
    };
    if (is_among(context_.drifted)) {
      return !is_among(context_.vanished) || shows_nothing_new(item, base, rule.field);
    }
    if (item.mapped.holds(rule.field)) return is_among(asked);
    return value_of(item.mapped.fields, rule.field) == value_of(base, rule.field);
  });
}

// Of a field that the schema has lost, which may be back before we hear of it.
bool Absorber::shows_nothing_new(const Item& item, const Json& base, const std::string& field) {
  const auto shown = item.drifted.find(field);
  if (shown == item.drifted.end() || only_rewritten(*shown, value_of(base, field))) return true;
  const auto& sent = item.coupling.link->pending;
  return sent && only_rewritten(*shown, value_of(sent->values, field));
}

// The modern side has deleted the record (or its row is lost), the legacy side has it.
void Absorber::absorb_delete_edit(Item& item) {
  const Coupling& known = item.coupling;
  Link link = link_of(item, known.link->record_id);
  const bool answered = item.intake->answer.contains("*");
  const Agreed now = agreed(item);
  if (known.record && !answered && shows_no_edit(item, now.base)) {  // the delete is on its way to legacy
    take_arrived(now, link);
    link.held = held_fields(item);
    out_.changes.links.push_back(std::move(link));
    return settle(item, Outcome::echo, known.record->id);
  }
  Policy policy = known.record ? context_.mapping.delete_conflict() : Policy::legacy;
  if (answers(*item.intake, "legacy")) policy = Policy::legacy;
  if (answers(*item.intake, "modern")) policy = Policy::modern;
  if (policy == Policy::legacy) return restore(item);
  if (policy == Policy::modern) {  // the base stays: should the record come back, legacy has moved since
    take_arrived(now, link);
    link.held = context_.drifted;  // of these nobody knows whether it has
    out_.changes.links.push_back(std::move(link));
    out_.changes.outbox_added.push_back(known.record->id);
    if (known.conflict) close(*known.conflict, Parked::State::resolved);
    note_decided(item, {"*", now.base, as_found(item), kNoValue, Winner::modern});
    return settle(item, Outcome::superseded, known.record->id);
  }
  link.held = {"*"};
  take_arrived(now, link);
  out_.changes.links.push_back(std::move(link));
  settle(item, Outcome::conflict, "");
  Parked matter;
  matter.kind = Parked::Kind::conflict;
  matter.error_class = "delete_edit";
  matter.message = "Deleted on the modern side, edited on the legacy side.";
  matter.fields = {"*"};
  matter.base = now.base;
  matter.legacy = as_found(item);
  park(item, std::move(matter), Outcome::conflict);
}

// The legacy record is there (again), and its record shall be.
void Absorber::restore(Item& item) {
  Coupling& known = item.coupling;
  if (!known.record) return rebuild(item);
  Link& link = *known.link;
  if (!link.base) out_.changes.awake.push_back({known.record->entity, link.legacy_id, known.record->id});
  if (!known.record->deleted) {  // it lives on the modern side: the two are coupled afresh
    link.base = Json::object();
    close_all(item, Parked::State::superseded);
    known.conflict.reset();
    known.dead_letter.reset();
    return absorb_edit(item);
  }
  const bool was_deleted_on_both = !link.base;
  if (!was_deleted_on_both) note_decided(item, {"*", *link.base, as_found(item), kNoValue, Winner::legacy});
  // What the record had when it went is what both knew, if both let it go, or if a person wants what legacy has.
  if (was_deleted_on_both || answers(*item.intake, "legacy")) {
    Json base = context_.mapping.project(known.record->data);
    for (const std::string& field : held_fields(item)) {  // of these nobody knows what legacy has
      if (link.base) set_value(base, field, value_of(*link.base, field));
    }
    link.base = std::move(base);
  }
  known.record->deleted = false;
  known.record->merged_into.clear();
  item.restores = true;
  absorb_edit(item);
}

// Its row is lost, its history is not.
void Absorber::rebuild(Item& item) {
  Record record;
  record.entity = context_.mapping.entity();
  record.id = item.coupling.link->record_id;
  record.version = view_.last_version(record.id);
  record.created_at = now_;
  for (const FieldRule& rule : context_.mapping.rules()) {
    if (rule.direction != Direction::to_legacy)
      set_value(record.data, rule.field, value_of(item.mapped.fields, rule.field));
  }
  write_record(item, RecordWrite::Kind::insert, record, Json::object());
  Link link = link_of(item, record.id);
  link.base = item.mapped.fields;
  link.base_hash = item.hash;
  link.held = held_fields(item);
  if (fields_to_push(context_.mapping.rules(), item.mapped.fields, record.data, {}).empty()) {
    link.record_hash = records::content_hash(record.data);
  } else {  // fields that only the modern side decides are put right on the legacy side
    out_.changes.outbox_added.push_back(record.id);
  }
  out_.changes.links.push_back(std::move(link));
  settle_or_wait(item, Outcome::applied, record.id);
  settle_field_matters(item, Outcome::applied);
  if (item.coupling.conflict) close(*item.coupling.conflict, Parked::State::superseded);
}

}  // namespace banyan::sync
