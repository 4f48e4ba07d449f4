// The bad habits of legacy REST systems, one test each: lists, change feeds, writes and children.
#include <set>

#include "tests/integration/rest_habits.hpp"

namespace banyan::legacy::rest {
namespace {

// ---- lists

TEST_F(RestHabits, AnEmptyListMayBeA404) {
  const std::string list =
      "{path: /contacts, empty: 404, paging: {style: page, position: page, limit: limit, size: 10}}";
  given({{"empty_is_404", true}}, {{"list", list}});
  EXPECT_THAT(scanned(), IsEmpty());
  EXPECT_THAT(changed({}), IsEmpty());
  many_rows(10);  // the page behind the last full one is a 404 too
  EXPECT_EQ(scanned().size(), 10U);
}

TEST_F(RestHabits, A404OfAListThatIsNotDeclaredEmptyIsNoAbsence) {
  given({{"empty_is_404", true}});
  const auto page = system().scan("contacts", "", 10, soon());
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, Kind::malformed);
  EXPECT_THAT(page.error().message, HasSubstr("status 404"));
}

TEST_F(RestHabits, EveryStyleOfPagingReachesEveryRow) {
  const std::map<std::string, std::string> styles{
      {"page", "{style: page, position: page, limit: limit, size: 4}"},
      {"offset", "{style: offset, position: offset, limit: limit, size: 4}"},
      {"cursor", "{style: cursor, position: c, limit: limit, size: 4, next: /next}"},
      {"link", "{style: link, limit: limit, size: 4}"},
  };
  for (const auto& [style, paging] : styles) {
    given({{"paging", style}, {"list_key", "data"}},
          {{"list", "{path: /contacts, items: /data, paging: " + paging + "}"}});
    many_rows(13);
    EXPECT_EQ(scanned(4), numbers(1, 13)) << style;
    EXPECT_EQ(ids_of(changed({}, 5)), numbers(1, 13)) << style;
  }
}

TEST_F(RestHabits, APageShorterThanAskedForIsNotTheLast) {
  given({{"clamp", 3}});
  many_rows(10);
  EXPECT_EQ(scanned(), numbers(1, 10));
  EXPECT_EQ(ids_of(changed({})), numbers(1, 10));
}

TEST_F(RestHabits, RowsThatSlideBackOverAPageAreNotLeftOut) {
  for (const std::string style : {"page", "offset"}) {
    const std::string list =
        "{path: /contacts, paging: {style: " + style + ", position: " + style + ", limit: limit, size: 5}}";
    given({{"paging", style}, {"vanish_after_list", 3}}, {{"list", list}});
    many_rows(30);
    const auto seen = scanned(5);
    const std::set<std::string> found(seen.begin(), seen.end());
    for (const Json& row : stored())
      EXPECT_EQ(found.count(std::to_string(row["id"].get<int>())), 1U) << style << row["id"];
  }
}

TEST_F(RestHabits, AListThatEndsAtItsCapIsAFailureAndNoEnd) {
  const std::string list = "{path: /contacts, paging: {style: page, position: page, limit: limit, size: 5, cap: 20}}";
  given({{"cap", 20}}, {{"list", list}});
  many_rows(30);
  std::string position;
  Answer<Page> page = Page{};
  for (page->more = true; page && page->more; position = page ? page->next.id : "") {
    page = system().scan("contacts", position, 5, soon());
  }
  ASSERT_FALSE(page);
  EXPECT_THAT(page.error().message, HasSubstr("cap of 20 rows"));
}

TEST_F(RestHabits, ACapIsNoMatterToAScanById) {
  const std::string list = "{path: /contacts, paging: {style: page, position: page, limit: limit, size: 5, cap: 20}}";
  given({{"cap", 20}}, {{"list", list}, {"scan_after", "{after: \"{id}\"}"}});
  many_rows(30);
  EXPECT_EQ(scanned(5), numbers(1, 30));
  EXPECT_EQ(scanned(3), numbers(1, 30));
}

// ---- change feeds

TEST_F(RestHabits, MoreTiesThanTheCapAreReadByIdInstead) {
  const std::string list = "{path: /contacts, paging: {style: page, position: page, limit: limit, size: 5, cap: 20}}";
  given({{"cap", 20}}, {{"list", list}, {"scan_after", "{after: \"{id}\"}"}});
  many_rows(33);  // all of one moment
  EXPECT_EQ(ids_of(changed({}, 7)), numbers(1, 33));
}

TEST_F(RestHabits, ATieQueryReadsEachTieOnce) {
  const std::string changes =
      "{query: {since: \"{stamp}\", sort: updated_at}, order: oldest_first, tie: {at: \"{stamp}\", after: \"{id}\"}}";
  given(Json::object(), {{"changes", changes}});
  many_rows(200);
  EXPECT_EQ(ids_of(changed({}, 10)), numbers(1, 200));
  EXPECT_LT(count_of("GET", "/contacts"), 100) << "a tie was read again and again";
}

TEST_F(RestHabits, MassTiesOfWholeSecondStampsLoseNoRow) {
  given({{"stamp", "seconds"}}, {{"stamp", "{at: /updated_at, time: iso, precision: 1s}"}, {"created", ""}});
  many_rows(25);
  for (const std::size_t limit : {1U, 4U, 10U, 100U}) EXPECT_EQ(ids_of(changed({}, limit)), numbers(1, 25)) << limit;
}

TEST_F(RestHabits, StampsOfEveryFormArePolled) {
  const std::map<std::string, std::string> forms{
      {"epoch", "{at: /updated_at, time: epoch, precision: 1s}"},
      {"epoch_ms", "{at: /updated_at, time: epoch_ms, precision: 1ms}"},
      {"local", "{at: /updated_at, time: \"%Y-%m-%d %H:%M:%S\", utc_offset: \"+02:00\", precision: 1s}"},
      {"seconds", "{at: /updated_at, time: iso, precision: 1s}"},
      {"iso", "{at: /updated_at, time: iso, precision: 1us}"},
  };
  for (const auto& [form, stamp] : forms) {
    given({{"stamp", form}}, {{"stamp", stamp}, {"created", ""}});
    rows({{{"name", "Old"}, {"_updated_at", 1'700'000'000'000'000}}, {{"name", "New"}}});
    const auto all = changed({});
    ASSERT_EQ(ids_of(all), numbers(1, 2)) << form;
    EXPECT_EQ(all[0].cursor.stamp, "2023-11-14T22:13:20.000000Z") << form;
    const auto age = std::chrono::system_clock::now() - all[1].stamp.value();
    EXPECT_LT(std::chrono::abs(age), 60s) << form;
    EXPECT_EQ(ids_of(changed(all[0].cursor)), numbers(2, 2)) << form;
    EXPECT_THAT(changed(all[1].cursor), IsEmpty()) << form;
  }
}

TEST_F(RestHabits, AFilterThatLeavesOutItsMomentIsAskedOneStepEarlier) {
  const std::string changes = "{query: {since: \"{stamp}\", sort: updated_at}, order: oldest_first, inclusive: false}";
  given({{"filter", "exclusive"}}, {{"changes", changes}});
  many_rows(15);  // all of one moment
  EXPECT_EQ(ids_of(changed({}, 4)), numbers(1, 15));
}

TEST_F(RestHabits, AFilterThatIsIgnoredLosesNothing) {
  given({{"filter", "ignored"}});
  many_rows(25);
  const auto all = changed({}, 6);
  EXPECT_EQ(ids_of(all), numbers(1, 25));
  EXPECT_EQ(ids_of(changed(all[9].cursor, 6)), numbers(11, 25));
}

TEST_F(RestHabits, RowsOutOfOrderAreRefusedWhereAnOrderWasPromised) {
  given({{"ignores_order", true}});
  rows({{{"name", "New"}}, {{"name", "Old"}, {"_updated_at", 1'700'000'000'000'000}}});
  const auto page = system().changes("contacts", {}, 10, soon());
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, Kind::malformed);
  EXPECT_THAT(page.error().message, HasSubstr("not in the order of their stamps"));
}

TEST_F(RestHabits, AnyOrderIsSortedWhereNoneWasPromised) {
  given({{"ignores_order", true}}, {{"changes", "{query: {since: \"{stamp}\"}, order: none}"}});
  rows({{{"name", "New"}}, {{"name", "Old"}, {"_updated_at", 1'700'000'000'000'000}}});
  many_rows(20);
  const auto all = changed({}, 3);
  ASSERT_EQ(all.size(), 22U);
  EXPECT_EQ(all[0].id, "2");
  EXPECT_EQ(all[1].id, "1");
}

TEST_F(RestHabits, AListOfTheNewestFirstIsReadOnlyAsFarAsNeeded) {
  given(Json::object(), {{"changes", "{query: {sort: -updated_at}, order: newest_first}"}});
  for (int i = 0; i < 60; ++i) rows({{{"name", "Row"}}});
  const auto all = changed({}, 60);
  ASSERT_EQ(ids_of(all), numbers(1, 60));
  ask(url_, "GET", "/_log");
  const int before = count_of("GET", "/contacts");
  EXPECT_EQ(ids_of(changed(all[56].cursor, 60)), numbers(58, 60));
  EXPECT_EQ(count_of("GET", "/contacts") - before, 1);
}

TEST_F(RestHabits, ALateRowIsFoundWithinTheOverlap) {
  given(Json::object());
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
  rows({{{"name", "First"}}});
  const Cursor end = changed({}).back().cursor;
  rows({{{"name", "Committed late"}, {"_updated_at", now.count() - 3'000'000}}});
  EXPECT_THAT(changed(end), IsEmpty());
  EXPECT_THAT(ids_of(changed(system().rewind("contacts", end, 5s))), ElementsAre("2", "1"));
}

TEST_F(RestHabits, ADeleteWithoutATraceIsSeenByScanning) {
  given(Json::object());
  many_rows(3);
  ask(url_, "POST", "/_remove", "[2]");
  EXPECT_EQ(system().capabilities("contacts").deletes, DeleteVisibility::sweep_only);
  EXPECT_THAT(scanned(), ElementsAre("1", "3"));
}

TEST_F(RestHabits, SoftDeletesComeThroughTheFeed) {
  given({{"soft_delete", true}}, {{"deleted", "{at: /is_deleted, is: \"true\"}"}});
  many_rows(2);
  ASSERT_TRUE(system().remove("contacts", "1", "", soon()));
  EXPECT_EQ(system().capabilities("contacts").deletes, DeleteVisibility::in_feed);
  const auto all = changed({});
  ASSERT_THAT(ids_of(all), ElementsAre("2", "1"));
  EXPECT_TRUE(all[1].deleted);
  EXPECT_THAT(scanned(), ElementsAre("2"));
  EXPECT_EQ(system().remove("contacts", "1", "", soon()).error().kind, Kind::missing);
}

TEST_F(RestHabits, ALogOfDeletesIsRead) {
  given(Json::object(), {{"delete_log", "{path: /deleted, query: {since: \"{stamp}\"}, id: /id}"}});
  many_rows(3);
  ASSERT_TRUE(system().remove("contacts", "2", "", soon()));
  EXPECT_EQ(system().capabilities("contacts").deletes, DeleteVisibility::history);
  EXPECT_THAT(get(system().deleted_since("contacts", {}, soon())), ElementsAre("2"));
}

// ---- creates

TEST_F(RestHabits, ANewIdComesBackInManyWays) {
  const std::map<std::string, std::string> ways{
      {"object", "/id"}, {"bare", "bare"}, {"bare_text", "bare"}, {"location", "location"}};
  for (const auto& [habit, id] : ways) {
    given({{"create_answer", habit}}, {{"create", "{path: /contacts, id: " + id + "}"}});
    many_rows(4);
    const Written written = get(create({{"name", "Anna"}}));
    EXPECT_EQ(written.id, "5") << habit;
    ASSERT_TRUE(written.record) << habit;
    EXPECT_EQ(written.record->fields["name"], "Anna") << habit;
  }
}

TEST_F(RestHabits, ACreateWithoutAnIdInTheAnswerIsUnknownAndCanBeFound) {
  given({{"create_answer", "nothing"}});
  const auto lost = create({{"name", "Anna"}});
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind, Kind::unknown);
  EXPECT_THAT(ids_of(get(system().find("contacts", mark(), soon()))), ElementsAre("1"));
}

TEST_F(RestHabits, ADuplicateMayBeA500WithAText) {
  const Parts parts{{"create", "{path: /contacts, id: /id, duplicate: {status: 500, text: duplicate key}}"},
                    {"external_key", "{at: /ext_ref, value: \"banyan:{record}\", query: {ext_ref: \"{key}\"}}"}};
  given({{"duplicate_is_500", true}}, parts);
  get(create({{"name", "Anna"}}));
  const auto again = create({{"name", "Anna"}});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, Kind::duplicate);
  EXPECT_THAT(ids_of(get(system().find("contacts", mark(), soon()))), ElementsAre("1"));
}

TEST_F(RestHabits, ACreateThatBreaksTheServerMayHaveHappened) {
  given(Json::object());
  fault("POST", "/contacts", "error_500");
  EXPECT_EQ(create({{"name", "Anna"}}).error().kind, Kind::unknown);
}

TEST_F(RestHabits, AnExternalKeyThatIsNotUniqueGivesAllThatHoldIt) {
  given(Json::object(), {{"external_key", "{at: /ext_ref, value: \"{record}\", query: {ext_ref: \"{key}\"}}"}});
  get(create({{"name", "Anna"}}));
  get(create({{"name", "Anna again"}}));
  many_rows(3);
  EXPECT_THAT(ids_of(get(system().find("contacts", mark(), soon()))), ElementsAre("1", "2"));
}

TEST_F(RestHabits, AnUnknownFilterThatGivesEverythingFindsNothingForeign) {
  given(Json::object(), {{"external_key", "{at: /ext_ref, value: \"{record}\", query: {no_such_filter: \"{key}\"}}"}});
  many_rows(3);
  const std::string id = get(create({{"name", "Anna"}})).id;
  EXPECT_THAT(ids_of(get(system().find("contacts", mark(), soon()))), ElementsAre(id));
  EXPECT_THAT(get(system().find("contacts", mark("0192f0c1-0000-7000-8000-00000000ffff"), soon())), IsEmpty());
}

// ---- updates

TEST_F(RestHabits, AWholeObjectUpdateKeepsWhatWeDoNotKnow) {
  given({{"whole_object_only", true}},
        {{"update", "{path: \"/contacts/{id}\", whole: true, drop: [/created_at, /updated_at]}"}});
  rows({{{"name", "Anna"}, {"phone", "1"}, {"secret_score", 12.50}, {"tags", {"a"}}}});
  const Written written = get(update("1", {{"phone", "2"}}, fetch("1").version));
  EXPECT_EQ(written.record->fields["phone"], "2");
  const Json row = stored()[0];
  EXPECT_EQ(row["name"], "Anna");
  EXPECT_EQ(row["secret_score"], 12.5);
  EXPECT_EQ(row["tags"], Json::array({"a"}));
  const Json body =
      Json::parse(log().back()["method"] == "GET" ? log()[log().size() - 2]["body"].get<std::string>() : "{}");
  EXPECT_FALSE(body.contains("created_at"));
}

TEST_F(RestHabits, WithoutVersionsAnEditIsSeenByReadingBeforeWriting) {
  given({{"whole_object_only", true}}, {{"update", "{path: \"/contacts/{id}\", whole: true}"}});
  many_rows(1);
  const std::string seen = fetch("1").version;
  get(update("1", {{"name", "Staff"}}));
  EXPECT_EQ(system().capabilities("contacts").compare_and_set, CompareAndSet::none);
  EXPECT_EQ(update("1", {{"phone", "1"}}, seen).error().kind, Kind::stale);
  EXPECT_EQ(system().remove("contacts", "1", seen, soon()).error().kind, Kind::stale);
  EXPECT_EQ(fetch("1").fields["name"], "Staff");
}

TEST_F(RestHabits, AVersionHeaderClosesTheWindowBetweenReadingAndWriting) {
  given({{"etag", true}}, {{"version", "{header: ETag}"}});
  many_rows(1);
  const LegacyRecord listed = get(system().scan("contacts", "", 10, soon())).records.at(0);
  const LegacyRecord fetched = fetch("1");
  EXPECT_EQ(listed.version, fetched.version) << "lists do not hold the header";
  get(update("1", {{"name", "Ours"}}, listed.version));
  EXPECT_EQ(log()[log().size() - 2]["headers"]["if-match"], "\"v1\"");
  EXPECT_EQ(update("1", {{"name", "Late"}}, listed.version).error().kind, Kind::stale);
  fault("PATCH", "/contacts/1", "limited");
  EXPECT_EQ(update("1", {{"name", "Later"}}, fetch("1").version).error().kind, Kind::rate_limited);
}

TEST_F(RestHabits, AVersionInTheRecordTravelsWithTheUpdate) {
  given({{"version_field", true}}, {{"version", "{at: /version}"}});
  many_rows(1);
  EXPECT_EQ(fetch("1").version, "1");
  EXPECT_EQ(get(update("1", {{"name", "Ours"}}, "1")).version, "2");
  EXPECT_EQ(update("1", {{"name", "Late"}}, "1").error().kind, Kind::stale);
  EXPECT_EQ(fetch("1").fields["name"], "Ours");
}

TEST_F(RestHabits, ValuesThatTheServerRewritesAreTold) {
  given({{"rewrite", true}});
  const Written written = get(create({{"name", " Anna "}, {"phone", "+41 44 123"}}));
  EXPECT_EQ(written.record->fields["name"], "Anna");
  EXPECT_EQ(written.record->fields["phone"], "+4144123");
  EXPECT_EQ(get(update(written.id, {{"phone", "0 1"}})).record->fields["phone"], "01");
}

TEST_F(RestHabits, FieldsThatTheServerIgnoresAreSeenToBeUnchanged) {
  given({{"ignore", {"note"}}});
  const Written written = get(create({{"name", "Anna"}, {"note", "hello"}}));
  EXPECT_FALSE(written.record->fields.contains("note"));
}

TEST_F(RestHabits, NumbersAsTextsKeepTheirDigits) {
  given({{"numbers_as_text", true}},
        {{"fields", "{name: {type: text}, amount: {type: decimal, as_text: true}, note: {}}"}});
  const Written written = get(create({{"name", "Anna"}, {"amount", "12345678901234567.89"}}));
  EXPECT_EQ(written.record->fields["amount"], "12345678901234567.89");
  EXPECT_EQ(stored()[0]["amount"], "12345678901234567.89");
}

// ---- children

TEST_F(RestHabits, ChildrenAreReadAndWrittenThroughTheirParent) {
  const std::string points =
      "  points:\n"
      "    id: {at: /id, form: number}\n"
      "    parent: {type: contacts, items: /points, field: contact}\n"
      "    fields: {kind: {type: text}, value: {type: text}}\n";
  for (const bool whole : {false, true}) {
    const std::string update_part = whole ? "{path: \"/contacts/{id}\", whole: true}" : "{path: \"/contacts/{id}\"}";
    given({{"etag", true}}, {{"top.more_types", points}, {"version", "{header: ETag}"}, {"update", update_part}});
    rows({{{"name", "Anna"}, {"points", {{{"kind", "phone"}, {"value", "1"}}, {{"kind", "mail"}, {"value", "a@b"}}}}},
          {{"name", "Bert"}}});
    const Page page = get(system().scan("points", "", 10, soon()));
    ASSERT_THAT(ids_of(page.records), ElementsAre("1/1000", "1/1001"));
    EXPECT_EQ(page.records[0].fields, Json({{"contact", 1}, {"kind", "phone"}, {"value", "1"}}));

    const Written made =
        get(system().create("points", {{"contact", 2}, {"kind", "fax"}, {"value", "9"}}, mark(), soon()));
    EXPECT_EQ(made.id, "2/2001");
    const LegacyRecord seen = fetch("1/1000", "points");
    get(system().update("points", "1/1000", {{"value", "2"}}, {}, seen.version, soon()));
    EXPECT_EQ(fetch("1/1000", "points").fields["value"], "2");
    EXPECT_EQ(fetch("1/1001", "points").fields["value"], "a@b");
    EXPECT_EQ(fetch("1").fields["name"], "Anna");
    EXPECT_EQ(system().update("points", "1/1000", {{"value", "3"}}, {}, seen.version, soon()).error().kind,
              Kind::stale);
    ASSERT_TRUE(system().remove("points", "1/1001", "", soon()));
    EXPECT_THAT(get(system().fetch("points", std::vector<std::string>{"1/1001"}, soon())), IsEmpty());
    const Page feed = get(system().changes("points", {}, 10, soon()));
    EXPECT_THAT(ids_of(feed.records), ElementsAre("2/2001", "1/1000"));
  }
}

// ---- what is known of the fields

TEST_F(RestHabits, WithoutDeclaredFieldsNothingIsDescribedWhateverTheRowsHold) {
  given(Json::object(), {{"fields", ""}});
  EXPECT_TRUE(get(system().describe("contacts", soon())).empty());
  rows({{{"name", nullptr}}, {{"name", "Anna"}, {"more", 1}}});
  EXPECT_TRUE(get(system().describe("contacts", soon())).empty());
  EXPECT_FALSE(system().capabilities("contacts").describes_itself);
}

TEST_F(RestHabits, DeclaredFieldsAreDescribedAsDeclaredWhateverTheRowsHold) {
  given(Json::object(), {{"fields", "{name: {type: text, required: true}, amount: {type: decimal}}"}});
  const auto before = get(system().describe("contacts", soon()));
  ASSERT_EQ(before.size(), 2U);
  rows({{{"name", 7}, {"amount", "much"}}});
  const auto after = get(system().describe("contacts", soon()));
  ASSERT_EQ(after.size(), 2U);
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].name, before[i].name);
    EXPECT_EQ(after[i].type, before[i].type);
    EXPECT_EQ(after[i].required, before[i].required);
  }
}

}  // namespace
}  // namespace banyan::legacy::rest
