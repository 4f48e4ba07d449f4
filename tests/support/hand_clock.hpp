// HandClock: a clock that stands still until a test lets time pass.
#pragma once

#include <chrono>

#include "gateway/base/clock.hpp"

namespace banyan::test {

class HandClock final : public Clock {
public:
  SteadyTime now() const override { return now_; }
  WallTime wall() const override { return {}; }
  void pass(std::chrono::milliseconds span) { now_ += span; }

private:
  SteadyTime now_{std::chrono::hours(1)};
};

}  // namespace banyan::test
