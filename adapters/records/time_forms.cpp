#include "adapters/records/time_forms.hpp"

#include <charconv>
#include <chrono>
#include <cstdint>

namespace banyan::records {
namespace {

using std::chrono::day;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

// Exactly `width` digits from the front, which are taken off.
std::optional<int> take_number(std::string_view& text, std::size_t width) {
  if (text.size() < width) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, width)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(width);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<sys_days> take_date(std::string_view& text) {
  const auto y = take_number(text, 4);
  if (!y || !take(text, "-")) return std::nullopt;
  const auto m = take_number(text, 2);
  if (!m || !take(text, "-")) return std::nullopt;
  const auto d = take_number(text, 2);
  if (!d) return std::nullopt;
  const year_month_day date(year(*y), month(static_cast<unsigned>(*m)), day(static_cast<unsigned>(*d)));
  if (*y < 1 || !date.ok()) return std::nullopt;
  return sys_days(date);
}

// "12:34:56", in seconds.
std::optional<int> take_time(std::string_view& text) {
  const auto h = take_number(text, 2);
  if (!h || !take(text, ":")) return std::nullopt;
  const auto m = take_number(text, 2);
  if (!m || !take(text, ":")) return std::nullopt;
  const auto s = take_number(text, 2);
  if (!s || *h > 23 || *m > 59 || *s > 59) return std::nullopt;
  return *h * 3600 + *m * 60 + *s;
}

// ".5", in microseconds; nothing there: 0.
std::optional<int> take_fraction(std::string_view& text) {
  if (!take(text, ".")) return 0;
  int value = 0;
  std::size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; ++digits, text.remove_prefix(1)) {
    if (digits < 6) value = value * 10 + (text.front() - '0');
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 6; ++digits) value *= 10;
  return value;
}

// "Z" or "+02:00", in seconds.
std::optional<int> take_offset(std::string_view& text) {
  if (take(text, "Zz")) return 0;
  const bool west = !text.empty() && text.front() == '-';
  if (!take(text, "+-")) return std::nullopt;
  const auto h = take_number(text, 2);
  if (!h || !take(text, ":")) return std::nullopt;
  const auto m = take_number(text, 2);
  if (!m || *h > 23 || *m > 59) return std::nullopt;
  const int seconds = *h * 3600 + *m * 60;
  return west ? -seconds : seconds;
}

void append_padded(std::string& out, unsigned value, std::size_t width) {
  std::string digits(width, '0');
  for (std::size_t i = width; i > 0; --i, value /= 10) digits[i - 1] = static_cast<char>('0' + value % 10);
  out += digits;
}

}  // namespace

bool is_date(std::string_view text) {
  return take_date(text).has_value() && text.empty();
}

std::optional<std::string> canonical_timestamp(std::string_view text) {
  const auto date = take_date(text);
  if (!date || !take(text, "Tt ")) return std::nullopt;
  const auto time = take_time(text);
  if (!time) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  const auto instant = std::chrono::sys_seconds(*date) + std::chrono::seconds(*time - *offset);
  const auto utc_date = std::chrono::floor<std::chrono::days>(instant);
  const year_month_day date_utc(utc_date);
  if (int{date_utc.year()} < 1 || int{date_utc.year()} > 9999) return std::nullopt;
  const auto second = static_cast<unsigned>((instant - utc_date).count());
  std::string out;
  out.reserve(27);
  append_padded(out, static_cast<unsigned>(int{date_utc.year()}), 4);
  out += '-';
  append_padded(out, unsigned{date_utc.month()}, 2);
  out += '-';
  append_padded(out, unsigned{date_utc.day()}, 2);
  out += 'T';
  append_padded(out, second / 3600, 2);
  out += ':';
  append_padded(out, second / 60 % 60, 2);
  out += ':';
  append_padded(out, second % 60, 2);
  out += '.';
  append_padded(out, static_cast<unsigned>(*fraction), 6);
  out += 'Z';
  return out;
}

}  // namespace banyan::records
