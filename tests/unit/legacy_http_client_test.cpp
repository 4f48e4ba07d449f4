#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "adapters/legacy/http_client.hpp"
#include "tests/unit/legacy_raw_server.hpp"

namespace banyan::legacy {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing_support::Connection;
using testing_support::RawServer;

Deadline in(std::chrono::steady_clock::duration span) {
  return Deadline::after(SystemClock(), span);
}

std::string ok(const std::string& body, const std::string& more_fields = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more_fields + "\r\n" + body;
}

RawServer::Handler answers(const std::string& bytes) {
  return [bytes](Connection& connection) {
    while (!connection.read_request().empty()) connection.send(bytes);
  };
}

RawServer::Handler answers_once(const std::string& bytes) {
  return [bytes](Connection& connection) {
    connection.read_request();
    connection.send(bytes);
  };
}

HttpRequest get(std::string target = "/") {
  HttpRequest request;
  request.target = std::move(target);
  return request;
}

HttpRequest post(std::string body) {
  HttpRequest request;
  request.method = "POST";
  request.target = "/";
  request.body = std::move(body);
  request.write = true;
  return request;
}

// A port of loopback at which nobody listens, and which nobody else is given meanwhile.
class TakenPort {
public:
  TakenPort() {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    auto* const generic = reinterpret_cast<sockaddr*>(&address_);
    if (::bind(socket_, generic, size) != 0 || ::getsockname(socket_, generic, &size) != 0) std::abort();
  }
  ~TakenPort() { ::close(socket_); }
  TakenPort(const TakenPort&) = delete;
  TakenPort& operator=(const TakenPort&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port)); }

private:
  const int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address_{};
};

Failure::Kind kind_of(const Answer<HttpResponse>& answer) {
  EXPECT_FALSE(answer) << answer->body;
  return answer ? Failure::Kind::duplicate : answer.error().kind;
}

TEST(HttpClient, SendsTargetFieldsAndBodyAsGiven) {
  std::string seen;
  RawServer server([&](Connection& connection) {
    seen = connection.read_request();
    connection.send(ok("{}", "X-Kind: a\r\n"));
  });
  HttpClient client({.base_url = server.url() + "/api/"});
  HttpRequest request = post("{\"n\":1}");
  request.target = "/items/?q=a%20b&c=%2F";
  request.headers = {{"Content-Type", "application/json"}, {"X-Key", "k"}};
  const auto answer = client.call(request, in(60s));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "{}");
  EXPECT_EQ(answer->header("x-KIND"), "a");
  EXPECT_THAT(seen, HasSubstr("POST /api/items/?q=a%20b&c=%2F HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("Content-Type:application/json\r\n"));
  EXPECT_THAT(seen, HasSubstr("X-Key:k\r\n"));
  EXPECT_THAT(seen, HasSubstr("Content-Length:7\r\n"));
  EXPECT_THAT(seen, HasSubstr("\r\n\r\n{\"n\":1}"));
}

TEST(HttpClient, FollowsAbsoluteAddressesOfItsOwnOriginAlone) {
  RawServer server(answers(ok("here")));
  HttpClient client({.base_url = server.url() + "/api"});
  EXPECT_EQ(client.call(get(server.url() + "/other?page=2"), in(60s))->body, "here");
  EXPECT_EQ(kind_of(client.call(get("http://127.0.0.1:1/"), in(60s))), Failure::Kind::malformed);
  EXPECT_EQ(kind_of(client.call(get(server.url() + "0/"), in(60s))), Failure::Kind::malformed);
  EXPECT_EQ(kind_of(client.call(get(server.url() + "@elsewhere.example/"), in(60s))), Failure::Kind::malformed);
}

TEST(HttpClient, KeepsTheConnectionForRequestsWithoutAnEffect) {
  RawServer server(answers(ok("x")));
  HttpClient client({.base_url = server.url()});
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(client.call(get(), in(60s)));
  EXPECT_LT(server.connections(), 50);  // the library gives a connection back a moment after the answer
}

TEST(HttpClient, ReplacesAKeptConnectionThatThePeerHasClosed) {
  RawServer server(answers_once(ok("x")));
  HttpClient client({.base_url = server.url()});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.call(get(), in(60s)));
  EXPECT_EQ(server.connections(), 5);
}

TEST(HttpClient, SendsAWriteNeverTwice) {
  std::atomic<int> writes{0};
  RawServer server([&](Connection& connection) {
    for (;;) {
      const std::string request = connection.read_request();
      if (request.empty()) return;
      if (request.rfind("POST", 0) == 0) {
        ++writes;
        return;  // closes without an answer: on a kept connection the library would send it again
      }
      connection.send(ok("x"));
    }
  });
  HttpClient client({.base_url = server.url()});
  ASSERT_TRUE(client.call(get(), in(60s)));
  EXPECT_EQ(kind_of(client.call(post("{}"), in(60s))), Failure::Kind::unknown);
  EXPECT_EQ(writes, 1);
}

TEST(HttpClient, TellsNotReachedFromNotAnswered) {
  const TakenPort port;
  HttpClient nobody({.base_url = port.url()});
  EXPECT_EQ(kind_of(nobody.call(post("{}"), in(60s))), Failure::Kind::unavailable);
  EXPECT_EQ(kind_of(nobody.call(get(), in(60s))), Failure::Kind::unavailable);
  HttpClient unknown_host({.base_url = "http://nowhere.invalid"});
  EXPECT_EQ(kind_of(unknown_host.call(post("{}"), in(120s))), Failure::Kind::unavailable);

  RawServer mute([](Connection& connection) { connection.read_request(); });
  HttpClient client({.base_url = mute.url()});
  EXPECT_EQ(kind_of(client.call(post("{}"), in(60s))), Failure::Kind::unknown);
  EXPECT_EQ(kind_of(client.call(get(), in(60s))), Failure::Kind::unavailable);
}

TEST(HttpClient, TakesACutAnswerForNoAnswer) {
  RawServer server(answers_once("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":"));
  HttpClient client({.base_url = server.url()});
  EXPECT_EQ(kind_of(client.call(post("{}"), in(60s))), Failure::Kind::unknown);
  EXPECT_EQ(kind_of(client.call(get(), in(60s))), Failure::Kind::unavailable);
}

TEST(HttpClient, GivesUpAtTheDeadline) {
  RawServer server([](Connection& connection) { connection.wait_for_close(); });
  HttpClient client({.base_url = server.url()});
  const auto began = std::chrono::steady_clock::now();
  const auto answer = client.call(post("{}"), in(100ms));
  EXPECT_EQ(kind_of(answer), Failure::Kind::deadline);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 60s);
  EXPECT_EQ(kind_of(client.call(get(), in(-1ms))), Failure::Kind::deadline);
}

TEST(HttpClient, GivesUpAtTheDeadlineWithinABodyThatDrips) {
  RawServer server([](Connection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx");
    connection.wait_for_close();
  });
  HttpClient client({.base_url = server.url()});
  EXPECT_EQ(kind_of(client.call(get(), in(100ms))), Failure::Kind::deadline);
}

TEST(HttpClient, StopsReadingAboveTheLimit) {
  std::atomic<bool> all_sent{false};
  RawServer server([&](Connection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    bool open = true;
    for (int i = 0; i < 10'000 && open; ++i) open = connection.send("10000\r\n" + std::string(65536, 'x') + "\r\n");
    all_sent = open;
  });
  HttpClient client({.base_url = server.url(), .body_limit_bytes = 1'000'000});
  const auto answer = client.call(get(), in(60s));
  EXPECT_EQ(kind_of(answer), Failure::Kind::malformed);
  EXPECT_THAT(answer.error().message, HasSubstr("larger than 1000000 bytes"));
  EXPECT_FALSE(all_sent);
}

TEST(HttpClient, HoldsTheLimitExactly) {
  for (const std::size_t size : {999U, 1000U, 1001U}) {
    RawServer server(answers_once(ok(std::string(size, 'x'))));
    HttpClient client({.base_url = server.url(), .body_limit_bytes = 1000});
    EXPECT_EQ(client.call(get(), in(60s)).has_value(), size <= 1000) << size;
  }
}

TEST(HttpClient, SurvivesAnswersThatAreNoHttp) {
  for (const std::string bytes :
       {"\r\n\r\n", "<html>\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n-3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    RawServer server(answers_once(bytes));
    HttpClient client({.base_url = server.url()});
    const auto answer = client.call(post("{}"), in(2s));
    EXPECT_FALSE(answer) << bytes;
  }
}

TEST(HttpClient, TakesNothingForAnAnswerThatCameForAnotherRequest) {
  RawServer server([](Connection& connection) {
    connection.read_request();
    connection.send("HTTP/1.1 103 Early Hints\r\n\r\n" + ok("first"));
    if (!connection.read_request().empty()) connection.send(ok("second"));
  });
  HttpClient client({.base_url = server.url()});
  const auto interim = client.call(get(), in(60s));
  EXPECT_TRUE(!interim || interim->status == 103);
  const auto next = client.call(get(), in(60s));
  EXPECT_TRUE(!next || next->status == 103) << next->body;
}

TEST(HttpClient, DoesNotFollowRedirects) {
  RawServer server(answers("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"));
  HttpClient client({.base_url = server.url()});
  EXPECT_EQ(client.call(get(), in(60s))->status, 302);
}

TEST(HttpClient, NamesNeitherQueryNorFieldsNorBodyInItsFailures) {
  RawServer server([](Connection& connection) { connection.read_request(); });
  HttpClient client({.base_url = server.url()});
  HttpRequest request = post("body-secret");
  request.target = "/path?token=query-secret";
  request.headers = {{"Authorization", "Bearer field-secret"}};
  const auto answer = client.call(request, in(60s));
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("/path"));
  EXPECT_THAT(answer.error().message, Not(HasSubstr("secret")));
}

TEST(HttpClient, IsSafeFromSeveralThreads) {
  RawServer server([](Connection& connection) {
    for (std::string request = connection.read_request(); !request.empty(); request = connection.read_request()) {
      connection.send(ok(request.substr(5, request.find(' ', 5) - 5)));  // the target without its slash
    }
  });
  HttpClient client({.base_url = server.url()});
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const std::string name = std::to_string(t * 100 + i);
        const auto answer = client.call(get("/" + name), in(60s));
        if (answer && answer->body == name) ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 160);
}

TEST(HttpClient, RefusesSettingsThatCannotWork) {
  for (const std::string url :
       {"", "crm.example", "ftp://crm.example", "http://", "http://user:pass@crm.example", "http://crm.example/?a=b"}) {
    EXPECT_THROW(HttpClient({.base_url = url}), std::invalid_argument) << url;
  }
  EXPECT_THROW(HttpClient({.base_url = "https://crm.example", .ca_file = "/nonexistent.pem"}), std::runtime_error);
}

TEST(HttpClient, RefusesFieldsWithLineBreaks) {
  HttpClient client({.base_url = "http://127.0.0.1:1"});
  HttpRequest request = get();
  request.headers = {{"X-Key", "a\r\nX-Other: b"}};
  EXPECT_EQ(kind_of(client.call(request, in(60s))), Failure::Kind::malformed);
}

}  // namespace
}  // namespace banyan::legacy
