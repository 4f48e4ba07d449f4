// Whatever an upstream sends: it is refused, or passed on as bytes that a strict parser reads as the same response.
#include <cstdint>

#include "tests/fuzz/gate_invariants.hpp"

using namespace banyan::proxy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // The first byte says which request is answered.
  const std::string_view method = data[0] % 4 == 0 ? "HEAD" : "GET";
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  ResponseHead head;
  const auto outcome = same_however_it_arrives<false>(head, text, method);
  if (outcome.step != ParseStep::done || outcome.rule) return 0;
  require(head.status >= 100 && head.status <= 599, "a status code exists");
  if (head.status < 200) return 0;

  ResponseForwarding forwarding;
  forwarding.framing = head.framing == Framing::until_close ? Framing::chunked : head.framing;
  forwarding.served_by = "legacy";
  forwarding.request_id = "id";
  static HeadBuffer out;
  write_response_head(out, head, forwarding);
  require(!out.overflowed(), "what fits the limits fits the buffer");

  const std::string sent(out.view());
  ResponseHead again;
  const auto second = parse_in_steps<false>(again, sent, sent.size(), method);
  require(second.step == ParseStep::done && !second.rule, "what is sent passes the gate itself");
  require(again.status == head.status, "the status is kept");
  if (head.framing == Framing::length) require(again.content_length == head.content_length, "the length is kept");
  return 0;
}
