#include "adapters/records/ontology_schema.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "gateway/base/yaml_scalars.hpp"

namespace banyan::records {
namespace {

using yaml::Node;
using yaml::Reader;

// Reads an element that knows its place.
template <typename Entry>
Reader<Entry> noting_faults(Reader<Entry> reader) {
  auto read = [inner = reader.read](const Node& node, Entry& out) {
    const std::size_t faults_before = node.faults_so_far();
    inner(node, out);
    out.faulty = node.faults_so_far() != faults_before;
  };
  return {std::move(read), reader.what, reader.keys};
}

template <typename Entry>
Reader<std::vector<Entry>> named_entries(Reader<Entry> reader) {
  return yaml::named(noting_faults(std::move(reader)), [](Entry& entry, const std::string& key, const Node& node) {
    entry.name = key;
    entry.node = node;
  });
}

Reader<FieldType> field_type() {
  return yaml::choice<FieldType>({{"text", FieldType::text},
                                  {"choice", FieldType::choice},
                                  {"integer", FieldType::integer},
                                  {"decimal", FieldType::decimal},
                                  {"boolean", FieldType::boolean},
                                  {"date", FieldType::date},
                                  {"timestamp", FieldType::timestamp},
                                  {"reference", FieldType::reference},
                                  {"list", FieldType::list}});
}

Reader<Format> format() {
  return yaml::choice<Format>({{"multiline", Format::multiline},
                               {"email", Format::email},
                               {"phone", Format::phone},
                               {"url", Format::url},
                               {"currency", Format::currency},
                               {"country", Format::country},
                               {"language", Format::language},
                               {"percent", Format::percent}});
}

Reader<Sensitivity> sensitivity() {
  return yaml::choice<Sensitivity>({{"public", Sensitivity::public_},
                                    {"internal", Sensitivity::internal},
                                    {"personal", Sensitivity::personal},
                                    {"confidential", Sensitivity::confidential}});
}

// Values and audiences: texts that are their own canonical form, each once.
Reader<std::vector<std::string>> words() {
  const auto word = yaml::scalar<std::string>(
      "a text without white space at its ends", [](std::string_view text) -> std::optional<std::string> {
        constexpr std::string_view kSpace = " \t\r\n\f\v";
        const bool bare =
            !text.empty() && kSpace.find(text.front()) == kSpace.npos && kSpace.find(text.back()) == kSpace.npos;
        return bare ? std::optional<std::string>(text) : std::nullopt;
      });
  Reader<std::vector<std::string>> many = yaml::list(word, 1, 10'000);
  auto read = [inner = many.read](const Node& node, std::vector<std::string>& out) {
    inner(node, out);
    std::set<std::string_view> seen;
    for (const Node& item : node.items()) {
      if (!seen.insert(item.scalar()).second) item.fault(item.describe() + " a second time", "each value once");
    }
  };
  return {std::move(read), many.what, many.keys};
}

Reader<FieldEntry> field_schema() {
  using yaml::maybe;
  return yaml::object<FieldEntry>("a field")
      .optional("type", &FieldEntry::type, maybe(field_type()))
      .optional("format", &FieldEntry::format, maybe(format()))
      .optional("required", &FieldEntry::required, maybe(yaml::boolean()))
      .optional("indexed", &FieldEntry::indexed, maybe(yaml::boolean()))
      .optional("values", &FieldEntry::values, maybe(words()))
      .optional("add_values", &FieldEntry::add_values, maybe(words()))
      .optional("to", &FieldEntry::target, maybe(yaml::text()))
      .optional("unit", &FieldEntry::unit, maybe(yaml::text()))
      .optional("max_length", &FieldEntry::max_length, maybe(yaml::integer_of<std::size_t>(1, 1'000'000)))
      .optional("scale", &FieldEntry::scale, maybe(yaml::integer_of<unsigned>(0, kMaxScale)))
      .optional("sensitivity", &FieldEntry::sensitivity, maybe(sensitivity()))
      .optional("audience", &FieldEntry::audience, maybe(words()))
      .optional("label", &FieldEntry::label, maybe(yaml::text()))
      .optional("description", &FieldEntry::description, maybe(yaml::text()));
}

Reader<RelationEntry> relation_schema() {
  using Kind = Relation::Kind;
  return yaml::object<RelationEntry>("a relation")
      .required("kind", &RelationEntry::kind,
                yaml::choice<Kind>(
                    {{"association", Kind::association}, {"part_of", Kind::part_of}, {"hierarchy", Kind::hierarchy}}))
      .required("field", &RelationEntry::field, yaml::text())
      .optional("inverse", &RelationEntry::inverse, yaml::maybe(yaml::text()))
      .optional("max_depth", &RelationEntry::max_depth, yaml::maybe(yaml::integer_of<unsigned>(1, 100)))
      .optional("description", &RelationEntry::description, yaml::text());
}

Reader<EntityEntry> entity_schema() {
  return yaml::object<EntityEntry>("an entity")
      .optional("label", &EntityEntry::label, yaml::maybe(yaml::text()))
      .optional("description", &EntityEntry::description, yaml::maybe(yaml::text()))
      .optional("label_field", &EntityEntry::label_field, yaml::maybe(yaml::text()))
      .optional("key", &EntityEntry::key, yaml::maybe(words()))
      .optional("fields", &EntityEntry::fields, named_entries(field_schema()))
      .optional("relations", &EntityEntry::relations, named_entries(relation_schema()));
}

// A set of types. A list of initialisers would be a view of an array that ends before the table is read.
class Types {
public:
  template <typename... Type>
  constexpr explicit Types(Type... types) : bits_(((1U << static_cast<unsigned>(types)) | ...)) {}
  constexpr bool contains(FieldType type) const { return ((bits_ >> static_cast<unsigned>(type)) & 1U) != 0; }

private:
  unsigned bits_;
};

// Which keys go with which types.
struct KeyRule {
  const char* key;
  bool (*given)(const FieldEntry&);
  Types types;
  const char* expected;
};

constexpr std::array kKeyRules{
    KeyRule{"values", [](const FieldEntry& entry) { return entry.values.has_value(); },
            Types{FieldType::choice, FieldType::list}, "`values` with a choice or a list only"},
    KeyRule{"to", [](const FieldEntry& entry) { return entry.target.has_value(); }, Types{FieldType::reference},
            "`to` with a reference only"},
    KeyRule{"unit", [](const FieldEntry& entry) { return entry.unit.has_value(); },
            Types{FieldType::integer, FieldType::decimal}, "`unit` with an integer or a decimal only"},
    KeyRule{"max_length", [](const FieldEntry& entry) { return entry.max_length.has_value(); },
            Types{FieldType::text, FieldType::list}, "`max_length` with a text or a list only"},
    KeyRule{"scale", [](const FieldEntry& entry) { return entry.scale.has_value(); }, Types{FieldType::decimal},
            "`scale` with a decimal only"},
    KeyRule{"indexed", [](const FieldEntry& entry) { return entry.indexed == true; },
            Types{FieldType::text, FieldType::choice, FieldType::integer, FieldType::decimal, FieldType::boolean,
                  FieldType::date, FieldType::timestamp, FieldType::reference},
            "`indexed` with anything but a list"},
    KeyRule{"format", [](const FieldEntry& entry) { return entry.format == Format::percent; },
            Types{FieldType::integer, FieldType::decimal}, "the format percent with an integer or a decimal only"},
    KeyRule{"format", [](const FieldEntry& entry) { return entry.format && *entry.format != Format::percent; },
            Types{FieldType::text, FieldType::list}, "this format with a text or a list only"},
};

std::string found_with(const FieldEntry& entry) {
  return "type " + std::string(to_string(*entry.type));
}

}  // namespace

Node Placed::at(std::string_view key) const {
  for (const auto& [name_of_child, child] : node->entries()) {
    if (name_of_child == key) return child;
  }
  return *node;
}

bool is_name(std::string_view text) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && text.size() <= 48 && is_letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

Reader<OntologyFile> ontology_schema() {
  return yaml::object<OntologyFile>("an ontology")
      .required("entities", &OntologyFile::entities, named_entries(entity_schema()));
}

void check_field(const FieldEntry& entry) {
  static constexpr std::array<std::string_view, 5> kReserved{"id", "version", "deleted", "created_at", "updated_at"};
  if (!is_name(entry.name)) entry.node->fault("the name " + yaml::in_quotes(entry.name), kNameForm);
  if (std::ranges::find(kReserved, entry.name) != kReserved.end()) {
    entry.node->fault("the name " + yaml::in_quotes(entry.name), "another name: every record has this by itself");
  }
  if (entry.faulty) return;
  if (entry.add_values) {
    entry.at("add_values").fault("values added to a field that no file before defines", "`type` and `values`");
  }
  if (!entry.type) return entry.node->missing("type", field_type().what);
  for (const KeyRule& rule : kKeyRules) {
    if (!rule.given(entry) || rule.types.contains(*entry.type)) continue;
    entry.at(rule.key).fault(found_with(entry), rule.expected);
  }
  if (entry.type == FieldType::choice && !entry.values) entry.node->missing("values", words().what);
  if (entry.type == FieldType::reference && !entry.target) entry.node->missing("to", "the entity pointed at");
  if (entry.format && entry.values) entry.at("format").fault("a format beside values", "`format` or `values`");
  const bool confidential = entry.sensitivity == Sensitivity::confidential;
  if (confidential && !entry.audience) entry.node->missing("audience", "who may see a confidential field");
  if (!confidential && entry.audience) {
    entry.at("audience").fault("an audience", "`audience` with the sensitivity confidential only");
  }
}

Field field_of(const FieldEntry& entry) {
  Field field;
  field.name = entry.name;
  field.type = entry.type.value_or(field.type);
  field.format = entry.format.value_or(field.format);
  field.required = entry.required.value_or(field.required);
  field.indexed = entry.indexed.value_or(field.indexed);
  field.values = entry.values.value_or(field.values);
  field.target = entry.target.value_or(field.target);
  field.unit = entry.unit.value_or(field.unit);
  field.max_length = entry.max_length.value_or(field.max_length);
  field.scale = entry.scale.value_or(field.scale);
  field.sensitivity = entry.sensitivity.value_or(field.sensitivity);
  field.audience = entry.audience.value_or(field.audience);
  field.label = entry.label.value_or(field.name);
  field.description = entry.description.value_or(field.description);
  return field;
}

}  // namespace banyan::records
