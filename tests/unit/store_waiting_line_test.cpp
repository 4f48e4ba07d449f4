#include "gateway/store/waiting_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace banyan::store {
namespace {

class WaitingLineTest : public ::testing::Test {
protected:
  // Starts a caller that waits, and returns when it does.
  void given_waiting_caller(WaitingLine& line, int number) {
    const std::size_t before = line.waiting();
    callers_.emplace_back([this, &line, number] {
      ASSERT_TRUE(line.enter(Deadline()));
      order_.push_back(number);
      line.leave();
    });
    while (line.waiting() == before) std::this_thread::yield();
  }
  std::vector<int> order() {
    for (auto& caller : callers_) caller.join();
    callers_.clear();
    return order_;
  }
  SystemClock clock_;

private:
  std::vector<std::thread> callers_;
  std::vector<int> order_;  // touched by whoever is in: one at a time
};

TEST_F(WaitingLineTest, LetsInAsManyAsThereArePlaces) {
  WaitingLine line(2, 0, clock_);
  EXPECT_TRUE(line.enter(Deadline()));
  EXPECT_TRUE(line.enter(Deadline()));
  const auto third = line.enter(Deadline());
  ASSERT_FALSE(third);
  EXPECT_EQ(ErrorCode::overloaded, third.error().code);
  line.leave();
  EXPECT_TRUE(line.enter(Deadline()));
  EXPECT_EQ(1U, line.refused());
}

TEST_F(WaitingLineTest, ServesThoseWhoWaitInOrder) {
  WaitingLine line(1, 10, clock_);
  ASSERT_TRUE(line.enter(Deadline()));
  for (int number = 0; number < 5; ++number) given_waiting_caller(line, number);
  line.leave();
  EXPECT_THAT(order(), ::testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(0U, line.inside());
}

TEST_F(WaitingLineTest, WhoeverGivesUpLeavesTheOthersTheirPlaces) {
  WaitingLine line(1, 10, clock_);
  ASSERT_TRUE(line.enter(Deadline()));
  given_waiting_caller(line, 1);
  const auto late = line.enter(Deadline::at(clock_.now()));
  ASSERT_FALSE(late);
  EXPECT_EQ(ErrorCode::deadline, late.error().code);
  given_waiting_caller(line, 2);
  line.leave();
  EXPECT_THAT(order(), ::testing::ElementsAre(1, 2));
}

TEST_F(WaitingLineTest, IsEmptyWhenTheLastOneLeft) {
  WaitingLine line(1, 10, clock_);
  ASSERT_TRUE(line.enter(Deadline()));
  given_waiting_caller(line, 1);
  line.leave();
  line.wait_until_empty();
  EXPECT_EQ(0U, line.inside());
  EXPECT_EQ(0U, line.waiting());
  EXPECT_THAT(order(), ::testing::ElementsAre(1));
}

}  // namespace
}  // namespace banyan::store
