// The gate: what a message must be before Banyan forwards any of it.
//
// A front proxy and the server behind it must never disagree about where a message ends or whom it is for (request
// smuggling). So the gate does not repair: what is ambiguous is refused. Pure: it looks at a parsed head, nothing else.
// Sources: RFC 9110, RFC 9112 section 11.2; the lessons of CVE-2025-4366, CVE-2026-2833, -2835 and -2836.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "gateway/proxy/message.hpp"

namespace banyan::proxy {

enum class Rule : std::uint8_t {
  syntax,             // not HTTP/1.x as RFC 9112 writes it: bare LF, bad name, control bytes, bad chunk
  version,            // not HTTP/1.0 or HTTP/1.1
  obs_fold,           // a folded field line (RFC 9112 section 5.2)
  transfer_encoding,  // anything but exactly one `chunked`, or any on HTTP/1.0
  both_framings,      // Transfer-Encoding with Content-Length
  content_length,     // repeated, a list, or not all digits
  non_ascii,          // bytes >= 0x80 in a framing field, Host or target
  field_name,         // `_` in a name: it collides with `-` in CGI-like servers
  host,               // missing, repeated or malformed
  target,             // not in the form that the method takes, or bytes that no URI has
  connect,            // CONNECT: Banyan is no forward proxy
  header_too_large,
  too_many_fields,
  body_too_large,
  unexpected_body,  // response: bytes after its end, or a body where none may be
  interim_flood,    // response: too many 1xx
};

inline constexpr std::size_t kRuleCount = 16;

// The word used in the access log and in the metric banyan_gate_refusals_total.
std::string_view to_string(Rule rule);

struct Refusal {
  Rule rule;
  int status;               // of the answer to the client
  std::string_view detail;  // one sentence, may be sent to the client
};

// Checks a request and completes it: path, query, host, framing, keep_alive, expects_continue, upgrade.
// Expects method, target, minor_version and fields to be set.
std::optional<Refusal> inspect(RequestHead& request);

// The same for a response to `request_method`: framing and keep_alive. A refusal means: 502, and the upstream
// connection is closed.
std::optional<Refusal> inspect(ResponseHead& response, std::string_view request_method);

// Whether a trailer field may be passed on (RFC 9110 section 6.5.1): not for framing, routing, authentication,
// request modifiers, caching or content description.
bool may_be_trailer(std::string_view name);

}  // namespace banyan::proxy
