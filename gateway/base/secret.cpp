#include "gateway/base/secret.hpp"

#include <cstdlib>
#include <filesystem>
#include <ostream>

#include "gateway/base/text_file.hpp"

namespace banyan {
namespace {

constexpr std::string_view kStars = "***";
constexpr std::string_view kEnv = "env:";
constexpr std::string_view kFile = "file:";
constexpr std::size_t kLargestSecretBytes = 64 * 1024;

Result<Secret> from_environment(const std::string& name) {
  if (name.empty()) return fail(ErrorCode::invalid_argument, "env: without the name of a variable");
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return fail(ErrorCode::not_found, "environment variable " + name + " is not set");
  if (*value == '\0') return fail(ErrorCode::invalid_argument, "environment variable " + name + " is empty");
  return Secret(value);
}

Result<Secret> from_file(const std::string& path, const std::string& directory) {
  if (path.empty()) return fail(ErrorCode::invalid_argument, "file: without a path");
  auto text = read_text_file((std::filesystem::path(directory) / path).string(), kLargestSecretBytes);
  if (!text) return fail(text.error().code, text.error().public_message);
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->empty()) return fail(ErrorCode::invalid_argument, "file " + path + " is empty");
  return Secret(std::move(*text));
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Secret&) {
  return out << kStars;
}

std::string_view format_as(const Secret&) {
  return kStars;
}

bool is_secret_reference(std::string_view text) {
  return text.starts_with(kEnv) || text.starts_with(kFile);
}

Result<Secret> resolve_secret(std::string_view reference, const std::string& directory) {
  if (reference.starts_with(kEnv)) return from_environment(std::string(reference.substr(kEnv.size())));
  if (reference.starts_with(kFile)) return from_file(std::string(reference.substr(kFile.size())), directory);
  return fail(ErrorCode::invalid_argument, "a secret written out in the file");
}

}  // namespace banyan
