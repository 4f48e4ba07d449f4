#include "gateway/net/deadline_wheel.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>

namespace banyan::net {
namespace {

using namespace std::chrono_literals;

class Entry final : public DeadlineEntry {
public:
  int fired = 0;
  std::function<void()> then = [] {};

private:
  void on_deadline() override {
    ++fired;
    then();
  }
};

void pass(DeadlineWheel& wheel, std::chrono::milliseconds span) {
  for (auto left = span; left > 0ms; left -= DeadlineWheel::kTick) wheel.tick();
}

TEST(DeadlineWheel, FiresOnceNeverEarlyAndAtMostTwoTicksLate) {
  for (const auto span : {1ms, 100ms, 101ms, 5'000ms, 102'300ms, 500'000ms}) {
    DeadlineWheel wheel;
    Entry entry;
    wheel.set(entry, span);
    pass(wheel, span);
    EXPECT_EQ(entry.fired, 0) << span.count();
    pass(wheel, 200ms);
    EXPECT_EQ(entry.fired, 1) << span.count();
    pass(wheel, 300'000ms);
    EXPECT_EQ(entry.fired, 1) << span.count();
  }
}

TEST(DeadlineWheel, MovesALaterAndAnEarlierDeadline) {
  DeadlineWheel wheel;
  Entry entry;
  wheel.set(entry, 1'000ms);
  wheel.set(entry, 5'000ms);
  pass(wheel, 2'000ms);
  EXPECT_EQ(entry.fired, 0);
  wheel.set(entry, 500ms);
  pass(wheel, 700ms);
  EXPECT_EQ(entry.fired, 1);
}

TEST(DeadlineWheel, AClearedDeadlineDoesNotFireAndCanBeSetAgain) {
  DeadlineWheel wheel;
  Entry entry;
  wheel.set(entry, 300ms);
  DeadlineWheel::clear(entry);
  pass(wheel, 1'000ms);
  EXPECT_EQ(entry.fired, 0);
  wheel.set(entry, 300ms);
  pass(wheel, 1'000ms);
  EXPECT_EQ(entry.fired, 1);
}

TEST(DeadlineWheel, AFiringEntryMayDestroyAnotherOfTheSameTick) {
  DeadlineWheel wheel;
  auto victim = std::make_unique<Entry>();
  Entry killer;
  wheel.set(*victim, 300ms);
  wheel.set(killer, 300ms);  // linked later, looked at first
  killer.then = [&] { victim.reset(); };
  pass(wheel, 1'000ms);
  EXPECT_EQ(killer.fired, 1);
  EXPECT_EQ(victim, nullptr);
}

TEST(DeadlineWheel, AnEntryMaySetItselfAnewWhenItFires) {
  DeadlineWheel wheel;
  Entry entry;
  entry.then = [&] { wheel.set(entry, 100ms); };
  wheel.set(entry, 100ms);
  pass(wheel, 1'000ms);
  EXPECT_GE(entry.fired, 4);
}

TEST(DeadlineWheel, AnEntryThatIsDestroyedLeavesIt) {
  DeadlineWheel wheel;
  {
    Entry gone;
    wheel.set(gone, 200ms);
  }
  pass(wheel, 1'000ms);
  SUCCEED() << "nothing was touched that is not there";
}

}  // namespace
}  // namespace banyan::net
