// Canonical forms of dates and timestamps. Internal: canonicalise.hpp is the way in.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace banyan::records {

// "2026-11-01", a day of the proleptic Gregorian calendar in the years 1 to 9999.
bool is_date(std::string_view text);

// RFC 3339 with any offset to UTC with six decimals; further ones are cut off. A space may stand for the "T". Nothing:
// not of the form, without an offset, no such time, a leap second, or a year outside of 1 to 9999 in UTC.
std::optional<std::string> canonical_timestamp(std::string_view text);

}  // namespace banyan::records
