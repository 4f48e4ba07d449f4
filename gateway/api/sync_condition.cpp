#include "gateway/api/sync_condition.hpp"

#include <algorithm>

namespace banyan::api {
namespace {

using namespace std::chrono_literals;

// A process tells at least once a second how far it has got.
constexpr std::chrono::seconds kToldLate = 2s;
// One that cannot bring a system up tells at least once a minute why.
constexpr std::chrono::seconds kToldLastly = 90s;

double seconds(WallTime::duration span) {
  return std::chrono::duration<double>(span).count();
}

// Whether what was told is still so.
bool is_current(const sync::StreamReport& report, WallTime now) {
  if (!report.told) return false;
  return report.lease_owner.empty() ? now - report.told->at < kToldLastly : report.told->process == report.lease_owner;
}

std::optional<double> lag(const sync::StreamReport& report, const StreamCondition& condition, bool is_mine,
                          std::chrono::milliseconds poll_interval, WallTime now) {
  std::optional<double> longest;
  if (report.oldest_waiting) longest = seconds(now - *report.oldest_waiting);
  if (const auto read = condition.figures.caught_up_at) {
    const auto granted = poll_interval + (is_mine ? 0s : kToldLate);
    longest = std::max(longest.value_or(0), seconds(now - *read - granted));
  } else if (condition.figures.behind_ms > 0) {
    longest = std::max(longest.value_or(0), static_cast<double>(condition.figures.behind_ms) / 1000);
  }
  return longest;
}

}  // namespace

StreamCondition condition_of(const sync::StreamReport& report, const sync::StreamStatus* mine,
                             std::chrono::milliseconds poll_interval, WallTime now) {
  StreamCondition condition;
  if (report.told) condition.figures = report.told->status;
  const auto told_read = condition.figures.caught_up_at;
  if (mine != nullptr) condition.figures = *mine;
  auto& read = condition.figures.caught_up_at;
  if (told_read) read = std::max(read.value_or(*told_read), *told_read);
  if (mine == nullptr && !is_current(report, now)) {
    condition.figures.trouble.clear();
    condition.figures.is_refused = false;
    condition.figures.scan_rate = 0;
  }
  condition.lag_seconds = lag(report, condition, mine != nullptr, poll_interval, now);
  condition.state = report.lease_owner.empty() ? "starting" : "running";
  condition.reason = condition.figures.trouble;
  if (condition.figures.is_refused) condition.state = "paused";
  if (report.state.paused) {
    condition.state = "paused";
    condition.reason = report.state.pause_reason;
  }
  return condition;
}

}  // namespace banyan::api
