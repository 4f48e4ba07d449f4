#include "adapters/legacy/rest/link_header.hpp"

#include <algorithm>
#include <cctype>

namespace banyan::legacy::rest {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

void skip_space(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

// A token, or a quoted string with its escapes undone; nothing if a quote does not close.
std::optional<std::string> take_value(std::string_view& text) {
  std::string value;
  if (!text.starts_with('"')) {
    const std::size_t end = std::min(text.find_first_of(";, \t"), text.size());
    value = text.substr(0, end);
    text.remove_prefix(end);
    return value;
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    if (text[i] == '\\' && ++i == text.size()) break;
    value += text[i];
  }
  return std::nullopt;
}

bool holds_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    skip_space(words);
    const std::size_t end = std::min(words.find_first_of(" \t"), words.size());
    if (end > 0 && equal_without_case(words.substr(0, end), word)) return true;
    words.remove_prefix(end);
  }
  return false;
}

// The parameters behind a target. Only the first "rel" counts (section 3.3).
bool take_parameters(std::string_view& text, std::string_view relation, bool& matches) {
  bool rel_seen = false;
  for (skip_space(text); text.starts_with(';'); skip_space(text)) {
    text.remove_prefix(1);
    skip_space(text);
    const std::size_t end = std::min(text.find_first_of("=;, \t"), text.size());
    const std::string_view name = text.substr(0, end);
    text.remove_prefix(end);
    skip_space(text);
    if (!text.starts_with('=')) continue;
    text.remove_prefix(1);
    skip_space(text);
    const auto value = take_value(text);
    if (!value) return false;
    if (rel_seen || !equal_without_case(name, "rel")) continue;
    rel_seen = true;
    matches = holds_word(*value, relation);
  }
  return text.empty() || text.starts_with(',');
}

}  // namespace

std::optional<std::string> link_target(std::string_view field, std::string_view relation) {
  while (true) {
    while (!field.empty() && (field.front() == ',' || field.front() == ' ' || field.front() == '\t')) {
      field.remove_prefix(1);
    }
    if (!field.starts_with('<')) return std::nullopt;
    const std::size_t end = field.find('>');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view target = field.substr(1, end - 1);
    field.remove_prefix(end + 1);
    bool matches = false;
    if (!take_parameters(field, relation, matches)) return std::nullopt;
    if (matches) return std::string(target);
  }
}

std::string resolve_target(std::string_view request_url, std::string_view target) {
  if (target.starts_with("http://") || target.starts_with("https://")) return std::string(target);
  const std::size_t scheme = request_url.find("://");
  if (scheme == std::string_view::npos) return std::string(target);
  if (target.starts_with("//")) return std::string(request_url.substr(0, scheme + 1)) + std::string(target);
  const std::size_t path = std::min(request_url.find_first_of("/?#", scheme + 3), request_url.size());
  if (target.starts_with('/')) return std::string(request_url.substr(0, path)) + std::string(target);
  const std::size_t query = std::min(request_url.find_first_of("?#", path), request_url.size());
  const std::string_view before_query = request_url.substr(0, query);
  if (target.empty() || target.starts_with('?')) return std::string(before_query) + std::string(target);
  const std::size_t slash = before_query.rfind('/');
  if (slash == std::string_view::npos || slash < path) return std::string(before_query) + "/" + std::string(target);
  return std::string(before_query.substr(0, slash + 1)) + std::string(target);
}

}  // namespace banyan::legacy::rest
