// Everything the data plane can be told. Plain data; gateway/app fills it from the settings file.
// Sizes are bytes. A limit is inclusive: a value equal to it passes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "migration/catalog/subject.hpp"

namespace banyan::proxy {

struct Address {
  std::string host;        // IPv4 or IPv6 literal for listeners; literal or name for endpoints; no brackets
  std::uint16_t port = 0;  // 0 for a listener: any free port
};

struct Timeouts {
  std::chrono::milliseconds connect{5'000};            // TCP connect to one endpoint
  std::chrono::milliseconds request_header{10'000};    // first byte of a request to the end of its header
  std::chrono::milliseconds request_body{60'000};      // longest silence while a client sends a body
  std::chrono::milliseconds response_header{330'000};  // request sent to response header; above Tryton's long poll
  std::chrono::milliseconds response_body{
      60'000};                             // longest silence while an upstream sends, or a client takes, a body
  std::chrono::milliseconds idle{75'000};  // a kept-alive client connection between requests
  std::chrono::milliseconds upstream_idle{30'000};  // a pooled upstream connection
  std::chrono::milliseconds upgrade{3'600'000};     // longest silence in both directions of a tunnel
};

struct Limits {
  std::uint32_t header_bytes = 32 * 1024;  // request line and fields, likewise of responses; at most 60 KiB
  std::uint32_t header_count = 100;
  std::uint64_t body_bytes = std::uint64_t{8} << 30;  // request body, streamed
  std::uint64_t buffer_bytes = 16 << 20;              // request body where it must be buffered (request_body: buffer)
  std::uint64_t inspect_bytes = 256 * 1024;    // request body read for matchers; larger ones are not recognised by body
  std::uint32_t connections = 10'000;          // client connections, all threads together
  std::uint32_t upstream_connections = 1'000;  // per endpoint and thread; reached: 503
};

struct Upstream {
  enum class Host : std::uint8_t {
    keep,      // the client's Host goes on
    endpoint,  // Host is the endpoint's own authority
  };
  enum class RequestBody : std::uint8_t {
    stream,  // relayed as it comes; framing of the client kept (length or chunked)
    buffer,  // read whole up to limits.buffer_bytes, sent with Content-Length (for servers that answer 411)
  };
  std::string name;
  std::vector<Address> endpoints;
  Host host = Host::keep;
  RequestBody request_body = RequestBody::stream;
  std::chrono::milliseconds retry_after_failure{2'000};  // an endpoint that could not be reached is skipped this long
};

struct Options {
  std::vector<Address> listen;
  std::uint32_t threads = 0;        // 0: one per core
  std::vector<Upstream> upstreams;  // order = upstream numbers in the route table
  std::vector<catalog::SubjectSource> subject;
  std::vector<std::string> trusted_proxies;  // CIDR; believed in X-Forwarded-*, Forwarded, X-Request-Id, traceparent
  Timeouts timeouts;
  Limits limits;
  std::string via_name = "banyan";  // pseudonym in Via (RFC 9110 section 7.6.3)
};

}  // namespace banyan::proxy
