// Canonical forms of texts and numbers. Internal: canonicalise.hpp is the way in.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace banyan::records {

// Without white space (Unicode White_Space) at either end, line ends as "\n". Nothing: not UTF-8, or a NUL inside,
// which PostgreSQL cannot hold.
std::optional<std::string> canonical_plain_text(std::string_view text);
// Of valid UTF-8.
std::size_t code_points(std::string_view text);

// Each takes a text that canonical_plain_text gave; nothing: not of the form.
std::optional<std::string> canonical_email(std::string_view text);
std::optional<std::string> canonical_language(std::string_view text);
std::optional<std::string> canonical_currency(std::string_view text);
std::optional<std::string> canonical_country(std::string_view text);
bool is_phone(std::string_view text);
bool is_url(std::string_view text);
// A UUID of any version, in lower case.
std::optional<std::string> canonical_uuid(std::string_view text);

// "12500.5": see canonical.hpp. At most 30 digits before the point and 20 after it. Accepts a sign, zeros at both ends
// and an exponent.
std::optional<std::string> canonical_decimal(std::string_view text);
// Of a canonical decimal.
std::size_t decimals_of(std::string_view decimal);
bool is_percent(std::string_view decimal);  // 0 to 100

}  // namespace banyan::records
