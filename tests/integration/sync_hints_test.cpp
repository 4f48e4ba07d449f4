// Hints between processes, over the store.
#include "gateway/app/sync_hints.hpp"

#include <gmock/gmock.h>

#include <future>

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
      came_.set_value(payload);
    };
    callbacks.connected = [this] { connected_.set_value(); };
    listener_ = std::make_unique<store::Listener>(std::move(options), std::move(callbacks));
    connected_.get_future().wait_for(20s);
  }
  ~SyncHints() override { listener_->stop(); }

  Hint heard() {
    auto payload = came_.get_future();
    if (payload.wait_for(20s) != std::future_status::ready) return {};
    return banyan::app::read_hint(payload.get());
  }

  std::promise<std::string> came_;
  std::promise<void> connected_;
  std::unique_ptr<store::Listener> listener_;
};

TEST_F(SyncHints, AProxyAloneTellsOfTheWritesThatItSees) {
  ObservedTeller teller({"crm"}, app(), clock_);
  EXPECT_FALSE(teller.observe({"f", "account", "shop", {"1"}, {}})) << "no system that is kept the same";
  EXPECT_TRUE(teller.observe({"f", "account", "crm", {"7", "8"}, {}}));
  const Hint hint = heard();
  ASSERT_TRUE(hint.observed);
  EXPECT_EQ(hint.observed->upstream, "crm");
  EXPECT_EQ(hint.observed->entity, "account");
  EXPECT_THAT(hint.observed->ids, ElementsAre("7", "8"));
  EXPECT_FALSE(hint.stream);
}

TEST_F(SyncHints, WhatAStreamNoticesArrivesWhole) {
  banyan::app::tell_of(app(), sync::StreamHint{"crm", "contact", {"7"}, true}, clock_);
  const Hint hint = heard();
  ASSERT_TRUE(hint.stream);
  EXPECT_EQ(hint.stream->system, "crm");
  EXPECT_EQ(hint.stream->entity, "contact");
  EXPECT_THAT(hint.stream->ids, ElementsAre("7"));
  EXPECT_TRUE(hint.stream->sweep);
  EXPECT_FALSE(hint.observed);
}

TEST_F(SyncHints, TooManyIdsBecomeALookAtWhateverIsNew) {
  banyan::app::tell_of(app(), sync::StreamHint{"crm", "contact", std::vector<std::string>(1'000, "0123456789"), false},
                       clock_);
  const Hint hint = heard();
  ASSERT_TRUE(hint.stream);
  EXPECT_THAT(hint.stream->ids, IsEmpty());
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
