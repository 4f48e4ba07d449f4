// From what someone sent to the canonical form of canonical.hpp, checked against the ontology.
//
// Canonical values are fixed points: canonicalising one gives it back. White space at both ends of texts goes, and line
// ends become "\n". Besides its canonical form a value may be given as:
//   integer      a decimal text, or a number without a fraction
//   decimal      a JSON number, or a text with leading or trailing zeros, a plus sign or an exponent
//   timestamp    RFC 3339 with any offset, "T" or a space between; further decimals than six are cut off
//   reference    a UUID in upper case
//   list         in any order, with repeats
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "adapters/records/canonical.hpp"
#include "adapters/records/ontology.hpp"
#include "gateway/base/result.hpp"

namespace banyan::records {

// What is wrong with one field, for whoever sent it.
struct FieldFault {
  std::string field;  // empty: the object as a whole
  std::string found;  // the value in quotes, cut; only its kind and size where the field is personal or confidential
  std::string expected;
  std::string hint;  // "did you mean \"name\"?"; may be empty

  bool operator==(const FieldFault&) const = default;
};

std::string to_string(const FieldFault& fault);
// One line: the faults with "; " between.
std::string to_string(const std::vector<FieldFault>& faults);

// One value, which is not empty (is_empty()). The result may be empty: white space only. Error: invalid_argument, the
// public message being that of the fault.
Result<Json> canonical_value(const Field& field, const Json& value);

// The same for a field by its name, with the fault in its parts; an unknown name is one.
tl::expected<Json, FieldFault> canonical_field(const Entity& entity, const std::string& name, const Json& value);

// A whole object: every field known, each value in its canonical form, none empty, those required present. Otherwise
// every fault.
tl::expected<Json, std::vector<FieldFault>> canonicalise(const Entity& entity, const Json& input);

}  // namespace banyan::records
