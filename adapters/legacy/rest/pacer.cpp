#include "adapters/legacy/rest/pacer.hpp"

#include <algorithm>

namespace banyan::legacy::rest {

Pacer::Pacer(std::optional<double> calls_per_second) {
  if (!calls_per_second) return;
  interval_ = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(1.0 / *calls_per_second));
}

Pacer::Turn Pacer::take(SteadyTime now, std::optional<SteadyTime> latest) {
  const std::lock_guard lock(mutex_);
  if (now < rest_) return {rest_ - now, false};
  const SteadyTime turn = std::max(now, next_);
  if (latest && turn > now && turn >= *latest) return {turn - now, false};
  next_ = turn + interval_;
  return {turn - now, true};
}

void Pacer::rest_until(SteadyTime when) {
  const std::lock_guard lock(mutex_);
  rest_ = std::max(rest_, when);
}

}  // namespace banyan::legacy::rest
