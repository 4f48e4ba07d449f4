// Renders everything Banyan measures as Prometheus families (docs/reference/metrics.md lists them).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "adapters/sync/stream.hpp"
#include "gateway/admin/prometheus.hpp"
#include "gateway/base/async_log.hpp"
#include "gateway/proxy/counters.hpp"
#include "migration/catalog/route_table.hpp"

namespace banyan::app {

// What the operating system says about this process.
struct ProcessFigures {
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t descriptor_limit = 0;
  std::uint64_t threads = 0;
  double cpu_seconds = 0;         // user and system
  double start_time_seconds = 0;  // since the Unix epoch
};

// Nothing if /proc cannot be read.
std::optional<ProcessFigures> read_process_figures();

// What one page is made of. Everything may be read while other threads count on.
struct MetricsInput {
  std::vector<const proxy::Counters*> counters;  // one per io thread, each indexed by the ids of `table`
  const catalog::RouteTable* table = nullptr;    // names and stages; null: no families of functions
  const AsyncLog* access_log = nullptr;          // null: none is kept
  std::optional<ProcessFigures> process;
  std::vector<sync::StreamStatus> streams;  // those of this process
  std::string_view version;
};

// A function appears with its first request: ten thousand functions that nobody calls cost nothing.
void render_metrics(const MetricsInput& input, admin::PrometheusWriter& writer);

}  // namespace banyan::app
