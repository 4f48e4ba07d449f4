#include "gateway/app/store_role.hpp"

#include <utility>
#include <vector>

#include "adapters/records/record_query.hpp"
#include "adapters/records/records_schema.hpp"
#include "adapters/sync/postgres_sync_store.hpp"
#include "adapters/sync/sync_queries.hpp"
#include "gateway/base/log.hpp"
#include "gateway/store/schema.hpp"

namespace banyan::app {
namespace {

// Settled captures are kept for a week, for whoever asks what became of a change.
constexpr std::chrono::hours kInboxAge{7 * 24};
// What a policy decided is on record for a month.
constexpr std::chrono::hours kDecidedAge{30 * 24};
constexpr std::chrono::minutes kTidyInterval{1};
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
  role->database_ = std::make_unique<store::Database>(std::move(options), clock);
  return role;
}

Result<void> StoreRole::prepare(const records::Ontology& ontology, Deadline deadline) {
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
  auto indexed = owner.run(deadline, [&](store::Transaction& tx) {
    for (const std::string& statement : records::index_statements(ontology)) tx.exec(statement);
  });
  if (!indexed) return indexed;
  prepared_.store(true, std::memory_order_release);
  return {};
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
  if (thread_.joinable()) thread_.join();
}

bool StoreKeeper::wait_or_stop(std::chrono::milliseconds span) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, span, [this] { return stopping_; });
}

void StoreKeeper::keep() {
  while (true) {
    const auto prepared = store_.prepare(*ontology_, Deadline::after(clock_, std::chrono::seconds(30)));
    if (prepared) break;
    log::warn("the store cannot be prepared yet",
              {{"reason", prepared.error().public_message}, {"detail", prepared.error().internal_detail}});
    if (wait_or_stop(std::chrono::seconds(2))) return;
  }
  sync::SyncQueries queries(store_.database());
  while (!wait_or_stop(kTidyInterval)) {
    const auto removed = queries.prune(kInboxAge, kPruneBatch, Deadline::after(clock_, std::chrono::seconds(30)));
    if (!removed) log::warn("old rows of the inbox were not removed", {{"reason", removed.error().public_message}});
    const auto decided =
        queries.prune_decided(kDecidedAge, kDecidedBatch, Deadline::after(clock_, std::chrono::seconds(30)));
    if (!decided) log::warn("old decisions were not removed", {{"reason", decided.error().public_message}});
  }
}

}  // namespace banyan::app
