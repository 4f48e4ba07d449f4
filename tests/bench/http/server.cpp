#include "tests/bench/http/server.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace banyan::load {
namespace {

constexpr std::uint64_t kListener = 0;
constexpr std::uint64_t kSignals = 1;
constexpr std::size_t kReadSize = 256 * 1024;

}  // namespace

void Connection::send(std::string bytes) {
  Segment& segment = queue_.emplace_back();
  segment.owned = std::move(bytes);
  segment.rest = segment.owned;
}

void Connection::send_static(std::string_view bytes) {
  queue_.emplace_back().rest = bytes;
}

void Connection::close_when_sent() {
  ending_ = Ending::close;
}

void Connection::reset_when_sent() {
  ending_ = Ending::reset;
}

void Connection::ignore_input() {
  ignoring_ = true;
}

Server::Server(Fd listener, MakeHandler make_handler)
    : signals_(termination_signals()),
      listener_(std::move(listener)),
      make_handler_(std::move(make_handler)),
      buffer_(kReadSize) {
  poller_.add(listener_, EPOLLIN, kListener);
  poller_.add(signals_, EPOLLIN, kSignals);
}

void Server::run() {
  std::array<epoll_event, 128> events{};
  for (;;) {
    for (const epoll_event& event : poller_.wait(events, -1)) {
      if (event.data.u64 == kSignals) return;
      if (event.data.u64 == kListener) {
        accept_all();
        continue;
      }
      const auto found = connections_.find(event.data.u64);
      if (found == connections_.end()) continue;
      Connection& connection = *found->second;
      if (!serve(connection, event.events)) {
        if (!connection.reader_.untouched() && !connection.ignoring_) connection.handler_->on_abort();
        connections_.erase(found);
        continue;
      }
      update_interest(connection, event.data.u64);
    }
  }
}

void Server::update_interest(Connection& connection, std::uint64_t id) {
  const std::uint32_t input = connection.peer_closed_ ? 0U : std::uint32_t{EPOLLIN};
  const std::uint32_t wanted = input | (connection.queue_.empty() ? 0U : std::uint32_t{EPOLLOUT});
  if (wanted == connection.polled_) return;
  poller_.change(connection.socket_, wanted, id);
  connection.polled_ = wanted;
}

void Server::accept_all() {
  for (Fd socket = accept_from(listener_); socket.open(); socket = accept_from(listener_)) {
    auto connection = std::make_unique<Connection>();
    connection->socket_ = std::move(socket);
    connection->handler_ = make_handler_();
    poller_.add(connection->socket_, EPOLLIN, next_id_);
    connections_.emplace(next_id_++, std::move(connection));
  }
}

// False: the connection has ended.
bool Server::serve(Connection& connection, std::uint32_t events) {
  if ((events & EPOLLERR) != 0U) return false;
  if ((events & (EPOLLIN | EPOLLHUP)) != 0U && !connection.peer_closed_ && !receive(connection)) return false;
  return flush(connection);
}

bool Server::receive(Connection& connection) {
  const ssize_t count = ::recv(connection.socket_.get(), buffer_.data(), buffer_.size(), 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) {
    connection.peer_closed_ = true;
    return !connection.queue_.empty();
  }
  return parse(connection, std::string_view(buffer_.data(), static_cast<std::size_t>(count)));
}

bool Server::parse(Connection& connection, std::string_view input) {
  using Event = MessageReader::Event;
  MessageReader& reader = connection.reader_;
  for (;;) {
    if (connection.ignoring_ || connection.ending_ != Connection::Ending::none) return true;
    const MessageReader::Step step = reader.next(input);
    input.remove_prefix(step.consumed);
    switch (step.event) {
      case Event::need_more:
        return true;
      case Event::head:
        connection.handler_->on_head(connection);
        break;
      case Event::body:
        connection.handler_->on_body(connection, step.body);
        break;
      case Event::complete:
        connection.handler_->on_complete(connection);
        if (!reader.keep_alive()) connection.close_when_sent();
        reader.start();
        break;
      case Event::failed:
        std::fprintf(stderr, "refused a request: %s; %zu bytes of input left\n", reader.error().c_str(), input.size());
        connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        connection.close_when_sent();
        break;
    }
  }
}

bool Server::flush(Connection& connection) {
  while (!connection.queue_.empty()) {
    std::array<iovec, 16> parts{};
    std::size_t used = 0;
    for (const Connection::Segment& segment : connection.queue_) {
      if (used == parts.size()) break;
      // sendmsg only reads through the pointer.
      parts[used++] = {.iov_base = const_cast<char*>(segment.rest.data()), .iov_len = segment.rest.size()};
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = used;
    const ssize_t count = ::sendmsg(connection.socket_.get(), &message, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    auto left = static_cast<std::size_t>(count);
    while (!connection.queue_.empty() && left >= connection.queue_.front().rest.size()) {
      left -= connection.queue_.front().rest.size();
      connection.queue_.pop_front();
    }
    if (left > 0) connection.queue_.front().rest.remove_prefix(left);
  }
  return finish(connection);
}

// Everything queued has been sent.
bool Server::finish(Connection& connection) {
  if (connection.ending_ == Connection::Ending::reset) {
    close_with_reset(connection.socket_);
    return false;
  }
  if (connection.peer_closed_) return false;
  if (connection.ending_ == Connection::Ending::close && !connection.shut_down_) {
    connection.shut_down_ = true;
    ::shutdown(connection.socket_.get(), SHUT_WR);
  }
  return true;
}

}  // namespace banyan::load
