#include "tests/simulation/sim_mapping.hpp"

#include <algorithm>
#include <array>
#include <functional>

namespace banyan::simulation {
namespace {

using sync::Direction;
using sync::Flow;
using sync::Held;
using sync::Lookup;
using sync::Mapped;
using sync::Policy;
using sync::Reference;
using Kind = FieldSpec::Kind;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

Held invalid(const FieldSpec& field, const Json& found, const std::string& expected) {
  return {field.name, Held::Reason::invalid, {}, "found " + found.dump() + ", expected " + expected, field.required};
}

class HandWrittenMapping final : public sync::StreamMapping {
public:
  HandWrittenMapping(std::string system, EntitySpec spec) : system_(std::move(system)), spec_(std::move(spec)) {
    for (const FieldSpec& field : spec_.fields) {
      const bool distinctive = field.kind == FieldSpec::Kind::text || field.kind == FieldSpec::Kind::decimal;
      rules_.push_back({field.name, field.direction, field.policy, distinctive});
      legacy_fields_.push_back(field.legacy_name);
      description_[field.name] = field.legacy_name;
    }
    std::sort(rules_.begin(), rules_.end(), [](const auto& a, const auto& b) { return a.field < b.field; });
  }

  const std::string& system() const override { return system_; }
  const std::string& entity() const override { return spec_.entity; }
  const std::string& type() const override { return spec_.type; }
  std::span<const sync::FieldRule> rules() const override { return rules_; }
  const std::vector<std::string>& legacy_fields() const override { return legacy_fields_; }
  std::vector<std::string> legacy_fields_of(const std::string& name) const override {
    const FieldSpec* field = spec_.field(name);
    return field == nullptr ? std::vector<std::string>{} : std::vector<std::string>{field->legacy_name};
  }
  Flow creates() const override { return Flow::both; }
  Flow deletes() const override { return Flow::both; }
  Policy delete_conflict() const override { return spec_.delete_conflict; }
  const std::vector<std::vector<std::string>>& match_keys() const override { return spec_.match_keys; }
  const std::vector<std::string>& parents() const override { return spec_.parents; }
  const std::vector<std::string>& children() const override { return spec_.children; }
  std::uint64_t fingerprint() const override { return std::hash<std::string>{}(description_.dump()); }
  Json description() const override { return description_; }

  void references(const Json& legacy, std::vector<Reference>& out) const override {
    for (const FieldSpec& field : spec_.fields) {
      if (field.kind != Kind::reference) continue;
      const auto found = legacy.find(field.legacy_name);
      if (found != legacy.end() && found->is_string() && !found->get_ref<const std::string&>().empty()) {
        out.push_back({field.target, found->get<std::string>()});
      }
    }
  }

  Mapped to_modern(const Json& legacy, const Lookup& record_id_of) const override {
    Mapped result;
    for (const FieldSpec& field : spec_.fields) {
      const auto found = legacy.find(field.legacy_name);
      if (found == legacy.end()) {
        result.held.push_back(invalid(field, "nothing", "the field " + field.legacy_name));
      } else {
        read(field, *found, record_id_of, result);
      }
    }
    return result;
  }

  void modern_references(const Json& data, std::span<const std::string> fields,
                         std::vector<Reference>& out) const override {
    for (const std::string& name : fields) {
      const FieldSpec* field = spec_.field(name);
      if (field == nullptr || field->kind != Kind::reference) continue;
      if (const auto found = data.find(name); found != data.end()) {
        out.push_back({field->target, found->get<std::string>()});
      }
    }
  }

  Mapped to_legacy(const Json& data, std::span<const std::string> fields, const Lookup& legacy_id_of,
                   bool for_create) const override {
    Mapped result;
    for (const std::string& name : fields) {
      if (const FieldSpec* field = spec_.field(name)) write(*field, data, legacy_id_of, for_create, result);
    }
    if (for_create) result.fields["source"] = "banyan";
    return result;
  }

private:
  void read(const FieldSpec& field, const Json& value, const Lookup& record_id_of, Mapped& result) const {
    if (!value.is_null() && !value.is_string()) {
      result.held.push_back(invalid(field, value, "a text"));
      return;
    }
    const std::string text = value.is_null() ? std::string() : trimmed(value.get_ref<const std::string&>());
    if (text.empty()) {
      if (field.required) result.held.push_back(invalid(field, value, "a value"));
      return;
    }
    if (field.kind == Kind::reference) {
      const Reference reference{field.target, text};
      if (const auto id = record_id_of(reference)) {
        result.fields[field.name] = *id;
      } else {
        result.held.push_back({field.name, Held::Reason::unresolved, reference, {}, field.required});
      }
    } else if (field.kind == Kind::choice) {
      const auto choice = std::find_if(field.choices.begin(), field.choices.end(),
                                       [&](const auto& pair) { return pair.second == text; });
      if (choice == field.choices.end()) {
        result.held.push_back(invalid(field, value, "one of the choices"));
      } else {
        result.fields[field.name] = choice->first;
      }
    } else if (field.kind == Kind::decimal && text.find_first_not_of("0123456789.") != std::string::npos) {
      result.held.push_back(invalid(field, value, "a decimal number"));
    } else {
      result.fields[field.name] = text;
    }
  }

  void write(const FieldSpec& field, const Json& data, const Lookup& legacy_id_of, bool for_create,
             Mapped& result) const {
    const auto found = data.find(field.name);
    if (found == data.end()) {
      if (field.required) {
        result.held.push_back(invalid(field, Json(), "a value"));
      } else if (!for_create) {
        result.fields[field.legacy_name] = nullptr;
      }
    } else if (field.kind == Kind::reference) {
      const Reference reference{field.target, found->get<std::string>()};
      if (const auto id = legacy_id_of(reference)) {
        result.fields[field.legacy_name] = *id;
      } else {
        result.held.push_back({field.name, Held::Reason::unresolved, reference, {}, field.required});
      }
    } else if (field.kind == Kind::choice) {
      const auto choice = std::find_if(field.choices.begin(), field.choices.end(),
                                       [&](const auto& pair) { return pair.first == *found; });
      if (choice == field.choices.end()) {
        result.held.push_back(invalid(field, *found, "one of the choices"));
      } else {
        result.fields[field.legacy_name] = choice->second;
      }
    } else {
      result.fields[field.legacy_name] = *found;
    }
  }

  std::string system_;
  EntitySpec spec_;
  std::vector<sync::FieldRule> rules_;
  std::vector<std::string> legacy_fields_;
  Json description_ = Json::object();
};

}  // namespace

const FieldSpec* EntitySpec::field(const std::string& name) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const FieldSpec& spec) { return spec.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

const FieldSpec* EntitySpec::by_legacy_name(const std::string& name) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const FieldSpec& spec) { return spec.legacy_name == name; });
  return found == fields.end() ? nullptr : &*found;
}

std::vector<EntitySpec> make_entities(std::uint64_t policies) {
  constexpr std::array kPolicies{Policy::newest, Policy::legacy, Policy::modern, Policy::non_empty, Policy::review};
  constexpr std::array kDeletes{Policy::legacy, Policy::modern, Policy::review};
  EntitySpec account{"account", "party", {}, {}, {"contact"}, {{"code"}}, kDeletes[policies % 3]};
  account.fields = {{"name", "NAME", Kind::text, true},
                    {"code", "CODE"},
                    {"email", "MAIL"},
                    {"city", "CITY"},
                    {"phone", "TEL"},
                    {"notes", "NOTES", Kind::text, false, Direction::to_modern},
                    {"rating", "RATING", Kind::text, false, Direction::to_legacy},
                    {"parent", "PARENT", Kind::reference, false, Direction::both, Policy::newest, "account"}};
  EntitySpec contact{"contact", "person", {}, {"account"}, {}, {}, kDeletes[policies / 3 % 3]};
  contact.fields = {{"account", "PARTY", Kind::reference, true, Direction::both, Policy::newest, "account"},
                    {"name", "NAME", Kind::text, true},
                    {"email", "MAIL"}};
  FieldSpec role{"role", "ROLE", Kind::choice};
  role.choices = {{"buyer", "B"}, {"boss", "X"}, {"user", "U"}};
  contact.fields.push_back(role);
  EntitySpec opportunity{"opportunity", "deal", {}, {"account"}, {}, {}, kDeletes[policies / 9 % 3]};
  opportunity.fields = {{"name", "TITLE", Kind::text, true},
                        {"account", "PARTY", Kind::reference, false, Direction::both, Policy::newest, "account"},
                        {"amount", "AMOUNT", Kind::decimal}};
  FieldSpec stage{"stage", "STAGE", Kind::choice};
  stage.choices = {{"lead", "1"}, {"offer", "2"}, {"won", "3"}, {"lost", "4"}};
  opportunity.fields.push_back(stage);

  std::vector<EntitySpec> entities{account, contact, opportunity};
  for (EntitySpec& entity : entities) {
    for (FieldSpec& field : entity.fields) {
      field.policy = kPolicies[policies / 27 % kPolicies.size()];
      policies = policies * 6364136223846793005U + 1442695040888963407U;
    }
  }
  return entities;
}

std::shared_ptr<const sync::StreamMapping> make_mapping(const std::string& system, const EntitySpec& entity) {
  return std::make_shared<HandWrittenMapping>(system, entity);
}

}  // namespace banyan::simulation
