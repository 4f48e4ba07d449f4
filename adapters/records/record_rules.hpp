// The rules between records that an entity's references and relations ask for. Internal to RecordStore.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "adapters/records/canonicalise.hpp"
#include "adapters/records/ontology.hpp"
#include "adapters/records/record.hpp"
#include "gateway/store/database.hpp"

namespace banyan::records {

// What is wrong with the references that `to` has and `from` has not: they must name live records, which stay locked
// until the transaction ends, and a hierarchy must stay a tree of at most its depth. `id`: of the record itself.
std::vector<FieldFault> faults_of_references(store::Transaction& tx, const Entity& entity, const std::string& id,
                                             const Json& from, const Json& to);

// The same for several records of one entity, each with all its references: one answer for each.
std::vector<std::vector<FieldFault>> faults_of_references(store::Transaction& tx, const Entity& entity,
                                                          std::span<const Record> records);

// A record that refers to another.
struct Referrer {
  std::string entity;
  std::string id;
};

// What refers to the record: its parts, which go with it, and others, which keep it from going. At most `limit` each.
struct Referrers {
  std::vector<Referrer> parts;
  std::vector<Referrer> others;
};
Referrers referrers_of(store::Transaction& tx, const Ontology& ontology, const std::string& entity,
                       const std::string& id, std::size_t limit);

// Tombstones of parts of the records, which are tombstones themselves, that went with them:
//   - in the same transaction, or at any time since, whoever deleted them; or
//   - not longer than kNoticedTogether before, if the same legacy system has deleted both, and the whole shows no sign
//     of life in between. Of a legacy delete only the time is known at which it was noticed, and a sweep may come to
//     the parts before it comes to the whole.
// What was merged into another record lives on in that one, and is none of them. At most `limit` for each field that
// makes a part.
inline constexpr std::chrono::hours kNoticedTogether{2};
std::vector<Referrer> parts_gone_with(store::Transaction& tx, const Ontology& ontology, std::span<const Record> wholes,
                                      std::size_t limit);

}  // namespace banyan::records
