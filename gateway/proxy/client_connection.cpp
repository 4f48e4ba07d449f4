// Begins, ends and accounts; dispatches what happens on the client's socket.
#include "gateway/proxy/client_connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

namespace banyan::proxy {

namespace asio = net::asio;
using namespace std::chrono_literals;

namespace {

// How long, and how many bytes, a client may go on sending after an answer that ends the connection
// (RFC 9112 section 9.6: closing at once could take the answer away from it).
constexpr std::chrono::milliseconds kLingerTime{2'000};
constexpr std::size_t kLingerBytes = 1 << 20;

std::string peer_address(const net::Socket& socket) {
  net::ErrorCode ec;
  const auto endpoint = socket.remote_endpoint(ec);
  if (ec) return "unknown";  // the peer has reset the connection already
  const auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

}  // namespace

ClientConnection::Exchange::Exchange() = default;

ClientConnection::ClientConnection(Worker& worker, net::Socket socket)
    : worker_(worker), socket_(std::move(socket)), peer_(peer_address(socket_)) {
  if (const auto bytes = parse_address(peer_)) peer_trusted_ = worker_.shared.trusted.contains(*bytes);
}

ClientConnection::~ClientConnection() = default;

void ClientConnection::start() {
  alive_ = this;
  net::prepare(socket_);
  in_.block = worker_.blocks.take(BlockSize::small);
  state_ = State::reading_head;
  worker_.wheel.set(*this, worker_.options.timeouts.request_header);
  read_client(in_);
}

void ClientConnection::drain() {
  if (state_ == State::idle || (state_ == State::reading_head && in_.empty())) return close();
  if (state_ == State::tunnelling) end_tunnel("shutdown");
}

void ClientConnection::abort() {
  if (state_ == State::tunnelling) return end_tunnel("shutdown");
  if (state_ == State::reading_body || state_ == State::exchanging) {
    exchange_->error = "shutdown";
    account();
  }
  net::reset_on_close(socket_);
  close();
}

void ClientConnection::read_client(Window& window, std::size_t most) {
  reading_into_ = &window;
  socket_.async_read_some(
      asio::buffer(window.block.data() + window.end, std::min(window.room(), most)),
      net::placed(read_memory_, [self = boost::intrusive_ptr<ClientConnection>(this)](
                                    net::ErrorCode ec, std::size_t n) { self->on_client_read(ec, n); }));
}

void ClientConnection::on_client_read(net::ErrorCode ec, std::size_t n) {
  Window& window = *reading_into_;
  reading_into_ = nullptr;
  if (state_ == State::closed) return;
  if (ec == asio::error::operation_aborted && hibernating_) return hibernate();
  if (ec && state_ == State::tunnelling) {
    return ec == asio::error::eof ? end_tunnel_side(true) : end_tunnel("client_left");
  }
  if (ec) return on_client_gone();
  window.end += n;
  switch (state_) {
    case State::idle:
    case State::reading_head:
      return parse_head();
    case State::reading_body:
      // A 100 that waits to be sent goes first.
      if (interim_pending_) return;
      return continue_buffering();
    case State::exchanging:
      if (!exchange_->body_done) return relay_request_body();
      // A pipelined request waits in the buffer; when that is full, the client waits.
      if (in_.room() > 0) read_client(in_);
      return;
    case State::tunnelling:
      return pump_up();
    case State::lingering:
      lingered_bytes_ += n;
      in_.reset();
      if (lingered_bytes_ > kLingerBytes) return close();
      return read_client(in_);
    case State::closed:
      return;
  }
}

void ClientConnection::on_client_gone() {
  if (state_ == State::reading_body || state_ == State::exchanging) {
    worker_.mutable_counters().clients_left.add();
    exchange_->error = "client_left";
    account();
  }
  close();
}

bool ClientConnection::send_client(std::string_view head, std::span<const std::string_view> pieces,
                                   net::ErrorCode& ec) {
  return queue_.send(
      socket_, head, pieces, ec,
      [self = boost::intrusive_ptr<ClientConnection>(this)](net::ErrorCode done) { self->on_client_sent(done); });
}

void ClientConnection::on_client_sent(net::ErrorCode ec) {
  if (state_ == State::closed) return;
  if (state_ == State::tunnelling) {
    if (ec) return end_tunnel("client_left");
    return pump_down();
  }
  if (std::exchange(interim_pending_, false)) {
    if (ec) return on_client_gone();
    if (state_ == State::reading_body) return continue_buffering();
    if (exchange_->upstream && !exchange_->upstream->reading() && !exchange_->response_started) parse_response_head();
    return;
  }
  if (state_ == State::exchanging) return on_response_sent(ec);
}

void ClientConnection::on_deadline() {
  switch (state_) {
    case State::idle:
      if (hibernating_ || worker_.options.timeouts.idle <= kHibernateAfter) return close();
      hibernating_ = true;
      worker_.wheel.set(*this, worker_.options.timeouts.idle - kHibernateAfter);
      if (reading_into_) {
        net::ErrorCode ignored;  // nothing to cancel means that the read has just ended: hibernate() is not reached
        socket_.cancel(ignored);
      }
      return;
    case State::reading_head:
      if (in_.empty() || !exchange_) return close();
      worker_.mutable_counters().timeouts.add();
      identify();
      return respond(408, "The request header did not come in time.", "request_header_timeout");
    case State::reading_body:
      worker_.mutable_counters().timeouts.add();
      return respond(408, "The request body did not come in time.", "request_body_timeout");
    case State::exchanging:
      return on_exchange_deadline();
    case State::tunnelling:
      return end_tunnel("upgrade_timeout");
    case State::lingering:
      return close();
    case State::closed:
      return;
  }
}

void ClientConnection::hibernate() {
  if (state_ != State::idle) {
    hibernating_ = false;
    return read_client(in_);
  }
  in_ = {};
  exchange_.release();
  request_ = {};
  response_ = {};
  socket_.async_wait(
      net::Socket::wait_read,
      net::placed(read_memory_, [self = boost::intrusive_ptr<ClientConnection>(this)](net::ErrorCode ec) {
        if (self->state_ != State::idle) return;
        if (ec) return self->close();
        self->hibernating_ = false;
        self->in_.block = self->worker_.blocks.take(BlockSize::small);
        self->worker_.wheel.set(*self, self->worker_.options.timeouts.request_header);
        self->read_client(self->in_);
      }));
}

void ClientConnection::account() {
  Exchange& x = *exchange_;
  const auto now = std::chrono::steady_clock::now();
  const auto micros = [](SteadyTime from, SteadyTime to) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
  };
  const auto served_by = x.response_started && !x.own_response ? x.decision.served_by : catalog::ServedBy::none;
  const auto& function = worker_.shared.table->function(x.function);
  const auto duration = micros(x.started, now);
  if (x.recognised) {
    auto& counters = worker_.function_counters(x.function);
    const auto side = static_cast<std::size_t>(served_by);
    counters.requests[side][static_cast<std::size_t>(x.status / 100)].add();
    counters.duration[side].record(duration);
    counters.request_bytes.add(x.request_bytes);
    counters.response_bytes.add(x.response_bytes);
  }
  if (!worker_.shared.access_log) return;
  AccessRecord record;
  record.time = worker_.wall(x.started);
  record.client = x.client;
  record.method = request_.method;
  record.target = request_.target;
  record.host = request_.host;
  record.minor_version = request_.minor_version;
  if (x.recognised) record.function = function.spec.name;
  record.stage = function.spec.stage;
  record.served_by = served_by;
  record.subject = x.subject.hash;
  record.status = x.status;
  record.request_bytes = x.request_bytes;
  record.response_bytes = x.response_bytes;
  record.duration_us = duration;
  if (x.answered > x.asked) record.upstream_us = micros(x.asked, x.answered);
  if (x.endpoint) record.upstream = x.endpoint->name;
  record.request_id = x.request_id;
  record.error = x.error;
  worker_.log(record);
}

void ClientConnection::linger() {
  exchange_.reset();
  if (client_ended_) return close();
  net::ErrorCode ec;
  socket_.shutdown(asio::socket_base::shutdown_send, ec);
  if (ec) return close();
  state_ = State::lingering;
  lingered_bytes_ = 0;
  worker_.wheel.set(*this, kLingerTime);
  if (reading_into_) return;  // its end comes to on_client_read
  in_.reset();
  read_client(in_);
}

void ClientConnection::close() {
  if (state_ == State::closed) return;
  if (exchange_) drop_upstream();
  state_ = State::closed;
  net::DeadlineWheel::clear(*this);
  net::ErrorCode ignored;  // closing is all that is wanted
  socket_.close(ignored);
  worker_.forget(*this);
  // Callers up the stack may still look at this object.
  asio::post(worker_.executor(), [last = std::move(alive_)] {});
}

}  // namespace banyan::proxy
