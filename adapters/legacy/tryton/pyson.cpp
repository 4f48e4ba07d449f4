#include "adapters/legacy/tryton/pyson.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace banyan::legacy::tryton {
namespace {

constexpr int kDeepest = 32;

using Result = std::optional<Json>;

Result evaluate_within(const Json& expression, const Json& row, int depth);

// Of an object with a __class__.
class Operation {
public:
  Operation(const Json& expression, const Json& row, int depth) : expression_(expression), row_(row), depth_(depth) {}

  Result evaluate() const {
    const std::string name = expression_["__class__"].get<std::string>();
    if (name == "Eval") return eval();
    if (name == "Not" || name == "Bool") {
      const Result value = part("v");
      if (!value) return std::nullopt;
      return Json(is_truthy(*value) == (name == "Bool"));
    }
    if (name == "And") return joined(false);
    if (name == "Or") return joined(true);
    if (name == "Equal") return equal();
    if (name == "Greater") return compared(false);
    if (name == "Less") return compared(true);
    if (name == "If") return chosen();
    if (name == "In") return contained();
    return std::nullopt;  // Get, Len, Date and the like
  }

private:
  Result part(const char* name) const {
    const auto found = expression_.find(name);
    return found == expression_.end() ? std::nullopt : evaluate_within(*found, row_, depth_ + 1);
  }

  Result eval() const {
    const auto name = expression_.find("v");
    if (name == expression_.end() || !name->is_string()) return std::nullopt;
    const auto value = row_.find(name->get<std::string>());
    if (value == row_.end()) return std::nullopt;
    if (!value->is_object() || value->value("__class__", Json()) != "Decimal") return *value;
    const Json digits = value->value("decimal", Json());
    if (!digits.is_string()) return std::nullopt;
    return Json(std::strtod(digits.get<std::string>().c_str(), nullptr));
  }

  // What one part decides alone holds whatever cannot be told of the others.
  Result joined(bool deciding) const {
    const auto parts = expression_.find("s");
    if (parts == expression_.end() || !parts->is_array()) return std::nullopt;
    bool all_known = true;
    for (const Json& one : *parts) {
      const Result value = evaluate_within(one, row_, depth_ + 1);
      if (value && is_truthy(*value) == deciding) return Json(deciding);
      all_known = all_known && value;
    }
    return all_known ? Result(Json(!deciding)) : std::nullopt;
  }

  Result equal() const {
    const Result left = part("s1");
    const Result right = part("s2");
    if (!left || !right) return std::nullopt;
    return Json(*left == *right);
  }

  // An empty field counts as 0.
  Result compared(bool less) const {
    const auto number = [](const Result& value) -> std::optional<double> {
      if (value && value->is_null()) return 0;
      return value && value->is_number() ? std::optional(value->get<double>()) : std::nullopt;
    };
    const auto left = number(part("s1"));
    const auto right = number(part("s2"));
    const Result or_equal = part("e");
    if (!left || !right || !or_equal) return std::nullopt;
    if (is_truthy(*or_equal) && *left == *right) return Json(true);
    return Json(less ? *left < *right : *left > *right);
  }

  Result chosen() const {
    const Result condition = part("c");
    if (!condition) return std::nullopt;
    return part(is_truthy(*condition) ? "t" : "e");
  }

  Result contained() const {
    const Result key = part("k");
    const Result values = part("v");
    if (!key || !values || !values->is_array()) return std::nullopt;
    return Json(std::find(values->begin(), values->end(), *key) != values->end());
  }

  const Json& expression_;
  const Json& row_;
  int depth_;
};

Result evaluate_within(const Json& expression, const Json& row, int depth) {
  if (depth > kDeepest) return std::nullopt;
  if (!expression.is_object()) return expression;
  const auto name = expression.find("__class__");
  if (name == expression.end() || !name->is_string()) return std::nullopt;
  return Operation(expression, row, depth).evaluate();
}

void collect_names(const Json& expression, int depth, std::vector<std::string>& out) {
  if (depth > kDeepest || !expression.is_structured()) return;
  if (expression.is_object() && expression.value("__class__", Json()) == "Eval") {
    const Json name = expression.value("v", Json());
    if (name.is_string() && std::find(out.begin(), out.end(), name.get<std::string>()) == out.end()) {
      out.push_back(name.get<std::string>());
    }
  }
  for (const Json& part : expression) collect_names(part, depth + 1, out);
}

}  // namespace

std::vector<std::string> names_in(const Json& expression) {
  std::vector<std::string> names;
  collect_names(expression, 0, names);
  return names;
}

std::optional<Json> evaluate(const Json& expression, const Json& row) {
  return evaluate_within(expression, row, 0);
}

bool is_truthy(const Json& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.empty();
}

}  // namespace banyan::legacy::tryton
