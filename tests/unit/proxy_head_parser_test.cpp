#include "gateway/proxy/head_parser.hpp"

#include <gtest/gtest.h>

#include "tests/unit/proxy_support.hpp"

namespace banyan::proxy {
namespace {

TEST(HeadParser, GivesViewsIntoTheTextItWasGiven) {
  const InspectedRequest request(get_with("Accept:  text/html \r\n"));
  ASSERT_EQ(request.step, ParseStep::done);
  EXPECT_EQ(request.head.fields.fields.at(1).value, "text/html");
  EXPECT_GE(request.head.fields.fields[1].value.data(), request.text.data());
  EXPECT_LT(request.head.fields.fields[1].value.data(), request.text.data() + request.text.size());
}

TEST(HeadParser, IsTheSameHoweverTheBytesArrive) {
  const auto text = get_with("A: b\r\nContent-Length: 2\r\n") + "xy";
  RequestHead head;
  RequestParser parser(head, kTestLimits);
  for (std::size_t n = 1; n < text.size() - 2; ++n) {
    ASSERT_EQ(parser.parse_head(std::string_view(text).substr(0, n)), ParseStep::need_more) << n;
  }
  EXPECT_EQ(parser.parse_head(text), ParseStep::done);
  EXPECT_EQ(text.substr(parser.consumed()), "xy");
}

TEST(HeadParser, RefusesWhatIsNotHttp) {
  for (const auto* text :
       {"GET / HTTP/1.1\nHost: a\n\n", "GET /\r\n\r\n", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\n: a\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\x01\r\n\r\n", "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n"}) {
    const InspectedRequest request(text);
    EXPECT_EQ(request.rule(), Rule::syntax) << text;
  }
}

TEST(HeadParser, SpeaksHttp10And11Only) {
  for (const auto* version : {"HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.0"}) {
    const InspectedRequest request("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n");
    EXPECT_EQ(request.rule(), Rule::version) << version;
    EXPECT_EQ(request.refusal->status, 505);
  }
}

TEST(HeadParser, BoundsTheHeaderInBytesAndFields) {
  const InspectedRequest long_header(get_with("A: " + std::string(9'000, 'x') + "\r\n"));
  EXPECT_EQ(long_header.rule(), Rule::header_too_large);
  EXPECT_EQ(long_header.refusal->status, 431);
  std::string lines;
  for (int i = 0; i < 51; ++i) lines += "A: b\r\n";
  EXPECT_EQ(InspectedRequest(get_with(lines)).rule(), Rule::too_many_fields);
}

}  // namespace
}  // namespace banyan::proxy
