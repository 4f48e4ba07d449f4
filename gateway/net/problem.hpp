// Problem details (RFC 9457): the JSON body of every error that Banyan answers itself. Holds nothing from inside: only
// Error::public_message goes out.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/error.hpp"

namespace banyan::net {

inline constexpr std::string_view kProblemContentType = "application/problem+json";

// Empty texts are left out of the body.
struct Problem {
  int status = 500;
  std::string_view name;        // "too_large"; `type` becomes urn:banyan:problem:too_large, without a name about:blank
  std::string_view detail;      // what is wrong with this request, for the one who sent it
  std::string_view request_id;  // extension member `request_id`
  std::string_view instance;    // a URI reference of this occurrence
};

// The standard reason phrase of a status (RFC 9110 section 15), or "Error" for one that has none here.
std::string_view reason_phrase(int status);

// The body. `title` is the reason phrase of the status.
std::string problem_json(const Problem& problem);

// The problem that stands for an error. Refers to the error's texts.
Problem problem_of(const Error& error, std::string_view request_id = {});

}  // namespace banyan::net
