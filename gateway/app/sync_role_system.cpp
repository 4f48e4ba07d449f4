#include "gateway/app/sync_role_system.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "adapters/legacy/rest/rest_system.hpp"
#include "adapters/legacy/tryton/tryton_system.hpp"
#include "gateway/app/sync_hints.hpp"
#include "gateway/base/contain.hpp"
#include "gateway/base/log.hpp"

namespace banyan::app {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kTryAgain{2};
// Of a table: somebody was hired since it was read.
constexpr std::chrono::milliseconds kLookForMissedRows{500};

Deadline soon(const Clock& clock) {
  return Deadline::after(clock, 20s);
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

}  // namespace

std::unique_ptr<legacy::LegacySystem> make_system(const SyncSystem& settings, const Clock& clock) {
  if (settings.tryton) return std::make_unique<legacy::tryton::TrytonSystem>(*settings.tryton, clock);
  return std::make_unique<legacy::rest::RestSystem>(*settings.rest, clock);
}

SystemAtWork::SystemAtWork(const SyncSystem& settings, const Shared& shared)
    : settings_(settings),
      shared_(shared),
      process_(process_name(shared.ids)),
      system_(settings.name, make_system(settings, shared.clock), shared.clock),
      budget_(granted_rate(settings, system_), shared.clock),
      tables_(system_, settings.mapping.tables, budget_,
              {settings.stream.call_deadline, [this] { return is_stopping(); }}, shared.clock) {}

SystemAtWork::~SystemAtWork() {
  stop();
}

void SystemAtWork::start() {
  bringing_up_ = std::thread([this] { bring_up(); });
}

void SystemAtWork::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return;
  }
  changed_.notify_all();
  if (bringing_up_.joinable()) bringing_up_.join();
  if (runner_) runner_->stop();
}

std::string SystemAtWork::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

std::vector<sync::StreamStatus> SystemAtWork::status() const {
  if (const sync::Runner* runner = up_.load(std::memory_order_acquire)) return runner->status();
  const std::lock_guard lock(mutex_);
  std::vector<sync::StreamStatus> statuses;
  for (const auto& [id, status] : opened_) statuses.push_back(status);
  return statuses;
}

bool SystemAtWork::observe(const std::string& entity, std::span<const std::string> ids) {
  sync::Runner* runner = up_.load(std::memory_order_acquire);
  return runner != nullptr && runner->observe(name(), entity, ids);
}

void SystemAtWork::follow(const sync::StreamHint& hint) {
  if (sync::Runner* runner = up_.load(std::memory_order_acquire)) runner->follow(hint);
}

void SystemAtWork::nudge(sync::StreamId stream) {
  if (sync::Runner* runner = up_.load(std::memory_order_acquire)) runner->nudge(stream);
}

void SystemAtWork::try_now(sync::StreamId stream) {
  {
    const std::lock_guard lock(mutex_);
    const auto is_it = [stream](const auto& opened) { return stream == 0 || opened.first == stream; };
    if (std::none_of(opened_.begin(), opened_.end(), is_it)) return;
    try_now_ = true;
  }
  system_.try_now();
  changed_.notify_all();
  if (sync::Runner* runner = up_.load(std::memory_order_acquire)) runner->try_now(stream);
}

// Ends early when a person wants it tried now. True: stop.
bool SystemAtWork::wait_or_stop(std::chrono::milliseconds span) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, span, [this] { return stopping_ || try_now_; });
  try_now_ = false;
  return stopping_;
}

bool SystemAtWork::is_stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void SystemAtWork::bring_up() {
  while (!contain("the start of sync", [this] { come_up(); })) {
    if (wait_or_stop(kTryAgain)) return;
  }
  while (!wait_or_stop(kLookForMissedRows)) contain("reading tables again", [this] { tables_.read_again(); });
}

void SystemAtWork::come_up() {
  while (true) {
    const auto up = try_to_bring_up();
    if (up) break;
    note(up.error());
    if (wait_or_stop(up.error().pause)) return;
  }
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  start_runner();
  trouble_.clear();
  log::info("sync is running", {{"system", name()}, {"streams", opened_.size()}});
}

tl::expected<void, SystemAtWork::Held> SystemAtWork::try_to_bring_up() {
  if (auto opened = open_streams(); !opened) return opened;
  return fill_tables();
}

// Each time anew: a stream that is opened is in use, however long its system cannot be reached.
tl::expected<void, SystemAtWork::Held> SystemAtWork::open_streams() {
  std::vector<std::pair<sync::StreamId, sync::StreamStatus>> opened;
  for (const auto& mapping : settings_.mapping.streams) {
    const auto id = shared_.sync_store.open_stream(name(), mapping->entity(), soon(shared_.clock));
    if (!id) return tl::unexpected(Held{id.error().public_message, id.error().internal_detail, false, kTryAgain});
    sync::StreamStatus status;
    status.system = name();
    status.entity = mapping->entity();
    opened.emplace_back(*id, std::move(status));
  }
  const std::lock_guard lock(mutex_);
  opened_ = std::move(opened);
  return {};
}

// Countries, currencies and the like: read before all else, since records refer to their rows by id.
tl::expected<void, SystemAtWork::Held> SystemAtWork::fill_tables() {
  const auto filled = tables_.fill();
  if (filled) return {};
  const bool is_refused = filled.error().kind == legacy::Failure::Kind::unauthorised;
  return tl::unexpected(Held{filled.error().message,
                             {},
                             is_refused,
                             filled.error().retry_after.value_or(std::chrono::milliseconds(kTryAgain))});
}

void SystemAtWork::note(const Held& held) {
  std::vector<std::pair<sync::StreamId, sync::StreamStatus>> told;
  {
    const std::lock_guard lock(mutex_);
    if (trouble_ != held.reason) {
      log::warn("sync cannot start yet", {{"system", name()}, {"reason", held.reason}, {"detail", held.detail}});
    }
    trouble_ = held.reason;
    for (auto& [id, status] : opened_) {
      status.trouble = held.reason;
      status.is_refused = held.is_refused;
    }
    told = opened_;
  }
  if (const auto done = shared_.sync_store.tell(process_, told, soon(shared_.clock)); !done) {
    log::debug("why sync cannot start was not told", {{"reason", done.error().public_message}});
  }
}

void SystemAtWork::start_runner() {
  std::vector<std::unique_ptr<sync::Stream>> streams;
  for (std::size_t i = 0; i < opened_.size(); ++i) {
    sync::Stream::Parts parts{*settings_.mapping.streams[i],        system_, shared_.sync_store, budget_, shared_.clock,
                              [this] { return shared_.ids.next(); }};
    sync::StreamOptions options = settings_.stream;
    options.backfills_itself = settings_.backfill;
    streams.push_back(std::make_unique<sync::Stream>(opened_[i].first, options, std::move(parts)));
  }
  sync::RunnerOptions options;
  options.owner = process_;
  options.threads = shared_.threads;
  options.tell_others = [this](const sync::StreamHint& hint) { tell_of(shared_.database, hint, shared_.clock); };
  options.shared_by = [this](const std::string&, std::size_t processes) {
    budget_.divide_by(processes);
    system_.shared_by(processes);
  };
  runner_ = std::make_unique<sync::Runner>(std::move(streams), std::move(options), shared_.sync_store, shared_.clock);
  runner_->start();
  up_.store(runner_.get(), std::memory_order_release);
}

}  // namespace banyan::app
