#include "adapters/sync/transforms.hpp"

#include <array>
#include <utility>

#include "adapters/sync/transforms_detail.hpp"

namespace banyan::sync {
namespace {

bool wants(std::string& expected, const char* what) {
  expected = what;
  return false;
}

void change_case(std::string& text, LetterCase::To to) {
  if (to == LetterCase::To::as_is) return;
  const char first = to == LetterCase::To::lower ? 'A' : 'a';
  for (char& c : text) {
    if (c >= first && c <= first + 25) c = static_cast<char>(c ^ 0x20);
  }
}

struct In {
  Json& value;
  std::string& expected;

  bool operator()(const Trim&) const { return detail::trim(*text()); }
  bool operator()(const LetterCase& change) const {
    change_case(*text(), change.to_modern);
    return true;
  }
  bool operator()(const Digits& digits) const {
    std::erase_if(*text(), [&](char c) { return (c < '0' || c > '9') && digits.keep.find(c) == std::string::npos; });
    return true;
  }
  bool operator()(const HtmlEntities&) const {
    *text() = detail::decode_html(*text());
    return true;
  }
  bool operator()(const Affix& affix) const {
    std::string& all = *text();
    if (affix.behind) {
      if (all.ends_with(affix.text)) all.resize(all.size() - affix.text.size());
    } else if (all.starts_with(affix.text)) {
      all.erase(0, affix.text.size());
    }
    return true;
  }
  bool operator()(const Replace& replace) const {
    detail::replace_all(*text(), replace.legacy, replace.modern);
    return true;
  }
  bool operator()(const IntegerText&) const {
    const auto number = parse_integer(*text());
    if (!number) return wants(expected, "a text of digits that makes a 64-bit number");
    value = *number;
    return true;
  }
  bool operator()(const DecimalNumber&) const {
    auto decimal = detail::decimal_of_number(value);
    if (!decimal) return wants(expected, "a number");
    value = std::move(*decimal);
    return true;
  }
  bool operator()(const Percent&) const {
    auto percent = text() == nullptr ? std::nullopt : detail::shifted_decimal(*text(), 2);
    if (!percent) return wants(expected, "a decimal");
    value = std::move(*percent);
    return true;
  }
  bool operator()(const DecimalText& form) const {
    auto decimal = detail::decimal_of_text(*text(), form);
    if (!decimal) return wants(expected, "a decimal number in the form that the mapping gives");
    value = std::move(*decimal);
    return true;
  }
  bool operator()(const MinorUnits& units) const {
    const auto number = whole_number(value);
    if (!number) return wants(expected, "a whole number of minor units");
    value = detail::decimal_of_minor_units(*number, units.digits);
    return true;
  }
  bool operator()(const Epoch& epoch) const {
    const auto number = whole_number(value);
    std::int64_t micros = 0;
    if (!number || __builtin_mul_overflow(*number, epoch.micros_per_unit, &micros) || !detail::is_in_range(micros)) {
      return wants(expected, "a whole number that counts from 1970 and lies in the years 1 to 9999");
    }
    value = timestamp_text(micros);
    return true;
  }
  bool operator()(const DateFormat& format) const {
    const auto micros = format.pattern.parse(*text(), 0);
    if (!micros) return of_pattern("a date", format.pattern);
    value = timestamp_text(*micros).substr(0, 10);
    return true;
  }
  bool operator()(const TimestampFormat& format) const {
    const auto micros = format.pattern.parse(*text(), format.offset_s);
    if (!micros) return of_pattern("a time", format.pattern);
    value = timestamp_text(*micros);
    return true;
  }
  bool operator()(const BooleanWords& words) const {
    for (const bool is_yes : {true, false}) {
      for (const Json& word : is_yes ? words.yes : words.no) {
        if (word != value) continue;
        value = is_yes;
        return true;
      }
    }
    return wants(expected, "one of the words that the mapping gives for true and false");
  }
  bool operator()(const Split& split) const {
    value = detail::split_list(*text(), split);
    return true;
  }

  // to_modern() has made sure that the value is a text where the transform takes one.
  std::string* text() const { return value.get_ptr<std::string*>(); }

  bool of_pattern(const char* what, const TimePattern& pattern) const {
    expected = std::string(what) + " of the form " + pattern.text();
    return false;
  }
};

struct Out {
  Json& value;
  std::string& expected;

  bool operator()(const Trim&) const { return true; }
  bool operator()(const LetterCase& change) const {
    change_case(*text(), change.to_legacy);
    return true;
  }
  bool operator()(const Digits&) const { return true; }
  bool operator()(const HtmlEntities&) const {
    *text() = detail::encode_html(*text());
    return true;
  }
  bool operator()(const Affix& affix) const {
    text()->insert(affix.behind ? text()->size() : 0, affix.text);
    return true;
  }
  bool operator()(const Replace& replace) const {
    detail::replace_all(*text(), replace.modern, replace.legacy);
    return true;
  }
  bool operator()(const IntegerText&) const {
    value = std::to_string(value.get<std::int64_t>());
    return true;
  }
  bool operator()(const DecimalNumber&) const {
    auto number = detail::number_of_decimal(*text());
    if (!number) return wants(expected, "a decimal with no more digits than a JSON number keeps");
    value = std::move(*number);
    return true;
  }
  bool operator()(const Percent&) const {
    auto share = detail::shifted_decimal(*text(), -2);
    if (!share) return wants(expected, "a decimal");
    value = std::move(*share);
    return true;
  }
  bool operator()(const DecimalText& form) const {
    auto out = detail::text_of_decimal(*text(), form);
    if (!out) {
      expected = "at most " + std::to_string(form.digits.value_or(0)) + " digits after the point";
      return false;
    }
    value = std::move(*out);
    return true;
  }
  bool operator()(const MinorUnits& units) const {
    const auto number = detail::minor_units_of_decimal(*text(), units.digits);
    if (!number) {
      expected = "at most " + std::to_string(units.digits) + " digits after the point, and 64 bits in minor units";
      return false;
    }
    value = *number;
    return true;
  }
  bool operator()(const Epoch& epoch) const {
    const auto micros = parse_timestamp(*text());
    if (!micros) return wants(expected, "a canonical timestamp");
    // Towards the past, also before 1970.
    const std::int64_t rest = *micros % epoch.micros_per_unit;
    value = *micros / epoch.micros_per_unit - (rest < 0 ? 1 : 0);
    return true;
  }
  bool operator()(const DateFormat& format) const {
    const auto micros = parse_timestamp(*text() + "T00:00:00.000000Z");
    return format_with(format.pattern, micros, 0);
  }
  bool operator()(const TimestampFormat& format) const {
    return format_with(format.pattern, parse_timestamp(*text()), format.offset_s);
  }
  bool operator()(const BooleanWords& words) const {
    value = value.get<bool>() ? words.yes.front() : words.no.front();
    return true;
  }
  bool operator()(const Split& split) const {
    auto joined = detail::join_list(value, split);
    if (!joined) return wants(expected, "elements without the separator and the quote in them");
    value = std::move(*joined);
    return true;
  }

  std::string* text() const { return value.get_ptr<std::string*>(); }

  bool format_with(const TimePattern& pattern, std::optional<std::int64_t> micros, std::int32_t offset_s) const {
    auto out = micros ? pattern.format(*micros, offset_s) : std::nullopt;
    if (!out) {
      expected = "a time that " + pattern.text() + " can hold";
      return false;
    }
    value = std::move(*out);
    return true;
  }
};

bool is_of(const Json& value, Form form) {
  switch (form) {
    case Form::any:
    case Form::decimal:  // the transform looks for itself: numbers and texts
      return true;
    case Form::text:
    case Form::date:
    case Form::timestamp:
      return value.is_string();
    case Form::integer:
      return value.is_number();
    case Form::boolean:
      return value.is_boolean();
    case Form::list:
      break;
  }
  return value.is_array();
}

}  // namespace

std::string_view to_string(Form form) {
  constexpr std::array<std::string_view, 8> kWords{"any value", "a text", "an integer",  "a decimal",
                                                   "a boolean", "a date", "a timestamp", "a list"};
  return kWords.at(static_cast<std::size_t>(form));
}

TransformTraits traits(const Transform& transform) {
  struct Traits {
    TransformTraits operator()(const Trim&) const { return {"trim"}; }
    TransformTraits operator()(const LetterCase& change) const {
      const bool is_plain = change.to_legacy == LetterCase::To::as_is && change.to_modern != LetterCase::To::as_is;
      if (!is_plain) return {"case", Form::text, Form::text, true};
      return {change.to_modern == LetterCase::To::lower ? "lower" : "upper", Form::text, Form::text, true};
    }
    TransformTraits operator()(const Digits&) const { return {"digits", Form::text, Form::text, true}; }
    TransformTraits operator()(const HtmlEntities&) const { return {"html_entities"}; }
    TransformTraits operator()(const Affix& affix) const { return {affix.behind ? "suffix" : "prefix"}; }
    TransformTraits operator()(const Replace&) const { return {"replace"}; }
    TransformTraits operator()(const IntegerText&) const { return {"integer_text", Form::text, Form::integer}; }
    TransformTraits operator()(const DecimalNumber&) const { return {"decimal_number", Form::any, Form::decimal}; }
    TransformTraits operator()(const Percent&) const { return {"percent", Form::decimal, Form::decimal}; }
    TransformTraits operator()(const DecimalText&) const { return {"decimal_text", Form::text, Form::decimal}; }
    TransformTraits operator()(const MinorUnits&) const { return {"minor_units", Form::integer, Form::decimal}; }
    TransformTraits operator()(const Epoch& epoch) const {
      return {"epoch", Form::integer, Form::timestamp, epoch.micros_per_unit != 1};
    }
    TransformTraits operator()(const DateFormat&) const { return {"date_format", Form::text, Form::date}; }
    TransformTraits operator()(const TimestampFormat& format) const {
      const bool is_exact = format.pattern.has('S') && format.pattern.has('f');
      return {"timestamp_format", Form::text, Form::timestamp, !is_exact};
    }
    TransformTraits operator()(const BooleanWords&) const { return {"boolean", Form::any, Form::boolean}; }
    TransformTraits operator()(const Split&) const { return {"split", Form::text, Form::list}; }
  };
  return std::visit(Traits{}, transform);
}

bool to_modern(const Transform& transform, Json& value, std::string& expected) {
  const Form form = traits(transform).legacy;
  if (!is_of(value, form)) {
    expected = std::string(to_string(form));
    return false;
  }
  return std::visit(In{value, expected}, transform);
}

bool to_legacy(const Transform& transform, Json& value, std::string& expected) {
  const Form form = traits(transform).modern;
  const bool fits = form == Form::decimal ? value.is_string() : is_of(value, form);
  if (!fits || (form == Form::integer && !value.is_number_integer())) {
    expected = std::string(to_string(form));
    return false;
  }
  return std::visit(Out{value, expected}, transform);
}

std::optional<std::int64_t> whole_number(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  constexpr double kExact = 9007199254740992.0;  // 2^53: above it a double skips whole numbers
  const auto number = value.get<double>();
  if (!(number >= -kExact && number <= kExact)) return std::nullopt;
  const auto whole = static_cast<std::int64_t>(number);
  if (static_cast<double>(whole) != number) return std::nullopt;
  return whole;
}

}  // namespace banyan::sync
