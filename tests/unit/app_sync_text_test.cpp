// What `banyan sync` prints, and how it reads what is typed. The documents are those of docs/reference/sync-api.md.
#include "gateway/app/sync_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "adapters/legacy/capabilities.hpp"

namespace banyan::app {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

Json running_backfill() {
  return {{"state", "running"},   {"scanned", 120000}, {"total_estimate", 400000}, {"rate_per_second", 21000},
          {"seconds_left", 13.3}, {"message", ""},     {"ended_at", Json(nullptr)}};
}

// The first JSON block below a heading of the manual.
Json documented(const std::string& heading) {
  std::ifstream in(std::filesystem::path(BANYAN_SOURCE_DIR) / "docs/reference/sync-api.md");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  const std::size_t begin = page.find("```json\n", page.find("\n" + heading + "\n")) + 8;
  return Json::parse(page.substr(begin, page.find("\n```", begin) - begin));
}

TEST(SyncStatus, ShowsTheDocumentOfTheManualWhole) {
  const std::string text = status_text(documented("## GET /api/sync"));
  EXPECT_THAT(text, HasSubstr("tryton: running, 35 % of 10 calls/s used (this process; 20 for all 2)\n"));
  EXPECT_THAT(text, HasSubstr("  account: running, owner both (epoch 3), lag 0.4 s, parked 1\n"));
  EXPECT_THAT(text, HasSubstr("captured 1207 = 800 applied + 4 superseded + 400 echo + 1 conflict + 0 dead letter + 2 "
                              "in flight\n"));
  EXPECT_THAT(text, HasSubstr("cursor 2026-11-01T11:59:59.100000Z/4711, overlap 5 s, near misses 7\n"));
  EXPECT_THAT(text, HasSubstr("backfill: running: 120000 of about 400000 (30 %), 21000/s, 14 s left\n"));
  EXPECT_THAT(text, HasSubstr("verify: done 2026-11-01T11:00:02.000000Z: 400000 records, 210000/s, 1 difference, 0 "
                              "repaired\n"));
  EXPECT_THAT(text, HasSubstr(R"(name: legacy "ACME Ltd", modern "ACME Limited")"));
  EXPECT_THAT(text, HasSubstr("schema drift: vat_code is held: vat_code: the legacy system no longer has it\n"));
  EXPECT_THAT(text, HasSubstr("    - Changes are found by asking for what was written since the last look.\n"));
}

TEST(SyncStatus, OfTheManualHasGuaranteesThatSomeSystemGives) {
  legacy::Capabilities can;
  can.compare_and_set = legacy::CompareAndSet::version;
  const std::vector<std::string> given = legacy::guarantees(can);
  const Json stream = documented("## GET /api/sync")["systems"][0]["streams"][0];
  for (const Json& sentence : stream["guarantees"]) EXPECT_THAT(given, Contains(sentence.get<std::string>()));
}

TEST(SyncStatus, SaysWhyASystemIsPaused) {
  const Json status = {{"systems", {{{"system", "crm"}, {"state", "paused"}, {"reason", "credentials refused"}}}}};
  EXPECT_EQ(status_text(status), "crm: paused (credentials refused)\n");
  EXPECT_EQ(status_text({{"systems", Json::array()}}), "Nothing is synchronised.\n");
}

TEST(SyncStatus, SurvivesDocumentsThatAreNotAsPromised) {
  for (const Json& odd : {Json(), Json(7), Json::array(), Json{{"systems", 3}}, Json{{"systems", {1, "x"}}},
                          Json{{"systems", {{{"system", 1}, {"streams", {{{"counters", "no"}, {"verify", 5}}}}}}}}}) {
    EXPECT_FALSE(status_text(odd).empty()) << odd;
    EXPECT_FALSE(conflicts_text(odd).empty()) << odd;
    EXPECT_FALSE(dead_letters_text(odd).empty()) << odd;
  }
}

TEST(SyncProgress, LeavesOutWhatIsNotKnown) {
  Json run = running_backfill();
  EXPECT_EQ(progress_text(RunKind::backfill, run), "120000 of about 400000 (30 %), 21000/s, 14 s left");
  run["total_estimate"] = nullptr;
  run["seconds_left"] = nullptr;
  run["rate_per_second"] = 0;
  EXPECT_EQ(progress_text(RunKind::backfill, run), "120000 records");
}

TEST(SyncProgress, NeverPromisesMoreThanAll) {
  Json run = running_backfill();
  run["scanned"] = 400001;
  EXPECT_THAT(progress_text(RunKind::backfill, run), HasSubstr("(100 %)"));
}

TEST(SyncResult, ShowsWhatADryRunFound) {
  Json run = running_backfill();
  run["state"] = "done";
  run["report"] = documented("### A run: `backfill`, `dry_run` and `verify`");
  const std::string text = result_text(RunKind::dry_run, "tryton account", run);
  EXPECT_THAT(text, HasSubstr("tryton account: backfill (dry run) done: 120000 records"));
  EXPECT_THAT(text, HasSubstr("would create 390, link 9, update 0; unchanged 100; to review 1; cannot be mapped 2\n"));
  EXPECT_THAT(text, HasSubstr("2 records: stage: legacy field state: \"frozen\"; expected a value that `values` maps "
                              "(invalid_value, such as legacy 77)\n"));
}

TEST(SyncResult, SaysWhatAVerifyCouldNotJudge) {
  const Json left_out = {{{"records", 2}, {"reason", "a row waits"}}};
  const Json run = {{"state", "done"}, {"checked", 5}, {"differences", 0}, {"repaired", 0}, {"left_out", left_out}};
  EXPECT_EQ(result_text(RunKind::verify, "crm account", run),
            "crm account: verify done: 5 records, 0 differences, 0 repaired\n  left out: 2 records: a row waits\n");
  Json status = documented("## GET /api/sync");
  status["systems"][0]["streams"][0]["verify"]["left_out"] = left_out;
  EXPECT_THAT(status_text(status), HasSubstr("      left out: 2 records: a row waits\n"));
}

TEST(SyncStatus, GoesOnTellingWhatADryRunFoundAndIsSilentWhereThereWasNone) {
  Json status = documented("## GET /api/sync");
  EXPECT_THAT(status_text(status), Not(HasSubstr("dry run")));
  Json run = running_backfill();
  run["state"] = "done";
  run["report"] = documented("### A run: `backfill`, `dry_run` and `verify`");
  status["systems"][0]["streams"][0]["dry_run"] = run;
  EXPECT_THAT(status_text(status), HasSubstr("    backfill (dry run): done : 120000 records, 21000/s, 14 s left\n"));
  EXPECT_THAT(status_text(status), HasSubstr("      would create 390, link 9, update 0; unchanged 100; to review 1;"));
}

TEST(SyncResult, IsGoodWhenNothingFailedAndNoDifferenceIsLeft) {
  const auto verified = [](int differences, int repaired) {
    return is_good(RunKind::verify, {{"state", "done"}, {"differences", differences}, {"repaired", repaired}});
  };
  EXPECT_TRUE(verified(0, 0));
  EXPECT_TRUE(verified(3, 3));
  EXPECT_FALSE(verified(3, 2));
  EXPECT_FALSE(is_good(RunKind::verify, {{"state", "done"}, {"left_out", {{{"records", 1}, {"reason", "r"}}}}}));
  EXPECT_FALSE(is_good(RunKind::verify, {{"state", "failed"}}));
  EXPECT_FALSE(is_good(RunKind::backfill, {{"state", "idle"}}));
  EXPECT_TRUE(is_good(RunKind::backfill, {{"state", "done"}}));
}

TEST(Conflicts, ShowTheValuesOfBothSides) {
  const std::string text = conflicts_text(documented("## GET /api/sync/conflicts"));
  EXPECT_THAT(text, HasSubstr("12  tryton account 018f… (legacy 4711)  edit_edit, open"));
  EXPECT_THAT(text, HasSubstr(R"(  name: base "ACME", legacy "ACME Ltd", modern "ACME Limited")"));
  EXPECT_THAT(text, HasSubstr("There are more"));
  EXPECT_EQ(conflicts_text({{"conflicts", Json::array()}, {"next", Json(nullptr)}}), "No conflicts.\n");
}

TEST(Conflicts, SayWhatIsAbsentAndHowTheyWereResolved) {
  Json conflict = documented("## GET /api/sync/conflicts")["conflicts"][0];
  conflict["fields"][0].erase("base");
  conflict["resolution"] = {{"by", "user:clara"}, {"fields", {{"name", "legacy"}}}};
  const std::string text = conflict_text(conflict);
  EXPECT_THAT(text, HasSubstr(R"(name: base nothing, legacy "ACME Ltd")"));
  EXPECT_THAT(text, HasSubstr(R"(resolved by user:clara: {"name":"legacy"})"));
}

TEST(Conflicts, NameTheCandidates) {
  Json conflict = documented("## GET /api/sync/conflicts")["conflicts"][0];
  conflict["candidates"] = Json::array({"018f-a", "018f-b"});
  EXPECT_THAT(conflict_text(conflict), HasSubstr("  candidate \"018f-a\"\n  candidate \"018f-b\"\n"));
}

TEST(DeadLetters, ShowTheReasonAndTheValues) {
  const std::string text = dead_letters_text(documented("## GET /api/sync/dead-letters"));
  EXPECT_THAT(text, HasSubstr("31  tryton account 018f…  rejected, from modern"));
  EXPECT_THAT(text, HasSubstr("the VAT number is not valid.\n"));
  EXPECT_THAT(text, HasSubstr(R"(new: {"vat":"DE2"})"));
  EXPECT_THAT(text, Not(HasSubstr("There are more")));
}

TEST(Texts, BringNoControlCharactersToTheTerminal) {
  EXPECT_EQ(printable("a\x1b[2J\n\x7f\xc2\x9b z\xc3\xa9"), "a?[2J??? z\xc3\xa9");
  const Json page = {{"conflicts", {{{"id", "1\n2"}, {"fields", {{{"field", "f"}, {"legacy", "\x1b]0;x\x07"}}}}}}}};
  EXPECT_THAT(conflicts_text(page), Not(HasSubstr("\x1b")));
}

TEST(Durations, AreShortAndRoundedUp) {
  EXPECT_EQ(duration_text(0), "0 s");
  EXPECT_EQ(duration_text(12.1), "13 s");
  EXPECT_EQ(duration_text(60), "1 min");
  EXPECT_EQ(duration_text(250), "4 min 10 s");
  EXPECT_EQ(duration_text(7500), "2 h 5 min");
  EXPECT_EQ(duration_text(-5), "0 s");
}

TEST(Assignments, AreTextsUnlessTheySayJson) {
  EXPECT_EQ(parse_assignment("phone=0123"), Assignment("phone", "0123"));
  EXPECT_EQ(parse_assignment("note=a=b"), Assignment("note", "a=b"));
  EXPECT_EQ(parse_assignment("city="), Assignment("city", ""));
  EXPECT_EQ(parse_assignment("score:=7"), Assignment("score", 7));
  EXPECT_EQ(parse_assignment("city:=null"), Assignment("city", nullptr));
  EXPECT_FALSE(parse_assignment("city"));
  EXPECT_FALSE(parse_assignment("=x"));
  EXPECT_FALSE(parse_assignment("city:=nope"));
}

TEST(FieldAnswers, ChooseASideOrGiveAValue) {
  EXPECT_EQ(parse_field_answer("name=legacy"), Assignment("name", "legacy"));
  EXPECT_EQ(parse_field_answer("*=modern"), Assignment("*", "modern"));
  EXPECT_EQ(parse_field_answer("name=ACME"), Assignment("name", Json{{"value", "ACME"}}));
  EXPECT_EQ(parse_field_answer("name:=\"legacy\""), Assignment("name", Json{{"value", "legacy"}}));
  EXPECT_EQ(parse_field_answer("note=x=legacy"), Assignment("note", Json{{"value", "x=legacy"}}));
  EXPECT_FALSE(parse_field_answer("legacy"));
}

}  // namespace
}  // namespace banyan::app
