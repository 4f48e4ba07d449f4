// The canonical form of a record's data, and its hash: what "the same value" means everywhere in Banyan.
//
// A record's data is a JSON object from field names to values. An absent field and an empty one are the same: canonical
// data holds no null, no empty text and no empty list. The forms by field type:
//
//   text, choice   a UTF-8 string without white space at either end
//   integer        a JSON integer, 64 bits
//   decimal        a string: "-12500.5"; no exponent, no leading or trailing zeros, no "-0" (JSON numbers lose digits)
//   boolean        true or false
//   date           "2026-11-01"
//   timestamp      UTC, always six decimals: "2026-11-01T12:00:00.000000Z"
//   reference      the id of a record: a lower-case UUID
//   list           of texts, sorted, without repeats (the order of a multiple choice means nothing)
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace banyan::records {

using Json = nlohmann::json;

// The text that PostgreSQL prints for the same value of type jsonb: keys by length, then by bytes; ", " and ": "
// between. Strings must be valid UTF-8. Floating-point numbers do not occur in canonical data (std::logic_error).
std::string canonical_text(const Json& value);

// The first 64 bits, big-endian, of the MD5 of canonical_text: what the database function banyan.content_hash(jsonb)
// gives. Not for security: it finds differences.
std::int64_t content_hash(const Json& value);

// Whether a value counts as absent: null, "" or [].
bool is_empty(const Json& value);

}  // namespace banyan::records
