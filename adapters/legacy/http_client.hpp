// HttpClient: blocking HTTP/1.1 exchanges with a legacy system, and what their failures mean for the port.
//
// A request without an effect may travel on a kept connection. One with an effect (`write`) always gets a connection of
// its own: on a kept one that the peer has just closed, the library would send it a second time by itself.
// Redirects are not followed: credentials would leave, and a POST would turn into a GET. Nothing is logged here.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/legacy/legacy_system.hpp"
#include "gateway/base/clock.hpp"

namespace banyan::legacy {

struct HttpOptions {
  std::string base_url{};  // "https://crm.example:8443/api": scheme, authority, and a path that all targets go below
  std::string ca_file{};   // PEM: https trusts exactly these authorities; empty: those of the operating system
  std::size_t body_limit_bytes = 16UL << 20U;  // of an answer; chunked coding is measured after each chunk
};

struct HttpRequest {
  std::string method = "GET";
  // Path and query as sent (already percent-encoded), put behind the path of base_url; or an absolute URL of the same
  // scheme and authority, as a Link header holds it. An URL of another origin fails as `malformed`.
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;    // sent with Content-Length, never chunked
  bool write = false;  // has an effect: never sent twice, and without an answer its outcome is `unknown`
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // repeated fields joined with ", "
  std::string body;                                          // as it came: content codings are not undone

  // The value of a field, whatever the case of its name; empty: none.
  std::string_view header(std::string_view name) const;
};

// Safe from several threads. At destruction no call may be under way; it waits until what was abandoned has ended,
// which takes about a millisecond, and a minute at most.
class HttpClient {
public:
  // Throws std::invalid_argument for a base_url that is not http(s)://authority[/path], std::runtime_error for a
  // ca_file that cannot be read.
  explicit HttpClient(HttpOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // One exchange. Any status is an answer. Failures:
  //   unavailable  not connected (name, connection, TLS), or no whole answer to a request without an effect
  //   unknown      `write` only: sent, wholly or in part, and no whole answer came
  //   deadline     no whole answer in time; for a write the effect may have happened
  //   malformed    an answer larger than the limit (to a write: unknown), a target of another origin, a
  //                field with a line break
  // Messages name the method, the origin and the path, never the query, headers or body.
  Answer<HttpResponse> call(const HttpRequest& request, Deadline deadline);

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Whether a client can be made of it.
bool is_base_url(const std::string& url);

// Why no authorities can be read from the file; nothing: they can.
std::optional<std::string> fault_in_ca_file(const std::string& path);

// The moment that an HTTP date names (RFC 9110 section 5.6.7, the preferred form); none for any other text.
std::optional<WallTime> parse_http_date(std::string_view text);

// The wait that a Retry-After field asks for: seconds, or an HTTP date counted from `now` (a date that has passed:
// zero). None without the field or with one of another form. At most a day.
std::optional<std::chrono::milliseconds> retry_after(const HttpResponse& response, WallTime now);

// What a status means when a system declares nothing else; none for 2xx. 401, 403: unauthorised; 404, 410: missing;
// 409: duplicate; 412: stale; 429, and 503 with Retry-After: rate_limited; 502 and 504 to a write: unknown; other 5xx
// and 408: unavailable; 1xx and 3xx: malformed; other 4xx: rejected. The message holds the beginning of the body.
std::optional<Failure> failure_of_status(const HttpResponse& response, bool write, WallTime now);

// Something that was found, made fit for a Failure's message: at most `limit_bytes`, valid UTF-8, one line.
std::string excerpt(std::string_view found, std::size_t limit_bytes = 512);

}  // namespace banyan::legacy
