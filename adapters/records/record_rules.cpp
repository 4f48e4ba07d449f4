#include "adapters/records/record_rules.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "adapters/records/record_rows.hpp"

namespace banyan::records {
namespace {

constexpr const char* kLive = R"sql(
SELECT r.entity, r.id FROM banyan.record r
WHERE (r.entity, r.id) IN (SELECT * FROM unnest($1::text[], $2::uuid[])) AND NOT r.deleted
ORDER BY r.entity, r.id
FOR SHARE)sql";

// Moving two records below each other at the same time would look right to both.
constexpr const char* kLockHierarchy = "SELECT pg_advisory_xact_lock(hashtextextended('banyan.hierarchy.' || $1, 0))";

struct Changed {
  const Field* field;
  std::string id;
};

std::vector<Changed> changed_references(const Entity& entity, const Json& from, const Json& to) {
  std::vector<Changed> changed;
  for (const Field& field : entity.fields()) {
    if (field.type != FieldType::reference || !to.contains(field.name)) continue;
    const Json& value = to[field.name];
    const auto before = from.find(field.name);
    if (before == from.end() || *before != value) changed.push_back({&field, value.get<std::string>()});
  }
  return changed;
}

// The statement's "FIELD" stands for the reference field that carries the hierarchy.
std::string on_field(std::string statement, const std::string& field) {
  const std::string mark = "FIELD";
  for (auto at = statement.find(mark); at != std::string::npos; at = statement.find(mark, at)) {
    statement.replace(at, mark.size(), field);
  }
  return statement;
}

// From the new parent upwards: how many levels there are, and whether the record itself is among them.
constexpr const char* kAbove = R"sql(
WITH RECURSIVE above (id, level) AS (
  SELECT $2::uuid, 1
  UNION ALL
  SELECT (r.data->>'FIELD')::uuid, level + 1
  FROM above JOIN banyan.record r ON r.entity = $1 AND r.id = above.id
  WHERE r.data->>'FIELD' IS NOT NULL AND level <= $4 AND above.id <> $3::uuid
)
SELECT max(level), bool_or(id = $3::uuid) FROM above)sql";

// From the record downwards: how many levels hang below it.
constexpr const char* kBelow = R"sql(
WITH RECURSIVE below (id, level) AS (
  SELECT $2::uuid, 0
  UNION ALL
  SELECT r.id, level + 1
  FROM below JOIN banyan.record r
    ON r.entity = $1 AND NOT r.deleted AND (r.data->>'FIELD') COLLATE "C" = below.id::text AND level <= $3
)
SELECT max(level) FROM below)sql";

void check_hierarchy(store::Transaction& tx, const Entity& entity, const Relation& relation, const std::string& id,
                     const Changed& changed, std::vector<FieldFault>& faults) {
  tx.exec_params(kLockHierarchy, entity.name);
  const auto depth = static_cast<int>(relation.max_depth);
  const auto above = tx.exec_params1(on_field(kAbove, relation.field), entity.name, changed.id, id, depth);
  if (above[1].as<bool>()) {
    faults.push_back({relation.field, "a record below this one", "a record that does not stand below it", ""});
    return;
  }
  const int levels_above = above[0].as<int>();
  const int levels_below =
      levels_above > depth ? 0 : tx.exec_params1(on_field(kBelow, relation.field), entity.name, id, depth)[0].as<int>();
  if (levels_above + levels_below > depth) {
    faults.push_back({relation.field, "a place too deep in the hierarchy",
                      "at most " + std::to_string(depth) + " levels below the top", ""});
  }
}

std::vector<Referrer> referring_records(store::Transaction& tx, const std::string& entity, const std::string& field,
                                        const std::string& id, std::size_t limit) {
  const std::string sql = "SELECT r.id FROM banyan.record r WHERE r.entity = $1 AND NOT r.deleted AND (r.data->>'" +
                          field + "') COLLATE \"C\" = $2 ORDER BY r.id LIMIT " + std::to_string(limit);
  std::vector<Referrer> found;
  for (const auto& row : tx.exec_params(sql, entity, id)) found.push_back({entity, row[0].c_str()});
  return found;
}

bool is_part(const Entity& entity, const Field& field) {
  return std::ranges::any_of(entity.relations, [&](const Relation& relation) {
    return relation.kind == Relation::Kind::part_of && relation.field == field.name;
  });
}

}  // namespace

std::vector<FieldFault> faults_of_references(store::Transaction& tx, const Entity& entity, const std::string& id,
                                             const Json& from, const Json& to) {
  std::vector<FieldFault> faults;
  const std::vector<Changed> changed = changed_references(entity, from, to);
  if (changed.empty()) return faults;
  ArrayText entities;
  ArrayText ids;
  for (const Changed& reference : changed) {
    entities.add(reference.field->target);
    ids.add(reference.id);
  }
  std::set<std::pair<std::string, std::string>> live;
  for (const auto& row : tx.exec_params(kLive, entities.finish(), ids.finish())) {
    live.emplace(row[0].c_str(), row[1].c_str());
  }
  for (const Changed& reference : changed) {
    const Field& field = *reference.field;
    const Relation* hierarchy = entity.hierarchy(field.name);
    if (hierarchy != nullptr && reference.id == id) {
      faults.push_back({field.name, "the record itself", "another record of " + field.target, ""});
    } else if (!live.contains({field.target, reference.id})) {
      faults.push_back({field.name, "\"" + reference.id + "\"", "the id of a live record of " + field.target, ""});
    } else if (hierarchy != nullptr) {
      check_hierarchy(tx, entity, *hierarchy, id, reference, faults);
    }
  }
  return faults;
}

Referrers referrers_of(store::Transaction& tx, const Ontology& ontology, const std::string& entity,
                       const std::string& id, std::size_t limit) {
  Referrers out;
  for (const Entity& other : ontology.entities()) {
    for (const Field& field : other.fields()) {
      if (field.target != entity) continue;
      const auto found = referring_records(tx, other.name, field.name, id, limit);
      std::vector<Referrer>& to = is_part(other, field) ? out.parts : out.others;
      to.insert(to.end(), found.begin(), found.end());
    }
  }
  return out;
}

}  // namespace banyan::records
