// Base64 (RFC 4648 section 4), as credentials travel in an Authorization field.
#pragma once

#include <string>
#include <string_view>

namespace banyan::legacy {

std::string base64(std::string_view bytes);

}  // namespace banyan::legacy
