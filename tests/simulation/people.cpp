// People who answer what sync asks, and who put values right that one side cannot take.
#include <algorithm>

#include "tests/simulation/world.hpp"

namespace banyan::simulation {

using sync::Parked;

void World::answer_some(std::size_t line) {
  std::vector<Parked> open;
  for (const auto& [id, matter] : store_.stream(stream_ids_[line]).open) {
    if (matter.state == Parked::State::open) open.push_back(matter);
  }
  if (open.empty()) return;
  answer(line, open[random_.below(open.size())]);
  nudge_all();
}

Json World::answer_field(const FieldSpec& field, const Parked& matter, ThingId thing) {
  const auto value_of = [&](const Json& values) {
    return values.is_object() ? values.value(field.name, Json()) : Json();
  };
  const std::uint64_t choice = random_.below(3);
  const bool tracked = field.kind == FieldSpec::Kind::text || field.kind == FieldSpec::Kind::decimal;
  if (choice == 2 && tracked && field.kind == FieldSpec::Kind::text) {
    Json value = text_for(field.name);
    ledger_.answered(thing, field.name, 0, time_.elapsed());
    return Json{{"value", std::move(value)}};
  }
  const bool legacy = choice == 0;
  const Json value = value_of(legacy ? matter.legacy : matter.modern);
  if (tracked && Ledger::token_of(value) != 0) {
    ledger_.answered(thing, field.name, Ledger::token_of(value), time_.elapsed());
  } else if (tracked) {
    ledger_.answered_empty(thing, field.name, time_.elapsed());
  } else {
    ledger_.untracked_edit(thing, legacy ? Where::legacy : Where::modern);
  }
  return legacy ? "legacy" : "modern";
}

void World::answer(std::size_t line, const Parked& matter) {
  const EntitySpec& entity = entities_[line];
  ThingId thing = -1;
  if (!matter.record_id.empty()) {
    thing = judge_->thing_of_record(matter.record_id, entity.entity);
  } else if (const LegacyRow* row = system_.row(entity.type, matter.legacy_id)) {
    thing = row->thing;
  }
  trace("a person answers " + matter.error_class + " of " + entity.entity + " " + matter.legacy_id + "/" +
        matter.record_id);
  if (matter.kind == Parked::Kind::dead_letter) {
    (void)store_.answer(matter.id, Json::object(), "user:clara");
    return;
  }
  if (thing >= 0) ledger_.overruled(thing);
  Json answer = Json::object();
  for (const std::string& name : matter.fields) {
    const FieldSpec* field = entity.field(name);
    if (field != nullptr && thing >= 0) {
      answer[name] = answer_field(*field, matter, thing);
    } else if (matter.error_class == "ambiguous_match") {
      answer[name] = matter.modern.is_array() && !matter.modern.empty() && random_.chance(500)
                         ? Json{{"record", matter.modern.front()}}
                         : Json("legacy");
    } else if (matter.error_class == "ambiguous_create" && matter.legacy.empty()) {  // it is there already
      const Record* record = store_.record(matter.record_id);
      if (record != nullptr && !record->deleted) modern_delete(*record);
      answer[name] = "modern";
    } else if (matter.error_class == "ambiguous_create") {
      answer[name] = Json{{"legacy_id", created_for(entity, matter.record_id)}};
    } else {
      answer[name] = random_.chance(500) ? "legacy" : "modern";
    }
  }
  (void)store_.answer(matter.id, std::move(answer), "user:clara");
}

// Whoever looks at the candidates sees which one was made for the record.
std::string World::created_for(const EntitySpec& entity, const std::string& record_id) {
  const ThingId thing = ledger_.root(judge_->thing_of_record(record_id, entity.entity));
  for (const auto& [id, row] : system_.table(entity.type).rows) {
    if (!row.deleted && ledger_.root(row.thing) == thing) return id;
  }
  return {};
}

void World::put_values_right() {
  for (std::size_t line = 0; line < entities_.size(); ++line) {
    const EntitySpec& entity = entities_[line];
    std::vector<std::pair<std::string, const FieldSpec*>> wrong;
    for (const auto& [id, row] : system_.table(entity.type).rows) {
      if (row.deleted) continue;
      for (const FieldSpec& field : entity.fields) {
        const Json value = row.fields.value(field.legacy_name, Json());
        const bool unknown = field.kind == FieldSpec::Kind::choice && value == "?";
        const bool empty = value.is_null() || value == Json("");
        const bool dangles = field.kind == FieldSpec::Kind::reference && !empty && !is_living_row(field, value);
        if (unknown || dangles || (field.required && empty)) wrong.emplace_back(id, &field);
      }
    }
    for (const auto& [id, field] : wrong) put_row_right(entity, id, *field);
    put_records_right(line);
  }
}

bool World::is_living_row(const FieldSpec& field, const Json& id) const {
  for (const EntitySpec& entity : entities_) {
    if (entity.entity != field.target) continue;
    const LegacyRow* row = system_.row(entity.type, id.get<std::string>());
    return row != nullptr && !row->deleted;
  }
  return false;
}

void World::put_row_right(const EntitySpec& entity, const std::string& id, const FieldSpec& field) {
  system_.unlock(entity.type, id);
  Json value;
  if (field.kind == FieldSpec::Kind::choice) {
    value = field.choices.front().second;
  } else if (field.required || field.kind != FieldSpec::Kind::reference) {
    value = legacy_value(field);
  }
  trace("user puts right " + entity.entity + " " + id + ": " + field.name + " = " + value.dump());
  if (value.is_null() && field.required) return system_.user_delete(entity.type, id, false);
  system_.user_edit(entity.type, id, {{field.name, std::move(value)}}, false);
}

// No exclamation marks, and no references to records that are gone.
void World::put_records_right(std::size_t line) {
  const EntitySpec& entity = entities_[line];
  std::vector<Record> records;
  for (const auto& [id, record] : store_.all_records()) {
    if (record.entity == entity.entity && !record.deleted) records.push_back(record);
  }
  for (const Record& record : records) {
    for (const FieldSpec& field : entity.fields) {
      const Json value = record.data.value(field.name, Json());
      const bool bad = value.is_string() && value.get_ref<const std::string&>().find('!') != std::string::npos;
      const Record* target = field.kind == FieldSpec::Kind::reference && value.is_string()
                                 ? store_.record(value.get<std::string>())
                                 : nullptr;
      const bool dangles = target != nullptr && target->deleted;
      if (!bad && !dangles) continue;
      const Record& now = *store_.record(record.id);
      if (dangles && field.required) {
        modern_delete(now);
        break;
      }
      const Json right = bad ? Json(text_for(field.name)) : Json();
      if (!store_.patch_record(record.id, now.version, Json{{field.name, right}}, "agent:tidy")) continue;
      trace("agent puts right " + entity.entity + " " + record.id + ": " + field.name + " = " + right.dump());
      if (bad)
        ledger_.edit(judge_->thing_of_record(record.id, entity.entity), field.name, Where::modern, false,
                     time_.elapsed(), field.direction == sync::Direction::to_modern);
    }
  }
}

}  // namespace banyan::simulation
