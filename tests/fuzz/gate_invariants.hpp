// What must hold for every byte sequence that a peer may send. Shared by the fuzzers of both sides of the gate.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/proxy/gate.hpp"
#include "gateway/proxy/head_parser.hpp"
#include "gateway/proxy/head_writer.hpp"

namespace banyan::proxy {

inline void require(bool condition, const char* rule) {
  if (condition) return;
  std::fprintf(stderr, "violated: %s\n", rule);
  std::abort();
}

// What became of one message.
struct Outcome {
  ParseStep step = ParseStep::need_more;
  std::optional<Rule> rule;
  std::string body;
  std::string trailers;
  ParseStep body_step = ParseStep::need_more;
  std::size_t consumed = 0;
};

// Parses `text` as it would arrive in pieces of `step` bytes, its chunked body too.
template <bool kIsRequest>
Outcome parse_in_steps(typename HeadParser<kIsRequest>::Head& head, std::string_view text, std::size_t step,
                       std::string_view request_method) {
  constexpr ParseLimits kLimits{8 * 1024, 100};
  HeadParser<kIsRequest> parser(head, kLimits);
  Outcome outcome;
  std::size_t available = 0;
  while (outcome.step == ParseStep::need_more && available < text.size()) {
    available = std::min(text.size(), available + step);
    outcome.step = parser.parse_head(text.substr(0, available));
  }
  if (outcome.step == ParseStep::refused) outcome.rule = parser.refusal().rule;
  if (outcome.step != ParseStep::done) return outcome;
  outcome.consumed = parser.consumed();
  std::optional<Refusal> refusal;
  if constexpr (kIsRequest) {
    refusal = inspect(head);
  } else {
    refusal = inspect(head, request_method);
  }
  if (refusal) outcome.rule = refusal->rule;
  if (refusal || head.framing != Framing::chunked) return outcome;
  ChunkedDecoder decoder(kLimits, kIsRequest ? 400 : 502);
  while (outcome.body_step == ParseStep::need_more) {
    outcome.body_step = decoder.decode(text.substr(outcome.consumed, available - outcome.consumed));
    outcome.consumed += decoder.consumed();
    outcome.body += decoder.data();
    if (outcome.body_step != ParseStep::need_more || decoder.consumed() > 0) continue;
    if (available == text.size()) break;
    available = std::min(text.size(), available + step);
  }
  outcome.trailers = decoder.trailers();
  return outcome;
}

// The same message in one piece and byte by byte.
template <bool kIsRequest>
Outcome same_however_it_arrives(typename HeadParser<kIsRequest>::Head& head, std::string_view text,
                                std::string_view method) {
  typename HeadParser<kIsRequest>::Head other;
  const auto slow = parse_in_steps<kIsRequest>(other, text, 1, method);
  auto fast = parse_in_steps<kIsRequest>(head, text, text.size(), method);
  require(slow.step == fast.step || slow.step == ParseStep::refused || fast.step == ParseStep::refused,
          "a head is whole or not, however its bytes arrive");
  require((slow.step == ParseStep::done && !slow.rule) == (fast.step == ParseStep::done && !fast.rule),
          "a head passes or not, however its bytes arrive");
  if (slow.rule || slow.step != ParseStep::done) return fast;
  require(slow.body == fast.body || slow.body_step != fast.body_step, "a body is the same, however its bytes arrive");
  require(slow.body_step == fast.body_step, "a body ends or is refused, however its bytes arrive");
  require(slow.trailers == fast.trailers, "trailers are the same, however their bytes arrive");
  return fast;
}

}  // namespace banyan::proxy
