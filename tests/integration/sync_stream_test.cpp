// Scans, verify and schema drift: a stream on a real PostgreSQL.
#include <gmock/gmock.h>

#include "tests/integration/sync_stream_world.hpp"

namespace banyan::test {
namespace {

using sync::ScanState;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SyncStream : public SyncStreamTest {
protected:
  // Five accounts, backfilled.
  void begin() {
    for (int i = 1; i <= 5; ++i) legacy_.put("party", std::to_string(i), {{"name", "Acme"}, {"kind", "org"}});
    stream_ = make("account");
    fence_ = take(*stream_);
    settle(*stream_, fence_);
    ASSERT_EQ(number("SELECT count(*) FROM banyan.link"), 5);
  }
  RecordWrite agent_makes(const std::string& name) {
    RecordWrite write;
    write.kind = RecordWrite::Kind::insert;
    write.record.entity = "account";
    write.record.id = "01900000-0000-7000-8000-000000000001";
    write.record.version = 1;
    write.record.data = Json{{"name", name}};
    write.changed = records::difference(Json::object(), write.record.data);
    write.author = {records::Side::modern, "agent:planner"};
    return write;
  }

  // Of the first account.
  RecordWrite agent_makes_contact(const std::string& name) {
    RecordWrite write = agent_makes(name);
    write.record.entity = "contact";
    write.record.data["account"] = "01900000-0000-7000-9000-000000000001";
    write.changed = records::difference(Json::object(), write.record.data);
    return write;
  }

  // The record of `number`, which was the so manyth that was made and has not been edited since.
  RecordWrite agent_deletes(const std::string& entity, int number, Json data) {
    RecordWrite write;
    write.kind = RecordWrite::Kind::remove;
    write.record.entity = entity;
    write.record.id = "01900000-0000-7000-9000-00000000000" + std::to_string(number);
    write.record.version = 2;
    write.record.deleted = true;
    write.record.data = std::move(data);
    write.changed = Json::object();
    write.author = {records::Side::modern, "agent:planner"};
    return write;
  }

  RecordWrite agent_restores(const std::string& entity, int number, Json data) {
    RecordWrite write = agent_deletes(entity, number, std::move(data));
    write.kind = RecordWrite::Kind::restore;
    write.record.version = 3;
    write.record.deleted = false;
    return write;
  }

  // A contact that an agent makes while staff delete the account that it is to belong to.
  void make_without_its_whole(const RecordWrite& part, sync::Stream& contacts, const Fence& fence) {
    settle(contacts, fence);
    world_.write(part);
    legacy_.lose("party", "1");
    run(*stream_, fence_, {ScanState::Kind::sweep});
    settle(contacts, fence);
  }

  // A stream of contacts at rest, which comes back to what waits only after an hour.
  std::pair<std::unique_ptr<sync::Stream>, Fence> patient_contacts() {
    options_.retry_least = options_.retry_most = std::chrono::hours(1);
    auto contacts = make("contact");
    const Fence fence = take(*contacts);
    settle(*contacts, fence);
    return {std::move(contacts), fence};
  }

  std::unique_ptr<sync::Stream> stream_;
  Fence fence_;
};

TEST_F(SyncStream, ADryRunReportsWhatWouldNotMapAndWritesNothing) {
  options_.backfills_itself = false;
  legacy_.put("party", "1", {{"name", "Acme"}, {"kind", "org"}});
  legacy_.put("party", "2", {{"name", "Bolt"}, {"kind", "frozen"}});
  legacy_.put("party", "3", {{"kind", "org"}});  // a name is required
  stream_ = make("account");
  fence_ = take(*stream_);
  const ScanState scan = run(*stream_, fence_, {ScanState::Kind::backfill, true});
  EXPECT_EQ(scan.scanned, 3);
  EXPECT_EQ(scan.report["would_create"], 2) << scan.report;
  EXPECT_EQ(scan.report["unmappable"], 2) << scan.report;
  std::vector<std::string> fields;
  for (const Json& problem : scan.report["problems"]) fields.push_back(problem["field"]);
  EXPECT_THAT(fields, ElementsAre("kind", "name"));
  EXPECT_THAT(scan.report["problems"][0]["message"].get<std::string>(), HasSubstr("frozen"));
  for (const char* table : {"record", "record_history", "link", "inbox", "waiting", "parked", "outbox"}) {
    EXPECT_EQ(number(std::string("SELECT count(*) FROM banyan.") + table), 0) << table;
  }
  EXPECT_EQ(world_.store().state(stream_->id(), world_.soon())->backfilled_at, WallTime{});
}

TEST_F(SyncStream, ARecordThatWasForgottenOnItsWayOutIsFoundByVerifyAndMadeByRepair) {
  begin();
  world_.write(agent_makes("Lost"));
  world_.run("DELETE FROM banyan.outbox");
  const ScanState found = verify(*stream_, fence_);
  EXPECT_EQ(found.differences, 1);
  ASSERT_EQ(found.report["differences"].size(), 1U);
  const Json example = found.report["differences"][0];
  EXPECT_EQ(example["kind"], "missing_legacy");
  EXPECT_EQ(example["record_id"], "01900000-0000-7000-8000-000000000001");
  EXPECT_EQ(example["legacy_id"], Json());
  EXPECT_EQ(example["fields"], Json::array({Json{{"field", "name"}, {"modern", "Lost"}}}));
  EXPECT_EQ(legacy_.count("party"), 5U) << "it only looked";
  EXPECT_EQ(verify(*stream_, fence_, true).repaired, 1);
  settle(*stream_, fence_);
  EXPECT_EQ(legacy_.count("party"), 6U);
  EXPECT_EQ(verify(*stream_, fence_).differences, 0);
}

TEST_F(SyncStream, VerifySaysWhatItLeftOutBecauseARowThatHasNoRecordWaits) {
  begin();
  options_.chunk = 2;
  const auto contacts = make("contact");
  const Fence fence = take(*contacts);
  for (const char* id : {"1", "2", "3"}) legacy_.put("person", id, {{"party", "1"}, {"name", "Ada"}});
  settle(*contacts, fence);
  for (const char* id : {"1", "2", "3"}) legacy_.put("person", id, {{"party", "77"}, {"name", "Ada"}});
  settle(*contacts, fence);
  legacy_.put("person", "9", {{"party", "77"}, {"name", "Bea"}});
  settle(*contacts, fence);
  ASSERT_EQ(number("SELECT count(*) FROM banyan.waiting"), 4);
  world_.write(agent_makes_contact("Bea"));
  world_.run("DELETE FROM banyan.outbox");

  const ScanState unclear = verify(*contacts, fence, true);
  EXPECT_EQ(unclear.differences, 0);
  ASSERT_EQ(unclear.report["left_out"].size(), 1U) << unclear.report;
  EXPECT_EQ(unclear.report["left_out"][0]["records"], 1);
  EXPECT_THAT(unclear.report["left_out"][0]["reason"].get<std::string>(), HasSubstr("waits"));
  EXPECT_EQ(legacy_.count("person"), 4U) << "it may be person 9";

  legacy_.put("party", "77", {{"name", "Bolt"}, {"kind", "org"}});
  settle(*stream_, fence_);
  settle(*contacts, fence);
  const ScanState clear = verify(*contacts, fence);
  EXPECT_FALSE(clear.report.contains("left_out"));
  EXPECT_EQ(clear.differences, 1);
}

TEST_F(SyncStream, VerifySaysWhatItLeftOutBecauseARowThatHasNoRecordWaitsForAPerson) {
  begin();
  const auto contacts = make("contact");
  const Fence fence = take(*contacts);
  settle(*contacts, fence);
  legacy_.put("person", "9", {{"party", "1"}, {"name", nullptr}});
  settle(*contacts, fence);
  ASSERT_EQ(number("SELECT count(*) FROM banyan.parked WHERE state = 'open' AND record_id IS NULL"), 1);
  ASSERT_EQ(number("SELECT count(*) FROM banyan.waiting"), 0);
  world_.write(agent_makes_contact("Ada"));
  world_.run("DELETE FROM banyan.outbox");

  const ScanState unclear = verify(*contacts, fence, true);
  ASSERT_EQ(unclear.report["left_out"].size(), 1U) << unclear.report;
  EXPECT_EQ(unclear.report["left_out"][0]["records"], 1);
  EXPECT_EQ(legacy_.count("person"), 1U) << "it may be person 9";

  legacy_.put("person", "9", {{"party", "1"}, {"name", "Bea"}});
  settle(*contacts, fence);
  EXPECT_EQ(verify(*contacts, fence, true).repaired, 1);
  settle(*contacts, fence);
  EXPECT_EQ(legacy_.count("person"), 2U);
}

TEST_F(SyncStream, ARowThatWaitsIsNoNewChangeWhenItIsReadAgainAndIsGivenUpAfterAWhile) {
  begin();
  const auto [contacts, fence] = patient_contacts();
  legacy_.put("person", "9", {{"party", "77"}, {"name", "Ada"}});
  settle(*contacts, fence);
  const auto captured = [this] { return number("SELECT count(*) FROM banyan.inbox WHERE legacy_id = '9'"); };
  ASSERT_EQ(captured(), 1);

  run(*contacts, fence, {ScanState::Kind::sweep});
  run(*contacts, fence, {ScanState::Kind::sweep});
  EXPECT_EQ(captured(), 1);
  EXPECT_EQ(number("SELECT attempt FROM banyan.waiting"), 1);

  legacy_.put("person", "9", {{"party", "77"}, {"name", "Bea"}});
  settle(*contacts, fence);
  EXPECT_EQ(captured(), 2) << "an edit is a change";

  world_.run("UPDATE banyan.waiting SET attempt = 10, not_before = 'epoch'");
  run(*contacts, fence, {ScanState::Kind::sweep});
  EXPECT_EQ(number("SELECT count(*) FROM banyan.waiting"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.parked WHERE error_class = 'missing_reference' AND state = 'open'"), 1);
  run(*contacts, fence, {ScanState::Kind::sweep});
  EXPECT_EQ(captured(), 2) << "a person has been told already";
  EXPECT_EQ(number("SELECT count(*) FROM banyan.waiting"), 0);

  legacy_.put("party", "77", {{"name", "Core"}, {"kind", "org"}});
  settle(*stream_, fence_);
  run(*contacts, fence, {ScanState::Kind::sweep});
  EXPECT_EQ(number("SELECT count(*) FROM banyan.parked WHERE state = 'open'"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.link WHERE legacy_id = '9'"), 1);
}

TEST_F(SyncStream, WhatRefersToANewRecordIsMadeAsSoonAsThatIs) {
  begin();
  const auto [contacts, fence] = patient_contacts();
  const RecordWrite account = agent_makes("Bolt");
  RecordWrite contact = agent_makes_contact("Ada");
  contact.record.id = "01900000-0000-7000-8000-000000000002";
  contact.record.data["account"] = account.record.id;
  contact.changed = records::difference(Json::object(), contact.record.data);
  world_.write(account);
  world_.write(contact);
  settle(*contacts, fence);
  ASSERT_EQ(legacy_.count("person"), 0U) << "its account is not there";

  settle(*stream_, fence_);
  settle(*contacts, fence);
  EXPECT_EQ(legacy_.count("person"), 1U);
}

TEST_F(SyncStream, ARecordThatTheSystemAlwaysFailsAtHoldsUpNoOther) {
  options_.retry_least = std::chrono::milliseconds(1);
  begin();
  legacy_.fails_at = "1";
  for (const int number : {1, 2}) {
    RecordWrite edit = agent_deletes("account", number, {{"name", "Bolt"}, {"kind", "organisation"}});
    edit.kind = RecordWrite::Kind::update;
    edit.record.deleted = false;
    edit.changed = Json{{"name", {{"from", "Acme"}, {"to", "Bolt"}}}};
    world_.write(edit);
  }
  for (int tries = 0; tries < 200 && legacy_.get("party", "2")["name"] != "Bolt"; ++tries) settle(*stream_, fence_);
  EXPECT_EQ(legacy_.get("party", "2")["name"], "Bolt");
  EXPECT_EQ(legacy_.get("party", "1")["name"], "Acme");
  EXPECT_GT(number("SELECT attempt FROM banyan.outbox"), 1) << "it comes again, each time later";
}

TEST_F(SyncStream, AQuestionAboutARowWithoutARecordEndsWithTheRow) {
  begin();
  const auto open = [&] {
    return number("SELECT count(*) FROM banyan.parked WHERE state = 'open' AND record_id IS NULL AND legacy_id = '9'");
  };
  world_.run("UPDATE banyan.stream_state SET owner = 'modern'");
  legacy_.put("party", "9", {{"name", "Bolt"}, {"kind", "org"}});
  settle(*stream_, fence_);
  ASSERT_EQ(open(), 1) << "may it be made while the modern side decides?";

  legacy_.lose("party", "9");
  stream_->observe(std::vector<std::string>{"9"});
  settle(*stream_, fence_);
  EXPECT_EQ(open(), 0);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.parked WHERE state = 'superseded' AND legacy_id = '9'"), 1);
}

TEST_F(SyncStream, ADeleteThatTheMappingKeepsBackIsTakenBackAndOnRecord) {
  begin();
  legacy_.put("person", "9", {{"party", "1"}, {"name", "Ada"}});
  const auto contacts = make("contact");
  const Fence fence = take(*contacts);
  settle(*contacts, fence);
  world_.write(agent_deletes("contact", 6, {{"account", "01900000-0000-7000-9000-000000000001"}, {"name", "Ada"}}));
  settle(*contacts, fence);
  EXPECT_EQ(legacy_.count("person"), 1U);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.record WHERE entity = 'contact' AND NOT deleted"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.parked WHERE error_class = 'legacy_decides' AND state = 'resolved'"),
            1);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.outbox"), 0);
  EXPECT_EQ(verify(*contacts, fence).differences, 0);
}

TEST_F(SyncStream, ADeleteThatIsRefusedIsAPersonsMatterUnlessTheRowIsGone) {
  begin();
  legacy_.refuses_removals = true;
  legacy_.on_call = [&](const std::string& call, const std::string& type) {
    if (call == "remove 2") legacy_.lose(type, "2");  // with its whole, which another stream has deleted
  };
  world_.write(agent_deletes("account", 1, {{"name", "Acme"}, {"kind", "organisation"}}));
  world_.write(agent_deletes("account", 2, {{"name", "Acme"}, {"kind", "organisation"}}));
  settle(*stream_, fence_);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.parked WHERE state = 'open' AND legacy_id = '1'"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.parked WHERE legacy_id = '2'"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.outbox"), 0);
}

TEST_F(SyncStream, APartWhoseWholeIsDeletedMeanwhileIsAPersonsMatterUntilTheWholeIsRestored) {
  begin();
  const RecordWrite part = agent_makes_contact("Ada");
  const auto contacts = make("contact");
  const Fence fence = take(*contacts);
  make_without_its_whole(part, *contacts, fence);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.parked WHERE error_class = 'missing_reference' AND state = 'open'"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.outbox"), 0);

  world_.write(agent_restores("account", 1, {{"name", "Acme"}, {"kind", "organisation"}}));
  settle(*stream_, fence_);
  settle(*contacts, fence);
  EXPECT_EQ(legacy_.count("person"), 1U);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.parked WHERE error_class = 'missing_reference' AND state = 'resolved' "
                   "AND answered_by = 'policy'"),
            1);
}

TEST_F(SyncStream, AQuestionAboutARecordThatNeverCameToBeThereEndsWhenItIsDeleted) {
  begin();
  RecordWrite part = agent_makes_contact("Ada");
  const auto contacts = make("contact");
  const Fence fence = take(*contacts);
  make_without_its_whole(part, *contacts, fence);
  ASSERT_EQ(number("SELECT count(*) FROM banyan.parked WHERE error_class = 'missing_reference' AND state = 'open'"), 1);

  part.kind = RecordWrite::Kind::remove;
  part.record.version = 2;
  part.record.deleted = true;
  part.changed = Json::object();
  world_.write(part);
  settle(*contacts, fence);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.parked WHERE state = 'open'"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.parked WHERE state = 'superseded'"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.outbox"), 0);
}

TEST_F(SyncStream, AnExampleOfARowHasItsRecordAndTheValuesOfBothSides) {
  begin();
  legacy_.rewrite("party", "3", {{"name", "Bolt"}, {"kind", "org"}});
  const ScanState found = verify(*stream_, fence_);
  EXPECT_EQ(found.differences, 1);
  const Json example = found.report["differences"].at(0);
  EXPECT_EQ(example["kind"], "different");
  EXPECT_EQ(example["legacy_id"], "3");
  EXPECT_TRUE(example["record_id"].is_string());
  EXPECT_EQ(example["fields"], Json::array({Json{{"field", "name"}, {"legacy", "Bolt"}, {"modern", "Acme"}}}));
  EXPECT_EQ(verify(*stream_, fence_, true).repaired, 1);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.record WHERE data ->> 'name' = 'Bolt'"), 1);
}

TEST_F(SyncStream, WhatBecomesAPersonsMatterDoesNotCountAsRepaired) {
  begin();
  legacy_.rewrite("party", "3", {{"name", "Acme"}, {"kind", "frozen"}});
  world_.run("UPDATE banyan.link SET base = base || '{\"name\": \"x\"}', base_hash = 1 WHERE legacy_id = '3'");
  legacy_.rewrite("party", "4", {{"name", "Bolt"}, {"kind", "org"}});
  const ScanState done = verify(*stream_, fence_, true);
  EXPECT_LE(done.repaired, done.differences);
  EXPECT_GE(done.repaired, 1);
}

TEST_F(SyncStream, AQuietFeedIsReadFromItsCursorAndLookedBackOnNowAndThen) {
  legacy_.abilities.ordering = legacy::Ordering::stamp;
  begin();
  const auto looks_back_in = [&](int seconds) {
    legacy_.asked_from.clear();
    for (int i = 0; i < 2 * seconds; ++i) {
      clock_.pass(options_.poll_interval);
      while (stream_->step(fence_).next == sync::Step::Next::again) continue;
    }
    const auto& asked = legacy_.asked_from;  // a look back goes on from page to page
    const auto [least, greatest] = std::minmax_element(asked.begin(), asked.end());
    EXPECT_LT(*least, *greatest) << "nobody has looked back";
    return std::count(asked.begin(), asked.end(), *least);
  };
  looks_back_in(7);  // longer than what overlap and precision of the stamps ask for
  EXPECT_THAT(looks_back_in(60), AllOf(testing::Ge(10), testing::Le(13))) << "once in the overlap of 5 s";

  legacy_.put_late("party", "6", {{"name", "Late"}, {"kind", "org"}}, 3);
  looks_back_in(6);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.record WHERE data ->> 'name' = 'Late'"), 1);

  // One that is late, and another that would carry the cursor past it, between two looks back.
  looks_back_in(12);
  legacy_.put_late("party", "8", {{"name", "Late"}, {"kind", "org"}}, 4);
  for (const char* id : {"7", "9", "10"}) legacy_.put("party", id, {{"name", "New"}, {"kind", "org"}});
  looks_back_in(1);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.record WHERE data ->> 'name' = 'Late'"), 2);
  EXPECT_GE(looks_back_in(4), 8) << "what was under way when the new one was read may come at any moment";
}

TEST_F(SyncStream, AChunkEndsWhenSomethingIsObserved) {
  begin();
  std::vector<std::string> calls;
  legacy_.on_call = [&](const std::string& call, const std::string&) {
    if (call == "changes") return;
    calls.push_back(call);
    if (calls.size() == 1) {
      const std::string id = "5";
      stream_->observe(std::span(&id, 1));
    }
  };
  ASSERT_TRUE(stream_->start_scan(fence_, {ScanState::Kind::sweep}));
  while (calls.size() < 2) stream_->step(fence_);
  EXPECT_THAT(calls, ElementsAre("scan", "fetch 5"));
}

TEST_F(SyncStream, AChunkEndsAfterAWhile) {
  begin();
  legacy_.on_call = [&](const std::string& call, const std::string&) {
    if (call == "scan") clock_.pass(std::chrono::milliseconds(250));
  };
  ASSERT_TRUE(stream_->start_scan(fence_, {ScanState::Kind::sweep}));
  for (int i = 0; i < 20 && scan_of(*stream_).scanned == 0; ++i) stream_->step(fence_);
  EXPECT_EQ(scan_of(*stream_).scanned, 2) << "one page of 2";
}

TEST_F(SyncStream, ARunThatAPersonAsksForTakesThePlaceOfASweepAndIsNotOverwritten) {
  begin();
  bool asked = false;
  legacy_.on_call = [&](const std::string& call, const std::string&) {
    if (call != "scan" || std::exchange(asked, true)) return;
    const auto begun = queries_.start_scan("crm", "", {ScanState::Kind::verify}, world_.soon());
    EXPECT_EQ(begun->begun.size(), 1U);
  };
  ASSERT_TRUE(stream_->start_scan(fence_, {ScanState::Kind::sweep}));
  while (!asked) stream_->step(fence_);
  EXPECT_EQ(scan_of(*stream_).kind, ScanState::Kind::verify);
  EXPECT_EQ(scan_of(*stream_).scanned, 0);
  settle(*stream_, fence_);
  EXPECT_EQ(scan_of(*stream_).kind, ScanState::Kind::sweep) << "its work is still to be done";
  EXPECT_EQ(queries_.streams(world_.soon())->at(0).last_verify->scanned, 5);
}

TEST_F(SyncStream, AFieldHeldByDriftDoesNotMakeRowsLookDifferent) {
  legacy_.description = {{"name", "char", true, false, {}}, {"kind", "char", false, false, {}}};
  begin();
  legacy_.description = {{"name", "char", true, false, {}}};
  for (int i = 1; i <= 5; ++i) legacy_.rewrite("party", std::to_string(i), {{"name", "Acme"}});
  stream_ = make("account");
  settle(*stream_, fence_);
  EXPECT_THAT(stream_->status().schema_drift, ElementsAre("kind is held: kind: the legacy system no longer has it"));
  EXPECT_EQ(verify(*stream_, fence_).differences, 0);
  legacy_.rewrite("party", "2", {{"name", "Bolt"}});
  EXPECT_EQ(verify(*stream_, fence_).differences, 1) << "the other fields count";
}

TEST_F(SyncStream, DriftThatOnlySomeRecordsCanMeetIsToldAndHoldsNothing) {
  legacy_.description = {{"name", "char", false, false, {}}, {"kind", "selection", false, false, {"org", "per"}}};
  begin();
  legacy_.description = {{"name", "char", true, false, {}},
                         {"kind", "selection", false, false, {"org"}},
                         {"vat", "char", true, false, {}}};
  stream_ = make("account");
  settle(*stream_, fence_);
  const auto drift = stream_->status().schema_drift;
  ASSERT_EQ(drift.size(), 3U);
  EXPECT_THAT(drift[0], HasSubstr("kind: kind: no longer a choice: \"per\""));
  EXPECT_THAT(drift[1], HasSubstr("name: name: it must be there now"));
  EXPECT_THAT(drift[2], HasSubstr("vat must be there now and is not mapped"));
  legacy_.put("party", "1", {{"name", "New"}, {"kind", "per"}});
  settle(*stream_, fence_);
  EXPECT_EQ(number("SELECT count(*) FROM banyan.record WHERE data @> '{\"name\": \"New\", \"kind\": \"person\"}'"), 1);
}

TEST_F(SyncStream, AFieldThatCannotBeWrittenAnyMoreIsHeld) {
  legacy_.description = {{"name", "char", false, false, {}}};
  begin();
  legacy_.description = {{"name", "char", false, true, {}}};
  stream_ = make("account");
  settle(*stream_, fence_);
  EXPECT_THAT(stream_->status().schema_drift, ElementsAre("name is held: name: it cannot be written any more"));
}

TEST_F(SyncStream, AStreamThatComesBackIntoUseLooksForWhatItHasMissed) {
  begin();
  world_.run("UPDATE banyan.stream SET named_at = now() - interval '25 hours'");
  using Names = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(queries_.retire_streams(std::chrono::hours(24), world_.soon()).value(), (Names{{"crm", "account"}}));
  EXPECT_TRUE(queries_.streams(world_.soon())->empty());
  world_.write(agent_makes("Unheard"));
  EXPECT_EQ(number("SELECT count(*) FROM banyan.outbox"), 0) << "nobody would ever empty it";
  stream_ = make("account");
  EXPECT_EQ(scan_of(*stream_).kind, ScanState::Kind::verify);
  settle(*stream_, fence_);
  EXPECT_EQ(legacy_.count("party"), 6U);
}

TEST_F(SyncStream, AStreamThatAProcessHasStaysInUse) {
  begin();
  const std::vector<StreamId> streams{stream_->id()};
  ASSERT_TRUE(world_.store().keep_leases("us", streams, std::chrono::minutes(10), world_.soon()));
  world_.run("UPDATE banyan.stream SET named_at = now() - interval '25 hours'");
  EXPECT_THAT(queries_.retire_streams(std::chrono::hours(24), world_.soon()).value(), IsEmpty());
}

}  // namespace
}  // namespace banyan::test
