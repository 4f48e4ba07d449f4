// The rules of SyncStore, continued: parked matters, outbox. See sync_store_contract.hpp.
#pragma once

#include "tests/support/sync_store_fixture.hpp"

namespace banyan::test {

// --- parked matters

TEST_P(SyncStoreContract, OneMatterIsOpenPerKindAndRecord) {
  couple("7", 1, "Acme");
  Changes first;
  first.parked = {matter(Parked::Kind::conflict, "7", record_id(1)),
                  matter(Parked::Kind::dead_letter, "7", record_id(1))};
  must_commit(first);
  const Coupling before = by_legacy("7");
  ASSERT_TRUE(before.conflict && before.dead_letter);
  EXPECT_NE(before.conflict->id, before.dead_letter->id);

  Changes second;
  second.parked = {matter(Parked::Kind::conflict, "7", record_id(1))};
  second.parked[0].legacy = Json{{"name", "newer"}};
  second.parked[0].legacy_changes = 2;
  must_commit(second);
  for (const Coupling& known : {by_legacy("7"), by_record(record_id(1))}) {
    ASSERT_TRUE(known.conflict);
    EXPECT_EQ(known.conflict->id, before.conflict->id);
    EXPECT_EQ(known.conflict->legacy, (Json{{"name", "newer"}}));
    EXPECT_EQ(known.conflict->legacy_changes, 2);
    EXPECT_EQ(known.conflict->fields, std::vector<std::string>{"name"});
    EXPECT_EQ(known.dead_letter->id, before.dead_letter->id);
  }
}

TEST_P(SyncStoreContract, AMatterOfALegacyIdAloneIsFoundAndGrowsIntoOneOfTheRecord) {
  Changes first;
  first.parked = {matter(Parked::Kind::dead_letter, "7")};
  must_commit(first);
  const Coupling before = by_legacy("7");
  ASSERT_TRUE(before.dead_letter);
  EXPECT_TRUE(before.dead_letter->record_id.empty());
  EXPECT_FALSE(by_legacy("8").dead_letter);

  couple("7", 1, "Acme");
  Changes second;
  second.parked = {*before.dead_letter};
  second.parked[0].record_id = record_id(1);
  must_commit(second);
  EXPECT_EQ(by_record(record_id(1)).dead_letter->id, before.dead_letter->id);
}

// As where a legacy system takes ids of ours.
TEST_P(SyncStoreContract, AMatterOfARecordIsNotOneOfALegacyIdWithTheSameText) {
  couple("7", 1, "Acme");
  Changes changes;
  changes.parked = {matter(Parked::Kind::dead_letter, "", record_id(1))};
  must_commit(changes);
  EXPECT_TRUE(by_record(record_id(1)).dead_letter);
  EXPECT_TRUE(by_legacy("7").dead_letter);
  EXPECT_FALSE(by_legacy(record_id(1)).dead_letter);
}

TEST_P(SyncStoreContract, ADecidedMatterGoesOnRecordAndIsNotOpen) {
  couple("7", 1, "Acme");
  Changes changes;
  changes.parked = {matter(Parked::Kind::conflict, "7", record_id(1)),
                    matter(Parked::Kind::conflict, "7", record_id(1))};
  for (Parked& note : changes.parked) {
    note.state = Parked::State::resolved;
    note.answer = Json{{"name", "legacy"}};
    note.answered_by = "policy";
  }
  must_commit(changes);
  EXPECT_FALSE(by_legacy("7").conflict);
}

TEST_P(SyncStoreContract, TheLogNamesTheMatterThatAChangeBecame) {
  Changes changes;
  changes.parked = {matter(Parked::Kind::dead_letter, "7")};
  changes.inbox = {captured("7", Outcome::dead_letter)};
  must_commit(changes);
  EXPECT_EQ(world_->inbox(stream_)[0].ref, std::to_string(by_legacy("7").dead_letter->id));

  Changes waits;
  waits.inbox = {captured("8", Outcome::in_flight)};
  waits.waiting = {waiting("8", std::nullopt, 0)};
  must_commit(waits);
  Changes given_up;
  given_up.parked = {matter(Parked::Kind::dead_letter, "8")};
  given_up.waiting_done = {"8"};
  given_up.inbox_outcomes.emplace_back(due(stream_, 0)[0].inbox_id, captured("8", Outcome::dead_letter));
  must_commit(given_up);
  EXPECT_EQ(world_->inbox(stream_)[1].ref, std::to_string(by_legacy("8").dead_letter->id));
}

TEST_P(SyncStoreContract, AnAnsweredMatterIsGivenToTheEngineUntilItIsClosed) {
  couple("7", 1, "Acme");
  Changes changes;
  changes.parked = {matter(Parked::Kind::conflict, "7", record_id(1))};
  must_commit(changes);
  EXPECT_TRUE(store().ready_matters(stream_, 10, sync::SyncStore::Look::restored_too, world_->soon()).value().empty());
  const std::int64_t id = by_legacy("7").conflict->id;
  world_->answer(id, Json{{"name", "legacy"}}, "clara");
  auto answered = store().ready_matters(stream_, 10, sync::SyncStore::Look::restored_too, world_->soon()).value();
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].state, Parked::State::answered);
  EXPECT_EQ(answered[0].answer, (Json{{"name", "legacy"}}));
  EXPECT_EQ(answered[0].answered_by, "clara");
  EXPECT_EQ(by_legacy("7").conflict->id, id);

  Changes end;
  answered[0].state = Parked::State::resolved;
  end.parked_closed = {answered[0]};
  must_commit(end);
  EXPECT_TRUE(store().ready_matters(stream_, 10, sync::SyncStore::Look::restored_too, world_->soon()).value().empty());
  EXPECT_FALSE(by_legacy("7").conflict);
  const auto kept = look([&](View& view) { return view.parked(id); });
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->state, Parked::State::resolved);
  EXPECT_EQ(kept->answered_by, "clara");
}

TEST_P(SyncStoreContract, ADeadLetterAboutDeletedRecordsIsReadyOnceItsRecordRefersToNoneOfThem) {
  const auto is_ready = [&] {
    return !store().ready_matters(stream_, 10, sync::SyncStore::Look::restored_too, world_->soon()).value().empty();
  };
  const auto remove = [&](int number) {
    RecordWrite removal = edit(number, 2, "Acme", "Acme");
    removal.kind = RecordWrite::Kind::remove;
    removal.record.deleted = true;
    world_->write(removal);
  };
  const auto restore = [&](int number) {
    RecordWrite restored = edit(number, 3, "Acme", "Acme");
    restored.kind = RecordWrite::Kind::restore;
    world_->write(restored);
  };
  for (const int number : {1, 2, 3}) world_->write(insert(number, "Acme"));
  for (const int number : {1, 2}) remove(number);
  std::int64_t version = 1;
  const auto refer_to = [&](const Json& references) {
    RecordWrite write = edit(3, ++version, "Acme", "Acme");
    write.record.data.update(references);
    world_->write(write);
  };
  refer_to({{"parent", record_id(1)}, {"owner", record_id(2)}});
  Changes changes;
  changes.parked = {matter(Parked::Kind::dead_letter, "", record_id(3))};
  changes.parked[0].error_class = "missing_reference";
  changes.parked[0].fields = {"parent", "owner"};
  changes.parked[0].modern = Json{{"name", "Bolt"}, {"parent", record_id(1)}, {"owner", record_id(2)}};
  changes.parked[0].side = records::Side::legacy;
  changes.parked[0].legacy_changes = 0;
  must_commit(changes);
  restore(1);
  EXPECT_FALSE(is_ready());
  restore(2);
  EXPECT_FALSE(is_ready()) << "the legacy side's is about rows";
  changes.parked[0].side = records::Side::modern;
  must_commit(changes);
  EXPECT_TRUE(is_ready());
  EXPECT_TRUE(store().ready_matters(stream_, 10, sync::SyncStore::Look::answered, world_->soon())->empty());
  changes.parked[0].legacy_changes = 1;
  must_commit(changes);
  EXPECT_FALSE(is_ready()) << "what the legacy side said has not been taken in";
  changes.parked[0].legacy_changes = 0;
  must_commit(changes);
  refer_to({{"parent", record_id(1)}, {"owner", record_id(4)}});
  EXPECT_FALSE(is_ready()) << "a record that never was";
  refer_to({{"parent", record_id(1)}, {"owner", "somebody"}});
  EXPECT_FALSE(is_ready());
  refer_to({{"parent", record_id(1)}});
  EXPECT_TRUE(is_ready()) << "it refers to nobody any more";
  RecordWrite removal = edit(3, ++version, "Acme", "Acme");
  removal.kind = RecordWrite::Kind::remove;
  removal.record.deleted = true;
  world_->write(removal);
  EXPECT_FALSE(is_ready()) << "that is for its delete to settle";
}

TEST_P(SyncStoreContract, AMatterOfAnotherStreamIsNotSeen) {
  Changes changes;
  changes.parked = {matter(Parked::Kind::conflict, "7")};
  must_commit(changes);
  const std::int64_t id = by_legacy("7").conflict->id;
  const Fence other = *take(open("erp", "account"), "us");
  EXPECT_FALSE(look(other, [&](View& view) { return view.parked(id); }));
  EXPECT_FALSE(look(other, [&](View& view) { return view.by_legacy(std::vector<std::string>{"7"}).front().conflict; }));
}

// --- outbox

TEST_P(SyncStoreContract, EveryStreamOfTheEntityHearsOfARecordButTheOneItCameThrough) {
  const StreamId other = open("erp", "account");
  open("crm", "contact");
  couple("7", 1, "Acme");
  EXPECT_TRUE(outbox().empty());
  const auto theirs = store().outbox(other, 100, at(1'000'000'000), world_->soon()).value();
  ASSERT_EQ(theirs.size(), 1U);
  EXPECT_EQ(theirs[0].record_id, record_id(1));
  EXPECT_EQ(theirs[0].version, 1);
  EXPECT_EQ(theirs[0].changes, 1);
}

TEST_P(SyncStoreContract, AnOutboxRowStandsForAllChangesSinceItWasDone) {
  couple("7", 1, "Acme");
  world_->write(edit(1, 2, "Acme", "Bolt"));
  world_->write(edit(1, 3, "Bolt", "Core"));
  const auto items = outbox();
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].version, 3);
  EXPECT_EQ(items[0].changes, 2);
  EXPECT_EQ(items[0].attempt, 0);
  Changes changes;
  changes.outbox_done = {{items[0], Outcome::applied}};
  must_commit(changes);
  EXPECT_TRUE(outbox().empty());
}

TEST_P(SyncStoreContract, ARowWithANewerVersionStaysAndOnlyLosesTheChangesDone) {
  couple("7", 1, "Acme");
  world_->write(edit(1, 2, "Acme", "Bolt"));
  const auto seen = outbox();
  world_->write(edit(1, 3, "Bolt", "Core"));
  Changes changes;
  changes.outbox_done = {{seen[0], Outcome::applied}};
  must_commit(changes);
  const auto left = outbox();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].version, 3);
  EXPECT_EQ(left[0].changes, 1);
}

TEST_P(SyncStoreContract, ADelayedRowComesBackInTimeWithItsAttempts) {
  couple("7", 1, "Acme");
  world_->write(edit(1, 2, "Acme", "Bolt"));
  Changes changes;
  changes.outbox_delayed = {{record_id(1), at(900'000'000), 0, 4, {}}};
  must_commit(changes);
  EXPECT_TRUE(outbox(899'999'999).empty());
  const auto items = outbox(900'000'000);
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].attempt, 4);
}

TEST_P(SyncStoreContract, ADelayOfARowThatHasBeenEditedOrWokenSinceItWasReadIsNone) {
  couple("7", 1, "Acme");
  world_->write(edit(1, 2, "Acme", "Bolt"));
  Changes changes;
  changes.outbox_delayed = {{record_id(1), at(900'000'000), 3, 4, record_id(2)}};
  must_commit(changes);
  ASSERT_EQ(outbox().size(), 1U);
  EXPECT_EQ(outbox()[0].attempt, 0);
}

TEST_P(SyncStoreContract, ARowThatWaitsForARecordIsDueAsSoonAsThatHasALink) {
  const StreamId contacts = open("crm", "contact");
  const StreamId elsewhere = open("erp", "contact");
  RecordWrite part = insert(9, "Ada");
  part.record.entity = "contact";
  world_->write(part);
  Changes delay;
  delay.outbox_delayed = {{record_id(9), at(900'000'000), 0, 3, record_id(2)}};
  for (const StreamId stream : {contacts, elsewhere}) must_commit(*take(stream, "us"), delay);
  const auto due_in = [&](StreamId stream) { return store().outbox(stream, 10, at(1'000), world_->soon()).value(); };
  EXPECT_TRUE(due_in(contacts).empty());

  Changes changes;
  changes.awake = {{"account", "7", record_id(1)}, {"account", "8", ""}};
  must_commit(changes);
  EXPECT_TRUE(due_in(contacts).empty()) << "another record";

  changes.awake = {{"account", "8", record_id(2)}};
  must_commit(changes);
  ASSERT_EQ(due_in(contacts).size(), 1U);
  EXPECT_EQ(due_in(contacts)[0].attempt, 0) << "what comes next is another wait";
  EXPECT_TRUE(due_in(elsewhere).empty()) << "another system";
}

TEST_P(SyncStoreContract, ARecordToLookAtAgainStandsForNoChange) {
  couple("7", 1, "Acme");
  couple("8", 2, "Bolt");
  world_->write(edit(2, 2, "Bolt", "Core"));
  const auto done = outbox();
  Changes changes;
  changes.outbox_done = {{done[0], Outcome::applied}};
  changes.outbox_added = {record_id(1), record_id(2)};
  must_commit(changes);
  auto items = outbox();
  ASSERT_EQ(items.size(), 2U);
  std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.record_id < b.record_id; });
  EXPECT_EQ(items[0].version, 1);
  EXPECT_EQ(items[0].changes, 0);
  EXPECT_EQ(items[1].version, 2);
  EXPECT_EQ(items[1].changes, 0);
}

TEST_P(SyncStoreContract, LookingAgainTakesNothingFromARowThatIsThere) {
  couple("7", 1, "Acme");
  world_->write(edit(1, 2, "Acme", "Bolt"));
  Changes changes;
  changes.outbox_added = {record_id(1)};
  must_commit(changes);
  ASSERT_EQ(outbox().size(), 1U);
  EXPECT_EQ(outbox()[0].changes, 1);
}

TEST_P(SyncStoreContract, AnIntentIsKeptUntilItIsDone) {
  world_->write(insert(1, "Acme"));
  sync::Intent intent;
  intent.record_id = record_id(1);
  intent.since = at(1);
  intent.at = at(2);
  intent.sent = Json{{"party", "Acme"}};
  intent.base = Json{{"name", "Acme"}};
  intent.version = 1;
  Changes changes;
  changes.intents = {intent};
  must_commit(changes);
  changes.intents[0].attempted = true;
  must_commit(changes);
  const auto open = look([](View& view) { return view.open_intents(); });
  ASSERT_EQ(open.size(), 1U);
  EXPECT_TRUE(open[0].attempted);
  EXPECT_EQ(open[0].since, at(1));
  EXPECT_EQ(open[0].sent, intent.sent);
  EXPECT_EQ(by_record(record_id(1)).intent->base, intent.base);
  Changes end;
  end.intents_done = {record_id(1)};
  must_commit(end);
  EXPECT_TRUE(look([](View& view) { return view.open_intents(); }).empty());
}

}  // namespace banyan::test
