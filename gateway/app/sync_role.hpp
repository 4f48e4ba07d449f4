// The sync role: everything that keeps the records of this process's legacy systems the same, from adapter to runner.
//
// It comes up on a thread of its own and tries again until it is up: a legacy system or a store that cannot be reached
// must keep neither the proxy nor the API from starting.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "adapters/records/record_id.hpp"
#include "adapters/sync/budget.hpp"
#include "adapters/sync/postgres_sync_store.hpp"
#include "adapters/sync/runner.hpp"
#include "gateway/app/settings.hpp"
#include "gateway/app/store_role.hpp"
#include "gateway/proxy/observed_writes.hpp"
#include "gateway/store/listener.hpp"

namespace banyan::app {

// One legacy system at work.
struct SystemAtWork {
  std::string name;
  std::string upstream;
  const SyncSystem* settings = nullptr;
  std::unique_ptr<legacy::LegacySystem> system;
  std::unique_ptr<sync::Budget> budget;
  std::string trouble;  // why it is not running yet; guarded by the role's mutex
  bool running = false;
};

class SyncRole {
public:
  // Everything given must outlive the role.
  SyncRole(const Settings& settings, StoreRole& store, records::RecordIds& ids, const Clock& clock);
  ~SyncRole();  // stop()

  void start();
  void stop();

  // For the data plane: takes a write that it saw. Never waits.
  bool observe(proxy::ObservedWrite write);

  bool is_up() const { return up_.load(std::memory_order_acquire); }
  std::string trouble() const;
  // Streams of this process. Empty until it is up.
  std::vector<sync::StreamStatus> status() const;
  const sync::Budget* budget(const std::string& system) const;
  const legacy::LegacySystem* system(const std::string& name) const;
  // Wakes streams that this process has; 0: all.
  void nudge(sync::StreamId stream);

private:
  void bring_up();
  Result<void> try_to_bring_up();
  Result<void> fill_tables(SystemAtWork& at_work);
  Result<void> make_streams(SystemAtWork& at_work, std::vector<std::unique_ptr<sync::Stream>>& streams);
  void start_listener();
  void follow_observed_writes();
  bool follow(const std::string& upstream, const std::string& entity, const std::vector<std::string>& ids);
  void follow_hint(const std::string& payload);
  void divide_budget(const std::string& system, std::size_t processes);
  void retire_streams();
  bool wait_or_stop(std::chrono::milliseconds span);

  const Settings& settings_;
  StoreRole& store_;
  const Clock& clock_;
  records::RecordIds& ids_;
  sync::PostgresSyncStore sync_store_;
  std::vector<SystemAtWork> systems_;
  proxy::ObservedWriteQueue observed_;
  SteadyTime next_retirement_{};  // of the thread that follows observed writes
  std::unique_ptr<sync::Runner> runner_;
  std::unique_ptr<store::Listener> listener_;
  std::atomic<bool> up_{false};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::string trouble_ = "starting";
  std::thread bringing_up_;
  std::thread following_;
};

}  // namespace banyan::app
