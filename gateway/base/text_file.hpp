// read_text_file(): a whole small file, with an error that a person understands.
#pragma once

#include <cstddef>
#include <string>

#include "gateway/base/result.hpp"

namespace banyan {

// Reads a regular file (or a pipe) of at most `limit_bytes`. Errors: not_found, permission_denied, too_large,
// invalid_argument (a directory), internal; the public message names the path.
Result<std::string> read_text_file(const std::string& path, std::size_t limit_bytes);

}  // namespace banyan
