#include "adapters/records/canonicalise.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace banyan::records {
namespace {

using testing::ElementsAre;

Field field(FieldType type, Format format = Format::none) {
  Field out;
  out.name = "f";
  out.type = type;
  out.format = format;
  out.target = "account";
  out.scale = 4;
  out.max_length = 40;
  if (type == FieldType::choice) out.values = {"lead", "lost"};
  return out;
}

struct Form {
  Field field;
  const char* given;     // JSON
  const char* expected;  // JSON; empty: refused
};

const std::vector<Form>& forms() {
  static const Field text = field(FieldType::text);
  static const Field integer = field(FieldType::integer);
  static const Field decimal = field(FieldType::decimal);
  static const Field percent = field(FieldType::decimal, Format::percent);
  static const Field boolean = field(FieldType::boolean);
  static const Field choice = field(FieldType::choice);
  static const Field date = field(FieldType::date);
  static const Field timestamp = field(FieldType::timestamp);
  static const Field reference = field(FieldType::reference);
  static const Field list = field(FieldType::list);
  static const Field email = field(FieldType::text, Format::email);
  static const Field phone = field(FieldType::text, Format::phone);
  static const Field url = field(FieldType::text, Format::url);
  static const Field currency = field(FieldType::text, Format::currency);
  static const Field country = field(FieldType::text, Format::country);
  static const Field language = field(FieldType::text, Format::language);
  static const std::vector<Form> kForms{
      {text, R"("plain")", R"("plain")"},
      {text, R"(" \t a  b \r\n")", R"("a  b")"},
      {text, R"("\u00a0\u2003wide\u3000")", R"("wide")"},
      {text, R"("a\r\nb\rc")", R"("a\nb\nc")"},
      {text, R"("  ")", R"("")"},
      {text, R"("0123456789012345678901234567890123456789")", R"("0123456789012345678901234567890123456789")"},
      {text, R"("éééééééééééééééééééééééééééééééééééééééé")", R"("éééééééééééééééééééééééééééééééééééééééé")"},
      {text, R"("0123456789012345678901234567890123456789x")", ""},
      {text, R"("a\u0000b")", ""},
      {text, R"(5)", ""},
      {text, R"({})", ""},
      {choice, R"(" lead ")", R"("lead")"},
      {choice, R"("Lead")", ""},
      {integer, R"(-7)", "-7"},
      {integer, R"("0012")", "12"},
      {integer, R"(12.0)", "12"},
      {integer, R"("9223372036854775807")", "9223372036854775807"},
      {integer, R"(9223372036854775808)", ""},
      {integer, R"(1.5)", ""},
      {integer, R"("seven")", ""},
      {integer, R"(true)", ""},
      {decimal, R"("12500.50")", R"("12500.5")"},
      {decimal, R"(12500.5)", R"("12500.5")"},
      {decimal, R"("-0.00")", R"("0")"},
      {decimal, R"("+007")", R"("7")"},
      {decimal, R"(".5")", R"("0.5")"},
      {decimal, R"("1E+3")", R"("1000")"},
      {decimal, R"("0E-8")", R"("0")"},
      {decimal, R"("1.5e-2")", R"("0.015")"},
      {decimal, R"("-1.10000000")", R"("-1.1")"},
      {decimal, R"("1.00001")", ""},
      {decimal, R"("1,5")", ""},
      {decimal, R"("1e")", ""},
      {decimal, R"("1e40")", ""},
      {decimal, R"("-")", ""},
      {percent, R"(100)", R"("100")"},
      {percent, R"("0.5")", R"("0.5")"},
      {percent, R"("100.1")", ""},
      {percent, R"(-1)", ""},
      {boolean, R"(false)", "false"},
      {boolean, R"("true")", ""},
      {boolean, R"(1)", ""},
      {date, R"("2028-02-29")", R"("2028-02-29")"},
      {date, R"("2026-02-29")", ""},
      {date, R"("2026-1-1")", ""},
      {date, R"("2026-11-01T00:00:00Z")", ""},
      {timestamp, R"("2026-11-01T12:00:00Z")", R"("2026-11-01T12:00:00.000000Z")"},
      {timestamp, R"("2026-11-01 00:30:00.5+02:00")", R"("2026-10-31T22:30:00.500000Z")"},
      {timestamp, R"("1602-01-01t00:00:00.1234567-01:30")", R"("1602-01-01T01:30:00.123456Z")"},
      {timestamp, R"("2026-11-01T12:00:00")", ""},
      {timestamp, R"("2026-11-01T24:00:00Z")", ""},
      {timestamp, R"("2016-12-31T23:59:60Z")", ""},
      {timestamp, R"("0001-01-01T00:00:00+01:00")", ""},
      {timestamp, R"("9999-12-31T23:59:59-01:00")", ""},
      {reference, R"("01890A5D-AC96-774B-BCCE-B302099A8057")", R"("01890a5d-ac96-774b-bcce-b302099a8057")"},
      {reference, R"("01890a5dac96774bbcceb302099a8057")", ""},
      {reference, R"(12)", ""},
      {list, R"(["b","a"," b ",""])", R"(["a","b"])"},
      {list, R"("a")", ""},
      {list, R"(["a",1])", ""},
      {email, R"("Ada.Lovelace@Example.ORG")", R"("Ada.Lovelace@example.org")"},
      {email, R"("ada@localhost")", R"("ada@localhost")"},
      {email, R"("ada example.org")", ""},
      {email, R"("Ada <ada@example.org>")", ""},
      {email, R"("ada@-example.org")", ""},
      {email, R"("ada@exa..mple")", ""},
      {phone, R"("+33 (0)1 23-45.67/89 x12")", R"("+33 (0)1 23-45.67/89 x12")"},
      {phone, R"("12")", ""},
      {phone, R"("call me 12345")", ""},
      {url, R"("https://example.org/a?b#c")", R"("https://example.org/a?b#c")"},
      {url, R"("www.example.org")", ""},
      {url, R"("https://exa mple.org")", ""},
      {currency, R"("eur")", R"("EUR")"},
      {currency, R"("EURO")", ""},
      {currency, R"("EUU")", ""},
      {country, R"("zw")", R"("ZW")"},
      {country, R"("UK")", ""},
      {language, R"("PT-br")", R"("pt-BR")"},
      {language, R"("ZH-hANT-tw")", R"("zh-Hant-TW")"},
      {language, R"("de-CH-1996")", R"("de-CH-1996")"},
      {language, R"("en-x-US")", R"("en-x-us")"},
      {language, R"("en_US")", ""},
      {language, R"("e")", ""},
  };
  return kForms;
}

TEST(CanonicalValue, HasTheFormOfItsType) {
  for (const Form& form : forms()) {
    const auto value = canonical_value(form.field, Json::parse(form.given));
    const std::string actual = value ? value->dump() : "";
    const std::string expected = *form.expected == '\0' ? "" : Json::parse(form.expected).dump();
    EXPECT_EQ(actual, expected) << to_string(form.field.type) << " " << form.given
                                << (value ? "" : " " + value.error().public_message);
  }
}

TEST(CanonicalValue, IsAFixedPoint) {
  for (const Form& form : forms()) {
    const auto once = canonical_value(form.field, Json::parse(form.given));
    if (!once || is_empty(*once)) continue;
    const auto twice = canonical_value(form.field, *once);
    ASSERT_TRUE(twice) << *once;
    EXPECT_EQ(*twice, *once);
  }
}

// Texts made of what the forms are sensitive to.
std::string random_text(std::mt19937& random) {
  static const std::array<const char*, 24> kPieces{" ",  "\r", "\n", "\t", "0",  "00", "1",        "9",
                                                   ".",  "-",  "+",  "e",  "E5", "@",  "\xC2\xA0", "é",
                                                   "Ab", "FR", "T",  ":",  "Z",  "20", "//",       "\xE3\x80\x80"};
  std::string out;
  const std::size_t length = random() % 9;
  for (std::size_t i = 0; i < length; ++i) out += kPieces.at(random() % kPieces.size());
  return out;
}

TEST(CanonicalValue, OfAnyTextIsAFixedPoint) {
  std::mt19937 random(20261101);
  std::size_t fitted = 0;
  for (int i = 0; i < 60'000; ++i) {
    const Form& form = forms()[random() % forms().size()];
    const Json given = form.field.type == FieldType::list ? Json::array({random_text(random), random_text(random)})
                                                          : Json(random_text(random));
    const auto once = canonical_value(form.field, given);
    if (!once || is_empty(*once)) continue;
    ++fitted;
    const auto twice = canonical_value(form.field, *once);
    ASSERT_TRUE(twice) << given << " " << twice.error().public_message;
    ASSERT_EQ(*twice, *once) << given;
  }
  EXPECT_GT(fitted, 5'000U);
}

const Entity& thing() {
  static const Ontology ontology = [] {
    const std::array texts{OntologyText{"t.yaml",
                                        "entities:\n"
                                        "  thing:\n"
                                        "    fields:\n"
                                        "      name: {type: text, required: true}\n"
                                        "      stage: {type: choice, values: [lead, lost]}\n"
                                        "      amount: {type: decimal, scale: 2, required: true}\n"
                                        "      secret: {type: text, format: email, sensitivity: personal}\n"
                                        "      tags: {type: list}\n"}};
    return parse_ontology(texts).value();
  }();
  return *ontology.find("thing");
}

TEST(Canonicalise, DropsWhatIsEmpty) {
  const Json given{{"name", " Ada "}, {"amount", "1.50"}, {"stage", nullptr}, {"secret", "  "}, {"tags", {"", " "}}};
  EXPECT_EQ(canonicalise(thing(), given).value(), (Json{{"name", "Ada"}, {"amount", "1.5"}}));
}

TEST(Canonicalise, ReportsEveryFault) {
  const Json given{{"nmae", "Ada"}, {"amount", "1.505"}, {"stage", "leed"}};
  const auto data = canonicalise(thing(), given);
  ASSERT_FALSE(data);
  EXPECT_THAT(data.error(),
              testing::UnorderedElementsAre(
                  FieldFault{"nmae", "an unknown field", "a field of thing", "did you mean \"name\"?"},
                  FieldFault{"amount", "\"1.505\"", "a decimal with at most 2 digits after the point", ""},
                  FieldFault{"stage", "\"leed\"", "one of lead or lost", "did you mean \"lead\"?"},
                  FieldFault{"name", "nothing", "a text of at most 100000 characters, valid UTF-8 without NUL", ""}));
}

TEST(Canonicalise, RefusesWhatIsNoObject) {
  EXPECT_THAT(canonicalise(thing(), Json::array()).error(),
              ElementsAre(FieldFault{"", "no object", "an object of the fields of thing", ""}));
}

TEST(Faults, DoNotRepeatPersonalValues) {
  const auto data = canonicalise(thing(), Json{{"name", "x"}, {"amount", 1}, {"secret", "ada at example"}});
  EXPECT_THAT(data.error(), ElementsAre(FieldFault{"secret", "a text of 14 bytes",
                                                   "an e-mail address such as name@example.org", ""}));
}

}  // namespace
}  // namespace banyan::records
