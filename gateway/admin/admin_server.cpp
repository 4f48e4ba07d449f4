#include "gateway/admin/admin_server.hpp"

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

#include "gateway/base/json_text.hpp"
#include "gateway/base/log.hpp"

namespace banyan::admin {
namespace {

using net::HttpRequest;
using net::HttpResponse;

enum class Route : std::uint8_t { metrics, health, readiness, unknown };

Route route_of(std::string_view path) {
  if (path == "/metrics") return Route::metrics;
  if (path == "/healthz") return Route::health;
  if (path == "/readyz") return Route::readiness;
  return Route::unknown;
}

HttpResponse text(int status, std::string_view type, std::string body) {
  return {status, {{"Content-Type", std::string(type)}, {"Cache-Control", "no-store"}}, std::move(body)};
}

// Takes as long for a wrong first byte as for a wrong last one, so that answers do not help to guess. Only the length
// can be learnt.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  volatile unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = difference | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  }
  return difference == 0;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The token of "Bearer TOKEN" (RFC 6750 section 2.1); empty if the field is of another scheme.
std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size()) return {};
  const bool bearer =
      std::equal(kScheme.begin(), kScheme.end(), authorization.begin(), [](char a, char b) { return a == lower(b); });
  if (!bearer) return {};
  authorization.remove_prefix(kScheme.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  return authorization;
}

// Metrics and health keep answering while all handler threads are busy.
net::HttpServerOptions with_quick(net::HttpServerOptions options, const AdminRoutes& routes) {
  options.is_quick = [&routes](const HttpRequest& request) { return routes.is_quick(request); };
  return options;
}

Result<void> run(const ReadyCheck& check) {
  try {
    return check.check();
  } catch (const std::exception& error) {
    log::error("readiness check failed", {{"check", check.name}, {"reason", error.what()}});
    return fail(ErrorCode::internal, "the check itself failed", error.what());
  }
}

}  // namespace

AdminRoutes::AdminRoutes(std::string token, MetricsSource metrics, std::vector<ReadyCheck> checks,
                         std::vector<AdminHandler> handlers)
    : token_(std::move(token)),
      metrics_(std::move(metrics)),
      checks_(std::move(checks)),
      handlers_(std::move(handlers)) {}

HttpResponse AdminRoutes::handle(const HttpRequest& request) const {
  const Route route = route_of(request.path());
  const bool open = route == Route::health || route == Route::readiness;
  if (!open && !authorised(request)) {
    HttpResponse response = net::problem_response({ErrorCode::unauthenticated, "A valid bearer token is needed.", {}});
    response.headers.push_back({"WWW-Authenticate", "Bearer realm=\"banyan\""});
    return response;
  }
  if (const AdminHandler* added = handler_of(request)) return added->handle(request);
  if (route == Route::unknown) {
    return net::problem_response({ErrorCode::not_found, "There is nothing at this path.", {}});
  }
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse response = net::problem_response(405, "method_not_allowed", "This path answers GET and HEAD only.");
    response.headers.push_back({"Allow", "GET, HEAD"});
    return response;
  }
  switch (route) {
    case Route::metrics:
      return metrics();
    case Route::readiness:
      return readiness();
    default:
      return text(200, "text/plain; charset=utf-8", "ok\n");
  }
}

// The paths of this page are never taken by a handler.
const AdminHandler* AdminRoutes::handler_of(const HttpRequest& request) const {
  const std::string_view path = request.path();
  if (route_of(path) != Route::unknown) return nullptr;
  const auto found = std::find_if(handlers_.begin(), handlers_.end(), [&](const AdminHandler& handler) {
    return path.starts_with(handler.prefix) &&
           (path.size() == handler.prefix.size() || path[handler.prefix.size()] == '/');
  });
  return found == handlers_.end() ? nullptr : &*found;
}

bool AdminRoutes::is_quick(const HttpRequest& request) const {
  return handler_of(request) == nullptr || !authorised(request);
}

bool AdminRoutes::authorised(const HttpRequest& request) const {
  if (token_.empty()) return true;
  const auto field = request.header("Authorization");
  return field && equal_in_constant_time(bearer_token(*field), token_);
}

HttpResponse AdminRoutes::metrics() const {
  PrometheusWriter writer;
  metrics_(writer);
  return text(200, kPrometheusContentType, writer.take());
}

HttpResponse AdminRoutes::readiness() const {
  const bool draining = draining_.load(std::memory_order_relaxed);
  std::string failing;
  for (const ReadyCheck& check : checks_) {
    const Result<void> result = run(check);
    if (result) continue;
    failing += failing.empty() ? R"({"check":)" : R"(,{"check":)";
    append_json_string(failing, check.name);
    failing += R"(,"reason":)";
    append_json_string(failing, result.error().public_message);
    failing += '}';
  }
  const bool ready = !draining && failing.empty();
  std::string body = R"({"ready":)";
  body += ready ? "true" : "false";
  body += R"(,"draining":)";
  body += draining ? "true" : "false";
  body += R"(,"failing":[)" + failing + "]}\n";
  return text(ready ? 200 : 503, "application/json", std::move(body));
}

AdminServer::AdminServer(AdminOptions options, MetricsSource metrics, std::vector<ReadyCheck> checks)
    : routes_(std::move(options.token), std::move(metrics), std::move(checks), std::move(options.handlers)),
      server_(with_quick(std::move(options.server), routes_),
              [this](const HttpRequest& request) { return routes_.handle(request); }) {}

}  // namespace banyan::admin
