// PYSON: the conditions in Tryton's descriptions of fields ("read-only unless the state is draft"), as its clients
// evaluate them. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace banyan::legacy::tryton {

using Json = nlohmann::json;

// The fields that the expression asks for, each once.
std::vector<std::string> names_in(const Json& expression);

// `row`: a record as Tryton reads it out. Nothing: it cannot be told, because the expression asks for another record,
// for what the row does not hold, or for the day.
std::optional<Json> evaluate(const Json& expression, const Json& row);

// As Python has it: null, false, 0, "", [] and {} are not.
bool is_truthy(const Json& value);

}  // namespace banyan::legacy::tryton
