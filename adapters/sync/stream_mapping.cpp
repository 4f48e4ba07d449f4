#include "adapters/sync/stream_mapping.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace banyan::sync {
namespace {

// FNV-1a, 64 bits.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xCBF2'9CE4'8422'2325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01B3U;
  return hash;
}

const Json* member(const Json& data, const std::string& name) {
  const auto* object = data.get_ptr<const Json::object_t*>();
  if (object == nullptr) return nullptr;
  const auto at = object->find(name);
  return at == object->end() ? nullptr : &at->second;
}

}  // namespace

// What to_legacy() was asked for.
struct DeclaredStream::Write {
  const Json& data;
  const Lookup& legacy_id_of;
  bool for_create = false;
  const std::vector<bool>& requested;  // by the index of the field
};

DeclaredStream::DeclaredStream(StreamSpec spec) : spec_(std::move(spec)) {
  std::set<std::string> tops;
  for (const FieldMap& field : spec_.fields) {
    for (const LegacyPath& path : field.paths) tops.insert(path.top());
  }
  legacy_fields_.assign(tops.begin(), tops.end());
  fingerprint_ = hash_of(spec_.description.dump());
  make_groups();
}

void DeclaredStream::make_groups() {
  std::map<std::string, std::size_t> group_of_top;
  for (std::size_t i = 0; i < spec_.fields.size(); ++i) {
    const FieldMap& field = spec_.fields[i];
    if (!field.writes()) continue;
    std::set<std::size_t> joined;
    for (const LegacyPath& path : field.paths) {
      if (const auto known = group_of_top.find(path.top()); known != group_of_top.end()) joined.insert(known->second);
    }
    const std::size_t target = joined.empty() ? groups_.size() : *joined.begin();
    if (joined.empty()) groups_.emplace_back();
    for (const std::size_t other : joined) {
      if (other == target) continue;
      std::vector<std::size_t>& moved = groups_[other].fields;
      groups_[target].fields.insert(groups_[target].fields.end(), moved.begin(), moved.end());
      moved.clear();
      for (auto& [top, group] : group_of_top) group = group == other ? target : group;
    }
    groups_[target].fields.push_back(i);
    for (const LegacyPath& path : field.paths) group_of_top[path.top()] = target;
  }
  std::erase_if(groups_, [](const Group& group) { return group.fields.empty(); });
}

const FieldMap* DeclaredStream::find(const std::string& field) const {
  const auto at = std::ranges::lower_bound(spec_.fields, field, {}, &FieldMap::name);
  return at == spec_.fields.end() || at->name() != field ? nullptr : &*at;
}

std::vector<std::string> DeclaredStream::legacy_fields_of(const std::string& field) const {
  std::set<std::string> tops;
  if (const FieldMap* known = find(field)) {
    for (const LegacyPath& path : known->paths) tops.insert(path.top());
  }
  return {tops.begin(), tops.end()};
}

void DeclaredStream::references(const Json& legacy, std::vector<Reference>& out) const {
  for (const FieldMap& field : spec_.fields) {
    if (auto reference = field.reference(legacy)) out.push_back(std::move(*reference));
  }
}

Mapped DeclaredStream::to_modern(const Json& legacy, const Lookup& record_id_of) const {
  Mapped mapped;
  auto& fields = mapped.fields.get_ref<Json::object_t&>();
  for (const FieldMap& field : spec_.fields) {
    Json value;
    if (auto held = field.read(legacy, record_id_of, value)) {
      mapped.held.push_back(std::move(*held));
    } else if (!value.is_null()) {
      fields.emplace_hint(fields.end(), field.name(), std::move(value));
    }
  }
  return mapped;
}

void DeclaredStream::modern_references(const Json& data, std::span<const std::string> fields,
                                       std::vector<Reference>& out) const {
  for (const FieldMap& field : spec_.fields) {
    const LinkLookup* link = field.link();
    if (link == nullptr || !field.writes()) continue;
    const Json* value = member(data, field.name());
    if (value == nullptr || !value->is_string() || std::ranges::find(fields, field.name()) == fields.end()) continue;
    out.push_back({link->entity, value->get_ref<const std::string&>()});
  }
}

// A create has more to say than what it was asked for: defaults, and that something required is missing.
bool DeclaredStream::is_wanted(const FieldMap& field, const Json& data, bool for_create) const {
  if (!for_create || (field.default_legacy.is_null() && !field.required)) return false;
  const Json* value = member(data, field.name());
  return value == nullptr || records::is_empty(*value);
}

Mapped DeclaredStream::to_legacy(const Json& data, std::span<const std::string> fields, const Lookup& legacy_id_of,
                                 bool for_create) const {
  Mapped mapped;
  std::vector<bool> requested(spec_.fields.size());
  for (const std::string& name : fields) {
    const FieldMap* field = find(name);
    if (field != nullptr) requested[static_cast<std::size_t>(field - spec_.fields.data())] = true;
  }
  for (std::size_t i = 0; i < spec_.fields.size(); ++i) {
    if (is_wanted(spec_.fields[i], data, for_create)) requested[i] = true;
  }
  const Write write{data, legacy_id_of, for_create, requested};
  for (const Group& group : groups_) {
    if (std::ranges::any_of(group.fields, [&](std::size_t i) { return requested[i]; })) {
      write_group(group, write, mapped);
    }
  }
  if (mapped.fields.empty() && !for_create) return mapped;
  for (const LegacyConstant& constant : spec_.constants) {
    if (for_create || !constant.on_create_only) constant.path.put(mapped.fields, constant.value);
  }
  return mapped;
}

void DeclaredStream::write_group(const Group& group, const Write& write, Mapped& out) const {
  std::vector<Json> values(group.fields.size());
  std::optional<Held> trouble;
  std::vector<bool> is_held(group.fields.size());
  for (std::size_t i = 0; i < group.fields.size(); ++i) {
    const std::size_t index = group.fields[i];
    const FieldMap& field = spec_.fields[index];
    auto held = field.write(member(write.data, field.name()), write.legacy_id_of, values[i]);
    if (!held) continue;
    if (!trouble) trouble = held;
    if (!write.requested[index]) continue;
    is_held[i] = true;
    out.held.push_back(std::move(*held));
  }
  Json fields = Json::object();
  for (std::size_t i = 0; i < group.fields.size() && !trouble; ++i) {
    // The fields that share this one's legacy place; itself alone as a rule.
    const LegacyPath& place = spec_.fields[group.fields[i]].paths.front();
    std::vector<std::size_t> sharing;
    std::vector<Json> theirs;
    for (std::size_t k = 0; k < group.fields.size(); ++k) {
      if (!(spec_.fields[group.fields[k]].paths.front() == place)) continue;
      sharing.push_back(group.fields[k]);
      theirs.push_back(values[k]);
    }
    if (sharing.front() == group.fields[i]) trouble = put_shared(sharing, theirs, write.for_create, fields);
  }
  if (!trouble) {
    for (auto& [name, value] : fields.items()) out.fields[name] = std::move(value);
    return;
  }
  // One of them cannot go, so none can: the others would clear it.
  for (std::size_t i = 0; i < group.fields.size(); ++i) {
    if (!write.requested[group.fields[i]] || is_held[i]) continue;
    Held held = *trouble;
    held.field = spec_.fields[group.fields[i]].name();
    held.required = spec_.fields[group.fields[i]].required;
    out.held.push_back(std::move(held));
  }
}

std::optional<Held> DeclaredStream::put_shared(const std::vector<std::size_t>& fields, const std::vector<Json>& values,
                                               bool for_create, Json& out) const {
  const FieldMap& first = spec_.fields[fields.front()];
  const auto put = [&](const LegacyPath& path, const Json& value) {
    if (!value.is_null() || !for_create) path.put(out, value);
  };
  if (first.join) {
    for (std::size_t i = 0; i < first.paths.size(); ++i) {
      put(first.paths[i], values.front().is_null() ? Json() : values.front().at(i));
    }
    return std::nullopt;
  }
  if (!first.part) {
    Json chosen;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i].is_null()) continue;
      if (!chosen.is_null()) {
        return first.invalid("both " + first.name() + " and " + spec_.fields[fields[i]].name(),
                             "one of them: they share one legacy field");
      }
      chosen = values[i];
    }
    put(first.paths.front(), chosen);
    return std::nullopt;
  }
  std::vector<std::string> parts(2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i].is_string()) continue;
    parts[spec_.fields[fields[i]].part->takes_first ? 0 : 1] = values[i].get_ref<const std::string&>();
  }
  const Join& join = first.part->join;
  const std::string whole = join.join(parts);
  if (join.split(whole, 2) != parts) {
    return first.invalid("parts that would be read back differently from one legacy field",
                         "parts that the separator tells apart");
  }
  put(first.paths.front(), whole.empty() ? Json() : Json(whole));
  return std::nullopt;
}

}  // namespace banyan::sync
