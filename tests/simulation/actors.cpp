// The people and programs on both sides, and what one operation of theirs is.
#include <array>
#include <utility>

#include "tests/simulation/world.hpp"

namespace banyan::simulation {
namespace {

constexpr std::size_t kPopulation = 30;  // rows per type, so that edits meet

std::string digits(EditId token) {
  return std::to_string(token);
}

}  // namespace

void World::operate() {
  ++report_.operations;
  constexpr std::array<std::uint32_t, 3> weights{48, 44, 8};
  switch (random_.weighted(weights)) {
    case 0:
      return legacy_operation();
    case 1:
      return modern_operation();
    default:
      return admin_operation();
  }
}

std::size_t World::any_line() {
  constexpr std::array<std::uint32_t, 3> weights{5, 3, 3};
  return random_.weighted(weights);
}

std::string World::any_row(const std::string& type, bool deleted) {
  const auto& rows = system_.table(type).rows;
  std::vector<const std::string*> ids;
  for (const auto& [id, row] : rows) {
    if (row.deleted == deleted) ids.push_back(&id);
  }
  return ids.empty() ? std::string() : *ids[random_.below(ids.size())];
}

const Record* World::any_record(const std::string& entity, bool deleted) {
  std::vector<const Record*> found;
  for (const auto& [id, record] : store_.all_records()) {
    if (record.entity == entity && record.deleted == deleted && record.merged_into.empty()) found.push_back(&record);
  }
  return found.empty() ? nullptr : found[random_.below(found.size())];
}

bool World::legacy_may_lose(std::size_t line) const {
  return store_.stream(stream_ids_[line]).state.owner == sync::Owner::modern;
}

bool World::modern_may_lose(std::size_t line) const {
  return store_.stream(stream_ids_[line]).state.owner == sync::Owner::legacy;
}

// A text that holds the token of the edit to come, in a form that rewriting leaves readable.
std::string World::text_for(const std::string& field) {
  const std::string token = "~" + digits(ledger_.next_token()) + "~";
  if (field == "email") return "Ada" + token + "@Example.org";
  if (field == "phone") return "+49 30 " + token;
  return field + " " + token;
}

Json World::legacy_value(const FieldSpec& field) {
  switch (field.kind) {
    case FieldSpec::Kind::text: {
      const std::string text = text_for(field.name);
      return random_.chance(100) ? " " + text + "  " : text;
    }
    case FieldSpec::Kind::decimal:
      return std::to_string(9'000'000'000 + ledger_.next_token());
    case FieldSpec::Kind::choice:
      return random_.chance(30) ? Json("?") : Json(field.choices[random_.below(field.choices.size())].second);
    case FieldSpec::Kind::reference: {
      for (const EntitySpec& entity : entities_) {
        if (entity.entity != field.target) continue;
        const std::string id = any_row(entity.type);
        return id.empty() ? Json() : Json(id);
      }
    }
  }
  return {};
}

Json World::modern_value(const FieldSpec& field) {
  switch (field.kind) {
    case FieldSpec::Kind::text:
      return random_.chance(12) ? text_for(field.name) + "!" : text_for(field.name);
    case FieldSpec::Kind::decimal:
      return std::to_string(9'000'000'000 + ledger_.next_token());
    case FieldSpec::Kind::choice:
      return field.choices[random_.below(field.choices.size())].first;
    case FieldSpec::Kind::reference: {
      const Record* target = any_record(field.target);
      return target == nullptr ? Json() : Json(target->id);
    }
  }
  return {};
}

void World::webhook(std::size_t line, const std::string& id) {
  if (!random_.chance(500)) return;  // lost, or nobody listens
  const std::uint64_t copies = random_.chance(100) ? 2 : 1;
  for (std::uint64_t i = 0; i < copies; ++i) {
    const auto late = milliseconds(random_.chance(50) ? random_.between(0, 120'000) : random_.between(0, 300));
    webhooks_.push_back({store_clock_.now() + late, line, id});
  }
}

void World::legacy_operation() {
  const std::size_t line = any_line();
  const EntitySpec& entity = entities_[line];
  const std::string id = any_row(entity.type);
  constexpr std::array<std::uint32_t, 6> weights{60, 8, 5, 4, 20, 2};
  const std::size_t what = random_.weighted(weights);
  if (id.empty() || what == 1) return legacy_create(entity);
  const bool may_lose = legacy_may_lose(line);
  switch (what) {
    case 0:
      legacy_edit(entity, id);
      return webhook(line, id);
    case 2:
      trace("user deletes " + entity.entity + " " + id);
      system_.user_delete(entity.type, id, may_lose);
      return webhook(line, id);
    case 3: {
      const std::string gone = any_row(entity.type, true);
      if (gone.empty() || !profile_.habits.capabilities.can_restore) return;
      trace("user restores " + entity.entity + " " + gone);
      system_.user_restore(entity.type, gone, may_lose);
      return;
    }
    case 4:
      return legacy_rare(entity, id);
    default:
      return bulk_import(entity);
  }
}

void World::legacy_create(const EntitySpec& entity) {
  std::size_t living = 0;
  for (const auto& [id, row] : system_.table(entity.type).rows) living += row.deleted ? 0 : 1;
  if (living > kPopulation) return;
  std::vector<const FieldSpec*> fields;
  for (const FieldSpec& field : entity.fields) {
    if (field.required || random_.chance(500)) fields.push_back(&field);
  }
  std::size_t line = 0;
  while (&entities_[line] != &entity) ++line;
  // The row exists from the first of its fields on; what refers to nothing yet is not made.
  for (const FieldSpec* field : fields) {
    if (field->required && field->kind == FieldSpec::Kind::reference && any_row(entities_[0].type).empty()) return;
  }
  const bool may_lose = legacy_may_lose(line);
  const std::string id = system_.user_create(
      entity.type, fields, [&](const FieldSpec& field) { return legacy_value(field); }, may_lose);
  trace("user creates " + entity.entity + " " + id);
  webhook(line, id);
}

void World::legacy_edit(const EntitySpec& entity, const std::string& id) {
  const FieldSpec& field = entity.fields[random_.below(entity.fields.size())];
  std::size_t line = 0;
  while (&entities_[line] != &entity) ++line;
  const bool clears = random_.chance(field.required ? 10 : 80);
  system_.unlock(entity.type, id);
  Json value = clears ? Json() : legacy_value(field);
  if (value.is_null() && field.kind == FieldSpec::Kind::reference && field.required) return;
  const bool stamped = !profile_.unstamped || !random_.chance(40);
  trace("user edits " + entity.entity + " " + id + ": " + field.name + " = " + value.dump());
  system_.user_edit(entity.type, id, {{field.name, std::move(value)}}, legacy_may_lose(line),
                    stamped ? SimLegacy::Stamp::now : SimLegacy::Stamp::none);
}

void World::legacy_rare(const EntitySpec& entity, const std::string& id) {
  std::size_t line = 0;
  while (&entities_[line] != &entity) ++line;
  const bool may_lose = legacy_may_lose(line);
  constexpr std::array<std::uint32_t, 4> weights{8, 6, 2, 1};
  switch (random_.weighted(weights)) {
    case 0:
      if (!profile_.late_commits) return;
      trace("user begins a late edit of " + entity.entity + " " + id);
      return system_.begin_late_edit(entity.type, id, {"name", Json()}, may_lose,
                                     milliseconds(random_.between(0, random_.chance(100) ? 30'000 : 3'000)));
    case 1:
      trace("automation rewrites " + entity.entity + " " + id);
      return system_.rewrite(entity.type, id, "name", random_.chance(500));
    case 2: {
      const std::string winner = any_row(entity.type);
      if (entity.entity != "account" || winner == id) return;
      trace("admin merges " + id + " into " + winner);
      return system_.user_merge(entity.type, id, winner, may_lose);
    }
    default: {
      const FieldSpec& field = entity.fields[random_.below(entity.fields.size())];
      if (field.required) return;
      const bool is_gone = system_.table(entity.type).hidden.contains(field.legacy_name);
      trace("admin " + std::string(is_gone ? "brings back" : "removes") + " the field " + field.legacy_name);
      return is_gone ? system_.bring_back_field(entity.type, field.legacy_name)
                     : system_.remove_field(entity.type, field.legacy_name);
    }
  }
}

// Many rows with one stamp: more than a page holds.
void World::bulk_import(const EntitySpec& entity) {
  trace("bulk import of " + entity.entity);
  for (int i = 0; i < 8; ++i) legacy_create(entity);
  std::vector<std::string> ids;
  for (const auto& [id, row] : system_.table(entity.type).rows) {
    if (!row.deleted) ids.push_back(id);
  }
  for (const std::string& id : ids) {
    if (random_.chance(700)) legacy_edit(entity, id);
  }
}

// The same account is made on both sides before either knows of the other.
void World::twins() {
  const EntitySpec& entity = entities_[0];
  const EditId token = ledger_.next_token();
  const std::string code = "twin ~" + digits(token + 1) + "~";
  const FieldSpec* fields[] = {entity.field("code"), entity.field("name")};
  const auto value = [&](const FieldSpec& field) { return field.name == "code" ? Json(code) : legacy_value(field); };
  system_.user_create(entity.type, {fields[0], fields[1]}, value, legacy_may_lose(0));
  Json data{{"code", code}, {"name", "name ~" + digits(ledger_.next_token() + 2) + "~"}};
  const auto made = store_.create_record(entity.entity, new_uuid(), std::move(data), "agent:planner");
  if (!made) return;
  trace("twins are born");
  const ThingId thing = judge_->thing_of_record(made->id, entity.entity);
  ledger_.edit(thing, kAlive, Where::modern, false, time_.elapsed(), modern_may_lose(0));
  ledger_.edit(thing, "code", Where::modern, false, time_.elapsed(), modern_may_lose(0), token + 1);
  ledger_.edit(thing, "name", Where::modern, false, time_.elapsed(), modern_may_lose(0));
}

void World::modern_operation() {
  const std::size_t line = any_line();
  const EntitySpec& entity = entities_[line];
  const Record* record = any_record(entity.entity);
  constexpr std::array<std::uint32_t, 5> weights{70, 9, 4, 2, 2};
  const std::size_t what = random_.weighted(weights);
  if (what == 4) return twins();
  if (record == nullptr || what == 1) return modern_create(entity);
  if (what == 0) return modern_edit(entity, *record);
  if (what == 2) return modern_delete(*record);
  if (const Record* gone = any_record(entity.entity, true)) modern_restore(*gone);
}

void World::modern_create(const EntitySpec& entity) {
  std::size_t living = 0;
  for (const auto& [id, record] : store_.all_records()) living += record.entity == entity.entity && !record.deleted;
  if (living > kPopulation) return;
  // The record and its edits get their tokens in this order: alive first, then the tracked fields by name.
  std::map<std::string, const FieldSpec*> fields;
  for (const FieldSpec& field : entity.fields) {
    if (field.required || random_.chance(500)) fields[field.name] = &field;
  }
  const std::string id = new_uuid();
  std::size_t line = 0;
  while (&entities_[line] != &entity) ++line;
  const bool may_lose = modern_may_lose(line);
  Json data = Json::object();
  for (const auto& [name, field] : fields) {
    if (field->kind != FieldSpec::Kind::reference) continue;
    Json value = modern_value(*field);
    if (value.is_null() && field->required) return;
    if (!value.is_null()) data[name] = std::move(value);
  }
  const ThingId thing = judge_->thing_of_record(id, entity.entity);
  ledger_.edit(thing, kAlive, Where::modern, false, time_.elapsed(), may_lose);
  if (!data.empty()) ledger_.untracked_edit(thing, Where::modern);  // may cross later than the rest
  for (const auto& [name, field] : fields) {
    if (field->kind == FieldSpec::Kind::reference) continue;
    data[name] = modern_value(*field);
    if (field->kind == FieldSpec::Kind::choice) continue;
    ledger_.edit(thing, name, Where::modern, false, time_.elapsed(),
                 may_lose || field->direction == sync::Direction::to_modern);
  }
  trace("agent creates " + entity.entity + " " + id);
  (void)store_.create_record(entity.entity, id, std::move(data), "agent:planner");
  nudge_all();
}

void World::modern_edit(const EntitySpec& entity, const Record& record) {
  const FieldSpec& field = entity.fields[random_.below(entity.fields.size())];
  const bool clears = !field.required && random_.chance(80);
  const Json value = clears ? Json() : modern_value(field);
  if (value.is_null() && field.required) return;
  std::size_t line = 0;
  while (&entities_[line] != &entity) ++line;
  if (value.is_null() && !record.data.contains(field.name)) return;
  const ThingId thing = judge_->thing_of_record(record.id, entity.entity);
  // A second look: agents send the version that they have read.
  const auto written = store_.patch_record(record.id, record.version, Json{{field.name, value}}, "agent:planner");
  if (!written) return;
  trace("agent edits " + entity.entity + " " + record.id + ": " + field.name + " = " + value.dump());
  if (field.kind == FieldSpec::Kind::text || field.kind == FieldSpec::Kind::decimal) {
    ledger_.edit(thing, field.name, Where::modern, value.is_null(), time_.elapsed(),
                 modern_may_lose(line) || field.direction == sync::Direction::to_modern);
  } else {
    ledger_.untracked_edit(thing, Where::modern);
  }
  if (random_.chance(700)) nudge_all();
}

void World::modern_delete(const Record& record) {
  const std::string entity = record.entity;
  const std::string id = record.id;
  if (!store_.delete_record(id, record.version, "agent:planner")) return;
  trace("agent deletes " + entity + " " + id);
  std::size_t line = 0;
  while (entities_[line].entity != entity) ++line;
  ledger_.edit(judge_->thing_of_record(id, entity), kAlive, Where::modern, true, time_.elapsed(),
               modern_may_lose(line));
}

void World::modern_restore(const Record& record) {
  const std::string entity = record.entity;
  const std::string id = record.id;
  if (!store_.restore_record(id, record.version, "agent:planner")) return;
  trace("agent restores " + entity + " " + id);
  std::size_t line = 0;
  while (entities_[line].entity != entity) ++line;
  const ThingId thing = judge_->thing_of_record(id, entity);
  ledger_.edit(thing, kAlive, Where::modern, false, time_.elapsed(), modern_may_lose(line));
  for (const auto& [name, value] : store_.record(id)->data.items()) {
    const FieldSpec* field = entities_[line].field(name);
    const EditId token = Ledger::token_of(value);
    if (field == nullptr || token == 0) continue;
    const bool one_way = field->direction == sync::Direction::to_modern;
    ledger_.edit(thing, name, Where::modern, false, time_.elapsed(), modern_may_lose(line) || one_way, token);
  }
}

void World::flip_owner(std::size_t line) {
  constexpr std::array kOwners{sync::Owner::both, sync::Owner::legacy, sync::Owner::modern};
  const sync::Owner owner = kOwners[random_.below(kOwners.size())];
  trace("owner of " + entities_[line].entity + ": " + std::string(sync::to_string(owner)));
  store_.set_owner(stream_ids_[line], owner);
  flipped_at_[line] = store_clock_.now();
  ledger_.owner_changed(entities_[line].entity);
}

void World::ask_for_scan(std::size_t line, const sync::ScanRequest& request) {
  const bool rough = std::exchange(faults_.on, false);
  for (const auto& process : processes_) {
    Member& member = process->members[line];
    if (!member.fence || process->dead || member.stepping) continue;
    if (member.stream->start_scan(*member.fence, request)) trace("a scan is asked for");
    member.wake = {};
    break;
  }
  faults_.on = rough;
}

void World::admin_operation() {
  const std::size_t line = any_line();
  constexpr std::array<std::uint32_t, 8> weights{12, 2, 2, 3, 2, 2, 1, 1};
  switch (random_.weighted(weights)) {
    case 0:
      return answer_some(line);
    case 1:
      return flip_owner(line);
    case 2: {
      const bool paused = store_.stream(stream_ids_[line]).state.paused;
      return store_.set_paused(stream_ids_[line], !paused, "by clara");
    }
    case 3: {
      if (depth_ > 0) return;  // it makes a commit of its own
      constexpr std::array kKinds{sync::ScanState::Kind::sweep, sync::ScanState::Kind::verify,
                                  sync::ScanState::Kind::backfill};
      return ask_for_scan(line, {kKinds[random_.below(kKinds.size())], false, random_.chance(500)});
    }
    case 4:
      if (!profile_.clock_steps) return;
      clock_was_stepped_ = true;
      return legacy_clock_.step(milliseconds(random_.between(-120'000, 120'000)));
    case 5:
      clock_was_stepped_ = true;
      return processes_[random_.below(2)]->clock.step(milliseconds(random_.between(-500, 500)));
    case 6:
      return restore_cursor(line);
    default:
      time_.advance(milliseconds(random_.between(1'000, 40'000)));
  }
}

// While Banyan is stopped, somebody puts an older place in the feed into the database, or none at all.
void World::restore_cursor(std::size_t line) {
  if (depth_ > 0 || !faults_.on) return;
  const bool lost = random_.chance(300);
  const legacy::Cursor now = store_.stream(stream_ids_[line]).state.cursor;
  store_.set_cursor(stream_ids_[line], lost ? legacy::Cursor{} : cursors_[line]);
  cursors_[line] = now;
  trace("the cursor of " + entities_[line].entity + (lost ? " is lost" : " is set back"));
  for (const auto& process : processes_) start(*process);
}

void World::populate() {
  for (int i = 0; i < 12; ++i) legacy_create(entities_[random_.below(entities_.size())]);
  for (int i = 0; i < 4; ++i) modern_create(entities_[random_.below(entities_.size())]);
  const Faults rough = std::exchange(faults_, Faults{});
  for (std::size_t line = 0; line < entities_.size(); ++line) {
    tick(*processes_[0], line);
    ask_for_scan(line, {sync::ScanState::Kind::backfill});
  }
  faults_ = rough;
}

}  // namespace banyan::simulation
