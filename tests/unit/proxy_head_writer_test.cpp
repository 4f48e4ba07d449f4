#include "gateway/proxy/head_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/proxy_support.hpp"

namespace banyan::proxy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RequestIdentity a_stranger() {
  return {"192.0.2.7", false, "id-1", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-00", false};
}

// What goes upstream for a request with these field lines.
std::string forwarded(std::string_view lines, RequestIdentity identity = a_stranger(),
                      RequestForwarding forwarding = {}) {
  const InspectedRequest request(get_with(lines));
  EXPECT_EQ(request.rule(), std::nullopt);
  forwarding.authority = "example.test";
  forwarding.via = "banyan";
  HeadBuffer out;
  write_request_head(out, request.head, identity, forwarding);
  return std::string(out.view());
}

std::string answered(const std::string& head, ResponseForwarding forwarding = {}) {
  const InspectedResponse response(head);
  EXPECT_EQ(response.rule(), std::nullopt);
  forwarding.served_by = "legacy";
  forwarding.request_id = "id-1";
  HeadBuffer out;
  write_response_head(out, response.head, forwarding);
  return std::string(out.view());
}

TEST(HopByHopHeaders, AreNotForwarded) {
  const auto head = forwarded(
      "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nUpgrade: h2c\r\n"
      "Proxy-Authorization: Basic eDp5\r\nProxy: http://evil\r\nTE: gzip\r\nX-Kept: 1\r\n");
  for (const auto* name : {"Connection", "X-Hop", "Keep-Alive", "Upgrade", "Proxy-Authorization", "Proxy:", "TE:"}) {
    EXPECT_THAT(head, Not(HasSubstr(name)));
  }
  EXPECT_THAT(head, HasSubstr("X-Kept: 1\r\n"));
}

TEST(HopByHopHeaders, AreNotPassedBack) {
  const auto head = answered(
      "HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(head, Not(HasSubstr("X-Hop")));
  EXPECT_THAT(head, Not(HasSubstr("Keep-Alive")));
  EXPECT_THAT(head, Not(HasSubstr("Connection")));
}

TEST(IdentityHeaders, OfStrangersAreReplaced) {
  const auto head = forwarded(
      "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: for=1.1.1.1\r\n"
      "X-Forwarded-Port: 1\r\nX-Request-Id: theirs\r\ntraceparent: "
      "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01\r\n"
      "tracestate: a=b\r\n");
  EXPECT_THAT(head, HasSubstr("X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
                              "X-Forwarded-Host: example.test\r\n"));
  EXPECT_THAT(head, HasSubstr("Forwarded: for=192.0.2.7;host=\"example.test\";proto=http\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Request-Id: id-1\r\ntraceparent: 00-0123"));
  for (const auto* theirs : {"X-Forwarded-Port", "1.1.1.1", "evil", "theirs", "aaaa", "tracestate"})
    EXPECT_THAT(head, Not(HasSubstr(theirs)));
}

TEST(IdentityHeaders, OfTrustedProxiesAreCarriedOn) {
  auto identity = a_stranger();
  identity.peer_trusted = true;
  identity.carries_tracestate = true;
  const auto head = forwarded(
      "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: pub.test\r\n"
      "Forwarded: for=1.1.1.1\r\ntracestate: a=b\r\n",
      identity);
  EXPECT_THAT(head, HasSubstr("X-Forwarded-For: 1.1.1.1, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
                              "X-Forwarded-Host: pub.test\r\n"));
  EXPECT_THAT(head, HasSubstr("Forwarded: for=1.1.1.1, for=192.0.2.7;host=\"example.test\";proto=http\r\n"));
  EXPECT_THAT(head, HasSubstr("tracestate: a=b\r\n"));
}

TEST(IdentityHeaders, QuoteIpv6InForwarded) {
  auto identity = a_stranger();
  identity.peer = "2001:db8::1";
  EXPECT_THAT(forwarded("", identity), HasSubstr("Forwarded: for=\"[2001:db8::1]\";host="));
}

TEST(Via, IsAppendedToWhatIsThere) {
  EXPECT_THAT(forwarded("Via: 1.0 fred\r\n"), HasSubstr("Via: 1.0 fred, 1.1 banyan\r\n"));
}

TEST(RequestFraming, IsBanyansOwn) {
  RequestForwarding with_length;
  with_length.framing = Framing::length;
  with_length.content_length = 7;
  EXPECT_THAT(forwarded("Transfer-Encoding: chunked\r\n", a_stranger(), with_length),
              AllOf(HasSubstr("Content-Length: 7\r\n"), Not(HasSubstr("Transfer-Encoding"))));
}

TEST(RequestFraming, SaysZeroWhereABodyWouldBeUsual) {
  const InspectedRequest request("POST /x? HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  HeadBuffer out;
  RequestForwarding forwarding;
  forwarding.authority = "a";
  write_request_head(out, request.head, a_stranger(), forwarding);
  EXPECT_THAT(std::string(out.view()), HasSubstr("Content-Length: 0\r\n"));
  EXPECT_THAT(std::string(out.view()), ::testing::StartsWith("POST /x? HTTP/1.1\r\nHost: a\r\n"));
}

TEST(ResponseHead, CarriesBanyansOwnFieldsAndDropsForgedOnes) {
  const auto head =
      answered("HTTP/1.1 200 OK\r\nBanyan-Served-By: modern\r\nX-Request-Id: forged\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("X-Request-Id: id-1\r\nBanyan-Served-By: legacy\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("forged")));
  EXPECT_THAT(head, Not(HasSubstr("modern")));
}

TEST(ResponseHead, OfHeadAnd304KeepsTheLengthOfTheBodyThatIsNotThere) {
  const InspectedResponse response("HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n", "HEAD");
  HeadBuffer out;
  write_response_head(out, response.head, {});
  EXPECT_THAT(std::string(out.view()), HasSubstr("Content-Length: 42\r\n"));
}

TEST(ResponseHead, TellsTheClientWhetherTheConnectionStays) {
  const std::string upstream = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  ResponseForwarding closing;
  closing.keep_alive = false;
  EXPECT_THAT(answered(upstream, closing), HasSubstr("Connection: close\r\n"));
  ResponseForwarding http10;
  http10.client_minor_version = 0;
  EXPECT_THAT(answered(upstream, http10), HasSubstr("Connection: keep-alive\r\n"));
}

TEST(Location, OfTheEndpointItselfIsRewrittenToTheClientsHost) {
  ResponseForwarding rewriting;
  rewriting.rewrite_authority = "127.0.0.1:8001";
  rewriting.client_authority = "crm.test";
  const auto location = [&](const std::string& value) {
    return answered("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + value + "\r\n\r\n", rewriting);
  };
  EXPECT_THAT(location("http://127.0.0.1:8001/a?b"), HasSubstr("Location: http://crm.test/a?b\r\n"));
  EXPECT_THAT(location("http://127.0.0.1:80010/a"), HasSubstr("Location: http://127.0.0.1:80010/a\r\n"));
  EXPECT_THAT(location("/a"), HasSubstr("Location: /a\r\n"));
}

TEST(OwnResponse, IsProblemDetailsWithTheRequestId) {
  HeadBuffer out;
  OwnResponse own;
  own.status = 502;
  own.detail = "The upstream \"x\" failed.";
  own.request_id = "id-1";
  write_own_response(out, own);
  const std::string text(out.view());
  EXPECT_THAT(text, HasSubstr("HTTP/1.1 502 Bad Gateway\r\n"));
  EXPECT_THAT(text, HasSubstr("Content-Type: application/problem+json\r\n"));
  EXPECT_THAT(text, HasSubstr("\"status\":502,\"detail\":\"The upstream \\\"x\\\" failed.\",\"request_id\":\"id-1\"}"));
}

TEST(HeadBuffer, NeverWritesBeyondItsEnd) {
  HeadBuffer out;
  const std::string big(HeadBuffer::kCapacity, 'x');
  out.put(big).put("y");
  EXPECT_TRUE(out.overflowed());
  EXPECT_EQ(out.view().size(), HeadBuffer::kCapacity);
}

}  // namespace
}  // namespace banyan::proxy
