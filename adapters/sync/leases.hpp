// Leases: which streams this process works on, of those that it shares with others.
//
// All that it holds are renewed in one go and often, so that a missed renewal is made up for long before the term ends.
// It takes no more than its part, gives back what is too much when another process comes, and takes in any case what
// nobody has wanted for two terms.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sync/sync_store.hpp"
#include "gateway/base/clock.hpp"

namespace banyan::sync {

class Leases {
public:
  // `store` and `clock` must outlive the object.
  Leases(SyncStore& store, const Clock& clock, std::string owner, std::chrono::milliseconds term,
         std::vector<StreamId> streams);

  struct Round {
    std::vector<std::optional<Fence>> fences;  // of the streams, in their order; nothing: another's, or nobody's
    std::vector<std::size_t> candidates;       // processes that are alive and have the stream, this one included
  };
  // Renews, gives back, takes. `let_go` is asked before the lease of the stream at that place is given back; false: it
  // is in use, and stays. One thread at a time. An error: nothing is known, so nothing has changed.
  Result<Round> keep(const std::function<bool(std::size_t)>& let_go);

private:
  void give_back(const Fence& fence);

  SyncStore& store_;
  const Clock& clock_;
  const std::string owner_;
  const std::chrono::milliseconds term_;
  const std::vector<StreamId> streams_;
  struct Known {
    std::optional<SteadyTime> free_since;
    bool beyond_share = false;   // taken because nobody else did: kept until the processes are others
    std::size_t candidates = 1;  // at the last look
  };
  std::vector<Known> known_;
};

}  // namespace banyan::sync
