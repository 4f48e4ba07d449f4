// The store of this process: the private PostgreSQL or an existing one, with its schema applied.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "gateway/app/settings.hpp"
#include "gateway/base/clock.hpp"
#include "gateway/base/result.hpp"
#include "gateway/store/database.hpp"
#include "gateway/store/indexes.hpp"
#include "gateway/store/private_postgres.hpp"

namespace banyan::app {

class StoreRole {
public:
  // Starts the private PostgreSQL, if it is that; else opens nothing yet. `clock` must outlive the object.
  static Result<std::unique_ptr<StoreRole>> open(const Settings& settings, const Clock& clock);

  // Brings the schema up to date. Does nothing once it has succeeded; to be called again after a failure. Safe from
  // several threads.
  Result<void> prepare(Deadline deadline);

  // Makes the indexes that the ontology asks for: store::make_indexes().
  Result<store::IndexReport> make_indexes(const records::Ontology& ontology, const std::stop_token& stop);

  bool is_prepared() const { return prepared_.load(std::memory_order_acquire); }
  store::Database& database() { return *database_; }
  Secret url() const { return app_url_; }

  void stop();

private:
  explicit StoreRole(const Clock& clock) : clock_(clock) {}

  const Clock& clock_;
  std::unique_ptr<store::PrivatePostgres> postgres_;
  Secret app_url_;
  Secret owner_url_;
  std::unique_ptr<store::Database> database_;
  std::mutex mutex_;
  std::atomic<bool> prepared_{false};
};

// Prepares the store in the background, however long it cannot be reached, and keeps it tidy. Indexes are made beside
// all other work: nothing waits for them.
class StoreKeeper {
public:
  // Both references must outlive the object.
  StoreKeeper(StoreRole& store, std::shared_ptr<const records::Ontology> ontology, const Clock& clock);
  ~StoreKeeper();  // stop()

  void stop();

private:
  void keep();
  void tidy();
  void keep_indexes();
  bool index();
  bool wait_or_stop(std::chrono::milliseconds span);

  StoreRole& store_;
  const std::shared_ptr<const records::Ontology> ontology_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::stop_source indexing_ends_;
  std::thread indexing_;  // begun by thread_
  std::thread thread_;
};

}  // namespace banyan::app
