#include "adapters/records/ontology.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace banyan::records {

std::string_view to_string(FieldType type) {
  constexpr std::array<std::string_view, 9> kWords{"text", "choice",    "integer",   "decimal", "boolean",
                                                   "date", "timestamp", "reference", "list"};
  return kWords.at(static_cast<std::size_t>(type));
}

std::string_view to_string(Sensitivity sensitivity) {
  constexpr std::array<std::string_view, 4> kWords{"public", "internal", "personal", "confidential"};
  return kWords.at(static_cast<std::size_t>(sensitivity));
}

const Field* Entity::field(std::string_view field_name) const {
  const auto name_of = [this](std::size_t index) -> std::string_view { return fields_[index].name; };
  const auto at = std::ranges::lower_bound(by_name_, field_name, {}, name_of);
  return at == by_name_.end() || name_of(*at) != field_name ? nullptr : &fields_[*at];
}

const Relation* Entity::hierarchy(std::string_view field_name) const {
  const auto at = std::ranges::find_if(relations, [&](const Relation& relation) {
    return relation.kind == Relation::Kind::hierarchy && relation.field == field_name;
  });
  return at == relations.end() ? nullptr : &*at;
}

bool Entity::add(Field field) {
  const auto name_of = [this](std::size_t index) -> std::string_view { return fields_[index].name; };
  const auto at = std::ranges::lower_bound(by_name_, std::string_view(field.name), {}, name_of);
  if (at != by_name_.end() && name_of(*at) == field.name) return false;
  by_name_.insert(at, fields_.size());
  fields_.push_back(std::move(field));
  return true;
}

void Entity::add_value(std::string_view field_name, std::string value) {
  const Field* known = field(field_name);
  if (known != nullptr) fields_[static_cast<std::size_t>(known - fields_.data())].values.push_back(std::move(value));
}

const Entity* Ontology::find(std::string_view entity) const {
  const auto at = std::ranges::find(entities_, entity, &Entity::name);
  return at == entities_.end() ? nullptr : &*at;
}

}  // namespace banyan::records
