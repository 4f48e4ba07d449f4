#include "gateway/app/store_role.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "adapters/records/record_query.hpp"
#include "adapters/records/records_schema.hpp"
#include "adapters/sync/postgres_sync_store.hpp"
#include "adapters/sync/sync_queries.hpp"
#include "gateway/base/contain.hpp"
#include "gateway/base/log.hpp"
#include "gateway/store/schema.hpp"

namespace banyan::app {
namespace {

// Settled captures are kept for a week, for whoever asks what became of a change.
constexpr std::chrono::hours kInboxAge{7 * 24};
// What a policy decided is on record for a month.
constexpr std::chrono::hours kDecidedAge{30 * 24};
constexpr std::chrono::minutes kTidyInterval{1};
constexpr std::chrono::seconds kTidyDeadline{30};
// Until indexes that could not be made are tried again; each attempt may read the whole table.
constexpr std::chrono::minutes kIndexAgain{1};
constexpr std::chrono::minutes kLongestIndexPause{60};
constexpr std::size_t kPruneBatch = 50'000;
constexpr std::size_t kDecidedBatch = 5'000;

}  // namespace

Result<std::unique_ptr<StoreRole>> StoreRole::open(const Settings& settings, const Clock& clock) {
  std::unique_ptr<StoreRole> role(new StoreRole(clock));
  if (settings.store.kind == Store::Kind::private_) {
    store::PrivatePostgresOptions options;
    options.data_dir = settings.data_dir;
    auto started = store::PrivatePostgres::start(std::move(options), clock);
    if (!started) return tl::unexpected(std::move(started.error()));
    role->postgres_ = std::move(*started);
    role->app_url_ = role->postgres_->app_url();
    role->owner_url_ = role->postgres_->owner_url();
    log::info("the private PostgreSQL is running", {{"data_dir", settings.data_dir}});
  } else {
    role->app_url_ = *settings.store.url;
    role->owner_url_ = settings.store.owner_url.value_or(role->app_url_);
  }
  store::DatabaseOptions options;
  options.url = role->app_url_;
  // Each system's threads, and one for its leases, beside what the API needs: a lease must not wait for a long look.
  options.connections += settings.sync.systems.size() * (settings.sync.threads + 1);
  role->database_ = std::make_unique<store::Database>(std::move(options), clock);
  return role;
}

Result<void> StoreRole::prepare(Deadline deadline) {
  const std::lock_guard lock(mutex_);
  if (is_prepared()) return {};
  store::DatabaseOptions options;
  options.url = owner_url_;
  options.connections = 1;
  options.application_name = "banyan schema";
  store::Database owner(std::move(options), clock_);
  std::vector<store::SchemaFile> files;
  for (const auto part : {records::records_schema(), sync::sync_schema()})
    files.insert(files.end(), part.begin(), part.end());
  if (auto applied = store::apply_schema(owner, files, deadline); !applied) return applied;
  prepared_.store(true, std::memory_order_release);
  return {};
}

Result<store::IndexReport> StoreRole::make_indexes(const records::Ontology& ontology, const std::stop_token& stop) {
  return store::make_indexes(owner_url_, records::indexes_of(ontology), stop);
}

void StoreRole::stop() {
  database_.reset();
  if (!postgres_) return;
  if (auto stopped = postgres_->stop(); !stopped) {
    log::warn("the private PostgreSQL was not stopped", {{"reason", stopped.error().public_message}});
  }
}

StoreKeeper::StoreKeeper(StoreRole& store, std::shared_ptr<const records::Ontology> ontology, const Clock& clock)
    : store_(store), ontology_(std::move(ontology)), clock_(clock), thread_([this] { keep(); }) {}

StoreKeeper::~StoreKeeper() {
  stop();
}

void StoreKeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  indexing_ends_.request_stop();
  if (thread_.joinable()) thread_.join();
  if (indexing_.joinable()) indexing_.join();
}

bool StoreKeeper::wait_or_stop(std::chrono::milliseconds span) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, span, [this] { return stopping_; });
}

void StoreKeeper::keep() {
  while (true) {
    Result<void> prepared = fail(ErrorCode::internal, "The store could not be prepared: a fault of Banyan's.");
    contain("preparing the store", [&] { prepared = store_.prepare(Deadline::after(clock_, kTidyDeadline)); });
    if (prepared) break;
    log::warn("the store cannot be prepared yet",
              {{"reason", prepared.error().public_message}, {"detail", prepared.error().internal_detail}});
    if (wait_or_stop(std::chrono::seconds(2))) return;
  }
  indexing_ = std::thread([this] { keep_indexes(); });
  while (!wait_or_stop(kTidyInterval)) contain("tidying up", [this] { tidy(); });
}

void StoreKeeper::tidy() {
  sync::SyncQueries queries(store_.database());
  const auto removed = queries.prune(kInboxAge, kPruneBatch, Deadline::after(clock_, kTidyDeadline));
  if (!removed) log::warn("old rows of the inbox were not removed", {{"reason", removed.error().public_message}});
  const auto decided = queries.prune_decided(kDecidedAge, kDecidedBatch, Deadline::after(clock_, kTidyDeadline));
  if (!decided) log::warn("old decisions were not removed", {{"reason", decided.error().public_message}});
}

void StoreKeeper::keep_indexes() {
  bool has_all = false;
  for (std::chrono::minutes pause = kIndexAgain;; pause = std::min(2 * pause, kLongestIndexPause)) {
    contain("making indexes", [&] { has_all = index(); });
    if (has_all || wait_or_stop(pause)) return;
  }
}

// Whether all are there.
bool StoreKeeper::index() {
  const auto report = store_.make_indexes(*ontology_, indexing_ends_.get_token());
  if (indexing_ends_.stop_requested()) return true;
  if (!report) {
    // Another process that does it is no trouble.
    if (report.error().code == ErrorCode::conflict) return false;
    log::warn("the indexes of records cannot be made yet",
              {{"reason", report.error().public_message}, {"detail", report.error().internal_detail}});
    return false;
  }
  for (const std::string& name : report->made) log::info("index made", {{"index", name}});
  for (const auto& [name, reason] : report->failed) {
    log::warn("an index cannot be made: filters and sorting by its field are slow",
              {{"index", name}, {"reason", reason}});
  }
  return report->failed.empty();
}

}  // namespace banyan::app
