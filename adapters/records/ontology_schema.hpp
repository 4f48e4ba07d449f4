// The schema of an ontology file: what it may say, before the files have been put together. Internal to the reading.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/records/ontology.hpp"
#include "gateway/base/yaml_schema.hpp"

namespace banyan::records {

// An element of a file with its name and place. Kept even if faulty, so that what refers to it is not reported as well.
struct Placed {
  std::string name;
  std::optional<yaml::Node> node;
  bool faulty = false;

  // Where to report what is wrong with one key of it: the key, or the element if it has no such key.
  yaml::Node at(std::string_view key) const;
};

struct FieldEntry : Placed {
  std::optional<FieldType> type;
  std::optional<Format> format;
  std::optional<bool> required;
  std::optional<bool> indexed;
  std::optional<std::vector<std::string>> values;
  std::optional<std::vector<std::string>> add_values;
  std::optional<std::string> target;
  std::optional<std::string> unit;
  std::optional<std::size_t> max_length;
  std::optional<unsigned> scale;
  std::optional<Sensitivity> sensitivity;
  std::optional<std::vector<std::string>> audience;
  std::optional<std::string> label;
  std::optional<std::string> description;
};

struct RelationEntry : Placed {
  Relation::Kind kind = Relation::Kind::association;
  std::string field;
  std::optional<std::string> inverse;
  std::optional<unsigned> max_depth;
  std::string description;
};

struct EntityEntry : Placed {
  std::optional<std::string> label;
  std::optional<std::string> description;
  std::optional<std::string> label_field;
  std::optional<std::vector<std::string>> key;
  std::vector<FieldEntry> fields;
  std::vector<RelationEntry> relations;
};

struct OntologyFile {
  std::vector<EntityEntry> entities;
};

yaml::Reader<OntologyFile> ontology_schema();

// The rules that a newly defined field keeps by itself; what it breaks is reported.
void check_field(const FieldEntry& entry);
Field field_of(const FieldEntry& entry);

// A lower-case letter, then lower-case letters, digits and underscores; at most 48.
bool is_name(std::string_view text);
inline constexpr const char* kNameForm =
    "a name of lower-case letters, digits and underscores, at most 48, the first a letter";

}  // namespace banyan::records
