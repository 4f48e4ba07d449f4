#include "adapters/sync/budget.hpp"

#include <algorithm>
#include <cmath>

namespace banyan::sync {
namespace {

constexpr double kReservedShare = 0.2;
constexpr double kRecentSeconds = 10;

double seconds(std::chrono::steady_clock::duration span) {
  return std::chrono::duration<double>(span).count();
}

}  // namespace

Budget::Budget(std::optional<double> calls_per_second, const Clock& clock)
    : granted_(calls_per_second),
      clock_(clock),
      rate_(calls_per_second),
      tokens_(std::max(1.0, calls_per_second.value_or(0))),
      filled_(clock.now()) {}

void Budget::refill(SteadyTime now) {
  const double passed = seconds(now - filled_);
  if (passed <= 0) return;
  filled_ = now;
  recent_ *= std::exp(-passed / kRecentSeconds);
  if (rate_) tokens_ = std::min(std::max(1.0, *rate_), tokens_ + passed * *rate_);
}

std::optional<SteadyTime> Budget::take(Urgency urgency) {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.now();
  refill(now);
  if (now < paused_until_) return paused_until_;
  if (rate_) {
    // Below one call a second the bucket holds a single token, and a reserve would starve the background for ever.
    const double reserve = urgency == Urgency::background && *rate_ > 2 ? kReservedShare * *rate_ : 0;
    const double wanted = 1 + reserve;
    if (tokens_ < wanted) {
      const auto wait = std::chrono::duration<double>((wanted - tokens_) / *rate_);
      return now + std::max(std::chrono::duration_cast<std::chrono::steady_clock::duration>(wait),
                            std::chrono::steady_clock::duration(std::chrono::milliseconds(1)));
    }
    tokens_ -= 1;
  }
  ++calls_;
  recent_ += 1;
  return std::nullopt;
}

void Budget::spend() {
  const std::lock_guard lock(mutex_);
  refill(clock_.now());
  if (rate_) tokens_ -= 1;
  ++calls_;
  recent_ += 1;
}

void Budget::divide_by(std::size_t processes) {
  const std::lock_guard lock(mutex_);
  refill(clock_.now());
  processes_ = std::max<std::size_t>(1, processes);
  if (!granted_) return;
  rate_ = *granted_ / static_cast<double>(processes_);
  tokens_ = std::min(tokens_, std::max(1.0, *rate_));  // what was saved up belongs to the others as well
}

void Budget::pause_until(SteadyTime when) {
  const std::lock_guard lock(mutex_);
  paused_until_ = std::max(paused_until_, when);
}

Budget::Figures Budget::figures() const {
  const std::lock_guard lock(mutex_);
  const double faded = recent_ * std::exp(-std::max(0.0, seconds(clock_.now() - filled_)) / kRecentSeconds);
  return {calls_, rate_ ? faded / (kRecentSeconds * *rate_) : 0, granted_, rate_, processes_};
}

}  // namespace banyan::sync
