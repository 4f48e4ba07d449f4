// The schema of a mapping file: what it may say, before it is held against the ontology. Internal to the reading.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/sync/mapping.hpp"
#include "adapters/sync/transforms.hpp"
#include "gateway/base/yaml_schema.hpp"

namespace banyan::sync {

// An element of a file with its place. Kept even if faulty, so that what refers to it is not reported as well.
struct Placed {
  std::string name;
  std::optional<yaml::Node> node;
  bool faulty = false;

  // Where to report what is wrong with one key of it: the key, or the element if it has no such key.
  yaml::Node at(std::string_view key) const;
};

// A name and any value: `on_create: {lang: en}`.
struct NamedValue : Placed {
  Json value;
};

struct TransformEntry {
  std::optional<Transform> transform;
  std::optional<yaml::Node> node;
};

struct JoinEntry {
  std::string separator = " ";
  bool at_last = true;
};

struct PartEntry {
  bool takes_first = false;
  std::string separator = " ";
  bool at_last = true;
};

struct DefaultEntry {
  std::optional<Json> to_modern;
  std::optional<Json> to_legacy;
};

// The form of the legacy value of a lookup, a table or a value map.
enum class As : std::uint8_t { text, number, boolean };
enum class Absent : std::uint8_t { empty, hold };

struct FieldEntry : Placed {
  std::vector<std::string> legacy;
  std::optional<Direction> direction;
  std::optional<Policy> conflict;
  std::vector<TransformEntry> transforms;
  std::optional<std::vector<NamedValue>> values;
  std::vector<NamedValue> to_legacy;
  std::optional<std::string> lookup;
  std::optional<std::string> type;
  std::optional<std::string> table;
  std::optional<As> as;
  std::optional<JoinEntry> join;
  std::optional<PartEntry> part;
  DefaultEntry defaults;
  std::vector<Json> empty;
  std::optional<Absent> absent;
  std::optional<bool> required;
  std::vector<Json> samples;
};

struct TableEntry : Placed {
  std::string type;
  std::string key;
  std::vector<TransformEntry> transforms;
};

struct ConstantsEntry {
  std::vector<NamedValue> on_create;
  std::vector<NamedValue> always;
  std::vector<NamedValue> to_modern;
};

struct StreamEntry : Placed {
  std::string type;
  std::optional<Policy> conflict;
  Absent absent = Absent::empty;
  Flow creates = Flow::both;
  Flow deletes = Flow::both;
  Policy delete_conflict = Policy::review;
  std::vector<std::vector<std::string>> match;
  std::vector<std::string> children;
  Json scope;
  std::vector<FieldEntry> fields;
  ConstantsEntry constants;
};

struct MappingFile {
  Policy conflict = Policy::newest;
  std::vector<TableEntry> tables;
  std::vector<StreamEntry> entities;
};

yaml::Reader<MappingFile> mapping_schema();

// A value as YAML's core schema reads it: true, 12, 12.5, null; a text in quotes stays a text.
Json json_of(const yaml::Node& node);

}  // namespace banyan::sync
