// Reads the upstream's answer and relays it to the client.
#include <boost/asio/error.hpp>
#include <cstring>

#include "gateway/proxy/client_connection.hpp"

namespace banyan::proxy {
namespace {

constexpr unsigned kMaxInterims = 16;

// Whether a 101 switches to a protocol that the client asked for.
bool was_offered(std::string_view chosen, std::string_view offered) {
  bool all = !offered.empty();
  for_each_element(chosen, [&](std::string_view protocol) {
    bool found = false;
    for_each_element(offered, [&](std::string_view offer) { found = found || iequals(offer, protocol); });
    all = all && found;
  });
  return all;
}

// Gives a full window room: a larger block, or the free front of it. Views into it do not survive.
bool make_room(Window& window, BlockPool& blocks) {
  if (window.room() > 0) return true;
  if (window.begin == 0 && window.block.size() >= BlockPool::bytes(BlockSize::large)) return false;
  Window larger;
  larger.block = blocks.take(BlockSize::large);
  larger.append(window.bytes());
  window = std::move(larger);
  return true;
}

}  // namespace

void ClientConnection::on_upstream_read(net::ErrorCode ec) {
  if (state_ == State::tunnelling) {
    if (ec && ec != boost::asio::error::eof) return end_tunnel("upstream_closed");
    return ec ? end_tunnel_side(false) : pump_down();
  }
  Exchange& x = *exchange_;
  if (!ec) return x.response_started ? relay_response_body() : parse_response_head();
  if (!x.response_started) return on_upstream_failed(ErrorCode::unavailable, "upstream_closed");
  if (ec != boost::asio::error::eof || response_.framing != Framing::until_close) return cut_off("upstream_truncated");
  x.upstream_ended = true;
  relay_response_body();
}

void ClientConnection::parse_response_head() {
  Exchange& x = *exchange_;
  while (true) {
    Window& window = x.upstream->in;
    if (!x.parser) {
      response_.reset();
      x.parser.emplace(response_,
                       ParseLimits{worker_.options.limits.header_bytes, worker_.options.limits.header_count});
    }
    const auto step = x.parser->parse_head(window.bytes());
    if (step == ParseStep::need_more) {
      if (!make_room(window, worker_.blocks)) {
        worker_.count_refusal(Rule::header_too_large);
        return on_upstream_failed(ErrorCode::bad_peer, to_string(Rule::header_too_large));
      }
      return x.upstream->read();
    }
    std::optional<Refusal> refusal;
    if (step == ParseStep::refused) {
      refusal = x.parser->refusal();
    } else {
      window.consume(x.parser->consumed());
      refusal = inspect(response_, request_.method);
    }
    const bool interim = !refusal && response_.status < 200 && response_.status != 101;
    if (interim && ++x.interims > kMaxInterims) refusal = Refusal{Rule::interim_flood, 502, {}};
    if (!refusal && response_.status == 101 && !was_offered(response_.upgrade, request_.upgrade)) {
      refusal = Refusal{Rule::syntax, 502, {}};
    }
    if (refusal) {
      worker_.count_refusal(refusal->rule);
      return on_upstream_failed(ErrorCode::bad_peer, to_string(refusal->rule));
    }
    if (!interim) return on_response_head();
    x.parser.reset();
    if (!forward_interim()) return;
    if (window.empty()) {
      window.reset();
      return x.upstream->read();
    }
  }
}

// True: go on at once.
bool ClientConnection::forward_interim() {
  Exchange& x = *exchange_;
  if (request_.minor_version == 0) return true;
  // The client has its 100 already, or never asked for one.
  if (response_.status == 100 && (!request_.expects_continue || x.sent_continue)) return true;
  if (response_.status == 100) x.sent_continue = true;
  write_interim_head(worker_.head_buffer, response_);
  net::ErrorCode ec;
  if (!send_client(worker_.head_buffer.view(), {}, ec)) {
    interim_pending_ = true;
    return false;
  }
  if (ec) on_client_gone();
  return !ec;
}

void ClientConnection::on_response_head() {
  Exchange& x = *exchange_;
  x.answered = std::chrono::steady_clock::now();
  if (x.decision.served_by == catalog::ServedBy::modern && x.decision.fallback &&
      catalog::is_modern_failure(response_.status)) {
    x.endpoint->counters->failures.add();
    if (try_fall_back()) return;
  }
  if (response_.status / 100 == 2 && worker_.shared.writes) observe_write();
  x.status = response_.status;
  x.response_started = true;
  x.response_left = response_.content_length;
  x.client_framing = response_.framing;
  if (response_.framing == Framing::chunked) {
    x.response_chunks.emplace(ParseLimits{worker_.options.limits.header_bytes, worker_.options.limits.header_count},
                              502);
  }
  if (response_.framing == Framing::chunked || response_.framing == Framing::until_close) {
    x.client_framing = request_.minor_version == 1 ? Framing::chunked : Framing::until_close;
  }
  // Answered before the body was read: what is left of it is not worth reading (RFC 9112 section 9.3).
  if (x.client_framing == Framing::until_close || !request_is_read() || worker_.draining()) x.keep_alive = false;

  ResponseForwarding forwarding;
  forwarding.client_minor_version = request_.minor_version;
  forwarding.framing = x.client_framing;
  forwarding.keep_alive = x.keep_alive;
  forwarding.served_by = catalog::to_string(x.decision.served_by);
  forwarding.request_id = x.request_id;
  if (worker_.group(x.upstream_index).options().host == Upstream::Host::endpoint) {
    forwarding.rewrite_authority = x.endpoint->name;
    forwarding.client_authority = request_.host;
  }
  if (response_.status == 101) forwarding.upgrade = response_.upgrade;
  write_response_head(worker_.head_buffer, response_, forwarding);
  if (worker_.head_buffer.overflowed()) {
    x.response_started = false;
    return on_upstream_failed(ErrorCode::bad_peer, to_string(Rule::header_too_large));
  }
  if (response_.status == 101) return start_tunnel();
  x.head_pending = true;
  relay_response_body();
}

// At the head of the answer: what was written can be fetched from now on, and the answer may be long.
void ClientConnection::observe_write() {
  Exchange& x = *exchange_;
  const auto& function = worker_.shared.table->function(x.function).spec;
  if (function.effect != catalog::Effect::write || function.entity.empty()) return;
  if (x.decision.served_by == catalog::ServedBy::modern) return;
  ObservedWrite write;
  write.function = function.name;
  write.entity = function.entity;
  write.upstream = worker_.group(x.upstream_index).options().name;
  write.ids = std::move(x.record_ids);
  write.answered = x.answered;
  worker_.observe(std::move(write));
}

ClientConnection::Batch ClientConnection::take_response_batch() {
  Exchange& x = *exchange_;
  const auto bytes = x.upstream->in.bytes();
  Batch batch;
  switch (response_.framing) {
    case Framing::none:
      batch.finished = true;
      break;
    case Framing::length:
    case Framing::until_close: {
      const bool known = response_.framing == Framing::length;
      const auto piece = known ? bytes.substr(0, x.response_left) : bytes;
      if (!piece.empty()) batch.pieces[batch.count++] = piece;
      batch.bytes = batch.consumed = piece.size();
      if (known) x.response_left -= piece.size();
      batch.finished = known ? x.response_left == 0 : x.upstream_ended;
      break;
    }
    case Framing::chunked:
      while (batch.count < batch.pieces.size() && !batch.finished) {
        const auto step = x.response_chunks->decode(bytes.substr(batch.consumed));
        batch.refused = step == ParseStep::refused;
        if (batch.refused) break;
        batch.consumed += x.response_chunks->consumed();
        if (!x.response_chunks->data().empty()) batch.pieces[batch.count++] = x.response_chunks->data();
        batch.bytes += x.response_chunks->data().size();
        batch.finished = step == ParseStep::done;
        if (x.response_chunks->consumed() == 0) break;
      }
      break;
  }
  x.response_bytes += batch.bytes;
  return batch;
}

void ClientConnection::relay_response_body() {
  Exchange& x = *exchange_;
  while (true) {
    x.down_batch = take_response_batch();
    if (x.down_batch.refused) {
      worker_.count_refusal(Rule::syntax);
      // What came before the broken chunk is not sent either, if nothing has been sent yet.
      if (!x.head_pending) return cut_off("upstream_bad_chunk");
      x.response_started = x.head_pending = false;
      return on_upstream_failed(ErrorCode::bad_peer, "upstream_bad_chunk");
    }
    if (x.down_batch.bytes > 0 || x.down_batch.finished || x.head_pending) {
      if (!x.head_pending) worker_.head_buffer.clear();
      x.head_pending = false;
      if (x.wait != Wait::request_body) x.wait = Wait::response_body;
      set_exchange_deadline(worker_.options.timeouts.response_body);
      net::ErrorCode ec;
      if (!send_response_batch(worker_.head_buffer.view(), ec)) return;
      if (ec) return on_client_gone();
    }
    if (!take_next_response_bytes()) return;
  }
}

// Sends x.down_batch behind `head`, which lies in the head buffer.
bool ClientConnection::send_response_batch(std::string_view head, net::ErrorCode& ec) {
  Exchange& x = *exchange_;
  std::array<std::string_view, net::SendQueue::kMaxPieces> pieces;
  std::size_t count = 0;
  const bool chunked = x.client_framing == Framing::chunked;
  if (chunked && x.down_batch.bytes > 0) {
    worker_.head_buffer.put_hex(x.down_batch.bytes).put("\r\n");
    head = worker_.head_buffer.view();
  }
  for (std::size_t i = 0; i < x.down_batch.count; ++i) pieces[count++] = x.down_batch.pieces[i];
  if (chunked && x.down_batch.finished) {
    response_end_ = x.down_batch.bytes > 0 ? "\r\n0\r\n" : "0\r\n";
    if (response_.framing == Framing::chunked) response_end_ += x.response_chunks->trailers();
    response_end_ += "\r\n";
    pieces[count++] = response_end_;
  } else if (chunked && x.down_batch.bytes > 0) {
    pieces[count++] = "\r\n";
  }
  return send_client(head, {pieces.data(), count}, ec);
}

// After a batch has been sent. True: there may be more in the window.
bool ClientConnection::take_next_response_bytes() {
  Exchange& x = *exchange_;
  Window& window = x.upstream->in;
  window.consume(x.down_batch.consumed);
  if (x.down_batch.finished) {
    finish_exchange();
    return false;
  }
  const bool progressed = x.down_batch.consumed > 0;
  if (progressed && !window.empty()) return true;
  if (x.upstream->reading()) return false;
  if (window.empty()) {
    window.reset();
    // More is to come: from here on in large steps.
    const bool long_body = response_.framing != Framing::length || x.response_left > BlockPool::bytes(BlockSize::large);
    const auto size = long_body ? BlockSize::huge : BlockSize::large;
    if (window.block.size() < BlockPool::bytes(size)) window.block = worker_.blocks.take(size);
  } else if (!make_room(window, worker_.blocks)) {
    cut_off("upstream_bad_chunk");
    return false;
  }
  x.upstream->read();
  return false;
}

void ClientConnection::on_response_sent(net::ErrorCode ec) {
  if (ec) return on_client_gone();
  if (exchange_->own_response) return finish_exchange();
  if (take_next_response_bytes()) relay_response_body();
}

void ClientConnection::finish_exchange() {
  Exchange& x = *exchange_;
  x.response_done = true;
  account();
  const bool read_whole = x.own_response ? x.keep_alive : request_is_read();
  if (x.upstream) {
    const bool clean = x.upstream->in.empty() && response_.framing != Framing::until_close;
    if (!x.upstream->in.empty()) worker_.count_refusal(Rule::unexpected_body);
    if (clean && response_.keep_alive && x.request_sent && !x.upstream->sending() && !x.upstream->closed()) {
      x.parser.reset();
      x.endpoint->counters->outstanding.subtract();
      worker_.give_back(std::move(x.upstream));
      x.upstream.reset();
    } else {
      drop_upstream();
    }
  }
  if (!x.keep_alive || !read_whole) return linger();
  // A chunked body may have brought the beginning of the next request along.
  if (body_.block && !body_.empty()) in_ = std::move(body_);
  go_idle();
}

void ClientConnection::cut_off(std::string_view word) {
  exchange_->error = word;
  if (exchange_->upstream) exchange_->endpoint->counters->failures.add();
  account();
  // RST: a body that is ended by the connection's end must not look whole.
  net::reset_on_close(socket_);
  close();
}

}  // namespace banyan::proxy
