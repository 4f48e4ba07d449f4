// Worker: one io thread with everything that its connections share. Nothing here is shared with another thread but the
// route table (immutable), the counters (one writer) and the count of connections.
#pragma once

#include "gateway/net/socket.hpp"
//
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/net/deadline_wheel.hpp"
#include "gateway/proxy/access_log.hpp"
#include "gateway/proxy/block_pool.hpp"
#include "gateway/proxy/counters.hpp"
#include "gateway/proxy/gate.hpp"
#include "gateway/proxy/head_writer.hpp"
#include "gateway/proxy/observed_writes.hpp"
#include "gateway/proxy/options.hpp"
#include "gateway/proxy/upstream.hpp"
#include "migration/catalog/route_table.hpp"

namespace banyan::proxy {

// A client connection, as far as its worker needs to know it.
class LiveConnection : public boost::intrusive::list_base_hook<> {
public:
  virtual void drain() = 0;  // close now if idle; after the request that is under way otherwise
  virtual void abort() = 0;  // close now

protected:
  ~LiveConnection() = default;
};

// What all workers of a proxy have in common.
struct Shared {
  Options options;
  TrustedNetworks trusted;
  std::shared_ptr<const catalog::RouteTable> table;  // std::atomic_load / atomic_store
  std::atomic<std::uint32_t> connections{0};
  AccessLogSink access_log;  // empty: off
  WriteSink writes;          // empty: nobody wants to know
};

class Worker {
public:
  explicit Worker(Shared& shared);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Resolves upstreams. Before run().
  Result<void> prepare_upstreams();
  // Fails if the address cannot be listened on. SO_REUSEPORT alone would let two processes share a port unnoticed.
  static Result<void> check_free(const Address& address);
  // Listens with SO_REUSEPORT. Before run(). `port` 0 is replaced by the port that was given.
  Result<void> listen(Address& address);

  // The thread's body; returns after stop() and the last connection's end.
  void run();
  // From any thread. Stops accepting, closes idle connections, lets requests end within `drain`, then cuts them off.
  // Calling it twice is safe.
  void stop(std::chrono::milliseconds drain);

  const Counters& counters() const { return counters_; }

  // For connections, on the io thread.
  UpstreamPtr take_connection(Endpoint& endpoint, bool fresh);  // null: limits.upstream_connections reached
  void give_back(UpstreamPtr connection);
  void log(const AccessRecord& record);
  void observe(ObservedWrite write);
  FunctionCounters& function_counters(catalog::FunctionId id);
  void count_refusal(Rule rule) { counters_.refusals[static_cast<std::size_t>(rule)].count.add(); }
  void forget(LiveConnection& connection);  // it has closed
  UpstreamGroup& group(std::uint32_t upstream) { return groups_[upstream]; }
  bool draining() const { return draining_; }
  net::Executor executor() { return context_.get_executor(); }
  // The wall time that belongs to a steady time; refreshed each tick.
  WallTime wall(SteadyTime time) const {
    return wall_base_ + std::chrono::duration_cast<WallTime::duration>(time - steady_base_);
  }

  Shared& shared;
  const Options& options;
  net::DeadlineWheel wheel;
  BlockPool blocks;
  Random random;
  HeadBuffer head_buffer;

  Counters& mutable_counters() { return counters_; }

private:
  struct Listener {
    explicit Listener(net::Acceptor open) : acceptor(std::move(open)) {}
    net::Acceptor acceptor;
    net::HandlerMemory memory;
    bool paused = false;  // out of descriptors: tried again at the next tick
  };

  void accept(Listener& listener);
  void on_accepted(net::Socket socket);
  void schedule_tick();
  void on_tick();
  void flush_log();
  void begin_drain(std::chrono::milliseconds drain);
  void finish_if_drained();

  // Declared first: destroyed last, after everything that gives blocks and sockets back.
  net::asio::io_context context_{1};
  Counters counters_;
  boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                    net::Executor>
      tick_timer_{context_};
  std::deque<Listener> listeners_;
  std::deque<UpstreamGroup> groups_;
  std::vector<std::unique_ptr<FunctionCounters>> owned_function_counters_;
  boost::intrusive::list<LiveConnection> connections_;
  std::string log_lines_;
  std::uint64_t log_count_ = 0;
  SteadyTime steady_base_;
  WallTime wall_base_;
  SteadyTime next_tick_;
  bool draining_ = false;
  std::uint64_t drain_until_tick_ = 0;
};

}  // namespace banyan::proxy
