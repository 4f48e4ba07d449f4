// SimLegacy's data: what a write does to a row, whoever makes it, and what people do.
#include <algorithm>
#include <cctype>

#include "tests/simulation/sim_legacy.hpp"

namespace banyan::simulation {
namespace {

// Longer than StreamOptions::describe_interval here.
constexpr std::chrono::seconds kSchemaSeen{40};

}  // namespace

using legacy::CompareAndSet;
using legacy::DeleteVisibility;
using legacy::Feed;

std::string SimLegacy::new_id() {
  return std::to_string(++last_id_);
}

// What the system makes of a value before it stores it.
Json SimLegacy::as_stored(const std::string& name, const Json& value) const {
  if (!habits_.rewrites || !value.is_string()) return value;
  std::string text = value.get<std::string>();
  if (name == "MAIL") {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  } else if (name == "TEL") {
    std::erase(text, ' ');
  }
  return text;
}

void SimLegacy::set_field(const EntitySpec&, LegacyRow& row, const std::string& legacy_name, const Json& value) {
  if (value.is_null()) {
    row.fields.erase(legacy_name);
  } else {
    row.fields[legacy_name] = as_stored(legacy_name, value);
  }
}

void SimLegacy::touch(const std::string& type, LegacyRow& row, bool by_us, std::int64_t stamp_us) {
  Table& table = tables_.at(type);
  row.by_us = by_us;
  ++row.version;
  ledger_.touched(row.thing, true_time());
  const bool in_feed = !row.deleted || habits_.capabilities.deletes == DeleteVisibility::in_feed;
  if (habits_.capabilities.feed == Feed::log && in_feed) table.log.emplace_back(stamp(type), row.id);
  table.by_stamp.erase({row.stamp_us, row.id});
  row.stamp_us = stamp_us;
  if (in_feed) table.by_stamp.emplace(row.stamp_us, row.id);
}

// What refers to a deleted record goes with it if it must, and lets go of it otherwise: as databases do.
void SimLegacy::cascade(const std::string& type, const std::string& id) {
  const std::string& entity = table(type).entity->entity;
  for (auto& [other, rows] : tables_) {
    for (auto& [other_id, row] : rows.rows) {
      for (const FieldSpec& field : rows.entity->fields) {
        if (row.deleted || field.kind != FieldSpec::Kind::reference || field.target != entity) continue;
        if (row.fields.value(field.legacy_name, Json()) != Json(id)) continue;
        if (field.required) {
          user_delete(other, other_id, false);
        } else {
          row.fields.erase(field.legacy_name);
          touch(other, row, false, stamp(other));
          ledger_.untracked_edit(row.thing, Where::legacy);  // nobody's, yet a delete may yield to it
        }
      }
    }
  }
}

void SimLegacy::drop(const std::string& type, LegacyRow& row, const std::string& merged_into) {
  row.deleted = true;
  row.merged_into = merged_into;
  touch(type, row, false, stamp(type));
  if (habits_.capabilities.deletes == DeleteVisibility::history)
    tables_.at(type).deletes.emplace_back(stamp(type), row.id);
}

// The engine's write to a row: its fields one by one, so that the ledger can say what was overwritten.
void SimLegacy::overwrite(const std::string& type, LegacyRow& row, const Json& fields) {
  const EntitySpec& entity = *table(type).entity;
  for (const auto& [name, value] : fields.items()) {
    const FieldSpec* field = entity.by_legacy_name(name);
    if (field == nullptr || table(type).hidden.contains(name)) continue;
    const auto found = row.fields.find(name);
    const Json before = found == row.fields.end() ? Json() : *found;
    if (before == as_stored(name, value)) continue;
    const EditId was = ledger_.current(row.thing, field->name, Where::legacy);
    set_field(entity, row, name, value);
    row.unproven[field->name] = {caller_.step};
    if (arrives_in_window(was)) ledger_.lost_in_window(was);
    if (was != 0 && ledger_.get(was).where == Where::legacy && !ledger_.is_recorded(was) &&
        !ledger_.knows(row.thing, field->name, Where::modern, was)) {
      judge_unseen(type, row, was, "overwritten");
    }
    // A row that is made anew begins afresh, whatever the one before it held. What a late write of the whole row put
    // over an edit looks like an edit by the legacy side.
    const bool is_in_window = was != 0 && ledger_.get(was).in_window;
    if (row.version == 1 || is_in_window) {
      (void)ledger_.engine_wrote(row.thing, field->name, Where::legacy, value);
      if (is_in_window) ledger_.not_proven(ledger_.current(row.thing, field->name, Where::legacy));
      continue;
    }
    if (field->kind == FieldSpec::Kind::text || field->kind == FieldSpec::Kind::decimal) {
      violate(ledger_.engine_wrote(row.thing, field->name, Where::legacy, value));
    }
  }
}

// A write that its caller has given up meets an edit made since, and cannot compare.
bool SimLegacy::arrives_in_window(EditId edit) const {
  return habits_.capabilities.compare_and_set == CompareAndSet::none && caller_.given_up != 0 &&
         edit >= caller_.given_up;
}

// An edit that the modern side has never heard of is gone. Nobody could have prevented it if the system cannot compare
// and the edit came after the engine had read the row in this very step.
void SimLegacy::judge_unseen(const std::string& type, const LegacyRow& row, EditId edit, const std::string& what) {
  const auto read = row.read_by.find(caller_.process);
  const bool compared = read != row.read_by.end() && read->second >= caller_.step_began;
  const bool unversioned = habits_.capabilities.compare_and_set == CompareAndSet::none;
  if (arrives_in_window(edit) || (unversioned && compared && edit >= read->second)) {
    ledger_.lost_in_window(edit);
    return;
  }
  if (what == "deleted") {
    violate("lost: edit " + std::to_string(edit) + " of " + type + " " + row.id +
            " was deleted before the modern side had seen it.");
  }
}

std::string SimLegacy::user_create(const std::string& type, const std::vector<const FieldSpec*>& fields,
                                   const std::function<Json(const FieldSpec&)>& value, bool may_lose) {
  Table& table = tables_.at(type);
  std::string id = new_id();
  LegacyRow& row = table.rows[id];
  row.id = id;
  row.thing = ledger_.make_thing(table.entity->entity);
  row.created_us = stamp(type);
  ledger_.edit(row.thing, kAlive, Where::legacy, false, true_time(), may_lose);
  for (const FieldSpec* field : fields) {
    if (Json given = value(*field); !given.is_null()) user_edit(type, id, {{field->name, std::move(given)}}, may_lose);
  }
  if (fields.empty()) touch(type, row, false, stamp(type));
  return id;
}

void SimLegacy::user_edit(const std::string& type, const std::string& id, const std::vector<UserEdit>& fields,
                          bool may_lose, Stamp stamped) {
  unlock(type, id);
  LegacyRow* row = live(type, id);
  if (row == nullptr) return;
  const EntitySpec& entity = *table(type).entity;
  for (const UserEdit& edit : fields) {
    const FieldSpec& field = *entity.field(edit.field);
    if (table(type).hidden.contains(field.legacy_name)) continue;
    const bool was_empty = !row->fields.contains(field.legacy_name);
    replaced_unproven(*row, field);
    set_field(entity, *row, field.legacy_name, edit.value);
    const bool text = field.kind == FieldSpec::Kind::text || field.kind == FieldSpec::Kind::decimal;
    if (!text) ledger_.untracked_edit(row->thing, Where::legacy);
    if (!text || (was_empty && edit.value.is_null())) continue;
    const auto at = true_time();
    const EditId made = ledger_.edit(row->thing, field.name, Where::legacy, edit.value.is_null(), at,
                                     may_lose || field.direction == sync::Direction::to_legacy);
    if (stamped == Stamp::none) ledger_.has_no_time(made);
  }
  if (stamped == Stamp::now) {
    touch(type, *row, false, stamp(type));
  } else {
    ++row->version;
    row->by_us = false;
  }
}

// Somebody puts another value in the place of one that the engine has written and does not know to have arrived.
void SimLegacy::replaced_unproven(LegacyRow& row, const FieldSpec& field) {
  if (row.unproven.erase(field.name) == 0) return;
  ledger_.not_proven(ledger_.current(row.thing, field.name, Where::legacy));
}

void SimLegacy::learned(const std::string& type, const std::string& id, std::int64_t step) {
  auto& rows = tables_.at(type).rows;
  const auto row = rows.find(id);
  if (row == rows.end()) return;
  std::erase_if(row->second.unproven, [&](const auto& entry) { return entry.second.contains(step); });
}

void SimLegacy::user_delete(const std::string& type, const std::string& id, bool may_lose) {
  unlock(type, id);
  LegacyRow* row = live(type, id);
  if (row == nullptr) return;
  const auto at = true_time();
  const EditId gone = ledger_.edit(row->thing, kAlive, Where::legacy, true, at, may_lose);
  if (!row->unproven.empty()) ledger_.contest(gone);
  drop(type, *row, {});
  cascade(type, id);
}

void SimLegacy::user_restore(const std::string& type, const std::string& id, bool may_lose) {
  const auto found = tables_.at(type).rows.find(id);
  if (found == tables_.at(type).rows.end() || !found->second.deleted || !found->second.merged_into.empty()) return;
  LegacyRow& row = found->second;
  row.deleted = false;
  ledger_.may_double(row.thing);
  ledger_.edit(row.thing, kAlive, Where::legacy, false, true_time(), may_lose);
  // Whoever restores a record wants its values back.
  for (const auto& [name, value] : row.fields.items()) {
    const FieldSpec* field = table(type).entity->by_legacy_name(name);
    const EditId token = Ledger::token_of(value);
    if (field == nullptr || token == 0) continue;
    const bool one_way = field->direction == sync::Direction::to_legacy;
    ledger_.edit(row.thing, field->name, Where::legacy, false, true_time(), may_lose || one_way, token);
  }
  touch(type, row, false, stamp(type));
}

void SimLegacy::user_merge(const std::string& type, const std::string& loser, const std::string& winner,
                           bool may_lose) {
  unlock(type, loser);
  LegacyRow* gone = live(type, loser);
  if (gone == nullptr || live(type, winner) == nullptr || loser == winner) return;
  const std::string& entity = table(type).entity->entity;
  for (auto& [other, rows] : tables_) {
    for (auto& [id, row] : rows.rows) {
      for (const FieldSpec& field : rows.entity->fields) {
        if (field.kind != FieldSpec::Kind::reference || row.deleted) continue;
        if (field.target != entity || row.fields.value(field.legacy_name, Json()) != Json(loser)) continue;
        if (id == winner && other == type) continue;
        row.fields[field.legacy_name] = winner;
        ledger_.untracked_edit(row.thing, Where::legacy);
        touch(other, row, false, stamp(other));
      }
    }
  }
  const auto at = true_time();
  const EditId merged = ledger_.edit(gone->thing, kAlive, Where::legacy, true, at, may_lose);
  if (!gone->unproven.empty()) ledger_.contest(merged);
  drop(type, *gone, winner);
}

void SimLegacy::begin_late_edit(const std::string& type, const std::string& id, UserEdit edit, bool may_lose,
                                microseconds commits_in) {
  unlock(type, id);
  if (live(type, id) == nullptr) return;
  const auto at = true_time() + commits_in;
  late_.push_back({type, id, std::move(edit), stamp(type), may_lose, at});
}

void SimLegacy::apply_late_edit(const LateEdit& late) {
  LegacyRow* row = live(late.type, late.id);
  if (row == nullptr) return;
  const EntitySpec& entity = *table(late.type).entity;
  const FieldSpec& field = *entity.field(late.edit.field);
  if (table(late.type).hidden.contains(field.legacy_name)) return;
  // The token is made at commit: that is when the others could see the value.
  const Json value = "late ~" + std::to_string(ledger_.next_token()) + "~";
  const auto at = true_time();
  replaced_unproven(*row, field);
  set_field(entity, *row, field.legacy_name, value);
  const EditId made = ledger_.edit(row->thing, field.name, Where::legacy, false, at,
                                   late.may_lose || field.direction == sync::Direction::to_legacy);
  ledger_.has_no_time(made);
  touch(late.type, *row, false, late.stamp_us);
}

void SimLegacy::commit_late_edits(bool all) {
  const auto now = true_time();
  for (std::size_t i = 0; i < late_.size();) {
    if (!all && late_[i].commits_at > now) {
      ++i;
      continue;
    }
    const LateEdit late = late_[i];
    late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(i));
    apply_late_edit(late);
  }
}

void SimLegacy::unlock(const std::string& type, const std::string& id) {
  for (std::size_t i = 0; i < late_.size();) {
    if (late_[i].type != type || late_[i].id != id) {
      ++i;
      continue;
    }
    const LateEdit late = late_[i];
    late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(i));
    apply_late_edit(late);
  }
}

void SimLegacy::rewrite(const std::string& type, const std::string& id, const std::string& field, bool as_us) {
  unlock(type, id);
  LegacyRow* row = live(type, id);
  if (row == nullptr) return;
  const FieldSpec& spec = *table(type).entity->field(field);
  const auto found = row->fields.find(spec.legacy_name);
  if (found == row->fields.end() || !found->is_string()) return;
  std::string text = found->get<std::string>();
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (*found == text) return;
  const EditId token = Ledger::token_of(*found);
  replaced_unproven(*row, spec);
  *found = text;
  const bool may_lose = spec.direction == sync::Direction::to_legacy;
  if (token != 0) ledger_.edit(row->thing, field, Where::legacy, false, true_time(), may_lose, token);
  touch(type, *row, as_us, stamp(type));
}

void SimLegacy::remove_field(const std::string& type, const std::string& legacy_name) {
  Table& table = tables_.at(type);
  table.hidden.insert(legacy_name);
  for (auto& [id, row] : table.rows) replaced_unproven(row, *table.entity->by_legacy_name(legacy_name));
}

void SimLegacy::bring_back_field(const std::string& type, const std::string& legacy_name) {
  tables_.at(type).hidden.erase(legacy_name);
  tables_.at(type).back_at[legacy_name] = true_time();
}

// What a removed field holds is seen by nobody before the schema has been looked at again.
bool SimLegacy::was_hidden(const Table& table, const std::string& legacy_name) const {
  if (table.hidden.contains(legacy_name)) return true;
  const auto back = table.back_at.find(legacy_name);
  return back != table.back_at.end() && true_time() - back->second < kSchemaSeen;
}

void SimLegacy::corrupt_delete(const std::string& type, const std::string& id) {
  LegacyRow* row = live(type, id);
  if (row == nullptr) return;
  tables_.at(type).by_stamp.erase({row->stamp_us, row->id});
  row->deleted = true;
}

void SimLegacy::corrupt_value(const std::string& type, const std::string& id, const std::string& legacy_name,
                              Json value) {
  if (LegacyRow* row = live(type, id)) row->fields[legacy_name] = std::move(value);
}

}  // namespace banyan::simulation
