// RequestView: a request as the catalog sees it. Views only: they must outlive the call, nothing longer.
#pragma once

#include <span>
#include <string_view>

namespace banyan::catalog {

struct HeaderField {
  std::string_view name;   // as received
  std::string_view value;  // without surrounding white space
};

struct RequestView {
  std::string_view method;
  std::string_view host;   // Host without port, as received; an IPv6 literal keeps its brackets
  std::string_view path;   // raw path of the target, before `?`; "*" for OPTIONS *
  std::string_view query;  // raw, after `?`; empty if none
  std::span<const HeaderField> headers;
};

// The request body, as far as the gate has read it.
struct BodyView {
  enum class State {
    unread,       // not read yet: the answer may be "I need it"
    complete,     // all of it is in `bytes`
    unavailable,  // over the inspection limit: functions that look at the body are not recognised
  };
  State state = State::unread;
  std::string_view bytes;
};

}  // namespace banyan::catalog
