#include "adapters/records/canonicalise.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "adapters/records/text_forms.hpp"
#include "adapters/records/time_forms.hpp"
#include "gateway/base/nearest.hpp"

namespace banyan::records {
namespace {

constexpr std::size_t kMostElements = 1'000;
constexpr std::size_t kMostWordsListed = 12;

// The canonical value, or nothing if it does not fit; what was expected is only put together then.
using Fitted = std::optional<Json>;

Fitted text_of(const Field& field, std::string_view text) {
  std::optional<std::string> plain = canonical_plain_text(text);
  if (!plain) return std::nullopt;
  if (plain->empty()) return Json(std::move(*plain));
  switch (field.format) {
    case Format::email:
      plain = canonical_email(*plain);
      break;
    case Format::language:
      plain = canonical_language(*plain);
      break;
    case Format::currency:
      plain = canonical_currency(*plain);
      break;
    case Format::country:
      plain = canonical_country(*plain);
      break;
    case Format::phone:
      if (!is_phone(*plain)) return std::nullopt;
      break;
    case Format::url:
      if (!is_url(*plain)) return std::nullopt;
      break;
    default:
      break;
  }
  if (!plain || (plain->size() > field.max_length && code_points(*plain) > field.max_length)) return std::nullopt;
  return Json(std::move(*plain));
}

Fitted choice_of(const Field& field, std::string_view text) {
  std::optional<std::string> plain = canonical_plain_text(text);
  if (!plain) return std::nullopt;
  if (!plain->empty() && std::ranges::find(field.values, *plain) == field.values.end()) return std::nullopt;
  return Json(std::move(*plain));
}

// The decimal text of a JSON number or text.
std::optional<std::string> decimal_text(const Json& value) {
  if (value.is_string()) {
    const auto plain = canonical_plain_text(value.get_ref<const std::string&>());
    return plain && plain->empty() ? std::string() : canonical_decimal(plain.value_or("?"));
  }
  if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  if (!value.is_number_float()) return std::nullopt;
  std::array<char, 40> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value.get<double>()).ptr;
  return canonical_decimal({digits.data(), end});
}

Fitted decimal_of(const Field& field, const Json& value) {
  std::optional<std::string> text = decimal_text(value);
  if (!text || decimals_of(*text) > field.scale) return std::nullopt;
  if (field.format == Format::percent && !text->empty() && !is_percent(*text)) return std::nullopt;
  return Json(std::move(*text));
}

Fitted integer_of(const Field& field, const Json& value) {
  const std::optional<std::string> text = decimal_text(value);
  if (!text) return std::nullopt;
  if (text->empty()) return Json("");
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  if (field.format == Format::percent && (number < 0 || number > 100)) return std::nullopt;
  return Json(number);
}

Fitted list_of(const Field& field, const Json& value) {
  if (!value.is_array() || value.size() > kMostElements) return std::nullopt;
  std::vector<std::string> elements;
  for (const Json& element : value) {
    if (!element.is_string()) return std::nullopt;
    const auto& text = element.get_ref<const std::string&>();
    Fitted fitted = field.values.empty() ? text_of(field, text) : choice_of(field, text);
    if (!fitted) return std::nullopt;
    if (!is_empty(*fitted)) elements.push_back(std::move(fitted->get_ref<std::string&>()));
  }
  std::ranges::sort(elements);
  elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
  return Json(std::move(elements));
}

// Types that are written as texts of a form of their own.
Fitted formed_of(FieldType type, std::string_view raw) {
  std::optional<std::string> text = canonical_plain_text(raw);
  if (!text) return std::nullopt;
  if (text->empty()) return Json("");
  if (type == FieldType::date) return is_date(*text) ? Fitted(std::move(*text)) : std::nullopt;
  text = type == FieldType::timestamp ? canonical_timestamp(*text) : canonical_uuid(*text);
  if (!text) return std::nullopt;
  return Json(std::move(*text));
}

Fitted fit(const Field& field, const Json& value) {
  switch (field.type) {
    case FieldType::boolean:
      return value.is_boolean() ? Fitted(value) : std::nullopt;
    case FieldType::integer:
      return integer_of(field, value);
    case FieldType::decimal:
      return decimal_of(field, value);
    case FieldType::list:
      return list_of(field, value);
    default:
      break;
  }
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  if (field.type == FieldType::text) return text_of(field, text);
  return field.type == FieldType::choice ? choice_of(field, text) : formed_of(field.type, text);
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  const std::size_t shown = std::min(words.size(), kMostWordsListed);
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return shown < words.size() ? out + ", …" : out;
}

std::string expected_text(const Field& field) {
  const std::string limit = " of at most " + std::to_string(field.max_length) + " characters";
  switch (field.format) {
    case Format::email:
      return "an e-mail address such as name@example.org" + (field.max_length < 320 ? "," + limit : "");
    case Format::phone:
      return "a telephone number such as +33 1 23 45 67 89";
    case Format::url:
      return "an absolute URL such as https://example.org/" + (field.max_length < 2'000 ? "," + limit : "");
    case Format::currency:
      return "a currency of ISO 4217 such as EUR";
    case Format::country:
      return "a country of ISO 3166-1 such as FR";
    case Format::language:
      return "a language of BCP 47 such as fr or pt-BR";
    default:
      return "a text" + limit + ", valid UTF-8 without NUL";
  }
}

std::string expected_of(const Field& field) {
  const std::string range = field.format == Format::percent ? " from 0 to 100" : "";
  switch (field.type) {
    case FieldType::text:
      return expected_text(field);
    case FieldType::choice:
      return "one of " + listed(field.values);
    case FieldType::integer:
      return "a whole number" + (range.empty() ? " of 64 bits" : range);
    case FieldType::decimal:
      return "a decimal" + range + " with at most " + std::to_string(field.scale) + " digits after the point";
    case FieldType::boolean:
      return "true or false";
    case FieldType::date:
      return "a date such as 2026-11-01";
    case FieldType::timestamp:
      return "a time with its offset such as 2026-11-01T12:00:00Z";
    case FieldType::reference:
      return "the id of a record of " + field.target;
    case FieldType::list:
      break;
  }
  return "a list of at most " + std::to_string(kMostElements) + " elements, each " +
         (field.values.empty() ? expected_text(field) : "one of " + listed(field.values));
}

// A fault may end in a log or a dead letter: what is private is not repeated.
std::string found_of(const Field& field, const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "nothing";
    case Json::value_t::array:
      return "a list of " + std::to_string(value.size()) + " elements";
    case Json::value_t::object:
      return "an object";
    default:
      break;
  }
  const bool is_private = field.sensitivity >= Sensitivity::personal;
  if (!value.is_string()) return is_private ? std::string("a ") + value.type_name() : value.dump();
  const auto& text = value.get_ref<const std::string&>();
  if (is_private) return "a text of " + std::to_string(text.size()) + " bytes";
  return yaml::in_quotes(canonical_plain_text(text) ? text : "…");
}

FieldFault misfit(const Field& field, const Json& value) {
  FieldFault fault{field.name, found_of(field, value), expected_of(field), {}};
  if (field.type == FieldType::choice && value.is_string() && field.sensitivity < Sensitivity::personal) {
    if (const auto near = nearest(value.get_ref<const std::string&>(), field.values)) {
      fault.hint = "did you mean \"" + *near + "\"?";
    }
  }
  return fault;
}

FieldFault unknown(const Entity& entity, const std::string& name) {
  std::vector<std::string> names;
  for (const Field& field : entity.fields()) names.push_back(field.name);
  const auto near = nearest(name, names);
  return {name, "an unknown field", "a field of " + entity.name, near ? "did you mean \"" + *near + "\"?" : ""};
}

}  // namespace

std::string to_string(const FieldFault& fault) {
  std::string out = fault.field.empty() ? "" : fault.field + ": ";
  out += fault.found + "; expected " + fault.expected;
  return fault.hint.empty() ? out : out + "; " + fault.hint;
}

std::string to_string(const std::vector<FieldFault>& faults) {
  std::string out;
  for (const FieldFault& fault : faults) out += (out.empty() ? "" : "; ") + to_string(fault);
  return out;
}

Result<Json> canonical_value(const Field& field, const Json& value) {
  if (Fitted fitted = fit(field, value)) return std::move(*fitted);
  return fail(ErrorCode::invalid_argument, to_string(misfit(field, value)));
}

tl::expected<Json, FieldFault> canonical_field(const Entity& entity, const std::string& name, const Json& value) {
  const Field* field = entity.field(name);
  if (field == nullptr) return tl::unexpected(unknown(entity, name));
  if (is_empty(value)) return value;
  Fitted fitted = fit(*field, value);
  if (!fitted) return tl::unexpected(misfit(*field, value));
  return std::move(*fitted);
}

tl::expected<Json, std::vector<FieldFault>> canonicalise(const Entity& entity, const Json& input) {
  if (!input.is_object()) {
    return tl::unexpected(std::vector<FieldFault>{{"", "no object", "an object of the fields of " + entity.name, ""}});
  }
  Json data = Json::object();
  std::vector<FieldFault> faults;
  for (const auto& [name, value] : input.items()) {
    auto canonical = canonical_field(entity, name, value);
    if (!canonical) {
      faults.push_back(std::move(canonical.error()));
    } else if (!is_empty(*canonical)) {
      data[name] = std::move(*canonical);
    }
  }
  for (const Field& field : entity.fields()) {
    if (!field.required || data.contains(field.name)) continue;
    if (std::ranges::find(faults, field.name, &FieldFault::field) != faults.end()) continue;
    faults.push_back({field.name, "nothing", expected_of(field), ""});
  }
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  return data;
}

}  // namespace banyan::records
