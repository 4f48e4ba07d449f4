#include "gateway/app/sync_role.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "adapters/sync/sync_queries.hpp"
#include "gateway/app/sync_hints.hpp"
#include "gateway/base/contain.hpp"
#include "gateway/base/log.hpp"

namespace banyan::app {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kObservedWrites = 16'384;
constexpr std::chrono::seconds kTryAgain{2};
// A stream that no process has had for so long is out of use: docs/reference/settings.md.
constexpr std::chrono::hours kOutOfUse{24};
constexpr std::chrono::minutes kRetirementInterval{10};

Deadline soon(const Clock& clock) {
  return Deadline::after(clock, 20s);
}

sync::StreamId stream_in(const std::string& payload) {
  sync::StreamId id = 0;
  std::from_chars(payload.data(), payload.data() + payload.size(), id);
  return id;
}

}  // namespace

SyncRole::SyncRole(const Settings& settings, StoreRole& store, records::RecordIds& ids, const Clock& clock)
    : store_(store), clock_(clock), sync_store_(store.database()), observed_(kObservedWrites) {
  const SystemAtWork::Shared shared{sync_store_, store.database(), ids, clock, settings.sync.threads};
  for (const SyncSystem& system : settings.sync.systems) {
    systems_.push_back(std::make_unique<SystemAtWork>(system, shared));
  }
}

SyncRole::~SyncRole() {
  stop();
}

void SyncRole::start() {
  bringing_up_ = std::thread([this] { bring_up(); });
}

void SyncRole::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return;
  }
  changed_.notify_all();
  observed_.close();
  if (bringing_up_.joinable()) bringing_up_.join();
  if (following_.joinable()) following_.join();
  if (listener_) listener_->stop();
  // At the same time, since each waits for the calls that it has under way.
  std::vector<std::thread> ending;
  for (const auto& system : systems_) ending.emplace_back([&system] { system->stop(); });
  for (std::thread& thread : ending) thread.join();
}

bool SyncRole::observe(proxy::ObservedWrite write) {
  const bool ours = std::any_of(systems_.begin(), systems_.end(),
                                [&](const auto& system) { return system->upstream() == write.upstream; });
  return ours && observed_.push(std::move(write));
}

const SystemAtWork* SyncRole::find(const std::string& system) const {
  for (const auto& at_work : systems_) {
    if (at_work->name() == system) return at_work.get();
  }
  return nullptr;
}

std::string SyncRole::trouble(const std::string& system) const {
  const SystemAtWork* at_work = find(system);
  if (at_work == nullptr) return {};
  {
    const std::lock_guard lock(mutex_);
    if (!trouble_.empty()) return trouble_;
  }
  return at_work->trouble();
}

std::vector<sync::StreamStatus> SyncRole::status() const {
  std::vector<sync::StreamStatus> all;
  for (const auto& system : systems_) {
    auto statuses = system->status();
    std::move(statuses.begin(), statuses.end(), std::back_inserter(all));
  }
  return all;
}

bool SyncRole::wait_or_stop(std::chrono::milliseconds span) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, span, [this] { return stopping_; });
}

// The store comes first, then each system by itself.
void SyncRole::bring_up() {
  while (true) {
    Result<void> prepared = fail(ErrorCode::internal, "The store could not be prepared: a fault of Banyan's.");
    contain("preparing the store", [&] { prepared = store_.prepare(soon(clock_)); });
    std::unique_lock lock(mutex_);
    if (prepared) {
      trouble_.clear();
      break;
    }
    if (trouble_ != prepared.error().public_message) {
      log::warn("sync cannot start yet",
                {{"reason", prepared.error().public_message}, {"detail", prepared.error().internal_detail}});
    }
    trouble_ = prepared.error().public_message;
    lock.unlock();
    if (wait_or_stop(kTryAgain)) return;
  }
  if (wait_or_stop(0ms)) return;
  start_listener();
  following_ = std::thread([this] { follow_observed_writes(); });
  for (const auto& system : systems_) system->start();
}

void SyncRole::start_listener() {
  store::ListenerOptions options;
  options.url = store_.url();
  store::Listener::Callbacks callbacks;
  const auto wake = [this](const std::string& payload) {
    for (const auto& system : systems_) system->nudge(stream_in(payload));
  };
  callbacks.channels[sync::kOutboxChannel] = wake;
  callbacks.channels[sync::kAnswersChannel] = wake;
  callbacks.channels[sync::kResumedChannel] = [this](const std::string& payload) {
    for (const auto& system : systems_) system->try_now(stream_in(payload));
  };
  callbacks.channels[kObservedChannel] = [this](const std::string& payload) { follow_hint(payload); };
  callbacks.connected = [this] {
    for (const auto& system : systems_) system->nudge(0);
  };
  listener_ = std::make_unique<store::Listener>(std::move(options), std::move(callbacks));
}

void SyncRole::follow_observed_writes() {
  while (!observed_.closed()) {
    for (const proxy::ObservedWrite& write : observed_.take(256, 1s)) {
      if (observed_.closed()) return;  // telling others may take its time
      contain("following an observed write", [&] {
        if (!follow(write.upstream, write.entity, write.ids)) tell_of(store_.database(), write, clock_);
      });
    }
    if (clock_.now() >= next_retirement_) contain("looking for streams out of use", [this] { retire_streams(); });
  }
}

void SyncRole::retire_streams() {
  next_retirement_ = clock_.now() + kRetirementInterval;
  const auto retired = sync::SyncQueries(store_.database()).retire_streams(kOutOfUse, soon(clock_));
  if (!retired) {
    log::warn("streams out of use could not be looked for", {{"reason", retired.error().public_message}});
    return;
  }
  for (const auto& [system, entity] : *retired) {
    log::warn("no process has this stream any more: changes are not kept for it",
              {{"system", system}, {"entity", entity}});
  }
}

bool SyncRole::follow(const std::string& upstream, const std::string& entity, const std::vector<std::string>& ids) {
  bool all_here = true;
  for (const auto& system : systems_) {
    if (system->upstream() == upstream) all_here = system->observe(entity, ids) && all_here;
  }
  return all_here;
}

void SyncRole::follow_hint(const std::string& payload) {
  const Hint hint = read_hint(payload);
  if (hint.observed) follow(hint.observed->upstream, hint.observed->entity, hint.observed->ids);
  if (!hint.stream) return;
  for (const auto& system : systems_) system->follow(*hint.stream);
}

}  // namespace banyan::app
