// What a description says about fields.
#include <utility>

#include "adapters/legacy/rest/description_schema.hpp"
#include "gateway/base/yaml_scalars.hpp"

namespace banyan::legacy::rest::schema {
namespace {

using yaml::Node;
using yaml::Reader;
using Type = FieldForm::Type;

Reader<std::optional<std::pair<std::string, std::string>>> words() {
  using Words = std::pair<std::string, std::string>;
  return yaml::maybe<Words>(yaml::object<Words>("words for the two truth values")
                                .required("no", &Words::first, yaml::text())
                                .required("yes", &Words::second, yaml::text()));
}

// The form is read for a moment or a day, as the type says, which may stand behind it in the file.
Reader<FieldForm> field_time() {
  const Reader<TimeForm> time = time_name(true);
  auto read = [inner = time.read](const Node& node, FieldForm& out) {
    inner(node, out.time);
    out.has_time_form = true;
  };
  return {std::move(read), time.what, {}};
}

void check(const Node& node, const FieldForm& field) {
  const bool timed = field.type == Type::date || field.type == Type::timestamp;
  if (field.has_time_form && !timed) {
    entry(node, "time").fault("a form of time", "the key left out, or type: date or timestamp beside it");
  }
  if (field.type == Type::timestamp && field.time.kind == TimeForm::Kind::pattern) {
    const std::string fault = pattern_fault(field.time.pattern, true);
    if (!fault.empty()) entry(node, "time").fault("a pattern with " + fault, "a pattern with hours and minutes");
  }
  if (field.words && field.type != Type::boolean) {
    entry(node, "words").fault("words for truth values", "the key left out, or type: boolean beside it");
  }
  if (field.at.is_whole()) entry(node, "at").fault("the whole record", "a JSON pointer to a part of it");
}

}  // namespace

Reader<FieldForm> field() {
  const auto whole = [](FieldForm& out) -> FieldForm& { return out; };
  const Reader<FieldForm> mapping =
      yaml::object<FieldForm>("a field")
          .optional("at", &FieldForm::at, pointer())
          .optional("type", &FieldForm::type,
                    yaml::choice<Type>({{"any", Type::any},
                                        {"text", Type::text},
                                        {"integer", Type::integer},
                                        {"decimal", Type::decimal},
                                        {"boolean", Type::boolean},
                                        {"date", Type::date},
                                        {"timestamp", Type::timestamp}}))
          .optional("as_text", &FieldForm::as_text, yaml::boolean())
          .optional("words", &FieldForm::words, words())
          .optional("time", whole, field_time())
          .optional(
              "utc_offset", [](FieldForm& out) -> std::chrono::minutes& { return out.time.utc_offset; }, utc_offset())
          .optional(
              "precision", [](FieldForm& out) -> std::chrono::microseconds& { return out.time.precision; }, precision())
          .optional("required", &FieldForm::required, yaml::boolean())
          .optional("read_only", &FieldForm::read_only, yaml::boolean())
          .optional("choices", &FieldForm::choices, yaml::list(yaml::text(), 1))
          .check(check);
  const std::string what = "a field, such as {type: text}";
  auto read = [inner = mapping.read, what](const Node& node, FieldForm& out) {
    if (node.kind() == Node::Kind::null) return;  // "name:" alone: a field of any type
    inner(node, out);
  };
  return {std::move(read), what, mapping.keys};
}

}  // namespace banyan::legacy::rest::schema
