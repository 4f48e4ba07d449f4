#include "adapters/legacy/rest/fields.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "adapters/legacy/http_client.hpp"
#include "adapters/legacy/rest/wire_json.hpp"

namespace banyan::legacy::rest {
namespace {

using Type = FieldForm::Type;
using Outcome = tl::expected<Json, std::string>;

constexpr std::int64_t kMostDigits = 60;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

tl::unexpected<std::string> misfit(const Json& value, std::string_view expected) {
  return tl::unexpected(found(value) + " where " + std::string(expected) + " was expected");
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_blank(const Json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty());
}

// The text of a number or of a text that holds one.
std::optional<std::string> numeric_text(const Json& value) {
  return value.is_string() ? std::optional(value.get<std::string>()) : number_text(value);
}

Outcome boolean_from_wire(const FieldForm& field, const Json& value) {
  const auto text = scalar_text(value);
  const std::string no = field.words ? field.words->first : "false";
  const std::string yes = field.words ? field.words->second : "true";
  if (text == no || (!field.words && text == "0")) return false;
  if (text == yes || (!field.words && text == "1")) return true;
  return misfit(value, no + " or " + yes);
}

Outcome time_from_wire(const FieldForm& field, const Json& value) {
  const auto moment = stamp_from_wire(field.time, value);
  if (!moment) return tl::unexpected(moment.error());
  if (!*moment) return Json();
  if (field.type == Type::timestamp) return cursor_text(**moment);
  return cursor_text(**moment + field.time.utc_offset).substr(0, 10);
}

Outcome time_to_wire(const FieldForm& field, const Json& value) {
  const bool day = field.type == Type::date;
  const std::string_view expected = day ? "a date such as 2026-11-01" : "a time such as 2026-11-01T12:00:00.000000Z";
  if (!value.is_string()) return misfit(value, expected);
  const auto& text = value.get_ref<const std::string&>();
  auto moment = parse_time(TimeForm{}, text);
  if (!moment || (day && text.size() != 10)) return misfit(value, expected);
  TimeForm form = field.time;
  if (day) {
    *moment -= form.utc_offset;
    if (form.kind == TimeForm::Kind::iso) form.kind = TimeForm::Kind::pattern, form.pattern = "%Y-%m-%d";
  }
  std::string written = format_time(form, *moment);
  const bool number = form.kind == TimeForm::Kind::epoch_seconds || form.kind == TimeForm::Kind::epoch_millis;
  if (!number || field.as_text) return written;
  const auto whole = whole_number(written);
  return whole ? Json(*whole) : raw_number(written);
}

Outcome number_to_wire(const FieldForm& field, const Json& value) {
  const auto text = numeric_text(value);
  const auto plain = text ? plain_decimal(*text) : std::nullopt;
  if (!plain || (field.type == Type::integer && !whole_number(*plain))) {
    return misfit(value, field.type == Type::integer ? "a whole number" : "a number");
  }
  if (field.as_text) return *plain;
  const auto whole = whole_number(*plain);
  return whole ? Json(*whole) : raw_number(*plain);
}

}  // namespace

std::string found(const Json& value) {
  return excerpt(wire_text(value), 80);
}

std::optional<std::string> scalar_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  return number_text(value);
}

std::optional<std::string> plain_decimal(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::size_t mark = text.find_first_of("eE");
  std::string_view mantissa = text.substr(0, mark);
  std::int64_t exponent = 0;
  if (mark != std::string_view::npos) {
    std::string_view digits = text.substr(mark + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto value = whole_number(digits);
    if (!value || *value > kMostDigits || *value < -kMostDigits) return std::nullopt;
    exponent = *value;
  }
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  std::string digits(mantissa.substr(0, point));
  if (point < mantissa.size()) digits += mantissa.substr(point + 1);
  if (digits.empty() || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  if (digits.size() > static_cast<std::size_t>(kMostDigits)) return std::nullopt;
  std::int64_t whole = static_cast<std::int64_t>(point) + exponent;  // digits before the point
  if (whole <= 0) digits.insert(0, static_cast<std::size_t>(1 - whole), '0'), whole = 1;
  if (whole > static_cast<std::int64_t>(digits.size())) digits.resize(static_cast<std::size_t>(whole), '0');
  std::string fraction = digits.substr(static_cast<std::size_t>(whole));
  digits.resize(static_cast<std::size_t>(whole));
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  // What is given out can be read again.
  if (digits.size() + fraction.size() > static_cast<std::size_t>(kMostDigits)) return std::nullopt;
  return (negative ? "-" : "") + digits + (fraction.empty() ? "" : "." + fraction);
}

tl::expected<std::optional<Moment>, std::string> stamp_from_wire(const TimeForm& form, const Json& value) {
  if (is_blank(value)) return std::nullopt;
  const auto text = numeric_text(value);
  if (text && value.is_string() && is_zero_date(*text)) return std::nullopt;
  auto moment = text ? parse_time(form, *text) : std::nullopt;
  if (moment) return moment;
  switch (form.kind) {
    case TimeForm::Kind::epoch_seconds:
      return misfit(value, "seconds since 1970");
    case TimeForm::Kind::epoch_millis:
      return misfit(value, "milliseconds since 1970");
    case TimeForm::Kind::pattern:
      return misfit(value, "a time of the form " + form.pattern);
    case TimeForm::Kind::iso:
      break;
  }
  return misfit(value, "a time such as 2026-11-01T12:00:00Z");
}

Outcome from_wire(const FieldForm& field, const Json& value) {
  if (value.is_null()) return Json();
  switch (field.type) {
    case Type::any:
      return without_raw_numbers(value);
    case Type::text: {
      const auto text = scalar_text(value);
      if (!text) return misfit(value, "a text");
      return *text;
    }
    case Type::integer: {
      if (is_blank(value)) return Json();
      const auto text = numeric_text(value);
      const auto plain = text ? plain_decimal(*text) : std::nullopt;
      const auto whole = plain ? whole_number(*plain) : std::nullopt;
      if (!whole) return misfit(value, "a whole number");
      return *whole;
    }
    case Type::decimal: {
      if (is_blank(value)) return Json();
      const auto text = numeric_text(value);
      const auto plain = text ? plain_decimal(*text) : std::nullopt;
      if (!plain) return misfit(value, "a number");
      return *plain;
    }
    case Type::boolean:
      if (is_blank(value)) return Json();
      return boolean_from_wire(field, value);
    case Type::date:
    case Type::timestamp:
      break;
  }
  return time_from_wire(field, value);
}

Outcome to_wire(const FieldForm& field, const Json& value) {
  if (value.is_null()) return Json();
  switch (field.type) {
    case Type::any:
      return value;
    case Type::text:
      if (!value.is_string()) return misfit(value, "a text");
      return value;
    case Type::integer:
    case Type::decimal:
      return number_to_wire(field, value);
    case Type::boolean:
      if (!value.is_boolean()) return misfit(value, "true or false");
      if (field.words) return value.get<bool>() ? field.words->second : field.words->first;
      if (field.as_text) return value.get<bool>() ? "true" : "false";
      return value;
    case Type::date:
    case Type::timestamp:
      break;
  }
  return time_to_wire(field, value);
}

}  // namespace banyan::legacy::rest
