// The manual, its examples and the shipped mappings against the code: none may fall behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/unit/mapping_support.hpp"

namespace banyan::sync {
namespace {

using namespace mapping_test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::filesystem::path kSource = BANYAN_SOURCE_DIR;
constexpr const char* kTransforms = "entities.*.fields.*.transforms";

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

const records::Ontology& crm() {
  static const records::Ontology loaded = [] {
    const std::array<std::string, 1> files{std::string(records::kCrmOntology)};
    auto read = records::load_ontology(files);
    if (!read) ADD_FAILURE() << yaml::to_string(read.error().front());
    return std::move(*read);
  }();
  return loaded;
}

// The last part of a key's path: "entities.*.fields.*.lookup" -> "lookup". Empty for names of the user's choice.
std::string own_name(const std::string& key) {
  const std::string last = key.substr(key.rfind('.') + 1);
  const std::string name = last.substr(0, last.find('['));
  return name == "*" ? "" : name;
}

// The heading of the section that describes a key. Transforms are described once.
std::string section_of(std::string key) {
  constexpr std::string_view kOfTables = "tables.*.transforms.";
  if (key.starts_with(kOfTables)) key = std::string(kTransforms) + "." + key.substr(kOfTables.size());
  const std::size_t dot = key.rfind('.');
  return dot == std::string::npos ? "## Top level" : "### `" + key.substr(0, dot) + "`";
}

// Fenced blocks of YAML that are whole mappings.
std::vector<std::string> mappings_in(const std::string& page) {
  const std::string fence = "```";
  std::vector<std::string> blocks;
  std::size_t at = 0;
  while ((at = page.find(fence + "yaml\n", at)) != std::string::npos) {
    const std::size_t begin = at + fence.size() + 5;
    const std::size_t end = page.find("\n" + fence, begin);
    const std::string block = page.substr(begin, end - begin) + "\n";
    if (block.find("entities:") != std::string::npos) blocks.push_back(block);
    at = end + 1 + fence.size();
  }
  return blocks;
}

TEST(MappingManual, DescribesEveryKeyInItsSection) {
  const std::string manual = content(kSource / "docs/reference/mapping.md");
  ASSERT_FALSE(mapping_keys().empty());
  for (const std::string& key : mapping_keys()) {
    const std::string name = own_name(key);
    if (name.empty()) continue;
    const std::size_t section = manual.find("\n" + section_of(key) + "\n");
    ASSERT_NE(section, std::string::npos) << "no section for " << key;
    const std::string text = manual.substr(section + 1, manual.find("\n##", section + 1) - section);
    EXPECT_THAT(text, HasSubstr("\n| `" + name + "` |")) << key;
  }
}

TEST(MappingManual, DescribesEveryTransformThatIsAWord) {
  const std::string manual = content(kSource / "docs/reference/mapping.md");
  const std::size_t section = manual.find(std::string("\n### `") + kTransforms + "`\n");
  const std::string text = manual.substr(section, manual.find("\n###", section + 1) - section);
  for (const char* word :
       {"trim", "lower", "upper", "digits", "html_entities", "integer_text", "decimal_number", "percent"}) {
    EXPECT_THAT(text, HasSubstr("`" + std::string(word) + "`"));
    const std::vector<std::string> faults =
        faults_of("tables: {t: {type: t, key: k, transforms: [" + std::string(word) + "]}}\n");
    EXPECT_THAT(faults, testing::Not(testing::Contains(HasSubstr("expected trim")))) << word;
  }
}

TEST(MappingPages, ShowOnlyGoodMappings) {
  for (const char* page : {"docs/reference/mapping.md", "docs/guides/map-your-crm.md"}) {
    const std::vector<std::string> blocks = mappings_in(content(kSource / page));
    EXPECT_FALSE(blocks.empty()) << page;
    for (const std::string& block : blocks) EXPECT_THAT(faults_of(block, crm()), IsEmpty()) << page;
  }
}

TEST(ShippedMapping, ForTrytonIsGood) {
  const std::string path = (kSource / "adapters/legacy/tryton/tryton-crm.yaml").string();
  const auto mapping = load_mapping(path, "tryton", crm());
  if (!mapping) {
    for (const yaml::Fault& fault : mapping.error()) ADD_FAILURE() << yaml::to_string(fault);
    return;
  }
  std::vector<std::string> order;
  for (const auto& stream : mapping->streams) order.push_back(stream->entity());
  EXPECT_THAT(order,
              ElementsAre("account", "address", "contact_point", "opportunity", "product", "quote", "quote_line"));
}

TEST(ShippedMapping, ForTrytonTranslatesAnOpportunity) {
  Mapping mapping = *load_mapping((kSource / "adapters/legacy/tryton/tryton-crm.yaml").string(), "tryton", crm());
  for (const auto& table : mapping.tables) {
    if (table->name() == "currencies") table->add("1", {{"code", "EUR"}});
    if (table->name() == "employees") table->add("2", {{"rec_name", "Clara Lehmann"}});
  }
  const Json legacy{{"party", 58},       {"description", "Cold room"}, {"number", "7"},
                    {"state", "won"},    {"amount", "93750.00"},       {"currency", 1},
                    {"employee", 2},     {"end_date", "2027-01-06"},   {"conversion_probability", 0.2},
                    {"comment", nullptr}};
  const Mapped mapped = in(mapping, "opportunity", legacy);
  EXPECT_THAT(mapped.held, IsEmpty());
  EXPECT_EQ(mapped.fields, Json({{"account", "r58"},
                                 {"amount", "93750"},
                                 {"currency", "EUR"},
                                 {"end_date", "2027-01-06"},
                                 {"name", "Cold room"},
                                 {"number", "7"},
                                 {"owner", "Clara Lehmann"},
                                 {"probability", "20"},
                                 {"stage", "converted"}}));
  const Mapped written = out(mapping, "opportunity", mapped.fields, {"amount", "probability", "owner", "currency"});
  EXPECT_EQ(written.fields, Json({{"amount", "93750"}, {"conversion_probability", 0.2}, {"employee", 2}}));
}

TEST(ShippedMapping, ForTrytonTakesAQuoteAndItsLineBothWays) {
  Mapping mapping = *load_mapping((kSource / "adapters/legacy/tryton/tryton-crm.yaml").string(), "tryton", crm());
  for (const auto& table : mapping.tables) {
    if (table->name() == "currencies") table->add("1", {{"code", "EUR"}});
    if (table->name() == "payment_terms") table->add("3", {{"name", "14 days net"}});
    if (table->name() == "units") table->add("9", {{"symbol", "h"}});
  }
  const Json sale{{"party", 58},
                  {"origin", "sale.opportunity,7"},
                  {"sale_date", "2026-11-02"},
                  {"payment_term", 3},
                  {"currency", 1},
                  {"state", "draft"},
                  {"description", "Hall"},
                  {"total_amount", "93.50"}};
  const Mapped quote = in(mapping, "quote", sale);
  EXPECT_THAT(quote.held, IsEmpty());
  EXPECT_EQ(quote.fields, Json({{"account", "r58"},
                                {"opportunity", "r7"},
                                {"date", "2026-11-02"},
                                {"payment_term", "14 days net"},
                                {"currency", "EUR"},
                                {"state", "draft"},
                                {"name", "Hall"},
                                {"total_amount", "93.5"}}));
  Json sent = sale;
  sent.erase("state");         // what Tryton works out
  sent.erase("total_amount");  // stays there
  EXPECT_EQ(out(mapping, "quote", quote.fields,
                {"account", "opportunity", "date", "payment_term", "currency", "state", "name", "total_amount"})
                .fields,
            sent);
  const Json row{{"sale", 5}, {"product", 4}, {"quantity", 2.5}, {"unit", 9}, {"unit_price", "80.25"}};
  const Mapped line = in(mapping, "quote_line", row);
  EXPECT_EQ(line.fields,
            Json({{"quote", "r5"}, {"product", "r4"}, {"quantity", "2.5"}, {"unit", "h"}, {"unit_price", "80.25"}}));
  EXPECT_EQ(
      out(mapping, "quote_line", line.fields, {"quote", "product", "quantity", "unit", "unit_price", "amount"}).fields,
      row);
}

}  // namespace
}  // namespace banyan::sync
