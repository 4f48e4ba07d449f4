// The wiring of a running Banyan, top to bottom: logs, data plane, control plane, signals.
#include "gateway/app/serve.hpp"

#include <sys/resource.h>

#include <csignal>
#include <iostream>

#include "gateway/admin/admin_server.hpp"
#include "gateway/app/cli.hpp"
#include "gateway/app/metrics.hpp"
#include "gateway/base/async_log.hpp"
#include "gateway/base/log.hpp"
#include "gateway/proxy/proxy.hpp"

namespace banyan::app {
namespace {

// How long requests under way may go on after SIGTERM.
constexpr std::chrono::seconds kDrain{10};

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

std::unique_ptr<admin::AdminServer> make_admin(const Settings& settings, const proxy::Proxy& data_plane,
                                               const AsyncLog* access_log) {
  if (!settings.admin) return nullptr;
  admin::AdminOptions options;
  options.server.host = settings.admin->address.host;
  options.server.port = settings.admin->address.port;
  if (settings.admin->token) options.token = settings.admin->token->reveal();
  auto metrics = [&data_plane, access_log, routes = settings.routes](admin::PrometheusWriter& writer) {
    MetricsInput input;
    input.counters = data_plane.counters();
    input.table = routes.get();
    input.access_log = access_log;
    input.process = read_process_figures();
    input.version = BANYAN_VERSION;
    render_metrics(input, writer);
  };
  // The listeners are open before the control plane answers: there is nothing else to wait for yet.
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

int serve(Settings settings) {
  log::configure({settings.log.level, settings.log.format});
  const auto signals = block_signals();
  raise_descriptor_limit();
  if (settings.store.url) log::warn("nothing uses store.url yet: stages are those of the settings file");

  std::unique_ptr<AsyncLog> access_log;
  proxy::AccessLogSink sink;
  if (settings.access_log.enabled) {
    auto opened = AsyncLog::open(settings.access_log.path);
    if (!opened) return report(opened.error());
    access_log = *std::move(opened);
    sink = [log = access_log.get()](std::string lines, std::uint64_t count) { log->write(std::move(lines), count); };
  }

  proxy::Proxy data_plane(settings.proxy, settings.routes, std::move(sink));
  if (auto started = data_plane.start(); !started) return report(started.error());

  const auto admin = make_admin(settings, data_plane, access_log.get());
  if (admin) {
    if (auto started = admin->start(); !started) return report(started.error());
    log::info("control plane listening", {{"address", settings.admin->address.host}, {"port", admin->port()}});
  }
  for (const auto& address : data_plane.addresses()) log::info("listening", {{"address", text(address)}});

  wait_for_end(signals, access_log.get());
  if (admin) admin->set_draining(true);
  data_plane.stop(kDrain);
  if (admin) admin->stop();
  if (access_log) access_log->close();
  log::info("stopped");
  return kDone;
}

}  // namespace banyan::app
