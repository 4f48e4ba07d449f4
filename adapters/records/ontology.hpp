// Ontology: which entities an organisation has, and what a record of each may hold.
//
// Read from YAML (docs/reference/ontology.md). Banyan ships one for a CRM, kCrmOntology; an organisation's own files
// come after it and extend it: new entities, new fields and relations of known entities, new values of a choice. What
// is defined already is never redefined: that is a fault.
//
// An Ontology is immutable: any number of threads may read it. Pointers into it live as long as it does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "adapters/records/canonical.hpp"
#include "gateway/base/result.hpp"
#include "gateway/base/yaml_document.hpp"

namespace banyan::records {

// What a value is; the canonical forms are those of canonical.hpp.
enum class FieldType : std::uint8_t { text, choice, integer, decimal, boolean, date, timestamp, reference, list };
std::string_view to_string(FieldType type);

// What a text (or each text of a list) means; `percent` is of numbers.
enum class Format : std::uint8_t {
  none,
  multiline,  // a text of several lines
  email,      // one mailbox; the domain in lower case
  phone,      // digits with the usual marks between them, as people write them
  url,        // absolute, with its scheme
  currency,   // ISO 4217, upper case
  country,    // ISO 3166-1 alpha-2, upper case
  language,   // BCP 47, in its customary case: "pt-BR", "zh-Hant"
  percent,    // 0 to 100
};

// Who may see a value. The order is that of rising protection.
enum class Sensitivity : std::uint8_t {
  public_,       // anyone
  internal,      // whoever works with the records
  personal,      // about a natural person
  confidential,  // only the audience named
};
std::string_view to_string(Sensitivity sensitivity);

inline constexpr std::size_t kDefaultMaxLength = 100'000;
inline constexpr unsigned kMaxScale = 18;

struct Field {
  std::string name;
  FieldType type = FieldType::text;
  Format format = Format::none;
  bool required = false;                       // a record without it is refused
  bool indexed = false;                        // filters and sorting by it are served by an index
  std::vector<std::string> values;             // choice: those allowed. list: empty stands for any text
  std::string target;                          // reference: the entity pointed at
  std::string unit;                            // of a number, for people: "days", "kg"
  std::size_t max_length = kDefaultMaxLength;  // of a text, in code points; of a list, of each element
  unsigned scale = kMaxScale;                  // decimal: digits after the point, at most
  Sensitivity sensitivity = Sensitivity::internal;
  std::vector<std::string> audience;  // confidential: who may see it
  std::string label;                  // for people
  std::string description;
};

// What a reference between entities means.
struct Relation {
  enum class Kind : std::uint8_t {
    association,  // the two merely know each other
    part_of,      // the record belongs to the one it points at, and goes with it
    hierarchy,    // a tree of records of one entity; a circle is refused
  };
  std::string name;
  Kind kind = Kind::association;
  std::string field;       // the reference that carries it
  std::string inverse;     // its name seen from the other end: "subsidiaries"; may be empty
  unsigned max_depth = 0;  // hierarchy: levels below the top, at most
  std::string description;
};

class Entity {
public:
  std::string name;
  std::string label;
  std::string description;
  std::string label_field;              // what a person calls a record by; may be empty
  std::vector<std::string> key_fields;  // what tells two records apart at a first coupling; may be empty
  std::vector<Relation> relations;

  // In the order of the files.
  const std::vector<Field>& fields() const { return fields_; }
  // Null: there is none.
  const Field* field(std::string_view field_name) const;
  // The hierarchy that the field carries; null: none.
  const Relation* hierarchy(std::string_view field_name) const;

  // Only while an ontology is being built. Returns false if there is one of that name.
  bool add(Field field);
  void add_value(std::string_view field_name, std::string value);

private:
  std::vector<Field> fields_;
  std::vector<std::size_t> by_name_;  // indices of fields_, sorted by name
};

class Ontology {
public:
  explicit Ontology(std::vector<Entity> entities) : entities_(std::move(entities)) {}

  // In the order of the files.
  const std::vector<Entity>& entities() const { return entities_; }
  // Null: there is none.
  const Entity* find(std::string_view entity) const;

private:
  std::vector<Entity> entities_;
};

// The ontology that is part of the program; stands where a file's path may stand.
inline constexpr std::string_view kCrmOntology = "builtin:crm";

// Reads the files, each extending those before it, or reports every fault of all of them, file by file and by line.
tl::expected<Ontology, std::vector<yaml::Fault>> load_ontology(std::span<const std::string> files);

// The same for texts that stand for files.
struct OntologyText {
  std::string file;
  std::string text;
};
tl::expected<Ontology, std::vector<yaml::Fault>> parse_ontology(std::span<const OntologyText> texts);

// The text of kCrmOntology.
std::string_view crm_ontology_text();

// Every key that an ontology file may hold, as paths: "entities.*.fields.*.type".
std::vector<std::string> ontology_keys();

}  // namespace banyan::records
