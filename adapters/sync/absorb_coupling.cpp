// First coupling: a legacy record that has no record yet.
#include <algorithm>
#include <utility>

#include "adapters/records/text_forms.hpp"
#include "adapters/sync/absorber.hpp"
#include "adapters/sync/field_values.hpp"

namespace banyan::sync {

void Absorber::couple(Item& item) {
  const Intake& intake = *item.intake;
  if (!intake.created_for.empty()) return couple_created(item);
  if (context_.mapping.creates() != Flow::both && context_.mapping.creates() != Flow::to_modern) {
    if (item.coupling.waiting) settle(item, Outcome::superseded, "not mapped");
    return;
  }
  // Until it is known what became of a create of ours, any new record may be its result; a second one must not be made.
  if (may_be_ours()) return wait(item, std::nullopt, "a create of ours is under way");
  if (is_disputed(intake.row.id)) return wait(item, std::nullopt, "a person is asked whether it is a create of ours");
  for (const Held& held : item.mapped.held) {
    if (held.required && held.reason == Held::Reason::unresolved) {
      if (!context_.tells_all && is_given_up(item)) return;
      return wait(item, held.reference, held.field + " refers to " + held.reference.entity + " " + held.reference.id);
    }
  }
  for (const Held& held : item.mapped.held) {
    if (!held.required) continue;
    settle(item, Outcome::dead_letter, held.field);
    return settle_field_matters(item, Outcome::dead_letter);
  }
  if (intake.answer.contains("*")) return couple_as_answered(item);
  std::vector<Record> found = state_.owner == Owner::modern ? std::vector<Record>{} : candidates(item);
  if (found.size() == 1) return couple_found(item, found.front().id);
  if (found.empty() && state_.owner != Owner::modern) return insert(item);

  Parked matter;
  matter.kind = Parked::Kind::conflict;
  matter.fields = {"*"};
  matter.legacy = item.mapped.fields;
  if (state_.owner == Owner::modern) {
    matter.error_class = "not_owner";
    matter.message = "Made on the legacy side, while the modern side owns " + context_.mapping.entity() + ".";
  } else {
    matter.error_class = "ambiguous_match";
    matter.message = "Several records could be this one.";
    matter.modern = Json::array();
    for (const Record& record : found) matter.modern.push_back(record.id);
  }
  settle(item, Outcome::conflict, "");
  park(item, std::move(matter), Outcome::conflict);
}

// A person has said which record it is, or that it is a new one.
void Absorber::couple_as_answered(Item& item) {
  const Json& choice = item.intake->answer["*"];
  const auto before = item.coupling.conflict;
  if (choice == "modern") {  // it stays apart
    if (before) close(*before, Parked::State::resolved);
    return;
  }
  if (!choice.is_object()) {
    if (before) close(*before, Parked::State::resolved);
    item.coupling.conflict.reset();
    return insert(item);
  }
  const std::string id = choice.value("record", "");
  Coupling chosen = id.empty() ? Coupling{} : std::move(view_.by_record(std::span(&id, 1)).front());
  if (!chosen.record || chosen.link) {  // it has been deleted or coupled since: the question is asked again
    if (!before) return;
    Parked again = *before;
    again.state = Parked::State::open;
    again.answer = Json();
    again.answered_by.clear();
    again.message = "The record that was chosen is gone, or belongs to another legacy record by now.";
    out_.changes.parked.push_back(std::move(again));
    return;
  }
  if (before) close(*before, Parked::State::resolved);
  item.coupling.conflict.reset();
  adopt(item, std::move(*chosen.record), Json::object());
}

bool Absorber::may_be_ours() {
  if (!intents_) intents_ = view_.open_intents();
  return std::any_of(intents_->begin(), intents_->end(), [](const Intent& intent) { return intent.attempted; });
}

bool Absorber::is_disputed(const std::string& legacy_id) {
  if (!disputed_) disputed_ = view_.disputed_ids();
  return std::find(disputed_->begin(), disputed_->end(), legacy_id) != disputed_->end();
}

// A legacy record with the id that ours would get, brought back by somebody before we made it anew.
std::optional<Record> Absorber::of_the_same_id(const Item& item) {
  const std::string& id = item.intake->row.id;
  if (!context_.chooses_ids || records::canonical_uuid(id) != id) return std::nullopt;
  Coupling known = std::move(view_.by_record(std::span(&id, 1)).front());
  if (!known.record || known.record->deleted || known.link || taken_.contains(id)) return std::nullopt;
  return std::move(known.record);
}

std::vector<Record> Absorber::candidates(const Item& item) {
  if (!any_unlinked_) any_unlinked_ = view_.any_unlinked();
  if (!*any_unlinked_) return {};
  if (auto same = of_the_same_id(item)) return {std::move(*same)};
  std::vector<std::vector<std::string>> keys = context_.mapping.match_keys();
  // A link that was lost: the record is equal in everything. Verify may have had to wait for the parent's link first.
  if (item.intake->via == Via::verify || item.coupling.waiting) {
    std::vector<std::string> all;
    for (const auto& field : item.mapped.fields.items()) all.push_back(field.key());
    keys.push_back(std::move(all));
  }
  for (const std::vector<std::string>& key : keys) {
    Json values = Json::object();
    for (const std::string& field : key) {
      if (const auto value = item.mapped.fields.find(field); value != item.mapped.fields.end()) values[field] = *value;
    }
    if (values.empty() || values.size() != key.size()) continue;
    std::vector<Record> found = view_.unlinked(values, 8);
    std::erase_if(found, [&](const Record& record) { return taken_.contains(record.id); });
    if (!found.empty()) return found;
  }
  return {};
}

// What stands open about the record is from now on about the pair.
void Absorber::couple_found(Item& item, const std::string& record_id) {
  Coupling theirs = std::move(view_.by_record(std::span(&record_id, 1)).front());
  if (!theirs.record) return;
  for (auto [known, matter] : {std::pair(&item.coupling.conflict, &theirs.conflict),
                               std::pair(&item.coupling.dead_letter, &theirs.dead_letter)}) {
    if (!*matter) continue;
    if (*known) close(**known, Parked::State::superseded);
    *known = std::move(*matter);
  }
  adopt(item, std::move(*theirs.record), Json::object());
}

// The answer to a create of ours, or what was found of one whose answer was lost.
void Absorber::couple_created(Item& item) {
  const std::string& id = item.intake->created_for;
  Coupling ours = std::move(view_.by_record(std::span(&id, 1)).front());
  out_.changes.intents_done.push_back(id);
  if (!ours.record) return insert(item);  // its row is lost: what was made of it is there
  item.coupling.conflict = std::move(ours.conflict);
  item.coupling.dead_letter = std::move(ours.dead_letter);
  Json base = item.intake->confirmed->values;
  const auto& sent = item.intake->confirmed->fields;
  const auto is_as_sent = [&](const std::string& field) {
    const auto value = item.mapped.fields.find(field);
    return value != item.mapped.fields.end() && only_rewritten(*value, base.value(field, Json()));
  };
  const std::vector<std::string> unseen = held_fields(item);
  const auto is_hidden = [&](const std::string& field) {
    return std::find(unseen.begin(), unseen.end(), field) != unseen.end();
  };
  const bool all_as_sent = std::all_of(sent.begin(), sent.end(), is_as_sent);
  const bool shown_as_sent =
      std::all_of(sent.begin(), sent.end(), [&](const auto& field) { return is_as_sent(field) || is_hidden(field); });
  if (ours.record->deleted && all_as_sent && !item.intake->found) {  // deleted while it was being made
    base = item.mapped.fields;
  } else if (item.intake->found) {
    // What differs may have been there before, or been edited since: nobody has agreed on it. What cannot
    // be seen of a row that else is as sent was sent as well.
    for (const std::string& field : sent) {
      if (!is_as_sent(field) && !(shown_as_sent && is_hidden(field))) base.erase(field);
    }
  }
  adopt(item, std::move(*ours.record), std::move(base));
}

void Absorber::adopt(Item& item, Record record, Json base) {
  taken_.insert(record.id);
  Link link;
  link.legacy_id = item.intake->row.id;
  link.record_id = record.id;
  link.base = std::move(base);
  link.legacy_version = item.intake->row.version;
  link.legacy_stamp = item.intake->row.stamp;
  item.coupling.link = std::move(link);
  item.coupling.record = std::move(record);
  out_.changes.awake.push_back({context_.mapping.entity(), item.intake->row.id, item.coupling.record->id});
  if (state_.owner == Owner::modern && item.intake->answer.empty()) return absorb_unowned(item);
  if (item.coupling.record->deleted) return absorb_delete_edit(item);
  absorb_edit(item);
}

void Absorber::insert(Item& item) {
  if (item.coupling.conflict) {  // whether it should have a record: it has one now
    close(*item.coupling.conflict, Parked::State::superseded);
    item.coupling.conflict.reset();
  }
  Record record;
  record.entity = context_.mapping.entity();
  record.id = context_.make_id();
  record.data = item.mapped.fields;
  for (const auto& [field, value] : item.intake->corrected.items()) set_value(record.data, field, value);
  write_record(item, RecordWrite::Kind::insert, record, Json::object());
  Link link = link_of(item, record.id);
  link.base = item.mapped.fields;
  link.base_hash = item.hash;
  link.record_hash = item.hash;
  if (!item.intake->corrected.empty()) out_.changes.outbox_added.push_back(record.id);
  link.held = held_fields(item);
  out_.changes.links.push_back(std::move(link));
  out_.changes.awake.push_back({record.entity, item.intake->row.id, {}});
  settle_or_wait(item, Outcome::applied, record.id + "@1");
  settle_field_matters(item, Outcome::applied);
}

}  // namespace banyan::sync
