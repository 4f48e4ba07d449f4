// Link header fields (RFC 8288 section 3): where the next page is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace banyan::legacy::rest {

// The target of the first link whose relation types hold `relation` (compared without case); nothing if there is none
// or the field is broken before it. Several fields are given joined with ", ".
std::optional<std::string> link_target(std::string_view field, std::string_view relation);

// The target made whole against the URL of the request (RFC 3986 section 5.2, for targets that are absolute, begin with
// "//", "/" or "?", or are a relative path).
std::string resolve_target(std::string_view request_url, std::string_view target);

}  // namespace banyan::legacy::rest
