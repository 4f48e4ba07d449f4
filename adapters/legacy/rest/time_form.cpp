#include "adapters/legacy/rest/time_form.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace banyan::legacy::rest {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The parts of a date as they are read from a text.
struct Parts {
  int year = 0;
  unsigned month = 1;
  unsigned day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int micros = 0;
  std::optional<minutes> offset;
};

// Takes from the front of a text; after the first misfit every further call fails.
class Taker {
public:
  explicit Taker(std::string_view text) : text_(text) {}

  bool good() const { return good_; }
  bool at_end() const { return text_.empty(); }
  char next() const { return text_.empty() ? '\0' : text_.front(); }

  bool literal(char c) {
    if (next() != c || text_.empty()) return good_ = false;
    text_.remove_prefix(1);
    return good_;
  }
  int number(std::size_t digits) {
    if (text_.size() < digits || !std::ranges::all_of(text_.substr(0, digits), is_digit)) {
      good_ = false;
      return 0;
    }
    int value = 0;
    for (const char c : text_.substr(0, digits)) value = value * 10 + (c - '0');
    text_.remove_prefix(digits);
    return value;
  }
  // One to nine digits after the point, as microseconds.
  int fraction() {
    std::size_t count = 0;
    int value = 0;
    while (count < 9 && is_digit(next())) {
      if (count < 6) value = value * 10 + (next() - '0');
      ++count;
      text_.remove_prefix(1);
    }
    if (count == 0) good_ = false;
    for (; count < 6; ++count) value *= 10;
    return value;
  }
  unsigned month_name() {
    for (std::size_t i = 0; i < kMonths.size(); ++i) {
      if (!text_.starts_with(kMonths[i])) continue;
      text_.remove_prefix(3);
      return static_cast<unsigned>(i + 1);
    }
    good_ = false;
    return 1;
  }
  // "Z", "+02:00", "+0200", "+02".
  minutes zone() {
    if (next() == 'Z' || next() == 'z') {
      text_.remove_prefix(1);
      return minutes(0);
    }
    const bool west = next() == '-';
    if (!west && next() != '+') good_ = false;
    if (!good_) return minutes(0);
    text_.remove_prefix(1);
    const int hour = number(2);
    int minute = 0;
    if (next() == ':')
      text_.remove_prefix(1), minute = number(2);
    else if (is_digit(next()))
      minute = number(2);
    if (hour > 23 || minute > 59) good_ = false;
    const minutes span = hours(hour) + minutes(minute);
    return west ? -span : span;
  }

private:
  std::string_view text_;
  bool good_ = true;
};

std::optional<Moment> assembled(const Parts& parts, minutes default_offset) {
  const year_month_day date{year(parts.year), month(parts.month), day(parts.day)};
  if (!date.ok() || parts.year < 1 || parts.year > 9999) return std::nullopt;
  if (parts.hour > 23 || parts.minute > 59 || parts.second > 60) return std::nullopt;
  const Moment local = sys_days(date) + hours(parts.hour) + minutes(parts.minute) +
                       seconds(std::min(parts.second, 59)) + microseconds(parts.micros);
  return local - parts.offset.value_or(default_offset);
}

std::optional<Moment> parse_iso(std::string_view text, minutes default_offset) {
  Taker taker(text);
  Parts parts;
  parts.year = taker.number(4);
  taker.literal('-');
  parts.month = static_cast<unsigned>(taker.number(2));
  taker.literal('-');
  parts.day = static_cast<unsigned>(taker.number(2));
  if (taker.good() && !taker.at_end()) {
    const char separator = taker.next();
    taker.literal(separator == ' ' || separator == 't' ? separator : 'T');
    parts.hour = taker.number(2);
    taker.literal(':');
    parts.minute = taker.number(2);
    if (taker.next() == ':') {
      taker.literal(':');
      parts.second = taker.number(2);
      if (taker.next() == '.' || taker.next() == ',') {
        taker.literal(taker.next());
        parts.micros = taker.fraction();
      }
    }
    if (taker.good() && !taker.at_end()) parts.offset = taker.zone();
  }
  if (!taker.good() || !taker.at_end()) return std::nullopt;
  return assembled(parts, default_offset);
}

std::optional<Moment> parse_pattern(std::string_view pattern, std::string_view text, minutes default_offset) {
  Taker taker(text);
  Parts parts;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%' || i + 1 == pattern.size()) {
      taker.literal(pattern[i]);
      continue;
    }
    switch (pattern[++i]) {
      case 'Y':
        parts.year = taker.number(4);
        break;
      case 'm':
        parts.month = static_cast<unsigned>(taker.number(2));
        break;
      case 'b':
        parts.month = taker.month_name();
        break;
      case 'd':
        parts.day = static_cast<unsigned>(taker.number(2));
        break;
      case 'H':
        parts.hour = taker.number(2);
        break;
      case 'M':
        parts.minute = taker.number(2);
        break;
      case 'S':
        parts.second = taker.number(2);
        break;
      case 'f':
        parts.micros = taker.fraction();
        break;
      case 'z':
        parts.offset = taker.zone();
        break;
      default:
        taker.literal(pattern[i]);
        break;
    }
  }
  if (!taker.good() || !taker.at_end()) return std::nullopt;
  return assembled(parts, default_offset);
}

// A whole number with an optional fraction, times `scale` microseconds.
std::optional<Moment> parse_epoch(std::string_view text, std::int64_t scale) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string_view fraction = point == std::string_view::npos ? "" : text.substr(point + 1);
  if (whole.empty() || whole.size() > 15 || !std::ranges::all_of(whole, is_digit)) return std::nullopt;
  if (!std::ranges::all_of(fraction, is_digit) || (point != std::string_view::npos && fraction.empty())) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  for (const char c : whole) value = value * 10 + (c - '0');
  constexpr std::int64_t kYear9999 = 253'402'300'799;  // in seconds
  if (value > kYear9999 * (1'000'000 / scale)) return std::nullopt;
  value *= scale;
  for (std::int64_t unit = scale / 10; unit > 0 && !fraction.empty(); unit /= 10) {
    value += (fraction.front() - '0') * unit;
    fraction.remove_prefix(1);
  }
  const Moment moment{microseconds(negative ? -value : value)};
  constexpr std::int64_t kYear1 = -62'135'596'800;
  if (moment.time_since_epoch() < seconds(kYear1)) return std::nullopt;
  return moment;
}

std::string padded(std::int64_t value, int width) {
  std::array<char, 32> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), "%0*lld", width, static_cast<long long>(value));
  return {buffer.data(), static_cast<std::size_t>(length)};
}

std::string zone_text(minutes offset, bool colon) {
  const auto span = abs(offset).count();
  return (offset < minutes(0) ? "-" : "+") + padded(span / 60, 2) + (colon ? ":" : "") + padded(span % 60, 2);
}

std::string fraction_text(std::int64_t micros, microseconds precision) {
  std::string text = padded(micros, 6);
  std::size_t digits = 6;
  for (std::int64_t unit = 1; digits > 0 && precision.count() % (unit * 10) == 0; unit *= 10) --digits;
  return text.substr(0, digits);
}

std::string by_pattern(std::string_view pattern, Moment local, const TimeForm& form) {
  const auto days = floor<std::chrono::days>(local);
  const year_month_day date(days);
  const hh_mm_ss<microseconds> time(local - days);
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%' || i + 1 == pattern.size()) {
      out += pattern[i];
      continue;
    }
    switch (pattern[++i]) {
      case 'Y':
        out += padded(int(date.year()), 4);
        break;
      case 'm':
        out += padded(unsigned(date.month()), 2);
        break;
      case 'b':
        out += kMonths[unsigned(date.month()) - 1];
        break;
      case 'd':
        out += padded(unsigned(date.day()), 2);
        break;
      case 'H':
        out += padded(time.hours().count(), 2);
        break;
      case 'M':
        out += padded(time.minutes().count(), 2);
        break;
      case 'S':
        out += padded(time.seconds().count(), 2);
        break;
      case 'f': {
        const std::string digits = fraction_text(time.subseconds().count(), form.precision);
        out += digits.empty() ? "0" : digits;
        break;
      }
      case 'z':
        out += zone_text(form.utc_offset, false);
        break;
      default:
        out += pattern[i];
        break;
    }
  }
  return out;
}

}  // namespace

std::optional<Moment> parse_time(const TimeForm& form, std::string_view text) {
  switch (form.kind) {
    case TimeForm::Kind::epoch_seconds:
      return parse_epoch(text, 1'000'000);
    case TimeForm::Kind::epoch_millis:
      return parse_epoch(text, 1'000);
    case TimeForm::Kind::pattern:
      return parse_pattern(form.pattern, text, form.utc_offset);
    case TimeForm::Kind::iso:
      break;
  }
  return parse_iso(text, form.utc_offset);
}

std::string format_time(const TimeForm& form, Moment moment) {
  const std::int64_t unit = std::max<std::int64_t>(form.precision.count(), 1);
  std::int64_t count = moment.time_since_epoch().count();
  count -= ((count % unit) + unit) % unit;
  const Moment cut{microseconds(count)};
  switch (form.kind) {
    case TimeForm::Kind::epoch_seconds: {
      const std::int64_t size = count < 0 ? -count : count;  // the sign is that of the whole number
      const std::string fraction = fraction_text(size % 1'000'000, form.precision);
      return (count < 0 ? "-" : "") + std::to_string(size / 1'000'000) + (fraction.empty() ? "" : "." + fraction);
    }
    case TimeForm::Kind::epoch_millis:
      return std::to_string(floor<milliseconds>(cut).time_since_epoch().count());
    case TimeForm::Kind::pattern:
      return by_pattern(form.pattern, cut + form.utc_offset, form);
    case TimeForm::Kind::iso:
      break;
  }
  const bool has_fraction = form.precision % seconds(1) != microseconds(0);
  const std::string zone = form.utc_offset == minutes(0) ? "Z" : zone_text(form.utc_offset, true);
  return by_pattern(has_fraction ? "%Y-%m-%dT%H:%M:%S.%f" : "%Y-%m-%dT%H:%M:%S", cut + form.utc_offset, form) + zone;
}

std::string pattern_fault(std::string_view pattern, bool time_of_day) {
  std::string seen;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    if (++i == pattern.size()) return "a lone % at the end";
    constexpr std::string_view kKnown = "YmbdHMSfz%";
    if (kKnown.find(pattern[i]) == std::string_view::npos) return "%" + std::string(1, pattern[i]) + " is not known";
    seen += pattern[i];
  }
  const auto has = [&seen](char c) { return seen.find(c) != std::string::npos; };
  if (!has('Y') || !(has('m') || has('b')) || !has('d')) return "no year, month and day";
  if (time_of_day && (!has('H') || !has('M'))) return "no hour and minute";
  return {};
}

bool is_zero_date(std::string_view text) {
  return text.starts_with("0000-00-00") && text.find_first_not_of("0-:. TZ") == std::string_view::npos;
}

std::string cursor_text(Moment moment) {
  TimeForm form;
  form.precision = microseconds(1);
  return format_time(form, moment);
}

std::optional<Moment> moment_of_cursor(std::string_view text) {
  return parse_iso(text, minutes(0));
}

std::optional<WallTime> to_wall(Moment moment) {
  constexpr std::int64_t kLimit = std::numeric_limits<std::int64_t>::max() / 1'000 - 1;
  const std::int64_t count = moment.time_since_epoch().count();
  if (count > kLimit || count < -kLimit) return std::nullopt;
  return WallTime(duration_cast<WallTime::duration>(microseconds(count)));
}

Moment to_moment(WallTime time) {
  return floor<microseconds>(time);
}

}  // namespace banyan::legacy::rest
