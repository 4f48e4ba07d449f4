// One row whose record is known and that both sides have: what was edited where.
#include <algorithm>
#include <cctype>
#include <utility>

#include "adapters/sync/absorber.hpp"
#include "adapters/sync/field_values.hpp"

namespace banyan::sync {
namespace {

// A number, or a decimal as text: its sign and its point count.
bool is_number(const Json& value) {
  if (value.is_number()) return true;
  if (!value.is_string()) return false;
  const std::string& text = value.get_ref<const std::string&>();
  const std::size_t digits = text.starts_with('-') ? 1 : 0;
  const std::size_t end = text.find_first_not_of("0123456789", digits);
  if (end == digits || text.empty()) return false;
  return end == std::string::npos ||
         (text[end] == '.' && text.find_first_not_of("0123456789", end + 1) == std::string::npos);
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

// A person's decision, put into the two sides of the merge so that only one outcome is left.
void follow_answer(const Json& answer, const Json& legacy, Json& base, Json& modern) {
  for (const auto& [field, choice] : answer.items()) {
    if (field == "*") continue;
    const Json& value = value_of(legacy, field);
    set_value(base, field, value);
    if (choice == "legacy") set_value(modern, field, value);
    if (choice.is_object() && choice.contains("value")) set_value(modern, field, choice["value"]);
  }
}

}  // namespace

bool only_rewritten(const Json& found, const Json& sent) {
  if (found == sent) return true;
  if (sent.is_null() || found.is_null() || (is_number(found) && is_number(sent))) return false;
  return bare(found) == bare(sent);
}

void Absorber::absorb(Item& item) {
  const legacy::LegacyRecord& row = item.intake->row;
  const Coupling& known = item.coupling;
  const std::string& made_for = item.intake->created_for;
  if (!made_for.empty() && known.link && known.link->record_id != made_for)
    return;  // who made it is told by the caller
  if (is_known_to_wait(item)) {
    item.captured = false;
    if (goes_on_waiting(item)) return;
  }
  if (!item.intake->unreadable.empty()) return absorb_unreadable(item);
  if (!row.merged_into.empty()) return absorb_merged_away(item);
  if (row.deleted) return absorb_gone(item);
  if (!known.link) return couple(item);
  if (state_.owner == Owner::modern && !item.intake->is_decided()) return absorb_unowned(item);
  if (!known.link->base) return restore(item);
  if (!known.record || known.record->deleted) return absorb_delete_edit(item);
  absorb_edit(item);
}

// A field that could not be seen since it was written shows what legacy has made of it: no edit either.
void Absorber::adopt_what_legacy_made(const Item& item, Json& base) const {
  const Coupling& known = item.coupling;
  const std::vector<std::string> unseen = held_fields(item);
  for (const std::string& field : known.link->held) {
    if (field == "*" || std::find(unseen.begin(), unseen.end(), field) != unseen.end()) continue;
    const Json before = value_of(base, field);
    const Json& found = value_of(item.mapped.fields, field);
    const bool is_overtaken = known.record && value_of(known.record->data, field) != before;
    if (is_overtaken && found != before && only_rewritten(found, before)) set_value(base, field, found);
  }
}

// Whether a write of ours whose answer was never seen has had its effect. A version that has not moved says no. One of
// our values says yes if nobody else is likely to have written it, or else most of them. Our own name as the last
// writer says nothing: automations write under it. In doubt no: then both sides count as edited, and the policy decides
// with the loser on record.
bool Absorber::has_arrived(const Item& item, const PendingWrite& write) const {
  const Link& link = *item.coupling.link;
  const std::string& version = item.intake->row.version;
  if (!version.empty() && version == link.legacy_version) return false;
  const std::vector<std::string> unseen = held_fields(item);
  int as_sent = 0;
  int otherwise = 0;
  bool ours_alone = false;
  for (const FieldRule& rule : context_.mapping.rules()) {
    const auto is_among = [&](const std::vector<std::string>& fields) {
      return std::find(fields.begin(), fields.end(), rule.field) != fields.end();
    };
    if (!is_among(write.fields) || is_among(unseen) || item.intake->corrected.contains(rule.field)) continue;
    const Json& before = value_of(*link.base, rule.field);
    const Json& sent = value_of(write.values, rule.field);
    const Json& found = value_of(item.mapped.fields, rule.field);
    // A write takes place as a whole: a field that is still as before says that the others were somebody else's doing.
    const bool untouched = found == before && sent != before;
    if (untouched) return false;
    if (found == before) continue;
    const bool is_ours = only_rewritten(found, sent);
    ++(is_ours ? as_sent : otherwise);
    ours_alone = ours_alone || (is_ours && rule.distinctive && !sent.is_null());
  }
  return ours_alone || as_sent > otherwise;
}

// What we sent is what legacy held at that moment, and so the base of what it holds now.
Absorber::Agreed Absorber::agreed(const Item& item) const {
  const Coupling& known = item.coupling;
  const Intake& intake = *item.intake;
  const Link& old = *known.link;
  const PendingWrite* write = intake.confirmed ? &*intake.confirmed : nullptr;
  // Of a write that nobody has confirmed only what can be seen is known to have arrived.
  const std::vector<std::string> unseen = write ? std::vector<std::string>{} : held_fields(item);
  if (!write && old.pending && !intake.refused && has_arrived(item, *old.pending)) write = &*old.pending;
  Agreed now;
  now.base = *old.base;
  now.arrived = write != nullptr;
  adopt_what_legacy_made(item, now.base);
  if (!write) return now;
  for (const std::string& field : write->fields) {
    if (std::find(unseen.begin(), unseen.end(), field) != unseen.end()) continue;
    const Json& sent = value_of(write->values, field);
    const Json& found = value_of(item.mapped.fields, field);
    const bool rewritten = only_rewritten(found, sent);
    if (intake.found && !rewritten) continue;  // it was made of an earlier state of the record, or edited since
    if (found != sent) ++now.near_misses;
    if (found != sent && rewritten) now.rewritten.push_back(field);
    // Legacy made its value out of ours: that is no edit, and must not beat one that modern has made since.
    const bool overtaken = rewritten && known.record && value_of(known.record->data, field) != sent;
    set_value(now.base, field, overtaken ? found : sent);
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
  if (link->base && has_arrived(item, write)) return std::nullopt;
  if (now_ - context_.read_ago - write.at >= effect_deadline(context_.options)) return std::nullopt;
  return write;
}

// What both sides agree on now, known or just seen to have arrived, is what the next merge starts from.
void Absorber::take_arrived(const Agreed& now, Link& link) {
  link.base = now.base;
  link.base_hash = records::content_hash(now.base);
  if (now.arrived) link.pending.reset();
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
  for (const auto& [field, value] : intake.corrected.items()) set_value(modern, field, value);
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
    link.held = held_fields(item);
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

}  // namespace banyan::sync
