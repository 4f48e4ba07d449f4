// Hints between processes: what one has noticed of a legacy record that another keeps. They go over a channel of the
// store and may be lost; each costs no more than the time until the next poll or sweep.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "adapters/sync/runner.hpp"
#include "gateway/base/clock.hpp"
#include "gateway/proxy/observed_writes.hpp"
#include "gateway/store/database.hpp"

namespace banyan::app {

inline constexpr const char* kObservedChannel = "banyan_observed";

// Blocks for a second at most. Too many ids are left out: then whatever is new is looked for.
void tell_of(store::Database& database, const proxy::ObservedWrite& write, const Clock& clock);
void tell_of(store::Database& database, const sync::StreamHint& hint, const Clock& clock);

// What came over the channel: one of the two, or neither if it makes no sense.
struct Hint {
  std::optional<proxy::ObservedWrite> observed;
  std::optional<sync::StreamHint> stream;
};
Hint read_hint(const std::string& payload);

// The proxy's side of observed writes in a process that does not sync: it tells those that do.
class ObservedTeller {
public:
  // `upstreams`: of the legacy systems that are kept the same. The references must outlive the object.
  ObservedTeller(std::vector<std::string> upstreams, store::Database& database, const Clock& clock);
  ~ObservedTeller();  // stop()

  // For the data plane: takes a write that it saw. Never waits.
  bool observe(proxy::ObservedWrite write);
  void stop();

private:
  void tell();

  const std::vector<std::string> upstreams_;
  store::Database& database_;
  const Clock& clock_;
  proxy::ObservedWriteQueue observed_;
  std::thread thread_;
};

}  // namespace banyan::app
