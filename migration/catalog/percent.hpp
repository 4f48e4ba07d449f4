// Percent-encoding (RFC 3986 section 2.1) and the pairs of application/x-www-form-urlencoded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace banyan::catalog {

// The byte that `%XY` at `at` stands for; nothing if there is no `%` with two hexadecimal digits.
std::optional<char> percent_byte(std::string_view text, std::size_t at);

// `text` with every valid escape decoded and `+` as a space; escapes that are not valid stay as they are.
void append_form_decoded(std::string_view text, std::string& out);

// Whether decoding would change anything.
inline bool is_form_encoded(std::string_view text) {
  return text.find_first_of("%+") != std::string_view::npos;
}

// Calls visit(name, value) for each pair of "a=1&b=2", still encoded. A pair without `=` has an empty value; empty
// pairs are skipped. Ends when `visit` returns false.
template <class Visit>
void for_each_form_pair(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    if (!visit(pair.substr(0, equals), value)) return;
  }
}

}  // namespace banyan::catalog
