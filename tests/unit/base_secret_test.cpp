#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <type_traits>

#include "gateway/base/secret.hpp"

namespace banyan {
namespace {

TEST(Secret, PrintsAsStars) {
  const Secret secret("hunter2");
  std::ostringstream out;
  out << secret;
  EXPECT_EQ(out.str(), "***");
  EXPECT_EQ(format_as(secret), "***");
  EXPECT_EQ(secret.reveal(), "hunter2");
}

TEST(Secret, DoesNotTurnIntoATextByItself) {
  EXPECT_FALSE((std::is_convertible_v<Secret, std::string>));
  EXPECT_FALSE((std::is_convertible_v<Secret, std::string_view>));
}

TEST(Secret, ComesFromTheEnvironment) {
  ::setenv("BANYAN_TEST_SECRET", "from-env", 1);
  EXPECT_EQ(resolve_secret("env:BANYAN_TEST_SECRET", ".").value().reveal(), "from-env");
  ::unsetenv("BANYAN_TEST_SECRET");
  EXPECT_EQ(resolve_secret("env:BANYAN_TEST_SECRET", ".").error().public_message,
            "environment variable BANYAN_TEST_SECRET is not set");
}

TEST(Secret, ComesFromAFileBesideTheSettingsWithoutItsLineBreak) {
  const auto directory = std::filesystem::path(testing::TempDir()) / "banyan_secret_test";
  std::filesystem::create_directories(directory);
  std::ofstream(directory / "token") << "from-file\r\n";
  EXPECT_EQ(resolve_secret("file:token", directory.string()).value().reveal(), "from-file");
  const auto missing = resolve_secret("file:absent", directory.string());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  std::filesystem::remove_all(directory);
}

TEST(Secret, WrittenOutIsRefusedAndNotRepeated) {
  const auto literal = resolve_secret("hunter2", ".");
  ASSERT_FALSE(literal);
  EXPECT_EQ(literal.error().public_message, "a secret written out in the file");
  EXPECT_EQ(literal.error().internal_detail.find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace banyan
