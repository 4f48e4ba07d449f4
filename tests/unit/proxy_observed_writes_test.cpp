// Observed writes: the queue alone, and a proxy between http_call() and a server that plays the legacy system.
#include "gateway/proxy/observed_writes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>
#include <vector>

#include "gateway/net/http_client.hpp"
#include "gateway/net/http_server.hpp"
#include "gateway/proxy/proxy.hpp"

namespace banyan::proxy {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

ObservedWrite write_of(std::string id) {
  return {"party.write", "account", "legacy", {std::move(id)}, {}};
}

std::vector<std::string> ids_of(const std::vector<ObservedWrite>& writes) {
  std::vector<std::string> ids;
  for (const ObservedWrite& write : writes) ids.insert(ids.end(), write.ids.begin(), write.ids.end());
  return ids;
}

TEST(ObservedWriteQueue, GivesTheOldestFirstAndAtMostAsManyAsAskedFor) {
  ObservedWriteQueue queue(4);
  for (const char* id : {"1", "2", "3"}) EXPECT_TRUE(queue.push(write_of(id)));
  EXPECT_THAT(ids_of(queue.take(2, 0ms)), ElementsAre("1", "2"));
  EXPECT_THAT(ids_of(queue.take(2, 0ms)), ElementsAre("3"));
  EXPECT_THAT(queue.take(2, 0ms), IsEmpty());
}

TEST(ObservedWriteQueue, RefusesWhatIsOverItsCapacityAndTakesAgainWhenThereIsRoom) {
  ObservedWriteQueue queue(2);
  EXPECT_TRUE(queue.push(write_of("1")));
  EXPECT_TRUE(queue.push(write_of("2")));
  EXPECT_FALSE(queue.push(write_of("3")));
  EXPECT_THAT(ids_of(queue.take(1, 0ms)), ElementsAre("1"));
  EXPECT_TRUE(queue.push(write_of("4")));
  EXPECT_FALSE(queue.push(write_of("5")));
  EXPECT_THAT(ids_of(queue.take(9, 0ms)), ElementsAre("2", "4"));
}

TEST(ObservedWriteQueue, WakesAConsumerThatWaits) {
  ObservedWriteQueue queue(4);
  auto taken = std::async(std::launch::async, [&] { return queue.take(9, 60s); });
  EXPECT_TRUE(queue.push(write_of("1")));
  EXPECT_THAT(ids_of(taken.get()), ElementsAre("1"));
}

TEST(ObservedWriteQueue, CloseWakesTheConsumerAndLeavesWhatIsQueued) {
  ObservedWriteQueue queue(4);
  auto taken = std::async(std::launch::async, [&] { return queue.take(9, 60s); });
  queue.close();
  queue.close();
  EXPECT_THAT(taken.get(), IsEmpty());
  EXPECT_TRUE(queue.push(write_of("1")));
  EXPECT_THAT(ids_of(queue.take(9, 60s)), ElementsAre("1"));
  EXPECT_THAT(queue.take(9, 60s), IsEmpty());
}

TEST(ObservedWriteQueue, LosesAndDoublesNothingOfWhatManyThreadsPush) {
  constexpr int kThreads = 4;
  constexpr int kEach = 5'000;
  ObservedWriteQueue queue(64);
  std::vector<std::thread> producers;
  for (int t = 0; t < kThreads; ++t) {
    producers.emplace_back([&queue, t] {
      for (int i = 0; i < kEach; ++i) {
        while (!queue.push(write_of(std::to_string(t * kEach + i)))) std::this_thread::yield();
      }
    });
  }
  std::vector<bool> seen(kThreads * kEach);
  std::size_t count = 0;
  std::vector<int> last(kThreads, -1);
  while (count < seen.size()) {
    const auto batch = queue.take(50, 60s);
    ASSERT_FALSE(batch.empty()) << "a push was lost, or the consumer not woken, after " << count;
    for (const std::string& id : ids_of(batch)) {
      const int number = std::stoi(id);
      EXPECT_FALSE(seen[static_cast<std::size_t>(number)]);
      seen[static_cast<std::size_t>(number)] = true;
      int& before = last[static_cast<std::size_t>(number / kEach)];
      EXPECT_LT(before, number) << "out of order";
      before = number;
      ++count;
    }
  }
  for (std::thread& producer : producers) producer.join();
}

catalog::FunctionSpec rpc(std::string name, catalog::Effect effect, std::string entity, std::string record_ids) {
  catalog::FunctionSpec spec;
  catalog::Match match;
  match.path = "/db/";
  match.predicates.push_back({catalog::Predicate::Source::json_rpc, "", {catalog::TextPattern::Kind::equals, name}});
  spec.name = std::move(name);
  spec.matches.push_back(std::move(match));
  spec.effect = effect;
  spec.entity = std::move(entity);
  spec.record_ids = std::move(record_ids);
  return spec;
}

std::vector<catalog::FunctionSpec> functions() {
  using catalog::Effect;
  auto moved = rpc("moved", Effect::write, "account", "/params/0");
  moved.stage = catalog::Stage::modern;
  moved.modern = catalog::ModernTarget{"modern"};
  auto by_path = rpc("unused", Effect::write, "account", "{id}");
  by_path.name = "by_path";
  by_path.matches.front() = {{"PUT"}, std::nullopt, "/accounts/{id}", {}};
  return {rpc("write", Effect::write, "account", "/params/0"),
          rpc("create", Effect::write, "account", ""),
          rpc("read", Effect::read, "account", ""),
          rpc("anonymous", Effect::write, "", ""),
          std::move(moved),
          std::move(by_path)};
}

class ObservedWritesTest : public testing::Test {
protected:
  // `capacity` of the queue; `status` of whatever the legacy system answers.
  void start(std::size_t capacity = 8, int status = 200) {
    queue_ = std::make_unique<ObservedWriteQueue>(capacity);
    legacy_ = std::make_unique<net::HttpServer>(net::HttpServerOptions{}, [status](const net::HttpRequest&) {
      return net::HttpResponse{status, {}, "done"};
    });
    ASSERT_TRUE(legacy_->start());
    Options options;
    options.threads = 1;
    options.listen = {{"127.0.0.1", 0}};
    for (const char* name : {"legacy", "modern"}) {
      Upstream upstream;
      upstream.name = name;
      upstream.endpoints = {{"127.0.0.1", legacy_->port()}};
      options.upstreams.push_back(std::move(upstream));
    }
    auto compiled = catalog::compile(functions(), {"legacy", "modern"});
    ASSERT_TRUE(compiled.table) << compiled.faults.front().found;
    proxy_ = std::make_unique<Proxy>(std::move(options), compiled.table, AccessLogSink{},
                                     [this](ObservedWrite write) { return queue_->push(std::move(write)); });
    ASSERT_TRUE(proxy_->start());
  }

  int send(const std::string& method, const std::string& path, std::string body) const {
    net::HttpCall call;
    call.method = method;
    call.url = "http://127.0.0.1:" + std::to_string(proxy_->addresses().front().port) + path;
    call.headers = {{"Content-Type", "application/json"}};
    call.body = std::move(body);
    const auto reply = net::http_call(call, Deadline::after(SystemClock(), 60s));
    return reply ? reply->status : 0;
  }
  int call(const std::string& function, const std::string& params) const {
    return send("POST", "/db/", R"({"id":1,"method":")" + function + R"(","params":)" + params + "}");
  }

  std::unique_ptr<ObservedWriteQueue> queue_;
  std::unique_ptr<net::HttpServer> legacy_;
  std::unique_ptr<Proxy> proxy_;
};

TEST_F(ObservedWritesTest, TellTheIdsThatTheRequestNames) {
  start();
  ASSERT_EQ(call("write", R"([[12,13],{"name":"x"}])"), 200);
  const auto writes = queue_->take(9, 0ms);
  ASSERT_EQ(writes.size(), 1U);
  EXPECT_EQ(writes[0].function, "write");
  EXPECT_EQ(writes[0].entity, "account");
  EXPECT_EQ(writes[0].upstream, "legacy");
  EXPECT_THAT(writes[0].ids, ElementsAre("12", "13"));
  EXPECT_GT(writes[0].answered, SteadyTime{});
  EXPECT_EQ(proxy_->counters().front()->writes_with_ids.value(), 1U);
}

TEST_F(ObservedWritesTest, TellTheEntityAloneWhereTheIdsAreUnknown) {
  start();
  ASSERT_EQ(call("create", R"([[{"name":"x"}]])"), 200);
  ASSERT_EQ(call("write", "[]"), 200);
  const auto writes = queue_->take(9, 0ms);
  ASSERT_EQ(writes.size(), 2U);
  EXPECT_THAT(ids_of(writes), IsEmpty());
  EXPECT_EQ(proxy_->counters().front()->writes_without_ids.value(), 2U);
}

TEST_F(ObservedWritesTest, TellTheIdInThePath) {
  start();
  ASSERT_EQ(send("PUT", "/accounts/42", "{}"), 200);
  EXPECT_THAT(ids_of(queue_->take(9, 0ms)), ElementsAre("42"));
}

TEST_F(ObservedWritesTest, AreNotReadsNorCallsWithoutAnEntityNorWhatModernServes) {
  start();
  ASSERT_EQ(call("read", "[[1]]"), 200);
  ASSERT_EQ(call("anonymous", "[[1]]"), 200);
  ASSERT_EQ(call("moved", "[[1]]"), 200);
  ASSERT_EQ(call("unheard of", "[[1]]"), 200);
  EXPECT_THAT(queue_->take(9, 0ms), IsEmpty());
}

TEST_F(ObservedWritesTest, AreNotWhatTheLegacySystemRefuses) {
  for (const int status : {409, 302, 500}) {
    start(8, status);
    ASSERT_EQ(call("write", "[[1]]"), status);
    EXPECT_THAT(queue_->take(9, 0ms), IsEmpty()) << status;
  }
}

TEST_F(ObservedWritesTest, AreDroppedAndCountedWhenNobodyTakesThemAndTheRequestGoesOn) {
  start(2);
  for (int i = 0; i < 5; ++i) ASSERT_EQ(call("write", "[[7]]"), 200);
  const Counters& counters = *proxy_->counters().front();
  EXPECT_EQ(counters.writes_with_ids.value(), 2U);
  EXPECT_EQ(counters.writes_dropped.value(), 3U);
}

}  // namespace
}  // namespace banyan::proxy
