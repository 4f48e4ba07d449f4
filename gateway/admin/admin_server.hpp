// The control plane's HTTP side: metrics, health and readiness.
//
//   GET /metrics   Prometheus text
//   GET /healthz   200 as long as the process answers
//   GET /readyz    200 if every check passes and nothing is being drained, else 503; JSON says which check failed
//   others         what the application adds: each path prefix has a handler
//
// HEAD is answered like GET by the first three. Anything else is 404 or 405, as problem details.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gateway/admin/prometheus.hpp"
#include "gateway/base/result.hpp"
#include "gateway/net/http_server.hpp"

namespace banyan::admin {

// Writes every metric family. Called on the server's thread.
using MetricsSource = std::function<void(PrometheusWriter&)>;

// A condition for taking traffic. `check` fails with a reason whose public message is shown to whoever asks; it must
// not wait. An exception counts as a failure without a reason.
struct ReadyCheck {
  std::string name;
  std::function<Result<void>()> check;
};

// What answers below a path. Called only with a valid token, if one is needed; by several threads at once, and it may
// wait, if the server has handler threads.
struct AdminHandler {
  std::string prefix;  // "/api/records": that path and whatever lies below it, /api/records/...; no slash at the end
  net::HttpHandler handle;
};

// The routes, without a socket. handle() may be called by several threads: those for which is_quick() holds by one at
// a time. set_draining() by any.
class AdminRoutes {
public:
  // `token`: if not empty, needed as a bearer token for everything but /healthz and /readyz. Of several handlers whose
  // prefix fits the first is called.
  AdminRoutes(std::string token, MetricsSource metrics, std::vector<ReadyCheck> checks,
              std::vector<AdminHandler> handlers = {});

  net::HttpResponse handle(const net::HttpRequest& request) const;

  // Whether handle() waits for nothing: no handler that was added is called.
  bool is_quick(const net::HttpRequest& request) const;

  // While set, /readyz answers 503, so that a load balancer sends new work elsewhere.
  void set_draining(bool draining) { draining_.store(draining, std::memory_order_relaxed); }

private:
  bool authorised(const net::HttpRequest& request) const;
  const AdminHandler* handler_of(const net::HttpRequest& request) const;
  net::HttpResponse metrics() const;
  net::HttpResponse readiness() const;

  const std::string token_;
  const MetricsSource metrics_;
  const std::vector<ReadyCheck> checks_;
  const std::vector<AdminHandler> handlers_;
  std::atomic<bool> draining_{false};
};

struct AdminOptions {
  net::HttpServerOptions server;  // handler_threads are those of `handlers`; is_quick is set by AdminServer
  std::vector<AdminHandler> handlers;
  std::string token;  // empty: none needed; demand one in the settings when listening off loopback
};

// The routes on a socket. start(), stop() and port() as net::HttpServer has them.
class AdminServer {
public:
  AdminServer(AdminOptions options, MetricsSource metrics, std::vector<ReadyCheck> checks);

  Result<void> start() { return server_.start(); }
  void stop() { server_.stop(); }
  std::uint16_t port() const { return server_.port(); }
  void set_draining(bool draining) { routes_.set_draining(draining); }

private:
  AdminRoutes routes_;
  net::HttpServer server_;  // after the routes: its thread ends before they go
};

}  // namespace banyan::admin
