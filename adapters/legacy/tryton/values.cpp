#include "adapters/legacy/tryton/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>

#include "adapters/legacy/http_client.hpp"
#include "gateway/base/json_text.hpp"

namespace banyan::legacy::tryton {
namespace {

constexpr int kDeepest = 32;

tl::unexpected<std::string> expected_form(const std::string& form, const Json& got) {
  const std::string text = got.dump(-1, ' ', false, Json::error_handler_t::replace);
  return tl::unexpected("expected " + form + ", got " + excerpt(text, 80));
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A whole decimal number of exactly `width` digits at the front of `text`, which is then shortened.
std::optional<unsigned> take_number(std::string_view& text, std::size_t width) {
  if (text.size() < width || !all_digits(text.substr(0, width))) return std::nullopt;
  unsigned number = 0;
  std::from_chars(text.data(), text.data() + width, number);
  text.remove_prefix(width);
  return number;
}

bool take_char(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
  const auto year = take_number(text, 4);
  if (!year || !take_char(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take_char(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                                         std::chrono::day(*day)};
  if (!date.ok() || *year == 0) return std::nullopt;
  return std::chrono::sys_days(date);
}

// "12:00:00" and up to six decimals.
std::optional<std::chrono::microseconds> take_time(std::string_view& text) {
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take_char(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59 || !take_char(text, ':')) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *second > 59) return std::nullopt;
  std::chrono::microseconds time =
      std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
  if (!take_char(text, '.')) return time;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  if (digits == 0 || digits > 6) return std::nullopt;
  std::string padded(text.substr(0, digits));
  padded.resize(6, '0');
  text.remove_prefix(digits);
  std::string_view fraction = padded;
  return time + std::chrono::microseconds(*take_number(fraction, 6));
}

// The integer members of a typed object, in the order of `names`; none if one is missing, no integer or out of range.
template <std::size_t N>
std::optional<std::array<int, N>> members(const Json& typed, const std::array<const char*, N>& names) {
  std::array<int, N> numbers{};
  for (std::size_t i = 0; i < N; ++i) {
    const auto found = typed.find(names[i]);
    if (found == typed.end() || !found->is_number_integer()) return std::nullopt;
    const auto number = found->template get<std::int64_t>();
    if (number < 0 || number > 999'999) return std::nullopt;
    numbers[i] = static_cast<int>(number);
  }
  return numbers;
}

template <typename... T>
std::string printed(const char* format, T... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

Value<Json> plain_date(const Json& typed) {
  const auto m = members<3>(typed, {"year", "month", "day"});
  if (!m) return expected_form("a date", typed);
  const auto& [year, month, day] = *m;
  return Json(printed("%04d-%02d-%02d", year, month, day));
}

Value<Json> plain_datetime(const Json& typed) {
  const auto m = members<7>(typed, {"year", "month", "day", "hour", "minute", "second", "microsecond"});
  if (!m) return expected_form("a datetime", typed);
  const auto& [year, month, day, hour, minute, second, microsecond] = *m;
  return Json(printed("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", year, month, day, hour, minute, second, microsecond));
}

Value<Json> plain_time(const Json& typed) {
  const auto m = members<4>(typed, {"hour", "minute", "second", "microsecond"});
  if (!m) return expected_form("a time", typed);
  const auto& [hour, minute, second, microsecond] = *m;
  return Json(printed("%02d:%02d:%02d.%06d", hour, minute, second, microsecond));
}

// Trailing zeros of a duration mean nothing: Python writes 5 seconds as 5.0.
Value<Json> plain_timedelta(const Json& typed) {
  const auto seconds = typed.find("seconds");
  if (seconds == typed.end() || !seconds->is_number()) return expected_form("a timedelta", typed);
  std::string text = printed("%.6f", seconds->get<double>());
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return Json(text);
}

Value<Json> plain_text(const Json& typed, const char* member) {
  const auto found = typed.find(member);
  if (found == typed.end() || !found->is_string()) return expected_form("a text in " + std::string(member), typed);
  auto text = found->get<std::string>();
  text.erase(std::remove(text.begin(), text.end(), '\n'), text.end());
  return Json(text);
}

Value<Json> plain_object(const Json& typed, const std::string& type) {
  if (type == "Decimal") return plain_text(typed, "decimal");
  if (type == "date") return plain_date(typed);
  if (type == "datetime") return plain_datetime(typed);
  if (type == "time") return plain_time(typed);
  if (type == "timedelta") return plain_timedelta(typed);
  if (type == "bytes") return plain_text(typed, "base64");
  return expected_form("a value of a known type", typed);
}

Value<Json> plain_within(const Json& typed, int depth) {
  if (depth > kDeepest) return tl::unexpected(std::string("a value that is nested too deeply"));
  if (typed.is_object()) {
    const auto type = typed.find("__class__");
    if (type != typed.end() && type->is_string()) return plain_object(typed, type->get<std::string>());
  }
  if (!typed.is_structured()) return typed;
  Json plain = typed;
  for (auto& value : plain) {
    auto converted = plain_within(value, depth + 1);
    if (!converted) return converted;
    value = std::move(*converted);
  }
  return plain;
}

bool is_decimal(std::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  const auto point = text.find('.');
  if (point == std::string_view::npos) return all_digits(text);
  return all_digits(text.substr(0, point)) && all_digits(text.substr(point + 1));
}

Value<Json> typed_decimal(const Json& plain) {
  const std::string text = plain.is_string() ? plain.get<std::string>() : plain.dump();
  if (!(plain.is_string() || plain.is_number()) || !is_decimal(text)) {
    return expected_form("a decimal such as \"12500.50\"", plain);
  }
  return Json{{"__class__", "Decimal"}, {"decimal", text}};
}

Value<Json> typed_float(const Json& plain) {
  if (plain.is_number()) return plain;
  if (!plain.is_string() || !is_decimal(plain.get<std::string>())) return expected_form("a number", plain);
  return Json(std::strtod(plain.get<std::string>().c_str(), nullptr));
}

Value<Json> typed_integer(const Json& plain) {
  if (plain.is_number_integer()) return plain;
  std::int64_t number = 0;
  if (!plain.is_string()) return expected_form("a whole number", plain);
  const auto text = plain.get<std::string>();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return expected_form("a whole number", plain);
  return Json(number);
}

Value<Json> typed_date(const Json& plain) {
  const auto text = plain.is_string() ? plain.get<std::string>() : std::string();
  std::string_view rest = text;
  const auto date = take_date(rest);
  if (!date || !rest.empty()) return expected_form("a date such as \"2026-11-01\"", plain);
  const std::chrono::year_month_day day{*date};
  return Json{
      {"__class__", "date"}, {"year", int{day.year()}}, {"month", unsigned{day.month()}}, {"day", unsigned{day.day()}}};
}

Value<Json> typed_stamp(const Json& plain) {
  const auto time = plain.is_string() ? parse_stamp(plain.get<std::string>()) : std::nullopt;
  if (!time) return expected_form("a time such as \"2026-11-01T12:00:00.000000Z\"", plain);
  return typed_datetime(*time);
}

Json clock_members(std::chrono::microseconds time) {
  const auto us = time.count();
  return Json{{"hour", us / 3'600'000'000},
              {"minute", us / 60'000'000 % 60},
              {"second", us / 1'000'000 % 60},
              {"microsecond", us % 1'000'000}};
}

Value<Json> typed_time(const Json& plain) {
  const auto text = plain.is_string() ? plain.get<std::string>() : std::string();
  std::string_view rest = text;
  const auto time = take_time(rest);
  if (!time || !rest.empty()) return expected_form("a time such as \"09:00:00\"", plain);
  Json typed = clock_members(*time);
  typed["__class__"] = "time";
  return typed;
}

Value<Json> typed_timedelta(const Json& plain) {
  const auto seconds = typed_float(plain);
  if (!seconds) return expected_form("a number of seconds", plain);
  return Json{{"__class__", "timedelta"}, {"seconds", *seconds}};
}

// Tryton knows no "set this list": what is to go and what is to come.
Value<Json> typed_to_many(const Json& plain, const Json& present) {
  if (!plain.is_null() && !plain.is_array()) return expected_form("a list of ids", plain);
  if (plain.is_array() && !plain.empty() && plain.front().is_array()) return plain;
  Json wanted = Json::array();
  for (const auto& element : plain.is_array() ? plain : Json::array()) {
    auto id = typed_integer(element);
    if (!id) return id;
    wanted.push_back(std::move(*id));
  }
  const auto without = [](const Json& all, const Json& those) {
    Json left = Json::array();
    std::copy_if(all.begin(), all.end(), std::back_inserter(left),
                 [&](const Json& id) { return std::find(those.begin(), those.end(), id) == those.end(); });
    return left;
  };
  const Json held = present.is_array() ? present : Json::array();
  const Json gone = without(held, wanted);
  const Json come = without(wanted, held);
  Json commands = Json::array();
  if (!gone.empty()) commands.push_back(Json::array({"remove", gone}));
  if (!come.empty()) commands.push_back(Json::array({"add", come}));
  return commands;
}

}  // namespace

Value<Json> to_plain(const Json& typed) {
  return plain_within(typed, 0);
}

bool is_to_many(const std::string& type) {
  return type == "one2many" || type == "many2many";
}

Value<Json> to_typed(const Json& plain, const std::string& type, const Json& present) {
  if (is_to_many(type)) return typed_to_many(plain, present);
  if (plain.is_null()) return plain;
  if (type == "numeric") return typed_decimal(plain);
  if (type == "float") return typed_float(plain);
  if (type == "integer" || type == "biginteger" || type == "many2one" || type == "one2one") return typed_integer(plain);
  if (type == "date") return typed_date(plain);
  if (type == "datetime" || type == "timestamp") return typed_stamp(plain);
  if (type == "time") return typed_time(plain);
  if (type == "timedelta") return typed_timedelta(plain);
  if (type == "boolean") return plain.is_boolean() ? Value<Json>(plain) : expected_form("true or false", plain);
  if (type == "binary") {
    if (!plain.is_string()) return expected_form("a text in base64", plain);
    return Json{{"__class__", "bytes"}, {"base64", plain}};
  }
  if (type == "char" || type == "text" || type == "selection" || type == "reference" || type == "fulltext") {
    return plain.is_string() ? Value<Json>(plain) : expected_form("a text", plain);
  }
  return plain;  // dict, multiselection: JSON as it is
}

std::optional<WallTime> parse_stamp(std::string_view text) {
  const auto date = take_date(text);
  if (!date || !take_char(text, 'T')) return std::nullopt;
  const auto time = take_time(text);
  if (!time || text != "Z") return std::nullopt;
  return *date + *time;
}

std::string format_stamp(WallTime time) {
  std::string text;
  append_rfc3339(text, time);
  return text;
}

Json typed_datetime(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  Json typed = clock_members(std::chrono::duration_cast<std::chrono::microseconds>(time - day));
  typed["__class__"] = "datetime";
  typed["year"] = int{date.year()};
  typed["month"] = unsigned{date.month()};
  typed["day"] = unsigned{date.day()};
  return typed;
}

std::optional<std::int64_t> parse_id(std::string_view text) {
  std::int64_t id = 0;
  if (!all_digits(text)) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || id <= 0 || std::to_string(id) != text) return std::nullopt;
  return id;
}

}  // namespace banyan::legacy::tryton
