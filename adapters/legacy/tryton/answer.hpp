// What an HTTP answer of Tryton's JSON-RPC means. Pure.
//
// Tryton answers errors with status 200: {"id": n, "error": [kind, details...]}. What stands there is the name of one
// of its own exceptions, or the bare text of any Python exception; the texts of a lost database are told apart here.
#pragma once

#include <cstdint>
#include <string>

#include "adapters/legacy/http_client.hpp"
#include "adapters/legacy/legacy_system.hpp"
#include "gateway/base/clock.hpp"

namespace banyan::legacy::tryton {

struct Reply {
  enum class Kind : std::uint8_t {
    result,      // `result` holds it
    failure,     // `failure` says why
    warning,     // a question to the user: repeat the call once the warning `warning_name` is on record
    logged_out,  // the session is not known (any more); the call was not executed
  };
  Kind kind = Kind::failure;
  Json result;
  Failure failure;
  std::string warning_name;
};

// `id`: of the request. `write`: the call has an effect, so an answer that makes no sense leaves its outcome unknown.
Reply read_reply(const HttpResponse& response, std::int64_t id, bool write, WallTime now);

}  // namespace banyan::legacy::tryton
