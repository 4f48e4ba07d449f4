// Mapping: how an entity's fields and a legacy type's fields stand for each other, declared in YAML.
//
// A Mapping is checked against the ontology when it is read (every fault with path and line; every transform makes a
// round trip over sample values), never changes afterwards, and does no I/O: what it must look up (which record stands
// for party 12?) it is given.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "adapters/sync/legacy_table.hpp"
#include "adapters/sync/merge.hpp"
#include "gateway/base/yaml_document.hpp"

namespace banyan::records {
class Ontology;
}

namespace banyan::sync {

// A record named from one side: (entity, legacy id) or (entity, record id).
struct Reference {
  std::string entity;
  std::string id;
  bool operator==(const Reference&) const = default;
  auto operator<=>(const Reference&) const = default;
};

// The other side's id of a referenced record; nothing: it has none yet.
using Lookup = std::function<std::optional<std::string>(const Reference&)>;

// A field that did not get across and why. The others do.
struct Held {
  enum class Reason : std::uint8_t {
    unresolved,  // refers to a record that the other side, or a row that its table, does not have yet: comes later
    invalid,     // the value does not fit: a person must look
  };
  std::string field;  // the entity's field, whichever way it was going
  Reason reason = Reason::invalid;
  Reference reference;    // of `unresolved`
  std::string message;    // of `invalid`: found and expected
  bool required = false;  // the record cannot go without it
};

struct Mapped {
  Json fields = Json::object();  // canonical on the way in, legacy terms on the way out (null: to be cleared)
  std::vector<Held> held;

  bool holds(const std::string& field) const {
    return std::any_of(held.begin(), held.end(), [&](const Held& one) { return one.field == field; });
  }
};

enum class Flow : std::uint8_t { both, to_modern, to_legacy, none };

class StreamMapping {
public:
  virtual ~StreamMapping() = default;

  virtual const std::string& system() const = 0;
  virtual const std::string& entity() const = 0;
  virtual const std::string& type() const = 0;  // the legacy record type
  // Which records of the type belong to the stream, in the adapter's own terms; null: all.
  virtual const Json& scope() const;

  // Every mapped field, sorted by name: direction, conflict policy. The merge works on these and no others.
  virtual std::span<const FieldRule> rules() const = 0;
  // Legacy fields that the adapter must read for this stream.
  virtual const std::vector<std::string>& legacy_fields() const = 0;
  // Those of them that one entity field is made of.
  virtual std::vector<std::string> legacy_fields_of(const std::string& field) const = 0;

  virtual Flow creates() const = 0;
  virtual Flow deletes() const = 0;
  virtual Policy delete_conflict() const = 0;  // legacy, modern or review
  // Sets of fields by which an uncoupled record is recognised at the first coupling, best first. Empty: none is.
  virtual const std::vector<std::vector<std::string>>& match_keys() const = 0;
  // Streams (entities) whose records this one's refer to: they are backfilled first. Where references go in a circle,
  // only those that stand before this one in Mapping::streams.
  virtual const std::vector<std::string>& parents() const = 0;
  // Streams whose records live and die with a record of this one: looked at when it is written.
  virtual const std::vector<std::string>& children() const = 0;
  // Changes whenever the mapping does in a way that calls for a new backfill.
  virtual std::uint64_t fingerprint() const = 0;
  // The mapped fields whose part of the mapping differs from the one with this description (see description()): only
  // these need to be backfilled again.
  virtual Json description() const = 0;

  // The records that a legacy record refers to, by legacy id.
  virtual void references(const Json& legacy, std::vector<Reference>& out) const = 0;
  // A legacy record as canonical data: the mapped fields only.
  virtual Mapped to_modern(const Json& legacy, const Lookup& record_id_of) const = 0;

  // The records that canonical data refers to in the given fields, by record id.
  virtual void modern_references(const Json& data, std::span<const std::string> fields,
                                 std::vector<Reference>& out) const = 0;
  // The given fields of canonical data in legacy terms; one that the data lacks is cleared, or has its default.
  // Fields that stand in the same legacy object ("address.city", "address.street") go together, given or not.
  // `for_create`: adds the constants of a create and the defaults of fields that the data lacks, clears nothing, and
  // holds what is required and missing.
  virtual Mapped to_legacy(const Json& data, std::span<const std::string> fields, const Lookup& legacy_id_of,
                           bool for_create) const = 0;

  // The mapped fields of canonical data.
  Json project(const Json& data) const;
};

// All streams of one system, parents before children.
struct Mapping {
  std::string system;
  std::vector<std::shared_ptr<const StreamMapping>> streams;
  std::vector<std::shared_ptr<LegacyTable>> tables;  // to be filled before use

  const StreamMapping* find(const std::string& entity) const;
};

// Reads a mapping file. `system`: the name that the settings give to the legacy system.
tl::expected<Mapping, std::vector<yaml::Fault>> load_mapping(const std::string& path, const std::string& system,
                                                             const records::Ontology& ontology);
tl::expected<Mapping, std::vector<yaml::Fault>> parse_mapping(const std::string& text, const std::string& file,
                                                              const std::string& system,
                                                              const records::Ontology& ontology);

// Every key that a mapping file may hold, as paths: "entities.*.fields.*.lookup".
std::vector<std::string> mapping_keys();

}  // namespace banyan::sync
