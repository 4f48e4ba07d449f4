// The upstream side of one io thread: groups of endpoints, their pooled connections, and the choice among them.
#pragma once

#include "gateway/net/socket.hpp"
//
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "gateway/net/deadline_wheel.hpp"
#include "gateway/proxy/block_pool.hpp"
#include "gateway/proxy/counters.hpp"
#include "gateway/proxy/forwarded.hpp"
#include "gateway/proxy/options.hpp"

namespace banyan::proxy {

class UpstreamConnection;
using UpstreamPtr = boost::intrusive_ptr<UpstreamConnection>;

// A read buffer and the part of it that is filled.
struct Window {
  Block block;
  std::size_t begin = 0;
  std::size_t end = 0;

  std::string_view bytes() const { return {block.data() + begin, end - begin}; }
  bool empty() const { return begin == end; }
  std::size_t room() const { return block.size() - end; }
  void consume(std::size_t n) { begin += n; }
  void reset() { begin = end = 0; }
  void append(std::string_view more);
};

struct Endpoint {
  std::string name;  // "127.0.0.1:8001", also the authority for `host: endpoint`
  net::asio::ip::tcp::endpoint address;
  std::vector<UpstreamPtr> idle;   // last in, first out
  std::uint32_t connections = 0;   // idle and busy
  std::uint64_t failed_until = 0;  // wheel tick; skipped before it if another endpoint can be asked
  EndpointCounters* counters = nullptr;
};

// Who uses a connection at the moment. Calls come from the io thread, never from inside a call to the connection.
class UpstreamUser {
public:
  virtual void on_upstream_connected(net::ErrorCode ec) = 0;
  virtual void on_upstream_read(net::ErrorCode ec) = 0;  // bytes are in connection.in, unless ec
  virtual void on_upstream_sent(net::ErrorCode ec) = 0;

protected:
  ~UpstreamUser() = default;
};

// One connection to an endpoint. A read is under way all the time that it idles, so that bytes or an end that come
// without a request are seen at once, and the connection is never used again.
class UpstreamConnection final : public net::Counted<UpstreamConnection>, public net::DeadlineEntry {
public:
  UpstreamConnection(Endpoint& endpoint, net::Executor executor, BlockPool& blocks);
  ~UpstreamConnection();

  void connect();
  // Reads into the free room of `in`. One read at a time.
  void read();
  // As SendQueue::send; the end is told by on_upstream_sent() if false is returned.
  bool send(std::string_view head, std::span<const std::string_view> pieces, net::ErrorCode& ec);
  void close();

  bool reading() const { return reading_; }
  bool sending() const { return queue_.pending(); }
  std::uint64_t sent_bytes() const { return queue_.sent_bytes(); }
  bool closed() const { return closed_; }

  Endpoint& endpoint;
  net::Socket socket;
  Window in;
  UpstreamUser* user = nullptr;
  bool reused = false;

private:
  void on_deadline() override;
  void drop_idle();

  net::SendQueue queue_;
  net::HandlerMemory read_memory_;
  bool reading_ = false;
  bool closed_ = false;
};

// The endpoints of one upstream, as one thread sees them.
class UpstreamGroup {
public:
  // Endpoint names are resolved here, blocking. Fails if one cannot be.
  static Result<void> resolve(const Upstream& settings, std::deque<Endpoint>& endpoints);

  UpstreamGroup(const Upstream& options, std::deque<Endpoint> resolved, UpstreamCounters& counters);

  // The better of two random endpoints by requests outstanding (Mitzenmacher: the power of two choices), among those
  // that have not failed lately; all, if every one has. `tried`: bit per endpoint that is not to be chosen. Null if
  // all were tried.
  Endpoint* choose(Random& random, std::uint64_t now_tick, std::uint64_t tried);

  std::size_t index_of(const Endpoint& endpoint) const;
  std::deque<Endpoint>& endpoints() { return endpoints_; }
  const Upstream& options() const { return options_; }

private:
  const Upstream& options_;
  std::deque<Endpoint> endpoints_;
};

}  // namespace banyan::proxy
