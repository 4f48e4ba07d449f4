#include "gateway/proxy/head_parser.hpp"

#include <gtest/gtest.h>

#include "tests/unit/proxy_support.hpp"

namespace banyan::proxy {
namespace {

struct Decoded {
  std::string data;
  std::string trailers;
  std::size_t consumed = 0;
  ParseStep step = ParseStep::need_more;
};

// Feeds a chunked body in pieces of `step_bytes`, as the network might.
Decoded decode(std::string_view body, std::size_t step_bytes) {
  InspectedRequest request(get_with("Transfer-Encoding: chunked\r\n"));
  Decoded result;
  std::size_t available = 0;
  while (result.step == ParseStep::need_more) {
    result.step = request.parser->parse_chunked(body.substr(result.consumed, available - result.consumed));
    result.consumed += request.parser->consumed();
    result.data += request.parser->data();
    if (result.step != ParseStep::need_more || request.parser->consumed() > 0) continue;
    if (available == body.size()) break;
    available = std::min(body.size(), available + step_bytes);
  }
  result.trailers = request.parser->trailers();
  return result;
}

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
    ASSERT_NE(request.step, ParseStep::done) << text;
    if (request.step == ParseStep::refused) EXPECT_EQ(request.rule(), Rule::syntax) << text;
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

TEST(ChunkedBody, DecodesToTheSameDataHoweverTheBytesArrive) {
  const std::string body = "3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nServer-Timing: t\r\nHost: evil\r\n\r\nNEXT";
  for (std::size_t step = 1; step <= body.size(); ++step) {
    const auto decoded = decode(body, step);
    EXPECT_EQ(decoded.step, ParseStep::done) << step;
    EXPECT_EQ(decoded.data, "abc0123456789") << step;
    EXPECT_EQ(decoded.trailers, "Server-Timing: t\r\n") << "a forbidden trailer is dropped";
    EXPECT_EQ(body.substr(decoded.consumed), "NEXT") << step;
  }
}

TEST(ChunkedBody, RefusesBrokenChunks) {
  for (const auto* body : {"x\r\n", "\r\n", "-1\r\n", "3\r\nabcX\r\n", "3\nabc\n0\n\n", "10000000000000000\r\n",
                           " 3\r\nabc\r\n", "0x3\r\nabc\r\n", "3 \x01\r\nabc\r\n"}) {
    EXPECT_EQ(decode(body, 1).step, ParseStep::refused) << body;
  }
}

TEST(ChunkedBody, ResponseParserDecodesToo) {
  InspectedResponse response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
  ASSERT_EQ(response.rule(), std::nullopt);
  EXPECT_EQ(response.parser->parse_chunked(response.rest()), ParseStep::need_more);
  EXPECT_EQ(response.parser->data(), "hi");
}

}  // namespace
}  // namespace banyan::proxy
