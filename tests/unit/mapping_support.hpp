// A small ontology with a field of every type, and short ways to make mappings from it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "adapters/records/ontology.hpp"
#include "adapters/sync/mapping.hpp"

namespace banyan::sync::mapping_test {

inline constexpr const char* kOntology = R"(
entities:
  account:
    fields:
      name: {type: text, required: true, max_length: 100}
      code: {type: text}
      email: {type: text, format: email, sensitivity: personal}
      parent: {type: reference, to: account}
      active: {type: boolean}
      kind: {type: choice, values: [organisation, person, other]}
      employees: {type: integer}
      revenue: {type: decimal, scale: 6}
      founded: {type: date}
      seen_at: {type: timestamp}
      tags: {type: list}
      colours: {type: list, values: [red, green, blue]}
      comment: {type: text, format: multiline}
  contact:
    fields:
      account: {type: reference, to: account, required: true}
      name: {type: text, required: true}
      given_name: {type: text}
      family_name: {type: text}
      city: {type: text}
      street: {type: text}
      country: {type: text}
  deal:
    fields:
      name: {type: text, required: true}
      account: {type: reference, to: account}
      contact: {type: reference, to: contact}
  note:
    fields:
      text: {type: text, required: true}
      account: {type: reference, to: account}
      deal: {type: reference, to: deal}
  left: {fields: {right: {type: reference, to: right}}}
  right: {fields: {left: {type: reference, to: left}}}
)";

inline const records::Ontology& ontology() {
  static const records::Ontology parsed = [] {
    const std::array<records::OntologyText, 1> texts{{{"test.yaml", kOntology}}};
    auto read = records::parse_ontology(texts);
    if (!read) ADD_FAILURE() << yaml::to_string(read.error().front());
    return std::move(*read);
  }();
  return parsed;
}

inline std::vector<std::string> faults_of(const std::string& text, const records::Ontology& known = ontology()) {
  const auto mapping = parse_mapping(text, "m.yaml", "crm", known);
  std::vector<std::string> out;
  if (mapping) return out;
  for (const yaml::Fault& fault : mapping.error()) out.push_back(yaml::to_string(fault));
  return out;
}

inline Mapping mapping_of(const std::string& text, const records::Ontology& known = ontology()) {
  auto mapping = parse_mapping(text, "m.yaml", "crm", known);
  if (mapping) return std::move(*mapping);
  for (const yaml::Fault& fault : mapping.error()) ADD_FAILURE() << yaml::to_string(fault);
  return {};
}

// A mapping of `account` alone: its name and the given fields, each line "field: …".
inline std::string account_with(const std::vector<std::string>& fields) {
  std::string text = "entities:\n  account:\n    type: party\n    fields:\n";
  if (std::ranges::none_of(fields, [](const auto& line) { return line.starts_with("name:"); })) {
    text += "      name: name\n";
  }
  for (const std::string& field : fields) text += "      " + field + "\n";
  return text;
}

// Both sides give a referenced record the same id but for a mark: record "r12" is legacy 12.
inline std::optional<std::string> record_id_of(const Reference& reference) {
  if (reference.id == "404") return std::nullopt;
  return "r" + reference.id;
}
inline std::optional<std::string> legacy_id_of(const Reference& reference) {
  if (reference.id == "r404") return std::nullopt;
  return reference.id.substr(1);
}

inline Mapped in(const Mapping& mapping, const std::string& entity, const Json& legacy) {
  return mapping.find(entity)->to_modern(legacy, record_id_of);
}

inline Mapped out(const Mapping& mapping, const std::string& entity, const Json& data,
                  const std::vector<std::string>& fields, bool for_create = false) {
  return mapping.find(entity)->to_legacy(data, fields, legacy_id_of, for_create);
}

}  // namespace banyan::sync::mapping_test
