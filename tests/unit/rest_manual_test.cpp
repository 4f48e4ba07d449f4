// The reference page and the examples against the reader: neither may fall behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "adapters/legacy/rest/description.hpp"

namespace banyan::legacy::rest {
namespace {

const std::filesystem::path kSource = BANYAN_SOURCE_DIR;

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

// The last part of a key's path; empty for names of the user's choice.
std::string own_name(const std::string& key) {
  const std::string last = key.substr(key.rfind('.') + 1);
  const std::string name = last.substr(0, last.find('['));
  return name == "*" ? "" : name;
}

std::string section_of(const std::string& key) {
  const std::size_t dot = key.rfind('.');
  return dot == std::string::npos ? "## Top level" : "### `" + key.substr(0, dot) + "`";
}

TEST(RestReferencePage, DescribesEveryKeyInItsSection) {
  const std::string page = content(kSource / "docs/reference/adapters-rest.md");
  const auto keys = rest_description().keys;
  ASSERT_GT(keys.size(), 100U);
  for (const std::string& key : keys) {
    const std::string name = own_name(key);
    if (name.empty()) continue;
    const std::size_t section = page.find("\n" + section_of(key) + "\n");
    ASSERT_NE(section, std::string::npos) << "no section for " << key;
    const std::string text = page.substr(section + 1, page.find("\n##", section + 1) - section);
    EXPECT_THAT(text, testing::HasSubstr("\n| `" + name + "` |")) << key;
  }
}

TEST(RestExamples, AreGoodDescriptions) {
  ::setenv("CRM_API_KEY", "key", 1);
  ::setenv("CRM_CLIENT_SECRET", "secret", 1);
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSource / "examples/adapters")) {
    const auto description = load_rest_description(entry.path().string());
    std::string faults;
    if (!description) {
      for (const Fault& fault : description.error()) faults += yaml::to_string(fault) + "\n";
    }
    EXPECT_EQ(faults, "");
    ++count;
  }
  EXPECT_GE(count, 3U);
}

}  // namespace
}  // namespace banyan::legacy::rest
