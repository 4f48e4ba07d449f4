#include "adapters/records/record_store.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <utility>

#include "adapters/records/record_restore.hpp"
#include "adapters/records/record_rows.hpp"
#include "adapters/records/record_rules.hpp"
#include "adapters/records/record_writer.hpp"
#include "adapters/records/text_forms.hpp"

namespace banyan::records {
namespace {

constexpr std::size_t kMostParts = 1'000;
constexpr std::size_t kMostPartsRestored = 20'000;  // the legacy side may have deleted any number
constexpr std::size_t kReferrersNamed = 5;

// Ends a transaction with what went wrong.
struct Refused {
  RecordError error;
};

[[noreturn]] void refuse(ErrorCode code, std::string message) {
  throw Refused{{{code, std::move(message), {}}, {}, std::nullopt}};
}

[[noreturn]] void refuse(std::vector<FieldFault> faults) {
  throw Refused{{{ErrorCode::invalid_argument, "Some fields are not as they must be.", {}}, std::move(faults), {}}};
}

[[noreturn]] void refuse_parts(std::size_t most) {
  refuse(ErrorCode::too_large, "The record has more than " + std::to_string(most) + " parts.");
}

std::string name_of(const std::string& entity, const std::string& id) {
  return entity + " " + id;
}

std::string checked_id(const std::string& entity, const std::string& id) {
  const auto canonical = canonical_uuid(id);
  if (!canonical) refuse(ErrorCode::not_found, "There is no record " + yaml::in_quotes(id) + " of " + entity + ".");
  return *canonical;
}

Record existing(store::Transaction& tx, const std::string& entity, const std::string& id, Lock lock) {
  const std::array ids{checked_id(entity, id)};
  std::vector<Record> found = read_records(tx, entity, ids, lock);
  if (found.empty()) refuse(ErrorCode::not_found, "There is no record " + name_of(entity, id) + ".");
  return std::move(found.front());
}

void require_live(const Record& record) {
  if (!record.deleted) return;
  std::string message = "The record " + name_of(record.entity, record.id) + " was deleted.";
  if (!record.merged_into.empty()) {
    message = "The record " + name_of(record.entity, record.id) + " was merged into " + record.merged_into + ".";
  }
  throw Refused{{{ErrorCode::gone, std::move(message), {}}, {}, record}};
}

void require_version(const Record& record, std::optional<std::int64_t> expected) {
  if (!expected || *expected == record.version) return;
  throw Refused{{{ErrorCode::precondition_failed,
                  "The record has changed since: its version is " + std::to_string(record.version) + ".",
                  {}},
                 {},
                 record}};
}

// The data after the patch; every fault of the patch is reported. Fields that it leaves alone are not its matter.
Json patched(const Entity& entity, const Json& data, const Json& patch) {
  if (!patch.is_object()) refuse({{"", "no object", "an object of the fields to change", ""}});
  std::vector<FieldFault> faults;
  Json out = data;
  for (const auto& [name, value] : patch.items()) {
    auto canonical = canonical_field(entity, name, value);
    if (!canonical) {
      faults.push_back(std::move(canonical.error()));
    } else if (!is_empty(*canonical)) {
      out[name] = std::move(*canonical);
    } else if (entity.field(name)->required) {
      faults.push_back({name, "nothing", "a value: the field is required", ""});
    } else {
      out.erase(name);
    }
  }
  if (!faults.empty()) refuse(std::move(faults));
  return out;
}

Record written(store::Transaction& tx, const std::vector<RecordWrite>& writes) {
  write_records(tx, writes);
  const Record& first = writes.front().record;
  return existing(tx, first.entity, first.id, Lock::none);
}

}  // namespace

RecordStore::RecordStore(store::Database& database, const Ontology& ontology, RecordIds& ids)
    : database_(database), ontology_(ontology), ids_(ids) {}

template <typename T>
RecordResult<T> RecordStore::run(Deadline deadline, const std::function<T(store::Transaction&)>& fn) {
  try {
    auto done = database_.transact<T>(deadline, fn);
    if (!done) return tl::unexpected(RecordError{std::move(done.error()), {}, std::nullopt});
    return std::move(*done);
  } catch (Refused& refused) {
    return tl::unexpected(std::move(refused.error));
  } catch (const VersionConflict& conflict) {
    return tl::unexpected(RecordError{
        {ErrorCode::conflict, "The record " + name_of(conflict.entity(), conflict.id()) + " exists already.", {}},
        {},
        std::nullopt});
  }
}

const Entity& RecordStore::known(const std::string& entity) const {
  const Entity* found = ontology_.find(entity);
  if (found == nullptr) refuse(ErrorCode::not_found, "There is no entity " + yaml::in_quotes(entity) + ".");
  return *found;
}

RecordWrite RecordStore::change(RecordWrite::Kind kind, const Record& before, const Author& author) const {
  RecordWrite write;
  write.kind = kind;
  write.record = before;
  write.record.version = before.version + 1;
  write.changed = Json::object();
  write.author = author;
  return write;
}

RecordResult<Record> RecordStore::create(const std::string& entity, const Json& data, const Author& author,
                                         Deadline deadline, const std::string& id) {
  return run<Record>(deadline, [&](store::Transaction& tx) {
    const Entity& known_entity = known(entity);
    auto canonical = canonicalise(known_entity, data);
    if (!canonical) refuse(std::move(canonical.error()));
    const auto chosen = canonical_uuid(id);
    if (!id.empty() && !chosen) refuse({{"id", yaml::in_quotes(id), "a UUID", ""}});
    RecordWrite write;
    write.kind = RecordWrite::Kind::insert;
    write.record.entity = entity;
    write.record.id = chosen ? *chosen : ids_.next();
    write.record.version = 1;
    auto faults = faults_of_references(tx, known_entity, write.record.id, Json::object(), *canonical);
    if (!faults.empty()) refuse(std::move(faults));
    write.changed = difference(Json::object(), *canonical);
    write.record.data = std::move(*canonical);
    write.author = author;
    return written(tx, {std::move(write)});
  });
}

RecordResult<Record> RecordStore::get(const std::string& entity, const std::string& id, Deadline deadline,
                                      Tombstones tombstones) {
  return run<Record>(deadline, [&](store::Transaction& tx) {
    Record record = existing(tx, known(entity).name, id, Lock::none);
    if (tombstones == Tombstones::refused) require_live(record);
    return record;
  });
}

RecordResult<RecordPage> RecordStore::list(const std::string& entity, const ListQuery& query, Deadline deadline) {
  return run<RecordPage>(deadline, [&](store::Transaction& tx) {
    const Entity& known_entity = known(entity);
    auto select = select_of(known_entity, query);
    if (!select) refuse(std::move(select.error()));
    const pqxx::result rows = tx.exec_params(select->sql, pqxx::prepare::make_dynamic_params(select->parameters));
    RecordPage page;
    for (const auto& row : rows) {
      if (page.records.size() == query.limit) {
        Json keys = Json::array();
        const auto last = rows[static_cast<pqxx::result::size_type>(query.limit - 1)];
        for (std::size_t i = 0; i < query.sort.size(); ++i) {
          const auto key = last[static_cast<pqxx::row::size_type>(kRecordColumnCount + i)];
          keys.push_back(key.is_null() ? Json() : Json(key.c_str()));
        }
        page.next = cursor_after(known_entity, query.sort, keys, page.records.back().id);
        break;
      }
      page.records.push_back(record_of(row));
    }
    return page;
  });
}

RecordResult<Record> RecordStore::patch(const std::string& entity, const std::string& id, const Json& merge_patch,
                                        std::optional<std::int64_t> expected, const Author& author, Deadline deadline) {
  return run<Record>(deadline, [&](store::Transaction& tx) {
    const Entity& known_entity = known(entity);
    Record before = existing(tx, entity, id, Lock::update);
    require_live(before);
    require_version(before, expected);
    Json data = patched(known_entity, before.data, merge_patch);
    if (data == before.data) return before;
    auto faults = faults_of_references(tx, known_entity, before.id, before.data, data);
    if (!faults.empty()) refuse(std::move(faults));
    RecordWrite write = change(RecordWrite::Kind::update, before, author);
    write.changed = difference(before.data, data);
    write.record.data = std::move(data);
    return written(tx, {std::move(write)});
  });
}

// Adds the parts of what is in `writes` to them, and their parts; nothing else may refer to any of them.
void RecordStore::remove_parts(store::Transaction& tx, const Author& author, std::vector<RecordWrite>& writes) const {
  std::set<std::string> going{writes.front().record.id};
  std::vector<Referrer> others;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const Record whole = writes[i].record;
    const Referrers referrers = referrers_of(tx, ontology_, whole.entity, whole.id, kMostParts);
    others.insert(others.end(), referrers.others.begin(), referrers.others.end());
    for (const Referrer& part : referrers.parts) {
      if (!going.insert(part.id).second) continue;
      if (writes.size() >= kMostParts) refuse_parts(kMostParts);
      const Record before = existing(tx, part.entity, part.id, Lock::update);
      if (before.deleted) continue;
      writes.push_back(change(RecordWrite::Kind::remove, before, author));
      writes.back().record.deleted = true;
    }
  }
  std::erase_if(others, [&](const Referrer& other) { return going.contains(other.id); });
  if (others.empty()) return;
  std::string named;
  for (std::size_t i = 0; i < std::min(others.size(), kReferrersNamed); ++i) {
    named += (i == 0 ? "" : ", ") + name_of(others[i].entity, others[i].id);
  }
  refuse(ErrorCode::conflict,
         "Other records refer to it: " + named + (others.size() > kReferrersNamed ? " and more." : "."));
}

RecordResult<Record> RecordStore::remove(const std::string& entity, const std::string& id,
                                         std::optional<std::int64_t> expected, const Author& author,
                                         Deadline deadline) {
  return run<Record>(deadline, [&](store::Transaction& tx) {
    const Record before = existing(tx, known(entity).name, id, Lock::update);
    require_live(before);
    require_version(before, expected);
    std::vector<RecordWrite> writes{change(RecordWrite::Kind::remove, before, author)};
    writes.front().record.deleted = true;
    remove_parts(tx, author, writes);
    return written(tx, writes);
  });
}

RecordResult<Restored> RecordStore::restore(const std::string& entity, const std::string& id,
                                            std::optional<std::int64_t> expected, const Author& author,
                                            Deadline deadline) {
  return run<Restored>(deadline, [&](store::Transaction& tx) {
    const Entity& known_entity = known(entity);
    const Record before = existing(tx, entity, id, Lock::update);
    require_version(before, expected);
    if (!before.deleted) return Restored{before, {}};
    auto faults = faults_of_references(tx, known_entity, before.id, Json::object(), before.data);
    if (!faults.empty()) refuse(std::move(faults));
    Record record = written(tx, {revival(before, author)});
    auto parts = restore_parts(tx, ontology_, author, before, kMostPartsRestored);
    if (!parts) refuse_parts(kMostPartsRestored);
    return Restored{std::move(record), std::move(*parts)};
  });
}

RecordResult<HistoryPage> RecordStore::history(const std::string& entity, const std::string& id, std::int64_t before,
                                               std::size_t limit, Deadline deadline) {
  static constexpr const char* kHistory = R"sql(
SELECT version, (extract(epoch FROM at) * 1000000)::bigint, side, author, kind, changed FROM banyan.record_history
WHERE entity = $1 AND id = $2::uuid AND ($3::bigint = 0 OR version < $3::bigint) ORDER BY version DESC LIMIT $4)sql";
  return run<HistoryPage>(deadline, [&](store::Transaction& tx) {
    if (limit < 1 || limit > kLargestPage) {
      refuse({{"limit", std::to_string(limit), "a number from 1 to " + std::to_string(kLargestPage), ""}});
    }
    const Record record = existing(tx, known(entity).name, id, Lock::none);
    HistoryPage page;
    for (const auto& row : tx.exec_params(kHistory, entity, record.id, before, static_cast<std::int64_t>(limit + 1))) {
      if (page.entries.size() == limit) {
        page.next = page.entries.back().version;
        break;
      }
      page.entries.push_back({row[0].as<std::int64_t>(), wall_time(row[1].as<std::int64_t>()), row[2].c_str(),
                              row[3].c_str(), row[4].c_str(), Json::parse(row[5].c_str())});
    }
    return page;
  });
}

}  // namespace banyan::records
