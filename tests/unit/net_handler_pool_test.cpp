// Handlers that wait: HandlerPool alone, and behind HttpServer, asked by http_call().
#include "gateway/net/handler_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gateway/net/http_client.hpp"
#include "gateway/net/http_server.hpp"

namespace banyan::net {
namespace {

using namespace std::chrono_literals;

// A door at which threads wait until the test opens it.
class Door {
public:
  void pass() { opened_.wait(); }
  void open() { opening_.set_value(); }

private:
  std::promise<void> opening_;
  std::shared_future<void> opened_ = opening_.get_future().share();
};

TEST(HandlerPool, TakesAsManyTasksAsItHasThreadsAndPlacesInTheQueue) {
  Door door;
  std::atomic<int> done{0};
  {
    HandlerPool pool(2, 1);
    const auto task = [&](bool run) {
      if (run) door.pass();
      ++done;
    };
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(pool.submit(task)) << i;
    EXPECT_FALSE(pool.submit(task));
    door.open();
  }
  EXPECT_EQ(done, 3);
}

TEST(HandlerPool, CallsWhatItGivesUpWithoutRunningIt) {
  Door door;
  std::latch running(1);
  std::vector<bool> runs;
  {
    HandlerPool pool(1, 4);
    ASSERT_TRUE(pool.submit([&](bool) {
      running.count_down();
      door.pass();
    }));
    running.wait();
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(pool.submit([&](bool run) { runs.push_back(run); }));
    pool.give_up();
    EXPECT_EQ(runs, std::vector<bool>({false, false}));
    EXPECT_FALSE(pool.submit([](bool) {}));
    door.open();
  }
  EXPECT_EQ(runs.size(), 2U);
}

class PooledServerTest : public testing::Test {
protected:
  void start(std::size_t threads, std::size_t queue, std::chrono::milliseconds stop_deadline = 60s) {
    HttpServerOptions options;
    options.handler_threads = threads;
    options.handler_queue_limit = queue;
    options.stop_deadline = stop_deadline;
    options.is_quick = [](const HttpRequest& request) { return request.path() == "/quick"; };
    server_ = std::make_unique<HttpServer>(std::move(options), [this](const HttpRequest& request) {
      if (request.path() == "/throw") throw std::runtime_error("inner secret");
      if (request.path() == "/throw-number") throw 42;  // NOLINT(hicpp-exception-baseclass): the worst that may come
      if (request.path() == "/wait") {
        entered_.release();
        door_.pass();
      }
      return HttpResponse{200, {}, request.body + "!"};
    });
    ASSERT_TRUE(server_->start());
  }

  Result<HttpReply> call(const std::string& path, std::string body = {}) const {
    HttpCall call;
    call.method = "POST";
    call.url = "http://127.0.0.1:" + std::to_string(server_->port()) + path;
    call.body = std::move(body);
    return http_call(call, Deadline::after(clock_, 60s));
  }
  int status_of(const std::string& path) const {
    const auto reply = call(path);
    return reply ? reply->status : 0;
  }
  std::future<int> in_background(const std::string& path) {
    return std::async(std::launch::async, [this, path] { return status_of(path); });
  }

  // Entered handlers, for the test to wait for.
  struct Semaphore {
    void release() {
      ++count;
      count.notify_all();
    }
    void wait_for(int wanted) {
      for (int seen = count; seen < wanted; seen = count) count.wait(seen);
    }
    std::atomic<int> count{0};
  };

  SystemClock clock_;
  Door door_;
  Semaphore entered_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(PooledServerTest, AnswersFromTheThreadsOfThePool) {
  start(2, 4);
  const auto reply = call("/echo", "hello");
  ASSERT_TRUE(reply) << reply.error().public_message;
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body, "hello!");
}

TEST_F(PooledServerTest, RunsHandlersSideBySideAndStillAnswersWhatIsQuick) {
  start(2, 4);
  auto first = in_background("/wait");
  auto second = in_background("/wait");
  entered_.wait_for(2);
  EXPECT_EQ(status_of("/quick"), 200);
  door_.open();
  EXPECT_EQ(first.get(), 200);
  EXPECT_EQ(second.get(), 200);
}

TEST_F(PooledServerTest, RefusesWhatFindsNoPlaceInTheQueue) {
  start(1, 0);
  auto first = in_background("/wait");
  entered_.wait_for(1);
  const auto refused = call("/echo");
  ASSERT_TRUE(refused) << refused.error().public_message;
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->header("retry-after"), "1");
  EXPECT_EQ(refused->header("content-type"), "application/problem+json");
  door_.open();
  EXPECT_EQ(first.get(), 200);
}

TEST_F(PooledServerTest, AnswersExceptionsWith500) {
  start(1, 1);
  const auto reply = call("/throw");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 500);
  EXPECT_EQ(reply->body.find("secret"), std::string::npos);
  EXPECT_EQ(status_of("/throw-number"), 500);
  EXPECT_EQ(status_of("/echo"), 200);
}

TEST_F(PooledServerTest, StopLetsAHandlerUnderWayAnswer) {
  start(1, 1);
  auto first = in_background("/wait");
  entered_.wait_for(1);
  auto stopping = std::async(std::launch::async, [this] { server_->stop(); });
  door_.open();
  EXPECT_EQ(first.get(), 200);
  stopping.get();
}

TEST_F(PooledServerTest, StopGivesUpConnectionsAtItsDeadlineAndWaitsForTheHandlerAlone) {
  start(1, 1, 10ms);
  auto running = in_background("/wait");
  entered_.wait_for(1);
  auto stopping = std::async(std::launch::async, [this] { server_->stop(); });
  EXPECT_EQ(running.get(), 0) << "the connection is closed while its handler still runs";
  door_.open();
  stopping.get();
}

TEST(HttpCallErrors, NameThePlaceAndTheKind) {
  const SystemClock clock;
  const auto code_of = [&](std::string url, std::chrono::milliseconds patience = 60s) {
    HttpCall call;
    call.url = std::move(url);
    const auto reply = http_call(call, Deadline::after(clock, patience));
    return reply ? std::string("answered") : std::string(to_string(reply.error().code));
  };
  EXPECT_EQ(code_of("ftp://127.0.0.1/"), "invalid_argument");
  EXPECT_EQ(code_of("http://127.0.0.1:99999/"), "invalid_argument");
  EXPECT_EQ(code_of("http://:80/"), "invalid_argument");
  EXPECT_EQ(code_of("http://a b/"), "invalid_argument");
  EXPECT_EQ(code_of("https://127.0.0.1/"), "unsupported");
  EXPECT_EQ(code_of("http://127.0.0.1:1/"), "unavailable");
  Door door;
  HttpServerOptions options;
  options.handler_threads = 1;
  HttpServer slow(options, [&](const HttpRequest&) {
    door.pass();
    return HttpResponse{};
  });
  ASSERT_TRUE(slow.start());
  EXPECT_EQ(code_of("http://127.0.0.1:" + std::to_string(slow.port()), 50ms), "deadline");
  door.open();
}

TEST(HttpCallErrors, AnAnswerOverTheLimitIsRefused) {
  HttpServer server({}, [](const HttpRequest&) { return HttpResponse{200, {}, std::string(100, 'x')}; });
  ASSERT_TRUE(server.start());
  HttpCall call;
  call.url = "http://127.0.0.1:" + std::to_string(server.port()) + "?a=b";
  call.reply_limit_bytes = 99;
  const auto reply = http_call(call, Deadline::after(SystemClock(), 60s));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::bad_peer);
}

}  // namespace
}  // namespace banyan::net
