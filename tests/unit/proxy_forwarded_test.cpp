#include "gateway/proxy/forwarded.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/proxy_support.hpp"

namespace banyan::proxy {
namespace {

TrustedNetworks trusting(const std::vector<std::string>& networks) {
  return TrustedNetworks::parse(networks).value();
}
AddressBytes address(std::string_view text) {
  return parse_address(text).value();
}

TEST(TrustedNetworks, ContainWhatTheirPrefixCovers) {
  const auto trusted = trusting({"10.0.0.0/8", "192.0.2.128/25", "2001:db8::/32", "127.0.0.1"});
  for (const auto* inside : {"10.255.0.1", "192.0.2.255", "2001:db8:ffff::1", "127.0.0.1", "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(trusted.contains(address(inside))) << inside;
  }
  for (const auto* outside : {"11.0.0.1", "192.0.2.127", "2001:db9::1", "127.0.0.2", "::1"}) {
    EXPECT_FALSE(trusted.contains(address(outside))) << outside;
  }
}

TEST(TrustedNetworks, RefuseWhatIsNoNetwork) {
  for (const auto* text : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0", "::1/129", ""}) {
    EXPECT_FALSE(TrustedNetworks::parse({text})) << text;
  }
}

std::string client_of(const std::string& forwarded_for, bool peer_trusted = true) {
  const InspectedRequest request(get_with("X-Forwarded-For: " + forwarded_for + "\r\n"));
  return std::string(client_address("10.0.0.9", peer_trusted, trusting({"10.0.0.0/8"}), request.head.fields));
}

TEST(ClientAddress, IsTheLastHopThatIsNotATrustedProxy) {
  EXPECT_EQ(client_of("6.6.6.6, 192.0.2.1, 10.0.0.1"), "192.0.2.1");
  EXPECT_EQ(client_of("10.0.0.3, 10.0.0.1"), "10.0.0.3") << "all trusted: the first";
  EXPECT_EQ(client_of("192.0.2.1:4711"), "192.0.2.1");
  EXPECT_EQ(client_of("[2001:db8::1]:4711"), "2001:db8::1");
}

TEST(ClientAddress, IsThePeerIfTheFieldCannotBeBelieved) {
  EXPECT_EQ(client_of("192.0.2.1", false), "10.0.0.9");
  EXPECT_EQ(client_of("not an address"), "10.0.0.9");
}

TEST(Traceparent, IsTakenOnlyIfWellFormed) {
  EXPECT_TRUE(is_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
  EXPECT_TRUE(is_traceparent("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"));
  for (const auto* bad : {"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
                          "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                          "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                          "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"}) {
    EXPECT_FALSE(is_traceparent(bad)) << bad;
  }
}

TEST(RequestId, OfAProxyIsTakenOnlyIfHarmless) {
  EXPECT_TRUE(is_request_id("01HZX-abc.def_1"));
  EXPECT_FALSE(is_request_id(""));
  EXPECT_FALSE(is_request_id("a b"));
  EXPECT_FALSE(is_request_id(std::string(129, 'a')));
}

TEST(TraceIds, AreHexAndDoNotRepeat) {
  Random random(1);
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    const auto id = make_trace_id(random);
    seen.emplace(id.data(), id.size());
  }
  EXPECT_EQ(seen.size(), 10'000U);
  EXPECT_EQ(seen.begin()->find_first_not_of("0123456789abcdef"), std::string::npos);
}

}  // namespace
}  // namespace banyan::proxy
