#include "gateway/proxy/upstream.hpp"

#include <algorithm>
#include <cstring>

namespace banyan::proxy {

namespace asio = net::asio;

void Window::append(std::string_view more) {
  std::memcpy(block.data() + end, more.data(), more.size());
  end += more.size();
}

UpstreamConnection::UpstreamConnection(Endpoint& to, net::Executor executor, BlockPool& blocks)
    : endpoint(to), socket(std::move(executor)) {
  in.block = blocks.take(BlockSize::medium);
  ++endpoint.connections;
}

UpstreamConnection::~UpstreamConnection() {
  --endpoint.connections;
}

void UpstreamConnection::connect() {
  endpoint.counters->connects.add();
  socket.async_connect(endpoint.address, net::placed(read_memory_, [self = UpstreamPtr(this)](net::ErrorCode ec) {
                         if (ec && ec != asio::error::operation_aborted)
                           self->endpoint.counters->connect_failures.add();
                         if (!ec) net::prepare(self->socket);
                         if (self->user) self->user->on_upstream_connected(ec);
                       }));
}

void UpstreamConnection::read() {
  reading_ = true;
  socket.async_read_some(asio::buffer(in.block.data() + in.end, in.room()),
                         net::placed(read_memory_, [self = UpstreamPtr(this)](net::ErrorCode ec, std::size_t n) {
                           self->reading_ = false;
                           self->in.end += n;
                           if (self->user) {
                             self->user->on_upstream_read(ec);
                           } else {
                             self->drop_idle();
                           }
                         }));
}

bool UpstreamConnection::send(std::string_view head, std::span<const std::string_view> pieces, net::ErrorCode& ec) {
  return queue_.send(socket, head, pieces, ec, [self = UpstreamPtr(this)](net::ErrorCode done) {
    if (self->user) self->user->on_upstream_sent(done);
  });
}

void UpstreamConnection::close() {
  if (closed_) return;
  closed_ = true;
  user = nullptr;
  net::ErrorCode ignored;  // closing is all that is wanted; a failing close has closed as well
  socket.close(ignored);
}

void UpstreamConnection::on_deadline() {
  drop_idle();
}

void UpstreamConnection::drop_idle() {
  // Keeps this object alive to the end: the pool may hold the last reference.
  const UpstreamPtr self(this);
  auto& idle = endpoint.idle;
  const auto place = std::find(idle.begin(), idle.end(), self);
  if (place == idle.end()) return;
  idle.erase(place);
  endpoint.counters->idle.subtract();
  close();
}

Result<void> UpstreamGroup::resolve(const Upstream& settings, std::deque<Endpoint>& endpoints) {
  asio::io_context context;
  asio::ip::tcp::resolver resolver(context);
  for (const auto& address : settings.endpoints) {
    net::ErrorCode ec;
    const auto found = resolver.resolve(address.host, std::to_string(address.port), ec);
    const bool v6 = address.host.find(':') != std::string::npos;
    const auto name = (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
    if (ec || found.empty()) {
      return fail(ErrorCode::unavailable, "The endpoint " + name + " of the upstream \"" + settings.name +
                                              "\" cannot be resolved: " + ec.message() + ".");
    }
    Endpoint endpoint;
    endpoint.name = name;
    endpoint.address = found.begin()->endpoint();
    endpoints.push_back(std::move(endpoint));
  }
  return {};
}

UpstreamGroup::UpstreamGroup(const Upstream& options, std::deque<Endpoint> resolved, UpstreamCounters& counters)
    : options_(options), endpoints_(std::move(resolved)) {
  counters.name = options.name;
  for (auto& endpoint : endpoints_) {
    counters.endpoint_names.push_back(endpoint.name);
    endpoint.counters = &counters.endpoints.emplace_back();
  }
}

Endpoint* UpstreamGroup::choose(Random& random, std::uint64_t now_tick, std::uint64_t tried) {
  const auto pick = [&](auto&& usable) -> Endpoint* {
    std::size_t count = 0;
    for (std::size_t i = 0; i < endpoints_.size(); ++i) count += usable(i) ? std::size_t{1} : 0;
    if (count == 0) return nullptr;
    const auto nth = [&](std::size_t n) -> Endpoint* {
      for (std::size_t i = 0; i < endpoints_.size(); ++i) {
        if (usable(i) && n-- == 0) return &endpoints_[i];
      }
      return nullptr;
    };
    if (count == 1) return nth(0);
    const auto bits = random.next();
    const auto first = (bits & 0xffffffff) % count;
    auto second = (bits >> 32) % (count - 1);
    if (second >= first) ++second;
    Endpoint* const a = nth(first);
    Endpoint* const b = nth(second);
    return b->counters->outstanding.value() < a->counters->outstanding.value() ? b : a;
  };
  const auto untried = [&](std::size_t i) { return i >= 64 || (tried >> i & 1) == 0; };
  Endpoint* const healthy = pick([&](std::size_t i) { return untried(i) && endpoints_[i].failed_until <= now_tick; });
  return healthy ? healthy : pick(untried);
}

std::size_t UpstreamGroup::index_of(const Endpoint& endpoint) const {
  std::size_t i = 0;
  while (&endpoints_[i] != &endpoint) ++i;
  return i;
}

}  // namespace banyan::proxy
