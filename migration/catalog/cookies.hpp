// Cookie pairs (RFC 6265 section 4.2.1).
#pragma once

#include <cstddef>
#include <string_view>

namespace banyan::catalog {

// Calls visit(name, value) for each "name=value" of a Cookie field, white space around both removed, quotes kept as
// part of the value. What has no `=` is skipped. Ends when `visit` returns false.
template <class Visit>
void for_each_cookie(std::string_view field, Visit&& visit) {
  const auto trim = [](std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
  };
  while (!field.empty()) {
    const std::size_t end = field.find(';');
    const std::string_view pair = field.substr(0, end);
    field.remove_prefix(end == std::string_view::npos ? field.size() : end + 1);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    if (!visit(trim(pair.substr(0, equals)), trim(pair.substr(equals + 1)))) return;
  }
}

}  // namespace banyan::catalog
