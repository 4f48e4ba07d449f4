// http_call(): one HTTP/1.1 request and its answer, blocking. For command lines and tests; not for the data plane.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.hpp"
#include "gateway/base/result.hpp"
#include "gateway/net/http_server.hpp"

namespace banyan::net {

struct HttpCall {
  std::string method = "GET";
  std::string url;                  // http://HOST[:PORT][/PATH][?QUERY]; an IPv6 literal in brackets
  std::vector<HttpHeader> headers;  // beside Host, Content-Length and Connection
  std::string body;
  std::uint64_t reply_limit_bytes = 64 * 1024 * 1024;
};

struct HttpReply {
  int status = 0;
  std::vector<HttpHeader> headers;
  std::string body;

  // The first field of that name (case does not matter).
  std::optional<std::string_view> header(std::string_view name) const;
};

// Opens a connection, asks, reads the whole answer and closes. Any status is an answer; redirects are not followed.
// Errors, with a public message that names the place: invalid_argument (the URL), unsupported (https), unavailable (not
// reached, or gone before the answer), bad_peer (not HTTP, or over the limit), deadline. Looking up a name may outlast
// the deadline.
Result<HttpReply> http_call(const HttpCall& call, Deadline deadline);

}  // namespace banyan::net
