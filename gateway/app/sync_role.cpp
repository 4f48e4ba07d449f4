#include "gateway/app/sync_role.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "adapters/legacy/rest/rest_system.hpp"
#include "adapters/sync/sync_queries.hpp"
#include "gateway/app/sync_hints.hpp"
#include "gateway/base/log.hpp"

namespace banyan::app {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kObservedWrites = 16'384;
constexpr std::chrono::seconds kTryAgain{2};
// A wrong password tried again and again locks the user.
constexpr std::chrono::seconds kLogInAgain{60};
// A stream that no process has had for so long is out of use: docs/reference/settings.md.
constexpr std::chrono::hours kOutOfUse{24};
constexpr std::chrono::minutes kRetirementInterval{10};

Deadline soon(const Clock& clock) {
  return Deadline::after(clock, 20s);
}

Error to_error(const legacy::Failure& failure) {
  const bool refused = failure.kind == legacy::Failure::Kind::unauthorised;
  return {refused ? ErrorCode::unauthenticated : ErrorCode::unavailable, failure.message, {}};
}

std::unique_ptr<legacy::LegacySystem> make_system(const SyncSystem& settings, const Clock& clock) {
  if (settings.tryton) return std::make_unique<legacy::tryton::TrytonSystem>(*settings.tryton, clock);
  return std::make_unique<legacy::rest::RestSystem>(*settings.rest, clock);
}

// What the settings grant, else what the system says of itself. Below the calls of the adapter, which keeps its own
// pace, this lets live changes go before a backfill.
std::optional<double> granted_rate(const SyncSystem& settings, const legacy::LegacySystem& system) {
  std::optional<double> least = settings.calls_per_second;
  if (least) return least;
  for (const auto& mapping : settings.mapping.streams) {
    const auto granted = system.capabilities(mapping->type()).calls_per_second;
    if (granted) least = std::min(least.value_or(*granted), *granted);
  }
  return least;
}

std::string process_name(records::RecordIds& ids) {
  std::string host(256, '\0');
  if (gethostname(host.data(), host.size()) != 0) host = "host";
  host.resize(std::min(host.find('\0'), host.size()));
  return host + ":" + std::to_string(getpid()) + ":" + ids.next().substr(24);
}

sync::StreamId stream_in(const std::string& payload) {
  sync::StreamId id = 0;
  std::from_chars(payload.data(), payload.data() + payload.size(), id);
  return id;
}

}  // namespace

SyncRole::SyncRole(const Settings& settings, StoreRole& store, records::RecordIds& ids, const Clock& clock)
    : settings_(settings),
      store_(store),
      clock_(clock),
      ids_(ids),
      sync_store_(store.database()),
      observed_(kObservedWrites) {
  for (const SyncSystem& system : settings.sync.systems) {
    SystemAtWork at_work;
    at_work.name = system.name;
    at_work.upstream = system.upstream;
    at_work.settings = &system;
    at_work.system = make_system(system, clock);
    at_work.budget = std::make_unique<sync::Budget>(granted_rate(system, *at_work.system), clock);
    systems_.push_back(std::move(at_work));
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
  if (runner_) runner_->stop();
}

bool SyncRole::observe(proxy::ObservedWrite write) {
  const bool ours = std::any_of(systems_.begin(), systems_.end(),
                                [&](const SystemAtWork& system) { return system.upstream == write.upstream; });
  return ours && observed_.push(std::move(write));
}

std::string SyncRole::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

std::vector<sync::StreamStatus> SyncRole::status() const {
  return is_up() ? runner_->status() : std::vector<sync::StreamStatus>{};
}

const sync::Budget* SyncRole::budget(const std::string& system) const {
  for (const SystemAtWork& at_work : systems_) {
    if (at_work.name == system) return at_work.budget.get();
  }
  return nullptr;
}

const legacy::LegacySystem* SyncRole::system(const std::string& name) const {
  for (const SystemAtWork& at_work : systems_) {
    if (at_work.name == name) return at_work.system.get();
  }
  return nullptr;
}

void SyncRole::nudge(sync::StreamId stream) {
  if (is_up()) runner_->nudge(stream);
}

bool SyncRole::wait_or_stop(std::chrono::milliseconds span) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, span, [this] { return stopping_; });
}

void SyncRole::bring_up() {
  while (true) {
    const auto up = try_to_bring_up();
    if (up) break;
    {
      const std::lock_guard lock(mutex_);
      if (trouble_ != up.error().public_message) {
        log::warn("sync cannot start yet",
                  {{"reason", up.error().public_message}, {"detail", up.error().internal_detail}});
      }
      trouble_ = up.error().public_message;
    }
    if (wait_or_stop(up.error().code == ErrorCode::unauthenticated ? kLogInAgain : kTryAgain)) return;
  }
  {
    const std::lock_guard lock(mutex_);
    trouble_.clear();
    if (stopping_) return;
  }
  up_.store(true, std::memory_order_release);
  start_listener();
  following_ = std::thread([this] { follow_observed_writes(); });
  log::info("sync is running", {{"systems", systems_.size()}});
}

Result<void> SyncRole::try_to_bring_up() {
  if (auto prepared = store_.prepare(*settings_.sync.ontology, soon(clock_)); !prepared) return prepared;
  std::vector<std::unique_ptr<sync::Stream>> streams;
  for (SystemAtWork& system : systems_) {
    if (auto filled = fill_tables(system); !filled) return filled;
    if (auto made = make_streams(system, streams); !made) return made;
  }
  sync::RunnerOptions options;
  options.owner = process_name(ids_);
  options.threads = settings_.sync.threads;
  options.tell_others = [this](const sync::StreamHint& hint) { tell_of(store_.database(), hint, clock_); };
  options.shared_by = [this](const std::string& system, std::size_t processes) { divide_budget(system, processes); };
  runner_ = std::make_unique<sync::Runner>(std::move(streams), std::move(options), sync_store_, clock_);
  runner_->start();
  return {};
}

// Countries, currencies and the like: read once, since records refer to their rows by id.
Result<void> SyncRole::fill_tables(SystemAtWork& at_work) {
  for (const auto& table : at_work.settings->mapping.tables) {
    if (table->size() > 0) continue;
    std::vector<legacy::LegacyRecord> rows;  // all of them, or the table stays empty and is read again
    std::string position;
    for (bool more = true; more;) {
      auto page = at_work.system->scan(table->type(), position, 1'000, soon(clock_));
      if (!page) return tl::unexpected(to_error(page.error()));
      std::move(page->records.begin(), page->records.end(), std::back_inserter(rows));
      position = page->next.id;
      more = page->more && !wait_or_stop(0ms);
    }
    for (const legacy::LegacyRecord& row : rows) table->add(row.id, row.fields);
  }
  return {};
}

Result<void> SyncRole::make_streams(SystemAtWork& at_work, std::vector<std::unique_ptr<sync::Stream>>& streams) {
  for (const auto& mapping : at_work.settings->mapping.streams) {
    const auto id = sync_store_.open_stream(at_work.name, mapping->entity(), soon(clock_));
    if (!id) return tl::unexpected(id.error());
    sync::Stream::Parts parts{*mapping,        *at_work.system, sync_store_,
                              *at_work.budget, clock_,          [this] { return ids_.next(); }};
    sync::StreamOptions options = at_work.settings->stream;
    options.backfills_itself = at_work.settings->backfill;
    streams.push_back(std::make_unique<sync::Stream>(*id, std::move(options), std::move(parts)));
  }
  return {};
}

void SyncRole::start_listener() {
  store::ListenerOptions options;
  options.url = store_.url();
  store::Listener::Callbacks callbacks;
  const auto wake = [this](const std::string& payload) { runner_->nudge(stream_in(payload)); };
  callbacks.channels[sync::kOutboxChannel] = wake;
  callbacks.channels[sync::kAnswersChannel] = wake;
  callbacks.channels[sync::kResumedChannel] = [this](const std::string& payload) {
    runner_->try_now(stream_in(payload));
  };
  callbacks.channels[kObservedChannel] = [this](const std::string& payload) { follow_hint(payload); };
  callbacks.connected = [this] { runner_->nudge(0); };
  listener_ = std::make_unique<store::Listener>(std::move(options), std::move(callbacks));
}

void SyncRole::follow_observed_writes() {
  while (!observed_.closed()) {
    for (const proxy::ObservedWrite& write : observed_.take(256, 1s)) {
      if (!follow(write.upstream, write.entity, write.ids)) tell_of(store_.database(), write, clock_);
    }
    if (clock_.now() >= next_retirement_) retire_streams();
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

void SyncRole::divide_budget(const std::string& system, std::size_t processes) {
  for (SystemAtWork& at_work : systems_) {
    if (at_work.name == system) at_work.budget->divide_by(processes);
  }
}

bool SyncRole::follow(const std::string& upstream, const std::string& entity, const std::vector<std::string>& ids) {
  bool all_here = true;
  for (const SystemAtWork& system : systems_) {
    if (system.upstream == upstream) all_here = runner_->observe(system.name, entity, ids) && all_here;
  }
  return all_here;
}

void SyncRole::follow_hint(const std::string& payload) {
  const Hint hint = read_hint(payload);
  if (hint.observed) follow(hint.observed->upstream, hint.observed->entity, hint.observed->ids);
  if (hint.stream) runner_->follow(*hint.stream);
}

}  // namespace banyan::app
