#include "gateway/proxy/gate.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace banyan::proxy {
namespace {

constexpr std::array<std::string_view, kRuleCount> kRuleNames{"syntax",
                                                              "version",
                                                              "obs_fold",
                                                              "transfer_encoding",
                                                              "both_framings",
                                                              "content_length",
                                                              "non_ascii",
                                                              "field_name",
                                                              "host",
                                                              "target",
                                                              "connect",
                                                              "header_too_large",
                                                              "too_many_fields",
                                                              "body_too_large",
                                                              "unexpected_body",
                                                              "interim_flood"};

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool all_of(std::string_view text, bool (*test)(char)) {
  return std::all_of(text.begin(), text.end(), test);
}

bool has_non_ascii(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

Refusal refuse(Rule rule, std::string_view detail, int status = 400) {
  return {rule, status, detail};
}

// What the framing fields of a head say, requests and responses alike.
struct FramingFields {
  unsigned transfer_encodings = 0;
  bool chunked = false;  // exactly "chunked"
  unsigned content_lengths = 0;
  std::uint64_t length = 0;
};

std::optional<Refusal> check_length(std::string_view value, FramingFields& framing) {
  if (has_non_ascii(value)) return refuse(Rule::non_ascii, "Content-Length holds bytes outside ASCII.");
  const auto result = std::from_chars(value.data(), value.data() + value.size(), framing.length);
  const bool whole = result.ec == std::errc{} && result.ptr == value.data() + value.size();
  if (value.empty() || !all_of(value, is_digit) || !whole) {
    return refuse(Rule::content_length, "Content-Length must be one decimal number.");
  }
  if (++framing.content_lengths > 1) return refuse(Rule::content_length, "Content-Length occurs more than once.");
  return std::nullopt;
}

std::optional<Refusal> check_framing(const FieldList& list, unsigned minor_version, FramingFields& framing) {
  for (std::size_t i = 0; i < list.fields.size(); ++i) {
    const auto& [name, value] = list.fields[i];
    if (list.kinds[i] == FieldKind::content_length) {
      if (auto refusal = check_length(value, framing)) return refusal;
    } else if (list.kinds[i] == FieldKind::transfer_encoding) {
      ++framing.transfer_encodings;
      framing.chunked = iequals(value, "chunked");
      if (has_non_ascii(value)) return refuse(Rule::non_ascii, "Transfer-Encoding holds bytes outside ASCII.");
    } else if (list.kinds[i] == FieldKind::connection || list.kinds[i] == FieldKind::upgrade) {
      if (has_non_ascii(value)) return refuse(Rule::non_ascii, "Connection or Upgrade holds bytes outside ASCII.");
    }
  }
  if (framing.transfer_encodings == 0) return std::nullopt;
  if (framing.transfer_encodings > 1 || !framing.chunked) {
    return refuse(Rule::transfer_encoding, "Transfer-Encoding must be exactly one \"chunked\".");
  }
  if (framing.content_lengths > 0) {
    return refuse(Rule::both_framings, "Content-Length and Transfer-Encoding together are ambiguous.");
  }
  if (minor_version == 0) return refuse(Rule::transfer_encoding, "HTTP/1.0 has no Transfer-Encoding.");
  return std::nullopt;
}

// Connection: close, keep-alive and the names of fields that end here.
struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool te = false;
};

ConnectionOptions apply_connection(FieldList& list) {
  ConnectionOptions options;
  for (std::size_t i = 0; i < list.fields.size(); ++i) {
    if (list.kinds[i] != FieldKind::connection) continue;
    for_each_element(list.fields[i].value, [&](std::string_view option) {
      if (iequals(option, "close")) {
        options.close = true;
      } else if (iequals(option, "keep-alive")) {
        options.keep_alive = true;
      } else if (iequals(option, "upgrade")) {
        options.upgrade = true;
      } else if (iequals(option, "te")) {
        options.te = true;
      } else {
        for (std::size_t k = 0; k < list.fields.size(); ++k) {
          // Fields that Banyan itself reads or writes do not go away because a client lists them.
          if (list.kinds[k] == FieldKind::other && iequals(list.fields[k].name, option)) {
            list.kinds[k] = FieldKind::connection_listed;
          }
        }
      }
    });
  }
  return options;
}

bool is_host_char(char c) {
  return is_digit(c) || is_alpha(c) || c == '-' || c == '.' || c == '_';
}

bool is_port(std::string_view port) {
  unsigned value = 0;
  const auto result = std::from_chars(port.data(), port.data() + port.size(), value);
  return !port.empty() && port.size() <= 5 && all_of(port, is_digit) && result.ec == std::errc{} && value <= 65535;
}

// uri-host [ ":" port ], of which Banyan takes names of letters, digits, "-", "." and "_", IPv4 and IPv6 literals.
bool is_authority(std::string_view text) {
  constexpr std::size_t kMostBytes = 255 + 6;  // a DNS name, a colon and a port
  if (text.size() > kMostBytes) return false;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    const auto literal = text.substr(1, end - 1);
    if (!all_of(literal, [](char c) { return is_hex(c) || c == ':' || c == '.'; })) return false;
    rest = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    const auto name = text.substr(0, colon);
    if (name.empty() || !all_of(name, is_host_char)) return false;
    rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
}

std::optional<Refusal> check_host(RequestHead& request) {
  unsigned count = 0;
  for (std::size_t i = 0; i < request.fields.fields.size(); ++i) {
    if (request.fields.kinds[i] != FieldKind::host) continue;
    ++count;
    request.host = request.fields.fields[i].value;
  }
  if (count != 1) return refuse(Rule::host, "Exactly one Host is needed.");
  if (has_non_ascii(request.host)) return refuse(Rule::non_ascii, "Host holds bytes outside ASCII.");
  if (!is_authority(request.host)) return refuse(Rule::host, "Host must be a name or address with an optional port.");
  return std::nullopt;
}

// What RFC 3986 does not let into a URI and what servers read in different ways. Braces, brackets, "|", "^", "`" and
// quotes are left out on purpose: old clients send them unescaped and no server splits a target at them.
bool is_target_char(char c) {
  return c > 0x20 && c < 0x7f && c != '#' && c != '\\' && c != '<' && c != '>';
}

bool has_bad_escape(std::string_view path) {
  for (std::size_t i = path.find('%'); i != std::string_view::npos; i = path.find('%', i + 1)) {
    if (i + 2 >= path.size() || !is_hex(path[i + 1]) || !is_hex(path[i + 2])) return true;
    if (path[i + 1] == '0' && path[i + 2] == '0') return true;
  }
  return false;
}

// Takes scheme and authority off an absolute-form target. The authority must say what Host says.
bool strip_absolute_form(std::string_view& target, std::string_view host) {
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kHttps = "https://";
  for (const auto scheme : {kHttp, kHttps}) {
    if (target.size() < scheme.size() || !iequals(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const auto end = target.find_first_of("/?");
    const auto authority = target.substr(0, end);
    if (!iequals(authority, host)) return false;
    target = end == std::string_view::npos ? std::string_view{"/"} : target.substr(end);
    return target.front() == '/';
  }
  return false;
}

std::optional<Refusal> check_target(RequestHead& request) {
  if (has_non_ascii(request.target)) return refuse(Rule::non_ascii, "The target holds bytes outside ASCII.");
  if (!all_of(request.target, is_target_char)) return refuse(Rule::target, "The target holds bytes no URI may hold.");
  auto target = request.target;
  if (target == "*") {
    if (request.method != "OPTIONS") return refuse(Rule::target, "The target \"*\" is for OPTIONS only.");
    request.path = target;
    return std::nullopt;
  }
  if (!target.starts_with('/') && !strip_absolute_form(target, request.host)) {
    return refuse(Rule::target, "The target must be a path, or a URI whose authority equals Host.");
  }
  const auto mark = target.find('?');
  request.path = target.substr(0, mark);
  request.query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  if (has_bad_escape(request.path)) return refuse(Rule::target, "The path holds a malformed or NUL percent-escape.");
  return std::nullopt;
}

std::optional<Refusal> check_expect(RequestHead& request) {
  for (std::size_t i = 0; i < request.fields.fields.size(); ++i) {
    const auto value = request.fields.fields[i].value;
    switch (request.fields.kinds[i]) {
      case FieldKind::expect:
        if (!iequals(value, "100-continue")) {
          return refuse(Rule::syntax, "The only expectation is 100-continue.", 417);
        }
        request.expects_continue = request.minor_version == 1;
        break;
      case FieldKind::te:
        for_each_element(value, [&](std::string_view coding) {
          if (iequals(coding, "trailers")) request.accepts_trailers = true;
        });
        break;
      case FieldKind::upgrade:
        request.upgrade = value;
        break;
      default:
        break;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Rule rule) {
  return kRuleNames.at(static_cast<std::size_t>(rule));
}

std::optional<Refusal> inspect(RequestHead& request) {
  if (request.method == "CONNECT") return refuse(Rule::connect, "CONNECT is not offered.", 405);
  for (const auto& field : request.fields.fields) {
    if (field.name.find('_') != std::string_view::npos) {
      return refuse(Rule::field_name, "A field name contains an underscore.");
    }
  }
  FramingFields framing;
  if (auto refusal = check_framing(request.fields, request.minor_version, framing)) return refusal;
  if (auto refusal = check_host(request)) return refusal;
  if (auto refusal = check_target(request)) return refusal;
  if (auto refusal = check_expect(request)) return refusal;

  auto options = apply_connection(request.fields);
  request.keep_alive = request.minor_version == 1 ? !options.close : options.keep_alive && !options.close;
  request.content_length = framing.length;
  request.framing = framing.chunked ? Framing::chunked : framing.content_lengths == 0 ? Framing::none : Framing::length;
  if (request.framing == Framing::length && framing.length == 0) request.framing = Framing::none;
  if (request.framing == Framing::none) request.expects_continue = false;
  // Behind an upgrade to another version of HTTP, requests would pass that nothing here looks at.
  for_each_element(request.upgrade, [&](std::string_view protocol) {
    if (iequals(protocol, "h2c") || iequals(protocol.substr(0, 5), "HTTP/") || iequals(protocol.substr(0, 4), "TLS/")) {
      options.upgrade = false;
    }
  });
  // An upgrade is hop-by-hop: it counts only if Connection lists it, on HTTP/1.1, and here only without a body.
  if (!options.upgrade || request.minor_version == 0 || request.framing != Framing::none) request.upgrade = {};
  return std::nullopt;
}

std::optional<Refusal> inspect(ResponseHead& response, std::string_view request_method) {
  if (response.status < 100 || response.status > 599) {
    return refuse(Rule::syntax, "A status code lies between 100 and 599.", 502);
  }
  FramingFields framing;
  if (auto refusal = check_framing(response.fields, response.minor_version, framing)) {
    refusal->status = 502;
    return refusal;
  }
  for (std::size_t i = 0; i < response.fields.fields.size(); ++i) {
    if (response.fields.kinds[i] == FieldKind::upgrade) response.upgrade = response.fields.fields[i].value;
  }
  const auto options = apply_connection(response.fields);
  response.keep_alive = response.minor_version == 1 ? !options.close : options.keep_alive && !options.close;
  response.has_content_length = framing.content_lengths > 0;
  response.content_length = framing.length;
  const bool bodiless =
      request_method == "HEAD" || response.status == 204 || response.status == 304 || response.status < 200;
  if ((response.status < 200 || response.status == 204) && framing.chunked) {
    return refuse(Rule::transfer_encoding, "A response of this status has no Transfer-Encoding.", 502);
  }
  if (response.status == 101 && response.upgrade.empty()) {
    return refuse(Rule::syntax, "A 101 must name the protocol.", 502);
  }
  if (bodiless || (response.has_content_length && framing.length == 0)) {
    response.framing = Framing::none;
  } else if (framing.chunked) {
    response.framing = Framing::chunked;
  } else {
    response.framing = response.has_content_length ? Framing::length : Framing::until_close;
  }
  if (response.framing == Framing::until_close) response.keep_alive = false;
  return std::nullopt;
}

bool may_be_trailer(std::string_view name) {
  static constexpr std::array<std::string_view, 42> kForbidden{"transfer-encoding",
                                                               "content-length",
                                                               "host",
                                                               "connection",
                                                               "keep-alive",
                                                               "te",
                                                               "trailer",
                                                               "upgrade",
                                                               "proxy-connection",
                                                               "proxy-authorization",
                                                               "proxy-authenticate",
                                                               "proxy",
                                                               "authorization",
                                                               "www-authenticate",
                                                               "cookie",
                                                               "set-cookie",
                                                               "cache-control",
                                                               "expires",
                                                               "age",
                                                               "date",
                                                               "pragma",
                                                               "vary",
                                                               "warning",
                                                               "location",
                                                               "retry-after",
                                                               "expect",
                                                               "max-forwards",
                                                               "range",
                                                               "if-match",
                                                               "if-none-match",
                                                               "if-modified-since",
                                                               "if-unmodified-since",
                                                               "if-range",
                                                               "content-encoding",
                                                               "content-type",
                                                               "content-range",
                                                               "forwarded",
                                                               "via",
                                                               "x-request-id",
                                                               "traceparent",
                                                               "tracestate",
                                                               "banyan-served-by"};
  if (name.find('_') != std::string_view::npos) return false;
  if (name.size() >= 12 && iequals(name.substr(0, 12), "x-forwarded-")) return false;
  return std::none_of(kForbidden.begin(), kForbidden.end(), [&](std::string_view f) { return iequals(f, name); });
}

}  // namespace banyan::proxy
