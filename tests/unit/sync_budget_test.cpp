#include "adapters/sync/budget.hpp"

#include <gtest/gtest.h>

#include "tests/support/hand_clock.hpp"

namespace banyan::sync {
namespace {

using namespace std::chrono_literals;
using test::HandClock;

int taken(Budget& budget, Urgency urgency) {
  int count = 0;
  while (count < 1'000 && !budget.take(urgency)) ++count;
  return count;
}

TEST(Budget, WithoutARateGivesEveryCall) {
  HandClock clock;
  Budget budget(std::nullopt, clock);

  EXPECT_EQ(taken(budget, Urgency::background), 1'000);
}

TEST(Budget, IsDividedByTheProcessesThatWorkOnTheSystem) {
  HandClock clock;
  Budget budget(20, clock);
  EXPECT_EQ(budget.figures().part, 20);

  budget.divide_by(2);
  EXPECT_EQ(taken(budget, Urgency::live), 10) << "what was saved up is divided as well";
  clock.pass(1s);
  EXPECT_EQ(taken(budget, Urgency::live), 10);
  EXPECT_EQ(budget.figures().granted, 20);
  EXPECT_EQ(budget.figures().part, 10);
  EXPECT_EQ(budget.figures().processes, 2U);

  budget.divide_by(1);
  clock.pass(1s);
  EXPECT_EQ(taken(budget, Urgency::live), 20);
}

TEST(Budget, GivesNoMoreThanItsRate) {
  HandClock clock;
  Budget budget(10, clock);
  EXPECT_EQ(taken(budget, Urgency::live), 10);

  clock.pass(500ms);

  EXPECT_EQ(taken(budget, Urgency::live), 5);
}

TEST(Budget, KeepsAReserveForLiveChanges) {
  HandClock clock;
  Budget budget(10, clock);

  EXPECT_EQ(taken(budget, Urgency::background), 8);
  EXPECT_EQ(taken(budget, Urgency::live), 2);
}

TEST(Budget, ASlowRateDoesNotStarveTheBackground) {
  HandClock clock;
  Budget budget(0.5, clock);

  EXPECT_EQ(taken(budget, Urgency::background), 1);
  clock.pass(2s);
  EXPECT_EQ(taken(budget, Urgency::background), 1);
}

TEST(Budget, SaysWhenToAskAgain) {
  HandClock clock;
  Budget budget(10, clock);
  taken(budget, Urgency::live);

  const auto later = budget.take(Urgency::live);

  ASSERT_TRUE(later);
  EXPECT_EQ(std::chrono::round<std::chrono::milliseconds>(*later - clock.now()), 100ms);
}

TEST(Budget, AnAnswerOfTooManyRequestsStopsEverything) {
  HandClock clock;
  Budget budget(std::nullopt, clock);
  budget.pause_until(clock.now() + 3s);

  EXPECT_TRUE(budget.take(Urgency::live));
  clock.pass(3s);
  EXPECT_FALSE(budget.take(Urgency::live));
}

TEST(Budget, ShowsTheShareInUse) {
  HandClock clock;
  Budget budget(10, clock);
  for (int i = 0; i < 600; ++i) {
    static_cast<void>(budget.take(Urgency::live));
    clock.pass(100ms);
  }

  EXPECT_NEAR(budget.figures().used_share, 1.0, 0.1);
  EXPECT_GE(budget.figures().calls, 600U);
}

}  // namespace
}  // namespace banyan::sync
