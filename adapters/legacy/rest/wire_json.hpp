// JSON as it stands on the wire: numbers keep their digits.
//
// A number that is no 64-bit integer ("12500.50", "1e30") would lose digits as a double. parse_wire() keeps its text:
// as a value of nlohmann's type `binary`, which JSON texts cannot hold. wire_text() writes that text back.
//
// One text in the wrong encoding must not take a page of records with it. Bytes that are no UTF-8, and halves of
// surrogate pairs ("\ud83d"), become the byte FF, which no UTF-8 holds: broken_text_in() finds it, and the record that
// has it is set apart.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace banyan::legacy::rest {

using Json = nlohmann::json;

// Errors say what is wrong and where ("ends too early at byte 17"). At most `depth` levels of nesting;
// numbers beyond 1e308 are refused.
tl::expected<Json, std::string> parse_wire(std::string_view text, std::size_t depth = 64);

// U+FFFD for what broken_text_in() finds.
std::string wire_text(const Json& value);

// Where a document holds a text (or a name) that came as no UTF-8, as a JSON pointer; nothing: nowhere.
std::optional<std::string> broken_text_in(const Json& document);
bool is_broken_text(std::string_view text);

// A number with this text; it must be one of JSON's.
Json raw_number(std::string_view text);
// The text of a number, integers included; nothing if the value is none.
std::optional<std::string> number_text(const Json& value);

// The value with every raw number as a text: what the port shows of it.
Json without_raw_numbers(const Json& value);

}  // namespace banyan::legacy::rest
