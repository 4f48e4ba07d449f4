// LISTEN and NOTIFY on a real PostgreSQL.
#include "gateway/store/listener.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/postgres_fixture.hpp"

namespace banyan::store {
namespace {

using ::testing::ElementsAre;

class ListenerTest : public test::PostgresTest {
protected:
  ListenerOptions listener_options() {
    ListenerOptions options;
    options.url = url("banyan_app");
    options.first_pause = std::chrono::milliseconds(1);
    options.longest_pause = std::chrono::milliseconds(10);
    return options;
  }
  Listener::Callbacks callbacks() {
    return {{{"Jobs", [this](const std::string& payload) { note("jobs:" + payload); }},
             {"records", [this](const std::string& payload) { note("records:" + payload); }}},
            [this] { note("connected"); }};
  }
  void send(const std::string& channel, const std::string& payload) {
    const auto done = app().run(soon(), [&](Transaction& tx) { notify(tx, channel, payload); });
    ASSERT_TRUE(done) << done.error().internal_detail;
  }
  void note(const std::string& event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
    changed_.notify_all();
  }
  // The events so far, as soon as there are `count`.
  std::vector<std::string> events(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60), [&] { return events_.size() >= count; }));
    return events_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> events_;
};

TEST_F(ListenerTest, HearsItsChannelsInOrderAndNoOther) {
  Listener listener(listener_options(), callbacks());
  events(1);
  send("Jobs", "1");
  send("elsewhere", "2");
  send("jobs", "3");  // names are taken as they are: another channel
  send("records", "");
  EXPECT_THAT(events(3), ElementsAre("connected", "jobs:1", "records:"));
}

TEST_F(ListenerTest, HearsNothingOfATransactionThatRolledBack) {
  Listener listener(listener_options(), callbacks());
  events(1);
  const auto undone = app().run(soon(), [](Transaction& tx) {
    notify(tx, "Jobs", "undone");
    throw Rollback(Error{});
  });
  EXPECT_FALSE(undone);
  send("Jobs", "done");
  EXPECT_THAT(events(2), ElementsAre("connected", "jobs:done"));
}

TEST_F(ListenerTest, ListensAgainAfterItsConnectionWasLostAndSaysSo) {
  Listener listener(listener_options(), callbacks());
  events(1);
  execute(superuser(),
          "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name = 'banyan "
          "listener' AND datname = current_database()");
  events(2);
  send("Jobs", "1");
  EXPECT_THAT(events(3), ElementsAre("connected", "connected", "jobs:1"));
}

TEST_F(ListenerTest, GoesOnAfterACallbackThatThrows) {
  auto throwing = callbacks();
  throwing.channels["Jobs"] = [](const std::string&) { throw std::runtime_error("a bug"); };
  Listener listener(listener_options(), throwing);
  events(1);
  send("Jobs", "1");
  send("records", "2");
  EXPECT_THAT(events(2), ElementsAre("connected", "records:2"));
}

TEST_F(ListenerTest, StopsWhileListeningAndStopsTwice) {
  Listener listener(listener_options(), callbacks());
  events(1);
  listener.stop();
  listener.stop();
  send("Jobs", "late");
  EXPECT_THAT(events(1), ElementsAre("connected"));
}

TEST_F(ListenerTest, StopsWhileThereIsNoServer) {
  auto absent = listener_options();
  absent.url = Secret("host=/nonexistent dbname=x");
  absent.first_pause = absent.longest_pause = std::chrono::hours(1);
  Listener listener(absent, callbacks());
  listener.stop();
  EXPECT_THAT(events(0), ElementsAre());
}

}  // namespace
}  // namespace banyan::store
