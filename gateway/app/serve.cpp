// The wiring of a running Banyan, top to bottom: logs, store, sync, data plane, control plane, signals.
#include "gateway/app/serve.hpp"

#include <sys/resource.h>

#include <csignal>
#include <iostream>
#include <map>
#include <utility>

#include "adapters/legacy/capabilities.hpp"
#include "adapters/records/record_store.hpp"
#include "adapters/sync/sync_queries.hpp"
#include "gateway/admin/admin_server.hpp"
#include "gateway/api/record_api.hpp"
#include "gateway/api/sync_api.hpp"
#include "gateway/app/cli.hpp"
#include "gateway/app/metrics.hpp"
#include "gateway/app/store_role.hpp"
#include "gateway/app/sync_hints.hpp"
#include "gateway/app/sync_role.hpp"
#include "gateway/base/async_log.hpp"
#include "gateway/base/log.hpp"
#include "gateway/proxy/proxy.hpp"

namespace banyan::app {
namespace {

// How long requests under way may go on after SIGTERM.
constexpr std::chrono::seconds kDrain{10};
constexpr std::size_t kApiThreads = 8;

std::string text(const proxy::Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

int report(const Error& error) {
  log::error(error.public_message, {{"code", error.code}});
  return kFailed;
}

// The signals that serve() answers, blocked in every thread so that one place waits for them.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// A proxy needs two descriptors per request under way: as many as the system allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) log::warn("the limit of open files could not be raised");
}

// What holds for each stream, by system and entity: adapters say so of themselves, without being asked to connect.
std::map<std::pair<std::string, std::string>, std::vector<std::string>> guarantees_of(const Settings& settings,
                                                                                      const Clock& clock) {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> all;
  for (const SyncSystem& system : settings.sync.systems) {
    const auto adapter = make_system(system, clock);
    for (const auto& mapping : system.mapping.streams) {
      all[{system.name, mapping->entity()}] = legacy::guarantees(adapter->capabilities(mapping->type()));
    }
  }
  return all;
}

// The sources of the sync API that only this process knows.
api::SyncSources sync_sources(const Settings& settings, const SyncRole* sync, const Clock& clock) {
  api::SyncSources sources;
  sources.ontology = settings.sync.ontology.get();
  const auto mapping_of = [&settings](const std::string& system,
                                      const std::string& entity) -> const sync::StreamMapping* {
    for (const SyncSystem& candidate : settings.sync.systems) {
      if (candidate.name == system) return candidate.mapping.find(entity);
    }
    return nullptr;
  };
  sources.policy = [mapping_of](const std::string& system, const std::string& entity, const std::string& field) {
    const sync::StreamMapping* mapping = mapping_of(system, entity);
    if (!mapping) return std::string();
    for (const sync::FieldRule& rule : mapping->rules()) {
      if (rule.field == field) return std::string(to_string(rule.policy));
    }
    return std::string(to_string(mapping->delete_conflict()));
  };
  sources.poll_interval = [&settings](const std::string& system) {
    for (const SyncSystem& candidate : settings.sync.systems) {
      if (candidate.name == system) return candidate.stream.poll_interval;
    }
    return sync::StreamOptions().poll_interval;
  };
  sources.guarantees = [all = guarantees_of(settings, clock)](const std::string& system, const std::string& entity) {
    const auto found = all.find({system, entity});
    return found == all.end() ? std::vector<std::string>{} : found->second;
  };
  if (!sync) return sources;
  sources.status = [sync] { return sync->status(); };
  sources.trouble = [sync](const std::string& system) { return sync->trouble(system); };
  sources.budget = [sync](const std::string& name) {
    api::SyncSources::BudgetUse use;
    if (const SystemAtWork* system = sync->find(name)) {
      const auto figures = system->budget().figures();
      use = {figures.granted, figures.part, figures.processes, figures.used_share};
    }
    return use;
  };
  return sources;
}

// Links of records, as GET /api/records shows them. A store that cannot say costs the links, not the answer.
api::RecordApiOptions record_options(sync::SyncQueries& queries, const Clock& clock) {
  api::RecordApiOptions options;
  options.links = [&queries, &clock](const std::string& entity, const std::vector<std::string>& ids) {
    auto links = queries.links(entity, ids, Deadline::after(clock, std::chrono::seconds(5)));
    if (links) return *std::move(links);
    log::warn("the links of records could not be read",
              {{"reason", links.error().public_message}, {"detail", links.error().internal_detail}});
    return std::map<std::string, records::Json>{};
  };
  return options;
}

// The legacy systems behind upstreams, where there is a process that syncs but is not this one. Within a private
// PostgreSQL there can be none.
std::vector<std::string> observed_elsewhere(const Settings& settings, Roles roles) {
  std::vector<std::string> upstreams;
  if (!roles.proxy || roles.sync || settings.store.kind != Store::Kind::url) return upstreams;
  for (const SyncSystem& system : settings.sync.systems) {
    if (!system.upstream.empty()) upstreams.push_back(system.upstream);
  }
  return upstreams;
}

// What answers below /api. Until the store has been prepared there is nothing to answer with.
struct Api {
  Api(const Settings& settings, StoreRole& store, records::RecordIds& ids, const SyncRole* sync, const Clock& clock)
      : store_(store),
        queries_(store.database()),
        record_store_(store.database(), *settings.sync.ontology, ids),
        records_(record_store_, clock, record_options(queries_, clock)),
        sync_(queries_, sync_sources(settings, sync, clock), clock) {}

  std::vector<admin::AdminHandler> handlers() {
    return {{api::kRecordsPrefix, when_prepared([this](const auto& request) { return records_.handle(request); })},
            {api::kSyncPrefix, when_prepared([this](const auto& request) { return sync_.handle(request); })}};
  }

private:
  net::HttpHandler when_prepared(net::HttpHandler handle) {
    return [this, handle = std::move(handle)](const net::HttpRequest& request) {
      if (store_.is_prepared()) return handle(request);
      return net::problem_response({ErrorCode::unavailable, "The store cannot be reached yet.", {}});
    };
  }

  StoreRole& store_;
  sync::SyncQueries queries_;
  records::RecordStore record_store_;
  api::RecordApi records_;
  api::SyncApi sync_;
};

std::unique_ptr<admin::AdminServer> make_admin(const Settings& settings, const proxy::Proxy* data_plane,
                                               const AsyncLog* access_log, Api* api, const SyncRole* sync) {
  if (!settings.admin) return nullptr;
  admin::AdminOptions options;
  options.server.host = settings.admin->address.host;
  options.server.port = settings.admin->address.port;
  options.server.handler_threads = api ? kApiThreads : 0;
  if (settings.admin->token) options.token = settings.admin->token->reveal();
  if (api) options.handlers = api->handlers();
  auto metrics = [data_plane, access_log, sync, routes = settings.routes](admin::PrometheusWriter& writer) {
    MetricsInput input;
    if (data_plane) input.counters = data_plane->counters();
    input.table = routes.get();
    input.access_log = access_log;
    input.process = read_process_figures();
    input.version = BANYAN_VERSION;
    if (sync) input.streams = sync->status();
    render_metrics(input, writer);
  };
  // The listeners are open before the control plane answers.
  std::vector<admin::ReadyCheck> checks{{"listeners", [] { return Result<void>{}; }}};
  return std::make_unique<admin::AdminServer>(std::move(options), std::move(metrics), std::move(checks));
}

// Returns at SIGTERM or SIGINT. SIGHUP: the access log is opened anew, for log rotation.
void wait_for_end(const sigset_t& signals, AsyncLog* access_log) {
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) {
    if (access_log) access_log->reopen();
  }
  log::info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
}

}  // namespace

int serve(Settings settings, Roles roles) {
  log::configure({settings.log.level, settings.log.format});
  const auto signals = block_signals();
  raise_descriptor_limit();
  const SystemClock clock;
  records::RecordIds ids(clock);

  std::unique_ptr<AsyncLog> access_log;
  proxy::AccessLogSink sink;
  if (settings.access_log.enabled && roles.proxy) {
    auto opened = AsyncLog::open(settings.access_log.path);
    if (!opened) return report(opened.error());
    access_log = *std::move(opened);
    sink = [log = access_log.get()](const std::string& lines, std::uint64_t count) { log->write(lines, count); };
  }

  const std::vector<std::string> elsewhere = observed_elsewhere(settings, roles);
  const bool keeps_store = settings.store.kind != Store::Kind::none && (roles.control || roles.sync);
  std::unique_ptr<StoreRole> store;
  if (keeps_store || !elsewhere.empty()) {
    auto opened = StoreRole::open(settings, clock);
    if (!opened) return report(opened.error());
    store = std::move(*opened);
  }
  std::unique_ptr<SyncRole> sync;
  if (store && roles.sync && !settings.sync.systems.empty()) {
    sync = std::make_unique<SyncRole>(settings, *store, ids, clock);
  }

  std::unique_ptr<ObservedTeller> teller;
  std::unique_ptr<proxy::Proxy> data_plane;
  if (roles.proxy) {
    if (!elsewhere.empty()) teller = std::make_unique<ObservedTeller>(elsewhere, store->database(), clock);
    proxy::WriteSink writes;
    if (teller) writes = [to = teller.get()](proxy::ObservedWrite write) { return to->observe(std::move(write)); };
    if (sync) writes = [role = sync.get()](proxy::ObservedWrite write) { return role->observe(std::move(write)); };
    data_plane = std::make_unique<proxy::Proxy>(settings.proxy, settings.routes, std::move(sink), std::move(writes));
    if (auto started = data_plane->start(); !started) return report(started.error());
  }

  std::unique_ptr<Api> api;
  if (store && roles.control) api = std::make_unique<Api>(settings, *store, ids, sync.get(), clock);
  const auto admin =
      roles.control ? make_admin(settings, data_plane.get(), access_log.get(), api.get(), sync.get()) : nullptr;
  if (admin) {
    if (auto started = admin->start(); !started) return report(started.error());
    log::info("control plane listening", {{"address", settings.admin->address.host}, {"port", admin->port()}});
  }
  if (data_plane) {
    for (const auto& address : data_plane->addresses()) log::info("listening", {{"address", text(address)}});
  }
  std::unique_ptr<StoreKeeper> keeper;
  if (keeps_store) keeper = std::make_unique<StoreKeeper>(*store, settings.sync.ontology, clock);
  if (sync) sync->start();

  wait_for_end(signals, access_log.get());
  if (admin) admin->set_draining(true);
  if (data_plane) data_plane->stop(kDrain);
  if (admin) admin->stop();
  if (keeper) keeper->stop();
  if (teller) teller->stop();
  if (sync) sync->stop();
  sync.reset();
  api.reset();
  if (store) store->stop();
  if (access_log) access_log->close();
  log::info("stopped");
  return kDone;
}

}  // namespace banyan::app
