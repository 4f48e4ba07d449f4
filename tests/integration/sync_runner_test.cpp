// How processes share streams: leases, hints, fail-over.
#include "adapters/sync/runner.hpp"

#include <gmock/gmock.h>

#include <future>
#include <utility>

#include "adapters/sync/leases.hpp"
#include "tests/integration/sync_stream_world.hpp"

namespace banyan::test {
namespace {

using namespace std::chrono_literals;
using sync::Leases;
using sync::Runner;
using sync::RunnerOptions;
using sync::StreamHint;
using sync::StreamStatus;

constexpr std::chrono::milliseconds kTerm = 300s;  // much longer than any pause of the machine

class SyncLeases : public SyncStreamTest {
protected:
  StreamId open(const std::string& entity) { return world_.store().open_stream("crm", entity, world_.soon()).value(); }
  Leases process(const std::string& owner, std::vector<StreamId> streams) {
    return {world_.store(), clock_, owner, kTerm, std::move(streams)};
  }
  // One round; how many leases the process holds after it.
  static std::size_t keep(Leases& process, bool lets_go = true) {
    const auto round = process.keep([&](std::size_t) { return lets_go; });
    std::size_t held = 0;
    for (const auto& fence : round.value().fences) held += fence ? 1U : 0U;
    return held;
  }
  void pass(std::chrono::milliseconds span) {
    world_.pass(span);
    clock_.pass(span);
  }

  const std::vector<StreamId> four_ = {open("a"), open("b"), open("c"), open("d")};
};

TEST_F(SyncLeases, AProcessAloneTakesAllAndKeepsThem) {
  Leases us = process("us", four_);
  EXPECT_EQ(keep(us), 4U);
  for (int i = 0; i < 8; ++i) {
    pass(50s);
    EXPECT_EQ(keep(us), 4U) << i;
  }
}

TEST_F(SyncLeases, ASecondProcessGetsItsShareOnceTheFirstLetsGo) {
  Leases us = process("us", four_);
  Leases them = process("them", four_);
  keep(us);
  EXPECT_EQ(keep(them), 0U);
  EXPECT_EQ(keep(us, false), 4U) << "all are in use";
  EXPECT_EQ(keep(us), 2U);
  EXPECT_EQ(keep(them), 2U);
  EXPECT_EQ(keep(us), 2U);
}

TEST_F(SyncLeases, TheStreamsOfAKilledProcessAreTakenAfterOneTerm) {
  Leases us = process("us", four_);
  Leases them = process("them", four_);
  keep(us), keep(them), keep(us), keep(them);
  for (int i = 0; i < 6; ++i) {
    pass(50s);
    keep(us);
  }
  EXPECT_EQ(keep(us), 4U) << "300 s after the other was last seen";
}

TEST_F(SyncLeases, AProcessWithOtherStreamsDoesNotCountInTheShare) {
  Leases others = process("others", {open("x"), open("y")});
  keep(others);
  Leases us = process("us", four_);
  EXPECT_EQ(keep(us), 4U);
  Leases half = process("half", {four_[0], open("z")});
  EXPECT_EQ(keep(half), 1U) << "the one that only it has";
  EXPECT_EQ(keep(us), 4U) << "three alone and half of one";
}

TEST_F(SyncLeases, WhatNobodyTakesForTwoTermsIsTakenWhateverTheShareAndKept) {
  Leases us = process("us", four_);
  const auto theirs = [&] {  // it is alive and takes nothing
    ASSERT_TRUE(world_.store().keep_leases("stuck", four_, kTerm, world_.soon()));
  };
  theirs();
  EXPECT_EQ(keep(us), 2U);
  for (int i = 0; i < 11; ++i) {
    pass(50s);
    theirs();
    EXPECT_EQ(keep(us), 2U) << i;
  }
  pass(100s);
  theirs();
  EXPECT_EQ(keep(us), 4U);
  EXPECT_EQ(keep(us), 4U) << "not given back again";
}

TEST_F(SyncLeases, ARenewalDoesNotWaitForACommit) {
  Leases us = process("us", four_);
  const auto round = us.keep([](std::size_t) { return true; });
  ASSERT_TRUE(round);
  std::size_t renewed = 0;
  const auto done = world_.store().commit(
      *round->fences[0],
      [&](View&) {
        world_.pass(200s);
        renewed = keep(us);
        world_.pass(200s);
        return Changes{};
      },
      world_.soon());
  EXPECT_TRUE(done);
  EXPECT_EQ(renewed, 4U);
  EXPECT_TRUE(world_.store().commit(
      *round->fences[0], [](View&) { return Changes{}; }, world_.soon()))
      << "renewed 200 s ago";
}

TEST_F(SyncLeases, WhatIsWokenIsDueWhateverTheClocksSay) {
  const Fence fence = *world_.store().lease(four_[0], "us", kTerm, world_.soon()).value();
  Changes changes;
  changes.inbox = {{"c1", "v1", sync::Via::feed, Outcome::in_flight, ""}};
  Waiting row;
  row.legacy_id = "c1";
  row.on = Reference{"b", "7"};
  row.not_before = std::chrono::system_clock::now() + 1h;
  row.reason = "waits";
  changes.waiting = {row};
  changes.legacy_counts.captured = changes.legacy_counts.in_flight = 1;
  ASSERT_TRUE(world_.store().commit(
      fence, [&](View&) { return changes; }, world_.soon()));
  const WallTime behind = std::chrono::system_clock::now() - 1h;
  EXPECT_TRUE(world_.store().due(four_[0], 10, behind, world_.soon())->empty());
  const Fence parent = *world_.store().lease(four_[1], "us", kTerm, world_.soon()).value();
  Changes wakes;
  wakes.awake = {{"b", "7", {}}};
  ASSERT_TRUE(world_.store().commit(
      parent, [&](View&) { return wakes; }, world_.soon()));
  EXPECT_EQ(world_.store().due(four_[0], 10, behind, world_.soon())->size(), 1U);
}

class SyncRunner : public SyncStreamTest {
protected:
  static bool is_ready(const std::future<void>& future) { return future.wait_for(60s) == std::future_status::ready; }
};

TEST_F(SyncRunner, AMissingParentThatAnotherProcessKeepsIsToldOf) {
  std::vector<std::unique_ptr<sync::Stream>> streams;
  streams.push_back(make("account"));
  streams.push_back(make("contact"));
  ASSERT_TRUE(world_.store().lease(streams[0]->id(), "them", 600s, world_.soon()).value().has_value());
  options_.backfills_itself = false;
  std::promise<StreamHint> told;
  bool is_told = false;
  RunnerOptions options;
  options.owner = "us";
  options.tell_others = [&](const StreamHint& hint) {
    if (!std::exchange(is_told, true)) told.set_value(hint);
  };
  Runner runner(std::move(streams), options, world_.store(), clock_);
  runner.start();
  legacy_.put("person", "1", {{"party", "7"}, {"name", "Ann"}});
  const std::string id = "1";
  auto hint = told.get_future();
  while (hint.wait_for(100ms) != std::future_status::ready) runner.follow({"crm", "contact", {id}, false});
  const StreamHint found = hint.get();
  EXPECT_EQ(found.system, "crm");
  EXPECT_EQ(found.entity, "account");
  EXPECT_EQ(found.ids, std::vector<std::string>{"7"});
  EXPECT_FALSE(found.sweep);
  runner.stop();
}

TEST_F(SyncRunner, WhatHoldsAStreamUpIsKnownToEveryProcess) {
  std::vector<std::unique_ptr<sync::Stream>> streams;
  streams.push_back(make("account"));
  RunnerOptions options;
  options.owner = "us";
  Runner runner(std::move(streams), options, world_.store(), clock_);
  runner.start();
  const auto told = [&](auto fits) {
    const SteadyTime began = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - began < 60s) {
      const auto report = queries_.streams(world_.soon()).value().at(0);
      if (report.told && report.told->process == "us" && fits(report.told->status)) return true;
    }
    return false;
  };
  EXPECT_TRUE(told([](const StreamStatus& status) { return status.trouble.empty() && status.caught_up_at; }));
  legacy_.is_away = true;
  EXPECT_TRUE(told([](const StreamStatus& status) { return status.trouble == "away" && status.caught_up_at; }));
  runner.stop();
}

TEST_F(SyncRunner, WhatIsToldByAProcessThatHasLostTheStreamIsNotTaken) {
  const StreamId id = world_.store().open_stream("crm", "account", world_.soon()).value();
  StreamStatus status;
  status.trouble = "theirs";
  status.caught_up_at = WallTime{} + 2h;
  const auto tell = [&](const std::string& owner) {
    const std::pair<StreamId, StreamStatus> news{id, status};
    EXPECT_TRUE(world_.store().tell(owner, std::span(&news, 1), world_.soon()));
    return queries_.streams(world_.soon()).value().at(0).told.value();
  };
  EXPECT_EQ(tell("them").status.trouble, "theirs") << "nobody has it";
  ASSERT_TRUE(world_.store().lease(id, "us", 600s, world_.soon()).value());
  status = {};
  status.trouble = "ours";
  status.is_refused = true;
  status.schema_drift = {"name is held: \"x\", {y}"};
  const sync::Told ours = tell("us");
  EXPECT_EQ(ours.process, "us");
  EXPECT_EQ(ours.status.trouble, "ours");
  EXPECT_TRUE(ours.status.is_refused);
  EXPECT_EQ(ours.status.schema_drift, status.schema_drift);
  EXPECT_EQ(ours.status.caught_up_at, WallTime{} + 2h) << "what they have read is read";
  status.trouble = "theirs";
  EXPECT_EQ(tell("them").status.trouble, "ours");
}

TEST_F(SyncRunner, StreamsOfAProcessThatEndsGoOnInAnother) {
  std::promise<void> stepped_here;
  std::promise<void> stepped_there;
  const auto runner_of = [&](const std::string& owner, std::promise<void>& stepped) {
    std::vector<std::unique_ptr<sync::Stream>> streams;
    streams.push_back(make("account"));
    RunnerOptions options;
    options.owner = owner;
    options.lease_term = 600s;
    options.shared_by = [&stepped, first = true](const std::string&, std::size_t) mutable {
      if (std::exchange(first, false)) stepped.set_value();
    };
    return std::make_unique<Runner>(std::move(streams), options, world_.store(), clock_);
  };
  auto ours = runner_of("us", stepped_here);
  ours->start();
  ASSERT_TRUE(is_ready(stepped_here.get_future()));
  EXPECT_TRUE(ours->status().at(0).holds_lease);
  auto theirs = runner_of("them", stepped_there);
  theirs->start();
  ASSERT_TRUE(is_ready(stepped_there.get_future()));
  EXPECT_FALSE(theirs->status().at(0).holds_lease);
  ours->stop();
  legacy_.put("party", "9", {{"name", "After"}});
  const std::string id = "9";
  const SteadyTime began = std::chrono::steady_clock::now();
  while (number("SELECT count(*) FROM banyan.record WHERE data ->> 'name' = 'After'") == 0 &&
         std::chrono::steady_clock::now() - began < 60s) {
    theirs->follow({"crm", "account", {id}, false});
  }
  EXPECT_EQ(number("SELECT count(*) FROM banyan.record"), 1);
  EXPECT_TRUE(theirs->status().at(0).holds_lease);
  theirs->stop();
}

}  // namespace
}  // namespace banyan::test
