#include "gateway/proxy/head_parser.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>

namespace banyan::proxy {
namespace {

namespace http = boost::beast::http;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

FieldKind kind_of_unlisted(std::string_view name) {
  switch (name.size()) {
    case 5:
      if (iequals(name, "Proxy")) return FieldKind::hop_by_hop;
      break;
    case 9:
      if (iequals(name, "X-Real-IP")) return FieldKind::x_forwarded_other;
      break;
    case 10:
      if (iequals(name, "tracestate")) return FieldKind::tracestate;
      break;
    case 11:
      if (iequals(name, "traceparent")) return FieldKind::traceparent;
      break;
    case 12:
      if (iequals(name, "X-Request-Id")) return FieldKind::x_request_id;
      break;
    case 14:
      if (iequals(name, "HTTP2-Settings")) return FieldKind::hop_by_hop;
      break;
    case 15:
      if (iequals(name, "X-Forwarded-For")) return FieldKind::x_forwarded_for;
      break;
    case 16:
      if (iequals(name, "X-Forwarded-Host")) return FieldKind::x_forwarded_host;
      if (iequals(name, "Banyan-Served-By")) return FieldKind::served_by;
      break;
    case 17:
      if (iequals(name, "X-Forwarded-Proto")) return FieldKind::x_forwarded_proto;
      break;
    default:
      break;
  }
  constexpr std::string_view kForwarded = "X-Forwarded-";
  if (name.size() > kForwarded.size() && iequals(name.substr(0, kForwarded.size()), kForwarded)) {
    return FieldKind::x_forwarded_other;
  }
  return FieldKind::other;
}

FieldKind kind_of(http::field field, std::string_view name) {
  switch (field) {
    case http::field::unknown:
      return kind_of_unlisted(name);
    case http::field::host:
      return FieldKind::host;
    case http::field::connection:
      return FieldKind::connection;
    case http::field::content_length:
      return FieldKind::content_length;
    case http::field::transfer_encoding:
      return FieldKind::transfer_encoding;
    case http::field::te:
      return FieldKind::te;
    case http::field::trailer:
      return FieldKind::trailer;
    case http::field::upgrade:
      return FieldKind::upgrade;
    case http::field::expect:
      return FieldKind::expect;
    case http::field::keep_alive:
    case http::field::proxy_connection:
    case http::field::proxy_authorization:
    case http::field::proxy_authenticate:
      return FieldKind::hop_by_hop;
    case http::field::via:
      return FieldKind::via;
    case http::field::forwarded:
      return FieldKind::forwarded;
    case http::field::location:
      return FieldKind::location;
    default:
      return FieldKind::other;
  }
}

// "… HTTP/d.d", or "HTTP/d.d …" for a status line.
bool names_a_version(std::string_view line, bool is_request) {
  constexpr std::size_t kSize = 8;
  if (line.size() < kSize) return false;
  if (is_request && (line.size() == kSize || line[line.size() - kSize - 1] != ' ')) return false;
  const auto version = is_request ? line.substr(line.size() - kSize) : line.substr(0, kSize);
  const auto digit = [&](std::size_t at) { return version[at] >= '0' && version[at] <= '9'; };
  return version.starts_with("HTTP/") && digit(5) && version[6] == '.' && digit(7);
}

bool names_our_version(std::string_view line, bool is_request) {
  const auto names = [&](std::string_view v) { return is_request ? line.ends_with(v) : line.starts_with(v); };
  return names("HTTP/1.0") || names("HTTP/1.1");
}

// Beast joins folded lines. A value on the line of its name has only white space between the two.
bool is_folded(std::string_view name, std::string_view value, const char* begin, const char* end) {
  if (value.empty()) return false;
  if (value.data() < begin || value.data() >= end) return true;
  const char* const gap = name.data() + name.size() + 1;
  return std::string_view(gap, static_cast<std::size_t>(value.data() - gap)).find('\r') != std::string_view::npos;
}

}  // namespace

template <bool kIsRequest>
HeadParser<kIsRequest>::HeadParser(Head& head, const ParseLimits& limits) : head_(head), limits_(limits) {
  this->header_limit(limits.header_bytes);
  this->body_limit(std::numeric_limits<std::uint64_t>::max());
  head_.fields.clear();
}

// Looks for the end of the head; Beast gets it in one piece, so that all views lie in one text. What cannot become a
// head any more is refused here, instead of waiting for an end that does not come.
template <bool kIsRequest>
ParseStep HeadParser<kIsRequest>::find_end(std::string_view bytes) {
  while (true) {
    const auto line_end = bytes.find('\n', scanned_);
    if (line_end == std::string_view::npos) {
      scanned_ = bytes.size();
      if (bytes.size() >= limits_.header_bytes) return refuse(http::error::header_limit);
      return ParseStep::need_more;
    }
    if (line_end >= limits_.header_bytes) return refuse(http::error::header_limit);
    if (line_end == 0 || bytes[line_end - 1] != '\r') return refuse(http::error::bad_line_ending);
    if (line_end >= 3 && bytes.substr(line_end - 3, 4) == "\r\n\r\n") {
      head_bytes_ = line_end + 1;
      return ParseStep::done;
    }
    if (!start_line_seen_ && !names_a_version(bytes.substr(0, line_end - 1), kIsRequest)) {
      return refuse(http::error::bad_line_ending);
    }
    start_line_seen_ = true;
    scanned_ = line_end + 1;
  }
}

template <bool kIsRequest>
ParseStep HeadParser<kIsRequest>::parse_head(std::string_view bytes) {
  if (const auto step = find_end(bytes); step != ParseStep::done) return step;
  bytes = bytes.substr(0, head_bytes_);
  error_code ec;
  consumed_ = this->put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
  // Beast calls a line with a space too many a bad version too.
  if (ec == http::error::bad_version && names_our_version(bytes.substr(0, bytes.find('\r')), kIsRequest)) {
    ec = http::error::bad_line_ending;
  }
  // A head that is complete and of which Beast wants more is none.
  if (ec || consumed_ != bytes.size()) return refuse(ec ? ec : make_error_code(http::error::bad_line_ending));
  for (std::size_t i = 0; i < head_.fields.fields.size(); ++i) {
    const auto& [name, value] = head_.fields.fields[i];
    if (is_folded(name, value, bytes.data(), bytes.data() + bytes.size())) {
      refusal_ = {Rule::obs_fold, 400, "A field line is folded."};
      return ParseStep::refused;
    }
  }
  return ParseStep::done;
}

template <bool kIsRequest>
void HeadParser<kIsRequest>::on_request_impl(http::verb, string_view method, string_view target, int version,
                                             error_code&) {
  if constexpr (kIsRequest) {
    head_.method = view(method);
    head_.target = view(target);
    head_.minor_version = version == 10 ? 0 : 1;
  }
}

template <bool kIsRequest>
void HeadParser<kIsRequest>::on_response_impl(int status, string_view reason, int version, error_code&) {
  if constexpr (!kIsRequest) {
    head_.status = status;
    head_.reason = view(reason);
    head_.minor_version = version == 10 ? 0 : 1;
  }
}

template <bool kIsRequest>
void HeadParser<kIsRequest>::on_field_impl(http::field field, string_view name, string_view value, error_code& ec) {
  if (++count_ > limits_.header_count) {
    own_rule_ = Rule::too_many_fields;
    ec = http::error::header_limit;
    return;
  }
  head_.fields.fields.push_back({view(name), view(value)});
  head_.fields.kinds.push_back(kind_of(field, view(name)));
}

template <bool kIsRequest>
ParseStep HeadParser<kIsRequest>::refuse(error_code ec) {
  const int status = kIsRequest ? 400 : 502;
  const auto& kinds = head_.fields.kinds;
  const auto has = [&](FieldKind kind) { return std::find(kinds.begin(), kinds.end(), kind) != kinds.end(); };
  if (own_rule_ == Rule::too_many_fields) {
    refusal_ = {Rule::too_many_fields, kIsRequest ? 431 : 502, "There are too many fields."};
  } else if (ec == http::error::header_limit) {
    refusal_ = {Rule::header_too_large, kIsRequest ? 431 : 502, "The header is too large."};
  } else if (ec == http::error::bad_version) {
    refusal_ = {Rule::version, kIsRequest ? 505 : 502, "Only HTTP/1.0 and HTTP/1.1 are spoken here."};
  } else if ((ec == http::error::bad_content_length && has(FieldKind::transfer_encoding)) ||
             (ec == http::error::bad_transfer_encoding && has(FieldKind::content_length))) {
    refusal_ = {Rule::both_framings, status, "Content-Length and Transfer-Encoding together are ambiguous."};
  } else if (ec == http::error::bad_content_length) {
    refusal_ = {Rule::content_length, status, "Content-Length must occur once and be one decimal number."};
  } else if (ec == http::error::bad_transfer_encoding) {
    refusal_ = {Rule::transfer_encoding, status, "Transfer-Encoding must be exactly one \"chunked\"."};
  } else {
    refusal_ = {Rule::syntax, status, "The message is not well-formed HTTP/1.1."};
  }
  return ParseStep::refused;
}

template class HeadParser<true>;
template class HeadParser<false>;

}  // namespace banyan::proxy
