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

// All that one transaction writes is of one time. A whole shows life by a version that comes from the legacy system,
// and by being made or brought back; an edit on the modern side says nothing of the legacy one. OFFSET 0 keeps the
// history from being read for all that was ever deleted: it is asked for each record by its key.
constexpr const char* kGoneWith = R"sql(
WITH wholes AS MATERIALIZED (
  SELECT gone.id, gone.version, w.at, w.side, w.author
  FROM unnest($3::uuid[], $4::bigint[]) AS gone (id, version)
  CROSS JOIN LATERAL (SELECT * FROM banyan.record_history w
                      WHERE w.entity = $2 AND w.id = gone.id AND w.version = gone.version AND w.kind = 'remove'
                      OFFSET 0) w
)
SELECT p.id FROM wholes w
JOIN banyan.record p ON p.entity = $1 AND p.deleted AND p.merged_into IS NULL
  AND (p.data->>'FIELD') COLLATE "C" = w.id::text
CROSS JOIN LATERAL (SELECT * FROM banyan.record_history h
                    WHERE h.entity = p.entity AND h.id = p.id AND h.version = p.version AND h.kind = 'remove'
                    OFFSET 0) h
WHERE h.at >= w.at
  OR (h.side = 'legacy' AND w.side = 'legacy' AND h.author = w.author AND h.at >= w.at - $5::interval
      AND NOT EXISTS (SELECT FROM banyan.record_history s
                      WHERE s.entity = $2 AND s.id = w.id AND s.version < w.version AND s.at > h.at
                        AND (s.side = 'legacy' OR s.kind <> 'update')))
ORDER BY p.id LIMIT $6)sql";

using Named = std::set<std::pair<std::string, std::string>>;  // entity and id

// Those of the records referred to that are live, and stay so until the transaction ends.
Named live_among(store::Transaction& tx, const std::vector<Changed>& references) {
  Named named;
  for (const Changed& reference : references) named.emplace(reference.field->target, reference.id);
  if (named.empty()) return named;
  ArrayText entities;
  ArrayText ids;
  for (const auto& [entity, id] : named) {
    entities.add(entity);
    ids.add(id);
  }
  Named live;
  for (const auto& row : tx.exec_params(kLive, entities.finish(), ids.finish())) {
    live.emplace(row[0].c_str(), row[1].c_str());
  }
  return live;
}

std::vector<FieldFault> faults_of(store::Transaction& tx, const Entity& entity, const std::string& id,
                                  const std::vector<Changed>& changed, const Named& live) {
  std::vector<FieldFault> faults;
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

bool is_part(const Entity& entity, const Field& field) {
  return std::ranges::any_of(entity.relations, [&](const Relation& relation) {
    return relation.kind == Relation::Kind::part_of && relation.field == field.name;
  });
}

}  // namespace

std::vector<FieldFault> faults_of_references(store::Transaction& tx, const Entity& entity, const std::string& id,
                                             const Json& from, const Json& to) {
  const std::vector<Changed> changed = changed_references(entity, from, to);
  return faults_of(tx, entity, id, changed, live_among(tx, changed));
}

std::vector<std::vector<FieldFault>> faults_of_references(store::Transaction& tx, const Entity& entity,
                                                          std::span<const Record> records) {
  std::vector<std::vector<Changed>> references;
  std::vector<Changed> all;
  for (const Record& record : records) {
    references.push_back(changed_references(entity, Json::object(), record.data));
    all.insert(all.end(), references.back().begin(), references.back().end());
  }
  const Named live = live_among(tx, all);
  std::vector<std::vector<FieldFault>> faults;
  for (std::size_t i = 0; i < records.size(); ++i) {
    faults.push_back(faults_of(tx, entity, records[i].id, references[i], live));
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

std::vector<Referrer> parts_gone_with(store::Transaction& tx, const Ontology& ontology, std::span<const Record> wholes,
                                      std::size_t limit) {
  std::vector<Referrer> gone;
  for (const Entity& other : ontology.entities()) {
    for (const Field& field : other.fields()) {
      if (!is_part(other, field)) continue;
      ArrayText ids;
      ArrayText versions;
      bool any = false;
      for (const Record& whole : wholes) {
        if (whole.entity != field.target) continue;
        ids.add(whole.id);
        versions.add_number(whole.version);
        any = true;
      }
      if (!any) continue;
      const auto rows =
          tx.exec_params(on_field(kGoneWith, field.name), other.name, field.target, ids.finish(), versions.finish(),
                         std::to_string(kNoticedTogether.count()) + " hours", static_cast<std::int64_t>(limit));
      for (const auto& row : rows) gone.push_back({other.name, row[0].c_str()});
    }
  }
  return gone;
}

}  // namespace banyan::records
