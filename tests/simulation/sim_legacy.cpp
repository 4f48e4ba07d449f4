// SimLegacy as the engine sees it.
#include "tests/simulation/sim_legacy.hpp"

#include <algorithm>
#include <cctype>

namespace banyan::simulation {
namespace {

using legacy::Capabilities;
using legacy::CompareAndSet;
using legacy::CreateIdentity;
using legacy::Cursor;
using legacy::DeleteVisibility;
using legacy::Failure;
using legacy::Feed;
using legacy::Page;
using legacy::Written;

tl::unexpected<Failure> refuse(Failure::Kind kind, std::string message) {
  return tl::unexpected<Failure>(Failure{kind, std::move(message), {}});
}

std::int64_t number(const std::string& text) {
  return text.empty() ? 0 : std::stoll(text);
}

WallTime wall(std::int64_t us) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(microseconds(us)));
}

std::int64_t micros(WallTime time) {
  return std::chrono::duration_cast<microseconds>(time.time_since_epoch()).count();
}

}  // namespace

SimLegacy::SimLegacy(LegacyHabits habits, const std::vector<EntitySpec>& entities, SimClock& clock, Ledger& ledger)
    : habits_(habits), clock_(clock), ledger_(ledger) {
  for (const EntitySpec& entity : entities) tables_[entity.type].entity = &entity;
}

const Capabilities& SimLegacy::capabilities(const std::string&) const {
  return habits_.capabilities;
}

std::int64_t SimLegacy::stamp(const std::string&) const {
  const std::int64_t precision = habits_.capabilities.stamp_precision.count();
  return micros(clock_.wall()) / precision * precision;
}

const LegacyRow* SimLegacy::row(const std::string& type, const std::string& id) const {
  const auto& rows = tables_.at(type).rows;
  const auto found = rows.find(id);
  return found == rows.end() ? nullptr : &found->second;
}

LegacyRow* SimLegacy::live(const std::string& type, const std::string& id) {
  auto& rows = tables_.at(type).rows;
  const auto found = rows.find(id);
  return found == rows.end() || found->second.deleted ? nullptr : &found->second;
}

LegacyRecord SimLegacy::shown(const std::string& type, LegacyRow& row) {
  row.read_by[caller_.process] = ledger_.next_token();
  for (auto& [field, met_by] : row.unproven) met_by.insert(caller_.step);
  const Capabilities& can = habits_.capabilities;
  LegacyRecord record;
  record.id = row.id;
  // Without versions the adapter takes a hash of what it reads, as the declared REST adapter does.
  record.version = can.compare_and_set == CompareAndSet::version
                       ? "v" + std::to_string(row.version)
                       : "h" + std::to_string(std::hash<std::string>{}(row.fields.dump()));
  if (can.feed != Feed::scan_only) record.stamp = wall(row.stamp_us);
  record.deleted = row.deleted;
  record.by_us = can.sees_author && row.by_us;
  if (can.sees_merges) record.merged_into = row.merged_into;
  if (!row.deleted) {
    record.fields = row.fields;
    for (const FieldSpec& field : table(type).entity->fields) {
      if (table(type).hidden.contains(field.legacy_name)) {
        record.fields.erase(field.legacy_name);
      } else if (!record.fields.contains(field.legacy_name)) {
        record.fields[field.legacy_name] = nullptr;
      }
    }
  }
  return record;
}

Answer<Page> SimLegacy::changes(const std::string& type, const Cursor& after, std::size_t limit, Deadline) {
  commit_late_edits(false);
  Table& table = tables_.at(type);
  Page page;
  page.next = after;
  if (hidden_types_.contains(type)) return page;
  limit = std::min(limit, habits_.capabilities.page_limit);
  if (habits_.capabilities.feed == Feed::log) {
    const auto from = static_cast<std::size_t>(number(after.stamp));
    std::size_t at = from;
    for (; at < table.log.size() && page.records.size() < limit; ++at) {
      LegacyRow& row = table.rows.at(table.log[at].second);
      const bool repeats = std::any_of(page.records.begin(), page.records.end(),
                                       [&](const LegacyRecord& record) { return record.id == row.id; });
      if (repeats && !habits_.log_repeats) continue;
      page.records.push_back(shown(type, row));
      page.records.back().cursor = {std::to_string(at + 1), ""};
    }
    page.next = {std::to_string(at), ""};
    page.more = at < table.log.size();
    return page;
  }
  const Cursor begin = after;
  const auto before = [&](const std::pair<std::int64_t, std::string>& entry) {
    const std::int64_t stamp = number(begin.stamp);
    if (entry.first != stamp) return entry.first < stamp;
    return !begin.id.empty() && !IdOrder{}(begin.id, entry.second);
  };
  std::vector<std::pair<std::int64_t, std::string>> rows;
  for (auto entry = table.by_stamp.lower_bound({number(after.stamp), ""}); entry != table.by_stamp.end(); ++entry) {
    if (!before(*entry)) rows.push_back(*entry);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : IdOrder{}(a.second, b.second);
  });
  for (const auto& [stamp, id] : rows) {
    if (page.records.size() == limit) {
      page.more = true;
      break;
    }
    page.records.push_back(shown(type, table.rows.at(id)));
    page.next = {std::to_string(stamp), id};
    page.records.back().cursor = page.next;
  }
  return page;
}

Answer<Cursor> SimLegacy::here(const std::string& type, Deadline) {
  if (habits_.capabilities.feed == Feed::log) return Cursor{std::to_string(table(type).log.size()), ""};
  return Cursor{std::to_string(stamp(type)), ""};
}

Cursor SimLegacy::rewind(const std::string&, const Cursor& cursor, std::chrono::milliseconds overlap) const {
  if (habits_.capabilities.feed == Feed::log || cursor.stamp.empty()) return cursor;
  return {std::to_string(number(cursor.stamp) - std::chrono::microseconds(overlap).count()), ""};
}

std::chrono::milliseconds SimLegacy::distance(const std::string& type, const Cursor& later,
                                              const Cursor& earlier) const {
  if (later.stamp.empty() || earlier.stamp.empty()) return std::chrono::milliseconds(0);
  const auto time = [&](const Cursor& cursor) {
    const std::int64_t value = number(cursor.stamp);
    if (habits_.capabilities.feed != Feed::log) return value;
    const auto& log = table(type).log;
    return value == 0 || log.empty() ? 0 : log[static_cast<std::size_t>(value) - 1].first;
  };
  return std::chrono::milliseconds((time(later) - time(earlier)) / 1000);
}

Answer<Page> SimLegacy::scan(const std::string& type, const std::string& position, std::size_t limit, Deadline) {
  commit_late_edits(false);
  Table& table = tables_.at(type);
  Page page;
  page.next.id = position;
  if (hidden_types_.contains(type)) return page;
  limit = std::min(limit, habits_.capabilities.page_limit);
  for (auto row = position.empty() ? table.rows.begin() : table.rows.upper_bound(position); row != table.rows.end();
       ++row) {
    if (row->second.deleted) continue;
    if (page.records.size() == limit) {
      page.more = true;
      break;
    }
    page.records.push_back(shown(type, row->second));
    page.next.id = row->first;
  }
  return page;
}

Answer<std::vector<LegacyRecord>> SimLegacy::fetch(const std::string& type, std::span<const std::string> ids,
                                                   Deadline) {
  commit_late_edits(false);
  std::vector<LegacyRecord> found;
  if (hidden_types_.contains(type)) return found;
  for (const std::string& id : ids) {
    if (LegacyRow* row = live(type, id)) found.push_back(shown(type, *row));
  }
  return found;
}

std::optional<LegacyRecord> SimLegacy::peek(const std::string& type, const std::string& id) {
  unlock(type, id);
  LegacyRow* row = live(type, id);
  if (row == nullptr) return std::nullopt;
  return shown(type, *row);
}

Answer<Written> SimLegacy::create(const std::string& type, const Json& fields, const legacy::CreateMark& mark,
                                  Deadline) {
  Table& table = tables_.at(type);
  const Capabilities& can = habits_.capabilities;
  const std::string id = can.create_identity == CreateIdentity::chosen_id ? mark.record_id : new_id();
  if (const LegacyRow* there = row(type, id); there != nullptr && (!there->deleted || !can.can_restore)) {
    return refuse(Failure::Kind::duplicate, "the id exists");
  }
  if (can.create_identity == CreateIdentity::external_key && habits_.external_key_unique) {
    for (const auto& [other, there] : table.rows) {
      if (!there.deleted && there.external_key == mark.record_id) {
        return refuse(Failure::Kind::duplicate, "the key exists");
      }
    }
  }
  for (const auto& [name, value] : fields.items()) {
    if (value.is_string() && value.get_ref<const std::string&>().find('!') != std::string::npos) {
      return refuse(Failure::Kind::rejected, name + " may hold no exclamation mark");
    }
    if (table.hidden.contains(name)) return refuse(Failure::Kind::rejected, "there is no field " + name);
  }
  LegacyRow made;
  made.id = id;
  made.thing = thing_of_record(mark.record_id);
  made.created_by_us = true;
  if (can.create_identity == CreateIdentity::external_key) made.external_key = mark.record_id;
  LegacyRow& row = table.rows[id] = std::move(made);
  row.created_us = stamp(type);
  overwrite(type, row, fields);
  for (const FieldSpec& field : table.entity->fields) {  // what was not given is empty, and whoever looks sees that
    const bool hidden = table.hidden.contains(field.legacy_name);
    if (hidden) {
      ledger_.not_proven(ledger_.current(row.thing, field.name, Where::legacy));  // of the row before
      ledger_.untracked_edit(row.thing, Where::modern);                           // it could not be sent
      ledger_.begins_empty(row.thing, field.name, Where::legacy);
    }
    const bool given = hidden || fields.contains(field.legacy_name);
    if (!given && field.direction != sync::Direction::to_modern)
      (void)ledger_.engine_wrote(row.thing, field.name, Where::legacy, Json());
  }
  ledger_.engine_set_alive(row.thing, Where::legacy, true);
  touch(type, row, true, stamp(type));
  ++engine_writes_;
  const bool versioned = can.compare_and_set == CompareAndSet::version;
  return Written{id, versioned ? "v" + std::to_string(row.version) : std::string(), std::nullopt};
}

Answer<Written> SimLegacy::update(const std::string& type, const std::string& id, const Json& fields, const Json& whole,
                                  const std::string& expected, Deadline) {
  unlock(type, id);
  LegacyRow* row = live(type, id);
  if (row == nullptr) return refuse(Failure::Kind::missing, "there is no such record");
  const bool compares = habits_.capabilities.compare_and_set == CompareAndSet::version;
  if (compares && !expected.empty() && expected != "v" + std::to_string(row->version)) {
    return refuse(Failure::Kind::stale, "the record has changed");
  }
  const Json& given = habits_.capabilities.partial_update ? fields : whole;
  for (const auto& [name, value] : given.items()) {
    const bool refused = value.is_string() && value.get_ref<const std::string&>().find('!') != std::string::npos;
    if (refused) return refuse(Failure::Kind::rejected, name + " may hold no exclamation mark");
    if (fields.contains(name) && table(type).hidden.contains(name)) {
      return refuse(Failure::Kind::rejected, "there is no field " + name);
    }
  }
  overwrite(type, *row, given);
  touch(type, *row, true, stamp(type));
  ++engine_writes_;
  return Written{id, compares ? "v" + std::to_string(row->version) : std::string(), std::nullopt};
}

Answer<void> SimLegacy::remove(const std::string& type, const std::string& id, const std::string& expected, Deadline) {
  unlock(type, id);
  LegacyRow* row = live(type, id);
  if (row == nullptr) return refuse(Failure::Kind::missing, "there is no such record");
  const bool compares = habits_.capabilities.compare_and_set == CompareAndSet::version;
  if (compares && !expected.empty() && expected != "v" + std::to_string(row->version)) {
    return refuse(Failure::Kind::stale, "the record has changed");
  }
  // Of a thing with two rows nobody can tell which of them an edit was meant for.
  const auto unseen = ledger_.doubles(row->thing) ? std::vector<std::pair<std::string, EditId>>{}
                                                  : ledger_.unseen_legacy_edits(row->thing);
  for (const auto& [field, edit] : unseen) {
    if (!was_hidden(table(type), table(type).entity->field(field)->legacy_name))
      judge_unseen(type, *row, edit, "deleted");
  }
  violate(ledger_.engine_set_alive(row->thing, Where::legacy, false));
  drop(type, *row, {});
  row->by_us = true;
  cascade(type, id);
  ++engine_writes_;
  return {};
}

Answer<std::vector<LegacyRecord>> SimLegacy::find(const std::string& type, const legacy::CreateMark& mark, Deadline) {
  commit_late_edits(false);
  std::vector<LegacyRecord> found;
  const std::int64_t precision = habits_.capabilities.stamp_precision.count();
  const std::int64_t since = micros(mark.since) / precision * precision;
  for (auto& [id, row] : tables_.at(type).rows) {
    if (row.deleted) continue;
    bool is_it = false;
    switch (habits_.capabilities.create_identity) {
      case CreateIdentity::chosen_id:
        is_it = id == mark.record_id;
        break;
      case CreateIdentity::external_key:
        is_it = row.external_key == mark.record_id;
        break;
      case CreateIdentity::search:
        is_it = row.created_by_us && row.created_us >= since;
        break;
    }
    if (is_it) found.push_back(shown(type, row));
  }
  return found;
}

Answer<std::vector<std::string>> SimLegacy::deleted_since(const std::string& type, const Cursor& since, Deadline) {
  std::vector<std::string> ids;
  if (habits_.capabilities.deletes != DeleteVisibility::history) return ids;
  for (const auto& [when, id] : table(type).deletes) {
    if (when >= number(since.stamp)) ids.push_back(id);
  }
  return ids;
}

Answer<std::vector<legacy::FieldDescription>> SimLegacy::describe(const std::string& type, Deadline) {
  std::vector<legacy::FieldDescription> fields;
  for (const FieldSpec& field : table(type).entity->fields) {
    if (table(type).hidden.contains(field.legacy_name)) continue;
    legacy::FieldDescription description;
    description.name = field.legacy_name;
    description.type = field.kind == FieldSpec::Kind::reference ? "link" : "char";
    description.required = field.required;
    for (const auto& choice : field.choices) description.choices.push_back(choice.second);
    fields.push_back(std::move(description));
  }
  return fields;
}

Answer<WallTime> SimLegacy::now(Deadline) {
  return clock_.wall();
}

}  // namespace banyan::simulation
