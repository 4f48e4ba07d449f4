// The ontology of the simulation, and the mapping of it, written by hand so that a run spends its time on the engine.
//
//   account      name* (trimmed), code, email, city, phone, notes (only to modern), rating (only to legacy), parent
//   contact      account* (reference), name*, email, role (a choice)
//   opportunity  name*, account, amount (a decimal), stage (a choice)
//
// Every field but choices and references holds a token (ledger.hpp) that tells which edit a value came from.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sync/mapping.hpp"

namespace banyan::simulation {

using sync::Json;

struct FieldSpec {
  enum class Kind : std::uint8_t { text, decimal, choice, reference };
  std::string name;         // the entity's
  std::string legacy_name;  // the legacy type's
  Kind kind = Kind::text;
  bool required = false;
  sync::Direction direction = sync::Direction::both;
  sync::Policy policy = sync::Policy::newest;
  std::string target{};                                        // reference: the entity
  std::vector<std::pair<std::string, std::string>> choices{};  // modern, legacy
};

struct EntitySpec {
  std::string entity;
  std::string type;  // the legacy record type
  std::vector<FieldSpec> fields;
  std::vector<std::string> parents;
  std::vector<std::string> children;
  std::vector<std::vector<std::string>> match_keys;
  sync::Policy delete_conflict = sync::Policy::legacy;

  const FieldSpec* field(const std::string& name) const;
  const FieldSpec* by_legacy_name(const std::string& name) const;
};

// The three entities. `policies`: one number that chooses the conflict policies of all fields.
std::vector<EntitySpec> make_entities(std::uint64_t policies);

std::shared_ptr<const sync::StreamMapping> make_mapping(const std::string& system, const EntitySpec& entity);

}  // namespace banyan::simulation
