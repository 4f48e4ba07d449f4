#include "gateway/proxy/upstream.hpp"

#include <gtest/gtest.h>

#include <map>

namespace banyan::proxy {
namespace {

// Three endpoints, of which tests set the load and the failures.
struct ThreeEndpoints {
  Upstream options{.name = "legacy",
                   .endpoints = {{"127.0.0.1", 1}, {"127.0.0.1", 2}, {"::1", 3}},
                   .host = Upstream::Host::keep,
                   .request_body = Upstream::RequestBody::stream,
                   .retry_after_failure = std::chrono::milliseconds(2'000)};
  UpstreamCounters counters;
  std::optional<UpstreamGroup> group;
  Random random{7};

  ThreeEndpoints() {
    std::deque<Endpoint> endpoints;
    EXPECT_TRUE(UpstreamGroup::resolve(options, endpoints));
    group.emplace(options, std::move(endpoints), counters);
  }
  Endpoint& endpoint(std::size_t i) { return group->endpoints()[i]; }
  std::map<std::string, int> draw(int times, std::uint64_t now = 100) {
    std::map<std::string, int> drawn;
    for (int i = 0; i < times; ++i) ++drawn[group->choose(random, now, 0)->name];
    return drawn;
  }
};

TEST(UpstreamGroup, NamesEndpointsAsAuthorities) {
  ThreeEndpoints world;
  EXPECT_EQ(world.endpoint(0).name, "127.0.0.1:1");
  EXPECT_EQ(world.endpoint(2).name, "[::1]:3");
}

TEST(UpstreamGroup, SpreadsRequestsEvenlyWhenLoadIsEqual) {
  ThreeEndpoints world;
  for (const auto& [name, count] : world.draw(3'000)) EXPECT_NEAR(count, 1'000, 150) << name;
}

TEST(UpstreamGroup, NeverPicksTheBusiestOfThree) {
  ThreeEndpoints world;
  world.endpoint(1).counters->outstanding.add(5);
  EXPECT_EQ(world.draw(1'000).count("127.0.0.1:2"), 0U) << "in every pair there is one with less to do";
}

TEST(UpstreamGroup, SkipsAnEndpointThatFailedUntilItsTimeComes) {
  ThreeEndpoints world;
  world.endpoint(0).failed_until = 120;
  EXPECT_EQ(world.draw(1'000, 119).count("127.0.0.1:1"), 0U);
  EXPECT_EQ(world.draw(1'000, 120).count("127.0.0.1:1"), 1U);
}

TEST(UpstreamGroup, AsksFailedEndpointsIfThereAreNoOthers) {
  ThreeEndpoints world;
  for (std::size_t i = 0; i < 3; ++i) world.endpoint(i).failed_until = 200;
  EXPECT_EQ(world.draw(1'000).size(), 3U);
}

TEST(UpstreamGroup, DoesNotAskAnEndpointTwiceForOneRequest) {
  ThreeEndpoints world;
  EXPECT_EQ(world.group->choose(world.random, 100, 0b011)->name, "[::1]:3");
  EXPECT_EQ(world.group->choose(world.random, 100, 0b111), nullptr);
}

TEST(UpstreamGroup, SaysWhichEndpointCannotBeResolved) {
  Upstream options;
  options.name = "legacy";
  options.endpoints = {{"no such host.invalid", 80}};
  std::deque<Endpoint> endpoints;
  const auto result = UpstreamGroup::resolve(options, endpoints);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().public_message.find("no such host.invalid:80 of the upstream \"legacy\""),
            std::string::npos);
}

TEST(BlockPool, HandsOutTheBlockThatCameBackLast) {
  BlockPool pool;
  const char* last = nullptr;
  {
    const Block first = pool.take(BlockSize::small);
    const Block second = pool.take(BlockSize::small);
    EXPECT_NE(first.data(), second.data());
    last = first.data();  // destroyed last
  }
  EXPECT_EQ(pool.take(BlockSize::small).data(), last);
}

}  // namespace
}  // namespace banyan::proxy
