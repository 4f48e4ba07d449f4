// The parts of the transforms that are worth a test of their own. Internal to the transforms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/sync/transforms.hpp"

namespace banyan::sync::detail {

// White space at both ends goes. Always true.
bool trim(std::string& text);

// `from` must not be empty.
void replace_all(std::string& text, std::string_view from, std::string_view to);

std::string decode_html(std::string_view text);
std::string encode_html(std::string_view text);

// Decimals as texts with digits, a point and perhaps a minus sign; from outside also with needless zeros.
std::optional<std::string> decimal_of_number(const Json& number);
std::optional<Json> number_of_decimal(const std::string& decimal);
// Times ten to the power of `places`; without needless zeros.
std::optional<std::string> shifted_decimal(std::string_view decimal, int places);
std::optional<std::string> decimal_of_text(std::string_view text, const DecimalText& form);
std::optional<std::string> text_of_decimal(std::string_view decimal, const DecimalText& form);
std::string decimal_of_minor_units(std::int64_t units, std::uint32_t digits);
std::optional<std::int64_t> minor_units_of_decimal(std::string_view decimal, std::uint32_t digits);

// An array of texts. Empty elements are left out.
Json split_list(std::string_view text, const Split& split);
// Nothing: an element that holds the separator or the quote, or that is no text.
std::optional<std::string> join_list(const Json& list, const Split& split);

// Whether the time lies in the years 1 to 9999.
bool is_in_range(std::int64_t micros);

}  // namespace banyan::sync::detail
