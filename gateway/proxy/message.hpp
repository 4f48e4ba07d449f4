// A message head as a flat index of views into the connection's read buffer, and how its body is framed.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "migration/catalog/request_view.hpp"

namespace banyan::proxy {

using catalog::HeaderField;

// The field names that the data plane treats in a way of their own. Everything else is `other` and passes unread.
enum class FieldKind : std::uint8_t {
  other,
  host,
  connection,
  content_length,
  transfer_encoding,
  te,
  trailer,
  upgrade,
  expect,
  hop_by_hop,  // Keep-Alive, Proxy-Connection, Proxy-Authorization, Proxy-Authenticate, Proxy
  via,
  forwarded,
  x_forwarded_for,
  x_forwarded_proto,
  x_forwarded_host,
  x_forwarded_other,  // X-Forwarded-Port, X-Real-IP and the like: passed on from trusted proxies only
  x_request_id,
  traceparent,
  tracestate,
  location,
  served_by,          // Banyan-Served-By
  connection_listed,  // named by Connection: dropped (RFC 9110 section 7.6.1)
};

// How a body's end is known (RFC 9112 section 6).
enum class Framing : std::uint8_t {
  none,    // there is no body
  length,  // Content-Length
  chunked,
  until_close,  // responses only: the connection's end is the body's end
};

// The fields of one head. `kinds` runs beside `fields`.
struct FieldList {
  std::vector<HeaderField> fields;
  std::vector<FieldKind> kinds;

  void clear() {
    fields.clear();
    kinds.clear();
  }
};

struct RequestHead {
  std::string_view method;
  std::string_view target;  // as received
  std::string_view path;    // of the target, without authority and query; "*" for OPTIONS *
  std::string_view query;
  std::string_view host;  // value of Host, with port
  FieldList fields;
  unsigned minor_version = 1;  // HTTP/1.x
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  bool expects_continue = false;
  bool accepts_trailers = false;  // TE: trailers
  std::string_view upgrade;       // the protocols of an upgrade that may go on; empty: none

  void reset();  // as new, but keeps the memory of the fields
};

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  FieldList fields;
  unsigned minor_version = 1;
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;
  bool has_content_length = false;  // also where there is no body (HEAD, 304)
  bool keep_alive = true;           // the upstream lets the connection be used again
  std::string_view upgrade;         // of a 101

  void reset();  // as new, but keeps the memory of the fields
};

// A method that asks for no change (RFC 9110 section 9.2.1).
bool is_safe(std::string_view method);
// A method whose repetition does no more than one call (RFC 9110 section 9.2.2).
bool is_idempotent(std::string_view method);

// Compares ASCII letters without case.
bool iequals(std::string_view a, std::string_view b);

// Calls `each` with every element of a comma-separated list (RFC 9110 section 5.6.1), empty ones left out.
template <typename Each>
void for_each_element(std::string_view list, Each each) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    auto element = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    while (!element.empty() && (element.front() == ' ' || element.front() == '\t')) element.remove_prefix(1);
    while (!element.empty() && (element.back() == ' ' || element.back() == '\t')) element.remove_suffix(1);
    if (!element.empty()) each(element);
  }
}

}  // namespace banyan::proxy
