// The manual of the ontology against its schema: it must not fall behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "adapters/records/ontology.hpp"

namespace banyan::records {
namespace {

std::string manual() {
  std::ifstream in(BANYAN_SOURCE_DIR "/docs/reference/ontology.md");
  EXPECT_TRUE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

// "entities.*.fields.*.type" is described in the section "### `entities.*.fields.*`".
TEST(OntologyManual, DescribesEveryKeyInItsSection) {
  const std::string text = manual();
  std::size_t described = 0;
  for (const std::string& key : ontology_keys()) {
    const std::string name = key.substr(key.rfind('.') + 1);
    if (name == "*" || key == "entities") continue;
    const std::string heading = "\n### `" + key.substr(0, key.rfind('.')) + "`\n";
    const std::size_t section = text.find(heading);
    ASSERT_NE(section, std::string::npos) << heading;
    const std::string body = text.substr(section + 1, text.find("\n##", section + 1) - section);
    EXPECT_THAT(body, testing::HasSubstr("\n| `" + name + "` |")) << key;
    ++described;
  }
  EXPECT_GT(described, 20U);
}

TEST(OntologyManual, ShowsOnlyGoodFiles) {
  const std::string text = manual();
  const std::string fence = "```yaml\n";
  std::size_t count = 0;
  for (std::size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at + 1)) {
    const std::size_t begin = at + fence.size();
    const std::vector<OntologyText> texts{{"crm", std::string(crm_ontology_text())},
                                          {"manual", text.substr(begin, text.find("```", begin) - begin)}};
    const auto ontology = parse_ontology(texts);
    EXPECT_TRUE(ontology) << yaml::to_string(ontology.error().front());
    ++count;
  }
  EXPECT_GE(count, 1U);
}

TEST(OntologyManual, NamesEveryEntityOfTheCrmOntology) {
  const std::string text = manual();
  const std::vector<OntologyText> texts{{"crm", std::string(crm_ontology_text())}};
  const Ontology ontology = parse_ontology(texts).value();
  for (const Entity& entity : ontology.entities()) {
    EXPECT_THAT(text, testing::HasSubstr("\n| `" + entity.name + "` |"));
  }
}

}  // namespace
}  // namespace banyan::records
