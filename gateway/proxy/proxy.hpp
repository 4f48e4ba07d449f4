// Proxy: the data plane. Starts one io thread per core; each carries its connections alone (worker.hpp).
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "gateway/base/result.hpp"
#include "gateway/proxy/access_log.hpp"
#include "gateway/proxy/counters.hpp"
#include "gateway/proxy/observed_writes.hpp"
#include "gateway/proxy/options.hpp"
#include "migration/catalog/route_table.hpp"

namespace banyan::proxy {

class Proxy {
public:
  // Upstream numbers in `table` are positions in options.upstreams. `access_log` may be empty; it is called on io
  // threads and must not block. The same holds for `writes`, which hears of what is written to legacy sides.
  Proxy(Options options, std::shared_ptr<const catalog::RouteTable> table, AccessLogSink access_log,
        WriteSink writes = {});
  ~Proxy();  // stops at once if stop() was not called
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  // Resolves the upstreams, opens the listeners, starts the threads. Nothing is left open on failure.
  Result<void> start();

  // Stops accepting, lets requests end within `drain`, then cuts them off. Returns when all threads have ended.
  void stop(std::chrono::milliseconds drain);

  // The addresses listened on, with the ports that were given for port 0.
  const std::vector<Address>& addresses() const;

  // One per io thread; valid as long as the proxy.
  std::vector<const Counters*> counters() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace banyan::proxy
