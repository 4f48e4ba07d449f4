// FakeLegacy: a legacy system in memory, for tests of streams. It has a feed in commit order (or of stamps, which count
// seconds, if `abilities` say so), versions and chosen ids.
#pragma once

#include <atomic>
#include <cstdio>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "adapters/legacy/legacy_system.hpp"

namespace banyan::test {

class FakeLegacy final : public legacy::LegacySystem {
public:
  using Json = legacy::Json;

  // By staff: the feed tells of it.
  void put(const std::string& type, const std::string& id, Json fields) {
    const std::lock_guard lock(mutex_);
    types_[type][id] = {std::move(fields), ++version_, ++last_};
  }
  // By staff, but so late that the feed has gone on meanwhile.
  void put_late(const std::string& type, const std::string& id, Json fields, int seconds) {
    const std::lock_guard lock(mutex_);
    types_[type][id] = {std::move(fields), ++version_, last_ - seconds};
  }
  // Behind the feed's back: same stamp, same version.
  void rewrite(const std::string& type, const std::string& id, Json fields) {
    const std::lock_guard lock(mutex_);
    types_[type].at(id).fields = std::move(fields);
  }
  Json get(const std::string& type, const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto& rows = types_.at(type);
    const auto found = rows.find(id);
    return found == rows.end() ? Json() : found->second.fields;
  }
  std::size_t count(const std::string& type) const {
    const std::lock_guard lock(mutex_);
    const auto found = types_.find(type);
    return found == types_.end() ? 0 : found->second.size();
  }

  // Whether scans fail; set before use.
  bool is_down = false;
  legacy::Failure down_with{legacy::Failure::Kind::unavailable, "not reached", {}};
  bool refuses_removals = false;
  std::string fails_at;              // an id: updates of it fail as `down_with` says
  std::atomic<bool> is_away{false};  // the feed cannot be read
  // What describe() answers; set before use.
  std::vector<legacy::FieldDescription> description;
  std::vector<std::string> asked_from;  // the stamps that changes() was asked from
  // What scan() leaves out; set before use.
  std::set<std::string> unlisted;
  // Called at each call, before it does anything; set before use.
  std::function<void(const std::string& call, const std::string& type)> on_call = [](const auto&, const auto&) {};
  legacy::Capabilities abilities = [] {
    legacy::Capabilities can;
    can.ordering = legacy::Ordering::commit;
    can.compare_and_set = legacy::CompareAndSet::version;
    can.create_identity = legacy::CreateIdentity::chosen_id;
    can.page_limit = 2;
    return can;
  }();

  const legacy::Capabilities& capabilities(const std::string&) const override { return abilities; }
  legacy::Answer<legacy::Page> changes(const std::string& type, const legacy::Cursor& after, std::size_t limit,
                                       Deadline) override {
    on_call("changes", type);
    if (is_away) return tl::unexpected(legacy::Failure{legacy::Failure::Kind::unavailable, "away", {}});
    const std::lock_guard lock(mutex_);
    asked_from.push_back(after.stamp);
    std::map<std::string, const std::string*> newer;
    for (const auto& [id, row] : types_[type]) {
      if (stamp(row.changed) > after.stamp) newer[stamp(row.changed)] = &id;
    }
    legacy::Page page;
    page.next = after;
    for (const auto& [at, id] : newer) {
      if (page.records.size() == limit) page.more = true;
      if (page.more) break;
      page.records.push_back(row_of(type, *id));
      page.next = page.records.back().cursor;
    }
    return page;
  }
  legacy::Answer<legacy::Cursor> here(const std::string&, Deadline) override {
    const std::lock_guard lock(mutex_);
    return legacy::Cursor{stamp(last_), ""};
  }
  legacy::Cursor rewind(const std::string&, const legacy::Cursor& cursor,
                        std::chrono::milliseconds overlap) const override {
    return {stamp(std::stoi(cursor.stamp) - static_cast<int>(overlap.count() / 1000)), ""};
  }
  std::chrono::milliseconds distance(const std::string&, const legacy::Cursor& later,
                                     const legacy::Cursor& earlier) const override {
    if (later.stamp.empty() || earlier.stamp.empty()) return std::chrono::milliseconds(0);
    return std::chrono::seconds(std::stoi(later.stamp) - std::stoi(earlier.stamp));
  }
  legacy::Answer<legacy::Page> scan(const std::string& type, const std::string& position, std::size_t limit,
                                    Deadline) override {
    on_call("scan", type);
    if (is_down) return tl::unexpected(down_with);
    const std::lock_guard lock(mutex_);
    legacy::Page page;
    const auto& rows = types_[type];
    for (auto at = rows.upper_bound(position); at != rows.end(); ++at) {
      if (page.records.size() == limit) page.more = true;
      if (page.more) break;
      if (unlisted.contains(at->first)) continue;
      page.records.push_back(row_of(type, at->first));
      page.next.id = at->first;
    }
    return page;
  }
  legacy::Answer<std::vector<legacy::LegacyRecord>> fetch(const std::string& type, std::span<const std::string> ids,
                                                          Deadline) override {
    for (const std::string& id : ids) on_call("fetch " + id, type);
    const std::lock_guard lock(mutex_);
    std::vector<legacy::LegacyRecord> found;
    for (const std::string& id : ids) {
      if (types_[type].contains(id)) found.push_back(row_of(type, id));
    }
    return found;
  }
  legacy::Answer<legacy::Written> create(const std::string& type, const Json& fields, const legacy::CreateMark& mark,
                                         Deadline) override {
    on_call("create", type);
    put(type, mark.record_id, fields);
    return legacy::Written{mark.record_id, "", std::nullopt};
  }
  legacy::Answer<legacy::Written> update(const std::string& type, const std::string& id, const Json& fields,
                                         const Json&, const std::string&, Deadline) override {
    on_call("update " + id, type);
    if (id == fails_at) return tl::unexpected(down_with);
    Json all = get(type, id);
    all.update(fields);
    put(type, id, all);
    return legacy::Written{id, "", std::nullopt};
  }
  legacy::Answer<void> remove(const std::string& type, const std::string& id, const std::string&, Deadline) override {
    on_call("remove " + id, type);
    const std::lock_guard lock(mutex_);
    if (refuses_removals && types_[type].contains(id)) {
      return tl::unexpected(legacy::Failure{legacy::Failure::Kind::rejected, "not this one", {}});
    }
    if (types_[type].erase(id) == 0) {
      return tl::unexpected(legacy::Failure{legacy::Failure::Kind::rejected, "its whole is not there", {}});
    }
    return {};
  }
  // Staff deletes it, or something else does.
  void lose(const std::string& type, const std::string& id) {
    const std::lock_guard lock(mutex_);
    types_[type].erase(id);
  }
  legacy::Answer<std::vector<legacy::LegacyRecord>> find(const std::string& type, const legacy::CreateMark& mark,
                                                         Deadline deadline) override {
    return fetch(type, std::span(&mark.record_id, 1), deadline);
  }
  legacy::Answer<std::vector<std::string>> deleted_since(const std::string&, const legacy::Cursor&, Deadline) override {
    return std::vector<std::string>{};
  }
  legacy::Answer<std::vector<legacy::FieldDescription>> describe(const std::string&, Deadline) override {
    return description;
  }
  legacy::Answer<WallTime> now(Deadline) override { return std::chrono::system_clock::now(); }

private:
  struct Row {
    Json fields;
    int version = 0;
    int changed = 0;  // place in the feed
  };
  static std::string stamp(int number) {
    char text[16];
    std::snprintf(text, sizeof(text), "%09d", number);
    return text;
  }
  legacy::LegacyRecord row_of(const std::string& type, const std::string& id) {
    const Row& row = types_[type].at(id);
    legacy::LegacyRecord record;
    record.id = id;
    record.version = std::to_string(row.version);
    record.fields = row.fields;
    record.cursor = {stamp(row.changed), id};
    return record;
  }

  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, Row>> types_;
  int last_ = 100;
  int version_ = 0;
};

}  // namespace banyan::test
