// Who sends a request to the API, for histories and decisions.
#pragma once

#include <string>

#include "gateway/base/result.hpp"
#include "gateway/net/http_server.hpp"

namespace banyan::api {

// Names a person or an agent: user:NAME or agent:NAME. Whoever may call the API is believed.
inline constexpr const char* kAuthorHeader = "X-Banyan-Author";

// "user:clara"; "user:api" if the request does not say. NAME: 1 to 64 letters, digits and "._@+-", a letter or a digit
// first. Error: invalid_argument.
Result<std::string> author_of(const net::HttpRequest& request);

}  // namespace banyan::api
