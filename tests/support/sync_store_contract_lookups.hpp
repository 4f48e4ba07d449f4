// The rules of SyncStore, continued: lookups, scans, state, drift. See sync_store_contract.hpp.
#pragma once

#include "tests/support/sync_store_fixture.hpp"

namespace banyan::test {

// --- lookups

TEST_P(SyncStoreContract, ReferencesAreFoundAcrossTheStreamsOfTheSystem) {
  couple("7", 1, "Acme");
  const Fence contacts = *take(open("crm", "contact"), "us");
  const Fence elsewhere = *take(open("erp", "contact"), "us");
  const std::vector<Reference> legacy{{"account", "8"}, {"account", "7"}, {"contact", "7"}};
  const std::vector<Reference> modern{{"account", record_id(1)}, {"account", record_id(2)}};
  const auto records = look(contacts, [&](View& view) { return view.record_ids(legacy); });
  ASSERT_EQ(records.size(), 3U);
  EXPECT_TRUE(!records[0] && records[1] == record_id(1) && !records[2]);
  const auto ids = look(contacts, [&](View& view) { return view.legacy_ids(modern); });
  EXPECT_TRUE(ids[0] == "7" && !ids[1]);
  EXPECT_FALSE(look(elsewhere, [&](View& view) { return view.record_ids(legacy); })[1]);
}

TEST_P(SyncStoreContract, ALegacyRecordThatIsGoneIsNothingToReferTo) {
  couple("7", 1, "Acme");
  Changes changes;
  Link gone = *look([](View& view) { return view.by_legacy(std::vector<std::string>{"7"}); })[0].link;
  gone.base.reset();
  gone.base_hash = 0;
  changes.links = {gone};
  must_commit(changes);
  const std::vector<Reference> modern{{"account", record_id(1)}};
  EXPECT_FALSE(look([&](View& view) { return view.legacy_ids(modern); })[0]);
  const std::vector<Reference> legacy{{"account", "7"}};
  EXPECT_EQ(look([&](View& view) { return view.record_ids(legacy); })[0], record_id(1));
}

TEST_P(SyncStoreContract, RedirectsAreFollowedToTheEnd) {
  couple("7", 1, "Acme");
  couple("8", 2, "Acme Ltd");
  couple("9", 3, "Acme Holding");
  Changes changes;
  changes.redirects = {{"7", "8"}, {"8", "9"}, {"5", "7"}};
  must_commit(changes);
  const std::vector<Reference> legacy{{"account", "7"}, {"account", "5"}, {"account", "9"}};
  const auto records = look([&](View& view) { return view.record_ids(legacy); });
  EXPECT_EQ(records, (std::vector<std::optional<std::string>>(3, record_id(3))));
  const std::vector<Reference> modern{{"account", record_id(1)}};
  EXPECT_EQ(look([&](View& view) { return view.legacy_ids(modern); })[0], "9");
}

TEST_P(SyncStoreContract, ARedirectToWhatHasNoLinkYetLeavesTheLastThatHasOne) {
  couple("7", 1, "Acme");
  Changes changes;
  changes.redirects = {{"7", "8"}};
  must_commit(changes);
  const std::vector<Reference> legacy{{"account", "7"}};
  EXPECT_EQ(look([&](View& view) { return view.record_ids(legacy); })[0], record_id(1));
  const std::vector<Reference> modern{{"account", record_id(1)}};
  EXPECT_EQ(look([&](View& view) { return view.legacy_ids(modern); })[0], "7");
}

TEST_P(SyncStoreContract, ACircleOfRedirectsEnds) {
  couple("7", 1, "Acme");
  couple("8", 2, "Acme Ltd");
  Changes changes;
  changes.redirects = {{"7", "8"}, {"8", "7"}};
  must_commit(changes);
  const std::vector<Reference> legacy{{"account", "7"}};
  EXPECT_TRUE(look([&](View& view) { return view.record_ids(legacy); })[0]);
}

TEST_P(SyncStoreContract, UnlinkedRecordsAreFoundByTheirValues) {
  couple("7", 1, "Acme");
  world_->write(insert(2, "Acme"));
  world_->write(insert(3, "Bolt"));
  RecordWrite gone = insert(4, "Acme");
  world_->write(gone);
  gone.kind = RecordWrite::Kind::remove;
  gone.record.version = 2;
  gone.record.deleted = true;
  world_->write(gone);
  world_->write(insert(5, "Acme", 0, "contact"));
  const auto find = [&](const char* name, std::size_t limit) {
    return look([&](View& view) { return view.unlinked(Json{{"name", name}}, limit); });
  };
  ASSERT_EQ(find("Acme", 10).size(), 1U);
  EXPECT_EQ(find("Acme", 10)[0].id, record_id(2));
  EXPECT_TRUE(find("Core", 10).empty());
  world_->write(insert(6, "Acme"));
  EXPECT_EQ(find("Acme", 10).size(), 2U);
  EXPECT_EQ(find("Acme", 1).size(), 1U);
}

TEST_P(SyncStoreContract, WhetherAnyRecordIsUnlinkedIsKnownAtEveryMoment) {
  const auto any = [&] { return look([](View& view) { return view.any_unlinked(); }); };
  EXPECT_FALSE(any());
  couple("7", 1, "Acme");
  EXPECT_FALSE(any());
  world_->write(insert(2, "Bolt"));
  EXPECT_TRUE(any());
  Changes pass;  // the push looks at it, and the mapping does not let it cross
  pass.outbox_done = {{outbox()[0], Outcome::superseded}};
  must_commit(pass);
  EXPECT_TRUE(any());
  Changes adopt;
  adopt.links = {link("8", 2, "Bolt")};
  must_commit(adopt);
  EXPECT_FALSE(any());
  Changes removed;
  removed.links_removed = {"7"};
  must_commit(removed);
  EXPECT_TRUE(any());
}

TEST_P(SyncStoreContract, TheLastModernEditIsTheLastThatDidNotComeFromTheStreamsSystem) {
  couple("7", 1, "Acme");
  const auto last = [&] { return look([&](View& view) { return view.last_modern_edit(record_id(1), "name"); }); };
  EXPECT_FALSE(last());
  world_->write(edit(1, 2, "Acme", "Bolt"));
  world_->write(edit(1, 3, "Bolt", "Core", "system:erp"));
  world_->write(edit(1, 4, "Core", "Dune", "system:crm"));
  ASSERT_TRUE(last());
  EXPECT_EQ(last()->to, "Core");
  EXPECT_NE(last()->at, WallTime{});
  EXPECT_FALSE(look([&](View& view) { return view.last_modern_edit(record_id(1), "phone"); }));
  EXPECT_EQ(look([&](View& view) { return view.last_version(record_id(1)); }), 4);
  EXPECT_EQ(look([&](View& view) { return view.last_version(record_id(9)); }), 0);
}

TEST_P(SyncStoreContract, AClearedFieldIsALastEditToNull) {
  couple("7", 1, "Acme");
  RecordWrite cleared = edit(1, 2, "Acme", "");
  cleared.record.data = Json::object();
  cleared.changed = records::difference(Json{{"name", "Acme"}}, cleared.record.data);
  world_->write(cleared);
  const auto edit = look([&](View& view) { return view.last_modern_edit(record_id(1), "name"); });
  ASSERT_TRUE(edit);
  EXPECT_TRUE(edit->to.is_null());
}

TEST_P(SyncStoreContract, ARecordThatIsDeletedOrNeverWasIsGone) {
  world_->write(insert(1, "Acme"));
  world_->write(insert(2, "Bolt"));
  RecordWrite removal = edit(2, 2, "Bolt", "Bolt");
  removal.kind = RecordWrite::Kind::remove;
  removal.record.deleted = true;
  world_->write(removal);
  const std::vector<Reference> asked{{"account", record_id(2)}, {"account", record_id(1)}, {"account", record_id(3)}};
  const auto gone = look([&](View& view) { return view.gone(asked); });
  EXPECT_EQ(gone, (std::vector<bool>{true, false, true}));
}

TEST_P(SyncStoreContract, ARowWithoutALinkThatAnOpenMatterIsAboutIsKnown) {
  const auto any = [&] { return look([](View& view) { return view.any_row_unlinked(); }); };
  couple("7", 1, "Acme");
  Changes changes;
  changes.parked = {matter(Parked::Kind::dead_letter, "7", record_id(1)),
                    matter(Parked::Kind::dead_letter, "", record_id(2))};
  must_commit(changes);
  EXPECT_FALSE(any());
  changes.parked = {matter(Parked::Kind::dead_letter, "8")};
  must_commit(changes);
  EXPECT_TRUE(any());
  Changes closed;
  closed.parked_closed = {*by_legacy("8").dead_letter};
  closed.parked_closed[0].state = Parked::State::superseded;
  must_commit(closed);
  EXPECT_FALSE(any());
}

TEST_P(SyncStoreContract, WhetherARowWithoutALinkWaitsIsKnownBehindAnyNumberThatHaveOne) {
  const auto any = [&] { return look([](View& view) { return view.any_row_unlinked(); }); };
  EXPECT_FALSE(any());
  Changes linked;
  for (const int i : {1, 2, 3}) {
    const std::string id = std::to_string(i);
    couple(id, i, "Acme");
    linked.inbox.push_back(captured(id, Outcome::in_flight));
    linked.waiting.push_back(waiting(id, Reference{"account", "77"}, i));
  }
  must_commit(linked);
  EXPECT_FALSE(any());
  Changes unlinked;
  unlinked.inbox = {captured("9", Outcome::in_flight)};
  unlinked.waiting = {waiting("9", Reference{"account", "77"}, 1'000)};
  must_commit(unlinked);
  EXPECT_TRUE(any());
  Changes adopted;
  world_->write(insert(4, "Bolt"));
  adopted.links = {link("9", 4, "Bolt")};
  must_commit(adopted);
  EXPECT_FALSE(any());
}

// --- scans, state, drift

TEST_P(SyncStoreContract, AScanFindsTheLinksThatItHasNotSeen) {
  for (int i = 1; i <= 5; ++i) couple(std::to_string(i * 10), i, "Acme");
  Link gone = *by_legacy("50").link;
  gone.base.reset();
  gone.base_hash = 0;
  Changes begin;
  begin.links = {gone};
  begin.forget_seen = true;
  begin.seen = {"20", "20", "99"};
  begin.state = look([](View& view) { return view.state(); });
  begin.state->scan.kind = sync::ScanState::Kind::sweep;
  begin.state->scan.started = look([](View& view) { return view.now(); });
  must_commit(begin);
  couple("15", 6, "made since");
  const auto missing = [&](const char* after, std::size_t limit) {
    return look([&](View& view) { return view.not_seen({after, 1'000}, limit)->ids; });
  };
  const auto counted = look([](View& view) { return view.count_not_seen({"", 1'000}); });
  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->missing, 3);
  EXPECT_EQ(counted->linked, 4);
  EXPECT_EQ(counted->up_to, "");
  EXPECT_EQ(missing("", 10), (std::vector<std::string>{"10", "30", "40"}));
  EXPECT_EQ(missing("", 2), (std::vector<std::string>{"10", "30"}));
  EXPECT_EQ(look([](View& view) { return view.not_seen({"", 1'000}, 2)->up_to; }), "30");
  EXPECT_EQ(look([](View& view) { return view.not_seen({"30", 1'000}, 2)->up_to; }), "");
  EXPECT_EQ(missing("30", 10), (std::vector<std::string>{"40"}));
  Changes more;
  more.seen = {"30", "20"};
  must_commit(more);
  EXPECT_EQ(missing("", 10), (std::vector<std::string>{"10", "40"}));
  Changes again;
  again.forget_seen = true;
  again.seen = {"10"};
  must_commit(again);
  EXPECT_EQ(missing("", 10), (std::vector<std::string>{"20", "30", "40"}));
}

TEST_P(SyncStoreContract, WhatAScanHasNotSeenIsTheSameInPartsOfAnySize) {
  for (int i = 1; i <= 7; ++i) couple(std::to_string(i * 10), i, "Acme");
  Changes begin;
  begin.forget_seen = true;
  begin.seen = {"10", "20", "30", "60"};
  begin.state = look([](View& view) { return view.state(); });
  begin.state->scan.kind = sync::ScanState::Kind::sweep;
  begin.state->scan.started = look([](View& view) { return view.now(); });
  must_commit(begin);
  for (const std::size_t links : {1U, 2U, 3U, 7U, 8U}) {
    std::int64_t missing = 0;
    std::int64_t linked = 0;
    int parts = 0;
    View::LinkPart part{"", links};
    do {
      const auto counted = look([&](View& view) { return view.count_not_seen(part); });
      missing += counted->missing;
      linked += counted->linked;
      part.after = counted->up_to;
      ++parts;
    } while (!part.after.empty());
    EXPECT_EQ(missing, 3) << links;
    EXPECT_EQ(linked, 7) << links;
    EXPECT_EQ(parts, static_cast<int>(7 / links + 1)) << links << ": a full part does not know that it is the last";
    std::vector<std::string> ids;
    do {
      const auto some = look([&](View& view) { return view.not_seen(part, 2); });
      ids.insert(ids.end(), some->ids.begin(), some->ids.end());
      part.after = some->up_to;
    } while (!part.after.empty());
    EXPECT_EQ(ids, (std::vector<std::string>{"40", "50", "70"})) << links;
  }
}

TEST_P(SyncStoreContract, StateIsReplacedAsAWholeButForOwnerEpochAndPause) {
  sync::StreamState state = look([](View& view) { return view.state(); });
  EXPECT_EQ(state.id, stream_);
  EXPECT_EQ(state.epoch, 1);
  EXPECT_EQ(state.cursor, legacy::Cursor{});
  EXPECT_EQ(state.backfilled_at, WallTime{});
  state.cursor = {"2026-11-01", "7"};
  state.overlap = std::chrono::milliseconds(1'500);
  state.deletes_since = "x";
  state.scan.kind = sync::ScanState::Kind::verify;
  state.scan.phase = sync::ScanState::Phase::absent;
  state.scan.position = "L9";
  state.scan.dry_run = state.scan.repair = true;
  state.scan.started = at(1);
  state.scan.ended = at(2);
  state.scan.scanned = 3;
  state.scan.differences = 2;
  state.scan.repaired = 1;
  state.scan.report = Json{{"examples", {1, 2}}};
  state.backfilled_at = at(3);
  state.schema = Json{{"name", "char"}};
  state.mapping = Json{{"name", "name"}};
  state.owner = sync::Owner::modern;
  state.epoch = 9;
  state.paused = true;
  Changes changes;
  changes.state = state;
  must_commit(changes);
  for (const auto& now :
       {store().state(stream_, world_->soon()).value(), look([](View& view) { return view.state(); })}) {
    EXPECT_EQ(now.cursor, state.cursor);
    EXPECT_EQ(now.overlap, state.overlap);
    EXPECT_EQ(now.deletes_since, "x");
    EXPECT_EQ(now.scan.kind, state.scan.kind);
    EXPECT_EQ(now.scan.phase, state.scan.phase);
    EXPECT_EQ(now.scan.position, "L9");
    EXPECT_TRUE(now.scan.dry_run && now.scan.repair);
    EXPECT_EQ(now.scan.started, at(1));
    EXPECT_EQ(now.scan.ended, at(2));
    EXPECT_EQ(now.scan.scanned * 100 + now.scan.differences * 10 + now.scan.repaired, 321);
    EXPECT_EQ(now.scan.report, state.scan.report);
    EXPECT_EQ(now.backfilled_at, at(3));
    EXPECT_EQ(now.schema, state.schema);
    EXPECT_EQ(now.mapping, state.mapping);
    EXPECT_EQ(now.owner, sync::Owner::both);
    EXPECT_EQ(now.epoch, 1);
    EXPECT_FALSE(now.paused);
  }
}

TEST_P(SyncStoreContract, AStreamIsPausedWithAReasonAndResumed) {
  Changes changes;
  changes.paused = true;
  changes.pause_reason = "credentials refused";
  must_commit(changes);
  EXPECT_TRUE(store().state(stream_, world_->soon()).value().paused);
  EXPECT_EQ(store().state(stream_, world_->soon()).value().pause_reason, "credentials refused");
  changes.paused = false;
  changes.pause_reason.clear();
  must_commit(changes);
  EXPECT_FALSE(store().state(stream_, world_->soon()).value().paused);
}

TEST_P(SyncStoreContract, DriftNamesTheRecordsThatLeftTheirLinks) {
  for (int i = 1; i <= 6; ++i) couple(std::to_string(i), i, "Acme");
  EXPECT_TRUE(drift().record_ids.empty());
  EXPECT_EQ(drift().checked, 6);
  world_->write(insert(9, "without a link"));
  for (const int i : {2, 3, 4}) world_->write(edit(i, 2, "Acme", "Bolt"));
  Link held = *by_legacy("3").link;
  held.held = {"name"};
  Changes changes;  // 2 is done without the link being told, 3 is held, 4 stays in the outbox
  changes.links = {held};
  for (const auto& item : outbox()) {
    if (item.record_id != record_id(4)) changes.outbox_done.push_back({item, Outcome::applied});
  }
  must_commit(changes);
  EXPECT_EQ(drift().record_ids, (std::vector<std::string>{record_id(2)}));
  EXPECT_EQ(drift().checked, 4);
}

TEST_P(SyncStoreContract, ALinkWithAWriteUnderWayIsNoDrift) {
  couple("7", 1, "Acme");
  Link pending = *by_legacy("7").link;
  pending.pending = sync::PendingWrite{};
  pending.pending->values = Json::object();
  pending.record_hash = 0;
  Changes changes;
  changes.links = {pending};
  must_commit(changes);
  EXPECT_TRUE(drift().record_ids.empty());
  EXPECT_EQ(drift().checked, 0);
}

TEST_P(SyncStoreContract, DriftNamesNoMoreThanAsked) {
  for (int i = 1; i <= 3; ++i) {
    couple(std::to_string(i), i, "Acme");
    Link other = *by_legacy(std::to_string(i)).link;
    other.record_hash = 1;
    Changes changes;
    changes.links = {other};
    must_commit(changes);
  }
  EXPECT_EQ(drift(2).record_ids, (std::vector<std::string>{record_id(1), record_id(2)}));
  EXPECT_EQ(drift(2, {record_id(2)}).record_ids, (std::vector<std::string>{record_id(3)})) << "the page after";
  EXPECT_TRUE(drift(2, {record_id(3)}).record_ids.empty());
  EXPECT_EQ(drift(10).record_ids.size(), 3U);
}

TEST_P(SyncStoreContract, ATombstoneWithABaseIsDriftOnlyWhereDeletesCross) {
  couple("1", 1, "Acme");
  RecordWrite gone = edit(1, 2, "Acme", "Acme");
  gone.kind = RecordWrite::Kind::remove;
  gone.record.deleted = true;
  gone.skip_stream = stream_;
  world_->write(gone);
  EXPECT_EQ(drift().record_ids, (std::vector<std::string>{record_id(1)}));
  EXPECT_TRUE(drift(100, {"", false}).record_ids.empty());
}

TEST_P(SyncStoreContract, ARecordThatNothingKnowsOfIsDriftWhereCreatesCross) {
  couple("1", 1, "Acme");
  const auto lose = [&](int number) {
    world_->write(insert(number, "lost"));
    Changes changes;
    for (const auto& item : outbox()) changes.outbox_done.push_back({item, Outcome::superseded});
    must_commit(changes);
  };
  for (const int i : {2, 3, 4, 5}) lose(i);
  world_->write(insert(6, "still in the outbox"));
  Changes known;
  known.intents.emplace_back();
  known.intents[0].record_id = record_id(2);
  known.intents[0].version = 1;
  known.intents[0].attempted = true;
  known.intents[0].sent = known.intents[0].base = Json::object();
  known.parked = {matter(Parked::Kind::dead_letter, "", record_id(3))};
  known.legacy_counts.captured = known.legacy_counts.dead_letter = 1;
  must_commit(known);
  EXPECT_TRUE(drift().record_ids.empty());
  EXPECT_EQ(drift(10, {"", true, true}).record_ids, (std::vector<std::string>{record_id(4), record_id(5)}));
  EXPECT_EQ(drift(1, {record_id(4), true, true}).record_ids, (std::vector<std::string>{record_id(5)}));
}

}  // namespace banyan::test
