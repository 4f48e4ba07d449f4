// What the API asks of the store of sync.
#include "adapters/sync/sync_queries.hpp"
#include "tests/integration/sync_store_world.hpp"

namespace banyan::test {
namespace {

using sync::ParkedFilter;

class SyncQueries : public SyncStoreContract {
protected:
  SyncQueries() : queries_(static_cast<PostgresSyncWorld&>(*world_).database()) {}

  PostgresSyncWorld& world() { return static_cast<PostgresSyncWorld&>(*world_); }
  sync::StreamReport report() { return queries_.streams(world_->soon()).value().front(); }

  // A change that became a matter for a person.
  std::int64_t park(Parked::Kind kind, int number, const std::string& error_class = "edit_edit") {
    Changes changes;
    const std::string id = std::to_string(number);
    const bool conflict = kind == Parked::Kind::conflict;
    changes.parked = {matter(kind, id)};
    changes.parked[0].error_class = error_class;
    changes.inbox = {captured(id, conflict ? Outcome::conflict : Outcome::dead_letter)};
    changes.legacy_counts.captured = 1;
    (conflict ? changes.legacy_counts.conflict : changes.legacy_counts.dead_letter) = 1;
    must_commit(changes);
    const Coupling known = by_legacy(id);
    return (conflict ? known.conflict : known.dead_letter)->id;
  }

  sync::SyncQueries queries_;
};

std::unique_ptr<SyncStoreWorld> make_world() {
  return std::make_unique<PostgresSyncWorld>();
}
INSTANTIATE_TEST_SUITE_P(Postgres, SyncQueries, ::testing::Values(SyncStoreFactory(make_world)));

TEST_P(SyncQueries, AReportCountsWhatWaitsOnBothSides) {
  couple("7", 1, "Acme");
  world_->write(edit(1, 2, "Acme", "Bolt"));
  park(Parked::Kind::conflict, 20);
  Changes changes;
  changes.inbox = {captured("8", Outcome::in_flight)};
  changes.waiting = {waiting("8", std::nullopt, 0)};
  changes.legacy_counts = {1, 0, 0, 0, 0, 0, 1};
  must_commit(changes);
  const auto now = report();
  EXPECT_EQ(now.system, "crm");
  EXPECT_EQ(now.entity, "account");
  EXPECT_EQ(now.lease_owner, "us");
  EXPECT_EQ(now.legacy.captured, 2);
  EXPECT_EQ(now.legacy.in_flight, 1);
  EXPECT_EQ(now.modern.captured, 1);
  EXPECT_EQ(now.modern.in_flight, 1);
  EXPECT_EQ(now.parked, 1);
  EXPECT_EQ(now.links, 1);
  EXPECT_TRUE(now.oldest_waiting);
  EXPECT_FALSE(now.last_verify);
  EXPECT_TRUE(queries_.unaccounted(world_->soon()).value().empty());
}

TEST_P(SyncQueries, AFinishedVerifyIsKept) {
  Changes changes;
  changes.state = look([](View& view) { return view.state(); });
  changes.state->scan.kind = sync::ScanState::Kind::verify;
  changes.state->scan.started = at(1);
  must_commit(changes);
  EXPECT_FALSE(report().last_verify);
  changes.state->scan.phase = sync::ScanState::Phase::done;
  changes.state->scan.ended = at(2);
  changes.state->scan.scanned = 9;
  changes.state->scan.differences = 1;
  must_commit(changes);
  changes.state->scan = sync::ScanState{};
  changes.state->scan.kind = sync::ScanState::Kind::sweep;
  must_commit(changes);
  const auto kept = report().last_verify;
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->scanned, 9);
  EXPECT_EQ(kept->differences, 1);
  EXPECT_EQ(kept->ended, at(2));
}

TEST_P(SyncQueries, WhatIsNotAccountedForIsNamed) {
  park(Parked::Kind::dead_letter, 20);
  world().run("UPDATE banyan.parked SET legacy_changes = 3");
  const auto faults = queries_.unaccounted(world_->soon()).value();
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0], "crm account: legacy changes in dead letters: 1 counted, 3 found");
}

TEST_P(SyncQueries, CountsThatDoNotAddUpAreRefused) {
  Changes changes;
  changes.legacy_counts.captured = 1;
  EXPECT_FALSE(commit(fence_, changes));
  EXPECT_EQ(report().legacy.captured, 0);
}

TEST_P(SyncQueries, MattersAreListedInPages) {
  std::vector<std::int64_t> ids;
  for (int i = 1; i <= 5; ++i) ids.push_back(park(Parked::Kind::conflict, i));
  park(Parked::Kind::dead_letter, 9);
  ParkedFilter filter;
  filter.limit = 2;
  filter.newest_first = true;
  const auto first = queries_.parked(filter, world_->soon()).value();
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].matter.id, ids[4]);
  EXPECT_EQ(first[0].entity, "account");
  filter.after = first[1].matter.id;
  const auto second = queries_.parked(filter, world_->soon()).value();
  EXPECT_EQ(second[0].matter.id, ids[2]);
  filter.newest_first = false;
  filter.after = ids[2];
  EXPECT_EQ(queries_.parked(filter, world_->soon()).value()[0].matter.id, ids[3]);
  filter.system = "erp";
  EXPECT_TRUE(queries_.parked(filter, world_->soon()).value().empty());
}

TEST_P(SyncQueries, AnAnswerIsGivenOnce) {
  const std::int64_t id = park(Parked::Kind::conflict, 1);
  const auto given = queries_.answer(id, Json{{"name", "legacy"}}, "clara", world_->soon());
  ASSERT_TRUE(given);
  EXPECT_EQ(given->matter.state, Parked::State::answered);
  const auto again = queries_.answer(id, Json{{"name", "modern"}}, "max", world_->soon());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
  EXPECT_EQ(queries_.parked_one(id, world_->soon())->matter.answered_by, "clara");
  EXPECT_EQ(queries_.answer(id + 1'000, Json::object(), "clara", world_->soon()).error().code, ErrorCode::not_found);
  EXPECT_EQ(store().ready_matters(stream_, 10, sync::SyncStore::Look::answered, world_->soon())->size(), 1U);
}

TEST_P(SyncQueries, DeadLettersOfOneClassAreReplayedTogether) {
  park(Parked::Kind::dead_letter, 1, "rejected");
  park(Parked::Kind::dead_letter, 2, "rejected");
  park(Parked::Kind::dead_letter, 3, "damper");
  park(Parked::Kind::conflict, 4, "rejected");
  ParkedFilter filter;
  filter.error_class = "rejected";
  EXPECT_EQ(queries_.replay(filter, "clara", world_->soon()).value(), 2);
  EXPECT_EQ(queries_.replay(filter, "clara", world_->soon()).value(), 0);
  EXPECT_EQ(store().ready_matters(stream_, 10, sync::SyncStore::Look::answered, world_->soon())->size(), 2U);
}

TEST_P(SyncQueries, ARunIsBegunOnceAndForgetsWhatWasSeen) {
  couple("7", 1, "Acme");
  Changes seen;
  seen.forget_seen = true;
  seen.seen = {"7"};
  must_commit(seen);
  const auto begun =
      queries_.start_scan("crm", "", {sync::ScanState::Kind::verify, false, true}, world_->soon()).value();
  ASSERT_EQ(begun.begun.size(), 1U);
  EXPECT_EQ(begun.begun[0].second, "account");
  EXPECT_TRUE(begun.skipped.empty());
  const auto state = report().state;
  EXPECT_EQ(state.scan.kind, sync::ScanState::Kind::verify);
  EXPECT_TRUE(state.scan.repair);
  EXPECT_EQ(look([](View& view) { return view.not_seen({"", 1'000}, 10)->ids; }), std::vector<std::string>{"7"});
  const auto again = queries_.start_scan("", "", {sync::ScanState::Kind::backfill}, world_->soon()).value();
  EXPECT_TRUE(again.begun.empty());
  ASSERT_EQ(again.skipped.size(), 1U);
  EXPECT_EQ(again.skipped[0].second, "a verify is under way");
  EXPECT_EQ(queries_.start_scan("none", "", {sync::ScanState::Kind::verify}, world_->soon()).error().code,
            ErrorCode::not_found);
}

TEST_P(SyncQueries, PausingASystemPausesItsStreams) {
  open("erp", "account");
  EXPECT_EQ(queries_.pause("crm", true, "by clara", world_->soon()).value(), std::vector<std::string>{"crm"});
  EXPECT_TRUE(report().state.paused);
  EXPECT_EQ(report().state.pause_reason, "by clara");
  EXPECT_FALSE(queries_.streams(world_->soon()).value().back().state.paused);
  EXPECT_EQ(queries_.pause("", false, "", world_->soon())->size(), 2U);
  EXPECT_FALSE(report().state.paused);
  EXPECT_EQ(queries_.pause("none", true, "", world_->soon()).error().code, ErrorCode::not_found);
}

TEST_P(SyncQueries, TheEpochRisesWithAChangeOfOwner) {
  EXPECT_EQ(queries_.set_owner("crm", "account", sync::Owner::modern, world_->soon()).value(), 2);
  EXPECT_EQ(queries_.set_owner("crm", "account", sync::Owner::modern, world_->soon()).value(), 2);
  EXPECT_EQ(report().state.owner, sync::Owner::modern);
  EXPECT_EQ(queries_.set_owner("crm", "none", sync::Owner::modern, world_->soon()).error().code, ErrorCode::not_found);
}

TEST_P(SyncQueries, LinksOfARecordNameSystemAndLegacyId) {
  couple("7", 1, "Acme");
  const std::vector<std::string> ids{record_id(1), record_id(2)};
  const auto links = queries_.links("account", ids, world_->soon()).value();
  ASSERT_EQ(links.size(), 1U);
  EXPECT_EQ(links.at(record_id(1)), (Json::array({Json{{"system", "crm"}, {"id", "7"}}})));
  Link gone = *by_legacy("7").link;
  gone.base.reset();
  gone.base_hash = 0;
  Changes changes;
  changes.links = {gone};
  must_commit(changes);
  EXPECT_TRUE(queries_.links("account", ids, world_->soon()).value().empty());
}

TEST_P(SyncQueries, OldRowsOfTheLogGoUnlessSomethingStillWaitsForThem) {
  park(Parked::Kind::conflict, 1);
  Changes changes;
  changes.inbox = {captured("2", Outcome::applied), captured("3", Outcome::in_flight)};
  changes.waiting = {waiting("3", std::nullopt, 0)};
  changes.legacy_counts = {2, 1, 0, 0, 0, 0, 1};
  must_commit(changes);
  const auto prune = [&] { return queries_.prune(std::chrono::hours(24), 100, world_->soon()).value(); };
  EXPECT_EQ(prune(), 0);
  world().run("UPDATE banyan.inbox SET at = at - interval '25 hours'");
  EXPECT_EQ(prune(), 1);
  EXPECT_EQ(world_->inbox(stream_).size(), 2U);
}

TEST_P(SyncQueries, WhatAPolicyDecidedIsOnRecordForAWhile) {
  const auto decided = [&](int number, const std::string& by) {
    Changes changes;
    changes.parked = {matter(Parked::Kind::conflict, std::to_string(number))};
    changes.parked[0].state = Parked::State::resolved;
    changes.parked[0].legacy_changes = 0;
    changes.parked[0].answer = Json{{"name", "legacy"}};
    changes.parked[0].answered_by = by;
    must_commit(changes);
  };
  decided(1, "policy");
  decided(2, "policy");
  decided(3, "user:clara");
  park(Parked::Kind::conflict, 4);
  const auto prune = [&](std::size_t limit) {
    return queries_.prune_decided(std::chrono::hours(24), limit, world_->soon()).value();
  };
  EXPECT_EQ(prune(10), 0);
  world().run("UPDATE banyan.parked SET changed_at = changed_at - interval '25 hours'");
  EXPECT_EQ(prune(1), 1) << "in small pieces";
  EXPECT_EQ(prune(10), 1);
  ParkedFilter filter;
  filter.which = ParkedFilter::Which::all;
  EXPECT_EQ(queries_.parked(filter, world_->soon())->size(), 2U) << "people's answers and what is open stay";
}

TEST_P(SyncQueries, ALongOutboxIsNotSortedForEachPiece) {
  world().run(
      "INSERT INTO banyan.outbox (stream, record_id, version, changes, hops) "
      "SELECT 1, gen_random_uuid(), 1, 1, 0 FROM generate_series(1, 5000); ANALYZE banyan.outbox");
  std::string plan;
  ASSERT_TRUE(world().database().run(world_->soon(), [&](store::Transaction& tx) {
    plan.clear();
    const auto rows = tx.exec(
        "EXPLAIN SELECT record_id FROM banyan.outbox o WHERE o.stream = 1::smallint AND (o.attempt = 0 OR "
        "o.not_before <= greatest(now(), now())) ORDER BY o.first_at, o.record_id LIMIT 20");
    for (const auto& row : rows) plan += std::string(row[0].c_str()) + "\n";
  }));
  EXPECT_EQ(plan.find("Sort"), std::string::npos) << plan;
  EXPECT_NE(plan.find("outbox_order"), std::string::npos) << plan;
}

}  // namespace
}  // namespace banyan::test
