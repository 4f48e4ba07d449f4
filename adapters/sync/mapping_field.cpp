#include "adapters/sync/mapping_field.hpp"

#include <algorithm>
#include <utility>

#include "adapters/records/canonicalise.hpp"

namespace banyan::sync {
namespace {

const std::string* text_in(const Json& value) {
  return value.get_ptr<const std::string*>();
}

// The same without a copy where the value is a text.
const std::string* text_for(const Json& value, std::string& buffer) {
  if (const std::string* text = text_in(value)) return text;
  auto made = single_text(value);
  if (!made) return nullptr;
  buffer = std::move(*made);
  return &buffer;
}

std::optional<Json> in_form(const std::string& id, LegacyForm form) {
  if (form != LegacyForm::number) return Json(id);
  const auto number = parse_integer(id);
  if (!number) return std::nullopt;
  return Json(*number);
}

bool counts_as_empty(const Json& value, const std::vector<Json>& empty) {
  return records::is_empty(value) || std::ranges::find(empty, value) != empty.end();
}

}  // namespace

std::optional<std::string> single_text(const Json& value) {
  if (const std::string* text = text_in(value)) return *text;
  if (const auto number = whole_number(value)) return std::to_string(*number);
  if (value.is_boolean() || value.is_number()) return value.dump();
  return std::nullopt;
}

std::string shown(const records::Field& field, const Json& value) {
  if (value.is_array()) return "a list of " + std::to_string(value.size()) + " elements";
  if (value.is_object()) return "an object";
  const bool is_private = field.sensitivity >= records::Sensitivity::personal;
  if (const std::string* text = text_in(value)) {
    return is_private ? "a text of " + std::to_string(text->size()) + " bytes" : yaml::in_quotes(*text);
  }
  return is_private ? std::string("a ") + value.type_name() : value.dump();
}

std::string Join::join(const std::vector<std::string>& parts) const {
  std::string out;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    if (!out.empty()) out += separator;
    out += part;
  }
  return out;
}

std::vector<std::string> Join::split(std::string_view text, std::size_t count) const {
  std::vector<std::string> parts(count);
  for (std::size_t left = count - 1; left > 0; --left) {
    const std::size_t at = at_last ? text.rfind(separator) : text.find(separator);
    if (at == std::string_view::npos) {
      parts[at_last ? left : count - 1 - left] = text;
      return parts;
    }
    if (at_last) {
      parts[left] = text.substr(at + separator.size());
      text = text.substr(0, at);
    } else {
      parts[count - 1 - left] = text.substr(0, at);
      text = text.substr(at + separator.size());
    }
  }
  parts[at_last ? 0 : count - 1] = text;
  return parts;
}

Held FieldMap::invalid(std::string found, const std::string& expected) const {
  Held held;
  held.field = field.name;
  held.required = required;
  held.message = paths.empty() ? "" : "legacy field " + paths.front().text() + ": ";
  found += "; expected " + expected;
  held.message += found;
  return held;
}

Held FieldMap::absent() const {
  return invalid("missing in the record", "the field, empty or not");
}

// The legacy value as it is; null where it is empty.
std::optional<Held> FieldMap::take(const Json& legacy, Json& value) const {
  if (!join) {
    const Json* found = paths.front().find(legacy);
    if (found == nullptr && holds_absent) return absent();
    if (found != nullptr && !counts_as_empty(*found, empty)) value = *found;
    return std::nullopt;
  }
  std::vector<std::string> parts;
  bool all_absent = true;
  for (const LegacyPath& path : paths) {
    const Json* found = path.find(legacy);
    all_absent = all_absent && found == nullptr;
    if (found == nullptr || counts_as_empty(*found, empty)) continue;
    auto text = single_text(*found);
    if (!text) return invalid(shown(field, *found), "a text or a number");
    Json changed = std::move(*text);
    if (auto held = run_in(changed)) return held;
    const std::string* done = text_in(changed);
    if (done == nullptr) return invalid(shown(field, changed), "a text");
    parts.push_back(*done);
  }
  if (all_absent && holds_absent) return absent();
  if (!parts.empty()) value = join->join(parts);
  return std::nullopt;
}

std::optional<Held> FieldMap::run_in(Json& value) const {
  std::string expected;
  for (const Transform& transform : transforms) {
    Json before;
    if (!value.is_string()) before = value;  // what does not fit is shown; a text is not changed before it is looked at
    if (to_modern(transform, value, expected)) continue;
    return invalid(shown(field, before.is_null() ? value : before), expected);
  }
  return std::nullopt;
}

std::optional<Held> FieldMap::map_value(const ValueMap& map, bool in, Json& value) const {
  const auto& pairs = in ? map.to_modern : map.to_legacy;
  std::string buffer;
  const std::string* text = text_for(value, buffer);
  const auto pair = text == nullptr ? pairs.end() : pairs.find(*text);
  if (pair == pairs.end())
    return invalid(shown(field, value), in ? "a value that `values` maps" : "a value that `values` maps to");
  value = pair->second;
  return std::nullopt;
}

std::optional<Held> FieldMap::map_row(const TableLookup& lookup, bool in, Json& value) const {
  const LegacyTable& table = *lookup.table;
  std::string buffer;
  const std::string* text = text_for(value, buffer);
  tl::expected<std::string, LegacyTable::Missing> found = tl::unexpected(LegacyTable::Missing::for_sure);
  if (text != nullptr) found = in ? table.code_of(*text) : table.id_of(*text);
  if (!found && found.error() == LegacyTable::Missing::perhaps) {
    return Held{field.name, Held::Reason::unresolved, {kTableReference + table.name(), *text}, {}, required};
  }
  if (!found) {
    return invalid(shown(field, value), "a row of the table " + table.name() + " (" + table.type() + ")");
  }
  auto mapped = in ? Json(*found) : in_form(*found, lookup.form);
  if (!mapped) return invalid("the id " + yaml::in_quotes(*found), "a number, as the mapping says");
  value = std::move(*mapped);
  return std::nullopt;
}

// From the legacy value to the id alone, as a text. Null: it refers to a record of another type.
std::optional<Held> FieldMap::legacy_id(const LinkLookup& link, Json& value) const {
  auto text = single_text(value);
  if (!text || value.is_boolean()) return invalid(shown(field, value), "the id of a record, a text or a number");
  if (!link.type.empty()) {
    const std::size_t comma = text->find(',');
    const std::string type = text->substr(0, comma);
    const bool has_id = comma != std::string::npos && comma + 1 < text->size();
    if (type != link.type) {
      // Writing would overwrite a reference of which nothing is known here.
      if (writes() && std::ranges::find(link.other_types, type) == link.other_types.end()) {
        return invalid(shown(field, value), "a reference such as " + link.type + ",12, of a type that is mapped");
      }
      value = nullptr;
      return std::nullopt;
    }
    if (!has_id) return invalid(shown(field, value), "a reference such as " + link.type + ",12");
    text = text->substr(comma + 1);
  }
  value = std::move(*text);
  return std::nullopt;
}

std::optional<Held> FieldMap::resolve_in(Json& value, const Lookup& record_id_of) const {
  const auto each = [&](auto map) -> std::optional<Held> {
    if (!value.is_array()) return map(value);
    for (Json& element : value) {
      if (auto held = map(element)) return held;
    }
    return std::nullopt;
  };
  if (const auto* map = std::get_if<ValueMap>(&resolve)) {
    return each([&](Json& single) { return map_value(*map, true, single); });
  }
  if (const auto* lookup = std::get_if<TableLookup>(&resolve)) {
    return each([&](Json& single) { return map_row(*lookup, true, single); });
  }
  const LinkLookup& to = std::get<LinkLookup>(resolve);
  if (auto held = legacy_id(to, value)) return held;
  if (value.is_null()) return std::nullopt;
  Reference reference{to.entity, std::move(value.get_ref<std::string&>())};
  auto id = record_id_of(reference);
  if (!id) return Held{field.name, Held::Reason::unresolved, std::move(reference), {}, required};
  value = std::move(*id);
  return std::nullopt;
}

std::optional<Held> FieldMap::canonicalise(const Json& value, Json& out) const {
  auto canonical = records::canonical_value(field, value);
  if (canonical) {
    out = std::move(*canonical);
    return std::nullopt;
  }
  Held held = invalid("", "");
  held.message = "legacy field " + paths.front().text() + ": " + canonical.error().public_message;
  return held;
}

// A value that passes as it is: without a copy before its canonical form.
std::optional<Held> FieldMap::read_plain(const Json& legacy, Json& out) const {
  const Json* found = paths.front().find(legacy);
  if (found == nullptr) return holds_absent ? std::optional(absent()) : std::nullopt;
  if (counts_as_empty(*found, empty)) return std::nullopt;
  return canonicalise(*found, out);
}

std::optional<Held> FieldMap::read_formed(const Json& legacy, const Lookup& record_id_of, Json& out) const {
  if (auto held = take(legacy, out)) return held;
  if (!out.is_null() && !join) {
    if (auto held = run_in(out)) return held;
  }
  if (part && !out.is_null()) {
    const std::string* text = text_in(out);
    if (text == nullptr) return invalid(shown(field, out), "a text");
    out = part->join.split(*text, 2).at(part->takes_first ? 0 : 1);
  }
  if (records::is_empty(out)) return std::nullopt;
  if (resolve.index() != 0) {
    if (auto held = resolve_in(out, record_id_of)) return held;
    // What `values` and links give is canonical already.
    if (!std::holds_alternative<TableLookup>(resolve) && !out.is_array()) return std::nullopt;
  }
  const Json value = std::move(out);
  return canonicalise(value, out);
}

std::optional<Held> FieldMap::read(const Json& legacy, const Lookup& record_id_of, Json& out) const {
  out = nullptr;
  if (paths.empty()) {
    out = default_modern;
    return std::nullopt;
  }
  const bool is_plain = transforms.empty() && resolve.index() == 0 && !join && !part;
  if (auto held = is_plain ? read_plain(legacy, out) : read_formed(legacy, record_id_of, out)) return held;
  if (!records::is_empty(out)) return std::nullopt;
  out = default_modern;
  if (out.is_null() && required && direction != Direction::to_legacy) {
    return invalid("empty", "a value: it is required");
  }
  return std::nullopt;
}

std::optional<Reference> FieldMap::reference(const Json& legacy) const {
  const LinkLookup* to = link();
  Json value;
  if (to == nullptr || take(legacy, value) || value.is_null() || run_in(value) || records::is_empty(value)) {
    return std::nullopt;
  }
  if (legacy_id(*to, value) || value.is_null()) return std::nullopt;
  return Reference{to->entity, std::move(value.get_ref<std::string&>())};
}

std::optional<Held> FieldMap::resolve_out(Json& value, const Lookup& legacy_id_of) const {
  const auto each = [&](auto map) -> std::optional<Held> {
    if (!value.is_array()) return map(value);
    for (Json& element : value) {
      if (auto held = map(element)) return held;
    }
    return std::nullopt;
  };
  if (const auto* map = std::get_if<ValueMap>(&resolve)) {
    return each([&](Json& single) { return map_value(*map, false, single); });
  }
  if (const auto* lookup = std::get_if<TableLookup>(&resolve)) {
    return each([&](Json& single) { return map_row(*lookup, false, single); });
  }
  const LinkLookup& to = std::get<LinkLookup>(resolve);
  const std::string* text = text_in(value);
  if (text == nullptr) return invalid(shown(field, value), "the id of a record");
  Reference reference{to.entity, *text};
  const auto id = legacy_id_of(reference);
  if (!id) return Held{field.name, Held::Reason::unresolved, std::move(reference), {}, required};
  if (!to.type.empty()) {
    value = to.type + "," + *id;
    return std::nullopt;
  }
  auto formed = in_form(*id, to.form);
  if (!formed) return invalid("the legacy id " + yaml::in_quotes(*id), "a number, as the mapping says");
  value = std::move(*formed);
  return std::nullopt;
}

std::optional<Held> FieldMap::write(const Json* value, const Lookup& legacy_id_of, Json& out) const {
  if (value == nullptr || records::is_empty(*value)) {
    out = default_legacy;
    if (out.is_null() && required) return invalid("empty", "a value: it is required");
    return std::nullopt;
  }
  out = *value;
  if (resolve.index() != 0) {
    if (auto held = resolve_out(out, legacy_id_of)) return held;
  }
  std::vector<std::string> parts;
  if (join) {
    const std::string* text = text_in(out);
    if (text == nullptr) return invalid(shown(field, out), "a text");
    parts = join->split(*text, paths.size());
    if (join->join(parts) != *text)
      return invalid(shown(field, *value), "a text that the legacy fields can hold in parts");
  }
  const auto run_out = [&](Json& single) -> std::optional<Held> {
    std::string expected;
    for (auto transform = transforms.rbegin(); transform != transforms.rend(); ++transform) {
      if (!to_legacy(*transform, single, expected)) return invalid(shown(field, *value), expected);
    }
    return std::nullopt;
  };
  if (!join) return run_out(out);
  out = Json::array();
  for (std::string& text : parts) {
    Json single;
    if (!text.empty()) {
      single = std::move(text);
      if (auto held = run_out(single)) return held;
    }
    out.push_back(std::move(single));
  }
  return std::nullopt;
}

}  // namespace banyan::sync
