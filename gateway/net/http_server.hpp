// HttpServer: a small HTTP/1.1 server for what is not the data plane (admin, later MCP).
//
// It has one thread of its own for the connections. Handlers run there too, one at a time, and then must only look at
// what is in memory; or, with `handler_threads`, on a pool of threads on which they may wait (for a database, say).
// When all of these are busy requests wait in a bounded queue, beyond which the answer is 503. Each message has a
// deadline, each part a limit; whoever breaks one gets a problem-details answer where an answer is still possible, and
// the connection is closed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/error.hpp"
#include "gateway/base/result.hpp"

namespace banyan::net {

struct HttpHeader {
  std::string name;
  std::string value;
};

struct HttpRequest {
  std::string method;
  std::string target;  // origin-form as received: begins with '/', not decoded
  std::vector<HttpHeader> headers;
  std::string body;
  std::string client;  // address of the peer, without port

  // The first field of that name (case does not matter).
  std::optional<std::string_view> header(std::string_view name) const;
  // The target up to the first '?', and what follows it.
  std::string_view path() const;
  std::string_view query() const;
};

// The server adds Content-Length, Date and Connection, and leaves the body out where HTTP says so (HEAD, 204, 304).
struct HttpResponse {
  int status = 200;
  std::vector<HttpHeader> headers;
  std::string body;
};

// An error as a response with problem details.
HttpResponse problem_response(const Error& error);
// The same for a status that no error code stands for; `name` as in Problem.
HttpResponse problem_response(int status, std::string_view name, std::string_view detail);

// An exception that leaves it is logged and answered with 500. With handler_threads: called by several threads at once.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

struct HttpServerOptions {
  std::string host = "127.0.0.1";  // IPv4 or IPv6 literal, no brackets
  std::uint16_t port = 0;          // 0: any free port
  std::uint32_t header_limit_bytes = 16 * 1024;
  std::uint64_t body_limit_bytes = 1024 * 1024;
  std::size_t connection_limit = 64;               // further ones are closed at once
  std::chrono::milliseconds deadline{30'000};      // waiting for and reading one request; writing one response
  std::chrono::milliseconds stop_deadline{1'000};  // responses under way when stop() is called
  std::size_t handler_threads = 0;                 // 0: handlers run on the server's own thread
  std::size_t handler_queue_limit = 64;            // requests that may wait for a handler thread; further ones: 503
  // Requests whose handler waits for nothing: it runs on the server's own thread all the same, so that these are
  // answered when all handler threads are busy. Empty: none.
  std::function<bool(const HttpRequest&)> is_quick;
};

class HttpServer {
public:
  HttpServer(HttpServerOptions options, HttpHandler handler);
  ~HttpServer();  // stop()
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Listens and starts the thread. Once per object. Fails, with the address and the system's reason, if it cannot
  // listen.
  Result<void> start();

  // Stops listening, closes what is idle, lets responses under way finish within stop_deadline; then closes all
  // connections and drops the requests that still wait for a handler thread. Returns when all threads have ended: a
  // handler cannot be cut off, so one that waits for something must do so with a deadline of its own. Any thread but
  // the server's own; twice is safe, also at the same time.
  void stop();

  // The port listened on; 0 before start().
  std::uint16_t port() const;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace banyan::net
