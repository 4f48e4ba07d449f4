// The sync role: everything that keeps the records of this process's legacy systems the same, from adapter to runner.
//
// It comes up on threads of its own and tries again until it is up, system by system: a legacy system or a store that
// cannot be reached must keep neither the proxy nor the API from starting, nor another system from being kept the same.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "adapters/records/record_id.hpp"
#include "adapters/sync/postgres_sync_store.hpp"
#include "gateway/app/settings.hpp"
#include "gateway/app/store_role.hpp"
#include "gateway/app/sync_role_system.hpp"
#include "gateway/proxy/observed_writes.hpp"
#include "gateway/store/listener.hpp"

namespace banyan::app {

class SyncRole {
public:
  // Everything given must outlive the role.
  SyncRole(const Settings& settings, StoreRole& store, records::RecordIds& ids, const Clock& clock);
  ~SyncRole();  // stop()

  void start();
  void stop();

  // For the data plane: takes a write that it saw. Never waits.
  bool observe(proxy::ObservedWrite write);

  // Why the system has not come up yet; empty: it has, or it is none of this process's.
  std::string trouble(const std::string& system) const;
  // Streams of this process.
  std::vector<sync::StreamStatus> status() const;
  // Null: none of this process's.
  const SystemAtWork* find(const std::string& system) const;

private:
  void bring_up();
  void start_listener();
  void follow_observed_writes();
  bool follow(const std::string& upstream, const std::string& entity, const std::vector<std::string>& ids);
  void follow_hint(const std::string& payload);
  void retire_streams();
  bool wait_or_stop(std::chrono::milliseconds span);

  StoreRole& store_;
  const Clock& clock_;
  sync::PostgresSyncStore sync_store_;
  std::vector<std::unique_ptr<SystemAtWork>> systems_;  // the same from the beginning to the end
  proxy::ObservedWriteQueue observed_;
  SteadyTime next_retirement_{};  // of the thread that follows observed writes
  std::unique_ptr<store::Listener> listener_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::string trouble_;  // of the store
  std::thread bringing_up_;
  std::thread following_;
};

}  // namespace banyan::app
