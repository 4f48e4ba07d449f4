#include "gateway/proxy/chunked.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace banyan::proxy {
namespace {

struct Decoded {
  std::string data;
  std::string trailers;
  std::size_t consumed = 0;
  Rule rule = Rule::syntax;
  ParseStep step = ParseStep::need_more;
};

// Feeds a chunked body in pieces of `step_bytes`, as the network might.
Decoded decode(std::string_view body, std::size_t step_bytes) {
  ChunkedDecoder decoder({1'024, 10}, 400);
  Decoded result;
  std::size_t available = 0;
  while (result.step == ParseStep::need_more) {
    result.step = decoder.decode(body.substr(result.consumed, available - result.consumed));
    result.consumed += decoder.consumed();
    result.data += decoder.data();
    if (result.step != ParseStep::need_more || decoder.consumed() > 0) continue;
    if (available == body.size()) break;
    available = std::min(body.size(), available + step_bytes);
  }
  result.rule = decoder.refusal().rule;
  result.trailers = decoder.trailers();
  return result;
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
    EXPECT_EQ(decode(std::string(body) + "\r\n\r\n", 1).step, ParseStep::refused) << body;
  }
}

TEST(ChunkedBody, BoundsExtensionsAndTrailers) {
  EXPECT_EQ(decode("1;" + std::string(2'000, 'x'), 7).rule, Rule::header_too_large);
  EXPECT_EQ(decode("0\r\nA: " + std::string(2'000, 'x'), 7).rule, Rule::header_too_large);
  std::string trailers;
  for (int i = 0; i < 11; ++i) trailers += "A: b\r\n";
  EXPECT_EQ(decode("0\r\n" + trailers, 7).rule, Rule::too_many_fields);
}

TEST(ChunkedBody, BoundsTheDigitsOfASize) {
  EXPECT_EQ(decode("0000000000000001\r\nx\r\n0\r\n\r\n", 1).step, ParseStep::done);
  EXPECT_EQ(decode("00000000000000001\r\nx\r\n0\r\n\r\n", 1).step, ParseStep::refused);
}

TEST(ChunkedBody, LetsOnlyWhiteSpaceOrAnExtensionFollowASize) {
  EXPECT_EQ(decode("1 \t\r\nx\r\n0 ;a\r\n\r\n", 1).step, ParseStep::done);
  EXPECT_EQ(decode("1 1\r\nx\r\n0\r\n\r\n", 1).step, ParseStep::refused);
  EXPECT_EQ(decode("1\tx\r\nx\r\n0\r\n\r\n", 1).step, ParseStep::refused);
}

TEST(ChunkedBody, TakesNoMoreBytesOfExtensionsThanOfDataBeyondTheLimit) {
  std::string body;
  for (int i = 0; i < 100; ++i) body += "1;" + std::string(100, 'x') + "\r\ny\r\n";
  EXPECT_EQ(decode(body + "0\r\n\r\n", 7).rule, Rule::header_too_large);
  body.clear();
  for (int i = 0; i < 100; ++i) body += "64;" + std::string(100, 'x') + "\r\n" + std::string(100, 'y') + "\r\n";
  EXPECT_EQ(decode(body + "0\r\n\r\n", 7).step, ParseStep::done);
}

TEST(ChunkedBody, RefusesFoldedTrailers) {
  EXPECT_EQ(decode("0\r\nA: b\r\n c\r\n\r\n", 1).rule, Rule::obs_fold);
}

TEST(ChunkedBody, OfAResponseIsRefusedWith502) {
  ChunkedDecoder decoder({1'024, 10}, 502);
  EXPECT_EQ(decoder.decode("x"), ParseStep::refused);
  EXPECT_EQ(decoder.refusal().status, 502);
}

}  // namespace
}  // namespace banyan::proxy
