// For random canonical values of every field type and every invertible chain of transforms: what went out comes back.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "adapters/records/canonicalise.hpp"
#include "adapters/sync/transforms.hpp"
#include "tests/unit/mapping_support.hpp"

namespace banyan::sync {
namespace {

using namespace mapping_test;

constexpr int kRounds = 400;

class Values {
public:
  explicit Values(std::uint32_t seed) : random_(seed) {}

  std::int64_t number(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
  }

  std::string text() {
    static const std::vector<std::string> kPieces{"a",  "Z", "7",  " ",  "é", "ß",     "&",   "<",
                                                  "\"", "'", ";",  ",",  ".", "&amp;", "%",   "^",
                                                  "+",  "-", "\\", "東", "x", "tel:",  "EUR "};
    std::string out;
    for (auto left = number(1, 12); left > 0; --left) {
      out += kPieces[static_cast<std::size_t>(number(0, static_cast<std::int64_t>(kPieces.size()) - 1))];
    }
    return out;
  }

  // A value before it is canonical; it may turn out empty.
  Json of(records::FieldType type) {
    using records::FieldType;
    switch (type) {
      case FieldType::integer:
        return number(0, 1) == 0 ? number(-1000, 1000) : number(INT64_MIN, INT64_MAX);
      case FieldType::decimal:
        return std::to_string(number(-1'000'000'000, 1'000'000'000)) + "." + std::to_string(number(0, 99));
      case FieldType::boolean:
        return number(0, 1) == 0;
      case FieldType::date:
        return timestamp_text(micros()).substr(0, 10);
      case FieldType::timestamp:
        return timestamp_text(micros());
      case FieldType::list:
        return {text(), text(), text()};
      case FieldType::choice:
        return std::vector<std::string>{"organisation", "person", "other"}.at(static_cast<std::size_t>(number(0, 2)));
      default:
        return text();
    }
  }

private:
  std::int64_t micros() { return number(-62'135'596'800, 253'402'300'799) * 1'000'000 + number(0, 999'999); }

  std::mt19937 random_;
};

struct Chain {
  std::string field;
  bool adopts = false;
};

const std::vector<Chain> kChains{
    {"code: x"},
    {"code: a.b.c"},
    {"code: /a/2/b"},
    {"code: {legacy: x, transforms: trim}"},
    {"code: {legacy: x, transforms: html_entities}"},
    {"code: {legacy: x, transforms: [{prefix: \"tel:\"}]}"},
    {"code: {legacy: x, transforms: [html_entities, {prefix: \"EUR \"}, {suffix: x}]}"},
    {"code: {legacy: [x, y], join: {}}"},
    {"code: {legacy: [x, y, z], join: {separator: \",\", split_at: first}, transforms: html_entities}"},
    {"code: {legacy: x, transforms: lower}", true},
    {"code: {legacy: x, transforms: [upper, {suffix: \";\"}]}", true},
    {"code: {legacy: x, transforms: digits}", true},
    {"code: {legacy: x, transforms: {case: {to_modern: lower, to_legacy: upper}}}", true},
    {"comment: x"},
    {"kind: {legacy: x, values: {1: organisation, 2: person, 3: other}, as: number}"},
    {"employees: x"},
    {"employees: {legacy: x, transforms: integer_text}"},
    {"employees: {legacy: x, transforms: [{prefix: \"n\"}, integer_text]}"},
    {"revenue: x"},
    {"revenue: {legacy: x, transforms: {scale: 2}}"},
    {"revenue: {legacy: x, transforms: decimal_number}"},
    {"revenue: {legacy: x, transforms: {minor_units: 2}}"},
    {"revenue: {legacy: x, transforms: [integer_text, {minor_units: 4}]}"},
    {"revenue: {legacy: x, transforms: {decimal_text: {point: \",\", group: \".\", digits: 3}}}"},
    {"revenue: {legacy: x, transforms: [decimal_number, percent]}"},
    {"revenue: {legacy: x, transforms: percent}"},
    {"active: x"},
    {"active: {legacy: x, transforms: {boolean: {true: [1, \"1\"], false: 0}}}"},
    {"founded: x"},
    {"founded: {legacy: x, transforms: {date_format: \"%d.%m.%Y\"}}"},
    {"founded: {legacy: x, transforms: {date_format: \"%d %b %y\"}}"},
    {"seen_at: x"},
    {"seen_at: {legacy: x, transforms: {epoch: us}}"},
    {"seen_at: {legacy: x, transforms: {epoch: ms}}", true},
    {"seen_at: {legacy: x, transforms: [integer_text, {epoch: s}]}", true},
    {"seen_at: {legacy: x, transforms: {timestamp_format: {pattern: \"%d.%m.%Y %T.%f\", offset: \"-09:30\"}}}"},
    {"seen_at: {legacy: x, transforms: {timestamp_format: {pattern: \"%FT%T%z\", offset: \"+05:30\"}}}", true},
    {"tags: x"},
    {"tags: {legacy: x, transforms: {split: \"|\"}}"},
    {"tags: {legacy: x, transforms: [html_entities, {split: {separator: \"\\t\", quote: \"~\"}}]}"},
};

// What the value is after it went out and came back; nothing if the legacy side cannot hold it.
std::optional<Json> there_and_back(const Mapping& mapping, const std::string& name, const Json& value) {
  const Mapped written = out(mapping, "account", {{name, value}, {"name", "A"}}, {name, "name"});
  if (!written.held.empty()) return std::nullopt;
  const Mapped read = in(mapping, "account", written.fields);
  EXPECT_TRUE(read.held.empty()) << read.held[0].message;
  return read.fields.value(name, Json());
}

class EveryChain : public testing::TestWithParam<Chain> {};

TEST_P(EveryChain, GivesBackWhatWentOut) {
  const Chain& chain = GetParam();
  const std::string name = chain.field.substr(0, chain.field.find(':'));
  const Mapping mapping = mapping_of(account_with({chain.field}));
  const records::Field& field = *ontology().find("account")->field(name);
  Values values(7);
  int went = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto value = records::canonical_value(field, values.of(field.type));
    if (!value || records::is_empty(*value)) continue;
    const auto back = there_and_back(mapping, name, *value);
    if (!back) continue;
    ++went;
    if (chain.adopts) {
      ASSERT_EQ(there_and_back(mapping, name, *back), back) << value->dump();
    } else {
      ASSERT_EQ(*back, *value);
    }
  }
  EXPECT_GE(went, kRounds / 100);
}

INSTANTIATE_TEST_SUITE_P(Mapping, EveryChain, testing::ValuesIn(kChains));

}  // namespace
}  // namespace banyan::sync
