#include "gateway/api/author.hpp"

#include <algorithm>
#include <string_view>

#include "gateway/api/record_api_request.hpp"

namespace banyan::api {
namespace {

constexpr std::string_view kNobodySaid = "user:api";
constexpr std::size_t kLongestName = 64;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name(std::string_view text) {
  constexpr std::string_view kOthers = "._@+-";
  return !text.empty() && text.size() <= kLongestName && is_alphanumeric(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return is_alphanumeric(c) || kOthers.find(c) != kOthers.npos; });
}

bool is_author(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view kind = text.substr(0, colon);
  return (kind == "user" || kind == "agent") && is_name(text.substr(colon + 1));
}

}  // namespace

Result<std::string> author_of(const net::HttpRequest& request) {
  const auto given = request.header(kAuthorHeader);
  if (!given) return std::string(kNobodySaid);
  const auto is_it = [](const net::HttpHeader& header) { return equal_ignoring_case(header.name, kAuthorHeader); };
  if (std::ranges::count_if(request.headers, is_it) > 1 || !is_author(*given)) {
    return fail(ErrorCode::invalid_argument, std::string(kAuthorHeader) +
                                                 " must be there once, as user:NAME or agent:NAME; NAME has up to 64 "
                                                 "letters, digits and ._@+-, and begins with a letter or a digit.");
  }
  return std::string(*given);
}

}  // namespace banyan::api
