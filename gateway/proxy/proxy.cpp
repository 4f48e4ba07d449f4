#include "gateway/proxy/proxy.hpp"

#include <algorithm>
#include <thread>

#include "gateway/proxy/worker.hpp"

namespace banyan::proxy {
namespace {

// A head must fit into the largest read buffer.
constexpr std::uint32_t kMaxHeaderBytes = 60 * 1024;

std::uint32_t thread_count(std::uint32_t configured) {
  return configured > 0 ? configured : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

struct Proxy::State {
  Shared shared;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
};

Proxy::Proxy(Options options, std::shared_ptr<const catalog::RouteTable> table, AccessLogSink access_log,
             WriteSink writes)
    : state_(new State{}) {
  state_->shared.options = std::move(options);
  state_->shared.table = std::move(table);
  state_->shared.access_log = std::move(access_log);
  state_->shared.writes = std::move(writes);
}

Proxy::~Proxy() {
  stop(std::chrono::milliseconds(0));
}

Result<void> Proxy::start() {
  auto& shared = state_->shared;
  if (shared.options.limits.header_bytes > kMaxHeaderBytes) {
    return fail(ErrorCode::invalid_argument, "limits.header_bytes is at most 61440.");
  }
  auto trusted = TrustedNetworks::parse(shared.options.trusted_proxies);
  if (!trusted) return tl::unexpected(trusted.error());
  shared.trusted = *std::move(trusted);

  for (const auto& address : shared.options.listen) {
    if (auto free = Worker::check_free(address); !free) return free;
  }
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::uint32_t i = 0; i < thread_count(shared.options.threads); ++i) {
    auto& worker = workers.emplace_back(std::make_unique<Worker>(shared));
    if (auto prepared = worker->prepare_upstreams(); !prepared) return prepared;
    for (auto& address : shared.options.listen) {
      if (auto listening = worker->listen(address); !listening) return listening;
    }
  }
  state_->workers = std::move(workers);
  for (auto& worker : state_->workers) state_->threads.emplace_back([&worker = *worker] { worker.run(); });
  return {};
}

void Proxy::stop(std::chrono::milliseconds drain) {
  for (auto& worker : state_->workers) worker->stop(drain);
  for (auto& thread : state_->threads) {
    if (thread.joinable()) thread.join();
  }
}

const std::vector<Address>& Proxy::addresses() const {
  return state_->shared.options.listen;
}

std::vector<const Counters*> Proxy::counters() const {
  std::vector<const Counters*> all;
  for (const auto& worker : state_->workers) all.push_back(&worker->counters());
  return all;
}

}  // namespace banyan::proxy
