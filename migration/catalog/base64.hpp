// Base64 (RFC 4648), strict: nothing but the alphabet, no white space, unused bits zero.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace banyan::catalog {

enum class Base64Alphabet {
  standard,  // section 4: `+` and `/`, padding required
  url,       // section 5: `-` and `_`, no padding (RFC 7515 section 2)
};

std::optional<std::string> decode_base64(std::string_view text, Base64Alphabet alphabet);

}  // namespace banyan::catalog
