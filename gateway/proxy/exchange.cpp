// Chooses an endpoint, sends the request, tries again where that is safe, falls back from modern to legacy.
#include <algorithm>
#include <boost/asio/error.hpp>

#include "gateway/proxy/client_connection.hpp"

namespace banyan::proxy {

void ClientConnection::forward() {
  state_ = State::exchanging;
  Exchange& x = *exchange_;
  auto& group = worker_.group(x.upstream_index);
  Endpoint* const endpoint = group.choose(worker_.random, worker_.wheel.now(), x.tried);
  if (!endpoint) return on_upstream_failed(ErrorCode::unavailable, "upstream_unreachable");
  connect_to(*endpoint, false);
}

void ClientConnection::connect_to(Endpoint& endpoint, bool fresh) {
  Exchange& x = *exchange_;
  x.endpoint = &endpoint;
  x.upstream = worker_.take_connection(endpoint, fresh);
  if (!x.upstream) return respond(503, "Too many requests are under way.", "upstream_connections");
  endpoint.counters->outstanding.add();
  endpoint.counters->requests.add();
  x.upstream->user = this;
  // Seen while the upstream works: that the client leaves, or what it sends next.
  watch_client();
  if (x.upstream->reused) return send_request();
  x.wait = Wait::connect;
  set_exchange_deadline(worker_.options.timeouts.connect);
  x.upstream->connect();
}

// While the upstream works on a request that has been read whole: sees that the client leaves, and what it sends next.
void ClientConnection::watch_client() {
  if (!exchange_->body_done || reading_into_) return;
  if (body_.block && body_.bytes().size() <= in_.room()) {
    // The beginning of the next request, which a chunked body brought along.
    in_.append(body_.bytes());
    body_ = {};
  }
  if (!body_.block && in_.room() > 0) read_client(in_);
}

void ClientConnection::on_upstream_connected(net::ErrorCode ec) {
  if (!ec) return send_request();
  Exchange& x = *exchange_;
  auto& group = worker_.group(x.upstream_index);
  const auto skip = group.options().retry_after_failure / net::DeadlineWheel::kTick;
  x.endpoint->failed_until = worker_.wheel.now() + static_cast<std::uint64_t>(skip);
  x.tried |= std::uint64_t{1} << std::min<std::size_t>(group.index_of(*x.endpoint), 63);
  drop_upstream();
  forward();
}

void ClientConnection::send_request() {
  Exchange& x = *exchange_;
  const auto& upstream = worker_.group(x.upstream_index).options();
  RequestForwarding forwarding;
  forwarding.authority = upstream.host == Upstream::Host::keep ? request_.host : x.endpoint->name;
  forwarding.via = worker_.options.via_name;
  forwarding.framing = request_.framing;
  forwarding.content_length = request_.content_length;
  forwarding.upgrade = request_.upgrade;
  if (x.body_in_memory) {
    forwarding.framing = x.body.empty() && request_.framing == Framing::none ? Framing::none : Framing::length;
    forwarding.content_length = x.body.size();
  } else {
    forwarding.send_expect = request_.expects_continue && !x.sent_continue;
  }
  auto& out = worker_.head_buffer;
  write_request_head(out, request_, x.identity, forwarding);

  x.asked = std::chrono::steady_clock::now();
  x.head_sent = true;
  std::array<std::string_view, net::SendQueue::kMaxPieces> pieces;
  std::size_t count = 0;
  if (x.body_in_memory) {
    pieces[count++] = x.body;
    x.up_batch = {};
    x.up_batch.finished = true;
  } else if (!x.buffered.empty()) {
    x.up_batch = {};
    x.up_batch.pieces[x.up_batch.count++] = x.buffered;
    x.up_batch.bytes = x.buffered.size();
    count = frame_request_batch(pieces);
  } else {
    gather_body();
    x.up_batch = take_batch(body_source());
    if (x.up_batch.refused) return;
    count = frame_request_batch(pieces);
  }
  if (out.overflowed()) return respond(431, "The header is too large.", "header_too_large");
  x.wait = x.body_done ? Wait::response_header : Wait::request_body;
  set_exchange_deadline(x.body_done ? worker_.options.timeouts.response_header : worker_.options.timeouts.request_body);
  net::ErrorCode ec;
  const bool sent = x.upstream->send(out.view(), {pieces.data(), count}, ec);
  if (!x.upstream->reading()) x.upstream->read();
  if (sent) on_upstream_sent(ec);
}

// Writes the framing of x.up_batch behind what the head buffer holds, and lists the pieces that follow it.
std::size_t ClientConnection::frame_request_batch(std::array<std::string_view, net::SendQueue::kMaxPieces>& pieces) {
  Exchange& x = *exchange_;
  const bool chunked = request_.framing == Framing::chunked;
  if (chunked && x.up_batch.bytes > 0) worker_.head_buffer.put_hex(x.up_batch.bytes).put("\r\n");
  std::size_t count = 0;
  for (std::size_t i = 0; i < x.up_batch.count; ++i) pieces[count++] = x.up_batch.pieces[i];
  if (!chunked) return count;
  if (x.up_batch.bytes > 0) {
    if (!x.up_batch.finished) {
      pieces[count++] = "\r\n";
      return count;
    }
    pieces[count++] = "\r\n0\r\n";
  } else if (x.up_batch.finished) {
    worker_.head_buffer.put("0\r\n");
  }
  // The last piece takes the place of two: trailers end with an empty line.
  if (x.up_batch.finished) trailing_ = x.request_chunks->trailers() + "\r\n";
  if (x.up_batch.finished) pieces[count++] = trailing_;
  return count;
}

void ClientConnection::relay_request_body() {
  Exchange& x = *exchange_;
  // A read that an earlier request left under way may bring body bytes before the head has been sent.
  while (x.head_sent && x.upstream && !x.upstream_gone && !x.upstream->sending() && !x.body_done) {
    Window& source = body_source();
    x.up_batch = take_batch(source);
    if (x.up_batch.refused) return;
    if (x.up_batch.bytes == 0 && !x.up_batch.finished) {
      source.consume(x.up_batch.consumed);
      if (!x.response_started) x.wait = Wait::request_body;
      set_exchange_deadline(worker_.options.timeouts.request_body);
      return read_body();
    }
    worker_.head_buffer.clear();
    std::array<std::string_view, net::SendQueue::kMaxPieces> pieces;
    const auto count = frame_request_batch(pieces);
    net::ErrorCode ec;
    if (!x.upstream->send(worker_.head_buffer.view(), {pieces.data(), count}, ec)) return;
    if (ec) {
      x.upstream_gone = true;
      return;
    }
    source.consume(x.up_batch.consumed);
    if (x.up_batch.finished) return on_request_sent();
  }
}

void ClientConnection::on_request_sent() {
  Exchange& x = *exchange_;
  x.request_sent = true;
  watch_client();
  if (x.response_started) return;
  x.wait = Wait::response_header;
  set_exchange_deadline(worker_.options.timeouts.response_header);
}

void ClientConnection::on_upstream_sent(net::ErrorCode ec) {
  if (state_ == State::tunnelling) {
    if (ec) return end_tunnel("upstream_closed");
    return pump_up();
  }
  Exchange& x = *exchange_;
  if (ec) {
    // It may have answered before it closed: the read that is under way tells.
    x.upstream_gone = true;
    return;
  }
  if (!x.body_in_memory) body_source().consume(x.up_batch.consumed);
  if (x.up_batch.finished) return on_request_sent();
  relay_request_body();
}

void ClientConnection::on_upstream_failed(ErrorCode code, std::string_view word) {
  Exchange& x = *exchange_;
  if (x.upstream) {
    // A pooled connection that the upstream has closed meanwhile says nothing about the request.
    const bool stale = x.upstream->reused && x.upstream->in.empty() && code != ErrorCode::deadline && !x.parser &&
                       x.interims == 0 && !queue_.pending();
    const bool repeatable = is_idempotent(request_.method) ||
                            worker_.shared.table->function(x.function).spec.effect == catalog::Effect::read;
    drop_upstream();
    if (stale && repeatable && x.body_in_memory) return connect_to(*x.endpoint, true);
    x.endpoint->counters->failures.add();
  }
  if (try_fall_back()) return;
  respond(http_status(code),
          code == ErrorCode::deadline ? "The upstream did not answer in time."
                                      : "The upstream cannot be reached or failed.",
          word);
}

bool ClientConnection::try_fall_back() {
  Exchange& x = *exchange_;
  if (!x.decision.fallback || x.response_started || !x.body_in_memory || queue_.pending()) return false;
  drop_upstream();
  x.decision.served_by = catalog::ServedBy::fallback;
  x.upstream_index = *x.decision.fallback;
  x.decision.fallback.reset();
  x.tried = 0;
  forward();
  return true;
}

void ClientConnection::drop_upstream() {
  Exchange& x = *exchange_;
  if (!x.upstream) return;
  x.endpoint->counters->outstanding.subtract();
  x.upstream->close();
  x.upstream.reset();
  x.parser.reset();
  x.upstream_gone = false;
  x.head_sent = false;
  x.request_sent = false;
  x.interims = 0;
}

// A client of which nothing is read at the moment is looked at once a second: it may have left.
void ClientConnection::set_exchange_deadline(std::chrono::milliseconds span) {
  Exchange& x = *exchange_;
  x.span = x.patience = span;
  x.bytes_moved = bytes_moved();
  step_exchange_deadline();
}

void ClientConnection::step_exchange_deadline() {
  constexpr std::chrono::milliseconds kLook{1'000};
  auto& patience = exchange_->patience;
  const auto step = reading_into_ ? patience : std::min(patience, kLook);
  patience -= step;
  worker_.wheel.set(*this, step);
}

std::uint64_t ClientConnection::bytes_moved() const {
  return queue_.sent_bytes() + (exchange_->upstream ? exchange_->upstream->sent_bytes() : 0);
}

// Whether all bytes of the request have left the read buffers, so that what follows in them is the next request.
bool ClientConnection::request_is_read() const {
  return exchange_->body_in_memory || exchange_->request_sent;
}

void ClientConnection::on_exchange_deadline() {
  Exchange& x = *exchange_;
  if (x.patience.count() > 0) {
    if (!reading_into_ && net::peer_has_closed(socket_)) return on_client_gone();
    return step_exchange_deadline();
  }
  // Slow is not silent: the peer has taken something of what is being sent.
  if (bytes_moved() != x.bytes_moved) return set_exchange_deadline(x.span);
  worker_.mutable_counters().timeouts.add();
  switch (x.wait) {
    case Wait::connect:
      return on_upstream_connected(boost::asio::error::timed_out);
    case Wait::request_body:
      if (x.response_started) return cut_off("request_body_timeout");
      if (reading_into_) return respond(408, "The request body did not come in time.", "request_body_timeout");
      return on_upstream_failed(ErrorCode::deadline, "upstream_send_timeout");
    case Wait::response_header:
      return on_upstream_failed(ErrorCode::deadline, "response_header_timeout");
    case Wait::response_body:
      return cut_off("response_body_timeout");
  }
}

void ClientConnection::respond(int status, std::string_view detail, std::string_view word) {
  Exchange& x = *exchange_;
  if (x.response_started || queue_.pending()) return cut_off(word);
  state_ = State::exchanging;
  x.keep_alive = x.keep_alive && request_is_read() && request_.minor_version == 1 && !worker_.draining();
  drop_upstream();
  x.own_response = true;
  x.response_started = true;
  x.response_done = true;
  x.status = status;
  x.error = word;
  OwnResponse own;
  own.status = status;
  own.detail = detail;
  own.request_id = x.request_id;
  own.keep_alive = x.keep_alive;
  own.head_only = request_.method == "HEAD";
  write_own_response(worker_.head_buffer, own);
  x.wait = Wait::response_body;
  set_exchange_deadline(worker_.options.timeouts.response_body);
  net::ErrorCode ec;
  if (send_client(worker_.head_buffer.view(), {}, ec)) on_response_sent(ec);
}

}  // namespace banyan::proxy
