// One legacy system at work: its adapter, its budget, its streams, and the runner that steps them.
//
// Each system comes up by itself, on a thread of its own, and tries again until it is up; each has its own threads for
// its streams. So one that cannot be reached, or answers slowly, keeps no other from being kept the same.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "adapters/legacy/guarded_system.hpp"
#include "adapters/records/record_id.hpp"
#include "adapters/sync/budget.hpp"
#include "adapters/sync/legacy_table.hpp"
#include "adapters/sync/runner.hpp"
#include "gateway/app/settings_sync.hpp"
#include "gateway/base/clock.hpp"
#include "gateway/base/result.hpp"
#include "gateway/store/database.hpp"

namespace banyan::app {

// The adapter that the settings ask for. Opens nothing; throws if a certificate file cannot be read.
std::unique_ptr<legacy::LegacySystem> make_system(const SyncSystem& settings, const Clock& clock);

class SystemAtWork {
public:
  // What all systems of the process share. Must outlive the object.
  struct Shared {
    sync::SyncStore& sync_store;
    store::Database& database;
    records::RecordIds& ids;
    const Clock& clock;
    std::size_t threads;  // of each system
  };
  SystemAtWork(const SyncSystem& settings, const Shared& shared);
  ~SystemAtWork();  // stop()
  SystemAtWork(const SystemAtWork&) = delete;
  SystemAtWork& operator=(const SystemAtWork&) = delete;

  // Once the store has been prepared.
  void start();
  // Twice is safe.
  void stop();

  // All below: from any thread.
  const std::string& name() const { return settings_.name; }
  const std::string& upstream() const { return settings_.upstream; }
  const sync::Budget& budget() const { return budget_; }
  const legacy::LegacySystem& system() const { return system_; }
  // Why it has not come up yet; empty: it has.
  std::string trouble() const;
  // Its streams; before it is up, those that the store knows already.
  std::vector<sync::StreamStatus> status() const;

  // As those of Runner. Before it is up nothing of it is kept here.
  bool observe(const std::string& entity, std::span<const std::string> ids);
  void follow(const sync::StreamHint& hint);
  void nudge(sync::StreamId stream);
  void try_now(sync::StreamId stream);

private:
  // Why it cannot come up yet, and when to try again.
  struct Held {
    std::string reason;
    std::string detail;
    bool is_refused = false;
    std::chrono::milliseconds pause;
  };
  void bring_up();
  void come_up();
  tl::expected<void, Held> try_to_bring_up();
  tl::expected<void, Held> open_streams();
  tl::expected<void, Held> fill_tables();
  void start_runner();
  void note(const Held& held);
  bool wait_or_stop(std::chrono::milliseconds span);
  bool is_stopping() const;

  const SyncSystem& settings_;
  const Shared shared_;
  const std::string process_;
  legacy::GuardedSystem system_;
  sync::Budget budget_;
  sync::TableReader tables_;
  std::unique_ptr<sync::Runner> runner_;
  std::atomic<sync::Runner*> up_{nullptr};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool try_now_ = false;
  std::string trouble_ = "starting";
  std::vector<std::pair<sync::StreamId, sync::StreamStatus>> opened_;  // before it is up
  std::thread bringing_up_;
};

}  // namespace banyan::app
