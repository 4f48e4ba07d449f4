#include "adapters/sync/runner.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "adapters/sync/leases.hpp"
#include "gateway/base/log.hpp"

namespace banyan::sync {
namespace {

// A stream in this process. Guarded by the runner's mutex, but for the Stream itself.
struct Slot {
  std::unique_ptr<Stream> stream;
  std::optional<Fence> fence;  // held by this process
  bool busy = false;           // being stepped
  SteadyTime wake{};
};

constexpr std::chrono::seconds kStoreDeadline{2};
constexpr std::chrono::seconds kAfterFault{5};
constexpr std::chrono::seconds kTellAgain{1};
constexpr std::size_t kIdsPerHint = 100;  // more: the stream is told to look for what is new

// What was last told of a stream.
struct LastTold {
  StreamStatus status;
  std::int64_t token = 0;  // of the lease under which it was
  SteadyTime at{};
};

// Whether it cannot wait to be told.
bool is_news(const StreamStatus& status, const StreamStatus& told) {
  return status.trouble != told.trouble || status.is_refused != told.is_refused ||
         status.schema_drift != told.schema_drift;
}

std::vector<StreamId> ids_of(const std::vector<std::unique_ptr<Stream>>& streams) {
  std::vector<StreamId> ids;
  for (const auto& stream : streams) ids.push_back(stream->id());
  return ids;
}

}  // namespace

class Runner::Impl {
public:
  Impl(std::vector<std::unique_ptr<Stream>> streams, RunnerOptions options, SyncStore& store, const Clock& clock)
      : options_(std::move(options)),
        store_(store),
        clock_(clock),
        leases_(store, clock, options_.owner, options_.lease_term, ids_of(streams)) {
    for (auto& stream : streams) slots_.push_back({std::move(stream), std::nullopt, false, {}});
    for (Slot& slot : slots_) connect(slot);
  }

  ~Impl() { stop(); }

  void start() {
    renewal_ = std::thread([this] { keep_leases(); });
    for (std::size_t i = 0; i < options_.threads; ++i) workers_.emplace_back([this] { work(); });
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(stopping_, true)) return;
    }
    changed_.notify_all();
    ending_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    if (renewal_.joinable()) renewal_.join();
    for (Slot& slot : slots_) {
      slot.stream->on_work({});
      if (slot.fence) give_back(*slot.fence);
    }
  }

  bool observe(const std::string& system, const std::string& entity, std::span<const std::string> ids) {
    const StreamMapping* written = nullptr;
    bool all_held = true;
    for (Slot& slot : slots_) {
      const StreamMapping& mapping = slot.stream->mapping();
      if (mapping.system() != system || mapping.entity() != entity) continue;
      written = &mapping;
      all_held = observe(slot, ids) && all_held;
    }
    if (!written) return true;
    for (Slot& slot : slots_) {
      const StreamMapping& mapping = slot.stream->mapping();
      const auto& children = written->children();
      const bool is_child = std::find(children.begin(), children.end(), mapping.entity()) != children.end();
      if (mapping.system() == system && is_child) all_held = observe(slot, {}) && all_held;
    }
    return all_held;
  }

  void follow(const StreamHint& hint) {
    for (Slot& slot : slots_) {
      const StreamMapping& mapping = slot.stream->mapping();
      if (mapping.system() != hint.system || mapping.entity() != hint.entity || !holds(slot)) continue;
      if (hint.sweep) slot.stream->sweep_soon();
      if (!hint.sweep || !hint.ids.empty()) slot.stream->observe(hint.ids);
    }
  }

  void nudge(StreamId stream) {
    for (Slot& slot : slots_) {
      if (stream == 0 || slot.stream->id() == stream) slot.stream->nudge();
    }
  }

  void try_now(StreamId stream) {
    for (Slot& slot : slots_) {
      if (stream == 0 || slot.stream->id() == stream) slot.stream->try_now();
    }
  }

  std::vector<StreamStatus> status() const {
    std::vector<StreamStatus> out;
    for (const Slot& slot : slots_) {
      StreamStatus status = slot.stream->status();
      const std::lock_guard lock(mutex_);
      status.holds_lease = slot.fence.has_value();
      out.push_back(std::move(status));
    }
    return out;
  }

private:
  bool holds(const Slot& slot) const {
    const std::lock_guard lock(mutex_);
    return slot.fence.has_value();
  }

  bool observe(Slot& slot, std::span<const std::string> ids) {
    if (!holds(slot)) return false;
    slot.stream->observe(ids);
    return true;
  }

  // The slot of this process that holds the stream; null: none.
  Slot* holder(const std::string& system, const std::string& entity) {
    for (Slot& slot : slots_) {
      const StreamMapping& mapping = slot.stream->mapping();
      if (mapping.system() == system && mapping.entity() == entity && holds(slot)) return &slot;
    }
    return nullptr;
  }

  // Hints are gathered, since a page of a feed may give many.
  void tell(const std::string& system, const std::string& entity, const std::string* id) {
    if (!options_.tell_others) return;
    {
      const std::lock_guard lock(mutex_);
      Untold& untold = untold_[{system, entity}];
      if (id) untold.ids.insert(*id);
      if (!id) untold.sweep = true;
    }
    ending_.notify_all();
  }

  // What streams tell each other.
  void connect(Slot& slot) {
    Stream* stream = slot.stream.get();
    const StreamMapping& mapping = stream->mapping();
    stream->on_work([this, &slot] {
      {
        const std::lock_guard lock(mutex_);
        slot.wake = clock_.now();
      }
      changed_.notify_one();
    });
    stream->on_missing([this, &mapping](const Reference& reference) {
      if (Slot* other = holder(mapping.system(), reference.entity)) {
        other->stream->observe(std::span(&reference.id, 1));
      } else {
        tell(mapping.system(), reference.entity, &reference.id);
      }
    });
    stream->on_deleted([this, &mapping] {
      for (const std::string& child : mapping.children()) {
        if (Slot* other = holder(mapping.system(), child)) {
          other->stream->sweep_soon();
        } else {
          tell(mapping.system(), child, nullptr);
        }
      }
    });
    stream->wait_for_parents([this, &mapping] { return parents_are_being_backfilled(mapping); });
  }

  bool parents_are_being_backfilled(const StreamMapping& mapping) {
    for (const std::string& parent : mapping.parents()) {
      if (parent == mapping.entity()) continue;
      for (Slot& other : slots_) {
        const StreamMapping& its = other.stream->mapping();
        if (its.system() != mapping.system() || its.entity() != parent) continue;
        const auto state = store_.state(other.stream->id(), soon());
        if (!state) return true;
        if (state->scan.kind == ScanState::Kind::backfill && state->scan.phase != ScanState::Phase::done) return true;
        if (other.stream->backfills_itself() && state->backfilled_at == WallTime{}) return true;
      }
    }
    return false;
  }

  Deadline soon() const { return Deadline::after(clock_, kStoreDeadline); }

  void give_back(const Fence& fence) {
    if (auto released = store_.release(fence, soon()); !released) {
      log::info("a lease was not given back; it ends by itself", {{"reason", released.error().public_message}});
    }
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      Slot* slot = next_slot();
      if (!slot) {
        changed_.wait_for(lock, until_next());
        continue;
      }
      slot->busy = true;
      slot->wake = SteadyTime::max();  // whatever wakes it during the step counts
      const Fence fence = *slot->fence;
      lock.unlock();
      const Step step = step_of(*slot->stream, fence);
      lock.lock();
      slot->busy = false;
      if (step.next == Step::Next::lost && slot->fence && slot->fence->token == fence.token) slot->fence.reset();
      slot->wake = std::min(slot->wake, step.next == Step::Next::wait ? step.wake : clock_.now());
      changed_.notify_one();
    }
  }

  Step step_of(Stream& stream, const Fence& fence) {
    try {
      return stream.step(fence);
    } catch (const std::exception& error) {  // a bug must not end the process, nor be retried at full speed
      log::error(
          "a step of sync ended in a fault",
          {{"system", stream.mapping().system()}, {"entity", stream.mapping().entity()}, {"reason", error.what()}});
      return {Step::Next::wait, clock_.now() + kAfterFault};
    }
  }

  // The held stream that has been due for longest.
  Slot* next_slot() {
    Slot* best = nullptr;
    const SteadyTime now = clock_.now();
    for (Slot& slot : slots_) {
      if (slot.busy || !slot.fence || slot.wake > now) continue;
      if (!best || slot.wake < best->wake) best = &slot;
    }
    return best;
  }

  std::chrono::steady_clock::duration until_next() const {
    SteadyTime next = clock_.now() + options_.lease_renewal;
    for (const Slot& slot : slots_) {
      if (!slot.busy && slot.fence) next = std::min(next, slot.wake);
    }
    return std::max(next - clock_.now(), std::chrono::steady_clock::duration(std::chrono::microseconds(100)));
  }

  // Apart from the steps, since one of those may take longer than a lease.
  void keep_leases() {
    SteadyTime next = clock_.now();
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      auto untold = std::exchange(untold_, {});
      lock.unlock();
      try {
        if (clock_.now() >= next) {
          next = clock_.now() + options_.lease_renewal;
          renew();
          tell();
        }
        for (const auto& [stream, hint] : untold) pass_on(stream.first, stream.second, hint);
      } catch (const std::exception& error) {
        log::error("leases could not be kept", {{"reason", error.what()}});
      }
      lock.lock();
      ending_.wait_for(lock, std::max(next - clock_.now(), SteadyTime::duration::zero()),
                       [this] { return stopping_ || !untold_.empty(); });
    }
  }

  void renew() {
    const auto let_go = [this](std::size_t place) {
      const std::lock_guard lock(mutex_);
      if (!slots_[place].busy) slots_[place].fence.reset();
      return !slots_[place].busy;
    };
    const auto round = leases_.keep(let_go);
    if (!round) {
      log::warn("the leases could not be renewed", {{"reason", round.error().public_message}});
      return;
    }
    std::map<std::string, std::size_t> processes;
    {
      const std::lock_guard lock(mutex_);
      for (std::size_t i = 0; i < slots_.size(); ++i) {
        Slot& slot = slots_[i];
        const auto& fence = round->fences[i];
        if (fence && (!slot.fence || slot.fence->token != fence->token)) slot.wake = clock_.now();
        slot.fence = fence;
        std::size_t& most = processes[slot.stream->mapping().system()];
        most = std::max(most, round->candidates[i]);
      }
    }
    changed_.notify_all();
    if (processes == processes_) return;
    processes_ = processes;
    if (!options_.shared_by) return;
    for (const auto& [system, count] : processes_) options_.shared_by(system, count);
  }

  // Other processes show what this one does. What changes all the time is told once a second.
  void tell() {
    const SteadyTime now = clock_.now();
    std::vector<std::pair<StreamId, StreamStatus>> news;
    std::vector<std::pair<StreamId, LastTold>> told;
    for (const Slot& slot : slots_) {
      const StreamStatus status = slot.stream->status();
      std::int64_t token = 0;
      {
        const std::lock_guard lock(mutex_);
        if (!slot.fence) continue;
        token = slot.fence->token;
      }
      const LastTold& last = told_[slot.stream->id()];
      if (!is_news(status, last.status) && token == last.token && now - last.at < kTellAgain) continue;
      news.emplace_back(slot.stream->id(), status);
      told.emplace_back(slot.stream->id(), LastTold{status, token, now});
    }
    if (news.empty()) return;
    // So short that the leases are renewed in time even so.
    const auto done = store_.tell(options_.owner, news, Deadline::after(clock_, options_.lease_renewal));
    if (!done) {
      log::debug("what the streams do was not told", {{"reason", done.error().public_message}});
      return;
    }
    for (auto& [stream, last] : told) told_[stream] = std::move(last);
  }

  // Hints that came up since the last time, of one stream.
  struct Untold {
    std::set<std::string> ids;
    bool sweep = false;
  };

  void pass_on(const std::string& system, const std::string& entity, const Untold& untold) {
    StreamHint hint{system, entity, {}, untold.sweep};
    const bool fits = untold.ids.size() <= kIdsPerHint;
    if (fits) hint.ids.assign(untold.ids.begin(), untold.ids.end());
    options_.tell_others(hint);
    if (!fits && untold.sweep) options_.tell_others({system, entity, {}, false});
  }

  const RunnerOptions options_;
  SyncStore& store_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // a stream is due: the workers wait for it
  std::condition_variable ending_;   // stop(), or there is something to tell: the renewal of leases waits for it
  bool stopping_ = false;
  std::vector<Slot> slots_;                                       // as many as at the beginning, at the same place
  std::map<std::pair<std::string, std::string>, Untold> untold_;  // by system and entity
  Leases leases_;                                                 // of the renewal alone, and so:
  std::map<std::string, std::size_t> processes_;                  // by system
  std::map<StreamId, LastTold> told_;
  std::vector<std::thread> workers_;
  std::thread renewal_;
};

Runner::Runner(std::vector<std::unique_ptr<Stream>> streams, RunnerOptions options, SyncStore& store,
               const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(streams), std::move(options), store, clock)) {}
Runner::~Runner() = default;

void Runner::start() {
  impl_->start();
}
void Runner::stop() {
  impl_->stop();
}
bool Runner::observe(const std::string& system, const std::string& entity, std::span<const std::string> legacy_ids) {
  return impl_->observe(system, entity, legacy_ids);
}
void Runner::follow(const StreamHint& hint) {
  impl_->follow(hint);
}
void Runner::nudge(StreamId stream) {
  impl_->nudge(stream);
}
void Runner::try_now(StreamId stream) {
  impl_->try_now(stream);
}
std::vector<StreamStatus> Runner::status() const {
  return impl_->status();
}

}  // namespace banyan::sync
