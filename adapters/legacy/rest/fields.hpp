// Field values between the wire and the port.
//
// The port's forms: text as it is; integer a JSON integer; decimal a text ("12500.50"); boolean true or false; date
// "2026-11-01"; timestamp "2026-11-01T12:00:00.000000Z"; null for null, an empty number or date, and a zero date. Of
// type `any`: as on the wire, with numbers that are no integers as texts.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "adapters/legacy/rest/description.hpp"

namespace banyan::legacy::rest {

// The error says what was found and what was expected.
tl::expected<Json, std::string> from_wire(const FieldForm& field, const Json& value);
tl::expected<Json, std::string> to_wire(const FieldForm& field, const Json& value);

// The moment of a stamp, a number or a text; nothing for null, an empty text or a zero date.
tl::expected<std::optional<Moment>, std::string> stamp_from_wire(const TimeForm& form, const Json& value);

// A single value as text ("true", "17", "open"); nothing for null, lists and objects.
std::optional<std::string> scalar_text(const Json& value);

// A JSON number without its exponent ("1.5e3": "1500"); nothing if it is no number or has over 60 digits.
std::optional<std::string> plain_decimal(std::string_view text);

// What was found, for messages: its JSON, cut short.
std::string found(const Json& value);

}  // namespace banyan::legacy::rest
