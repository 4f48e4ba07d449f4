#include "adapters/records/text_forms.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "adapters/records/code_lists.hpp"

namespace banyan::records {
namespace {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool is_letter(char c) {
  return is_upper(c) || is_lower(c);
}
constexpr char lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr char upper(char c) {
  return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
}

std::string in_case(std::string_view text, char (*change)(char)) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), change);
  return out;
}

// Bytes of the UTF-8 sequence at the front; 0: malformed (Unicode table 3-7).
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF ? 2 : lead >= 0xE0 && lead <= 0xEF ? 3 : 4;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0U) != 0x80U) return 0;
  }
  const unsigned char second = at(1);
  const bool malformed = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                         (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
  return malformed ? 0 : length;
}

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// White space of more than one byte.
constexpr std::array<std::string_view, 19> kWideSpaces{
    "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83",
    "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A",
    "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};

std::size_t space_at_front(std::string_view text) {
  if (is_space(text.front())) return 1;
  if (static_cast<unsigned char>(text.front()) < 0x80) return 0;
  for (const std::string_view space : kWideSpaces) {
    if (text.starts_with(space)) return space.size();
  }
  return 0;
}

std::size_t space_at_back(std::string_view text) {
  if (is_space(text.back())) return 1;
  if (static_cast<unsigned char>(text.back()) < 0x80) return 0;
  for (const std::string_view space : kWideSpaces) {
    if (text.ends_with(space)) return space.size();
  }
  return 0;
}

std::string with_plain_line_ends(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      out += text[i];
      continue;
    }
    out += '\n';
    if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
  }
  return out;
}

// Digits and the place of the point among them.
struct Digits {
  bool negative = false;
  std::string digits;
  long point = 0;
};

std::optional<Digits> parse_digits(std::string_view text) {
  constexpr std::size_t kLongest = 120;
  if (text.size() > kLongest) return std::nullopt;
  Digits out;
  if (text.starts_with('-') || text.starts_with('+')) {
    out.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  bool after_point = false;
  while (!text.empty() && (is_digit(text.front()) || (text.front() == '.' && !after_point))) {
    if (text.front() == '.') {
      after_point = true;
    } else {
      out.digits += text.front();
      if (!after_point) ++out.point;
    }
    text.remove_prefix(1);
  }
  if (out.digits.empty()) return std::nullopt;
  if (text.empty()) return out;
  if (text.front() != 'e' && text.front() != 'E') return std::nullopt;
  text.remove_prefix(1);
  if (text.size() > 1 && text.front() == '+' && is_digit(text[1])) text.remove_prefix(1);
  int exponent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  constexpr int kMostExponent = 400;
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (exponent > kMostExponent || exponent < -kMostExponent) return std::nullopt;
  out.point += exponent;
  return out;
}

bool is_domain(std::string_view domain) {
  if (domain.size() > 253 || domain.empty()) return false;
  std::size_t label = 0;
  for (std::size_t i = 0; i <= domain.size(); ++i) {
    if (i == domain.size() || domain[i] == '.') {
      if (label == 0 || label > 63 || domain[i - 1] == '-' || domain[i - label] == '-') return false;
      label = 0;
    } else {
      const bool wide = static_cast<unsigned char>(domain[i]) >= 0x80;
      if (!wide && !is_letter(domain[i]) && !is_digit(domain[i]) && domain[i] != '-') return false;
      ++label;
    }
  }
  return true;
}

bool is_graphic(char c) {
  return static_cast<unsigned char>(c) > 0x20 && c != 0x7F;
}

}  // namespace

std::optional<std::string> canonical_plain_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t space = space_at_front(text);
    if (space == 0) break;
    text.remove_prefix(space);
  }
  while (!text.empty()) {
    const std::size_t space = space_at_back(text);
    if (space == 0) break;
    text.remove_suffix(space);
  }
  bool carriage_return = false;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence_length(text.substr(i));
    if (length == 0 || text[i] == '\0') return std::nullopt;
    carriage_return = carriage_return || text[i] == '\r';
    i += length;
  }
  return carriage_return ? with_plain_line_ends(text) : std::string(text);
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::optional<std::string> canonical_email(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || !is_domain(text.substr(at + 1))) return std::nullopt;
  const std::string_view local = text.substr(0, at);
  const auto fits = [](char c) {
    return is_graphic(c) && std::string_view("@<>(),;:\\\"[]").find(c) == std::string::npos;
  };
  if (!std::ranges::all_of(local, fits)) return std::nullopt;
  return std::string(local) + "@" + in_case(text.substr(at + 1), lower);
}

std::optional<std::string> canonical_language(std::string_view text) {
  std::string out;
  std::size_t position = 0;
  bool after_single = false;  // of extensions and private use, all in lower case
  for (std::size_t index = 0; position <= text.size(); ++index) {
    const std::size_t end = std::min(text.find('-', position), text.size());
    const std::string_view part = text.substr(position, end - position);
    position = end + 1;
    const bool letters = std::ranges::all_of(part, is_letter);
    if (part.empty() || part.size() > 8) return std::nullopt;
    if (!std::ranges::all_of(part, [](char c) { return is_letter(c) || is_digit(c); })) return std::nullopt;
    if (index == 0 && (!letters || part.size() < 2)) return std::nullopt;
    if (index > 0) out += '-';
    after_single = after_single || part.size() == 1;
    if (index > 0 && !after_single && letters && part.size() == 2) {
      out += in_case(part, upper);
    } else if (index > 0 && !after_single && letters && part.size() == 4) {
      out += upper(part.front()) + in_case(part.substr(1), lower);
    } else {
      out += in_case(part, lower);
    }
  }
  return out;
}

std::optional<std::string> canonical_currency(std::string_view text) {
  std::string code = in_case(text, upper);
  return is_currency_code(code) ? std::optional(std::move(code)) : std::nullopt;
}

std::optional<std::string> canonical_country(std::string_view text) {
  std::string code = in_case(text, upper);
  return is_country_code(code) ? std::optional(std::move(code)) : std::nullopt;
}

bool is_phone(std::string_view text) {
  const std::size_t extension = text.find_first_of("xX#");
  const std::string_view number = text.substr(0, extension);
  const auto digits = std::ranges::count_if(number, is_digit);
  if (digits < 3 || digits > 20 || number.find('+', 1) != std::string_view::npos) return false;
  if (!std::ranges::all_of(
          number, [](char c) { return is_digit(c) || std::string_view("+ ()-./").find(c) != std::string::npos; })) {
    return false;
  }
  if (extension == std::string_view::npos) return true;
  const std::string_view rest = text.substr(extension + 1);
  return !rest.empty() && rest.size() <= 10 && std::ranges::all_of(rest, is_digit);
}

bool is_url(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 32 || !is_letter(text.front())) return false;
  const auto in_scheme = [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; };
  if (!std::ranges::all_of(text.substr(0, colon), in_scheme)) return false;
  const std::string_view rest = text.substr(colon + 1);
  return !rest.empty() && rest != "//" && std::ranges::all_of(rest, [](char c) {
    return is_graphic(c) && std::string_view("<>\"").find(c) == std::string::npos;
  });
}

std::optional<std::string> canonical_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    out[i] = lower(out[i]);
    const bool hex = is_digit(out[i]) || (out[i] >= 'a' && out[i] <= 'f');
    if (dash ? out[i] != '-' : !hex) return std::nullopt;
  }
  return out;
}

std::optional<std::string> canonical_decimal(std::string_view text) {
  auto parsed = parse_digits(text);
  if (!parsed) return std::nullopt;
  std::string& digits = parsed->digits;
  const std::size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
  if (zeros == digits.size()) return "0";
  digits.erase(0, zeros);
  parsed->point -= static_cast<long>(zeros);
  digits.erase(digits.find_last_not_of('0') + 1);
  constexpr long kMostWhole = 30;
  constexpr long kMostDecimals = 20;
  const long size = static_cast<long>(digits.size());
  if (parsed->point > kMostWhole || size - parsed->point > kMostDecimals) return std::nullopt;
  std::string out = parsed->negative ? "-" : "";
  if (parsed->point <= 0) {
    return out + "0." + std::string(static_cast<std::size_t>(-parsed->point), '0') + digits;
  }
  const auto point = static_cast<std::size_t>(parsed->point);
  if (point >= digits.size()) return out + digits + std::string(point - digits.size(), '0');
  return out + digits.substr(0, point) + "." + digits.substr(point);
}

std::size_t decimals_of(std::string_view decimal) {
  const std::size_t point = decimal.find('.');
  return point == std::string_view::npos ? 0 : decimal.size() - point - 1;
}

bool is_percent(std::string_view decimal) {
  const std::size_t whole = std::min(decimal.find('.'), decimal.size());
  return decimal == "100" || (whole <= 2 && !decimal.starts_with('-'));
}

}  // namespace banyan::records
