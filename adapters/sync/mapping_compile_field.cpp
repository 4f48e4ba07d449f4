// One field's entry, held against the ontology and made into a FieldMap.
#include <algorithm>
#include <utility>

#include "adapters/records/canonicalise.hpp"
#include "adapters/sync/mapping_compile.hpp"
#include "gateway/base/nearest.hpp"

namespace banyan::sync {
namespace {

using records::FieldType;

Form form_of(FieldType type) {
  switch (type) {
    case FieldType::integer:
      return Form::integer;
    case FieldType::decimal:
      return Form::decimal;
    case FieldType::boolean:
      return Form::boolean;
    case FieldType::date:
      return Form::date;
    case FieldType::timestamp:
      return Form::timestamp;
    case FieldType::list:
      return Form::list;
    default:
      return Form::text;
  }
}

// Whether a form is what the field holds in its canonical form; decimals, dates and times are texts there.
bool fits(Form form, FieldType type) {
  const Form wanted = form_of(type);
  const bool is_text_there = wanted == Form::decimal || wanted == Form::date || wanted == Form::timestamp;
  return form == Form::any || form == wanted || (form == Form::text && is_text_there);
}

std::string in_ticks(std::string_view text) {
  return "`" + std::string(text) + "`";
}

class FieldReading {
public:
  FieldReading(const FieldEntry& entry, const FieldContext& context) : entry_(entry), context_(context) {}

  std::optional<FieldMap> read() {
    const records::Field* field = context_.entity.field(entry_.name);
    if (field == nullptr) {
      std::vector<std::string> names;
      for (const records::Field& known : context_.entity.fields()) names.push_back(known.name);
      entry_.node->fault("unknown field of " + context_.entity.name, "a field of the ontology",
                         hint_for(entry_.name, names));
      return std::nullopt;
    }
    if (entry_.faulty) return std::nullopt;
    const std::size_t faults_before = entry_.node->faults_so_far();
    map_.field = *field;
    map_.direction = entry_.direction.value_or(Direction::both);
    map_.empty = entry_.empty;
    map_.holds_absent = entry_.absent.value_or(context_.stream.absent) == Absent::hold;
    map_.required = field->required || entry_.required.value_or(false);
    read_paths();
    read_transforms();
    read_resolution();
    check_direction();
    if (entry_.node->faults_so_far() != faults_before) return std::nullopt;
    read_defaults();
    if (entry_.node->faults_so_far() != faults_before) return std::nullopt;
    return std::move(map_);
  }

private:
  void fault_at(std::string_view key, std::string found, std::string expected, std::string hint = {}) {
    entry_.at(key).fault(std::move(found), std::move(expected), std::move(hint));
  }

  void read_paths() {
    for (const std::string& text : entry_.legacy) {
      auto path = LegacyPath::parse(text);
      if (!path) {
        fault_at("legacy", yaml::in_quotes(text),
                 "a name, a path such as address.city, or a pointer such as /emails/0");
      } else {
        map_.paths.push_back(std::move(*path));
      }
    }
    if (entry_.legacy.size() > 4) fault_at("legacy", std::to_string(entry_.legacy.size()) + " fields", "at most 4");
    if (entry_.legacy.size() > 1 && !entry_.join) entry_.node->missing("join", "how the legacy fields make one text");
    if (entry_.legacy.size() < 2 && entry_.join) fault_at("join", "one legacy field", "`join` with several only");
    if (entry_.join && entry_.part) fault_at("part", "`join` and `part`", "one of the two");
    if (entry_.join) map_.join = Join{entry_.join->separator, entry_.join->at_last};
    if (entry_.part) map_.part = Part{{entry_.part->separator, entry_.part->at_last}, entry_.part->takes_first};
    const bool is_text = map_.field.type == FieldType::text;
    if (entry_.join && !is_text) fault_at("join", "a field of type " + type(), "`join` with a text only");
    if (entry_.part && !is_text) fault_at("part", "a field of type " + type(), "`part` with a text only");
  }

  void read_transforms() {
    for (std::size_t i = 0; i < entry_.transforms.size(); ++i) {
      const TransformEntry& step = entry_.transforms[i];
      const TransformTraits next = traits(*step.transform);
      const bool clashes = form_ != Form::any && next.legacy != Form::any && form_ != next.legacy;
      if (clashes) {
        step.node->fault(
            std::string(to_string(form_)) + " from " + in_ticks(last_),
            "a transform that takes that: " + in_ticks(next.name) + " takes " + std::string(to_string(next.legacy)));
      }
      const bool is_of_text = next.legacy == Form::text && next.modern == Form::text;
      if ((entry_.join || entry_.part) && !is_of_text) {
        step.node->fault(in_ticks(next.name), "only transforms of texts with `join` or `part`");
      }
      form_ = next.modern;
      last_ = next.name;
      map_.transforms.push_back(*step.transform);
    }
    const bool is_resolved = entry_.values || entry_.table || entry_.lookup;
    if (entry_.transforms.empty() || is_resolved || fits(form_, map_.field.type)) return;
    fault_at("transforms", std::string(to_string(form_)) + " from " + in_ticks(last_),
             std::string(to_string(form_of(map_.field.type))) + ": " + map_.field.name + " is of type " + type());
  }

  void read_resolution() {
    const int given = (entry_.values ? 1 : 0) + (entry_.table ? 1 : 0) + (entry_.lookup ? 1 : 0);
    if (given > 1) {
      return fault_at(entry_.values ? "values" : "table", "more than one of `values`, `table` and `lookup`", "one");
    }
    if (given == 1 && (entry_.join || entry_.part)) {
      fault_at(entry_.join ? "join" : "part", "together with `values`, `table` or `lookup`", "a text by itself");
    }
    if (entry_.as && given == 0) fault_at("as", "`as` alone", "`as` with `values`, `table` or `lookup` only");
    if (entry_.as == As::boolean && !entry_.values) fault_at("as", "boolean", "text or number");
    if (entry_.type && !entry_.lookup) fault_at("type", "`type` alone", "`type` with `lookup` only");
    if (!entry_.to_legacy.empty() && !entry_.values) {
      fault_at("to_legacy", "`to_legacy` alone", "`to_legacy` with `values` only");
    }
    const bool is_reference = map_.field.type == FieldType::reference;
    if (is_reference && !entry_.lookup) {
      entry_.node->missing("lookup", map_.field.target + ": " + map_.field.name + " is a reference");
    }
    if (entry_.lookup) return read_lookup(is_reference);
    if (entry_.table) return read_table();
    if (entry_.values) read_values();
  }

  LegacyForm legacy_form() const {
    if (entry_.as == As::number) return LegacyForm::number;
    return entry_.as == As::boolean ? LegacyForm::boolean : LegacyForm::text;
  }

  void read_lookup(bool is_reference) {
    if (!is_reference) {
      return fault_at("lookup", "a field of type " + type(), "`lookup` with a reference only");
    }
    if (*entry_.lookup != map_.field.target) {
      return fault_at("lookup", yaml::in_quotes(*entry_.lookup),
                      map_.field.target + ", which " + map_.field.name + " refers to");
    }
    if (entry_.type && entry_.as) fault_at("as", "`type` and `as`", "one of the two: \"type,id\" is a text");
    std::vector<std::string> mapped;
    for (const StreamEntry& stream : context_.file.entities) mapped.push_back(stream.name);
    if (std::ranges::find(mapped, *entry_.lookup) == mapped.end()) {
      fault_at("lookup", yaml::in_quotes(*entry_.lookup) + ", which this mapping has no records of",
               "an entity of this mapping", hint_for(*entry_.lookup, mapped));
    }
    map_.resolve = LinkLookup{*entry_.lookup, legacy_form(), entry_.type.value_or(""), {}};
  }

  void read_table() {
    const FieldType of = map_.field.type;
    if (of != FieldType::text && of != FieldType::choice && of != FieldType::list) {
      return fault_at("table", "a field of type " + type(), "`table` with a text, a choice or a list only");
    }
    std::vector<std::string> names;
    for (const auto& table : context_.tables) {
      if (table->name() == *entry_.table) map_.resolve = TableLookup{table, legacy_form()};
      names.push_back(table->name());
    }
    if (map_.resolve.index() != 0) return;
    fault_at("table", yaml::in_quotes(*entry_.table), "a table under `tables`", hint_for(*entry_.table, names));
  }

  // The legacy value that stands in the file as the text of a key.
  std::optional<Json> legacy_value(const NamedValue& pair) {
    if (entry_.as == As::number) {
      if (const auto number = parse_integer(pair.name)) return Json(*number);
      pair.node->fault(yaml::in_quotes(pair.name), "a whole number, as `as` says");
      return std::nullopt;
    }
    if (entry_.as != As::boolean) return Json(pair.name);
    if (pair.name == "true" || pair.name == "false") return Json(pair.name == "true");
    pair.node->fault(yaml::in_quotes(pair.name), "true or false, as `as` says");
    return std::nullopt;
  }

  // A value of the field, or of one element of a list.
  std::optional<Json> canonical(const Json& value, const yaml::Node& node) {
    const bool is_element = map_.field.type == FieldType::list && !value.is_array();
    auto result = records::canonical_value(map_.field, is_element ? Json::array({value}) : value);
    if (!result) {
      node.fault(node.describe(), result.error().public_message);
      return std::nullopt;
    }
    if (records::is_empty(*result)) {
      node.fault(node.describe(), "a value that is not empty");
      return std::nullopt;
    }
    return is_element ? result->front() : *result;
  }

  void read_values() {
    ValueMap map;
    std::map<std::string, std::vector<std::string>> sources;  // canonical text to legacy texts
    for (const NamedValue& pair : *entry_.values) {
      if (pair.faulty) continue;
      auto legacy = legacy_value(pair);
      auto modern = canonical(pair.value, *pair.node);
      if (!legacy || !modern) continue;
      const std::string text = single_text(*modern).value_or("");
      sources[text].push_back(pair.name);
      map.to_modern.emplace(pair.name, std::move(*modern));
      map.to_legacy.emplace(text, std::move(*legacy));
    }
    for (const NamedValue& choice : entry_.to_legacy) choose(choice, map, sources);
    for (const auto& [modern, legacy] : sources) {
      if (legacy.size() < 2 || !map_.writes()) continue;
      fault_at("values",
               yaml::in_quotes(modern) + " for " + yaml::in_quotes(legacy[0]) + " and " + yaml::in_quotes(legacy[1]),
               "`to_legacy: {" + modern + ": …}` to say which of them is written");
    }
    map_.resolve = std::move(map);
  }

  // Which of several legacy values is written.
  void choose(const NamedValue& choice, ValueMap& map, std::map<std::string, std::vector<std::string>>& sources) {
    const auto known = sources.find(choice.name);
    if (known == sources.end()) {
      std::vector<std::string> names;
      for (const auto& [modern, legacy] : sources) names.push_back(modern);
      return choice.node->fault(yaml::in_quotes(choice.name), "a value that `values` maps to",
                                hint_for(choice.name, names));
    }
    const std::string text = single_text(choice.value).value_or("");
    const std::vector<std::string> legacy = std::exchange(known->second, {text});
    if (std::ranges::find(legacy, text) == legacy.end()) {
      return choice.node->fault(yaml::in_quotes(text), "a legacy value that `values` maps to " + choice.name,
                                hint_for(text, legacy));
    }
    for (const NamedValue& pair : *entry_.values) {
      if (pair.name != text) continue;
      if (auto value = legacy_value(pair)) map.to_legacy[choice.name] = std::move(*value);
    }
  }

  void check_direction() {
    const bool is_two_way = map_.direction == Direction::both;
    if (entry_.conflict && !is_two_way) {
      fault_at("conflict", "a conflict policy for one direction", "`conflict` with the direction both only");
    }
    if (!entry_.samples.empty() && !is_two_way) {
      fault_at("samples", "samples for one direction", "`samples` with the direction both only");
    }
    if (entry_.defaults.to_legacy && !map_.writes()) {
      fault_at("default", "`to_legacy` of a field that is not written", "`default: {to_modern: …}` only");
    }
    if (!entry_.to_legacy.empty() && !map_.writes()) {
      fault_at("to_legacy", "`to_legacy` of a field that is not written", "the key left out");
    }
  }

  void read_defaults() {
    if (entry_.defaults.to_legacy) map_.default_legacy = *entry_.defaults.to_legacy;
    if (!entry_.defaults.to_modern) return;
    const yaml::Node node = entry_.at("default");
    if (map_.field.type == FieldType::reference) return node.fault("a default for a reference", "no default");
    Json value = *entry_.defaults.to_modern;
    if (map_.field.type == FieldType::list) value = Json::array({std::move(value)});
    auto result = records::canonical_value(map_.field, value);
    if (!result) return node.fault("the default " + entry_.defaults.to_modern->dump(), result.error().public_message);
    map_.default_modern = std::move(*result);
  }

  std::string type() const { return std::string(records::to_string(map_.field.type)); }

  const FieldEntry& entry_;
  const FieldContext& context_;
  FieldMap map_;
  Form form_ = Form::any;
  std::string last_;
};

}  // namespace

std::string hint_for(const std::string& word, const std::vector<std::string>& known) {
  const auto near = nearest(word, known);
  return near ? "did you mean \"" + *near + "\"?" : "";
}

std::optional<FieldMap> compile_field(const FieldEntry& entry, const FieldContext& context) {
  return FieldReading(entry, context).read();
}

}  // namespace banyan::sync
