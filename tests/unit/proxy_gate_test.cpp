// One test per rule of the gate. Each names the inputs that must be refused and their neighbours that must pass.
#include "gateway/proxy/gate.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/proxy_support.hpp"

namespace banyan::proxy {
namespace {

std::optional<Rule> request_rule(const std::string& text) {
  return InspectedRequest(text).rule();
}
std::optional<Rule> rule_of_lines(std::string_view lines) {
  return request_rule(get_with(lines));
}
std::optional<Rule> rule_of_target(std::string_view target, std::string_view method = "GET") {
  return request_rule(std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: example.test\r\n\r\n");
}
std::optional<Rule> response_rule(const std::string& text, std::string_view method = "GET") {
  return InspectedResponse(text, method).rule();
}

TEST(Gate, PassesAPlainRequest) {
  EXPECT_EQ(rule_of_lines("Accept: */*\r\n"), std::nullopt);
}

TEST(Gate, RefusesTransferEncodingOtherThanOneChunked) {
  for (const auto* lines :
       {"Transfer-Encoding: gzip\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: ,chunked\r\n", "Transfer-Encoding: chunked,\r\n",
        "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\r\n", "Transfer-Encoding: identity\r\n", "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked;q=1\r\n"}) {
    EXPECT_EQ(rule_of_lines(lines), Rule::transfer_encoding) << lines;
  }
  EXPECT_EQ(rule_of_lines("Transfer-Encoding: Chunked\r\n"), std::nullopt);
}

TEST(Gate, RefusesTransferEncodingOnHttp10) {
  EXPECT_EQ(request_rule("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), Rule::transfer_encoding);
}

TEST(Gate, RefusesTransferEncodingTogetherWithContentLength) {
  EXPECT_EQ(rule_of_lines("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), Rule::both_framings);
  EXPECT_EQ(rule_of_lines("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), Rule::both_framings);
}

TEST(Gate, RefusesContentLengthThatIsNotOneDecimalNumber) {
  for (const auto* lines :
       {"Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n",
        "Content-Length: -5\r\n", "Content-Length: 0x5\r\n", "Content-Length:\r\n", "Content-Length: 5 5\r\n",
        "Content-Length: 5.0\r\n", "Content-Length: 18446744073709551616\r\n"}) {
    EXPECT_EQ(rule_of_lines(lines), Rule::content_length) << lines;
  }
  EXPECT_EQ(rule_of_lines("Content-Length: 18446744073709551615\r\n"), std::nullopt);
}

TEST(Gate, RefusesFoldedLines) {
  EXPECT_EQ(rule_of_lines("A: b\r\n c\r\n"), Rule::obs_fold);
  EXPECT_EQ(rule_of_lines("A: b\r\n\tc\r\n"), Rule::obs_fold);
  EXPECT_EQ(rule_of_lines("A:\r\n b\r\n"), Rule::obs_fold) << "the value begins on the second line";
}

TEST(Gate, RefusesBytesOutsideAsciiInFramingHostAndTarget) {
  EXPECT_NE(rule_of_lines("Transfer-Encoding: chunked\xa0\r\n"), std::nullopt);
  EXPECT_NE(rule_of_lines("Content-Length: 5\xb2\r\n"), std::nullopt);
  EXPECT_NE(rule_of_lines("Connection: \xc3\xa4\r\n"), std::nullopt);
  EXPECT_EQ(rule_of_lines("Upgrade: \xc3\xa4\r\n"), Rule::non_ascii);
  EXPECT_EQ(request_rule("GET / HTTP/1.1\r\nHost: ex\xc3\xa4mple\r\n\r\n"), Rule::non_ascii);
  EXPECT_EQ(rule_of_target("/\xc3\xa4"), Rule::non_ascii);
  EXPECT_EQ(rule_of_lines("X-Name: J\xc3\xbcrgen\r\n"), std::nullopt) << "elsewhere obs-text passes";
}

TEST(Gate, RefusesUnderscoresInFieldNames) {
  EXPECT_EQ(rule_of_lines("Content_Length: 5\r\n"), Rule::field_name);
  EXPECT_EQ(rule_of_lines("X_User: root\r\nX-User: me\r\n"), Rule::field_name);
}

TEST(Gate, WantsExactlyOneWellFormedHost) {
  EXPECT_EQ(request_rule("GET / HTTP/1.1\r\n\r\n"), Rule::host);
  EXPECT_EQ(request_rule("GET / HTTP/1.0\r\n\r\n"), Rule::host);
  EXPECT_EQ(request_rule("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), Rule::host);
  for (const auto* host :
       {"", "a b", "user@a", "a/b", "a:", "a:x", "a:99999", "[::1", "[]", "a,b", "http://a", "[::g]"}) {
    EXPECT_EQ(request_rule("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"), Rule::host) << host;
  }
  for (const auto* host : {"a", "a.b-c_d:8080", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]:80"}) {
    EXPECT_EQ(request_rule("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"), std::nullopt) << host;
  }
}

TEST(Gate, WantsTheTargetInTheFormOfItsMethod) {
  for (const auto* target :
       {"a", "*", "http://other.test/", "ftp://example.test/", "http://example.test:81/", "//example.test/\\a", "/a#b",
        "/a<b", "/%zz", "/%0", "/%00", "example.test:443", "http://user@example.test/"}) {
    EXPECT_EQ(rule_of_target(target), Rule::target) << target;
  }
  for (const auto* target :
       {"/", "/a?b=%zz", "//a", "http://example.test", "http://EXAMPLE.test/a?b", "/a|b", "/%C3%A4"}) {
    EXPECT_EQ(rule_of_target(target), std::nullopt) << target;
  }
  EXPECT_EQ(rule_of_target("*", "OPTIONS"), std::nullopt);
}

TEST(Gate, RefusesConnect) {
  EXPECT_EQ(rule_of_target("example.test:443", "CONNECT"), Rule::connect);
}

TEST(Gate, RefusesAnyExpectationBut100Continue) {
  const InspectedRequest request(get_with("Content-Length: 1\r\nExpect: 200-ok\r\n"));
  ASSERT_TRUE(request.refusal);
  EXPECT_EQ(request.refusal->status, 417);
}

TEST(Gate, TakesPathAndQueryOutOfTheTarget) {
  const InspectedRequest absolute("GET http://example.test/a/b?c=d HTTP/1.1\r\nHost: example.test\r\n\r\n");
  EXPECT_EQ(absolute.head.path, "/a/b");
  EXPECT_EQ(absolute.head.query, "c=d");
}

TEST(Gate, TakesKeepAliveFromVersionAndConnection) {
  EXPECT_TRUE(InspectedRequest("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head.keep_alive);
  EXPECT_FALSE(InspectedRequest("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n").head.keep_alive);
  EXPECT_FALSE(InspectedRequest("GET / HTTP/1.0\r\nHost: a\r\n\r\n").head.keep_alive);
  EXPECT_TRUE(InspectedRequest("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n").head.keep_alive);
}

TEST(Gate, LetsAnUpgradeGoOnOnlyIfConnectionListsItAndThereIsNoBody) {
  EXPECT_EQ(InspectedRequest(get_with("Connection: Upgrade\r\nUpgrade: websocket\r\n")).head.upgrade, "websocket");
  EXPECT_EQ(InspectedRequest(get_with("Upgrade: websocket\r\n")).head.upgrade, "");
  EXPECT_EQ(InspectedRequest(get_with("Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n")).head.upgrade,
            "");
}

TEST(Gate, MarksFieldsThatConnectionListsButNotThoseOfItsOwn) {
  const InspectedRequest request(
      get_with("Connection: X-Hop, Host, Content-Length\r\nX-Hop: 1\r\nContent-Length: 2\r\n"));
  ASSERT_FALSE(request.refusal);
  const auto& list = request.head.fields;
  for (std::size_t i = 0; i < list.fields.size(); ++i) {
    const bool listed = list.kinds[i] == FieldKind::connection_listed;
    EXPECT_EQ(listed, list.fields[i].name == "X-Hop") << list.fields[i].name;
  }
  EXPECT_EQ(request.head.framing, Framing::length);
}

TEST(ResponseGate, RefusesAmbiguousFraming) {
  EXPECT_EQ(response_rule("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
            Rule::both_framings);
  EXPECT_EQ(response_rule("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), Rule::transfer_encoding);
  EXPECT_EQ(response_rule("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"), Rule::content_length);
  EXPECT_EQ(response_rule("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), Rule::content_length);
  EXPECT_EQ(response_rule("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"), Rule::transfer_encoding);
  EXPECT_EQ(response_rule("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"), Rule::obs_fold);
}

TEST(ResponseGate, KnowsWhichResponsesHaveNoBody) {
  const std::string with_length = "Content-Length: 5\r\n\r\n";
  EXPECT_EQ(InspectedResponse("HTTP/1.1 200 OK\r\n" + with_length, "HEAD").head.framing, Framing::none);
  EXPECT_EQ(InspectedResponse("HTTP/1.1 304 Not Modified\r\n" + with_length).head.framing, Framing::none);
  EXPECT_EQ(InspectedResponse("HTTP/1.1 204 No Content\r\n\r\n").head.framing, Framing::none);
  EXPECT_EQ(InspectedResponse("HTTP/1.1 200 OK\r\n" + with_length).head.framing, Framing::length);
  EXPECT_EQ(InspectedResponse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").head.framing, Framing::chunked);
}

TEST(ResponseGate, ABodyWithoutFramingEndsWithTheConnection) {
  const InspectedResponse response("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(response.head.framing, Framing::until_close);
  EXPECT_FALSE(response.head.keep_alive);
}

TEST(ResponseGate, RefusesStatusCodesThatDoNotExist) {
  EXPECT_EQ(response_rule("HTTP/1.1 600 What\r\n\r\n"), Rule::syntax);
  EXPECT_EQ(response_rule("HTTP/1.1 099 What\r\n\r\n"), Rule::syntax);
  EXPECT_EQ(response_rule("HTTP/1.1 599 What\r\nContent-Length: 0\r\n\r\n"), std::nullopt);
}

TEST(ResponseGate, PassesUnderscoresInFieldNames) {
  EXPECT_EQ(response_rule("HTTP/1.1 200 OK\r\nX_Old: 1\r\nContent-Length: 0\r\n\r\n"), std::nullopt);
}

TEST(ResponseGate, A101NamesItsProtocol) {
  EXPECT_EQ(response_rule("HTTP/1.1 101 Switching Protocols\r\n\r\n"), Rule::syntax);
  EXPECT_EQ(response_rule("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
            std::nullopt);
}

TEST(Trailers, MayNotCarryWhatFramingRoutingAndAuthenticationNeed) {
  for (const auto* name : {"Content-Length", "transfer-encoding", "Host", "Authorization", "Set-Cookie",
                           "X-Forwarded-For", "Content-Type", "Trailer", "Banyan-Served-By", "a_b"}) {
    EXPECT_FALSE(may_be_trailer(name)) << name;
  }
  EXPECT_TRUE(may_be_trailer("Server-Timing"));
  EXPECT_TRUE(may_be_trailer("Grpc-Status"));
}

}  // namespace
}  // namespace banyan::proxy
