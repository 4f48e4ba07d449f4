// The API of sync on a real PostgreSQL, as a person or `banyan sync` uses it.
#include "gateway/api/sync_api.hpp"

#include <gmock/gmock.h>

#include <array>

#include "adapters/records/ontology.hpp"
#include "tests/integration/sync_store_world.hpp"

namespace banyan::test {
namespace {

using api::SyncApi;
using api::SyncSources;
using net::HttpResponse;
using testing::HasSubstr;

const records::Ontology& crm() {
  static const records::Ontology ontology = [] {
    const std::array files{std::string(records::kCrmOntology)};
    return records::load_ontology(files).value();
  }();
  return ontology;
}

SyncSources sources() {
  SyncSources sources;
  sources.ontology = &crm();
  sources.policy = [](const auto&, const auto&, const auto&) { return "review"; };
  sources.guarantees = [](const auto&, const auto&) { return std::vector<std::string>{"Edits are seen within 1 s."}; };
  return sources;
}

class SyncApiTest : public SyncStoreContract {
protected:
  SyncApiTest() : queries_(static_cast<PostgresSyncWorld&>(*world_).database()), api_(queries_, sources(), clock_) {}

  HttpResponse send(const std::string& method, const std::string& path, const std::string& body = {}) {
    return api_.handle({method,
                        "/api/sync" + path,
                        {{"Content-Type", "application/json"}, {"X-Banyan-Author", "user:clara"}},
                        body,
                        "127.0.0.1"});
  }
  HttpResponse post(const std::string& path, const Json& body) { return send("POST", path, body.dump()); }
  // What a call that must succeed answers.
  static Json body(const HttpResponse& response, int status = 200) {
    EXPECT_EQ(response.status, status) << response.body;
    return Json::parse(response.body);
  }
  Json get(const std::string& path) { return body(send("GET", path)); }
  Json stream() { return get("").at("systems").at(0).at("streams").at(0); }
  static std::string detail(const HttpResponse& response, int status) {
    return body(response, status).value("detail", "");
  }

  // A matter that has become a person's: its id.
  std::string park(Parked matter) {
    const bool conflict = matter.kind == Parked::Kind::conflict;
    Changes changes;
    changes.inbox = {captured(matter.legacy_id, conflict ? Outcome::conflict : Outcome::dead_letter)};
    changes.legacy_counts.captured = 1;
    (conflict ? changes.legacy_counts.conflict : changes.legacy_counts.dead_letter) = 1;
    changes.parked = {std::move(matter)};
    const std::string id = changes.parked[0].legacy_id;
    must_commit(changes);
    const Coupling known = by_legacy(id);
    return std::to_string((conflict ? known.conflict : known.dead_letter)->id);
  }
  std::string conflict(const std::string& legacy_id = "7") { return park(matter(Parked::Kind::conflict, legacy_id)); }
  std::string dead_letter(const std::string& legacy_id, const std::string& error_class = "rejected") {
    Parked letter = matter(Parked::Kind::dead_letter, legacy_id);
    letter.error_class = error_class;
    return park(std::move(letter));
  }
  // What the stream is given to carry out.
  std::vector<Parked> ready() {
    return store().ready_matters(stream_, 10, sync::SyncStore::Look::answered, world_->soon()).value();
  }

  const SystemClock clock_;
  sync::SyncQueries queries_;
  SyncApi api_;
};

std::unique_ptr<SyncStoreWorld> make_world() {
  return std::make_unique<PostgresSyncWorld>();
}
INSTANTIATE_TEST_SUITE_P(Postgres, SyncApiTest, ::testing::Values(SyncStoreFactory(make_world)));

TEST_P(SyncApiTest, StatusSaysWhereEachChangeIs) {
  couple("1", 1, "Acme");
  world_->write(edit(1, 2, "Acme", "Bolt"));
  conflict();
  const Json system = get("").at("systems").at(0);
  EXPECT_EQ(system["system"], "crm");
  EXPECT_EQ(system["state"], "running");
  EXPECT_EQ(system["budget"]["calls_per_second"], Json());
  const Json stream = system.at("streams").at(0);
  EXPECT_EQ(stream["entity"], "account");
  EXPECT_EQ(stream["owner"], "both");
  EXPECT_EQ(stream["process"], "us");
  EXPECT_EQ(stream["guarantees"], Json::array({"Edits are seen within 1 s."}));
  EXPECT_EQ(stream["parked"], 1);
  EXPECT_EQ(stream["links"], 1);
  EXPECT_EQ(stream["in_flight"], 1);
  EXPECT_GT(stream["lag_seconds"], 0.0);
  const Json one_each{{"captured", 2}, {"applied", 0},     {"superseded", 0}, {"echo", 0},
                      {"conflict", 1}, {"dead_letter", 0}, {"in_flight", 1}};
  EXPECT_EQ(stream["counters"], one_each);
  EXPECT_EQ(stream["captured_on"]["legacy"]["conflict"], 1);
  EXPECT_EQ(stream["captured_on"]["modern"]["in_flight"], 1);
  EXPECT_EQ(stream["backfill"]["state"], "idle");
  EXPECT_EQ(stream["verify"]["examples"], Json::array());
  EXPECT_EQ(stream["verify"]["left_out"], Json::array());
}

TEST_P(SyncApiTest, ARunIsBegunOnceAndShownAtOnce) {
  const Json started{{"started", {{{"system", "crm"}, {"entity", "account"}}}}, {"skipped", Json::array()}};
  EXPECT_EQ(body(post("/backfill", {{"system", "crm"}, {"entity", "account"}, {"dry_run", true}}), 202), started);
  EXPECT_EQ(stream()["dry_run"]["state"], "waiting");
  EXPECT_EQ(stream()["backfill"]["state"], "idle");
  EXPECT_EQ(post("/backfill", {{"system", "crm"}}).status, 409);
  EXPECT_EQ(send("POST", "/verify").status, 409) << "one run through a stream at a time";
}

TEST_P(SyncApiTest, WhatARunWasAskedForAndDoesNotGetIsNamedWithTheReason) {
  open("crm", "contact");
  EXPECT_EQ(post("/backfill", {{"entity", "contact"}, {"dry_run", true}}).status, 202);
  const Json answer = body(send("POST", "/verify"), 202);
  EXPECT_EQ(answer["started"], Json::array({{{"system", "crm"}, {"entity", "account"}}}));
  EXPECT_EQ(
      answer["skipped"],
      Json::array({{{"system", "crm"}, {"entity", "contact"}, {"reason", "a dry run of a backfill is under way"}}}));
}

TEST_P(SyncApiTest, ASweepGivesWayToARun) {
  auto& world = static_cast<PostgresSyncWorld&>(*world_);
  world.run("UPDATE banyan.stream_state SET scan_kind = 'sweep', scan_phase = 'reading', scan_position = '7'");
  EXPECT_EQ(body(post("/backfill", {{"system", "crm"}, {"dry_run", true}}), 202)["started"].size(), 1U);
  EXPECT_EQ(stream()["dry_run"]["state"], "waiting");
  EXPECT_EQ(stream()["dry_run"]["report"], Json::object()) << "that a sweep has to follow is no one's business";
}

TEST_P(SyncApiTest, TheReportOfADryRunLastsWhateverRunsNext) {
  EXPECT_EQ(stream()["dry_run"]["state"], "idle");
  EXPECT_EQ(stream()["dry_run"]["report"], Json());
  ASSERT_EQ(post("/backfill", {{"dry_run", true}}).status, 202);
  Changes ended;
  ended.state = look([](View& view) { return view.state(); });
  ended.state->scan.phase = sync::ScanState::Phase::done;
  ended.state->scan.ended = clock_.wall();
  ended.state->scan.scanned = 12;
  ended.state->scan.report["would_create"] = 12;
  must_commit(ended);
  EXPECT_EQ(stream()["dry_run"]["state"], "done");
  ASSERT_EQ(post("/backfill", Json::object()).status, 202);
  EXPECT_EQ(stream()["backfill"]["state"], "waiting");
  const Json tried = stream()["dry_run"];
  EXPECT_EQ(tried["state"], "done");
  EXPECT_EQ(tried["scanned"], 12);
  EXPECT_EQ(tried["report"], Json({{"would_create", 12}}));
}

TEST_P(SyncApiTest, HowManyThereAreIsNotKnownBeforeTheFirstBackfillHasEnded) {
  couple("1", 1, "Acme");
  couple("2", 2, "Bolt");
  auto& world = static_cast<PostgresSyncWorld&>(*world_);
  world.run("UPDATE banyan.stream_state SET scan_kind = 'backfill', scan_position = '1', scanned = 1");
  EXPECT_EQ(stream()["backfill"]["total_estimate"], Json());
  EXPECT_EQ(stream()["backfill"]["seconds_left"], Json());
  world.run("UPDATE banyan.stream_state SET backfilled_at = now()");
  EXPECT_EQ(stream()["backfill"]["total_estimate"], 2);
}

TEST_P(SyncApiTest, TheBudgetSaysWhatThisProcessHasOfIt) {
  SyncSources known = sources();
  known.budget = [](const std::string&) { return SyncSources::BudgetUse{20.0, 10.0, 2, 0.5}; };
  const SyncApi api(queries_, known, clock_);
  const Json budget = body(api.handle({"GET", "/api/sync", {}, "", "127.0.0.1"}))["systems"][0]["budget"];
  EXPECT_EQ(budget,
            (Json{{"calls_per_second", 20.0}, {"part_per_second", 10.0}, {"processes", 2}, {"used_share", 0.5}}));
}

TEST_P(SyncApiTest, DriftThatHoldsNothingIsToldAsSuch) {
  SyncSources known = sources();
  known.status = [] {
    sync::StreamStatus status;
    status.system = "crm";
    status.entity = "account";
    status.holds_lease = true;
    status.schema_drift = {"vat is held: vat: gone", "kind: kind: no longer a choice: \"x\""};
    return std::vector<sync::StreamStatus>{status};
  };
  const SyncApi api(queries_, known, clock_);
  const Json system = body(api.handle({"GET", "/api/sync", {}, "", "127.0.0.1"}))["systems"][0];
  const Json drift = system["streams"][0]["schema_drift"];
  ASSERT_EQ(drift.size(), 2U);
  EXPECT_EQ(drift[0]["held"], true);
  EXPECT_EQ(drift[1]["held"], false);
}

TEST_P(SyncApiTest, AVerifyWithoutABodyIsOfEverythingAndOnlyLooks) {
  open("crm", "contact");
  EXPECT_EQ(body(send("POST", "/verify"), 202)["started"].size(), 2U);
  EXPECT_EQ(stream()["verify"]["repair"], false);
  EXPECT_EQ(stream()["backfill"]["state"], "idle");
}

TEST_P(SyncApiTest, RunsOfWhatIsNotThereAreRefused) {
  EXPECT_EQ(post("/backfill", {{"system", "erp"}}).status, 404);
  EXPECT_EQ(post("/verify", {{"entity", "invoice"}}).status, 404);
}

TEST_P(SyncApiTest, ARunThatDeletesNothingCannotAcceptDeletes) {
  EXPECT_EQ(detail(post("/verify", {{"accept_deletes", true}}), 400),
            "A verify without repair deletes nothing, so it cannot accept deletes.");
  EXPECT_EQ(detail(post("/backfill", {{"accept_deletes", true}, {"dry_run", true}}), 400),
            "A dry run deletes nothing, so it cannot accept deletes.");
  EXPECT_EQ(stream()["backfill"]["state"], "idle");
  EXPECT_EQ(post("/verify", {{"accept_deletes", true}, {"repair", true}}).status, 202);
}

TEST_P(SyncApiTest, ABackfillAcceptsDeletes) {
  EXPECT_EQ(post("/backfill", {{"accept_deletes", true}}).status, 202);
}

TEST_P(SyncApiTest, WrongBodiesAreRefusedWithTheirReason) {
  EXPECT_THAT(detail(post("/backfill", {{"dry_run", "yes"}}), 400), HasSubstr("\"dry_run\" must be true or false"));
  EXPECT_THAT(detail(post("/pause", {{"system", 7}}), 400), HasSubstr("\"system\" must be a text"));
  EXPECT_EQ(post("/backfill", {{"repair", true}}).status, 400) << "a member of verify";
  EXPECT_EQ(send("POST", "/backfill", "{").status, 400);
  EXPECT_EQ(send("POST", "/backfill", "[]").status, 400);
  EXPECT_EQ(stream()["backfill"]["state"], "idle");
}

TEST_P(SyncApiTest, AnAuthorOfNoKnownFormIsRefusedAndNothingDone) {
  const net::HttpRequest request{"POST", "/api/sync/pause", {{"X-Banyan-Author", "policy"}}, "", "127.0.0.1"};
  EXPECT_EQ(api_.handle(request).status, 400);
  EXPECT_EQ(stream()["state"], "running");
}

TEST_P(SyncApiTest, AWrongMethodIsToldTheRightOne) {
  for (const char* path : {"/backfill", "/verify", "/pause", "/resume", "/owner", "/conflicts/1/resolve",
                           "/dead-letters/replay", "/dead-letters/1/replay"}) {
    const HttpResponse refused = send("GET", path);
    EXPECT_EQ(refused.status, 405) << path;
    EXPECT_EQ(refused.headers.back().value, "POST") << path;
  }
  for (const char* path : {"", "/conflicts", "/conflicts/1", "/dead-letters", "/dead-letters/1"}) {
    const HttpResponse refused = send("DELETE", path);
    EXPECT_EQ(refused.status, 405) << path;
    EXPECT_EQ(refused.headers.back().value, "GET, HEAD") << path;
  }
  EXPECT_EQ(send("POST", "/nothing").status, 404);
}

TEST_P(SyncApiTest, ConflictsAreListedNewestFirstInPages) {
  const std::string older = conflict("7");
  const std::string newer = conflict("8");
  dead_letter("9");
  const Json first = get("/conflicts?limit=1");
  ASSERT_EQ(first["conflicts"].size(), 1U);
  EXPECT_EQ(first["conflicts"][0]["id"], newer);
  const Json second = get("/conflicts?limit=1&cursor=" + first["next"].get<std::string>());
  EXPECT_EQ(second["conflicts"][0]["id"], older);
  EXPECT_EQ(get("/conflicts?system=erp")["conflicts"], Json::array());
  EXPECT_EQ(get("/conflicts?state=resolved")["conflicts"], Json::array());
  EXPECT_EQ(get("/conflicts?state=all")["conflicts"].size(), 2U);
  EXPECT_EQ(send("GET", "/conflicts?limit=0").status, 400);
  EXPECT_EQ(send("GET", "/conflicts?state=odd").status, 400);
  EXPECT_EQ(send("GET", "/conflicts?error_class=rejected").status, 400) << "a parameter of dead letters";
}

TEST_P(SyncApiTest, AConflictShowsAllValues) {
  const std::string id = conflict();
  const Json shown = get("/conflicts/" + id);
  EXPECT_EQ(shown["state"], "open");
  EXPECT_EQ(shown["class"], "edit_edit");
  EXPECT_EQ(shown["legacy_id"], "7");
  EXPECT_EQ(shown["record_id"], Json());
  const Json name{{"field", "name"}, {"policy", "review"}, {"base", "a"}, {"legacy", "b"}, {"modern", "c"}};
  EXPECT_EQ(shown["fields"], Json::array({name}));
  EXPECT_EQ(shown["resolution"], Json());
  EXPECT_EQ(send("GET", "/conflicts/99999").status, 404);
  EXPECT_EQ(send("GET", "/conflicts/x").status, 404);
  EXPECT_EQ(send("GET", "/dead-letters/" + id).status, 404);
}

TEST_P(SyncApiTest, AnAnswerIsHandedToTheStreamOnce) {
  const std::string id = conflict();
  const Json done = body(post("/conflicts/" + id + "/resolve", {{"fields", {{"name", {{"value", " New "}}}}}}));
  EXPECT_EQ(done["state"], "answered");
  EXPECT_EQ(done["resolution"]["by"], "user:clara");
  ASSERT_EQ(ready().size(), 1U);
  EXPECT_EQ(ready()[0].answer, (Json{{"name", {{"value", "New"}}}})) << "in canonical form";
  EXPECT_EQ(post("/conflicts/" + id + "/resolve", {{"fields", {{"name", "legacy"}}}}).status, 409);
}

TEST_P(SyncApiTest, AStarAnswersForWhatIsNotNamed) {
  Parked two = matter(Parked::Kind::conflict, "7");
  two.fields = {"name", "code"};
  const std::string id = park(two);
  body(post("/conflicts/" + id + "/resolve", {{"fields", {{"*", "legacy"}, {"code", "modern"}}}}));
  EXPECT_EQ(ready().at(0).answer, (Json{{"name", "legacy"}, {"code", "modern"}}));
}

TEST_P(SyncApiTest, AnAnswerThatDoesNotFitIsRefused) {
  const std::string path = "/conflicts/" + conflict() + "/resolve";
  for (const Json& fields : {Json(), Json("legacy"), Json::object(), Json{{"name", "both"}}, Json{{"code", "legacy"}},
                             Json{{"name", "legacy"}, {"code", "legacy"}}, Json{{"name", {{"value", 7}}}},
                             Json{{"name", {{"value", nullptr}}}}}) {
    EXPECT_EQ(post(path, {{"fields", fields}}).status, 400) << fields;
  }
  EXPECT_EQ(post("/conflicts/99999/resolve", {{"fields", {{"name", "legacy"}}}}).status, 404);
  EXPECT_EQ(post("/conflicts/" + dead_letter("9") + "/resolve", {{"fields", {{"name", "legacy"}}}}).status, 404);
  EXPECT_TRUE(ready().empty());
}

TEST_P(SyncApiTest, WhichRecordItIsIsAnsweredWithACandidateOrNew) {
  Parked match = matter(Parked::Kind::conflict, "7");
  match.error_class = "ambiguous_match";
  match.fields = {"*"};
  match.modern = Json{record_id(1), record_id(2)};
  const std::string id = park(match);
  EXPECT_EQ(get("/conflicts/" + id)["candidates"], match.modern);
  const std::string path = "/conflicts/" + id + "/resolve";
  for (const Json& body : {Json::object(), Json{{"link", 1}}, Json{{"link", "abc"}}, Json{{"link", record_id(3)}},
                           Json{{"fields", {{"*", "legacy"}}}}}) {
    EXPECT_EQ(post(path, body).status, 400) << body;
  }
  EXPECT_EQ(post(path, {{"link", record_id(2)}}).status, 200);
  EXPECT_EQ(ready().at(0).answer, (Json{{"*", {{"record", record_id(2)}}}}));
}

TEST_P(SyncApiTest, WhichLegacyRecordWasMadeIsAnsweredWithACandidateOrNew) {
  Parked create = matter(Parked::Kind::conflict, "7");
  create.error_class = "ambiguous_create";
  create.fields = {"*"};
  create.legacy = Json{"70", "71"};
  const std::string path = "/conflicts/" + park(create) + "/resolve";
  EXPECT_EQ(post(path, {{"link", "72"}}).status, 400);
  EXPECT_EQ(post(path, {{"link", "new"}}).status, 200);
  EXPECT_EQ(ready().at(0).answer, (Json{{"*", "modern"}}));
}

TEST_P(SyncApiTest, DeadLettersAreListedOldestFirstAndByClass) {
  const std::string older = dead_letter("7");
  const std::string newer = dead_letter("8", "invalid_value");
  const Json all = get("/dead-letters");
  ASSERT_EQ(all["dead_letters"].size(), 2U);
  EXPECT_EQ(all["dead_letters"][0]["id"], older);
  EXPECT_EQ(all["next"], Json());
  EXPECT_EQ(get("/dead-letters?error_class=invalid_value")["dead_letters"][0]["id"], newer);
  const Json one = get("/dead-letters/" + older);
  EXPECT_EQ(one["origin"], "legacy");
  EXPECT_EQ(one["error_class"], "rejected");
  EXPECT_EQ(one["changes"], 1);
  EXPECT_EQ(one["old"], (Json{{"name", "a"}}));
  EXPECT_EQ(one["new"], (Json{{"name", "b"}}));
  EXPECT_EQ(one["current"], (Json{{"name", "c"}}));
}

TEST_P(SyncApiTest, ADeadLetterIsReplayedWithBetterValues) {
  const std::string path = "/dead-letters/" + dead_letter("7") + "/replay";
  EXPECT_EQ(post(path, {{"values", {{"colour", "red"}}}}).status, 400) << "no field of the entity";
  EXPECT_EQ(post(path, {{"values", {{"employees", "many"}}}}).status, 400);
  EXPECT_EQ(post(path, {{"values", "x"}}).status, 400);
  EXPECT_EQ(post(path, {{"values", {{"name", nullptr}}}}).status, 400) << "required";
  EXPECT_EQ(body(post(path, {{"values", {{"employees", "12"}, {"code", nullptr}}}}), 202), (Json{{"replayed", 1}}));
  EXPECT_EQ(ready().at(0).answer, (Json{{"values", {{"employees", 12}, {"code", nullptr}}}}));
  EXPECT_EQ(send("POST", path).status, 409) << "once";
  EXPECT_EQ(send("POST", "/dead-letters/" + conflict("9") + "/replay").status, 404);
}

TEST_P(SyncApiTest, DeadLettersOfAClassAreReplayedTogether) {
  dead_letter("7");
  dead_letter("8");
  dead_letter("9", "invalid_value");
  EXPECT_EQ(send("POST", "/dead-letters/replay").status, 400) << "all must be said";
  EXPECT_EQ(post("/dead-letters/replay", {{"all", true}, {"error_class", "rejected"}}).status, 400);
  EXPECT_EQ(body(post("/dead-letters/replay", {{"error_class", "rejected"}, {"system", "erp"}}), 202)["replayed"], 0);
  EXPECT_EQ(body(post("/dead-letters/replay", {{"error_class", "rejected"}}), 202)["replayed"], 2);
  EXPECT_EQ(body(post("/dead-letters/replay", {{"all", true}}), 202)["replayed"], 1);
  EXPECT_EQ(ready().size(), 3U);
}

TEST_P(SyncApiTest, ASystemIsPausedByNameAndResumed) {
  const Json paused{{"systems", {{{"system", "crm"}, {"state", "paused"}}}}};
  EXPECT_EQ(body(post("/pause", {{"system", "crm"}})), paused);
  EXPECT_EQ(body(post("/pause", {{"system", "crm"}})), paused) << "what is paused stays so";
  EXPECT_EQ(stream()["state"], "paused");
  EXPECT_EQ(get("")["systems"][0]["reason"], "by user:clara");
  EXPECT_EQ(post("/pause", {{"system", "erp"}}).status, 404);
  EXPECT_EQ(body(send("POST", "/resume"))["systems"][0]["state"], "running");
  EXPECT_EQ(stream()["state"], "running");
}

TEST_P(SyncApiTest, AnEntityIsGivenToASideInANewEpoch) {
  const Json mine{{"system", "crm"}, {"entity", "account"}, {"owner", "modern"}};
  const Json given = body(post("/owner", mine));
  EXPECT_EQ(given["epoch"], 2);
  EXPECT_EQ(stream()["owner"], "modern");
  EXPECT_EQ(stream()["epoch"], 2);
  EXPECT_EQ(post("/owner", {{"system", "crm"}, {"entity", "account"}, {"owner", "nobody"}}).status, 400);
  EXPECT_EQ(post("/owner", {{"system", "crm"}, {"entity", "invoice"}, {"owner", "both"}}).status, 404);
}

}  // namespace
}  // namespace banyan::test
