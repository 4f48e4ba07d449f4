// Counters: what the data plane measures. One Counters per io thread; only that thread writes, any thread may read.
// Reading sums over threads; a reader may see a request half counted (its count but not yet its bytes), never a torn
// number.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "migration/catalog/function.hpp"

namespace banyan::proxy {

// A number with one writer. Cheaper than fetch_add: no locked instruction on the request path.
class Counter {
public:
  void add(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void subtract(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

// Upper bounds of the latency buckets in microseconds; one more bucket holds what is above the last.
inline constexpr std::array<std::uint64_t, 13> kLatencyBoundsUs{
    500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000, 5'000'000, 30'000'000};

struct LatencyHistogram {
  std::array<Counter, kLatencyBoundsUs.size() + 1> buckets;  // not cumulative
  Counter sum_us;

  void record(std::uint64_t microseconds) {
    std::size_t i = 0;
    while (i < kLatencyBoundsUs.size() && microseconds > kLatencyBoundsUs[i]) ++i;
    buckets[i].add();
    sum_us.add(microseconds);
  }
};

// Of one function (the unmapped one too). First index: catalog::ServedBy; second: status class, 0 for "no answer sent"
// (the client left first), 1 to 5 for 1xx to 5xx.
struct FunctionCounters {
  std::array<std::array<Counter, 6>, 4> requests;
  std::array<LatencyHistogram, 4> duration;  // first byte of the request to last byte of the response
  Counter request_bytes;                     // body bytes taken from clients
  Counter response_bytes;                    // body bytes sent to clients
};

// Of one endpoint of one upstream.
struct EndpointCounters {
  Counter connects;
  Counter connect_failures;
  Counter requests;
  Counter failures;     // connected, but no complete and well-formed response came
  Counter outstanding;  // gauge: requests in flight
  Counter idle;         // gauge: pooled connections
};

struct UpstreamCounters {
  std::string name;
  std::vector<std::string> endpoint_names;  // "127.0.0.1:8001", same order
  std::deque<EndpointCounters> endpoints;
};

// A gate rule that refused messages; `name` is the rule's name in gate.hpp.
struct RefusalCounter {
  std::string_view name;
  Counter count;
};

struct Counters {
  Counter connections_accepted;
  Counter connections_refused;  // over limits.connections
  Counter connections_open;     // gauge
  Counter tunnels_open;         // gauge
  Counter clients_left;         // requests whose client went away before the end
  Counter timeouts;             // deadlines that ended a request or connection, idle ones not counted
  Counter access_lines;         // access-log lines handed over
  Counter writes_with_ids;      // observed writes handed over that name their records
  Counter writes_without_ids;   // that do not
  Counter writes_dropped;       // that the sink did not take
  std::deque<RefusalCounter> refusals;
  std::deque<UpstreamCounters> upstreams;
  // Index: FunctionId. Allocated by the writer at the first request of a function; null until then.
  std::vector<std::atomic<FunctionCounters*>> functions;
};

}  // namespace banyan::proxy
