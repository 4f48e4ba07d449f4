#include "gateway/app/metrics.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace banyan::app {
namespace {

using admin::HistogramSample;
using admin::MetricType;
using admin::PrometheusWriter;
using proxy::Counter;
using proxy::Counters;
using CounterList = std::vector<const Counters*>;

constexpr std::size_t kSides = 4;          // values of catalog::ServedBy
constexpr std::size_t kStatusClasses = 6;  // FunctionCounters::requests
constexpr std::size_t kBuckets = proxy::kLatencyBoundsUs.size() + 1;
constexpr double kMicrosecond = 1e-6;

constexpr std::array<std::string_view, kStatusClasses> kStatusClassWords{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

// One function, summed over threads.
struct FunctionTotals {
  std::array<std::array<std::uint64_t, kStatusClasses>, kSides> requests{};
  std::array<std::array<std::uint64_t, kBuckets>, kSides> buckets{};
  std::array<std::uint64_t, kSides> sum_us{};
  std::uint64_t request_bytes = 0;
  std::uint64_t response_bytes = 0;

  void add(const proxy::FunctionCounters& from) {
    for (std::size_t side = 0; side < kSides; ++side) {
      for (std::size_t i = 0; i < kStatusClasses; ++i) requests[side][i] += from.requests[side][i].value();
      for (std::size_t i = 0; i < kBuckets; ++i) buckets[side][i] += from.duration[side].buckets[i].value();
      sum_us[side] += from.duration[side].sum_us.value();
    }
    request_bytes += from.request_bytes.value();
    response_bytes += from.response_bytes.value();
  }
};

struct NamedTotals {
  std::string_view function;
  std::string_view stage;
  FunctionTotals totals;
};

std::string_view side_word(std::size_t side) {
  return to_string(static_cast<catalog::ServedBy>(side));
}

std::vector<NamedTotals> collect_functions(const CounterList& counters, const catalog::RouteTable& table) {
  std::vector<NamedTotals> called;
  const auto& functions = table.functions();
  for (std::size_t id = 0; id < functions.size(); ++id) {
    bool seen = false;
    FunctionTotals totals;
    for (const Counters* thread : counters) {
      if (id >= thread->functions.size()) continue;
      const proxy::FunctionCounters* found = thread->functions[id].load(std::memory_order_acquire);
      if (found == nullptr) continue;
      seen = true;
      totals.add(*found);
    }
    if (seen) called.push_back({functions[id].spec.name, to_string(functions[id].spec.stage), totals});
  }
  return called;
}

void render_requests(const std::vector<NamedTotals>& functions, PrometheusWriter& writer) {
  writer.family(MetricType::counter, "banyan_requests_total", "Requests that ended.");
  for (const NamedTotals& each : functions) {
    for (std::size_t side = 0; side < kSides; ++side) {
      for (std::size_t i = 0; i < kStatusClasses; ++i) {
        const std::uint64_t count = each.totals.requests[side][i];
        if (count == 0) continue;
        writer.sample({{"function", each.function},
                       {"stage", each.stage},
                       {"served_by", side_word(side)},
                       {"status_class", kStatusClassWords[i]}},
                      count);
      }
    }
  }
}

void render_durations(const std::vector<NamedTotals>& functions, PrometheusWriter& writer) {
  std::array<double, proxy::kLatencyBoundsUs.size()> bounds{};
  for (std::size_t i = 0; i < bounds.size(); ++i) bounds[i] = static_cast<double>(proxy::kLatencyBoundsUs[i]) / 1e6;
  writer.family(MetricType::histogram, "banyan_request_duration_seconds",
                "Time from the first byte of a request to the last byte of its response.");
  for (const NamedTotals& each : functions) {
    for (std::size_t side = 0; side < kSides; ++side) {
      const auto& buckets = each.totals.buckets[side];
      std::uint64_t count = 0;
      for (const std::uint64_t bucket : buckets) count += bucket;
      if (count == 0) continue;
      const HistogramSample sample{bounds, buckets, static_cast<double>(each.totals.sum_us[side]) * kMicrosecond};
      writer.histogram({{"function", each.function}, {"stage", each.stage}, {"served_by", side_word(side)}}, sample);
    }
  }
}

void render_bytes(const std::vector<NamedTotals>& functions, PrometheusWriter& writer) {
  writer.family(MetricType::counter, "banyan_request_body_bytes_total", "Body bytes taken from clients.");
  for (const NamedTotals& each : functions) {
    writer.sample({{"function", each.function}, {"stage", each.stage}}, each.totals.request_bytes);
  }
  writer.family(MetricType::counter, "banyan_response_body_bytes_total", "Body bytes sent to clients.");
  for (const NamedTotals& each : functions) {
    writer.sample({{"function", each.function}, {"stage", each.stage}}, each.totals.response_bytes);
  }
}

struct EndpointFamily {
  MetricType type;
  std::string_view name;
  std::string_view help;
  Counter proxy::EndpointCounters::*counter;
};

constexpr std::array<EndpointFamily, 6> kEndpointFamilies{{
    {MetricType::counter, "banyan_upstream_connects_total", "Connections opened to an endpoint.",
     &proxy::EndpointCounters::connects},
    {MetricType::counter, "banyan_upstream_connect_failures_total", "Connections that an endpoint did not take.",
     &proxy::EndpointCounters::connect_failures},
    {MetricType::counter, "banyan_upstream_requests_total", "Requests sent to an endpoint.",
     &proxy::EndpointCounters::requests},
    {MetricType::counter, "banyan_upstream_failures_total",
     "Requests to which a connected endpoint gave no complete, well-formed response.",
     &proxy::EndpointCounters::failures},
    {MetricType::gauge, "banyan_upstream_requests_outstanding", "Requests under way at an endpoint.",
     &proxy::EndpointCounters::outstanding},
    {MetricType::gauge, "banyan_upstream_connections_idle", "Pooled connections to an endpoint.",
     &proxy::EndpointCounters::idle},
}};

void render_upstreams(const CounterList& counters, PrometheusWriter& writer) {
  using Place = std::pair<std::string_view, std::string_view>;  // upstream, endpoint
  for (const EndpointFamily& family : kEndpointFamilies) {
    std::map<Place, std::uint64_t> sums;
    for (const Counters* thread : counters) {
      for (const proxy::UpstreamCounters& upstream : thread->upstreams) {
        std::size_t i = 0;
        for (const proxy::EndpointCounters& endpoint : upstream.endpoints) {
          sums[{upstream.name, upstream.endpoint_names.at(i++)}] += (endpoint.*family.counter).value();
        }
      }
    }
    writer.family(family.type, family.name, family.help);
    for (const auto& [place, sum] : sums) {
      writer.sample({{"upstream", place.first}, {"endpoint", place.second}}, sum);
    }
  }
}

struct PlainFamily {
  MetricType type;
  std::string_view name;
  std::string_view help;
  Counter Counters::*counter;
};

constexpr std::array<PlainFamily, 7> kPlainFamilies{{
    {MetricType::counter, "banyan_connections_accepted_total", "Client connections taken.",
     &Counters::connections_accepted},
    {MetricType::counter, "banyan_connections_refused_total", "Client connections over the limit.",
     &Counters::connections_refused},
    {MetricType::gauge, "banyan_connections_open", "Client connections open.", &Counters::connections_open},
    {MetricType::gauge, "banyan_tunnels_open", "Upgraded connections open.", &Counters::tunnels_open},
    {MetricType::counter, "banyan_clients_left_total", "Requests whose client went away before the end.",
     &Counters::clients_left},
    {MetricType::counter, "banyan_timeouts_total", "Deadlines that ended a request or a connection; idle ones not.",
     &Counters::timeouts},
    {MetricType::counter, "banyan_access_log_lines_total", "Access-log lines handed to the log.",
     &Counters::access_lines},
}};

void render_data_plane(const CounterList& counters, PrometheusWriter& writer) {
  for (const PlainFamily& family : kPlainFamilies) {
    std::uint64_t sum = 0;
    for (const Counters* thread : counters) sum += (thread->*family.counter).value();
    writer.family(family.type, family.name, family.help);
    writer.sample({}, sum);
  }
  std::map<std::string_view, std::uint64_t> refusals;
  for (const Counters* thread : counters) {
    for (const proxy::RefusalCounter& refusal : thread->refusals) refusals[refusal.name] += refusal.count.value();
  }
  writer.family(MetricType::counter, "banyan_gate_refusals_total", "Messages that a rule of the gate refused.");
  for (const auto& [rule, count] : refusals) writer.sample({{"rule", rule}}, count);
  writer.family(MetricType::gauge, "banyan_io_threads", "Threads of the data plane.");
  writer.sample({}, static_cast<std::uint64_t>(counters.size()));
}

void render_observed_writes(const CounterList& counters, PrometheusWriter& writer) {
  constexpr std::array<std::pair<std::string_view, Counter Counters::*>, 3> kOutcomes{
      {{"with_ids", &Counters::writes_with_ids},
       {"without_ids", &Counters::writes_without_ids},
       {"dropped", &Counters::writes_dropped}}};
  writer.family(MetricType::counter, "banyan_observed_writes_total",
                "Writes to a legacy side that were handed over to the synchronisation of records.");
  for (const auto& [outcome, counter] : kOutcomes) {
    std::uint64_t sum = 0;
    for (const Counters* thread : counters) sum += (thread->*counter).value();
    writer.sample({{"outcome", outcome}}, sum);
  }
}

void render_streams(const std::vector<sync::StreamStatus>& streams, PrometheusWriter& writer) {
  const auto each = [&](MetricType type, std::string_view name, std::string_view help, auto value_of) {
    writer.family(type, name, help);
    for (const sync::StreamStatus& stream : streams) {
      writer.sample({{"system", stream.system}, {"entity", stream.entity}}, value_of(stream));
    }
  };
  each(MetricType::gauge, "banyan_sync_held", "Whether this process keeps the stream.",
       [](const auto& stream) { return std::uint64_t{stream.holds_lease}; });
  each(MetricType::gauge, "banyan_sync_troubled", "Whether the stream cannot go on right now.",
       [](const auto& stream) { return std::uint64_t{!stream.trouble.empty()}; });
  each(MetricType::gauge, "banyan_sync_lag_seconds",
       "Legacy stamp to commit of the change captured last, or how much longer than a poll interval the feed has not "
       "been read to its end, if that is more.",
       [](const auto& stream) {
         const std::int64_t behind_ms = stream.holds_lease ? stream.behind_ms : 0;
         return static_cast<double>(std::max(stream.lag_ms, behind_ms)) / 1000;
       });
  each(MetricType::counter, "banyan_sync_near_misses_total", "Values written to the legacy side that it rewrote.",
       [](const auto& stream) { return static_cast<std::uint64_t>(stream.near_misses); });
  each(MetricType::gauge, "banyan_sync_observed_waiting", "Observed writes that have not been captured yet.",
       [](const auto& stream) { return std::uint64_t{stream.observed_waiting}; });
  each(MetricType::gauge, "banyan_sync_scan_rate", "Records a second of the run under way; 0: there is none.",
       [](const auto& stream) { return stream.scan_rate; });
}

void render_access_log(const AsyncLog& log, PrometheusWriter& writer) {
  writer.family(MetricType::counter, "banyan_access_log_written_lines_total", "Access-log lines written.");
  writer.sample({}, log.written_lines());
  writer.family(MetricType::counter, "banyan_access_log_dropped_lines_total",
                "Access-log lines lost because the queue was full or a write failed.");
  writer.sample({}, log.dropped_lines());
  writer.family(MetricType::counter, "banyan_access_log_write_errors_total",
                "Batches that could not be written whole.");
  writer.sample({}, log.write_errors());
}

void render_process(const ProcessFigures& figures, PrometheusWriter& writer) {
  writer.family(MetricType::gauge, "process_resident_memory_bytes", "Resident memory.");
  writer.sample({}, figures.resident_bytes);
  writer.family(MetricType::gauge, "process_open_fds", "Open file descriptors.");
  writer.sample({}, figures.open_descriptors);
  writer.family(MetricType::gauge, "process_max_fds", "Most file descriptors that may be open.");
  writer.sample({}, figures.descriptor_limit);
  writer.family(MetricType::gauge, "process_threads", "Threads of the process.");
  writer.sample({}, figures.threads);
  writer.family(MetricType::counter, "process_cpu_seconds_total", "User and system CPU time.");
  writer.sample({}, figures.cpu_seconds);
  writer.family(MetricType::gauge, "process_start_time_seconds", "Start of the process since the Unix epoch.");
  writer.sample({}, figures.start_time_seconds);
}

}  // namespace

void render_metrics(const MetricsInput& input, PrometheusWriter& writer) {
  writer.family(MetricType::gauge, "banyan_build_info", "Always 1; the version is in the label.");
  writer.sample({{"version", input.version}}, std::uint64_t{1});
  if (input.table != nullptr) {
    const std::vector<NamedTotals> functions = collect_functions(input.counters, *input.table);
    render_requests(functions, writer);
    render_durations(functions, writer);
    render_bytes(functions, writer);
  }
  render_data_plane(input.counters, writer);
  render_upstreams(input.counters, writer);
  render_observed_writes(input.counters, writer);
  if (!input.streams.empty()) render_streams(input.streams, writer);
  if (input.access_log != nullptr) render_access_log(*input.access_log, writer);
  if (input.process) render_process(*input.process, writer);
}

}  // namespace banyan::app
