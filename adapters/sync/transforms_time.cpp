#include <array>
#include <chrono>

#include "adapters/sync/transforms_detail.hpp"

namespace banyan::sync {
namespace {

using std::chrono::day;
using std::chrono::days;
using std::chrono::microseconds;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::sys_time;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::string_view kDirectives = "YymdbHMSfz";

// A date and time of day that may not exist yet.
struct Civil {
  std::int32_t year = 1970;
  std::uint32_t month = 1;
  std::uint32_t day = 1;
  std::uint32_t hour = 0;
  std::uint32_t minute = 0;
  std::uint32_t second = 0;
  std::uint32_t micros = 0;
  std::optional<std::int32_t> offset_s;
};

std::optional<std::int64_t> point_in_time(const Civil& civil, std::int32_t offset_s) {
  const year_month_day date{year(civil.year), month(civil.month), day(civil.day)};
  if (!date.ok() || civil.year < 1 || civil.year > 9999) return std::nullopt;
  if (civil.hour > 23 || civil.minute > 59 || civil.second > 59) return std::nullopt;
  const std::int64_t midnight = sys_days(date).time_since_epoch().count();
  const std::int64_t of_day = (civil.hour * 60 + civil.minute) * 60 + civil.second;
  const std::int64_t micros =
      midnight * kDay + of_day * kSecond + civil.micros - std::int64_t{civil.offset_s.value_or(offset_s)} * kSecond;
  if (!detail::is_in_range(micros)) return std::nullopt;
  return micros;
}

Civil civil_of(std::int64_t micros) {
  const sys_time<microseconds> time{microseconds(micros)};
  const sys_days midnight = std::chrono::floor<days>(time);
  const year_month_day date{midnight};
  const std::int64_t of_day = (time - midnight).count();
  const auto seconds = static_cast<std::uint32_t>(of_day / kSecond);
  Civil civil;
  civil.year = static_cast<int>(date.year());
  civil.month = static_cast<unsigned>(date.month());
  civil.day = static_cast<unsigned>(date.day());
  civil.hour = seconds / 3600;
  civil.minute = seconds / 60 % 60;
  civil.second = seconds % 60;
  civil.micros = static_cast<std::uint32_t>(of_day % kSecond);
  return civil;
}

// Takes digits from the front: at least one, at most `most`.
std::optional<std::uint32_t> take_digits(std::string_view& text, std::size_t most, std::size_t* taken = nullptr) {
  std::uint32_t number = 0;
  std::size_t count = 0;
  while (count < most && count < text.size() && text[count] >= '0' && text[count] <= '9') {
    number = number * 10 + static_cast<std::uint32_t>(text[count++] - '0');
  }
  if (count == 0) return std::nullopt;
  text.remove_prefix(count);
  if (taken != nullptr) *taken = count;
  return number;
}

// "Z", "+02:00", "+0200", "+02".
std::optional<std::int32_t> take_offset(std::string_view& text) {
  if (text.starts_with('Z')) {
    text.remove_prefix(1);
    return 0;
  }
  if (!text.starts_with('+') && !text.starts_with('-')) return std::nullopt;
  const std::int32_t sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  std::size_t count = 0;
  const auto hours = take_digits(text, 2, &count);
  if (!hours || count != 2) return std::nullopt;
  if (text.starts_with(':')) text.remove_prefix(1);
  const auto minutes = take_digits(text, 2);
  if (*hours > 18 || minutes.value_or(0) > 59) return std::nullopt;
  return sign * static_cast<std::int32_t>(*hours * 3600 + minutes.value_or(0) * 60);
}

bool take_month(std::string_view& text, Civil& civil) {
  for (std::uint32_t i = 0; i < kMonths.size(); ++i) {
    if (!text.starts_with(kMonths.at(i))) continue;
    civil.month = i + 1;
    text.remove_prefix(3);
    return true;
  }
  return false;
}

bool take_fraction(std::string_view& text, Civil& civil) {
  std::size_t count = 0;
  const auto fraction = take_digits(text, 6, &count);
  if (!fraction) return false;
  civil.micros = *fraction;
  for (; count < 6; ++count) civil.micros *= 10;
  return true;
}

bool take(char directive, std::string_view& text, Civil& civil) {
  if (directive == 'b') return take_month(text, civil);
  if (directive == 'f') return take_fraction(text, civil);
  if (directive == 'z') {
    civil.offset_s = take_offset(text);
    return civil.offset_s.has_value();
  }
  std::size_t count = 0;
  const auto number = take_digits(text, directive == 'Y' ? 4 : 2, &count);
  if (!number) return false;
  switch (directive) {
    case 'Y':
      civil.year = static_cast<std::int32_t>(*number);
      return count == 4;
    case 'y':
      civil.year = static_cast<std::int32_t>(*number < 70 ? 2000 + *number : 1900 + *number);
      return count == 2;
    case 'm':
      civil.month = *number;
      return true;
    case 'd':
      civil.day = *number;
      return true;
    case 'H':
      civil.hour = *number;
      return true;
    case 'M':
      civil.minute = *number;
      return true;
    default:
      civil.second = *number;
      return true;
  }
}

void append_padded(std::string& out, std::uint32_t number, std::size_t width) {
  const std::string digits = std::to_string(number);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

void append_offset(std::string& out, std::int32_t offset_s) {
  out += offset_s < 0 ? '-' : '+';
  const auto minutes = static_cast<std::uint32_t>(offset_s < 0 ? -offset_s : offset_s) / 60;
  append_padded(out, minutes / 60, 2);
  out += ':';
  append_padded(out, minutes % 60, 2);
}

void append(std::string& out, char directive, const Civil& civil) {
  switch (directive) {
    case 'Y':
      return append_padded(out, static_cast<std::uint32_t>(civil.year), 4);
    case 'y':
      return append_padded(out, static_cast<std::uint32_t>(civil.year % 100), 2);
    case 'm':
      return append_padded(out, civil.month, 2);
    case 'd':
      return append_padded(out, civil.day, 2);
    case 'b':
      out += kMonths.at(civil.month - 1);
      return;
    case 'H':
      return append_padded(out, civil.hour, 2);
    case 'M':
      return append_padded(out, civil.minute, 2);
    case 'S':
      return append_padded(out, civil.second, 2);
    case 'f':
      return append_padded(out, civil.micros, 6);
    default:
      return append_offset(out, civil.offset_s.value_or(0));
  }
}

}  // namespace

namespace detail {

bool is_in_range(std::int64_t micros) {
  constexpr std::int64_t kFirst = -719'162 * kDay;      // 0001-01-01
  constexpr std::int64_t kLast = 2'932'897 * kDay - 1;  // 9999-12-31
  return micros >= kFirst && micros <= kLast;
}

}  // namespace detail

tl::expected<TimePattern, std::string> TimePattern::compile(std::string_view text) {
  TimePattern pattern;
  pattern.text_ = text;
  std::string full;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view two = text.substr(i, 2);
    if (two == "%F" || two == "%T") {
      full += two == "%F" ? "%Y-%m-%d" : "%H:%M:%S";
      ++i;
    } else {
      full += text[i];
      if (text[i] == '%' && two.size() == 2) full += text[++i];
    }
  }
  for (std::size_t i = 0; i < full.size(); ++i) {
    if (full[i] != '%') {
      pattern.tokens_.push_back({0, full[i]});
      continue;
    }
    const char directive = ++i < full.size() ? full[i] : '\0';
    if (directive == '%') {
      pattern.tokens_.push_back({0, '%'});
      continue;
    }
    if (directive == '\0' || kDirectives.find(directive) == std::string_view::npos) {
      return tl::unexpected(std::string("the directive %") + (directive == '\0' ? "" : std::string(1, directive)));
    }
    if (pattern.has(directive)) return tl::unexpected(std::string("%") + directive + " a second time");
    pattern.directives_ += directive;
    pattern.tokens_.push_back({directive, 0});
  }
  return pattern;
}

std::optional<std::int64_t> TimePattern::parse(std::string_view text, std::int32_t offset_s) const {
  Civil civil;
  for (const Token& token : tokens_) {
    if (token.directive != 0) {
      if (!take(token.directive, text, civil)) return std::nullopt;
      continue;
    }
    if (!text.starts_with(token.literal)) return std::nullopt;
    text.remove_prefix(1);
  }
  if (!text.empty()) return std::nullopt;
  return point_in_time(civil, offset_s);
}

std::optional<std::string> TimePattern::format(std::int64_t micros, std::int32_t offset_s) const {
  const std::int64_t local = micros + std::int64_t{offset_s} * kSecond;
  if (!detail::is_in_range(local)) return std::nullopt;
  Civil civil = civil_of(local);
  civil.offset_s = offset_s;
  if (has('y') && (civil.year < 1970 || civil.year > 2069)) return std::nullopt;
  std::string out;
  for (const Token& token : tokens_) {
    if (token.directive == 0) {
      out += token.literal;
    } else {
      append(out, token.directive, civil);
    }
  }
  return out;
}

std::string timestamp_text(std::int64_t micros) {
  const Civil civil = civil_of(micros);
  std::string out;
  out.reserve(27);
  constexpr std::string_view kOrder = "Y-m-dTH:M:S.fZ";
  for (const char c : kOrder) {
    if (kDirectives.find(c) == std::string_view::npos) {
      out += c;
    } else {
      append(out, c, civil);
    }
  }
  return out;
}

std::optional<std::int64_t> parse_timestamp(std::string_view canonical) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00.000000Z";
  if (canonical.size() != kForm.size()) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t width) {
    std::string_view digits = canonical.substr(at, width);
    std::size_t taken = 0;
    const auto value = take_digits(digits, width, &taken);
    return taken == width ? value : std::nullopt;
  };
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] != '0' && canonical[i] != kForm[i]) return std::nullopt;
  }
  const auto of_year = number(0, 4);
  const auto of_month = number(5, 2);
  const auto of_day = number(8, 2);
  const auto hour = number(11, 2);
  const auto minute = number(14, 2);
  const auto second = number(17, 2);
  const auto micros = number(20, 6);
  if (!of_year || !of_month || !of_day || !hour || !minute || !second || !micros) return std::nullopt;
  Civil civil;
  civil.year = static_cast<std::int32_t>(*of_year);
  civil.month = *of_month;
  civil.day = *of_day;
  civil.hour = *hour;
  civil.minute = *minute;
  civil.second = *second;
  civil.micros = *micros;
  return point_in_time(civil, 0);
}

}  // namespace banyan::sync
