// Builders for the tests of the data plane: a head from its text, as the connection would see it.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "gateway/proxy/gate.hpp"
#include "gateway/proxy/head_parser.hpp"

namespace banyan::proxy {

inline constexpr ParseLimits kTestLimits{8 * 1024, 50};

// A parsed and inspected head; keeps the text that it views.
template <bool kIsRequest>
struct Inspected {
  std::string text;
  typename HeadParser<kIsRequest>::Head head;
  std::optional<HeadParser<kIsRequest>> parser;
  std::optional<Refusal> refusal;
  ParseStep step = ParseStep::need_more;

  explicit Inspected(std::string_view message, std::string_view request_method = "GET",
                     ParseLimits limits = kTestLimits)
      : text(message) {
    parser.emplace(head, limits);
    step = parser->parse_head(text);
    if (step == ParseStep::refused) refusal = parser->refusal();
    if (step != ParseStep::done) return;
    if constexpr (kIsRequest) {
      refusal = inspect(head);
    } else {
      refusal = inspect(head, request_method);
    }
  }
  Inspected(const Inspected&) = delete;
  Inspected& operator=(const Inspected&) = delete;

  // The rule that refused it; none: it passed.
  std::optional<Rule> rule() const { return refusal ? std::optional(refusal->rule) : std::nullopt; }
  // What follows the head.
  std::string_view rest() const { return std::string_view(text).substr(parser->consumed()); }
};

using InspectedRequest = Inspected<true>;
using InspectedResponse = Inspected<false>;

// "GET / HTTP/1.1", a Host, the given lines ("A: b\r\n" each), and the end of the head.
inline std::string get_with(std::string_view lines) {
  return "GET / HTTP/1.1\r\nHost: example.test\r\n" + std::string(lines) + "\r\n";
}

}  // namespace banyan::proxy
