#include "gateway/base/error.hpp"

#include <array>

namespace banyan {
namespace {

struct Row {
  ErrorCode code;
  std::string_view word;
  int status;
};

constexpr std::array kTable{
    Row{ErrorCode::invalid_argument, "invalid_argument", 400},
    Row{ErrorCode::unauthenticated, "unauthenticated", 401},
    Row{ErrorCode::permission_denied, "permission_denied", 403},
    Row{ErrorCode::not_found, "not_found", 404},
    Row{ErrorCode::gone, "gone", 410},
    Row{ErrorCode::conflict, "conflict", 409},
    Row{ErrorCode::precondition_failed, "precondition_failed", 412},
    Row{ErrorCode::too_large, "too_large", 413},
    Row{ErrorCode::unsupported, "unsupported", 501},
    Row{ErrorCode::overloaded, "overloaded", 503},
    Row{ErrorCode::deadline, "deadline", 504},
    Row{ErrorCode::unavailable, "unavailable", 502},
    Row{ErrorCode::bad_peer, "bad_peer", 502},
    Row{ErrorCode::internal, "internal", 500},
};

// The table is indexed by the code: a row out of place would not compile.
static_assert([] {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].code) != i) return false;
  }
  return kTable.size() == static_cast<std::size_t>(ErrorCode::internal) + 1;
}());

const Row& row(ErrorCode code) {
  return kTable.at(static_cast<std::size_t>(code));
}

}  // namespace

std::string_view to_string(ErrorCode code) {
  return row(code).word;
}

int http_status(ErrorCode code) {
  return row(code).status;
}

}  // namespace banyan
