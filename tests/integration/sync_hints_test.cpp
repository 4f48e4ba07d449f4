// Hints between processes, over the store.
#include "gateway/app/sync_hints.hpp"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <future>
#include <stdexcept>
#include <utility>

#include "gateway/store/listener.hpp"
#include "tests/support/postgres_fixture.hpp"

namespace banyan::test {
namespace {

using banyan::app::Hint;
using banyan::app::ObservedTeller;
using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

class SyncHints : public PostgresTest {
protected:
  SyncHints() {
    store::ListenerOptions options;
    options.url = url("banyan_app");
    store::Listener::Callbacks callbacks;
    callbacks.channels[banyan::app::kObservedChannel] = [this](const std::string& payload) {
      if (!std::exchange(has_come_, true)) came_.set_value(payload);
    };
    callbacks.connected = [this] { connected_.set_value(); };
    listener_ = std::make_unique<store::Listener>(std::move(options), std::move(callbacks));
    connected_.get_future().wait_for(60s);
  }
  ~SyncHints() override { listener_->stop(); }

  // A hint may be lost, so it is given until one arrives.
  Hint heard(const std::function<void()>& give) {
    auto payload = came_.get_future();
    for (int tries = 0; tries < 600; ++tries) {
      give();
      if (payload.wait_for(100ms) == std::future_status::ready) break;
    }
    if (payload.wait_for(0ms) != std::future_status::ready) throw std::runtime_error("no hint has arrived");
    return banyan::app::read_hint(payload.get());
  }

  bool has_come_ = false;  // of the listener's thread
  std::promise<std::string> came_;
  std::promise<void> connected_;
  std::unique_ptr<store::Listener> listener_;
};

TEST_F(SyncHints, AProxyAloneTellsOfTheWritesThatItSees) {
  ObservedTeller teller({"crm"}, app(), clock_);
  EXPECT_FALSE(teller.observe({"f", "account", "shop", {"1"}, {}})) << "no system that is kept the same";
  const Hint hint = heard([&] { EXPECT_TRUE(teller.observe({"f", "account", "crm", {"7", "8"}, {}})); });
  ASSERT_TRUE(hint.observed);
  EXPECT_EQ(hint.observed->upstream, "crm");
  EXPECT_EQ(hint.observed->entity, "account");
  EXPECT_THAT(hint.observed->ids, ElementsAre("7", "8"));
  EXPECT_FALSE(hint.stream);
}

TEST_F(SyncHints, WhatAStreamNoticesArrivesWhole) {
  const sync::StreamHint told{"crm", "contact", {"7"}, true};
  const Hint hint = heard([&] { banyan::app::tell_of(app(), told, clock_); });
  ASSERT_TRUE(hint.stream);
  EXPECT_EQ(hint.stream->system, "crm");
  EXPECT_EQ(hint.stream->entity, "contact");
  EXPECT_THAT(hint.stream->ids, ElementsAre("7"));
  EXPECT_TRUE(hint.stream->sweep);
  EXPECT_FALSE(hint.observed);
}

TEST_F(SyncHints, TooManyIdsBecomeALookAtWhateverIsNew) {
  const sync::StreamHint told{"crm", "contact", std::vector<std::string>(1'000, "0123456789"), false};
  const Hint hint = heard([&] { banyan::app::tell_of(app(), told, clock_); });
  ASSERT_TRUE(hint.stream);
  EXPECT_THAT(hint.stream->ids, IsEmpty());
}

// Takes connections and never says a word.
class SilentServer {
public:
  SilentServer() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    void* const place = &address;
    EXPECT_EQ(bind(socket_, static_cast<sockaddr*>(place), size), 0);
    EXPECT_EQ(listen(socket_, 64), 0);
    EXPECT_EQ(getsockname(socket_, static_cast<sockaddr*>(place), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() {
    for (const int connection : taken_) close(connection);
    close(socket_);
  }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;
  void take_one() {
    pollfd waiting{socket_, POLLIN, 0};
    ASSERT_EQ(poll(&waiting, 1, 60'000), 1);
    taken_.push_back(accept(socket_, nullptr, nullptr));
  }
  std::string url() const { return "postgresql://nobody@127.0.0.1:" + std::to_string(port_) + "/nothing"; }

private:
  const int socket_ = socket(AF_INET, SOCK_STREAM, 0);
  std::vector<int> taken_;
  std::uint16_t port_ = 0;
};

TEST(ObservedWrites, ThatAreManyDoNotHoldUpTheEndWhereTheStoreIsSilent) {
  const SystemClock clock;
  SilentServer silent;
  store::DatabaseOptions options;
  options.url = Secret(silent.url());
  store::Database database(std::move(options), clock);
  ObservedTeller teller({"crm"}, database, clock);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(teller.observe({"f", "account", "crm", {std::to_string(i)}, {}}));
  silent.take_one();
  silent.take_one();  // by now all of them have been taken out of the queue
  const SteadyTime began = clock.now();
  teller.stop();
  EXPECT_LT(clock.now() - began, 60s) << "each of a hundred may take a second and more";
}

TEST(SyncHint, WhatMakesNoSenseIsNoHint) {
  for (const char* payload : {"", "x", "[]", "{}", R"({"system": 7, "entity": "a"})", R"({"system": "crm"})",
                              R"({"upstream": "", "entity": "a", "ids": "b"})"}) {
    const Hint hint = banyan::app::read_hint(payload);
    EXPECT_FALSE(hint.observed || hint.stream) << payload;
  }
}

}  // namespace
}  // namespace banyan::test
