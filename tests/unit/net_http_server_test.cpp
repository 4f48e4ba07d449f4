#include "gateway/net/http_server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>
#include <utility>

#include "gateway/net/problem.hpp"

namespace banyan::net {
namespace {

// A client that sends bytes as they are given. A server that never answers fails the test after a minute.
class RawClient {
public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{60, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;  // the server has closed: what it said before is still to be read
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  std::string read_until(std::string_view mark) {
    while (received_.find(mark) == std::string::npos && read_some()) {
    }
    const std::size_t end = received_.find(mark);
    if (end == std::string::npos) return std::exchange(received_, {});
    std::string part = received_.substr(0, end + mark.size());
    received_.erase(0, part.size());
    return part;
  }
  // Everything up to the end of the connection.
  std::string read_all() {
    while (read_some()) {
    }
    return std::exchange(received_, {});
  }

private:
  bool read_some() {
    std::array<char, 4096> chunk{};
    const ssize_t n = ::recv(fd_, chunk.data(), chunk.size(), 0);
    if (n < 0 && errno == EAGAIN) ADD_FAILURE() << "no answer in a minute";
    if (n > 0) received_.append(chunk.data(), static_cast<std::size_t>(n));
    return n > 0;
  }

  int fd_;
  bool connected_ = false;
  std::string received_;
};

constexpr std::size_t kBigBody = 32 << 20;  // more than the kernel buffers between two sockets

HttpResponse echo(const HttpRequest& request) {
  if (request.path() == "/throw") throw std::runtime_error("inner secret");
  if (request.path() == "/big") return {200, {}, std::string(kBigBody, 'x')};
  const std::string type(request.header("content-type").value_or("none"));
  return {200,
          {{"Content-Type", "text/plain"}},
          request.method + " " + std::string(request.path()) + " [" + std::string(request.query()) + "] " + type + " " +
              request.body + "."};
}

class HttpServerTest : public testing::Test {
protected:
  void start(HttpServerOptions options = {}) {
    server_ = std::make_unique<HttpServer>(std::move(options), echo);
    const auto started = server_->start();
    ASSERT_TRUE(started) << started.error().public_message;
  }
  // One connection, one message, everything that comes back.
  std::string exchange(std::string_view message) {
    RawClient client(server_->port());
    client.send(message);
    return client.read_all();
  }
  void expect_problem(std::string_view message, int status) {
    const std::string answer = exchange(message);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(status) + " ")) << answer;
    EXPECT_NE(answer.find("Content-Type: application/problem+json\r\n"), std::string::npos) << answer;
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << answer;
    const auto body = nlohmann::json::parse(answer.substr(answer.find("\r\n\r\n") + 4), nullptr, false);
    ASSERT_TRUE(body.is_object()) << answer;
    EXPECT_EQ(body["status"], status);
  }

  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, HandsTheRequestToTheHandler) {
  start();
  const std::string answer = exchange(
      "POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nContent-Type: t\r\nContent-Length: 3\r\nConnection: close\r\n\r\nxyz");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nPOST /a/b [c=d] t xyz.")) << answer;
  EXPECT_NE(answer.find("Content-Length: 22\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("Date: "), std::string::npos) << answer;
}

TEST_F(HttpServerTest, AnswersSeveralRequestsOnOneConnection) {
  start();
  RawClient client(server_->port());
  client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(client.read_until("none .").find("GET /1 "), std::string::npos);
  client.send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(client.read_until("none .").find("GET /2 "), std::string::npos);
  EXPECT_NE(client.read_all().find("GET /3 "), std::string::npos);
}

TEST_F(HttpServerTest, HeadHasTheLengthButNotTheBody) {
  start();
  const std::string answer = exchange("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 17\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(HttpServerTest, DeclaredBodyOverTheLimitIs413) {
  start();
  expect_problem("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n" + std::string(4096, 'x'), 413);
}

TEST_F(HttpServerTest, ChunkedBodyOverTheLimitIs413) {
  HttpServerOptions options;
  options.body_limit_bytes = 8;
  start(options);
  expect_problem("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n", 413);
}

TEST_F(HttpServerTest, BodyOfExactlyTheLimitPasses) {
  HttpServerOptions options;
  options.body_limit_bytes = 8;
  start(options);
  EXPECT_TRUE(exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\nConnection: close\r\n\r\n12345678")
                  .ends_with("12345678."));
}

TEST_F(HttpServerTest, HeaderOverTheLimitIs431) {
  start();
  expect_problem("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n", 431);
}

TEST_F(HttpServerTest, WhatIsNotStrictHttpIs400) {
  start();
  expect_problem("nonsense\r\n\r\n", 400);
  expect_problem("GET / HTTP/1.1\r\n\r\n", 400);
  expect_problem("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400);
  expect_problem("GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400);
  expect_problem("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
  expect_problem("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400);
}

TEST_F(HttpServerTest, ExceptionOfTheHandlerIs500AndStaysInside) {
  start();
  const std::string answer = exchange("GET /throw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
  EXPECT_EQ(answer.find("secret"), std::string::npos) << answer;
}

TEST_F(HttpServerTest, SendsContinueToAClientThatWaitsForIt) {
  start();
  RawClient client(server_->port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_TRUE(client.read_all().ends_with("ok."));
}

TEST_F(HttpServerTest, ConnectionOverTheLimitIsClosedAtOnce) {
  HttpServerOptions options;
  options.connection_limit = 1;
  start(options);
  RawClient first(server_->port());
  first.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  first.read_until("none .");

  EXPECT_EQ(exchange(""), "");

  first.send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(first.read_until("none .").find("GET /2 "), std::string::npos);
}

TEST_F(HttpServerTest, ClientThatNeverFinishesItsRequestIsClosedAtTheDeadline) {
  HttpServerOptions options;
  options.deadline = std::chrono::milliseconds(50);
  start(options);
  EXPECT_EQ(exchange("GET / HTTP/1.1\r\nHo"), "");
}

TEST_F(HttpServerTest, AddressInUseIsAClearError) {
  start();
  HttpServerOptions options;
  options.port = server_->port();
  HttpServer second(options, echo);

  const auto started = second.start();

  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().public_message,
            "cannot listen on 127.0.0.1:" + std::to_string(options.port) + ": Address already in use");
}

TEST_F(HttpServerTest, StopTwiceIsSafeAndClosesIdleConnections) {
  start();
  RawClient idle(server_->port());
  idle.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.read_until("none .");
  const std::uint16_t port = server_->port();

  std::thread other([this] { server_->stop(); });
  server_->stop();
  other.join();

  EXPECT_EQ(idle.read_all(), "");
  EXPECT_FALSE(RawClient(port).connected());
}

TEST_F(HttpServerTest, StopLetsAResponseUnderWayFinish) {
  HttpServerOptions options;
  options.stop_deadline = std::chrono::seconds(60);
  start(options);
  RawClient client(server_->port());
  client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  client.read_until("\r\n\r\n");

  std::thread stopping([this] { server_->stop(); });
  const std::string body = client.read_all();
  stopping.join();

  EXPECT_EQ(body.size(), kBigBody);
}

TEST_F(HttpServerTest, StopDoesNotWaitForAClientThatDoesNotRead) {
  HttpServerOptions options;
  options.stop_deadline = std::chrono::milliseconds(50);
  start(options);
  RawClient client(server_->port());
  client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  client.read_until("\r\n\r\n");

  server_->stop();

  EXPECT_LT(client.read_all().size(), kBigBody);
}

TEST(HttpServerLifetime, ServerThatWasNeverStartedStops) {
  HttpServer server({}, echo);
  server.stop();
  EXPECT_EQ(server.port(), 0);
}

TEST(ProblemDetails, OfAnErrorShowsThePublicMessageOnly) {
  const Error error{ErrorCode::too_large, "The body is \"big\".", "disk /dev/sda"};
  const auto body = nlohmann::json::parse(problem_json(problem_of(error, "r-1")));
  EXPECT_EQ(body, (nlohmann::json{{"type", "urn:banyan:problem:too_large"},
                                  {"title", "Content Too Large"},
                                  {"status", 413},
                                  {"detail", "The body is \"big\"."},
                                  {"request_id", "r-1"}}));
}

TEST(ProblemDetails, WithoutANameIsAboutBlank) {
  Problem problem;
  problem.status = 404;
  problem.instance = "/x";
  EXPECT_EQ(problem_json(problem), R"({"type":"about:blank","title":"Not Found","status":404,"instance":"/x"})");
}

}  // namespace
}  // namespace banyan::net
