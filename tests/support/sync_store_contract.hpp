// The rules of SyncStore as tests, one suite for every implementation.
//
//   INSTANTIATE_TEST_SUITE_P(Memory, SyncStoreContract, ::testing::Values(SyncStoreFactory(make_memory_world)));
//
// A world is a store of its own, empty, with what the tests need beside the port.
#pragma once

#include "tests/support/sync_store_fixture.hpp"

namespace banyan::test {

// --- streams and leases

TEST_P(SyncStoreContract, OpeningAStreamAgainGivesTheSameId) {
  EXPECT_EQ(open("crm", "account"), stream_);
  EXPECT_NE(open("crm", "contact"), stream_);
  EXPECT_NE(open("erp", "account"), stream_);
  EXPECT_GT(stream_, 0);
}

TEST_P(SyncStoreContract, ALeaseHasOneHolderWhoMayRenewIt) {
  EXPECT_FALSE(take(stream_, "them"));
  const auto renewed = take(stream_, "us");
  ASSERT_TRUE(renewed);
  EXPECT_EQ(renewed->token, fence_.token);
  EXPECT_TRUE(commit(fence_, {}));
}

TEST_P(SyncStoreContract, ALeaseIsTakenOverAfterItsTermAndTheTokenRises) {
  world_->pass(std::chrono::seconds(61));
  const auto theirs = take(stream_, "them");
  ASSERT_TRUE(theirs);
  EXPECT_GT(theirs->token, fence_.token);
  EXPECT_FALSE(take(stream_, "us"));
  const auto refused = commit(fence_, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::precondition_failed);
  EXPECT_TRUE(commit(*theirs, {}));
}

TEST_P(SyncStoreContract, AnOwnerWhoComesLateGoesOnWithItsTokenIfNobodyHasComeBetween) {
  world_->pass(std::chrono::seconds(61));
  EXPECT_EQ(take(stream_, "us")->token, fence_.token);
  EXPECT_TRUE(commit(fence_, {}));
}

TEST_P(SyncStoreContract, ACommitIsRefusedWhenTheLeaseHasRunOut) {
  world_->pass(std::chrono::seconds(61));
  const auto refused = commit(fence_, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::precondition_failed);
}

TEST_P(SyncStoreContract, AReleasedLeaseIsFreeAtOnceAndItsFenceIsWorthNothing) {
  ASSERT_TRUE(store().release(fence_, world_->soon()));
  EXPECT_FALSE(commit(fence_, {}));
  const auto theirs = take(stream_, "them");
  ASSERT_TRUE(theirs);
  EXPECT_GT(theirs->token, fence_.token);
}

TEST_P(SyncStoreContract, ReleasingAnOldFenceDoesNotTakeTheLeaseFromItsHolder) {
  world_->pass(std::chrono::seconds(61));
  const Fence theirs = *take(stream_, "them");
  ASSERT_TRUE(store().release(fence_, world_->soon()));
  EXPECT_TRUE(commit(theirs, {}));
}

TEST_P(SyncStoreContract, AnOwnerComesBackWithAGreaterTokenAfterAnother) {
  world_->pass(std::chrono::seconds(61));
  const Fence theirs = *take(stream_, "them");
  ASSERT_TRUE(store().release(theirs, world_->soon()));
  EXPECT_GT(take(stream_, "us")->token, theirs.token);
  EXPECT_FALSE(commit(fence_, {}));
}

TEST_P(SyncStoreContract, LeasesOfDifferentStreamsHaveNothingToDoWithEachOther) {
  const StreamId other = open("crm", "contact");
  const auto theirs = take(other, "them");
  ASSERT_TRUE(theirs);
  EXPECT_TRUE(commit(fence_, {}));
  EXPECT_TRUE(commit(*theirs, {}));
}

TEST_P(SyncStoreContract, ProcessesAreCountedAsLongAsTheySaySo) {
  const auto present = [&](const char* owner) {
    return store().present(owner, std::chrono::seconds(600), world_->soon()).value();
  };
  EXPECT_EQ(present("us"), 1U);
  EXPECT_EQ(present("them"), 2U);
  EXPECT_EQ(present("us"), 2U);
  world_->pass(std::chrono::seconds(601));
  EXPECT_EQ(present("us"), 1U);
}

// --- all or nothing

TEST_P(SyncStoreContract, WhatDecideThrowsGoesThroughAndNothingIsWritten) {
  EXPECT_THROW((void)store().commit(
                   fence_, [](View&) -> Changes { throw std::runtime_error("no"); }, world_->soon()),
               std::runtime_error);
  EXPECT_TRUE(commit(fence_, {}));
}

TEST_P(SyncStoreContract, ARefusedCommitWritesNothingAtAll) {
  couple("7", 1, "Acme");
  Changes changes;
  changes.records.push_back(insert(2, "Bolt", stream_));
  changes.links.push_back(link("8", 2, "Bolt"));
  changes.links.push_back(link("9", 1, "Acme"));  // a second link of the same record
  changes.inbox.push_back(captured("8", Outcome::applied));
  changes.legacy_counts.captured = changes.legacy_counts.applied = 1;
  EXPECT_FALSE(commit(fence_, changes));
  EXPECT_FALSE(by_legacy("8").link);
  EXPECT_FALSE(by_record(record_id(2)).record);
  EXPECT_TRUE(world_->inbox(stream_).empty());
  EXPECT_EQ(world_->counts(stream_, records::Side::legacy).captured, 0);
}

TEST_P(SyncStoreContract, AWriteThatSkipsAVersionIsAConflict) {
  couple("7", 1, "Acme");
  Changes changes;
  changes.records.push_back(edit(1, 3, "Acme", "Bolt"));
  const auto refused = commit(fence_, changes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(by_legacy("7").record->data["name"], "Acme");
}

// --- links and couplings

TEST_P(SyncStoreContract, ARecordAndItsLinkAreFoundFromBothSides) {
  couple("7", 1, "Acme");
  for (const Coupling& known : {by_legacy("7"), by_record(record_id(1))}) {
    EXPECT_EQ(known.legacy_id, "7");
    ASSERT_TRUE(known.link);
    EXPECT_EQ(known.link->record_id, record_id(1));
    EXPECT_EQ(*known.link->base, (Json{{"name", "Acme"}}));
    EXPECT_EQ(known.link->base_hash, known.link->record_hash);
    EXPECT_NE(known.link->created_at, WallTime{});
    ASSERT_TRUE(known.record);
    EXPECT_EQ(known.record->version, 1);
    EXPECT_EQ(known.record->data, (Json{{"name", "Acme"}}));
    EXPECT_FALSE(known.waiting || known.intent || known.conflict || known.dead_letter);
  }
}

TEST_P(SyncStoreContract, AnswersComeInTheOrderAsked) {
  couple("7", 1, "Acme");
  couple("10", 2, "Bolt");
  const std::vector<std::string> ids{"10", "missing", "7"};
  const auto couplings = look([&](View& view) { return view.by_legacy(ids); });
  ASSERT_EQ(couplings.size(), 3U);
  EXPECT_EQ(couplings[0].record->data["name"], "Bolt");
  EXPECT_EQ(couplings[1].legacy_id, "missing");
  EXPECT_FALSE(couplings[1].link || couplings[1].record);
  EXPECT_EQ(couplings[2].record->data["name"], "Acme");
  const auto heads = look([&](View& view) { return view.heads(ids); });
  EXPECT_TRUE(heads[0].exists && !heads[1].exists && heads[2].exists);
  const std::vector<std::string> records{record_id(3), record_id(1)};
  const auto from_records = look([&](View& view) { return view.by_record(records); });
  EXPECT_TRUE(from_records[0].legacy_id.empty() && !from_records[0].record);
  EXPECT_EQ(from_records[1].legacy_id, "7");
}

TEST_P(SyncStoreContract, ALinkIsReplacedAsAWholeButForWhenItWasMade) {
  couple("7", 1, "Acme");
  const WallTime made = by_legacy("7").link->created_at;
  Link link = *by_legacy("7").link;
  link.base = Json{{"name", "Acme \"Ltd\" \\ {x,y}"}, {"note", "tab\tnewline\nü"}};
  link.base_hash = records::content_hash(*link.base);
  link.record_hash = 5;
  link.legacy_version = "v2,\"{}\\";
  link.legacy_stamp = at(5);
  link.held = {"name", "a \"b\", {c}"};
  link.pending = sync::PendingWrite{{"name"}, Json{{"name", "Z"}}, "v1", at(6), true};
  link.writes = 3;
  link.writes_since = at(7);
  link.near_misses = 2;
  Changes changes;
  changes.links.push_back(link);
  must_commit(changes);
  const Link now = *by_legacy("7").link;
  EXPECT_EQ(now.base, link.base);
  EXPECT_EQ(now.base_hash, link.base_hash);
  EXPECT_EQ(now.record_hash, 5);
  EXPECT_EQ(now.legacy_version, link.legacy_version);
  EXPECT_EQ(now.legacy_stamp, link.legacy_stamp);
  EXPECT_EQ(now.held, link.held);
  ASSERT_TRUE(now.pending);
  EXPECT_EQ(now.pending->fields, link.pending->fields);
  EXPECT_EQ(now.pending->values, link.pending->values);
  EXPECT_EQ(now.pending->expected, "v1");
  EXPECT_EQ(now.pending->at, at(6));
  EXPECT_TRUE(now.pending->is_delete);
  EXPECT_EQ(now.writes, 3);
  EXPECT_EQ(now.writes_since, at(7));
  EXPECT_EQ(now.near_misses, 2);
  EXPECT_EQ(now.created_at, made);
}

TEST_P(SyncStoreContract, AHeadIsQuietOnlyIfNothingIsOpenAboutTheLink) {
  couple("7", 1, "Acme");
  EXPECT_TRUE(head("7").quiet && head("7").has_base);
  EXPECT_EQ(head("7").legacy_version, "v1");
  const Link plain = *by_legacy("7").link;
  const auto put = [&](const Link& changed) {
    Changes changes;
    changes.links.push_back(changed);
    must_commit(changes);
  };
  Link held = plain;
  held.held = {"name"};
  put(held);
  EXPECT_FALSE(head("7").quiet);
  Link pending = plain;
  pending.pending = sync::PendingWrite{{"name"}, Json::object(), "", at(0), false};
  put(pending);
  EXPECT_FALSE(head("7").quiet);
  Link gone = plain;
  gone.base.reset();
  gone.base_hash = 0;
  put(gone);
  EXPECT_TRUE(head("7").exists && !head("7").quiet && !head("7").has_base);
  EXPECT_FALSE(by_legacy("7").link->base);
  put(plain);
  EXPECT_TRUE(head("7").quiet);
  Changes changes;
  changes.inbox.push_back(captured("7", Outcome::in_flight));
  changes.waiting.push_back(waiting("7", std::nullopt, 0));
  must_commit(changes);
  EXPECT_FALSE(head("7").quiet);
}

TEST_P(SyncStoreContract, ARemovedLinkLeavesItsRecord) {
  couple("7", 1, "Acme");
  Changes changes;
  changes.links_removed = {"7"};
  must_commit(changes);
  EXPECT_FALSE(by_legacy("7").link);
  const Coupling left = by_record(record_id(1));
  EXPECT_FALSE(left.link);
  ASSERT_TRUE(left.record);
  EXPECT_FALSE(left.record->deleted);
}

TEST_P(SyncStoreContract, ALegacyIdCanBeLinkedToAnotherRecordInOneCommit) {
  couple("7", 1, "Acme");
  Changes changes;
  changes.links_removed = {"7"};
  changes.links.push_back(link("8", 1, "Acme"));
  must_commit(changes);
  EXPECT_FALSE(by_legacy("7").link);
  EXPECT_EQ(by_legacy("8").link->record_id, record_id(1));
}

TEST_P(SyncStoreContract, ALargeBatchIsWrittenLikeASmallOne) {
  constexpr int kRows = 300;
  const auto done = store().commit(
      fence_,
      [&](View& view) {
        std::vector<std::string> ids;
        Changes changes;
        for (int i = 0; i < kRows; ++i) {
          ids.push_back("L" + std::to_string(i));
          const std::string name = "tab\t back\\slash \"" + std::to_string(i) + "\"\nü";
          changes.records.push_back(insert(i + 1, name, stream_));
          changes.links.push_back(link(ids.back(), i + 1, name));
          if (i % 3 == 0) changes.links.back().legacy_stamp = at(i);
          if (i % 50 == 0) changes.links.back().held = {"name"};
          changes.inbox.push_back(captured(ids.back(), Outcome::applied));
        }
        view.heads(ids);
        changes.legacy_counts.captured = changes.legacy_counts.applied = kRows;
        return changes;
      },
      world_->soon());
  ASSERT_TRUE(done) << done.error().internal_detail;
  for (const int i : {0, 1, 2, 3, 299}) {
    const Coupling known = by_legacy("L" + std::to_string(i));
    const std::string name = "tab\t back\\slash \"" + std::to_string(i) + "\"\nü";
    ASSERT_TRUE(known.link && known.record) << i;
    EXPECT_EQ(known.record->data["name"], name);
    EXPECT_EQ((*known.link->base)["name"], name);
    EXPECT_EQ(known.link->legacy_stamp.has_value(), i % 3 == 0);
    EXPECT_EQ(known.link->held.empty(), i % 50 != 0);
  }
  EXPECT_EQ(world_->inbox(stream_).size(), static_cast<std::size_t>(kRows));
  EXPECT_EQ(world_->counts(stream_, records::Side::legacy).applied, kRows);
}

// --- captured changes

TEST_P(SyncStoreContract, WhatWaitsRefersToItsRowOfTheLogAndIsDueInTime) {
  Changes changes;
  changes.inbox = {captured("7", Outcome::in_flight), captured("8", Outcome::applied)};
  changes.waiting = {waiting("7", Reference{"account", "1"}, 10)};
  changes.legacy_counts = {2, 1, 0, 0, 0, 0, 1};
  must_commit(changes);
  EXPECT_TRUE(due(stream_, 9).empty());
  const auto rows = due(stream_, 10);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].legacy_id, "7");
  EXPECT_GT(rows[0].inbox_id, 0);
  EXPECT_EQ(rows[0].on, (Reference{"account", "1"}));
  EXPECT_EQ(rows[0].attempt, 1);
  EXPECT_EQ(rows[0].reason, "waits");
  EXPECT_EQ(by_legacy("7").waiting->inbox_id, rows[0].inbox_id);
  EXPECT_EQ(by_legacy("7").waiting->legacy_version, changes.inbox[0].legacy_version);

  Changes end;
  end.waiting_done = {"7"};
  end.inbox_outcomes.emplace_back(rows[0].inbox_id, captured("7", Outcome::applied));
  end.legacy_counts.in_flight = -1;
  end.legacy_counts.applied = 1;
  must_commit(end);
  EXPECT_TRUE(due(stream_, 10).empty());
  EXPECT_EQ(world_->inbox(stream_)[0].outcome, Outcome::applied);
}

TEST_P(SyncStoreContract, AWaitingChangeIsReplacedByTheNewerOne) {
  Changes first;
  first.inbox = {captured("7", Outcome::in_flight)};
  first.waiting = {waiting("7", Reference{"account", "1"}, 10)};
  must_commit(first);
  const std::int64_t old = due(stream_, 10)[0].inbox_id;
  Changes second;
  second.inbox = {captured("7", Outcome::in_flight)};
  second.waiting = {waiting("7", std::nullopt, 20)};
  second.inbox_outcomes.emplace_back(old, captured("7", Outcome::superseded));
  must_commit(second);
  const auto rows = due(stream_, 20);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_GT(rows[0].inbox_id, old);
  EXPECT_FALSE(rows[0].on);
  const auto log = world_->inbox(stream_);
  EXPECT_EQ(log[0].outcome, Outcome::superseded);
  EXPECT_EQ(log[1].outcome, Outcome::in_flight);
}

TEST_P(SyncStoreContract, AWaitingChangeThatGoesOnWaitingKeepsItsRowOfTheLog) {
  Changes first;
  first.inbox = {captured("7", Outcome::in_flight)};
  first.waiting = {waiting("7", std::nullopt, 10)};
  must_commit(first);
  Waiting again = due(stream_, 10)[0];
  again.attempt = 2;
  again.not_before = at(30);
  Changes second;
  second.waiting = {again};
  must_commit(second);
  const auto rows = due(stream_, 30);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].inbox_id, again.inbox_id);
  EXPECT_EQ(rows[0].attempt, 2);
}

TEST_P(SyncStoreContract, ANewLinkWakesWhatWaitsForItInEveryStreamOfTheSystem) {
  const StreamId contacts = open("crm", "contact");
  const StreamId elsewhere = open("erp", "contact");
  constexpr int kFar = 1'500'000'000;  // seconds after at(0)
  for (const StreamId stream : {contacts, elsewhere}) {
    Changes changes;
    changes.inbox = {captured("c1", Outcome::in_flight), captured("c2", Outcome::in_flight)};
    changes.waiting = {waiting("c1", Reference{"account", "7"}, kFar), waiting("c2", Reference{"account", "8"}, kFar)};
    must_commit(*take(stream, "us"), changes);
  }
  Changes changes;
  changes.records = {insert(1, "Acme", stream_)};
  changes.links = {link("7", 1, "Acme")};
  changes.awake = {{"account", "7", {}}};
  must_commit(changes);
  const auto woken = due(contacts, 1'000'000'000);
  ASSERT_EQ(woken.size(), 1U);
  EXPECT_EQ(woken[0].legacy_id, "c1");
  EXPECT_EQ(woken[0].not_before, WallTime{});
  EXPECT_TRUE(due(elsewhere, 1'000'000'000).empty());
}

TEST_P(SyncStoreContract, CountsAreAddedUpBySide) {
  Changes changes;
  changes.legacy_counts = {5, 1, 1, 1, 1, 1, 0};
  changes.modern_counts = {2, 1, 0, 0, 0, 0, 1};
  must_commit(changes);
  changes.modern_counts = {0, 1, 0, 0, 0, 0, -1};
  must_commit(changes);
  const auto legacy = world_->counts(stream_, records::Side::legacy);
  EXPECT_EQ(legacy.captured, 10);
  EXPECT_EQ(legacy.dead_letter, 2);
  const auto modern = world_->counts(stream_, records::Side::modern);
  EXPECT_EQ(modern.captured, 2);
  EXPECT_EQ(modern.applied, 2);
  EXPECT_EQ(modern.in_flight, 0);
}

}  // namespace banyan::test
