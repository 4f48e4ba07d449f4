// One row whose record is known: edit, delete, restore, merge of two records.
#include <algorithm>
#include <cctype>
#include <utility>

#include "adapters/sync/absorber.hpp"

namespace banyan::sync {
namespace {

const Json kEmpty;

const Json& value_of(const Json& data, const std::string& field) {
  const auto found = data.find(field);
  return found == data.end() ? kEmpty : *found;
}

void set(Json& data, const std::string& field, const Json& value) {
  if (value.is_null()) {
    data.erase(field);
  } else {
    data[field] = value;
  }
}

// Letters and digits in lower case: what is left of a text when case, blanks and punctuation do not count.
std::string bare(const Json& value) {
  std::string out;
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80) {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

// Whether a write of ours whose answer was never seen has had its effect. A version that has not moved says no; one
// of our values, if only rewritten, says yes. Our own name as the last writer says nothing: automations write under it.
// In doubt no: then both sides count as edited, and the policy decides with the loser on record.
bool has_arrived(const PendingWrite& write, const Link& link, const legacy::LegacyRecord& row, const Json& fields) {
  if (!row.version.empty() && row.version == link.legacy_version) return false;
  // A write takes place as a whole: one field that is still as before says that the others were somebody else's doing.
  const bool untouched = std::any_of(write.fields.begin(), write.fields.end(), [&](const std::string& field) {
    const Json& before = value_of(*link.base, field);
    return fields.contains(field) && value_of(fields, field) == before && value_of(write.values, field) != before;
  });
  if (untouched) return false;
  return std::any_of(write.fields.begin(), write.fields.end(), [&](const std::string& field) {
    const Json& found = value_of(fields, field);
    return found != value_of(*link.base, field) && only_rewritten(found, value_of(write.values, field));
  });
}

// A person's decision, put into the two sides of the merge so that only one outcome is left.
void follow_answer(const Json& answer, const Json& legacy, Json& base, Json& modern) {
  for (const auto& [field, choice] : answer.items()) {
    if (field == "*") continue;
    const Json& value = value_of(legacy, field);
    set(base, field, value);
    if (choice == "legacy") set(modern, field, value);
    if (choice.is_object() && choice.contains("value")) set(modern, field, choice["value"]);
  }
}

bool is_decided(const Intake& intake) {
  return !intake.answer.empty() || !intake.corrected.empty();
}

bool answers(const Intake& intake, const char* choice) {
  return intake.answer.contains("*") && intake.answer["*"] == choice;
}

}  // namespace

bool only_rewritten(const Json& found, const Json& sent) {
  return found == sent || (!sent.is_null() && !found.is_null() && bare(found) == bare(sent));
}

void Absorber::absorb(Item& item) {
  const legacy::LegacyRecord& row = item.intake->row;
  const Coupling& known = item.coupling;
  const std::string& made_for = item.intake->created_for;
  if (!made_for.empty() && known.link && known.link->record_id != made_for)
    return;  // who made it is told by the caller
  if (!item.intake->unreadable.empty()) return absorb_unreadable(item);
  if (!row.merged_into.empty()) return absorb_merged_away(item);
  if (row.deleted) return absorb_gone(item);
  if (!known.link) return couple(item);
  if (state_.owner == Owner::modern && !is_decided(*item.intake)) return absorb_unowned(item);
  if (!known.link->base) return restore(item);
  if (!known.record || known.record->deleted) return absorb_delete_edit(item);
  absorb_edit(item);
}

// What we sent is what legacy held at that moment, and so the base of what it holds now.
// A field that could not be seen since it was written shows what legacy has made of it: no edit either.
void Absorber::adopt_what_legacy_made(const Item& item, Json& base) const {
  const Coupling& known = item.coupling;
  const std::vector<std::string> unseen = held_fields(item);
  for (const std::string& field : known.link->held) {
    if (field == "*" || std::find(unseen.begin(), unseen.end(), field) != unseen.end()) continue;
    const Json before = value_of(base, field);
    const Json& found = value_of(item.mapped.fields, field);
    const bool is_overtaken = known.record && value_of(known.record->data, field) != before;
    if (is_overtaken && found != before && only_rewritten(found, before)) set(base, field, found);
  }
}

Absorber::Agreed Absorber::agreed(const Item& item) const {
  const Coupling& known = item.coupling;
  const Intake& intake = *item.intake;
  const Link& old = *known.link;
  const PendingWrite* write = intake.confirmed ? &*intake.confirmed : nullptr;
  if (!write && old.pending && !intake.refused && has_arrived(*old.pending, old, intake.row, item.mapped.fields))
    write = &*old.pending;
  Agreed now;
  now.base = *old.base;
  now.arrived = write != nullptr;
  adopt_what_legacy_made(item, now.base);
  if (!write) return now;
  // Of a write that nobody has confirmed only what can be seen is known to have arrived.
  const std::vector<std::string> unseen = intake.confirmed ? std::vector<std::string>{} : held_fields(item);
  for (const std::string& field : write->fields) {
    if (std::find(unseen.begin(), unseen.end(), field) != unseen.end()) continue;
    const Json& sent = value_of(write->values, field);
    const Json& found = value_of(item.mapped.fields, field);
    const bool rewritten = only_rewritten(found, sent);
    if (found != sent) ++now.near_misses;
    if (found != sent && rewritten) now.rewritten.push_back(field);
    // Legacy made its value out of ours: that is no edit, and must not beat one that modern has made since.
    const bool overtaken = rewritten && known.record && value_of(known.record->data, field) != sent;
    set(now.base, field, overtaken ? found : sent);
  }
  return now;
}

// A write of ours that the row does not show, and that may still arrive: with versions as long as the row has the one
// that the write expects, and in any case not later than a call can have an effect.
std::optional<PendingWrite> Absorber::still_unanswered(const Item& item) const {
  const Intake& intake = *item.intake;
  const auto& link = item.coupling.link;
  if (!link || !link->pending || intake.confirmed || intake.refused || intake.row.deleted) return std::nullopt;
  const PendingWrite& write = *link->pending;
  if (context_.has_versions && intake.row.version != write.expected) return std::nullopt;
  if (link->base && has_arrived(write, *link, intake.row, item.mapped.fields)) return std::nullopt;
  if (now_ - context_.read_ago - write.at >= effect_deadline(context_.options)) return std::nullopt;
  return write;
}

bool Absorber::answers_held_fields(const Item& item) const {
  const std::vector<std::string> held = held_fields(item);
  return std::any_of(held.begin(), held.end(),
                     [&](const std::string& field) { return item.intake->answer.contains(field); });
}

void Absorber::absorb_edit(Item& item) {
  const Coupling& known = item.coupling;
  const Intake& intake = *item.intake;
  if (answers_held_fields(item)) {  // what legacy has there is not known: the answer is kept, and tried again
    out_.must_wait = true;
    return;
  }
  const Agreed now = agreed(item);
  Json base = now.base;

  Json modern = known.record->data;
  modern.update(intake.corrected);
  note_overtaken(item);
  follow_answer(intake.answer, item.mapped.fields, base, modern);

  std::vector<std::string> held = held_fields(item);
  for (const std::string& field : conflict_fields(item)) held.push_back(field);
  if (state_.owner == Owner::modern) {  // a person has decided, but not about these
    for (const std::string& field : unowned_fields(item, now)) held.push_back(field);
  }

  MergeInput input;
  input.rules = context_.mapping.rules();
  input.base = &base;
  input.legacy = &item.mapped.fields;
  input.modern = &modern;
  input.held = held;
  input.clock_uncertainty = context_.options.clock_uncertainty;
  input.times = [&](const std::string& field) {
    EditTimes times;
    if (intake.row.stamp) times.legacy_from = *intake.row.stamp - context_.legacy_ahead;
    times.legacy_until = context_.read_at;
    if (const auto edit = view_.last_modern_edit(known.record->id, field)) times.modern = edit->at;
    return times;
  };
  MergeResult merged = merge(input);
  merged.record_changed = merged.record != known.record->data;
  apply(item, merged, held, now.near_misses);
}

void Absorber::apply(Item& item, const MergeResult& merged, const std::vector<std::string>& held,
                     std::int32_t near_misses) {
  const Coupling& known = item.coupling;
  Link link = link_of(item, known.record->id);
  link.base = merged.base;
  link.base_hash = records::content_hash(merged.base);
  link.near_misses += near_misses;
  out_.near_misses += near_misses;

  Record record = *known.record;
  if (merged.record_changed || item.restores) {
    record.data = merged.record;
    const auto kind = item.restores ? RecordWrite::Kind::restore : RecordWrite::Kind::update;
    write_record(item, kind, record, known.record->data);
    ++record.version;
  }

  std::vector<std::string> open;
  for (const FieldConflict& conflict : merged.conflicts) {
    if (conflict.winner == Winner::nobody) {
      open.push_back(conflict.field);
    } else {
      note_decided(item, conflict);
    }
  }
  link.held = held;
  link.held.insert(link.held.end(), open.begin(), open.end());
  std::sort(link.held.begin(), link.held.end());
  link.held.erase(std::unique(link.held.begin(), link.held.end()), link.held.end());
  // What only the schema holds back goes out when the field is there again, and stays in the outbox until then.
  const auto& drifted = context_.drifted;
  const bool unsent = std::any_of(drifted.begin(), drifted.end(), [&](const std::string& field) {
    return value_of(merged.base, field) != value_of(record.data, field);
  });
  if (merged.to_push.empty() && !unsent) {
    link.record_hash = records::content_hash(record.data);
  } else {
    out_.changes.outbox_added.push_back(record.id);
  }
  out_.changes.links.push_back(std::move(link));

  const std::string ref = record.id + "@" + std::to_string(record.version);
  const Outcome outcome = settle_or_wait(item, outcome_of(item, merged, open), ref);
  settle_conflict(item, open, outcome);
  settle_field_matters(item, outcome);
}

void Absorber::absorb_unreadable(Item& item) {
  settle(item, Outcome::dead_letter, "");
  Parked matter;
  matter.kind = Parked::Kind::dead_letter;
  matter.error_class = "unreadable";
  matter.message = item.intake->unreadable;
  matter.legacy = item.intake->row.fields;
  park(item, std::move(matter), Outcome::dead_letter);
}

void Absorber::absorb_unowned(Item& item) {
  const Link& old = *item.coupling.link;
  const bool gone = item.intake->row.deleted || !item.intake->row.merged_into.empty();
  const bool lives = item.coupling.record && !item.coupling.record->deleted;
  Agreed now;
  if (old.base) now = agreed(item);
  std::vector<std::string> fields{"*"};
  if (old.base && !gone) fields = unowned_fields(item, now);
  if (!fields.empty() && !lives) fields = {"*"};
  if (fields.empty()) {
    if (lives) return absorb_edit(item);
    Link link = link_of(item, old.record_id);
    out_.changes.links.push_back(std::move(link));
    return settle(item, Outcome::echo, old.record_id);
  }
  Parked matter;
  matter.kind = Parked::Kind::conflict;
  matter.error_class = "not_owner";
  matter.message =
      "The legacy side wrote a record that the modern side owns since epoch " + std::to_string(state_.epoch) + ".";
  matter.legacy = item.mapped.fields;
  if (old.base) matter.base = *old.base;
  if (lives) matter.modern = context_.mapping.project(item.coupling.record->data);
  matter.fields = std::move(fields);
  Link link = old;  // the version stays: until somebody answers, the difference is to be seen by every scan
  link.held = held_fields(item);
  link.held.insert(link.held.end(), matter.fields.begin(), matter.fields.end());
  if (now.arrived) take_arrived(now, link);
  out_.changes.links.push_back(std::move(link));
  settle(item, Outcome::conflict, "");
  park(item, std::move(matter), Outcome::conflict);
}

std::vector<std::string> Absorber::unowned_fields(const Item& item, const Agreed& now) const {
  std::vector<std::string> fields;
  const auto among = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const FieldRule& rule : context_.mapping.rules()) {
    if (item.mapped.holds(rule.field) || rule.direction == Direction::to_modern ||
        item.intake->answer.contains(rule.field))
      continue;
    if (among(context_.drifted, rule.field) || among(now.rewritten, rule.field)) continue;
    if (value_of(now.base, rule.field) != value_of(item.mapped.fields, rule.field)) fields.push_back(rule.field);
  }
  return fields;
}

// Whoever answered had not seen what legacy holds by now: the decision stands, and what it overrules is on record.
void Absorber::note_overtaken(const Item& item) {
  const Coupling& known = item.coupling;
  if (!known.conflict) return;
  for (const auto& [field, choice] : item.intake->answer.items()) {
    const Json& found = value_of(item.mapped.fields, field);
    if (field == "*" || choice == "legacy" || found == value_of(known.conflict->legacy, field)) continue;
    note_decided(
        item, {field, value_of(*known.link->base, field), found, value_of(known.record->data, field), Winner::modern});
  }
}

// Whether the modern side holds what legacy has not got yet. A field that only the modern side decides says nothing: it
// also differs while a legacy edit of it is taken back.
bool Absorber::is_edited(const Json& base, const Json& record) const {
  const auto& rules = context_.mapping.rules();
  return std::any_of(rules.begin(), rules.end(), [&](const FieldRule& rule) {
    return rule.direction == Direction::both && value_of(base, rule.field) != value_of(record, rule.field);
  });
}

void Absorber::absorb_gone(Item& item) {
  const Coupling& known = item.coupling;
  if (!known.link) {
    if (known.waiting) settle(item, Outcome::superseded, "deleted");
    settle_field_matters(item, Outcome::superseded);
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
  if (state_.owner == Owner::modern && lives && !is_decided(*item.intake)) return absorb_unowned(item);
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
    note_decided(item, {"*", base, kEmpty, context_.mapping.project(known.record->data), Winner::modern});
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
  if (edited) note_decided(item, {"*", base, kEmpty, context_.mapping.project(known.record->data), Winner::legacy});
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
  if (known.link && lives && state_.owner == Owner::modern && !is_decided(*item.intake)) return absorb_unowned(item);
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
      note_decided(item, {"*", base, kEmpty, context_.mapping.project(known.record->data), Winner::legacy});
    }
    Record record = *known.record;
    record.deleted = true;
    record.merged_into = *into;
    write_record(item, RecordWrite::Kind::remove, record, record.data);
  }
  settle(item, Outcome::applied, known.link->record_id);
  close_all(item, Parked::State::superseded);
}

// What both sides agree on now, known or just seen to have arrived, is what the next merge starts from.
void Absorber::take_arrived(const Agreed& now, Link& link) {
  link.base = now.base;
  link.base_hash = records::content_hash(now.base);
  if (now.arrived) link.pending.reset();
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
    if (is_among(context_.drifted)) return true;
    if (item.mapped.holds(rule.field)) return is_among(asked);
    return value_of(item.mapped.fields, rule.field) == value_of(base, rule.field);
  });
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
    link.held.clear();
    take_arrived(now, link);
    out_.changes.links.push_back(std::move(link));
    out_.changes.outbox_added.push_back(known.record->id);
    if (known.conflict) close(*known.conflict, Parked::State::resolved);
    note_decided(item, {"*", now.base, as_found(item), kEmpty, Winner::modern});
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
  if (!known.record->deleted) {  // it lives on the modern side: the two are coupled afresh
    link.base = Json::object();
    close_all(item, Parked::State::superseded);
    known.conflict.reset();
    known.dead_letter.reset();
    return absorb_edit(item);
  }
  const bool was_deleted_on_both = !link.base;
  if (!was_deleted_on_both) note_decided(item, {"*", *link.base, as_found(item), kEmpty, Winner::legacy});
  // What the record had when it went is what both knew, if both let it go, or if a person wants what legacy has.
  if (was_deleted_on_both || answers(*item.intake, "legacy")) link.base = context_.mapping.project(known.record->data);
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
    if (rule.direction != Direction::to_legacy) set(record.data, rule.field, value_of(item.mapped.fields, rule.field));
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
