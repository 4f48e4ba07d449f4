#include "gateway/proxy/head_writer.hpp"

#include <charconv>
#include <ctime>
#include <nlohmann/json.hpp>

namespace banyan::proxy {
namespace {

constexpr std::string_view kCrlf = "\r\n";

bool is_ipv6(std::string_view address) {
  return address.find(':') != std::string_view::npos;
}

// RFC 7239 section 6: an IPv6 address is bracketed and therefore quoted.
void put_forwarded_element(HeadBuffer& out, std::string_view peer, std::string_view host) {
  if (is_ipv6(peer)) {
    out.put("for=\"[").put(peer).put("]\"");
  } else {
    out.put("for=").put(peer);
  }
  out.put(";host=\"").put(host).put("\";proto=http");
}

// Earlier entries of a list field that may be believed, then ours.
void put_carried(HeadBuffer& out, const FieldList& list, FieldKind kind) {
  for (std::size_t i = 0; i < list.fields.size(); ++i) {
    if (list.kinds[i] == kind && !list.fields[i].value.empty()) out.put(list.fields[i].value).put(", ");
  }
}

std::string_view first_of(const FieldList& list, FieldKind kind) {
  for (std::size_t i = 0; i < list.fields.size(); ++i) {
    if (list.kinds[i] == kind) return list.fields[i].value;
  }
  return {};
}

void put_identity(HeadBuffer& out, const RequestHead& request, const RequestIdentity& identity, std::string_view via) {
  const auto& list = request.fields;
  out.put("X-Forwarded-For: ");
  if (identity.peer_trusted) put_carried(out, list, FieldKind::x_forwarded_for);
  out.put(identity.peer).put(kCrlf);

  std::string_view proto;
  std::string_view host;
  if (identity.peer_trusted) {
    proto = first_of(list, FieldKind::x_forwarded_proto);
    host = first_of(list, FieldKind::x_forwarded_host);
  }
  out.put_field("X-Forwarded-Proto", proto.empty() ? "http" : proto);
  out.put_field("X-Forwarded-Host", host.empty() ? request.host : host);

  out.put("Forwarded: ");
  if (identity.peer_trusted) put_carried(out, list, FieldKind::forwarded);
  put_forwarded_element(out, identity.peer, request.host);
  out.put(kCrlf);

  out.put("Via: ");
  put_carried(out, list, FieldKind::via);
  out.put(request.minor_version == 0 ? "1.0 " : "1.1 ").put(via).put(kCrlf);

  out.put_field("X-Request-Id", identity.request_id);
  out.put_field("traceparent", identity.traceparent);
}

void put_framing(HeadBuffer& out, Framing framing, std::uint64_t length) {
  if (framing == Framing::chunked) {
    out.put("Transfer-Encoding: chunked\r\n");
  } else if (framing == Framing::length) {
    out.put("Content-Length: ").put_number(length).put(kCrlf);
  }
}

// RFC 9110 section 8.6: a server may use Content-Length: 0 to learn that there is no body where one would be usual.
bool wants_zero_length(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

std::string_view location_path(std::string_view location, std::string_view authority) {
  constexpr std::string_view kHttp = "http://";
  if (authority.empty() || location.size() < kHttp.size() + authority.size()) return {};
  if (!iequals(location.substr(0, kHttp.size()), kHttp)) return {};
  if (!iequals(location.substr(kHttp.size(), authority.size()), authority)) return {};
  const auto rest = location.substr(kHttp.size() + authority.size());
  return rest.empty() || rest.front() == '/' || rest.front() == '?' ? rest : std::string_view{};
}

void put_status_line(HeadBuffer& out, int status, std::string_view reason) {
  out.put("HTTP/1.1 ").put_number(static_cast<std::uint64_t>(status)).put(" ").put(reason).put(kCrlf);
}

// IMF-fixdate (RFC 9110 section 5.6.7).
std::array<char, 32> http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return text;
}

}  // namespace

HeadBuffer& HeadBuffer::put_number(std::uint64_t value) {
  std::array<char, 20> digits;
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return put({digits.data(), static_cast<std::size_t>(result.ptr - digits.data())});
}

HeadBuffer& HeadBuffer::put_hex(std::uint64_t value) {
  std::array<char, 16> digits;
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return put({digits.data(), static_cast<std::size_t>(result.ptr - digits.data())});
}

void write_request_head(HeadBuffer& out, const RequestHead& request, const RequestIdentity& identity,
                        const RequestForwarding& forwarding) {
  out.clear();
  out.put(request.method).put(" ").put(request.path);
  // The `?` of an empty query is kept too: the target goes on as it came.
  const bool has_query = request.target.find('?') != std::string_view::npos;
  if (has_query) out.put("?").put(request.query);
  out.put(" HTTP/1.1\r\n").put_field("Host", forwarding.authority);

  const auto& list = request.fields;
  for (std::size_t i = 0; i < list.fields.size(); ++i) {
    const auto kind = list.kinds[i];
    const bool pass = kind == FieldKind::other || kind == FieldKind::served_by || kind == FieldKind::location ||
                      (kind == FieldKind::trailer && forwarding.framing == Framing::chunked) ||
                      (kind == FieldKind::x_forwarded_other && identity.peer_trusted) ||
                      (kind == FieldKind::tracestate && identity.carries_tracestate);
    if (pass) out.put_field(list.fields[i].name, list.fields[i].value);
  }
  put_identity(out, request, identity, forwarding.via);
  put_framing(out, forwarding.framing, forwarding.content_length);
  if (forwarding.framing == Framing::none && wants_zero_length(request.method)) out.put("Content-Length: 0\r\n");
  if (forwarding.send_expect) out.put("Expect: 100-continue\r\n");
  if (request.accepts_trailers) out.put("TE: trailers\r\n");
  if (!forwarding.upgrade.empty()) {
    out.put_field("Upgrade", forwarding.upgrade);
    out.put(request.accepts_trailers ? "Connection: Upgrade, TE\r\n" : "Connection: Upgrade\r\n");
  } else if (request.accepts_trailers) {
    out.put("Connection: TE\r\n");
  }
  out.put(kCrlf);
}

void write_response_head(HeadBuffer& out, const ResponseHead& response, const ResponseForwarding& forwarding) {
  out.clear();
  put_status_line(out, response.status, response.reason);
  const auto& list = response.fields;
  for (std::size_t i = 0; i < list.fields.size(); ++i) {
    const auto& [name, value] = list.fields[i];
    switch (list.kinds[i]) {
      case FieldKind::connection:
      case FieldKind::content_length:
      case FieldKind::transfer_encoding:
      case FieldKind::te:
      case FieldKind::upgrade:
      case FieldKind::hop_by_hop:
      case FieldKind::x_request_id:
      case FieldKind::served_by:
      case FieldKind::connection_listed:
        break;
      case FieldKind::trailer:
        if (forwarding.framing == Framing::chunked) out.put_field(name, value);
        break;
      case FieldKind::location: {
        const auto path = location_path(value, forwarding.rewrite_authority);
        out.put(name).put(": ");
        if (path.data()) out.put("http://").put(forwarding.client_authority).put(path).put(kCrlf);
        if (!path.data()) out.put(value).put(kCrlf);
        break;
      }
      default:
        out.put_field(name, value);
    }
  }
  if (forwarding.framing == Framing::none && response.has_content_length && response.status != 204 &&
      response.status >= 200) {
    // HEAD and 304: the length that a GET would have had.
    out.put("Content-Length: ").put_number(response.content_length).put(kCrlf);
  } else {
    put_framing(out, forwarding.framing, response.content_length);
  }
  out.put_field("X-Request-Id", forwarding.request_id);
  out.put_field("Banyan-Served-By", forwarding.served_by);
  if (!forwarding.upgrade.empty()) {
    out.put_field("Upgrade", forwarding.upgrade).put("Connection: Upgrade\r\n");
  } else if (!forwarding.keep_alive) {
    out.put("Connection: close\r\n");
  } else if (forwarding.client_minor_version == 0) {
    out.put("Connection: keep-alive\r\n");
  }
  out.put(kCrlf);
}

void write_interim_head(HeadBuffer& out, const ResponseHead& response) {
  out.clear();
  put_status_line(out, response.status, response.reason);
  const auto& list = response.fields;
  for (std::size_t i = 0; i < list.fields.size(); ++i) {
    if (list.kinds[i] == FieldKind::other) out.put_field(list.fields[i].name, list.fields[i].value);
  }
  out.put(kCrlf);
}

void write_own_response(HeadBuffer& out, const OwnResponse& response) {
  const nlohmann::ordered_json problem{{"type", "about:blank"},
                                       {"title", reason_phrase(response.status)},
                                       {"status", response.status},
                                       {"detail", response.detail},
                                       {"request_id", response.request_id}};
  const auto body = problem.dump();
  out.clear();
  put_status_line(out, response.status, reason_phrase(response.status));
  out.put_field("Date", http_date().data());
  out.put("Content-Type: application/problem+json\r\nContent-Length: ").put_number(body.size()).put(kCrlf);
  if (response.status == 405) out.put("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
  out.put_field("X-Request-Id", response.request_id);
  out.put_field("Banyan-Served-By", "none");
  if (!response.keep_alive) out.put("Connection: close\r\n");
  out.put(kCrlf);
  if (!response.head_only) out.put(body);
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

}  // namespace banyan::proxy
