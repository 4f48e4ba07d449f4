#include "adapters/sync/leases.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "gateway/base/log.hpp"

namespace banyan::sync {
namespace {

// Each stream is shared evenly by the processes that have it.
std::size_t share_of(const std::vector<LeaseStand>& stands) {
  double share = 0;
  for (const LeaseStand& stand : stands) share += 1.0 / static_cast<double>(stand.candidates);
  return static_cast<std::size_t>(std::ceil(share - 1e-9));
}

}  // namespace

Result<std::vector<LeaseStand>> SyncStore::keep_leases(const std::string&, std::span<const StreamId>,
                                                       std::chrono::milliseconds, Deadline) {
  return fail(ErrorCode::internal, "This store cannot be shared by several processes.");
}

Result<void> SyncStore::tell(const std::string&, std::span<const std::pair<StreamId, StreamStatus>>, Deadline) {
  return {};
}

Leases::Leases(SyncStore& store, const Clock& clock, std::string owner, std::chrono::milliseconds term,
               std::vector<StreamId> streams)
    : store_(store),
      clock_(clock),
      owner_(std::move(owner)),
      term_(term),
      streams_(std::move(streams)),
      known_(streams_.size()) {}

Result<Leases::Round> Leases::keep(const std::function<bool(std::size_t)>& let_go) {
  // Twice a round, and renewed in time even so.
  const Deadline deadline = Deadline::after(clock_, term_ / 3);
  const auto stands = store_.keep_leases(owner_, streams_, term_, deadline);
  if (!stands) return tl::unexpected(stands.error());
  std::size_t held = 0;
  std::size_t most = share_of(*stands);
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    const LeaseStand& stand = (*stands)[i];
    Known& known = known_[i];
    if (std::exchange(known.candidates, stand.candidates) != stand.candidates) known.beyond_share = false;
    known.beyond_share = known.beyond_share && stand.held;
    if (!stand.free) known.free_since.reset();
    held += stand.held ? 1U : 0U;
    most += known.beyond_share ? 1U : 0U;
  }
  Round round;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    const LeaseStand& stand = (*stands)[i];
    Known& known = known_[i];
    round.candidates.push_back(stand.candidates);
    round.fences.push_back(stand.held);
    if (stand.held && held > most && stand.candidates > 1 && !known.beyond_share && let_go(i)) {
      give_back(*stand.held);
      round.fences.back().reset();
      --held;
    }
    if (stand.held || !stand.free) continue;
    const SteadyTime now = clock_.now();
    if (!known.free_since) known.free_since = now;
    const bool is_left_over = now - *known.free_since > 2 * term_;
    if ((held >= most && !is_left_over) || deadline.passed(now)) continue;
    auto fence = store_.lease(streams_[i], owner_, term_, deadline);
    if (!fence) {
      log::warn("a lease could not be taken", {{"reason", fence.error().public_message}});
      continue;
    }
    round.fences.back() = *fence;
    if (!*fence) continue;
    known.beyond_share = ++held > most;
    if (known.beyond_share) most = held;
    known.free_since.reset();
  }
  return round;
}

void Leases::give_back(const Fence& fence) {
  const auto released = store_.release(fence, Deadline::after(clock_, term_ / 3));
  if (!released) {
    log::info("a lease was not given back; it ends by itself", {{"reason", released.error().public_message}});
  }
}

}  // namespace banyan::sync
