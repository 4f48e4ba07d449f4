// What follows a 101: bytes both ways until both sides have ended (RFC 9110 section 7.8).
#include <boost/asio/error.hpp>

#include "gateway/proxy/client_connection.hpp"

namespace banyan::proxy {

void ClientConnection::start_tunnel() {
  state_ = State::tunnelling;
  worker_.mutable_counters().tunnels_open.add();
  worker_.wheel.set(*this, worker_.options.timeouts.upgrade);
  exchange_->parser.reset();
  body_.block = worker_.blocks.take(BlockSize::medium);
  body_.reset();
  net::ErrorCode ec;
  const bool sent = send_client(worker_.head_buffer.view(), {}, ec);
  if (ec) return end_tunnel("client_left");
  if (sent) pump_down();
  if (state_ == State::tunnelling) pump_up();
}

// Client to upstream. What came behind the upgrade request lies in in_ and goes first; the head stays there for the
// log.
void ClientConnection::pump_up() {
  Exchange& x = *exchange_;
  worker_.wheel.set(*this, worker_.options.timeouts.upgrade);
  while (!x.upstream->sending()) {
    Window& window = in_.empty() ? body_ : in_;
    if (window.empty()) {
      body_.reset();
      if (!reading_into_ && !client_ended_) read_client(body_);
      if (client_ended_) shut_down(x.upstream->socket);
      return;
    }
    const auto bytes = window.bytes();
    x.request_bytes += bytes.size();
    window.consume(bytes.size());
    net::ErrorCode ec;
    if (!x.upstream->send({}, {&bytes, 1}, ec)) return;
    if (ec) return end_tunnel("upstream_closed");
  }
}

// Upstream to client.
void ClientConnection::pump_down() {
  Exchange& x = *exchange_;
  worker_.wheel.set(*this, worker_.options.timeouts.upgrade);
  while (!queue_.pending()) {
    Window& window = x.upstream->in;
    if (window.empty()) {
      if (!x.upstream->reading()) window.reset();
      if (!x.upstream->reading() && !upstream_ended_) x.upstream->read();
      if (upstream_ended_) shut_down(socket_);
      return;
    }
    const auto bytes = window.bytes();
    x.response_bytes += bytes.size();
    window.consume(bytes.size());
    net::ErrorCode ec;
    if (!send_client({}, {&bytes, 1}, ec)) return;
    if (ec) return end_tunnel("client_left");
  }
}

// A side has sent its last byte: the other side is told, once all before it has been sent on.
void ClientConnection::end_tunnel_side(bool client_side) {
  (client_side ? client_ended_ : upstream_ended_) = true;
  if (client_ended_ && upstream_ended_ && !queue_.pending() && !exchange_->upstream->sending()) return end_tunnel({});
  return client_side ? pump_up() : pump_down();
}

void ClientConnection::shut_down(net::Socket& socket) {
  net::ErrorCode ignored;  // a peer that has gone already shows at the next read
  socket.shutdown(net::asio::socket_base::shutdown_send, ignored);
  if (client_ended_ && upstream_ended_ && !queue_.pending() && !exchange_->upstream->sending()) end_tunnel({});
}

void ClientConnection::end_tunnel(std::string_view word) {
  if (state_ != State::tunnelling) return;
  worker_.mutable_counters().tunnels_open.subtract();
  exchange_->error = word;
  account();
  close();
}

}  // namespace banyan::proxy
