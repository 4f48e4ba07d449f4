// Reads request heads, says whom a request is from, which function it is and who serves it.
#include "gateway/proxy/client_connection.hpp"
//
#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstring>

namespace banyan::proxy {

void ClientConnection::go_idle() {
  exchange_.reset();
  parser_.reset();
  body_ = {};
  if (worker_.draining()) return close();
  state_ = State::idle;
  if (!in_.empty()) {
    worker_.wheel.set(*this, worker_.options.timeouts.request_header);
    // Pipelined. From the top of the stack: a long pipeline must not nest.
    boost::asio::post(worker_.executor(), [self = boost::intrusive_ptr<ClientConnection>(this)] {
      if (self->state_ == State::idle) self->parse_head();
    });
    return;
  }
  if (!reading_into_) {
    if (in_.block.size() != BlockPool::bytes(BlockSize::small)) in_.block = worker_.blocks.take(BlockSize::small);
    in_.reset();
    read_client(in_);
  }
  worker_.wheel.set(*this, std::min(kHibernateAfter, worker_.options.timeouts.idle));
}

void ClientConnection::parse_head() {
  if (state_ == State::idle) {
    state_ = State::reading_head;
    hibernating_ = false;
    worker_.wheel.set(*this, worker_.options.timeouts.request_header);
  }
  if (!parser_) {
    // One empty line before a request is let pass (RFC 9112 section 2.2).
    if (in_.bytes().starts_with("\r\n")) in_.consume(2);
    if (in_.begin > 0 && !reading_into_) {
      std::memmove(in_.block.data(), in_.bytes().data(), in_.bytes().size());
      in_.end -= in_.begin;
      in_.begin = 0;
    }
    if (in_.empty() || in_.bytes() == "\r") return wait_for_more_head();
    const ParseLimits limits{worker_.options.limits.header_bytes, worker_.options.limits.header_count};
    request_.reset();
    parser_.emplace(request_, limits);
    exchange_.emplace();
    exchange_->started = std::chrono::steady_clock::now();
  }
  switch (parser_->parse_head(in_.bytes())) {
    case ParseStep::need_more:
      return wait_for_more_head();
    case ParseStep::refused: {
      // Nothing of it is to be believed but that a HEAD wants no body.
      const auto method = request_.method;
      request_.reset();
      request_.method = method;
      identify();
      return refuse(parser_->refusal());
    }
    case ParseStep::done:
      in_.consume(parser_->consumed());
      return on_head();
  }
}

void ClientConnection::wait_for_more_head() {
  if (reading_into_) return;
  if (in_.room() == 0 && in_.begin == 0 && in_.block.size() == BlockPool::bytes(BlockSize::large)) {
    identify();
    return refuse({Rule::header_too_large, 431, "The header is too large."});
  }
  if (in_.room() == 0) {
    // No view into the buffer exists before the head is parsed.
    Window larger;
    larger.block = worker_.blocks.take(BlockSize::large);
    larger.append(in_.bytes());
    in_ = std::move(larger);
  }
  read_client(in_);
}

void ClientConnection::on_head() {
  Exchange& x = *exchange_;
  const auto refusal = inspect(request_);
  identify();
  if (refusal) return refuse(*refusal);
  if (request_.framing == Framing::length && request_.content_length > worker_.options.limits.body_bytes) {
    return refuse({Rule::body_too_large, 413, "The request body is too large."});
  }
  x.keep_alive = request_.keep_alive;
  x.body_left = request_.framing == Framing::length ? request_.content_length : 0;
  x.body_done = request_.framing == Framing::none;
  if (request_.framing == Framing::chunked) {
    x.request_chunks.emplace(ParseLimits{worker_.options.limits.header_bytes, worker_.options.limits.header_count},
                             400);
  }
  x.body_in_memory = x.body_done || body_lies_in_memory();
  x.subject = catalog::extract_subject(worker_.options.subject, request_view(), x.client);
  state_ = State::reading_body;
  recognise();
}

void ClientConnection::identify() {
  Exchange& x = *exchange_;
  const auto& list = request_.fields;
  x.client = client_address(peer_, peer_trusted_, worker_.shared.trusted, list);
  x.trace_id = make_trace_id(worker_.random);
  x.request_id = {x.trace_id.data(), x.trace_id.size()};
  std::string_view traceparent;
  for (std::size_t i = 0; peer_trusted_ && i < list.fields.size(); ++i) {
    const auto value = list.fields[i].value;
    if (list.kinds[i] == FieldKind::x_request_id && is_request_id(value)) x.request_id = value;
    if (list.kinds[i] == FieldKind::traceparent && is_traceparent(value)) traceparent = value;
  }
  x.identity = {peer_, peer_trusted_, x.request_id, traceparent, !traceparent.empty()};
  if (!traceparent.empty()) return;
  const auto span = make_span_id(worker_.random);
  char* out = x.traceparent.data();
  out = std::copy_n("00-", 3, out);
  out = std::copy(x.trace_id.begin(), x.trace_id.end(), out);
  *out++ = '-';
  out = std::copy(span.begin(), span.end(), out);
  std::copy_n("-00", 3, out);
  x.identity.traceparent = {x.traceparent.data(), x.traceparent.size()};
}

void ClientConnection::refuse(const Refusal& refusal) {
  worker_.count_refusal(refusal.rule);
  exchange_->keep_alive = false;
  respond(refusal.status, refusal.detail, to_string(refusal.rule));
}

catalog::RequestView ClientConnection::request_view() const {
  auto host = request_.host;
  if (const auto colon = host.rfind(':'); colon != std::string_view::npos && host.back() != ']') {
    host = host.substr(0, colon);
  }
  return {request_.method, host, request_.path, request_.query, request_.fields.fields};
}

void ClientConnection::recognise() {
  Exchange& x = *exchange_;
  catalog::BodyView body;
  if (x.body_too_large_to_see) {
    body.state = catalog::BodyView::State::unavailable;
  } else if (x.body_in_memory) {
    body = {catalog::BodyView::State::complete, x.body};
  }
  const auto& table = *worker_.shared.table;
  auto recognition = table.recognise(request_view(), body);
  if (recognition.needs_body) return buffer_body(worker_.options.limits.inspect_bytes);
  x.function = recognition.function;
  x.recognised = true;
  x.record_ids = std::move(recognition.record_ids);
  decide();
}

void ClientConnection::decide() {
  Exchange& x = *exchange_;
  const auto& function = worker_.shared.table->function(x.function);
  x.decision = catalog::decide(function, x.subject, is_safe(request_.method));
  if (x.decision.served_by == catalog::ServedBy::none) {
    return respond(410, "This function has been retired.", "retired");
  }
  x.upstream_index = x.decision.upstream;
  const auto& upstream = worker_.group(x.upstream_index).options();
  if (!x.body_in_memory) {
    // A fallback needs the body a second time; an upstream may want it whole.
    if (upstream.request_body == Upstream::RequestBody::buffer) {
      return buffer_body(worker_.options.limits.buffer_bytes);
    }
    if (x.decision.fallback && !x.body_too_large_to_see) return buffer_body(worker_.options.limits.inspect_bytes);
    x.decision.fallback.reset();
  } else if (upstream.request_body == Upstream::RequestBody::buffer &&
             x.body.size() > worker_.options.limits.buffer_bytes) {
    return refuse({Rule::body_too_large, 413, "The request body is too large."});
  }
  forward();
}

}  // namespace banyan::proxy
