// A small HTTP/1.1 server for tests: one thread, epoll, loopback. It parses requests strictly and leaves every byte of
// the answer to its handler, so that an origin can also misbehave.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tests/bench/http/message_reader.hpp"
#include "tests/bench/http/socket.hpp"

namespace banyan::load {

class Connection;

// What answers the requests of one connection. Called in the order head, body (any number of times), complete.
class Handler {
public:
  virtual ~Handler() = default;
  virtual void on_head(Connection& connection) = 0;
  virtual void on_body(Connection& connection, std::string_view bytes) = 0;
  virtual void on_complete(Connection& connection) = 0;
  // The connection ended in the middle of a request.
  virtual void on_abort() {}
};

// One accepted connection, as its handler sees it.
class Connection {
public:
  const MessageReader& request() const { return reader_; }

  void send(std::string bytes);              // queued; sent as the peer takes it
  void send_static(std::string_view bytes);  // must outlive the server
  void close_when_sent();  // orderly: end the sending side, then take and drop what still comes until the peer closes
  void reset_when_sent();  // with RST once the queue is empty
  void ignore_input();     // nothing more is parsed or answered until the peer closes

private:
  friend class Server;
  enum class Ending : std::uint8_t { none, close, reset };
  struct Segment {
    std::string owned;
    std::string_view rest;  // of `owned`, or static bytes
  };

  Fd socket_;
  MessageReader reader_{MessageReader::Kind::request};
  std::unique_ptr<Handler> handler_;
  std::deque<Segment> queue_;
  Ending ending_ = Ending::none;
  bool ignoring_ = false;
  bool peer_closed_ = false;
  bool shut_down_ = false;
  std::uint32_t polled_ = EPOLLIN;
};

class Server {
public:
  using MakeHandler = std::function<std::unique_ptr<Handler>()>;

  Server(Fd listener, MakeHandler make_handler);

  std::uint16_t port() const { return local_port(listener_); }
  std::size_t open_connections() const { return connections_.size(); }
  void run();  // until SIGTERM or SIGINT

private:
  void accept_all();
  bool serve(Connection& connection, std::uint32_t events);
  bool receive(Connection& connection);
  bool parse(Connection& connection, std::string_view input);
  bool flush(Connection& connection);
  bool finish(Connection& connection);
  void update_interest(Connection& connection, std::uint64_t id);

  Fd signals_;
  Fd listener_;
  MakeHandler make_handler_;
  Poller poller_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::uint64_t next_id_ = 2;  // 0 is the listener, 1 the signals
  std::vector<char> buffer_;
};

}  // namespace banyan::load
