// Result<T>: a value, or an Error that the caller must decide on.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "gateway/base/error.hpp"

namespace banyan {

template <typename T>
using Result = tl::expected<T, Error>;

// Builds the failed half of a Result.
inline tl::unexpected<Error> fail(ErrorCode code, std::string public_message, std::string internal_detail = {}) {
  return tl::unexpected<Error>(Error{code, std::move(public_message), std::move(internal_detail)});
}

}  // namespace banyan
