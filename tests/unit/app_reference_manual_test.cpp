// The manual and the examples against the schema: neither may fall behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gateway/app/settings.hpp"

namespace banyan::app {
namespace {

const std::filesystem::path kSource = BANYAN_SOURCE_DIR;

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string faults_of(const std::string& text, const std::string& name) {
  const auto settings = parse_settings(text, name, (kSource / "examples").string());
  std::string out;
  if (!settings) {
    for (const Fault& fault : settings.error()) out += yaml::to_string(fault) + "\n";
  }
  return out;
}

// The last part of a key's path: "upstreams.*.host" -> "host". Empty for names of the user's choice.
std::string own_name(const std::string& key) {
  const std::string last = key.substr(key.rfind('.') + 1);
  const std::string name = last.substr(0, last.find('['));
  return name == "*" ? "" : name;
}

// The heading of the section that describes a key: "upstreams.*.host" -> "### `upstreams.*`".
std::string section_of(const std::string& key) {
  const std::size_t dot = key.rfind('.');
  return dot == std::string::npos ? "## Top level" : "### `" + key.substr(0, dot) + "`";
}

// Fenced blocks of YAML that are whole settings: those that say where to listen.
std::vector<std::string> settings_in(const std::string& page) {
  static const std::string kFence = "```";
  std::vector<std::string> blocks;
  std::size_t at = 0;
  while ((at = page.find(kFence + "yaml\n", at)) != std::string::npos) {
    const std::size_t begin = at + kFence.size() + 5;
    const std::size_t end = page.find("\n" + kFence, begin);
    const std::string block = page.substr(begin, end - begin) + "\n";
    if (block.starts_with("listen:") || block.find("\nlisten:") != std::string::npos) blocks.push_back(block);
    at = end == std::string::npos ? page.size() : end + 1 + kFence.size();
  }
  return blocks;
}

TEST(ReferenceManual, DescribesEveryKeyInItsSection) {
  const std::string manual = content(kSource / "docs/reference/settings.md");
  ASSERT_FALSE(settings_keys().empty());
  for (const std::string& key : settings_keys()) {
    const std::string name = own_name(key);
    if (name.empty()) continue;
    const std::size_t section = manual.find("\n" + section_of(key) + "\n");
    ASSERT_NE(section, std::string::npos) << "no section for " << key;
    const std::string text = manual.substr(section + 1, manual.find("\n##", section + 1) - section);
    EXPECT_THAT(text, testing::HasSubstr("\n| `" + name + "` |")) << key;
  }
}

TEST(Examples, AreGoodSettings) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSource / "examples")) {
    if (entry.path().extension() != ".yaml") continue;
    EXPECT_EQ(faults_of(content(entry.path()), entry.path().filename().string()), "");
    ++count;
  }
  EXPECT_GE(count, 2U);
}

TEST(ReferenceExample, ShowsEveryKey) {
  const std::string example = content(kSource / "examples/reference.yaml");
  for (const std::string& key : settings_keys()) {
    const std::string name = own_name(key);
    if (name.empty() || name == "tls" || name == "module") continue;
    EXPECT_THAT(example, testing::ContainsRegex("(^|[^a-z_])" + name + ":")) << key;
  }
}

TEST(Pages, ShowOnlyGoodSettings) {
  std::vector<std::filesystem::path> pages;
  for (const auto& entry : std::filesystem::directory_iterator(kSource)) {
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kSource / "docs")) {
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  }
  std::size_t count = 0;
  for (const auto& page : pages) {
    for (const std::string& block : settings_in(content(page))) {
      EXPECT_EQ(faults_of(block, page.filename().string()), "");
      ++count;
    }
  }
  EXPECT_GE(count, 2U);
}

}  // namespace
}  // namespace banyan::app
