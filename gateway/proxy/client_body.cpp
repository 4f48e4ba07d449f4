// Takes request bodies out of their framing; buffers them where a decision or an upstream needs all of them.
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cstring>

#include "gateway/proxy/client_connection.hpp"

namespace banyan::proxy {

bool ClientConnection::body_lies_in_memory() {
  Exchange& x = *exchange_;
  if (request_.framing != Framing::length || in_.bytes().size() < request_.content_length) return false;
  x.body = in_.bytes().substr(0, request_.content_length);
  in_.consume(x.body.size());
  x.request_bytes = x.body.size();
  x.body_left = 0;
  x.body_done = true;
  return true;
}

// A body that came with its head has mostly arrived whole by now: one more read makes one message of both, instead of
// two sends and a turn of the event loop between them.
void ClientConnection::gather_body() {
  Exchange& x = *exchange_;
  if (request_.framing != Framing::length || reading_into_ || body_.block || request_.expects_continue) return;
  if (in_.bytes().size() >= x.body_left) return;
  body_.block = worker_.blocks.take(BlockSize::large);
  body_.append(in_.bytes());
  in_.consume(in_.bytes().size());
  const auto most = std::min<std::uint64_t>(body_.room(), x.body_left - body_.bytes().size());
  net::ErrorCode later;  // nothing there yet, or an end: the next read tells
  body_.end += socket_.read_some(boost::asio::buffer(body_.block.data() + body_.end, most), later);
}

void ClientConnection::buffer_body(std::size_t limit) {
  Exchange& x = *exchange_;
  x.buffer_limit = limit;
  if (request_.framing == Framing::length && request_.content_length > limit) return on_buffer_full();
  worker_.wheel.set(*this, worker_.options.timeouts.request_body);
  if (x.buffered.empty() && request_.framing == Framing::length) x.buffered.reserve(request_.content_length);
  if (request_.expects_continue && body_source().empty() && !x.sent_continue && !send_continue()) return;
  continue_buffering();
}

bool ClientConnection::send_continue() {
  exchange_->sent_continue = true;
  net::ErrorCode ec;
  if (!send_client("HTTP/1.1 100 Continue\r\n\r\n", {}, ec)) {
    interim_pending_ = true;
    return false;
  }
  if (ec) on_client_gone();
  return !ec;
}

void ClientConnection::continue_buffering() {
  Exchange& x = *exchange_;
  worker_.wheel.set(*this, worker_.options.timeouts.request_body);
  Window& source = body_source();
  while (true) {
    const Batch batch = take_batch(source);
    if (batch.refused) return;
    for (std::size_t i = 0; i < batch.count; ++i) x.buffered.append(batch.pieces[i]);
    source.consume(batch.consumed);
    if (batch.finished) return on_buffered();
    if (x.buffered.size() > x.buffer_limit) return on_buffer_full();
    if (batch.consumed == 0) return read_body();
  }
}

void ClientConnection::on_buffered() {
  Exchange& x = *exchange_;
  x.body = x.buffered;
  x.body_in_memory = true;
  if (x.buffered.size() > x.buffer_limit) return on_buffer_full();
  return x.recognised ? forward() : recognise();
}

void ClientConnection::on_buffer_full() {
  Exchange& x = *exchange_;
  if (!x.recognised) {
    x.body_too_large_to_see = true;
    return recognise();
  }
  const auto& upstream = worker_.group(x.upstream_index).options();
  if (upstream.request_body == Upstream::RequestBody::buffer) {
    return refuse({Rule::body_too_large, 413, "The request body is too large."});
  }
  // It was wanted for a fallback only. What is too large to be kept cannot be sent twice.
  if (!x.body_in_memory) x.decision.fallback.reset();
  forward();
}

ClientConnection::Batch ClientConnection::take_batch(Window& window) {
  Exchange& x = *exchange_;
  Batch batch;
  if (request_.framing == Framing::length) {
    const auto piece = window.bytes().substr(0, x.body_left);
    if (!piece.empty()) batch.pieces[batch.count++] = piece;
    batch.bytes = batch.consumed = piece.size();
    x.body_left -= piece.size();
    batch.finished = x.body_left == 0;
  } else {
    while (batch.count < batch.pieces.size() && !batch.finished) {
      const auto step = x.request_chunks->decode(window.bytes().substr(batch.consumed));
      if (step == ParseStep::refused) {
        batch.refused = true;
        refuse(x.request_chunks->refusal());
        return batch;
      }
      batch.consumed += x.request_chunks->consumed();
      if (!x.request_chunks->data().empty()) batch.pieces[batch.count++] = x.request_chunks->data();
      batch.bytes += x.request_chunks->data().size();
      batch.finished = step == ParseStep::done;
      if (x.request_chunks->consumed() == 0) break;
    }
  }
  x.request_bytes += batch.bytes;
  if (batch.finished) x.body_done = true;
  if (x.request_bytes > worker_.options.limits.body_bytes) {
    batch.refused = true;
    refuse({Rule::body_too_large, 413, "The request body is too large."});
  }
  return batch;
}

void ClientConnection::read_body() {
  if (reading_into_) return;
  if (!body_.block) {
    // Behind its head a body has little room; from here on it has a buffer of its own.
    body_.block = worker_.blocks.take(BlockSize::large);
    body_.append(in_.bytes());
    in_.consume(in_.bytes().size());
  }
  if (body_.empty()) body_.reset();
  if (body_.begin > 0) {
    std::memmove(body_.block.data(), body_.bytes().data(), body_.bytes().size());
    body_.end -= body_.begin;
    body_.begin = 0;
  }
  if (body_.room() == 0) return refuse({Rule::header_too_large, 431, "A chunk header or trailer is too large."});
  // Never beyond the end of a body of known length: what follows belongs to the next request.
  const auto most = request_.framing == Framing::length ? exchange_->body_left : body_.room();
  read_client(body_, most);
}

}  // namespace banyan::proxy
