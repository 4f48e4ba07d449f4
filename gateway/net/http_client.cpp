#include "gateway/net/http_client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <utility>
// Asio's awaitable header needs <utility> before it.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

// g++ 12 takes Asio's own operator new and delete of a coroutine frame, once inlined, for a mismatched pair.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace banyan::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

struct Place {
  std::string host;  // without brackets
  std::uint16_t port = 80;
  std::string authority;  // as it goes into Host
  std::string target = "/";
};

tl::unexpected<Error> bad_url(const std::string& url, std::string_view why) {
  return fail(ErrorCode::invalid_argument, "the URL \"" + url + "\" " + std::string(why));
}

Result<Place> parse_url(const std::string& url) {
  std::string_view rest = url;
  if (rest.starts_with("https://")) return fail(ErrorCode::unsupported, "https is not offered here: " + url);
  if (!rest.starts_with("http://")) return bad_url(url, "does not begin with http://");
  rest.remove_prefix(7);
  if (rest.find_first_of(" \t\r\n") != std::string_view::npos) return bad_url(url, "holds white space");
  Place place;
  const std::size_t end = rest.find_first_of("/?#");
  place.authority = rest.substr(0, end);
  if (end != std::string_view::npos) {
    const std::string_view target = rest.substr(end, rest.find('#') - end);
    place.target = (target.starts_with('/') ? "" : "/") + std::string(target);
  }
  std::string_view host = place.authority;
  const std::size_t bracket = host.find(']');
  const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const std::string_view digits = host.substr(colon + 1);
    const auto [stop, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), place.port);
    if (fault != std::errc() || stop != digits.data() + digits.size() || place.port == 0) {
      return bad_url(url, "has no valid port");
    }
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find('@') != std::string_view::npos) return bad_url(url, "names no host");
  place.host = host;
  return place;
}

Error error_of(const error_code& ec, const Place& place, std::string_view step) {
  const std::string where = "http://" + place.authority;
  if (ec == beast::error::timeout) return {ErrorCode::deadline, where + " did not answer in time", std::string(step)};
  if (ec == http::error::body_limit) return {ErrorCode::bad_peer, where + " answers more than the limit", {}};
  const bool left = ec == http::error::end_of_stream || ec == http::error::partial_message;
  if (!left && ec.category() == make_error_code(http::error::bad_method).category()) {
    return {ErrorCode::bad_peer, where + " does not answer with HTTP: " + ec.message(), {}};
  }
  const std::string why = left ? "the connection was closed before the answer was complete" : ec.message();
  return {ErrorCode::unavailable, "cannot " + std::string(step) + " " + where + ": " + why, {}};
}

HttpReply to_reply(http::response<http::string_body> message) {
  HttpReply reply;
  reply.status = static_cast<int>(message.result_int());
  for (const auto& field : message) {
    reply.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  reply.body = std::move(message.body());
  return reply;
}

// The arguments outlive the coroutine: http_call() waits for its end.
asio::awaitable<void> exchange(const HttpCall& call, const Place& place, Deadline deadline, Result<HttpReply>& out) {
  const auto executor = co_await asio::this_coro::executor;
  error_code ec;
  tcp::resolver resolver(executor);
  const std::string port = std::to_string(place.port);
  const auto endpoints =
      co_await resolver.async_resolve(place.host, port, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) {
    out = tl::unexpected(error_of(ec, place, "find"));
    co_return;
  }
  beast::tcp_stream stream(executor);
  if (deadline.when()) stream.expires_at(*deadline.when());
  co_await stream.async_connect(endpoints, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) {
    out = tl::unexpected(error_of(ec, place, "connect to"));
    co_return;
  }
  http::request<http::string_body> request;
  request.method_string(call.method);
  request.target(place.target);
  request.version(11);
  for (const HttpHeader& field : call.headers) request.insert(field.name, field.value);
  request.set(http::field::host, place.authority);
  request.keep_alive(false);
  request.body() = call.body;
  request.prepare_payload();
  co_await http::async_write(stream, request, asio::redirect_error(asio::use_awaitable, ec));
  // A server may refuse a body and answer before all of it was sent: the answer tells.
  if (ec == beast::error::timeout) {
    out = tl::unexpected(error_of(ec, place, "write to"));
    co_return;
  }
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(call.reply_limit_bytes);
  if (call.method == "HEAD") parser.skip(true);
  error_code read_ec;
  co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, read_ec));
  // Boost 1.74 does not hold the length that a response announces against the limit.
  if (!read_ec && parser.content_length().value_or(0) > call.reply_limit_bytes) read_ec = http::error::body_limit;
  if (!read_ec) co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, read_ec));
  if (read_ec) {
    out = tl::unexpected(error_of(ec ? ec : read_ec, place, ec ? "write to" : "read from"));
    co_return;
  }
  out = to_reply(parser.release());
}

}  // namespace

std::optional<std::string_view> HttpReply::header(std::string_view name) const {
  for (const HttpHeader& field : headers) {
    if (beast::iequals(beast::string_view(field.name), beast::string_view(name.data(), name.size()))) {
      return field.value;
    }
  }
  return std::nullopt;
}

Result<HttpReply> http_call(const HttpCall& call, Deadline deadline) {
  const Result<Place> place = parse_url(call.url);
  if (!place) return tl::unexpected(place.error());
  Result<HttpReply> reply = fail(ErrorCode::internal, "the call did not end");
  asio::io_context io(1);
  std::exception_ptr failure;
  asio::co_spawn(io, exchange(call, *place, deadline, reply),
                 [&](std::exception_ptr thrown) { failure = std::move(thrown); });
  io.run();
  if (failure) std::rethrow_exception(failure);
  return reply;
}

}  // namespace banyan::net
