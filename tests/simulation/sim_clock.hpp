// Time in a simulation: one true time that only the simulator moves, and clocks that show it more or less rightly.
#pragma once

#include <chrono>

#include "gateway/base/clock.hpp"

namespace banyan::simulation {

using std::chrono::microseconds;
using std::chrono::milliseconds;

class TrueTime {
public:
  microseconds elapsed() const { return elapsed_; }
  void advance(microseconds by) { elapsed_ += by; }

private:
  microseconds elapsed_{0};
};

// A clock on somebody's machine. Its wall time may be wrong, and may be set; its steady time never steps back.
class SimClock final : public Clock {
public:
  explicit SimClock(const TrueTime& time, microseconds skew = microseconds{0}) : time_(time), skew_(skew) {}

  SteadyTime now() const override { return SteadyTime(kSteadyStart + time_.elapsed()); }
  WallTime wall() const override {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(kWallStart + time_.elapsed() + skew_));
  }
  microseconds since_start() const { return time_.elapsed(); }
  // The wall clock is set: forwards or back.
  void step(microseconds by) { skew_ += by; }
  microseconds skew() const { return skew_; }

private:
  static constexpr microseconds kSteadyStart = std::chrono::hours(1);
  static constexpr microseconds kWallStart = std::chrono::seconds(1'793'534'400);  // 2026-11-01 12:00 UTC

  const TrueTime& time_;
  microseconds skew_;
};

}  // namespace banyan::simulation
