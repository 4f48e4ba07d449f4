// Mapping: how an entity's fields and a legacy type's fields stand for each other, declared in YAML.
//
// A Mapping is checked against the ontology when it is read (every fault with path and line; every transform makes a
// round trip over sample values), never changes afterwards, and does no I/O: what it must look up (which record stands
// for party 12?) it is given.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

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
    unresolved,  // refers to a record that the other side does not have yet: comes later
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
};

enum class Flow : std::uint8_t { both, to_modern, to_legacy, none };

class StreamMapping {
public:
  virtual ~StreamMapping() = default;

  virtual const std::string& system() const = 0;
  virtual const std::string& entity() const = 0;
  virtual const std::string& type() const = 0;  // the legacy record type

  // Every mapped field, sorted by name: direction, conflict policy. The merge works on these and no others.
  virtual std::span<const FieldRule> rules() const = 0;
  // Legacy fields that the adapter must read for this stream.
  virtual const std::vector<std::string>& legacy_fields() const = 0;

  virtual Flow creates() const = 0;
  virtual Flow deletes() const = 0;
  virtual Policy delete_conflict() const = 0;  // legacy, modern or review
  // Sets of fields by which an uncoupled record is recognised at the first coupling, best first. Empty: none is.
  virtual const std::vector<std::vector<std::string>>& match_keys() const = 0;
  // Streams (entities) whose records this one's refer to: they are backfilled first.
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
  // The given fields of canonical data in legacy terms; one that the data lacks is cleared. `for_create` adds
  // constants and defaults.
  virtual Mapped to_legacy(const Json& data, std::span<const std::string> fields, const Lookup& legacy_id_of,
                           bool for_create) const = 0;

  // The mapped fields of canonical data.
  Json project(const Json& data) const;
};

// All streams of one system, parents before children.
struct Mapping {
  std::string system;
  std::vector<std::shared_ptr<const StreamMapping>> streams;

  const StreamMapping* find(const std::string& entity) const;
};

// Reads a mapping file. `system`: the name that the settings give to the legacy system.
tl::expected<Mapping, std::vector<yaml::Fault>> load_mapping(const std::string& path, const std::string& system,
                                                             const records::Ontology& ontology);
tl::expected<Mapping, std::vector<yaml::Fault>> parse_mapping(const std::string& text, const std::string& file,
                                                              const std::string& system,
                                                              const records::Ontology& ontology);

}  // namespace banyan::sync
