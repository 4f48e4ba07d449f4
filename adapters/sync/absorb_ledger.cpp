// The ledger: every captured change gets one outcome, every matter for a person is opened, kept or closed.
#include <algorithm>
#include <utility>

#include "adapters/sync/absorber.hpp"
#include "adapters/sync/field_values.hpp"

namespace banyan::sync {
namespace {

std::int64_t& count_of(Counts& counts, Outcome outcome) {
  switch (outcome) {
    case Outcome::applied:
      return counts.applied;
    case Outcome::superseded:
      return counts.superseded;
    case Outcome::echo:
      return counts.echo;
    case Outcome::conflict:
      return counts.conflict;
    case Outcome::dead_letter:
      return counts.dead_letter;
    case Outcome::in_flight:
      break;
  }
  return counts.in_flight;
}

bool is_open(const Parked& matter) {
  return matter.state == Parked::State::open || matter.state == Parked::State::answered;
}

Outcome outcome_of(Parked::Kind kind) {
  return kind == Parked::Kind::conflict ? Outcome::conflict : Outcome::dead_letter;
}

// Whether the row stands for a captured change: a new one, or one that waited until now.
bool counts(const Item& item) {
  return item.captured || item.coupling.waiting.has_value();
}

constexpr const char* kMissingReference = "missing_reference";

}  // namespace

void close_matter(Changes& changes, Parked matter, Parked::State state) {
  const Outcome was = outcome_of(matter.kind);
  const Outcome becomes = state == Parked::State::resolved ? Outcome::applied : Outcome::superseded;
  count_of(changes.legacy_counts, was) -= matter.legacy_changes;
  count_of(changes.legacy_counts, becomes) += matter.legacy_changes;
  count_of(changes.modern_counts, was) -= matter.modern_changes;
  count_of(changes.modern_counts, becomes) += matter.modern_changes;
  matter.state = state;
  changes.parked_closed.push_back(std::move(matter));
}

void Absorber::settle(const Item& item, Outcome outcome, const std::string& ref) {
  const Intake& intake = *item.intake;
  Counts& counts = out_.changes.legacy_counts;
  const InboxEntry entry{intake.row.id, intake.row.version, intake.via, outcome, ref};
  if (const auto& waiting = item.coupling.waiting) {
    const InboxEntry old =
        item.captured ? InboxEntry{intake.row.id, "", intake.via, Outcome::superseded, intake.row.version} : entry;
    if (item.captured || outcome != Outcome::in_flight) {
      out_.changes.inbox_outcomes.emplace_back(waiting->inbox_id, old);
      --counts.in_flight;
      ++count_of(counts, old.outcome);
    }
    if (outcome != Outcome::in_flight) out_.changes.waiting_done.push_back(intake.row.id);
  }
  if (!item.captured) return;
  out_.changes.inbox.push_back(entry);
  ++counts.captured;
  ++count_of(counts, outcome);
  if (intake.row.stamp && (!out_.oldest_stamp || *intake.row.stamp < *out_.oldest_stamp)) {
    out_.oldest_stamp = intake.row.stamp;
  }
}

// The record is taken in but for a field. A row that stands for no captured change becomes one by that: what waits is
// a row of the inbox.
Outcome Absorber::settle_or_wait(Item& item, Outcome outcome, const std::string& ref) {
  const auto unresolved = std::find_if(item.mapped.held.begin(), item.mapped.held.end(),
                                       [](const Held& held) { return held.reason == Held::Reason::unresolved; });
  if (unresolved == item.mapped.held.end()) {
    settle(item, outcome, ref);
    return outcome;
  }
  if (!item.coupling.waiting) item.captured = true;
  const Reference& on = unresolved->reference;
  wait(item, on, unresolved->field + " refers to " + on.entity + " " + on.id);
  return Outcome::in_flight;
}

// A row that waits, found as it was: no new change, and it goes on when its time comes. Were it captured again at every
// pass, it would never be said that what it waits for does not come.
bool Absorber::is_known_to_wait(const Item& item) {
  const legacy::LegacyRecord& row = item.intake->row;
  const auto& waiting = item.coupling.waiting;
  if (!waiting || row.deleted || row.version.empty() || waiting->legacy_version != row.version) return false;
  return row.merged_into.empty() || (waiting->on && waiting->on->id == row.merged_into);
}

// And nothing more is known than when it was read before.
bool Absorber::goes_on_waiting(const Item& item) const {
  const Intake& intake = *item.intake;
  const auto& waiting = item.coupling.waiting;
  const auto& link = item.coupling.link;
  const bool is_told_more = intake.via == Via::retry || intake.confirmed || intake.refused || intake.is_decided() ||
                            !intake.unreadable.empty();
  const bool may_have_arrived = link && link->pending;
  return !context_.tells_all && !is_told_more && !may_have_arrived && now_ < waiting->not_before;
}

// What it refers to did not come, a person has been told, and neither has changed.
bool Absorber::is_given_up(const Item& item) {
  const Intake& intake = *item.intake;
  const auto& matter = item.coupling.dead_letter;
  const bool is_asked_for = intake.via == Via::retry || intake.is_decided();
  return item.captured && !item.coupling.waiting && !is_asked_for && matter &&
         matter->error_class == kMissingReference && matter->legacy == intake.row.fields;
}

void Absorber::wait(const Item& item, std::optional<Reference> on, const std::string& reason) {
  const auto& before = item.coupling.waiting;
  const bool goes_on = before && !item.captured;
  if (!before && !item.captured) {
    out_.must_wait = true;
    return;
  }
  const bool is_another = goes_on && on && before->on && *before->on != *on;
  const bool is_same = goes_on && !is_another;
  if (on && is_same && before->attempt >= context_.options.attempts_until_dead) return give_up_waiting(item, reason);
  settle(item, Outcome::in_flight, "");
  if (on) out_.missing.push_back(*on);
  Waiting waiting;
  waiting.legacy_id = item.intake->row.id;
  waiting.inbox_id = goes_on ? before->inbox_id : 0;
  waiting.on = std::move(on);
  const bool is_early = goes_on && item.intake->captured && now_ < before->not_before;  // read for another reason
  waiting.attempt = is_same ? before->attempt + (is_early ? 0 : 1) : 1;
  const auto least = context_.options.retry_least;
  const int doublings = waiting.on || !may_be_ours() ? 10 : 3;  // what becomes of a create of ours is soon known
  const auto pause = std::min(context_.options.retry_most, least * (1 << std::min(waiting.attempt, doublings)));
  waiting.not_before = now_ + pause;
  waiting.reason = reason;
  out_.changes.waiting.push_back(std::move(waiting));
}

// What the record refers to does not come: somebody must look, all others go on.
void Absorber::give_up_waiting(const Item& item, const std::string& reason) {
  settle(item, Outcome::dead_letter, "");
  Parked matter;
  matter.kind = Parked::Kind::dead_letter;
  matter.error_class = kMissingReference;
  matter.message = reason + ", which does not come";
  for (const Held& held : item.mapped.held) matter.fields.push_back(held.field);
  matter.legacy = item.intake->row.fields;
  park(item, std::move(matter), Outcome::dead_letter);
}

std::vector<std::string> Absorber::conflict_fields(const Item& item) const {
  std::vector<std::string> fields;
  const Coupling& known = item.coupling;
  if (!known.conflict || !known.record) return fields;
  for (const std::string& field : known.conflict->fields) {
    if (item.intake->answer.contains(field)) continue;
    if (field != "*" && value_of(item.mapped.fields, field) != value_of(known.record->data, field)) {
      fields.push_back(field);
    }
  }
  return fields;
}

Outcome Absorber::outcome_of(const Item& item, const MergeResult& merged, const std::vector<std::string>& open) const {
  if (!open.empty()) return Outcome::conflict;
  if (const auto& conflict = item.coupling.conflict) {
    const std::vector<std::string> fields = conflict_fields(item);
    const Json found = last_found(item, fields);
    for (const std::string& field : fields) {
      if (value_of(found, field) != value_of(conflict->legacy, field)) return Outcome::conflict;
    }
  }
  if (merged.record_changed || item.restores) return Outcome::applied;
  const bool overruled = std::any_of(merged.conflicts.begin(), merged.conflicts.end(),
                                     [](const FieldConflict& c) { return c.winner == Winner::modern; });
  return overruled ? Outcome::superseded : Outcome::echo;
}

void Absorber::settle_conflict(const Item& item, const std::vector<std::string>& newly_open, Outcome outcome) {
  const auto& before = item.coupling.conflict;
  std::vector<std::string> fields = conflict_fields(item);
  if (before && fields.empty() && newly_open.empty()) {
    const bool answered = !item.intake->answer.empty();
    return close(*before, answered ? Parked::State::resolved : Parked::State::superseded);
  }
  if (newly_open.empty() && (!before || (outcome != Outcome::conflict && fields == before->fields))) return;
  fields.insert(fields.end(), newly_open.begin(), newly_open.end());
  Parked matter;
  matter.kind = Parked::Kind::conflict;
  matter.error_class = "edit_edit";
  matter.message = "Edited on both sides.";
  matter.legacy = last_found(item, fields);
  matter.modern = pick(item.coupling.record->data, fields);
  matter.base = item.coupling.link->base ? pick(*item.coupling.link->base, fields) : Json::object();
  matter.fields = std::move(fields);
  park(item, std::move(matter), outcome);
}

void Absorber::settle_field_matters(const Item& item, Outcome outcome) {
  Parked matter;
  const bool unresolved = std::any_of(item.mapped.held.begin(), item.mapped.held.end(),
                                      [](const Held& held) { return held.reason == Held::Reason::unresolved; });
  for (const Held& held : item.mapped.held) {
    if (held.reason != Held::Reason::invalid) continue;
    matter.fields.push_back(held.field);
    matter.message += (matter.message.empty() ? "" : "; ") + held.field + ": " + held.message;
  }
  const auto& before = item.coupling.dead_letter;
  if (matter.fields.empty()) {
    const bool ours = before && before->side == records::Side::legacy && !unresolved;
    if (ours)
      close(*before, before->state == Parked::State::answered ? Parked::State::resolved : Parked::State::superseded);
    return;
  }
  const bool known = before && outcome != Outcome::dead_letter && before->message == matter.message;
  if (known && before->state == Parked::State::open) return;
  matter.kind = Parked::Kind::dead_letter;
  matter.error_class = "invalid_value";
  matter.legacy = item.intake->row.fields;
  if (item.coupling.record) matter.modern = pick(item.coupling.record->data, matter.fields);
  park(item, std::move(matter), outcome);
}

void Absorber::park(const Item& item, Parked matter, Outcome outcome) {
  const Coupling& known = item.coupling;
  const auto& before = matter.kind == Parked::Kind::conflict ? known.conflict : known.dead_letter;
  matter.stream = context_.stream;
  matter.side = records::Side::legacy;
  matter.legacy_id = item.intake->row.id;
  if (known.link) matter.record_id = known.link->record_id;
  for (Parked& same : out_.changes.parked) {  // two reasons at once: they are one matter
    if (same.kind != matter.kind || same.legacy_id != matter.legacy_id || !is_open(same)) continue;
    same.message += "; " + matter.message;
    for (std::string& field : matter.fields) {
      if (std::find(same.fields.begin(), same.fields.end(), field) == same.fields.end()) {
        same.fields.push_back(std::move(field));
      }
    }
    return;
  }
  matter.epoch = state_.epoch;
  matter.at = now_;
  if (before) {
    matter.id = before->id;
    matter.legacy_changes = before->legacy_changes;
    matter.modern_changes = before->modern_changes;
    // Somebody has answered meanwhile: that is still to be carried out.
    const bool is_same_question = before->error_class == matter.error_class && before->fields == matter.fields;
    if (before->state == Parked::State::answered && is_same_question && before->id != item.intake->carries_out) {
      matter.state = before->state;
      matter.answer = before->answer;
      matter.answered_by = before->answered_by;
    }
  }
  if (outcome == banyan::sync::outcome_of(matter.kind) && counts(item)) ++matter.legacy_changes;
  out_.changes.parked.push_back(std::move(matter));
}

void Absorber::close(const Parked& matter, Parked::State state) {
  close_matter(out_.changes, matter, state);
}

void Absorber::close_all(const Item& item, Parked::State state) {
  if (item.coupling.conflict) close(*item.coupling.conflict, state);
  if (item.coupling.dead_letter) close(*item.coupling.dead_letter, state);
}

// The loser of a decided conflict stays on record, with the rule that decided.
void Absorber::note_decided(const Item& item, const FieldConflict& conflict) {
  Parked note;
  note.kind = Parked::Kind::conflict;
  note.state = Parked::State::resolved;
  note.stream = context_.stream;
  note.side = records::Side::legacy;
  note.legacy_id = item.intake->row.id;
  if (item.coupling.record) note.record_id = item.coupling.record->id;
  note.error_class = conflict.field == "*" ? "delete_edit" : "edit_edit";
  note.message = "Decided by policy.";
  note.fields = {conflict.field};
  const bool whole = conflict.field == "*";
  const auto wrap = [&](const Json& value) { return whole || value.is_null() ? value : Json{{conflict.field, value}}; };
  note.base = wrap(conflict.base);
  note.legacy = wrap(conflict.legacy);
  note.modern = wrap(conflict.modern);
  note.epoch = state_.epoch;
  note.at = now_;
  note.answer = Json{{conflict.field, to_string(conflict.winner)}};
  note.answered_by = "policy";
  out_.changes.parked.push_back(std::move(note));
}

void Absorber::write_record(const Item& item, RecordWrite::Kind kind, Record record, const Json& before) {
  RecordWrite write;
  write.kind = kind;
  write.record = std::move(record);
  write.record.version += 1;
  write.record.updated_at = now_;
  if (kind == RecordWrite::Kind::insert) write.record.created_at = now_;
  write.changed = records::difference(before, write.record.data);
  write.author = {records::Side::legacy, author_};
  if (!item.intake->answered_by.empty()) write.author = {records::Side::modern, item.intake->answered_by};
  write.skip_stream = context_.stream;
  write.hops = item.intake->hops;
  out_.changes.records.push_back(std::move(write));
}

// Fields whose legacy value could not be taken in: nothing may be put over it unseen.
std::vector<std::string> Absorber::held_fields(const Item& item) const {
  std::vector<std::string> fields = context_.drifted;
  for (const Held& held : item.mapped.held) fields.push_back(held.field);
  return fields;
}

// For people: all that the row shows.
Json Absorber::as_found(const Item& item) {
  Json fields = item.mapped.fields;
  if (!item.drifted.is_null()) fields.update(item.drifted);
  return fields;
}

// For people, too: of a field that cannot be seen now, what was last seen of it. A question that shows nothing there
// would be answered as if the legacy side had nothing.
Json Absorber::last_found(const Item& item, const std::vector<std::string>& fields) const {
  Json values = pick(as_found(item), fields);
  const auto& before = item.coupling.conflict;
  for (const std::string& field : held_fields(item)) {
    if (values.contains(field) || std::find(fields.begin(), fields.end(), field) == fields.end()) continue;
    const bool was_asked = before && before->legacy.is_object() &&
                           std::find(before->fields.begin(), before->fields.end(), field) != before->fields.end();
    const auto& link = item.coupling.link;
    if (was_asked) {
      set_value(values, field, value_of(before->legacy, field));
    } else if (link && link->base) {
      set_value(values, field, value_of(*link->base, field));
    }
  }
  return values;
}

Link Absorber::link_of(const Item& item, const std::string& record_id) const {
  Link link;
  if (item.coupling.link) link = *item.coupling.link;
  link.legacy_id = item.intake->row.id;
  link.record_id = record_id;
  link.legacy_version = item.intake->row.version;
  if (item.intake->row.stamp) link.legacy_stamp = item.intake->row.stamp;
  link.pending = still_unanswered(item);
  return link;
}

}  // namespace banyan::sync
