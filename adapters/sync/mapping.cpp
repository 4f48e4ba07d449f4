#include "adapters/sync/mapping.hpp"

#include <algorithm>
#include <utility>

#include "adapters/sync/mapping_compile.hpp"
#include "adapters/sync/mapping_schema.hpp"
#include "adapters/sync/mapping_shape.hpp"

namespace banyan::sync {
namespace {

// The declared fields of a type; null: nothing is known of them, or the type itself is a fault.
const std::vector<std::string>* fields_of(const LegacyShape& shape, const std::string& type, const yaml::Node& node) {
  const auto known = shape.find(type);
  if (known != shape.end()) return known->second.empty() ? nullptr : &known->second;
  std::vector<std::string> types;
  for (const auto& [name, fields] : shape) types.push_back(name);
  node.fault(yaml::in_quotes(type), "a record type that the legacy system's description names", hint_for(type, types));
  return nullptr;
}

void check_field(const std::vector<std::string>& known, const std::string& path, const yaml::Node& node) {
  const auto field = LegacyPath::parse(path);
  if (!field || std::ranges::find(known, field->top()) != known.end()) return;
  node.fault(yaml::in_quotes(field->top()), "a field that the legacy system's description declares",
             hint_for(field->top(), known));
}

void check_shape(const MappingFile& file, const LegacyShape& shape) {
  for (const TableEntry& table : file.tables) {
    const auto* fields = fields_of(shape, table.type, table.at("type"));
    if (fields != nullptr) check_field(*fields, table.key, table.at("key"));
  }
  for (const StreamEntry& stream : file.entities) {
    const auto* fields = fields_of(shape, stream.type, stream.at("type"));
    if (fields == nullptr) continue;
    for (const FieldEntry& field : stream.fields) {
      for (const std::string& path : field.legacy) check_field(*fields, path, field.at("legacy"));
    }
    for (const auto* constants : {&stream.constants.on_create, &stream.constants.always}) {
      for (const NamedValue& constant : *constants) check_field(*fields, constant.name, *constant.node);
    }
  }
}

tl::expected<Mapping, std::vector<yaml::Fault>> read_mapping(
    tl::expected<yaml::Document, std::vector<yaml::Fault>> document, const std::string& system,
    const records::Ontology& ontology, const LegacyShape* shape) {
  if (!document) return tl::unexpected(std::move(document.error()));
  MappingFile file;
  mapping_schema().read(document->root(), file);
  Mapping mapping = compile_mapping(file, system, ontology);
  // A file with other faults may lack what is looked at.
  if (shape != nullptr && document->faults().empty()) check_shape(file, *shape);
  std::vector<yaml::Fault> faults = document->faults();
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  return mapping;
}

}  // namespace

const Json& StreamMapping::scope() const {
  static const Json all;
  return all;
}

Json StreamMapping::project(const Json& data) const {
  Json out = Json::object();
  const auto* from = data.get_ptr<const Json::object_t*>();
  if (from == nullptr) return out;
  auto& members = out.get_ref<Json::object_t&>();
  for (const FieldRule& rule : rules()) {
    const auto at = from->find(rule.field);
    if (at != from->end()) members.emplace_hint(members.end(), at->first, at->second);
  }
  return out;
}

const StreamMapping* Mapping::find(const std::string& entity) const {
  const auto at = std::ranges::find_if(streams, [&](const auto& stream) { return stream->entity() == entity; });
  return at == streams.end() ? nullptr : at->get();
}

tl::expected<Mapping, std::vector<yaml::Fault>> load_mapping(const std::string& path, const std::string& system,
                                                             const records::Ontology& ontology) {
  return read_mapping(yaml::Document::load(path), system, ontology, nullptr);
}

tl::expected<Mapping, std::vector<yaml::Fault>> load_mapping(const std::string& path, const std::string& system,
                                                             const records::Ontology& ontology,
                                                             const LegacyShape& shape) {
  return read_mapping(yaml::Document::load(path), system, ontology, &shape);
}

tl::expected<Mapping, std::vector<yaml::Fault>> parse_mapping(const std::string& text, const std::string& file,
                                                              const std::string& system,
                                                              const records::Ontology& ontology) {
  return read_mapping(yaml::Document::parse(text, file, {}), system, ontology, nullptr);
}

tl::expected<Mapping, std::vector<yaml::Fault>> parse_mapping(const std::string& text, const std::string& file,
                                                              const std::string& system,
                                                              const records::Ontology& ontology,
                                                              const LegacyShape& shape) {
  return read_mapping(yaml::Document::parse(text, file, {}), system, ontology, &shape);
}

std::vector<std::string> mapping_keys() {
  return mapping_schema().keys;
}

}  // namespace banyan::sync
