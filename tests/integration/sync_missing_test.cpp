// What a run does not meet: counting, looking, holding, deleting. Streams on a real PostgreSQL.
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>

#include "adapters/sync/scan_report.hpp"
#include "tests/integration/sync_stream_world.hpp"

namespace banyan::test {
namespace {

using sync::ScanRequest;
using sync::ScanState;
using Phase = ScanState::Phase;

class SyncMissing : public SyncStreamTest {
protected:
  // Accounts 1 to `count`, backfilled.
  void begin(int count) {
    for (int i = 1; i <= count; ++i) legacy_.put("party", std::to_string(i), {{"name", "Acme"}, {"kind", "org"}});
    stream_ = make("account");
    fence_ = take(*stream_);
    settle(*stream_, fence_);
    ASSERT_EQ(number("SELECT count(*) FROM banyan.link"), count);
  }
  // 13 of 40.
  void lose_every_third() {
    for (int i = 3; i <= 40; i += 3) EXPECT_TRUE(legacy_.remove("party", std::to_string(i), "", world_.soon()));
  }
  std::int64_t live_accounts() { return number("SELECT count(*) FROM banyan.record WHERE NOT deleted"); }
  // What GET /api/sync shows of deletes that are held.
  Json shown() { return sync::shown_missing(scan_of(*stream_).report); }
  // What a run leaves in whose middle, when `now` says so, PostgreSQL crashes: recovery empties what is not in the log.
  ScanState run_and_crash_when(const ScanRequest& request, const std::function<bool(const ScanState&)>& now) {
    EXPECT_TRUE(stream_->start_scan(fence_, request));
    for (int i = 0; i < 200 && !now(scan_of(*stream_)); ++i) stream_->step(fence_);
    EXPECT_TRUE(now(scan_of(*stream_)));
    world_.run("TRUNCATE banyan.scan_chunk");
    settle(*stream_, fence_);
    const ScanState done = scan_of(*stream_);
    EXPECT_EQ(done.phase, Phase::done);
    return done;
  }

  std::unique_ptr<sync::Stream> stream_;
  Fence fence_;
};

TEST_F(SyncMissing, ARunThatMissesTooMuchDeletesNothingUntilAPersonSaysSo) {
  begin(40);
  lose_every_third();
  const Json missing = run(*stream_, fence_, {ScanState::Kind::sweep}).report["missing"];
  EXPECT_EQ(missing["count"], 13);
  EXPECT_EQ(missing["linked"], 40);
  EXPECT_EQ(missing["gone"], 13);
  EXPECT_EQ(missing["held"], true);
  EXPECT_EQ(missing["examples"].size(), 13U);
  EXPECT_EQ(live_accounts(), 40);
  const ScanState verified = run(*stream_, fence_, {ScanState::Kind::verify, false, true});
  EXPECT_EQ(verified.differences, 13);
  EXPECT_EQ(verified.repaired, 0);
  EXPECT_EQ(live_accounts(), 40);

  const ScanState accepted = run(*stream_, fence_, {ScanState::Kind::backfill, false, false, true});
  EXPECT_EQ(accepted.report["missing"]["held"], false);
  EXPECT_EQ(live_accounts(), 27);
}

TEST_F(SyncMissing, AFewMissingRecordsAreDeletedAtOnce) {
  begin(5);
  for (const char* id : {"1", "2", "3", "4"}) EXPECT_TRUE(legacy_.remove("party", id, "", world_.soon()));
  const ScanState done = run(*stream_, fence_, {ScanState::Kind::sweep});
  EXPECT_EQ(done.report["missing"], (Json{{"count", 4}, {"linked", 5}, {"gone", nullptr}, {"held", false}}));
  EXPECT_EQ(number("SELECT count(*) FROM banyan.record WHERE NOT deleted"), 1);
}

TEST_F(SyncMissing, WhatAListLeavesOutHoldsNoDeletes) {
  begin(40);
  for (int i = 1; i <= 20; ++i) legacy_.unlisted.insert(std::to_string(i));
  EXPECT_TRUE(legacy_.remove("party", "30", "", world_.soon()));
  const ScanState done = run(*stream_, fence_, {ScanState::Kind::sweep});
  EXPECT_EQ(done.report["missing"]["count"], 21);
  EXPECT_EQ(done.report["missing"]["gone"], 1);
  EXPECT_EQ(done.report["missing"]["held"], false);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.record WHERE NOT deleted"), 39);
}

TEST_F(SyncMissing, PartsThatWentWithTheirWholeHoldNoDeletes) {
  begin(5);
  const auto contacts = make("contact");
  const Fence fence = take(*contacts);
  for (int i = 1; i <= 20; ++i) legacy_.put("person", std::to_string(i), {{"name", "Ada"}, {"party", "1"}});
  settle(*contacts, fence);
  EXPECT_TRUE(legacy_.remove("party", "1", "", world_.soon()));
  for (int i = 1; i <= 20; ++i) EXPECT_TRUE(legacy_.remove("person", std::to_string(i), "", world_.soon()));
  run(*stream_, fence_, {ScanState::Kind::sweep});
  const ScanState done = run(*contacts, fence, {ScanState::Kind::sweep});
  EXPECT_EQ(done.report["missing"]["count"], 20);
  EXPECT_EQ(done.report["missing"]["gone"], 0);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.record WHERE entity = 'contact' AND NOT deleted"), 0);
}

TEST_F(SyncMissing, HeldDeletesAreShownUntilARunThatCouldDeleteEndsOtherwise) {
  begin(40);
  lose_every_third();
  run(*stream_, fence_, {ScanState::Kind::sweep});
  const Json held = shown();
  ASSERT_EQ(held["held"], true);

  const ScanState tried = run(*stream_, fence_, {ScanState::Kind::backfill, true});
  EXPECT_EQ(shown(), held);
  EXPECT_FALSE(sync::shown_dry_run(tried.report).contains("held_before"));
  run(*stream_, fence_, {ScanState::Kind::backfill, true});
  EXPECT_EQ(shown(), held);
  ASSERT_TRUE(queries_.start_scan("crm", "account", {ScanState::Kind::verify}, world_.soon()));
  EXPECT_EQ(shown(), held) << "asked for over the API, and not begun";
  settle(*stream_, fence_);
  EXPECT_EQ(shown()["held"], true);

  for (int i = 3; i <= 40; i += 3) legacy_.put("party", std::to_string(i), {{"name", "Acme"}, {"kind", "org"}});
  EXPECT_EQ(verify(*stream_, fence_).report["missing"]["held"], false);
  EXPECT_EQ(shown()["held"], true) << "it only looked";
  run(*stream_, fence_, {ScanState::Kind::sweep});
  EXPECT_EQ(shown()["held"], false);
  run(*stream_, fence_, {ScanState::Kind::backfill, true});
  EXPECT_EQ(shown(), Json());
}

TEST_F(SyncMissing, ARunThatComesAfterADryOneInPlaceOfASweepGoesOnShowingWhatIsHeld) {
  begin(40);
  lose_every_third();
  run(*stream_, fence_, {ScanState::Kind::sweep});
  ASSERT_TRUE(stream_->start_scan(fence_, {ScanState::Kind::sweep}));
  const auto begun = queries_.start_scan("crm", "account", {ScanState::Kind::backfill, true}, world_.soon());
  ASSERT_EQ(begun->begun.size(), 1U);
  EXPECT_EQ(shown()["held"], true);
  EXPECT_TRUE(scan_of(*stream_).report.contains("replaced_sweep"));
}

TEST_F(SyncMissing, ARunThatLosesWhatItMetBeginsAnewAndDeletesOnlyWhatIsGone) {
  options_.chunk = 4;
  begin(40);
  lose_every_third();
  const ScanState done = run_and_crash_when({ScanState::Kind::backfill, false, false, true}, [](const ScanState& scan) {
    return scan.phase == Phase::reading && scan.scanned > 0;
  });
  EXPECT_EQ(done.scanned, 27) << "each is counted once";
  EXPECT_EQ(done.report["missing"]["count"], 13);
  EXPECT_EQ(live_accounts(), 27);
}

TEST_F(SyncMissing, WhatWasMetIsLostBeforeTheCountingAndEverythingIsReadOnceMore) {
  begin(40);
  lose_every_third();
  int scans = 0;
  legacy_.on_call = [&](const std::string& call, const std::string&) { scans += call == "scan" ? 1 : 0; };
  const ScanState done = run_and_crash_when({ScanState::Kind::backfill, false, false, true},
                                            [](const ScanState& scan) { return scan.phase == Phase::counting; });
  EXPECT_EQ(scans, 2 * 14) << "pages of 2";
  EXPECT_EQ(done.scanned, 27);
  EXPECT_EQ(done.report["missing"]["count"], 13);
  EXPECT_EQ(live_accounts(), 27);
}

TEST_F(SyncMissing, WhatWasMetIsLostWhileDeletesAreMadeAndTheOthersAreMadeAfterwards) {
  begin(40);
  lose_every_third();
  const ScanState done =
      run_and_crash_when({ScanState::Kind::backfill, false, false, true},
                         [&](const ScanState& scan) { return scan.phase == Phase::absent && live_accounts() < 40; });
  EXPECT_LT(done.report["missing"]["count"].get<int>(), 13) << "some were gone by then";
  EXPECT_EQ(live_accounts(), 27);
}

TEST_F(SyncMissing, WhatWasMetIsLostWhileTheMissingAreLookedAtAndTheyAreHeldAfterwards) {
  begin(40);
  lose_every_third();
  const ScanState done = run_and_crash_when({ScanState::Kind::sweep}, [](const ScanState& scan) {
    return scan.phase == Phase::looking && scan.report["missing"]["gone"].is_number();
  });
  EXPECT_EQ(done.report["missing"]["gone"], 13);
  EXPECT_EQ(done.report["missing"]["held"], true);
  EXPECT_EQ(live_accounts(), 40);
}

TEST_F(SyncMissing, AVerifyThatLosesWhatItMetCountsNoDifferenceTwice) {
  begin(40);
  lose_every_third();
  const ScanState done = run_and_crash_when({ScanState::Kind::verify}, [](const ScanState& scan) {
    return scan.phase == Phase::absent && scan.differences > 0;
  });
  EXPECT_EQ(done.differences, 13);
  EXPECT_EQ(done.report["differences"].size(), 13U);
  EXPECT_EQ(live_accounts(), 40);
}

// Runs what a commit decides twice, as a store does after a serialization failure.
class TwiceStore final : public sync::SyncStore {
public:
  explicit TwiceStore(sync::SyncStore& inner) : inner_(inner) {}
  Result<StreamId> open_stream(const std::string& system, const std::string& entity, Deadline deadline) override {
    return inner_.open_stream(system, entity, deadline);
  }
  Result<std::optional<Fence>> lease(StreamId stream, const std::string& owner, std::chrono::milliseconds term,
                                     Deadline deadline) override {
    return inner_.lease(stream, owner, term, deadline);
  }
  Result<void> release(const Fence& fence, Deadline deadline) override { return inner_.release(fence, deadline); }
  Result<std::size_t> present(const std::string& owner, std::chrono::milliseconds term, Deadline deadline) override {
    return inner_.present(owner, term, deadline);
  }
  Result<void> commit(const Fence& fence, const sync::Decide& decide, Deadline deadline) override {
    const auto twice = [&](View& view) {
      (void)decide(view);
      return decide(view);
    };
    return inner_.commit(fence, twice, deadline);
  }
  Result<sync::StreamState> state(StreamId stream, Deadline deadline) override {
    return inner_.state(stream, deadline);
  }
  Result<std::vector<sync::OutboxItem>> outbox(StreamId stream, std::size_t limit, WallTime now,
                                               Deadline deadline) override {
    return inner_.outbox(stream, limit, now, deadline);
  }
  Result<std::vector<Waiting>> due(StreamId stream, std::size_t limit, WallTime now, Deadline deadline) override {
    return inner_.due(stream, limit, now, deadline);
  }
  Result<std::vector<Parked>> ready_matters(StreamId stream, std::size_t limit, Look look, Deadline deadline) override {
    return inner_.ready_matters(stream, limit, look, deadline);
  }
  Result<Drift> drift(StreamId stream, std::size_t limit, Deadline deadline, const sync::DriftScope& scope) override {
    return inner_.drift(stream, limit, deadline, scope);
  }

private:
  sync::SyncStore& inner_;
};

TEST_F(SyncMissing, SeveralPartsOfTheLinksGiveTheAnswerOfOneAlsoIfEachCommitIsRunTwice) {
  begin(40);
  lose_every_third();
  const ScanRequest verify{ScanState::Kind::verify};
  const ScanState whole = run(*stream_, fence_, verify);
  ASSERT_EQ(whole.report["missing"]["count"], 13);
  ASSERT_EQ(whole.report["missing"]["gone"], 13);
  TwiceStore twice(world_.store());
  for (const std::size_t part : {25U, 40U, 1U}) {
    options_.missing_part = part;
    for (sync::SyncStore* store : std::initializer_list<sync::SyncStore*>{&world_.store(), &twice}) {
      store_ = store;
      stream_ = make("account");
      const ScanState parts = run(*stream_, fence_, verify);
      EXPECT_EQ(parts.report["missing"], whole.report["missing"]) << part;
      EXPECT_EQ(parts.differences, whole.differences) << part;
    }
  }
  const ScanState accepted = run(*stream_, fence_, {ScanState::Kind::backfill, false, false, true});
  EXPECT_EQ(accepted.report["missing"]["count"], 13);
  EXPECT_EQ(live_accounts(), 27);
}

}  // namespace
}  // namespace banyan::test
