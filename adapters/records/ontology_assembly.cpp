#include "adapters/records/ontology_assembly.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include "gateway/base/nearest.hpp"

namespace banyan::records {
namespace {

std::string hint(const std::string& word, const std::vector<std::string>& known) {
  const auto near = nearest(word, known);
  return near ? "did you mean \"" + *near + "\"?" : "";
}

std::vector<std::string> names_of_fields(const Entity& entity) {
  std::vector<std::string> names;
  for (const Field& field : entity.fields()) names.push_back(field.name);
  return names;
}

template <typename Definition>
std::string place_of(const Definition& definition) {
  return definition.file + ":" + std::to_string(definition.entry->node->line());
}

template <typename Definition>
void fault_redefined(const yaml::Node& node, const Definition& first, const std::string& expected) {
  node.fault("a second definition", expected, "the first is at " + place_of(first));
}

}  // namespace

void OntologyAssembly::take(const OntologyFile& file, const std::string& file_name) {
  for (const EntityEntry& entry : file.entities) {
    const auto known = std::ranges::find(parts_, entry.name, [](const Part& part) { return part.entity.name; });
    if (known == parts_.end()) {
      define(entry, file_name);
    } else {
      extend(*known, entry, file_name);
    }
  }
}

void OntologyAssembly::define(const EntityEntry& entry, const std::string& file_name) {
  if (!is_name(entry.name)) entry.node->fault("the name " + yaml::in_quotes(entry.name), kNameForm);
  if (entry.fields.empty() && !entry.faulty) entry.node->missing("fields", "the fields of the entity");
  Part part;
  part.definition = {&entry, file_name};
  part.entity.name = entry.name;
  part.entity.label = entry.label.value_or(entry.name);
  part.entity.description = entry.description.value_or("");
  part.entity.label_field = entry.label_field.value_or("");
  part.entity.key_fields = entry.key.value_or(std::vector<std::string>{});
  for (const FieldEntry& field : entry.fields) take_field(part, field, file_name);
  for (const RelationEntry& relation : entry.relations) take_relation(part, relation, file_name);
  parts_.push_back(std::move(part));
}

void OntologyAssembly::extend(Part& part, const EntityEntry& entry, const std::string& file_name) {
  static const std::string kExpected = "only new fields and relations, and `add_values` for known fields";
  for (const char* key : {"label", "description", "label_field", "key"}) {
    for (const auto& [name, child] : entry.node->entries()) {
      if (name == key) fault_redefined(child, part.definition, kExpected);
    }
  }
  for (const FieldEntry& field : entry.fields) take_field(part, field, file_name);
  for (const RelationEntry& relation : entry.relations) take_relation(part, relation, file_name);
}

void OntologyAssembly::take_field(Part& part, const FieldEntry& entry, const std::string& file_name) {
  const auto known = part.fields.find(entry.name);
  if (known == part.fields.end()) {
    check_field(entry);
    part.fields.emplace(entry.name, Definition<FieldEntry>{&entry, file_name});
    part.entity.add(field_of(entry));
    return;
  }
  if (entry.faulty) return;
  if (!entry.add_values || entry.node->entries().size() != 1) {
    return fault_redefined(*entry.node, known->second, "nothing but `add_values` for a field that is known");
  }
  const Field* field = part.entity.field(entry.name);
  if (field->values.empty()) {
    return entry.at("add_values").fault("values for a field that has none", "`add_values` for a field with `values`");
  }
  for (const std::string& value : *entry.add_values) {
    if (std::ranges::find(field->values, value) != field->values.end()) {
      entry.at("add_values").fault("the known value " + yaml::in_quotes(value), "new values only");
    } else {
      part.entity.add_value(entry.name, value);
    }
  }
}

void OntologyAssembly::take_relation(Part& part, const RelationEntry& entry, const std::string& file_name) {
  const auto known = part.relations.find(entry.name);
  if (known != part.relations.end()) return fault_redefined(*entry.node, known->second, "another name");
  if (!is_name(entry.name)) entry.node->fault("the name " + yaml::in_quotes(entry.name), kNameForm);
  part.relations.emplace(entry.name, Definition<RelationEntry>{&entry, file_name});
  if (entry.faulty) return;
  part.entity.relations.push_back({entry.name, entry.kind, entry.field, entry.inverse.value_or(""),
                                   entry.max_depth.value_or(entry.kind == Relation::Kind::hierarchy ? 20 : 0),
                                   entry.description});
}

const OntologyAssembly::Part* OntologyAssembly::find(const std::string& entity) const {
  const auto at = std::ranges::find(parts_, entity, [](const Part& part) { return part.entity.name; });
  return at == parts_.end() ? nullptr : &*at;
}

void OntologyAssembly::check() const {
  for (const Part& part : parts_) {
    check_own_keys(part);
    for (const auto& [name, field] : part.fields) check_reference(*field.entry);
    for (const auto& [name, relation] : part.relations) check_relation(part, *relation.entry);
  }
  check_inverses();
  check_circles();
}

void OntologyAssembly::check_own_keys(const Part& part) const {
  const EntityEntry& entry = *part.definition.entry;
  const auto check = [&](const char* key, const std::string& name) {
    const Field* field = part.entity.field(name);
    if (field == nullptr) {
      entry.at(key).fault("the unknown field " + yaml::in_quotes(name), "a field of " + entry.name,
                          hint(name, names_of_fields(part.entity)));
    } else if (field->type == FieldType::list) {
      entry.at(key).fault("the list " + yaml::in_quotes(name), "a field with a single value");
    }
  };
  if (entry.label_field) check("label_field", *entry.label_field);
  for (const std::string& name : part.entity.key_fields) check("key", name);
}

void OntologyAssembly::check_reference(const FieldEntry& entry) const {
  if (!entry.target || find(*entry.target) != nullptr) return;
  std::vector<std::string> names;
  for (const Part& part : parts_) names.push_back(part.entity.name);
  entry.at("to").fault("the unknown entity " + yaml::in_quotes(*entry.target), "an entity of the ontology",
                       hint(*entry.target, names));
}

void OntologyAssembly::check_relation(const Part& part, const RelationEntry& entry) const {
  if (entry.faulty) return;
  const auto defined = part.fields.find(entry.field);
  if (defined == part.fields.end()) {
    return entry.at("field").fault("the unknown field " + yaml::in_quotes(entry.field),
                                   "a reference field of " + part.entity.name,
                                   hint(entry.field, names_of_fields(part.entity)));
  }
  const FieldEntry& carrier = *defined->second.entry;
  if (carrier.faulty) return;
  if (carrier.type != FieldType::reference) {
    return entry.at("field").fault("the field " + yaml::in_quotes(entry.field) + ", no reference",
                                   "a reference field of " + part.entity.name);
  }
  const bool hierarchy = entry.kind == Relation::Kind::hierarchy;
  if (hierarchy && carrier.target != part.entity.name) {
    entry.at("field").fault("a reference to another entity", "a reference to " + part.entity.name + " itself");
  }
  if (!hierarchy && entry.max_depth) {
    entry.at("max_depth").fault("max_depth", "`max_depth` with a hierarchy only");
  }
  if (entry.kind == Relation::Kind::part_of && !carrier.required.value_or(false)) {
    entry.at("field").fault("a field that may be absent", "a required one: a part belongs to something");
  }
  const auto carried = [&](const auto& other) { return other.second.entry->field == entry.field; };
  const auto first = std::ranges::find_if(part.relations, carried);
  if (first->second.entry != &entry) {
    entry.at("field").fault("the field of the relation " + yaml::in_quotes(first->first),
                            "one relation for each field");
  }
}

// The name that a relation has at its other end is a name there like any other.
void OntologyAssembly::check_inverses() const {
  std::map<std::string, std::set<std::string>> taken;
  for (const Part& part : parts_) {
    for (const auto& [name, ignored] : part.fields) taken[part.entity.name].insert(name);
  }
  for (const Part& part : parts_) {
    for (const auto& [name, relation] : part.relations) {
      const RelationEntry& entry = *relation.entry;
      if (!entry.inverse) continue;
      if (!is_name(*entry.inverse)) {
        entry.at("inverse").fault("the name " + yaml::in_quotes(*entry.inverse), kNameForm);
        continue;
      }
      const Field* carrier = part.entity.field(entry.field);
      if (carrier == nullptr || carrier->target.empty()) continue;
      if (!taken[carrier->target].insert(*entry.inverse).second) {
        entry.at("inverse").fault(
            "the name " + yaml::in_quotes(*entry.inverse) + ", which " + carrier->target + " has already",
            "a name of its own");
      }
    }
  }
}

// Required references in a circle: none of its records could ever be the first.
void OntologyAssembly::check_circles() const {
  std::map<std::string, std::vector<Need>> needs;
  for (const Part& part : parts_) {
    for (const auto& [name, field] : part.fields) {
      const FieldEntry& entry = *field.entry;
      if (entry.required == true && entry.target) needs[part.entity.name].push_back({&entry, *entry.target});
    }
  }
  std::set<std::string> done;
  std::vector<std::string> way;
  const std::function<void(const std::string&)> visit = [&](const std::string& entity) {
    way.push_back(entity);
    for (const Need& need : needs[entity]) {
      const auto back = std::ranges::find(way, need.target);
      if (back != way.end()) {
        std::string circle;
        for (auto at = back; at != way.end(); ++at) circle += *at + " -> ";
        need.field->at("required")
            .fault("required references in a circle: " + circle + need.target, "one of them optional");
      } else if (!done.contains(need.target)) {
        visit(need.target);
      }
    }
    way.pop_back();
    done.insert(entity);
  };
  for (const Part& part : parts_) {
    if (!done.contains(part.entity.name)) visit(part.entity.name);
  }
}

std::vector<Entity> OntologyAssembly::entities() const {
  std::vector<Entity> entities;
  for (const Part& part : parts_) entities.push_back(part.entity);
  return entities;
}

}  // namespace banyan::records
