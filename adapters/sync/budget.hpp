// Budget: how many calls a legacy system may be asked for, shared by all streams of that system. Each process has one:
// those that work on one system divide the rate among them.
//
// A token bucket. Live work may take any token; work that can wait (backfill, sweeps, verify) only those above a
// reserve, so that live changes never queue behind a backfill. A system that answers "too many requests" stops
// everything until the time that it named.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include "gateway/base/clock.hpp"

namespace banyan::sync {

enum class Urgency : std::uint8_t { live, background };

class Budget {
public:
  // `calls_per_second`: nothing: unlimited. Up to one second's worth may be saved up; a fifth is the reserve.
  Budget(std::optional<double> calls_per_second, const Clock& clock);

  // Takes one call. Nothing: taken; else the moment from which it is worth asking again.
  std::optional<SteadyTime> take(Urgency urgency);
  // Gives back nothing: takes one call in any case, going into debt (the second call of a step).
  void spend();
  // So many processes work on the system, this one included: each has an even part of the rate. From any thread.
  void divide_by(std::size_t processes);
  // Nobody gets a call before then.
  void pause_until(SteadyTime when);

  struct Figures {
    std::uint64_t calls = 0;        // taken since the start
    double used_share = 0;          // of this process's part of the rate, over the last ten seconds; 0 if unlimited
    std::optional<double> granted;  // calls per second for all processes together
    std::optional<double> part;     // of this process
    std::size_t processes = 1;
  };
  Figures figures() const;

private:
  void refill(SteadyTime now);

  const std::optional<double> granted_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::optional<double> rate_;  // this process's part
  std::size_t processes_ = 1;
  double tokens_ = 0;
  SteadyTime filled_{};
  SteadyTime paused_until_{};
  std::uint64_t calls_ = 0;
  double recent_ = 0;  // calls, decaying over ten seconds
};

}  // namespace banyan::sync
