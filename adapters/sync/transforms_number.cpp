#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

#include "adapters/sync/transforms_detail.hpp"

namespace banyan::sync {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A decimal taken apart: "-12500.5".
struct Parts {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
};

std::optional<Parts> take_apart(std::string_view decimal) {
  Parts parts;
  if (!decimal.empty() && (decimal.front() == '-' || decimal.front() == '+')) {
    parts.negative = decimal.front() == '-';
    decimal.remove_prefix(1);
  }
  const std::size_t point = decimal.find('.');
  parts.whole = decimal.substr(0, point);
  if (point != std::string_view::npos) parts.fraction = decimal.substr(point + 1);
  if (parts.whole.empty() && parts.fraction.empty()) return std::nullopt;
  for (const std::string_view digits : {parts.whole, parts.fraction}) {
    for (const char c : digits) {
      if (!is_digit(c)) return std::nullopt;
    }
  }
  return parts;
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

namespace detail {

std::optional<std::string> decimal_of_number(const Json& number) {
  std::array<char, 400> digits{};  // DBL_MAX in full takes 309
  std::to_chars_result end{};
  if (number.is_number_unsigned()) {
    end = std::to_chars(digits.data(), digits.data() + digits.size(), number.get<std::uint64_t>());
  } else if (number.is_number_integer()) {
    end = std::to_chars(digits.data(), digits.data() + digits.size(), number.get<std::int64_t>());
  } else if (number.is_number_float()) {
    end = std::to_chars(digits.data(), digits.data() + digits.size(), number.get<double>(), std::chars_format::fixed);
  } else {
    return std::nullopt;
  }
  std::string text(digits.data(), end.ptr);
  if (!take_apart(text)) return std::nullopt;  // inf, nan
  return text;
}

std::optional<Json> number_of_decimal(const std::string& decimal) {
  if (const auto whole = parse_integer(decimal)) return Json(*whole);
  double number = 0;
  const char* const end = decimal.data() + decimal.size();
  const auto [stopped, error] = std::from_chars(decimal.data(), end, number);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  if (decimal_of_number(Json(number)) != decimal) return std::nullopt;
  return Json(number);
}

std::optional<std::string> shifted_decimal(std::string_view decimal, int places) {
  const auto parts = take_apart(decimal);
  if (!parts) return std::nullopt;
  std::string whole(parts->whole);
  std::string fraction(parts->fraction);
  for (; places > 0; --places) {
    whole += fraction.empty() ? '0' : fraction.front();
    if (!fraction.empty()) fraction.erase(0, 1);
  }
  for (; places < 0; ++places) {
    fraction.insert(0, 1, whole.empty() ? '0' : whole.back());
    if (!whole.empty()) whole.pop_back();
  }
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  if (whole.empty()) whole += '0';
  std::string out = parts->negative && (whole != "0" || !fraction.empty()) ? "-" + whole : whole;
  if (!fraction.empty()) out += "." + fraction;
  return out;
}

std::optional<std::string> decimal_of_text(std::string_view text, const DecimalText& form) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == form.group && form.group != 0) continue;
    if (c == form.point) {
      out += '.';
    } else if (c == '.') {
      return std::nullopt;
    } else {
      out += c;
    }
  }
  if (!take_apart(out)) return std::nullopt;
  return out;
}

std::optional<std::string> text_of_decimal(std::string_view decimal, const DecimalText& form) {
  const auto parts = take_apart(decimal);
  if (!parts || (form.digits && parts->fraction.size() > *form.digits)) return std::nullopt;
  std::string out(parts->negative ? "-" : "");
  for (std::size_t i = 0; i < parts->whole.size(); ++i) {
    if (form.group != 0 && i > 0 && (parts->whole.size() - i) % 3 == 0) out += form.group;
    out += parts->whole[i];
  }
  const std::size_t digits = form.digits.value_or(static_cast<std::uint32_t>(parts->fraction.size()));
  if (digits == 0) return out;
  out += form.point;
  out += parts->fraction;
  out.append(digits - parts->fraction.size(), '0');
  return out;
}

std::string decimal_of_minor_units(std::int64_t units, std::uint32_t digits) {
  std::string text = std::to_string(units);
  const std::size_t sign = units < 0 ? 1 : 0;
  if (text.size() - sign <= digits) text.insert(sign, digits + 1 - (text.size() - sign), '0');
  if (digits > 0) text.insert(text.size() - digits, 1, '.');
  return text;
}

std::optional<std::int64_t> minor_units_of_decimal(std::string_view decimal, std::uint32_t digits) {
  const auto parts = take_apart(decimal);
  if (!parts || parts->fraction.size() > digits) return std::nullopt;
  std::string all(parts->negative ? "-" : "");
  all += parts->whole;
  all += parts->fraction;
  all.append(digits - parts->fraction.size(), '0');
  return parse_integer(all);
}

}  // namespace detail
}  // namespace banyan::sync
