// Text for log lines and JSON, appended to a buffer that the caller keeps: no allocation of its own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gateway/base/clock.hpp"

namespace banyan {

// The length of the UTF-8 sequence at the front of `text`, which must not be empty; 0 if it is not well-formed (Unicode
// table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_sequence_length(std::string_view text);

// Appends `text` as a JSON string, quotes included (RFC 8259 section 7). Any bytes will do: what is not valid UTF-8
// becomes U+FFFD, so that a line stays readable whatever a client sent. The result is one line.
void append_json_string(std::string& out, std::string_view text);

// Appends a UTC time as RFC 3339 with microseconds: 2026-01-31T23:59:59.000001Z. Not quoted.
void append_rfc3339(std::string& out, WallTime time);

}  // namespace banyan
