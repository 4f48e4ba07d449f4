// Error: what went wrong, said once for the outside and once for the log.
#pragma once

#include <string>
#include <string_view>

namespace banyan {

// The protocol-neutral classes of failure. error.cpp holds the one table from code to HTTP status.
enum class ErrorCode {
  invalid_argument,   // the caller sent something malformed
  unauthenticated,    // no or wrong credentials
  permission_denied,  // known caller, not allowed
  not_found,
  gone,                 // existed, was taken away on purpose
  conflict,             // the state does not allow it now
  precondition_failed,  // the caller's version is stale
  too_large,            // over a configured limit
  unsupported,          // understood, but not offered here
  overloaded,           // a bound was reached; try again later
  deadline,             // the time given was used up
  unavailable,          // a peer cannot be reached or failed
  bad_peer,             // a peer answered against its protocol
  internal,             // a fault of ours
};

// The standard word for the code, as used in logs and metrics ("invalid_argument").
std::string_view to_string(ErrorCode code);

// The HTTP status that stands for the code (RFC 9110 section 15).
int http_status(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string public_message;   // may be sent to a client: leaks nothing from inside
  std::string internal_detail;  // for the log only
};

}  // namespace banyan
