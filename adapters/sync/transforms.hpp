// Transforms: small changes of form between a legacy value and a canonical one, each with its inverse.
//
// A field's transforms are a list. On the way in (to_modern) they run in the order of the list, on the way out in the
// reverse order. A transform that *adopts* forgets something on the way in (case, digits below the second): a value
// that went out and came back may differ once, and never again.
//
// Transforms are immutable values: any number of threads may use them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "adapters/records/ontology.hpp"

namespace banyan::sync {

using records::Json;

// What a value is between two transforms. `any`: a text, number or boolean as the legacy system has it.
enum class Form : std::uint8_t { any, text, integer, decimal, boolean, date, timestamp, list };
std::string_view to_string(Form form);  // with its article: "a text"

// A date or time pattern with the directives of strptime(3): %Y %y %m %d %b %H %M %S %f %z %F %T %%.
class TimePattern {
public:
  // Error: what is wrong with the pattern.
  static tl::expected<TimePattern, std::string> compile(std::string_view text);

  // A point in time, in microseconds since 1970 (UTC). Nothing: the text is not of the pattern, or no such time.
  // `offset_s`: seconds east of UTC, unless the text says (%z).
  std::optional<std::int64_t> parse(std::string_view text, std::int32_t offset_s) const;
  // Nothing: the pattern cannot hold that time (%y: 1970 to 2069 only).
  std::optional<std::string> format(std::int64_t micros, std::int32_t offset_s) const;

  bool has(char directive) const { return directives_.find(directive) != std::string::npos; }
  const std::string& text() const { return text_; }

private:
  struct Token {
    char directive = 0;  // 0: the literal itself
    char literal = 0;
  };
  std::string text_;
  std::string directives_;
  std::vector<Token> tokens_;
};

struct Trim {};
// Letters A to Z; others stay.
struct LetterCase {
  enum class To : std::uint8_t { as_is, lower, upper };
  To to_modern = To::as_is;
  To to_legacy = To::as_is;
};
// Only digits stay, and the bytes of `keep`.
struct Digits {
  std::string keep;
};
struct HtmlEntities {};
// The legacy value has this text in front or behind. One without it is taken as it is.
struct Affix {
  std::string text;
  bool behind = false;
};
// One text for another wherever it stands: "_" for "-".
struct Replace {
  std::string legacy;
  std::string modern;
};
// Legacy "12" for the integer 12.
struct IntegerText {};
// Legacy 12.5, a JSON number, for the decimal "12.5".
struct DecimalNumber {};
// Legacy 0.2, a share of one, for 20 percent.
struct Percent {};
// A decimal with another point, group marks, or a fixed number of digits after the point.
struct DecimalText {
  char point = '.';
  char group = 0;  // 0: none
  std::optional<std::uint32_t> digits;
};
// Legacy 1250 for "12.5" with two digits.
struct MinorUnits {
  std::uint32_t digits = 2;
};
struct Epoch {
  std::int64_t micros_per_unit = 1'000'000;
};
struct DateFormat {
  TimePattern pattern;
};
struct TimestampFormat {
  TimePattern pattern;
  std::int32_t offset_s = 0;
};
// The first word of each is the one that is written.
struct BooleanWords {
  std::vector<Json> yes;
  std::vector<Json> no;
};
// A list in one text. `quote` stands around each element.
struct Split {
  std::string separator;
  std::string quote;
};

using Transform =
    std::variant<Trim, LetterCase, Digits, HtmlEntities, Affix, Replace, IntegerText, DecimalNumber, Percent,
                 DecimalText, MinorUnits, Epoch, DateFormat, TimestampFormat, BooleanWords, Split>;

struct TransformTraits {
  std::string_view name;  // as mappings call it
  Form legacy = Form::text;
  Form modern = Form::text;
  bool adopts = false;
};
TransformTraits traits(const Transform& transform);

// Change the value in place. False: it does not fit; `expected` says what would have, and the value is unspecified.
bool to_modern(const Transform& transform, Json& value, std::string& expected);
bool to_legacy(const Transform& transform, Json& value, std::string& expected);

// A number without a fraction that 64 bits hold.
std::optional<std::int64_t> whole_number(const Json& value);
// Decimal digits with or without a minus sign, 64 bits.
std::optional<std::int64_t> parse_integer(std::string_view text);

// The canonical form of a timestamp, and back. The text is exactly of that form or nothing.
std::string timestamp_text(std::int64_t micros);
std::optional<std::int64_t> parse_timestamp(std::string_view canonical);

}  // namespace banyan::sync
