#include "adapters/records/record_id.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace banyan::records {
namespace {

class ManualClock final : public Clock {
public:
  SteadyTime now() const override { return {}; }
  WallTime wall() const override { return wall_time; }
  WallTime wall_time{std::chrono::milliseconds(0x0123'4567'89AB)};
};

TEST(RecordIds, AreUuidsOfVersionSevenThatBeginWithTheTime) {
  const ManualClock clock;
  RecordIds ids(clock, 1);
  const std::string id = ids.next();
  EXPECT_EQ(id.substr(0, 18), "01234567-89ab-7000");
  EXPECT_EQ(id.size(), 36U);
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos);
}

TEST(RecordIds, RiseWithinAMillisecondAndWhenTheClockStepsBack) {
  ManualClock clock;
  RecordIds ids(clock, 1);
  std::string last = ids.next();
  for (int i = 0; i < 10'000; ++i) {
    if (i % 100 == 0) clock.wall_time -= std::chrono::milliseconds(3);
    std::string id = ids.next();
    ASSERT_LT(last, id);
    last = std::move(id);
  }
}

}  // namespace
}  // namespace banyan::records
