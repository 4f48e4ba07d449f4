// Whom to believe about the client: trusted proxies, the client's address, and the identity fields that go upstream.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.hpp"
#include "gateway/proxy/message.hpp"

namespace banyan::proxy {

// An IP address as 16 bytes; IPv4 as ::ffff:a.b.c.d.
using AddressBytes = std::array<std::uint8_t, 16>;

// The textual address as bytes, if it is one.
Result<AddressBytes> parse_address(std::string_view text);

class TrustedNetworks {
public:
  TrustedNetworks() = default;
  // CIDR texts ("10.0.0.0/8", "::1/128"); a bare address is a network of one.
  static Result<TrustedNetworks> parse(const std::vector<std::string>& networks);
  bool contains(const AddressBytes& address) const;

private:
  struct Network {
    AddressBytes address;
    unsigned bits;  // of 128
  };
  std::vector<Network> networks_;
};

// The address of the client: the peer's, or, if the peer is trusted, the last entry of X-Forwarded-For that is not a
// trusted proxy. `peer` must outlive the result, as must the request.
std::string_view client_address(std::string_view peer, bool peer_trusted, const TrustedNetworks& trusted,
                                const FieldList& fields);

// A W3C traceparent of version 00 to fe (https://www.w3.org/TR/trace-context/ section 3.2): well-formed, not all zero.
bool is_traceparent(std::string_view value);

// What a request id from a trusted proxy may be: 1 to 128 characters of letters, digits, ".", "_", "-", ":" and "/".
bool is_request_id(std::string_view value);

// xoshiro256** seeded by the system: for request ids, trace ids and load balancing; not for secrets.
class Random {
public:
  Random();
  explicit Random(std::uint64_t seed);
  std::uint64_t next();

private:
  std::array<std::uint64_t, 4> state_;
};

// 32 lower-case hex digits, never all zero. Serves as request id and as trace id, so that one leads to the other.
using TraceId = std::array<char, 32>;
TraceId make_trace_id(Random& random);
using SpanId = std::array<char, 16>;
SpanId make_span_id(Random& random);

}  // namespace banyan::proxy
