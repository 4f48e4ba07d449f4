// The rules between records that an entity's references and relations ask for. Internal to RecordStore.
#pragma once

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

// A live record that refers to another.
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

}  // namespace banyan::records
