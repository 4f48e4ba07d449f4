// Clock and Deadline: time as a port, so that tests move it by hand.
#pragma once

#include <chrono>
#include <optional>

namespace banyan {

using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

class Clock {
public:
  virtual ~Clock() = default;
  virtual SteadyTime now() const = 0;  // never steps back; for deadlines and durations
  virtual WallTime wall() const = 0;   // UTC; for stamps that people read
};

class SystemClock final : public Clock {
public:
  SteadyTime now() const override { return std::chrono::steady_clock::now(); }
  WallTime wall() const override { return std::chrono::system_clock::now(); }
};

// A moment after which an operation is not worth going on with. A value, passed down through every call.
class Deadline {
public:
  // Never passes.
  Deadline() = default;

  static Deadline at(SteadyTime when) { return Deadline(when); }
  static Deadline after(const Clock& clock, std::chrono::steady_clock::duration span) {
    return Deadline(clock.now() + span);
  }

  bool passed(SteadyTime now) const { return when_ && now >= *when_; }
  std::optional<SteadyTime> when() const { return when_; }

private:
  explicit Deadline(SteadyTime when) : when_(when) {}
  std::optional<SteadyTime> when_;
};

}  // namespace banyan
