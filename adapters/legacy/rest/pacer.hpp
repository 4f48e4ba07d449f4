// Pacer: keeps the calls to one system below its rate, and apart from it while it asked to be left alone.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>

#include "gateway/base/clock.hpp"

namespace banyan::legacy::rest {

// Safe from several threads.
class Pacer {
public:
  explicit Pacer(std::optional<double> calls_per_second);

  struct Turn {
    std::chrono::steady_clock::duration wait{};  // until the call may be made
    bool granted = false;                        // false: no turn was taken; try again after `wait`
  };
  // Takes the next turn, unless it comes only at or after `latest` or the system asked for a longer rest.
  Turn take(SteadyTime now, std::optional<SteadyTime> latest);

  // The system asked for no calls until then.
  void rest_until(SteadyTime when);

private:
  std::chrono::steady_clock::duration interval_{};
  std::mutex mutex_;
  SteadyTime next_{};
  SteadyTime rest_{};
};

}  // namespace banyan::legacy::rest
