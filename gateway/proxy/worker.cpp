#include "gateway/proxy/worker.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "gateway/proxy/client_connection.hpp"

namespace banyan::proxy {

namespace asio = net::asio;
using asio::ip::tcp;

namespace {

// A batch goes to the sink when it has grown to this, or at the next tick.
constexpr std::size_t kLogBatchBytes = 32 * 1024;

}  // namespace

Worker::Worker(Shared& shared_state) : shared(shared_state), options(shared_state.options) {
  for (std::size_t rule = 0; rule < kRuleCount; ++rule) {
    counters_.refusals.emplace_back().name = to_string(static_cast<Rule>(rule));
  }
  counters_.functions = std::vector<std::atomic<FunctionCounters*>>(shared.table->functions().size());
}

Worker::~Worker() {
  // Handlers that never ran hold connections, which give blocks back: let go of them while the pools are there.
  for (auto& group : groups_) {
    for (auto& endpoint : group.endpoints()) endpoint.idle.clear();
  }
}

Result<void> Worker::prepare_upstreams() {
  for (const auto& upstream : options.upstreams) {
    std::deque<Endpoint> endpoints;
    if (auto resolved = UpstreamGroup::resolve(upstream, endpoints); !resolved) return resolved;
    groups_.emplace_back(upstream, std::move(endpoints), counters_.upstreams.emplace_back());
  }
  return {};
}

Result<void> Worker::check_free(const Address& address) {
  net::ErrorCode ec;
  const auto ip = asio::ip::make_address(address.host, ec);
  asio::io_context context;
  tcp::acceptor probe(context);
  if (!ec) probe.open(ip.is_v6() ? tcp::v6() : tcp::v4(), ec);
  if (!ec) probe.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) probe.bind({ip, address.port}, ec);
  if (!ec) probe.listen(1, ec);
  if (!ec) return {};
  return fail(ErrorCode::unavailable,
              "Cannot listen on " + address.host + ":" + std::to_string(address.port) + ": " + ec.message() + ".");
}

Result<void> Worker::listen(Address& address) {
  using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
  const auto text = address.host + ":" + std::to_string(address.port);
  net::ErrorCode ec;
  const auto ip = asio::ip::make_address(address.host, ec);
  if (ec) return fail(ErrorCode::invalid_argument, "The listen address " + text + " is not an IP address.");
  const tcp::endpoint endpoint(ip, address.port);
  net::Acceptor acceptor(context_);
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) acceptor.set_option(ReusePort(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(4096, ec);
  if (ec) return fail(ErrorCode::unavailable, "Cannot listen on " + text + ": " + ec.message() + ".");
  address.port = acceptor.local_endpoint(ec).port();
  listeners_.emplace_back(std::move(acceptor));
  return {};
}

void Worker::run() {
  steady_base_ = std::chrono::steady_clock::now();
  wall_base_ = std::chrono::system_clock::now();
  next_tick_ = steady_base_;
  for (auto& listener : listeners_) accept(listener);
  schedule_tick();
  context_.run();
  flush_log();
}

void Worker::accept(Listener& listener) {
  listener.paused = false;
  listener.acceptor.async_accept(net::placed(listener.memory, [this, &listener](net::ErrorCode ec, net::Socket socket) {
    if (ec == asio::error::operation_aborted || !listener.acceptor.is_open()) return;
    if (ec) {
      // Out of descriptors or memory: ask again at the next tick instead of spinning.
      listener.paused = true;
      return;
    }
    on_accepted(std::move(socket));
    accept(listener);
  }));
}

void Worker::on_accepted(net::Socket socket) {
  counters_.connections_accepted.add();
  if (shared.connections.fetch_add(1, std::memory_order_relaxed) >= options.limits.connections) {
    shared.connections.fetch_sub(1, std::memory_order_relaxed);
    counters_.connections_refused.add();
    return;
  }
  counters_.connections_open.add();
  const boost::intrusive_ptr<ClientConnection> connection(new ClientConnection(*this, std::move(socket)));
  connections_.push_back(*connection);
  connection->start();
}

void Worker::forget(LiveConnection& connection) {
  connections_.erase(connections_.iterator_to(connection));
  shared.connections.fetch_sub(1, std::memory_order_relaxed);
  counters_.connections_open.subtract();
  finish_if_drained();
}

UpstreamPtr Worker::take_connection(Endpoint& endpoint, bool fresh) {
  if (!fresh && !endpoint.idle.empty()) {
    auto connection = std::move(endpoint.idle.back());
    endpoint.idle.pop_back();
    endpoint.counters->idle.subtract();
    net::DeadlineWheel::clear(*connection);
    connection->reused = true;
    return connection;
  }
  if (endpoint.connections >= options.limits.upstream_connections) return nullptr;
  return UpstreamPtr(new UpstreamConnection(endpoint, executor(), blocks));
}

void Worker::give_back(UpstreamPtr connection) {
  connection->user = nullptr;
  if (draining_) return connection->close();
  if (!connection->reading()) {
    if (connection->in.block.size() != BlockPool::bytes(BlockSize::medium))
      connection->in.block = blocks.take(BlockSize::medium);
    connection->in.reset();
    connection->read();
  }
  // Bytes or an end that had come already are told before this runs: such a connection is not used again.
  asio::post(context_, [this, connection = std::move(connection)]() mutable {
    if (draining_ || !connection->reading()) return connection->close();
    auto& pool = connection->endpoint;
    wheel.set(*connection, options.timeouts.upstream_idle);
    pool.counters->idle.add();
    pool.idle.push_back(std::move(connection));
  });
}

FunctionCounters& Worker::function_counters(catalog::FunctionId id) {
  auto& place = counters_.functions[id];
  auto* counters = place.load(std::memory_order_relaxed);
  if (!counters) {
    counters = owned_function_counters_.emplace_back(std::make_unique<FunctionCounters>()).get();
    place.store(counters, std::memory_order_release);
  }
  return *counters;
}

void Worker::log(const AccessRecord& record) {
  if (!shared.access_log) return;
  append_line(log_lines_, record);
  ++log_count_;
  if (log_lines_.size() >= kLogBatchBytes) flush_log();
}

void Worker::observe(ObservedWrite write) {
  const bool with_ids = !write.ids.empty();
  if (!shared.writes(std::move(write))) return counters_.writes_dropped.add();
  (with_ids ? counters_.writes_with_ids : counters_.writes_without_ids).add();
}

void Worker::flush_log() {
  if (log_count_ == 0) return;
  counters_.access_lines.add(log_count_);
  std::string batch;
  batch.reserve(kLogBatchBytes + 4096);
  batch.swap(log_lines_);
  shared.access_log(std::move(batch), std::exchange(log_count_, 0));
}

void Worker::schedule_tick() {
  next_tick_ += net::DeadlineWheel::kTick;
  tick_timer_.expires_at(next_tick_);
  tick_timer_.async_wait([this](net::ErrorCode ec) {
    if (!ec) on_tick();
  });
}

void Worker::on_tick() {
  const auto now = std::chrono::steady_clock::now();
  wall_base_ = std::chrono::system_clock::now();
  steady_base_ = now;
  // After a stall of the thread the wheel catches up, so that deadlines keep their length.
  const auto behind = (now - next_tick_) / net::DeadlineWheel::kTick;
  for (auto i = behind + 1; i > 0; --i) wheel.tick();
  next_tick_ += behind * net::DeadlineWheel::kTick;
  flush_log();
  for (auto& listener : listeners_) {
    if (listener.paused && listener.acceptor.is_open()) accept(listener);
  }
  if (draining_ && wheel.now() >= drain_until_tick_) {
    while (!connections_.empty()) connections_.front().abort();
  }
  if (!draining_ || !connections_.empty()) schedule_tick();
}

void Worker::stop(std::chrono::milliseconds drain) {
  asio::post(context_, [this, drain] { begin_drain(drain); });
}

void Worker::begin_drain(std::chrono::milliseconds drain) {
  if (draining_) return;
  draining_ = true;
  drain_until_tick_ = wheel.now() + static_cast<std::uint64_t>(drain / net::DeadlineWheel::kTick);
  for (auto& listener : listeners_) {
    net::ErrorCode ignored;  // it is closed either way
    listener.acceptor.close(ignored);
  }
  for (auto& group : groups_) {
    for (auto& endpoint : group.endpoints()) {
      for (auto& connection : endpoint.idle) connection->close();
      endpoint.counters->idle.subtract(endpoint.idle.size());
      endpoint.idle.clear();
    }
  }
  for (auto it = connections_.begin(); it != connections_.end();) (it++)->drain();
  finish_if_drained();
}

void Worker::finish_if_drained() {
  if (draining_ && connections_.empty()) tick_timer_.cancel();
}

}  // namespace banyan::proxy
