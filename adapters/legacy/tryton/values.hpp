// Values between Tryton's typed JSON and plain JSON. Pure.
//
//   Tryton                                                     plain
//   {"__class__": "Decimal", "decimal": "12500.50"}            "12500.50"
//   {"__class__": "date", "year": 2026, "month": 11, ...}      "2026-11-01"
//   {"__class__": "datetime", ..., "microsecond": 818377}      "2026-11-01T12:00:00.818377Z"
//   {"__class__": "time", "hour": 9, ...}                      "09:00:00.000000"
//   {"__class__": "timedelta", "seconds": 5}                   "5"
//   {"__class__": "bytes", "base64": "..."}                    the base64 text, on one line
//   many2one                                                   the id, an integer
//   one2many, many2many                                        a list of ids
//   a float                                                    a JSON number
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "gateway/base/clock.hpp"

namespace banyan::legacy::tryton {

using Json = nlohmann::json;

// What is wrong with a value, for people: "expected a date such as "2026-11-01", got 7".
template <typename T>
using Value = tl::expected<T, std::string>;

Value<Json> to_plain(const Json& typed);

// `type`: the field's type as fields_get names it. `present`: the ids that a one2many or many2many holds now; empty for
// a new record. A list of lists is taken for Tryton's own commands ([["create", [{...}]]]) and passed on as it is.
Value<Json> to_typed(const Json& plain, const std::string& type, const Json& present);

bool is_to_many(const std::string& type);

// "2026-11-01T12:00:00.818377Z", with up to six decimals or none; nothing else.
std::optional<WallTime> parse_stamp(std::string_view text);
std::string format_stamp(WallTime time);

Json typed_datetime(WallTime time);

// A record's id: a positive integer in decimal digits; nothing else.
std::optional<std::int64_t> parse_id(std::string_view text);

}  // namespace banyan::legacy::tryton
