// What a stream is doing, put together from what this process knows and from what the one that keeps it has told. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "adapters/sync/sync_queries.hpp"
#include "gateway/base/clock.hpp"

namespace banyan::api {

struct StreamCondition {
  std::string state;   // "starting", "running", "paused"
  std::string reason;  // empty: all is well
  sync::StreamStatus figures;
  // How far the modern side is behind the legacy side, or the other way round; nothing: not known.
  std::optional<double> lag_seconds;
};

// `mine`: what this process says, if it keeps the stream; else null.
StreamCondition condition_of(const sync::StreamReport& report, const sync::StreamStatus* mine,
                             std::chrono::milliseconds poll_interval, WallTime now);

}  // namespace banyan::api
