// Streams put together from their fields, and in the order in which they are backfilled.
#include "adapters/sync/mapping_compile.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "adapters/records/canonicalise.hpp"
#include "adapters/sync/stream_mapping.hpp"

namespace banyan::sync {
namespace {

using Tables = std::vector<std::shared_ptr<LegacyTable>>;

bool flows_in(Flow flow) {
  return flow == Flow::both || flow == Flow::to_modern;
}

class StreamReading {
public:
  StreamReading(const StreamEntry& entry, const MappingFile& file, const records::Entity& entity, const Tables& tables)
      : entry_(entry), file_(file), entity_(entity), context_{file, entry, entity, tables} {}

  StreamSpec read(const std::string& system) {
    spec_.system = system;
    spec_.entity = entry_.name;
    spec_.type = entry_.type;
    spec_.scope = entry_.scope;
    spec_.creates = entry_.creates;
    spec_.deletes = entry_.deletes;
    spec_.delete_conflict = entry_.delete_conflict;
    spec_.match_keys = entry_.match;
    spec_.children = entry_.children;
    read_fields();
    read_constants();
    check_sharing();
    check_match();
    check_required();
    std::ranges::sort(spec_.fields, {}, &FieldMap::name);
    for (const FieldMap& field : spec_.fields) {
      spec_.rules.push_back({field.name(), field.direction, policy_of(field), is_distinctive(field.field)});
    }
    describe();
    return std::move(spec_);
  }

private:
  const FieldEntry* entry_of(const std::string& field) const {
    const auto at = std::ranges::find(entry_.fields, field, &FieldEntry::name);
    return at == entry_.fields.end() ? nullptr : &*at;
  }

  static bool is_distinctive(const records::Field& field) {
    using records::FieldType;
    using records::Format;
    if (field.type == FieldType::decimal || field.type == FieldType::timestamp) return true;
    const bool is_code =
        field.format == Format::currency || field.format == Format::country || field.format == Format::language;
    return field.type == FieldType::text && !is_code;
  }

  Policy policy_of(const FieldMap& field) const {
    const FieldEntry* entry = entry_of(field.name());
    if (entry != nullptr && entry->conflict) return *entry->conflict;
    return entry_.conflict.value_or(file_.conflict);
  }

  void read_fields() {
    for (const FieldEntry& entry : entry_.fields) {
      if (auto field = compile_field(entry, context_)) spec_.fields.push_back(std::move(*field));
    }
  }

  void read_constants() {
    for (const NamedValue& constant : entry_.constants.to_modern) read_modern_constant(constant);
    for (const NamedValue& constant : entry_.constants.on_create) read_legacy_constant(constant, true);
    for (const NamedValue& constant : entry_.constants.always) read_legacy_constant(constant, false);
  }

  void read_modern_constant(const NamedValue& constant) {
    if (constant.faulty) return;
    const records::Field* field = entity_.field(constant.name);
    if (field == nullptr) {
      std::vector<std::string> names;
      for (const records::Field& known : entity_.fields()) names.push_back(known.name);
      return constant.node->fault("unknown field of " + entity_.name, "a field of the ontology",
                                  hint_for(constant.name, names));
    }
    if (entry_of(constant.name) != nullptr) {
      return constant.node->fault("a constant for a field that is mapped", "a field that is not under `fields`",
                                  "`default: {to_modern: …}` fills one that is empty");
    }
    if (field->type == records::FieldType::reference) {
      return constant.node->fault("a constant for a reference", "a field of another type");
    }
    const bool is_list = field->type == records::FieldType::list;
    auto value = records::canonical_value(*field, is_list ? Json::array({constant.value}) : constant.value);
    if (!value) return constant.node->fault(constant.node->describe(), value.error().public_message);
    FieldMap map;
    map.field = *field;
    map.direction = Direction::to_modern;
    map.default_modern = std::move(*value);
    spec_.fields.push_back(std::move(map));
  }

  void read_legacy_constant(const NamedValue& constant, bool on_create_only) {
    auto path = LegacyPath::parse(constant.name);
    if (!path) {
      return constant.node->fault(yaml::in_quotes(constant.name), "a legacy field's name, path or pointer");
    }
    for (const LegacyConstant& other : spec_.constants) {
      if (!other.path.overlaps(*path)) continue;
      return constant.node->fault("a second constant for " + other.path.text(), "one of the two");
    }
    for (const FieldMap& field : spec_.fields) {
      for (const LegacyPath& written : field.paths) {
        if (!field.writes() || !written.overlaps(*path)) continue;
        return constant.node->fault("a constant for a legacy field that " + field.name() + " is written to",
                                    "a legacy field that is not mapped, or mapped to_modern only",
                                    "`default: {to_legacy: …}` fills one that is empty");
      }
    }
    spec_.constants.push_back({std::move(*path), constant.value, on_create_only});
  }

  // Two fields may be read from one legacy field; written to it only as its parts or as references of several types.
  void check_sharing() {
    for (std::size_t i = 0; i < spec_.fields.size(); ++i) {
      for (std::size_t k = 0; k < i; ++k) check_pair(spec_.fields[k], spec_.fields[i]);
    }
  }

  void check_pair(FieldMap& first, FieldMap& second) {
    const LegacyPath* shared = nullptr;
    bool is_same = false;
    for (const LegacyPath& a : first.paths) {
      for (const LegacyPath& b : second.paths) {
        if (!a.overlaps(b)) continue;
        shared = &b;
        is_same = a == b && first.paths.size() == 1 && second.paths.size() == 1;
      }
    }
    if (shared == nullptr) return;
    auto* const one = std::get_if<LinkLookup>(&first.resolve);
    auto* const other = std::get_if<LinkLookup>(&second.resolve);
    if (is_same && one != nullptr && other != nullptr && !one->type.empty() && !other->type.empty() &&
        one->type != other->type) {
      one->other_types.push_back(other->type);
      other->other_types.push_back(one->type);
      return;
    }
    if (!first.writes() || !second.writes()) return;
    if (is_same && first.part && second.part && first.part->takes_first != second.part->takes_first &&
        first.part->join.separator == second.part->join.separator &&
        first.part->join.at_last == second.part->join.at_last) {
      return;
    }
    entry_of(second.name())
        ->at("legacy")
        .fault("the legacy field " + yaml::in_quotes(shared->text()) + ", which " + first.name() + " is written to",
               "a legacy field of its own, or the direction to_modern for one of the two");
  }

  void check_match() {
    const yaml::Node node = entry_.at("match");
    std::vector<std::string> known;
    for (const FieldMap& field : spec_.fields) known.push_back(field.name());
    for (const std::vector<std::string>& key : entry_.match) {
      for (const std::string& name : key) {
        const FieldEntry* field = entry_of(name);
        if (field != nullptr && field->direction != Direction::to_legacy) continue;
        node.fault(yaml::in_quotes(name), "mapped fields that are read from the legacy side", hint_for(name, known));
      }
    }
  }

  void check_required() {
    if (!flows_in(entry_.creates)) return;
    for (const records::Field& field : entity_.fields()) {
      if (!field.required) continue;
      const FieldEntry* entry = entry_of(field.name);
      const bool is_read = entry != nullptr && entry->direction != Direction::to_legacy;
      const auto constant = std::ranges::find(entry_.constants.to_modern, field.name, &NamedValue::name);
      if (is_read || constant != entry_.constants.to_modern.end()) continue;
      entry_.at("fields").missing(field.name, "where " + field.name +
                                                  " comes from: no record can come across without it. Map it, or give "
                                                  "it under `constants.to_modern`");
    }
  }

  // What calls for a new backfill when it changes: not who wins, nor with what samples the mapping is tried.
  void describe() {
    Json fields = Json::object();
    for (const FieldMap& field : spec_.fields) {
      Json& out = fields[field.name()];
      out["field_type"] = records::to_string(field.field.type);
      out["holds_absent"] = field.holds_absent;
      if (field.paths.empty()) out["constant"] = field.default_modern;
      if (const auto* lookup = std::get_if<TableLookup>(&field.resolve)) {
        const auto table = std::ranges::find(file_.tables, lookup->table->name(), &TableEntry::name);
        out["table"] = json_of(*table->node);
      }
      if (const FieldEntry* entry = entry_of(field.name())) {
        Json& mapping = out["mapping"] = json_of(*entry->node);
        if (mapping.is_object()) mapping.erase("conflict");
        if (mapping.is_object()) mapping.erase("samples");
      }
    }
    spec_.description = {{"type", spec_.type}, {"scope", spec_.scope}, {"fields", std::move(fields)}};
  }

  const StreamEntry& entry_;
  const MappingFile& file_;
  const records::Entity& entity_;
  FieldContext context_;
  StreamSpec spec_;
};

// The entities that a stream's records refer to, itself left out.
std::set<std::string> targets(const StreamSpec& spec, bool required_only) {
  std::set<std::string> out;
  for (const FieldMap& field : spec.fields) {
    const LinkLookup* link = field.link();
    if (link == nullptr || (required_only && !field.required) || link->entity == spec.entity) continue;
    out.insert(link->entity);
  }
  return out;
}

class Ordering {
public:
  Ordering(const MappingFile& file, std::vector<StreamSpec>& specs) : file_(file), specs_(specs) {}

  // Parents before children; where references go in a circle, the optional ones give way.
  std::vector<StreamSpec> order() {
    std::vector<StreamSpec> ordered;
    std::set<std::string> placed;
    while (!specs_.empty()) {
      auto next = find(placed, false);
      if (next == specs_.end()) next = find(placed, true);
      if (next == specs_.end()) {
        fault_circle();
        return {};
      }
      for (const std::string& target : targets(*next, false)) {
        if (placed.contains(target)) next->parents.push_back(target);
      }
      placed.insert(next->entity);
      ordered.push_back(std::move(*next));
      specs_.erase(next);
    }
    return ordered;
  }

private:
  std::vector<StreamSpec>::iterator find(const std::set<std::string>& placed, bool required_only) {
    return std::ranges::find_if(
        specs_, [&](const StreamSpec& spec) { return std::ranges::includes(placed, targets(spec, required_only)); });
  }

  // None of the streams left can go first: following what it requires ends in a circle.
  void fault_circle() {
    std::vector<std::string> way{specs_.front().entity};
    while (std::ranges::count(way, way.back()) < 2) {
      const auto spec = std::ranges::find(specs_, way.back(), &StreamSpec::entity);
      const auto required = targets(*spec, true);
      const auto next = std::ranges::find_if(required, [&](const std::string& name) {
        return std::ranges::find(specs_, name, &StreamSpec::entity) != specs_.end();
      });
      way.push_back(*next);
    }
    way.erase(way.begin(), std::ranges::find(way, way.back()));
    std::string circle;
    for (const std::string& entity : way) circle += (circle.empty() ? "" : " -> ") + entity;
    const auto entry = std::ranges::find(file_.entities, way.front(), &StreamEntry::name);
    entry->node->fault("a circle of required references: " + circle,
                       "at least one of them optional: none of the records could come first");
  }

  const MappingFile& file_;
  std::vector<StreamSpec>& specs_;
};

void check_children(const MappingFile& file, const std::vector<StreamSpec>& specs) {
  std::vector<std::string> names;
  for (const StreamSpec& spec : specs) names.push_back(spec.entity);
  for (const StreamEntry& entry : file.entities) {
    for (const std::string& child : entry.children) {
      const auto spec = std::ranges::find(specs, child, &StreamSpec::entity);
      const yaml::Node node = entry.at("children");
      if (spec == specs.end()) {
        node.fault(yaml::in_quotes(child), "entities of this mapping", hint_for(child, names));
      } else if (!targets(*spec, false).contains(entry.name)) {
        node.fault(yaml::in_quotes(child), "an entity with a mapped reference to " + entry.name);
      }
    }
  }
}

void check_types(const MappingFile& file) {
  for (auto entry = file.entities.begin(); entry != file.entities.end(); ++entry) {
    const auto same = std::find_if(file.entities.begin(), entry, [&](const StreamEntry& other) {
      return !entry->faulty && other.type == entry->type && other.scope == entry->scope;
    });
    if (same == entry) continue;
    entry->at("type").fault(yaml::in_quotes(entry->type) + ", which " + same->name + " has too",
                            "a type of its own, or a `scope` that tells their records apart");
  }
}

std::shared_ptr<LegacyTable> compile_table(const TableEntry& entry) {
  std::vector<Transform> transforms;
  for (const TransformEntry& step : entry.transforms) {
    const TransformTraits next = traits(*step.transform);
    if (next.legacy != Form::text || next.modern != Form::text) {
      step.node->fault("`" + std::string(next.name) + "`", "only transforms of texts for a table's codes");
    }
    transforms.push_back(*step.transform);
  }
  auto make_code = [transforms = std::move(transforms)](std::string& code) {
    Json value = std::move(code);
    std::string expected;
    for (const Transform& transform : transforms) {
      if (!to_modern(transform, value, expected)) return false;
    }
    code = std::move(value.get_ref<std::string&>());
    return true;
  };
  return std::make_shared<LegacyTable>(entry.name, entry.type, entry.key, std::move(make_code));
}

}  // namespace

Mapping compile_mapping(const MappingFile& file, const std::string& system, const records::Ontology& ontology) {
  Mapping mapping;
  mapping.system = system;
  for (const TableEntry& table : file.tables) mapping.tables.push_back(compile_table(table));
  std::vector<std::string> known;
  for (const records::Entity& entity : ontology.entities()) known.push_back(entity.name);
  std::vector<StreamSpec> specs;
  for (const StreamEntry& entry : file.entities) {
    const records::Entity* entity = ontology.find(entry.name);
    if (entity == nullptr) {
      entry.node->fault("unknown entity", "an entity of the ontology", hint_for(entry.name, known));
    } else {
      specs.push_back(StreamReading(entry, file, *entity, mapping.tables).read(system));
    }
  }
  if (file.entities.empty()) return mapping;
  check_types(file);
  check_children(file, specs);
  if (file.entities.front().node->faults_so_far() > 0) return mapping;
  for (StreamSpec& spec : Ordering(file, specs).order()) {
    const auto entry = std::ranges::find(file.entities, spec.entity, &StreamEntry::name);
    const std::vector<FieldMap> fields = spec.fields;
    auto stream = std::make_shared<DeclaredStream>(std::move(spec));
    check_round_trips(*entry, *stream, fields);
    mapping.streams.push_back(std::move(stream));
  }
  return mapping;
}

}  // namespace banyan::sync
