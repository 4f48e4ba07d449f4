// Runner: the streams of this process, and the threads that step them.
//
// Each stream is stepped by whoever holds its lease. Processes that share a store share the streams: each takes no more
// than its part, renews what it holds in the background, and takes over what another has let expire. The lease of a
// killed process is free after lease_term.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "adapters/sync/stream.hpp"
#include "adapters/sync/sync_store.hpp"

namespace banyan::sync {

// What a stream has noticed that concerns one which another process holds.
struct StreamHint {
  std::string system;
  std::string entity;
  std::vector<std::string>
      ids;             // legacy records to be looked at; none: whatever is new, unless it is only for the sweep
  bool sweep = false;  // records may have gone unseen: all are to be read
};

struct RunnerOptions {
  std::string owner;        // names this process among those that share the store; unique
  std::size_t threads = 2;  // streams that may be stepped at the same time
  std::chrono::milliseconds lease_term{3'000};
  std::chrono::milliseconds lease_renewal{500};
  // Passes a hint on to the other processes; their Runner::follow() takes it. Called by a thread of the runner's.
  std::function<void(const StreamHint&)> tell_others;
  // How many processes work on the streams of this system, this one included: called when that has changed, by a thread
  // of the runner's.
  std::function<void(const std::string& system, std::size_t processes)> shared_by;
};

class Runner {
public:
  // `store` and `clock` must outlive the runner.
  Runner(std::vector<std::unique_ptr<Stream>> streams, RunnerOptions options, SyncStore& store, const Clock& clock);
  ~Runner();  // stop()
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  void start();
  // Lets the steps under way end, gives the leases back. Twice is safe.
  void stop();

  // From any thread. A write to records of this entity was seen in this system: they, and the streams of their
  // children, are looked at at once. No ids: which ones is not known. False: another process holds one of those
  // streams, and should be told.
  bool observe(const std::string& system, const std::string& entity, std::span<const std::string> legacy_ids);
  // From any thread: what another process has noticed. Streams that this one does not hold are left alone.
  void follow(const StreamHint& hint);
  // From any thread: the outbox or the answers of the stream may hold something new; 0: of all streams.
  void nudge(StreamId stream);

  // From any thread: somebody has put right what kept the stream from going on; 0: all streams.
  void try_now(StreamId stream);

  std::vector<StreamStatus> status() const;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace banyan::sync
