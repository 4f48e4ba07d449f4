// Stream: keeps the records of one entity and of one legacy type the same. The heart of sync.
//
// A stream works in steps. Each step does one bounded piece of the most urgent work: capture a page of the feed, fetch
// what was observed, push some of the outbox, retry what waits, read one chunk of a scan. Within a step legacy calls
// and commits follow each other strictly, and no two steps of a stream overlap (its lease sees to that between
// processes). From this follows the rule that everything else leans on: **whatever a step reads from the legacy side
// was read after the stream's previous commit**, so a page of a backfill can never bring back what a live change has
// replaced.
//
// Everything that must survive is in the SyncStore; a Stream may be destroyed at any moment, at any call, and a new
// one goes on. What it keeps in memory only makes it quick.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "adapters/legacy/legacy_system.hpp"
#include "adapters/sync/budget.hpp"
#include "adapters/sync/mapping.hpp"
#include "adapters/sync/sync_store.hpp"
#include "gateway/base/clock.hpp"
#include "gateway/base/result.hpp"

namespace banyan::sync {

struct StreamOptions {
  std::chrono::milliseconds poll_interval{500};
  std::chrono::milliseconds overlap_least{2'000};
  std::chrono::milliseconds overlap_most{3'600'000};
  std::chrono::milliseconds sweep_interval{3'600'000};   // full key sweep; finds deletes and unstamped edits
  std::chrono::milliseconds describe_interval{600'000};  // schema drift
  std::chrono::milliseconds call_deadline{10'000};       // one legacy call
  std::chrono::milliseconds commit_deadline{10'000};     // one commit
  std::chrono::milliseconds retry_least{500};            // backoff of what waits
  std::chrono::milliseconds retry_most{60'000};
  std::chrono::milliseconds clock_uncertainty{2'000};  // between the legacy clock and ours
  std::size_t page = 500;                              // rows per legacy call, if the system allows it
  std::size_t chunk = 2'000;                           // rows per commit of a scan
  std::size_t push_batch = 20;                         // records per push step
  std::size_t observed_limit = 10'000;                 // observed ids kept; more: the feed is polled instead
  std::int32_t attempts_until_dead = 10;
  std::int32_t damper_writes = 20;  // writes to one legacy record within damper_window; then it is parked
  std::chrono::milliseconds damper_window{60'000};
  std::int32_t hops_most = 4;
  // A run that misses more records than both of these deletes nothing, until a person says that they are gone.
  std::int64_t missing_few = 10;
  std::int64_t missing_percent = 5;    // of those that are linked
  std::size_t missing_part = 250'000;  // links that one commit compares with what a run has met
  bool backfills_itself = false;       // a stream that never was is backfilled, and again when its mapping has changed
  bool may_push = true;                // false: only one way, legacy to modern
};

// How long after it was planned a write may still have its effect: it is sent within one deadline, and a system that
// has it in its hands is granted another.
inline std::chrono::milliseconds effect_deadline(const StreamOptions& options) {
  return 2 * options.call_deadline;
}

// What to do after a step.
struct Step {
  enum class Next : std::uint8_t {
    again,  // there is more to do now
    wait,   // nothing to do before `wake`, unless something is observed or the outbox is notified
    lost,   // the lease is another's
  };
  Next next = Next::wait;
  SteadyTime wake{};
};

// Makes record ids. Safe from several threads.
using MakeId = std::function<std::string()>;

class Stream {
public:
  // Everything passed must outlive the stream.
  struct Parts {
    const StreamMapping& mapping;
    legacy::LegacySystem& system;
    SyncStore& store;
    Budget& budget;
    const Clock& clock;
    MakeId make_id;
  };
  Stream(StreamId id, StreamOptions options, Parts parts);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Does the most urgent piece of work under this lease. One thread at a time.
  Step step(const Fence& fence);

  // From any thread: these legacy records have just been written. No ids: something of this type has.
  void observe(std::span<const std::string> legacy_ids);
  // From any thread: the outbox may hold something new, or a person has answered.
  void nudge();
  // From any thread: the pause after a failure is over (somebody has put right what was wrong).
  void try_now();
  // Called by the stepping thread: a record refers to one that has not been captured yet, and the stream of that entity
  // may look at it at once; records were deleted, and with them, perhaps, their children.
  void on_missing(std::function<void(const Reference&)> missing);
  void on_deleted(std::function<void()> deleted);
  // Called (from any thread) when observe() or nudge() made work for a stream that waits.
  void on_work(std::function<void()> wake);

  // From any thread: the whole key range is worth reading soon, since records may have gone unseen.
  void sweep_soon();
  // Whether a backfill must wait, because streams that this one's records refer to are still being backfilled. Asked by
  // the stepping thread.
  void wait_for_parents(std::function<bool()> must_wait);

  // Asks for a scan; it begins with one of the next steps, and survives restarts. `conflict` if one is under way.
  Result<void> start_scan(const Fence& fence, const ScanRequest& request);

  StreamStatus status() const;  // from any thread
  bool backfills_itself() const;
  StreamId id() const;
  const StreamMapping& mapping() const;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace banyan::sync
