#include "gateway/admin/admin_server.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace banyan::admin {
namespace {

using net::HttpRequest;
using net::HttpResponse;

HttpRequest request(std::string method, std::string target, std::string authorization = {}) {
  HttpRequest made;
  made.method = std::move(method);
  made.target = std::move(target);
  if (!authorization.empty()) made.headers.push_back({"authorization", std::move(authorization)});
  return made;
}

HttpRequest get(std::string target, std::string authorization = {}) {
  return request("GET", std::move(target), std::move(authorization));
}

std::optional<std::string> header(const HttpResponse& response, std::string_view name) {
  for (const net::HttpHeader& field : response.headers) {
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

void one_metric(PrometheusWriter& writer) {
  writer.family(MetricType::gauge, "a", "Help.");
  writer.sample({}, std::uint64_t{1});
}

ReadyCheck passing(std::string name) {
  return {std::move(name), [] { return Result<void>(); }};
}
ReadyCheck failing(std::string name) {
  return {std::move(name), []() -> Result<void> { return fail(ErrorCode::unavailable, "not \"there\"", "10.0.0.7"); }};
}
ReadyCheck throwing(std::string name) {
  return {std::move(name), []() -> Result<void> { throw std::runtime_error("inner secret"); }};
}

TEST(AdminRoutes, MetricsAreTheWritersPage) {
  const AdminRoutes routes({}, one_metric, {});
  const HttpResponse response = routes.handle(get("/metrics?x=y"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(header(response, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.body, "# HELP a Help.\n# TYPE a gauge\na 1\n");
}

TEST(AdminRoutes, HealthDoesNotDependOnReadiness) {
  const AdminRoutes routes({}, one_metric, {failing("store")});
  EXPECT_EQ(routes.handle(get("/healthz")).status, 200);
}

TEST(AdminRoutes, ReadyWhenEveryCheckPasses) {
  const AdminRoutes routes({}, one_metric, {passing("listeners"), passing("legacy")});
  const HttpResponse response = routes.handle(get("/readyz"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(nlohmann::json::parse(response.body),
            (nlohmann::json{{"ready", true}, {"draining", false}, {"failing", nlohmann::json::array()}}));
}

TEST(AdminRoutes, NotReadyNamesTheFailingChecksAndLeaksNothing) {
  const AdminRoutes routes({}, one_metric, {passing("listeners"), failing("legacy"), throwing("broken")});
  const HttpResponse response = routes.handle(get("/readyz"));
  EXPECT_EQ(response.status, 503);
  const auto body = nlohmann::json::parse(response.body);
  EXPECT_EQ(body["ready"], false);
  ASSERT_EQ(body["failing"].size(), 2U);
  EXPECT_EQ(body["failing"][0], (nlohmann::json{{"check", "legacy"}, {"reason", "not \"there\""}}));
  EXPECT_EQ(body["failing"][1]["check"], "broken");
  EXPECT_EQ(response.body.find("secret"), std::string::npos);
}

TEST(AdminRoutes, DrainingIsNotReady) {
  AdminRoutes routes({}, one_metric, {passing("listeners")});
  routes.set_draining(true);
  const HttpResponse response = routes.handle(get("/readyz"));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(nlohmann::json::parse(response.body)["draining"], true);
  routes.set_draining(false);
  EXPECT_EQ(routes.handle(get("/readyz")).status, 200);
}

TEST(AdminRoutes, UnknownPathIsAProblem) {
  const AdminRoutes routes({}, one_metric, {});
  for (const char* path : {"/", "/metrics/", "/Metrics", "/metricsx", "/healthz/x"}) {
    const HttpResponse response = routes.handle(get(path));
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(header(response, "Content-Type"), "application/problem+json") << path;
  }
}

TEST(AdminRoutes, WrongMethodNamesTheRightOnes) {
  const AdminRoutes routes({}, one_metric, {});
  for (const char* path : {"/metrics", "/healthz", "/readyz"}) {
    const HttpResponse response = routes.handle(request("POST", path));
    EXPECT_EQ(response.status, 405) << path;
    EXPECT_EQ(header(response, "Allow"), "GET, HEAD") << path;
    EXPECT_EQ(routes.handle(request("HEAD", path)).status, 200) << path;
  }
}

TEST(AdminRoutes, TokenGuardsEverythingButHealthAndReadiness) {
  const AdminRoutes routes("t0ken", one_metric, {});
  EXPECT_EQ(routes.handle(get("/healthz")).status, 200);
  EXPECT_EQ(routes.handle(get("/readyz")).status, 200);
  EXPECT_EQ(routes.handle(get("/metrics")).status, 401);
  EXPECT_EQ(routes.handle(get("/nowhere")).status, 401);
  EXPECT_EQ(header(routes.handle(get("/metrics")), "WWW-Authenticate"), "Bearer realm=\"banyan\"");
}

TEST(AdminRoutes, OnlyTheWholeTokenOpens) {
  const AdminRoutes routes("t0ken", one_metric, {});
  for (const char* wrong : {"Bearer", "Bearer ", "Bearer t0ke", "Bearer t0kenn", "Bearer T0ken", "Bearer t0ken ",
                            "Basic t0ken", "t0ken", "Bearert0ken"}) {
    EXPECT_EQ(routes.handle(get("/metrics", wrong)).status, 401) << wrong;
  }
  for (const char* right : {"Bearer t0ken", "bearer t0ken", "BEARER  t0ken"}) {
    EXPECT_EQ(routes.handle(get("/metrics", right)).status, 200) << right;
  }
}

TEST(AdminServer, ListensAndStops) {
  AdminServer server({}, one_metric, {});
  const auto started = server.start();
  ASSERT_TRUE(started) << started.error().public_message;
  EXPECT_NE(server.port(), 0);

  AdminOptions same_port;
  same_port.server.port = server.port();
  EXPECT_FALSE(AdminServer(same_port, one_metric, {}).start());
  server.stop();
  EXPECT_TRUE(AdminServer(same_port, one_metric, {}).start());
}

AdminHandler named(std::string prefix, std::string name) {
  return {std::move(prefix), [name = std::move(name)](const HttpRequest&) { return HttpResponse{200, {}, name}; }};
}

TEST(AdminHandlers, AnswerTheirPrefixAndWhatLiesBelowIt) {
  const AdminRoutes routes({}, one_metric, {}, {named("/api/sync", "sync"), named("/api", "api"), named("/m", "no")});
  EXPECT_EQ(routes.handle(get("/api/sync")).body, "sync");
  EXPECT_EQ(routes.handle(request("POST", "/api/sync/backfill?x=/y")).body, "sync");
  EXPECT_EQ(routes.handle(get("/api/synchrony")).body, "api");
  EXPECT_EQ(routes.handle(get("/apis")).status, 404);
  EXPECT_EQ(routes.handle(get("/metrics")).body, routes.handle(get("/metrics?x")).body);
}

TEST(AdminHandlers, NeedTheToken) {
  const AdminRoutes routes("secret", one_metric, {}, {named("/api", "api")});
  EXPECT_EQ(routes.handle(get("/api")).status, 401);
  EXPECT_EQ(routes.handle(get("/api", "Bearer secret")).body, "api");
}

TEST(AdminHandlers, AloneAreNotQuick) {
  const AdminRoutes routes("secret", one_metric, {}, {named("/api", "api"), named("/healthz", "no")});
  EXPECT_FALSE(routes.is_quick(get("/api/sync", "Bearer secret")));
  EXPECT_TRUE(routes.is_quick(get("/api/sync"))) << "refused without a handler";
  for (const char* path : {"/metrics", "/healthz", "/readyz", "/nothing"}) {
    EXPECT_TRUE(routes.is_quick(get(path, "Bearer secret"))) << path;
  }
}

}  // namespace
}  // namespace banyan::admin
