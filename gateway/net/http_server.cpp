#include "gateway/net/http_server.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <ctime>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>
// Asio's awaitable header needs <utility> before it.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "gateway/base/log.hpp"
#include "gateway/net/handler_pool.hpp"
#include "gateway/net/problem.hpp"

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

using RequestParser = http::request_parser<http::string_body>;
using WireResponse = http::response<http::string_body>;

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 40> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text.data(), length};
}

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

HttpRequest to_request(RequestParser& parser, std::string client) {
  auto& message = parser.get();
  HttpRequest request;
  request.method = view(message.method_string());
  request.target = view(message.target());
  for (const auto& field : message) {
    request.headers.push_back({std::string(view(field.name_string())), std::string(view(field.value()))});
  }
  request.body = std::move(message.body());
  request.client = std::move(client);
  return request;
}

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

WireResponse to_wire(HttpResponse response, bool head, bool keep_alive) {
  WireResponse wire;
  wire.version(11);
  wire.result(static_cast<unsigned>(response.status));
  for (const HttpHeader& field : response.headers) wire.insert(field.name, field.value);
  wire.set(http::field::date, http_date());
  wire.keep_alive(keep_alive);
  if (has_no_body(response.status)) return wire;
  wire.content_length(response.body.size());
  if (!head) wire.body() = std::move(response.body);
  return wire;
}

// What is wrong with a request whose header is complete, beyond what the parser refuses.
std::optional<HttpResponse> refusal_of(const http::request<http::string_body>& message) {
  if (message.version() == 11 && message.count(http::field::host) != 1) {
    return problem_response(400, "invalid_argument", "A request needs exactly one Host header field.");
  }
  if (!message.target().starts_with('/')) {
    return problem_response(400, "invalid_argument", "The request target must begin with a slash.");
  }
  return std::nullopt;
}

// The answer to a request that could not be read; none if nobody is there to read it.
std::optional<HttpResponse> refusal_of(const error_code& ec) {
  if (ec == http::error::body_limit) return problem_response(413, "too_large", "The request body is over the limit.");
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
    return problem_response(431, "too_large", "The request header is over the limit.");
  }
  const bool left = ec == http::error::end_of_stream || ec == http::error::partial_message;
  if (!left && ec.category() == make_error_code(http::error::bad_method).category()) {
    return problem_response(400, "invalid_argument", "The request is not valid HTTP/1.1.");
  }
  return std::nullopt;
}

struct Connection {
  explicit Connection(tcp::socket socket) : stream(std::move(socket)) {}
  beast::tcp_stream stream;
  beast::flat_buffer buffer;
  bool responding = false;  // a request has been read and its answer not yet written
};

// A request that a thread of the pool answers, while its connection waits for `answered` to be cancelled.
struct Pending {
  explicit Pending(asio::io_context& io) : answered(io, asio::steady_timer::time_point::max()) {}
  HttpRequest request;
  HttpResponse response;
  asio::steady_timer answered;
};

HttpResponse overloaded() {
  HttpResponse response = problem_response({ErrorCode::overloaded, "Too many requests wait; try again.", {}});
  response.headers.push_back({"Retry-After", "1"});
  return response;
}

}  // namespace

std::optional<std::string_view> HttpRequest::header(std::string_view name) const {
  for (const HttpHeader& field : headers) {
    if (beast::iequals(beast::string_view(field.name), beast::string_view(name.data(), name.size())))
      return field.value;
  }
  return std::nullopt;
}

std::string_view HttpRequest::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view HttpRequest::query() const {
  const std::size_t mark = target.find('?');
  return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

HttpResponse problem_response(const Error& error) {
  const Problem problem = problem_of(error);
  return {problem.status, {{"Content-Type", std::string(kProblemContentType)}}, problem_json(problem)};
}

HttpResponse problem_response(int status, std::string_view name, std::string_view detail) {
  Problem problem;
  problem.status = status;
  problem.name = name;
  problem.detail = detail;
  return {status, {{"Content-Type", std::string(kProblemContentType)}}, problem_json(problem)};
}

// Everything but start(), stop(), port() and handle() runs on the thread. Coroutines refer to the Impl, which outlives
// them: the thread ends only when all of them have ended, and the Impl goes only after the thread.
class HttpServer::Impl {
public:
  Impl(HttpServerOptions options, HttpHandler handler) : options_(std::move(options)), handler_(std::move(handler)) {}

  Result<void> start();
  void stop();
  std::uint16_t port() const { return port_.load(); }

private:
  using ConnectionPtr = std::shared_ptr<Connection>;

  Result<void> listen();
  void run();
  void close_all();
  asio::awaitable<void> accept();
  asio::awaitable<void> serve(ConnectionPtr connection);
  asio::awaitable<std::optional<HttpResponse>> read_request(ConnectionPtr connection, RequestParser& parser);
  asio::awaitable<bool> write_response(ConnectionPtr connection, HttpResponse response, bool head, bool keep_alive);
  asio::awaitable<void> linger(ConnectionPtr connection);
  asio::awaitable<HttpResponse> answer(HttpRequest request);
  HttpResponse handle(const HttpRequest& request);
  void end(const ConnectionPtr& connection, const std::exception_ptr& failure);

  const HttpServerOptions options_;
  const HttpHandler handler_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer accept_pause_{io_};
  asio::steady_timer stop_timer_{io_};
  std::unordered_set<ConnectionPtr> connections_;
  bool stopping_ = false;
  std::atomic<std::uint16_t> port_{0};
  std::mutex stop_mutex_;
  std::thread thread_;
  std::unique_ptr<HandlerPool> pool_;  // null: handlers run on the thread
};

Result<void> HttpServer::Impl::listen() {
  const std::string where = (options_.host.find(':') == std::string::npos ? options_.host : "[" + options_.host + "]") +
                            ":" + std::to_string(options_.port);
  error_code ec;
  const asio::ip::address address = asio::ip::make_address(options_.host, ec);
  if (ec) return fail(ErrorCode::invalid_argument, "cannot listen on " + where + ": not an IP address");
  const tcp::endpoint endpoint(address, options_.port);
  acceptor_.open(endpoint.protocol(), ec);
  if (!ec) acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) acceptor_.bind(endpoint, ec);
  if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
  if (!ec) port_ = acceptor_.local_endpoint(ec).port();
  if (!ec) return {};
  error_code ignored;
  acceptor_.close(ignored);
  return fail(ErrorCode::unavailable, "cannot listen on " + where + ": " + ec.message());
}

Result<void> HttpServer::Impl::start() {
  if (auto listening = listen(); !listening) return listening;
  asio::co_spawn(io_, accept(), [](const std::exception_ptr& failure) {
    // Nothing in accept() throws; if it did, the process would go on without its control plane.
    if (failure) std::rethrow_exception(failure);
  });
  if (options_.handler_threads > 0) {
    pool_ = std::make_unique<HandlerPool>(options_.handler_threads, options_.handler_queue_limit);
  }
  thread_ = std::thread([this] { io_.run(); });
  return {};
}

void HttpServer::Impl::stop() {
  const std::lock_guard lock(stop_mutex_);
  if (!thread_.joinable()) return;
  asio::post(io_, [this] { close_all(); });
  thread_.join();
  pool_.reset();
}

void HttpServer::Impl::close_all() {
  stopping_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  accept_pause_.cancel();
  for (const ConnectionPtr& connection : connections_) {
    if (!connection->responding) connection->stream.close();
  }
  // A stream's own deadline cannot be moved while it writes, so what is left has this one in common.
  stop_timer_.expires_after(options_.stop_deadline);
  stop_timer_.async_wait([this](const error_code& ec) {
    if (ec) return;
    for (const ConnectionPtr& connection : connections_) connection->stream.close();
    if (pool_) pool_->give_up();
  });
  if (connections_.empty()) stop_timer_.cancel();
}

asio::awaitable<void> HttpServer::Impl::accept() {
  while (!stopping_) {
    error_code ec;
    tcp::socket socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, ec));
    if (stopping_) co_return;
    if (ec) {
      // Out of descriptors, most likely: trying again at once would only burn the processor.
      log::warn("cannot accept control connection", {{"reason", ec.message()}});
      accept_pause_.expires_after(std::chrono::milliseconds(200));
      co_await accept_pause_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      continue;
    }
    if (connections_.size() >= options_.connection_limit) continue;
    auto connection = std::make_shared<Connection>(std::move(socket));
    connections_.insert(connection);
    asio::co_spawn(io_, serve(connection),
                   [this, connection](const std::exception_ptr& failure) { end(connection, failure); });
  }
}

void HttpServer::Impl::end(const ConnectionPtr& connection, const std::exception_ptr& failure) {
  connection->stream.close();
  connections_.erase(connection);
  if (stopping_ && connections_.empty()) stop_timer_.cancel();
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    log::error("control connection failed", {{"reason", error.what()}});
  }
}

asio::awaitable<void> HttpServer::Impl::serve(ConnectionPtr connection) {
  error_code ec;
  const std::string client = connection->stream.socket().remote_endpoint(ec).address().to_string();
  while (!stopping_) {
    connection->stream.expires_after(options_.deadline);
    RequestParser parser;
    std::optional<HttpResponse> refusal = co_await read_request(connection, parser);
    if (!refusal && !parser.is_done()) co_return;
    const bool head = parser.get().method() == http::verb::head;
    const bool wants_more = !refusal && parser.keep_alive();
    connection->responding = true;
    HttpResponse response;
    if (refusal) {
      response = std::move(*refusal);
    } else {
      response = co_await answer(to_request(parser, client));
    }
    const bool keep_alive = wants_more && !stopping_;
    connection->stream.expires_after(options_.deadline);
    const bool written = co_await write_response(connection, std::move(response), head, keep_alive);
    connection->responding = false;
    if (!written || !connection->stream.socket().is_open()) co_return;
    if (!keep_alive) {
      if (!stopping_) co_await linger(connection);
      co_return;
    }
  }
}

// Returns the answer to a request that is refused. Otherwise the request is complete, or, if the parser is not done,
// the client has gone.
asio::awaitable<std::optional<HttpResponse>> HttpServer::Impl::read_request(ConnectionPtr connection,
                                                                            RequestParser& parser) {
  parser.header_limit(options_.header_limit_bytes);
  parser.body_limit(options_.body_limit_bytes);
  error_code ec;
  co_await http::async_read_header(connection->stream, connection->buffer, parser,
                                   asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return refusal_of(ec);
  if (auto refusal = refusal_of(parser.get())) co_return refusal;
  if (beast::iequals(parser.get()[http::field::expect], "100-continue") && !parser.is_done()) {
    http::response<http::empty_body> go_on(http::status::continue_, 11);
    co_await http::async_write(connection->stream, go_on, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return std::nullopt;
  }
  co_await http::async_read(connection->stream, connection->buffer, parser,
                            asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return refusal_of(ec);
  co_return std::nullopt;
}

asio::awaitable<HttpResponse> HttpServer::Impl::answer(HttpRequest request) {
  if (!pool_ || (options_.is_quick && options_.is_quick(request))) co_return handle(request);
  const auto pending = std::make_shared<Pending>(io_);
  pending->request = std::move(request);
  // The cancellation comes through the queue of this thread, hence after the wait below has begun.
  const bool taken = pool_->submit([this, pending](bool run) {
    pending->response = run ? handle(pending->request) : overloaded();
    asio::post(io_, [pending] { pending->answered.cancel(); });
  });
  if (!taken) co_return overloaded();
  error_code ignored;  // it ends by being cancelled
  co_await pending->answered.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  co_return std::move(pending->response);
}

HttpResponse HttpServer::Impl::handle(const HttpRequest& request) {
  try {
    return handler_(request);
  } catch (const std::exception& error) {
    log::error("handler failed", {{"method", request.method}, {"path", request.path()}, {"reason", error.what()}});
  } catch (...) {
    log::error("handler failed", {{"method", request.method}, {"path", request.path()}, {"reason", "unknown"}});
  }
  return problem_response(500, "internal", "The request could not be handled.");
}

asio::awaitable<bool> HttpServer::Impl::write_response(ConnectionPtr connection, HttpResponse response, bool head,
                                                       bool keep_alive) {
  WireResponse wire = to_wire(std::move(response), head, keep_alive);
  http::response_serializer<http::string_body> serializer(wire);
  error_code ec;
  if (head) {
    co_await http::async_write_header(connection->stream, serializer, asio::redirect_error(asio::use_awaitable, ec));
  } else {
    co_await http::async_write(connection->stream, serializer, asio::redirect_error(asio::use_awaitable, ec));
  }
  co_return !ec;
}

// Closing while the client still sends would reset the connection and could take the answer with it: the client is told
// that no more will come, and what it still sends is thrown away for a while.
asio::awaitable<void> HttpServer::Impl::linger(ConnectionPtr connection) {
  error_code ec;
  connection->stream.socket().shutdown(tcp::socket::shutdown_send, ec);
  connection->stream.expires_after(options_.stop_deadline);
  std::array<char, 4096> scrap{};
  std::uint64_t taken = 0;
  while (!ec && taken < 4 * options_.body_limit_bytes) {
    taken +=
        co_await connection->stream.async_read_some(asio::buffer(scrap), asio::redirect_error(asio::use_awaitable, ec));
  }
}

HttpServer::HttpServer(HttpServerOptions options, HttpHandler handler)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler))) {}
HttpServer::~HttpServer() {
  stop();
}
Result<void> HttpServer::start() {
  return impl_->start();
}
void HttpServer::stop() {
  impl_->stop();
}
std::uint16_t HttpServer::port() const {
  return impl_->port();
}

}  // namespace banyan::net
