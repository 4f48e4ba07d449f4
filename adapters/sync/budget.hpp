// Budget: how many calls a legacy system may be asked for, shared by all streams of that system.
//
// A token bucket. Live work may take any token; work that can wait (backfill, sweeps, verify) only those above a
// reserve, so that live changes never queue behind a backfill. A system that answers "too many requests" stops
// everything until the time that it named.
#pragma once

#include <chrono>
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
  // Nobody gets a call before then.
  void pause_until(SteadyTime when);

  // Calls taken since the start, and the share of the granted rate used over the last ten seconds (0 if unlimited).
  struct Figures {
    std::uint64_t calls = 0;
    double used_share = 0;
  };
  Figures figures() const;

private:
  void refill(SteadyTime now);

  const std::optional<double> rate_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  double tokens_ = 0;
  SteadyTime filled_{};
  SteadyTime paused_until_{};
  std::uint64_t calls_ = 0;
  double recent_ = 0;  // calls, decaying over ten seconds
};

}  // namespace banyan::sync
