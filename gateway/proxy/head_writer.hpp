// Writing heads: what goes to the upstream and what goes back to the client. Framing and hop-by-hop fields are always
// Banyan's own; everything else passes as received, in order.
#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/proxy/forwarded.hpp"
#include "gateway/proxy/message.hpp"

namespace banyan::proxy {

// A fixed space to write a head into. A head that does not fit sets overflowed(); nothing is written beyond the end.
// One per io thread, reused: what must outlast the current event has to be copied.
class HeadBuffer {
public:
  static constexpr std::size_t kCapacity = 160 * 1024;

  void clear() { size_ = 0, overflowed_ = false; }
  HeadBuffer& put(std::string_view text) {
    if (text.empty()) return *this;  // memcpy takes no null pointer
    if (text.size() > kCapacity - size_) {
      overflowed_ = true;
    } else {
      std::memcpy(space_.get() + size_, text.data(), text.size());
      size_ += text.size();
    }
    return *this;
  }
  HeadBuffer& put_number(std::uint64_t value);
  HeadBuffer& put_hex(std::uint64_t value);
  HeadBuffer& put_field(std::string_view name, std::string_view value) {
    return put(name).put(": ").put(value).put("\r\n");
  }
  std::string_view view() const { return {space_.get(), size_}; }
  bool overflowed() const { return overflowed_; }

private:
  std::unique_ptr<char[]> space_{new char[kCapacity]};
  std::size_t size_ = 0;
  bool overflowed_ = false;
};

// What Banyan knows about a request beyond its head. Views live as long as the exchange.
struct RequestIdentity {
  std::string_view peer;      // textual address of the TCP peer
  bool peer_trusted = false;  // believe its X-Forwarded-*, Forwarded, X-Request-Id, traceparent
  std::string_view request_id;
  std::string_view traceparent;     // to send
  bool carries_tracestate = false;  // the traceparent is the client's own
};

struct RequestForwarding {
  std::string_view authority;  // value of Host
  std::string_view via;        // pseudonym
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;
  bool send_expect = false;
  std::string_view upgrade;  // empty: no upgrade
};

void write_request_head(HeadBuffer& out, const RequestHead& request, const RequestIdentity& identity,
                        const RequestForwarding& forwarding);

struct ResponseForwarding {
  unsigned client_minor_version = 1;
  Framing framing = Framing::none;
  bool keep_alive = true;
  std::string_view served_by;
  std::string_view request_id;
  std::string_view upgrade;  // of a 101
  // A Location that names this authority (the endpoint's own) is rewritten to `client_authority`; empty: never.
  std::string_view rewrite_authority;
  std::string_view client_authority;
};

void write_response_head(HeadBuffer& out, const ResponseHead& response, const ResponseForwarding& forwarding);

// An interim response (1xx but 101), as received apart from hop-by-hop fields.
void write_interim_head(HeadBuffer& out, const ResponseHead& response);

// A whole response of Banyan's own with a problem-details body (RFC 9457). `head_only` for HEAD.
struct OwnResponse {
  int status = 500;
  std::string_view detail;
  std::string_view request_id;
  bool keep_alive = false;
  bool head_only = false;
};
void write_own_response(HeadBuffer& out, const OwnResponse& response);

// The registered reason phrase (RFC 9110 section 15); "Unknown" for others.
std::string_view reason_phrase(int status);

}  // namespace banyan::proxy
