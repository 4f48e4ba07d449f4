// Whatever passes the gate is forwarded as bytes that a strict parser reads as the very same request.
#include <cstdint>

#include "tests/fuzz/gate_invariants.hpp"

using namespace banyan::proxy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  RequestHead head;
  const auto outcome = same_however_it_arrives<true>(head, text, {});
  if (outcome.step != ParseStep::done || outcome.rule) return 0;
  require(head.path == "*" || head.path.starts_with('/'), "a path begins with a slash");
  require(!head.host.empty(), "there is a Host");

  RequestIdentity identity;
  identity.peer = "192.0.2.7";
  identity.request_id = "id";
  identity.traceparent = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-00";
  RequestForwarding forwarding;
  forwarding.authority = head.host;
  forwarding.via = "banyan";
  forwarding.framing = head.framing;
  forwarding.content_length = head.content_length;
  forwarding.upgrade = head.upgrade;
  static HeadBuffer out;
  write_request_head(out, head, identity, forwarding);
  require(!out.overflowed(), "what fits the limits fits the buffer");

  const std::string sent(out.view());
  RequestHead again;
  const auto second = parse_in_steps<true>(again, sent, sent.size(), {});
  require(second.step == ParseStep::done && !second.rule, "what is sent passes the gate itself");
  require(second.consumed == sent.size() || again.framing == Framing::chunked, "one head is sent, no more");
  require(again.method == head.method && again.path == head.path && again.query == head.query, "the target is kept");
  require(again.host == head.host, "the host is kept");
  require(again.framing == head.framing && again.content_length == head.content_length, "the framing is kept");
  for (const auto kind : again.fields.kinds) require(kind != FieldKind::hop_by_hop, "hop-by-hop fields end here");
  return 0;
}
