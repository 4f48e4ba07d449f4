// The conformance suite of the port LegacySystem: what the sync engine relies on, as tests that every implementation
// runs against a real system.
//
//   class MyWorld final : public World { ... };   // default-constructible
//   INSTANTIATE_TYPED_TEST_SUITE_P(MySystem, LegacyConformance, MyWorld);
//
// Records of other tests and of the system's own are left alone, so any data may be there before.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/clock.hpp"
#include "tests/integration/legacy_conformance_fixture.hpp"

namespace banyan::legacy::conformance {

TYPED_TEST_SUITE_P(LegacyConformance);

// ---- scan

TYPED_TEST_P(LegacyConformance, ScanGivesEveryRecordOnce) {
  std::set<std::string> expected;
  for (int i = 0; i < 7; ++i) expected.insert(this->staff_create(this->unique_text()));
  std::multiset<std::string> seen;
  std::string position;
  for (bool more = true; more;) {
    const Page page = this->get(this->ours().scan(this->type(), position, 3, soon()));
    EXPECT_LE(page.records.size(), 3U);
    for (const auto& record : page.records) seen.insert(record.id);
    position = page.next.id;
    more = page.more;
  }
  EXPECT_THAT(seen, IsSupersetOf(expected));
  EXPECT_EQ(seen.size(), std::set<std::string>(seen.begin(), seen.end()).size()) << "a record came twice";
}

TYPED_TEST_P(LegacyConformance, ScanLeavesOutNothingWhileRecordsComeAndGo) {
  std::vector<std::string> stay;
  std::vector<std::string> go;
  for (int i = 0; i < 12; ++i) (i % 3 == 0 ? go : stay).push_back(this->staff_create(this->unique_text()));
  std::multiset<std::string> seen;
  std::string position;
  for (bool more = true; more;) {
    const Page page = this->get(this->ours().scan(this->type(), position, 10, soon()));
    for (const auto& record : page.records) seen.insert(record.id);
    position = page.next.id;
    more = page.more;
    const auto gone = std::find_if(go.begin(), go.end(), [&](const auto& id) { return seen.count(id) != 0; });
    if (gone != go.end()) {
      this->get(this->staff().remove(this->type(), *gone, "", soon()).map([] { return 0; }));
      go.erase(gone);
      if (seen.size() < 1000) this->staff_create(this->unique_text());
    }
  }
  for (const auto& id : stay) EXPECT_EQ(seen.count(id), 1U) << id;
}

TYPED_TEST_P(LegacyConformance, ScanAndFetchGiveTheSameRecord) {
  const std::string text = this->unique_text();
  const std::string id = this->staff_create(text);
  std::string position;
  for (bool more = true; more;) {
    const Page page = this->get(this->ours().scan(this->type(), position, 10, soon()));
    for (const auto& record : page.records) {
      if (record.id != id) continue;
      const LegacyRecord fetched = this->fetch(id);
      EXPECT_EQ(record.fields, fetched.fields);
      EXPECT_EQ(record.version, fetched.version);
      EXPECT_EQ(record.stamp, fetched.stamp);
      return;
    }
    position = page.next.id;
    more = page.more;
  }
  FAIL() << "the record was not in the scan";
}

// ---- feed

TYPED_TEST_P(LegacyConformance, AWriteAppearsInTheFeedOnce) {
  if (!this->has_feed()) GTEST_SKIP() << "no feed";
  const std::string id = this->staff_create(this->unique_text());
  const Cursor end = this->end_of_feed();
  EXPECT_TRUE(this->changes_after(end, 10).empty());
  const std::string text = this->unique_text();
  this->staff_update(id, text);
  const auto found = this->changes_after(end, 10);
  ASSERT_EQ(this->ids_of(found), std::vector<std::string>{id});
  EXPECT_EQ(found[0].fields[this->text_field()], text);
  EXPECT_TRUE(this->changes_after(found[0].cursor, 10).empty()) << "the cursor itself is left out";
}

TYPED_TEST_P(LegacyConformance, CreatesAndEditsComeInOneOrder) {
  if (!this->has_feed()) GTEST_SKIP() << "no feed";
  const std::string first = this->staff_create(this->unique_text());
  const Cursor end = this->end_of_feed();
  std::vector<std::string> expected;
  for (int i = 0; i < 5; ++i) expected.push_back(this->staff_create(this->unique_text()));
  this->staff_update(first, this->unique_text());
  expected.push_back(first);
  this->staff_update(expected[1], this->unique_text());  // moves from its place to the end
  std::rotate(expected.begin() + 1, expected.begin() + 2, expected.end());
  const auto sorted = [](std::vector<std::string> ids) {
    std::sort(ids.begin(), ids.end());
    return ids;
  };
  for (const std::size_t limit : {1U, 2U, 3U, 10U}) {
    const auto found = this->ids_of(this->changes_after(end, limit));
    if (this->capabilities().stamp_precision <= milliseconds(1)) {
      EXPECT_EQ(found, expected) << "pages of " << limit;
    } else {
      EXPECT_EQ(sorted(found), sorted(expected)) << "pages of " << limit;
    }
  }
}

TYPED_TEST_P(LegacyConformance, MassTiesOfOneStampLoseNoRow) {
  if (!this->has_feed()) GTEST_SKIP() << "no feed";
  const Cursor end = this->end_of_feed();
  auto expected = this->world().create_together(25);
  std::sort(expected.begin(), expected.end());
  for (const std::size_t limit : {1U, 3U, 10U}) {
    auto found = this->changes_after(end, limit);
    for (const auto& record : found) EXPECT_EQ(record.stamp, found.front().stamp);
    auto ids = this->ids_of(found);
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(ids, expected) << "pages of " << limit;
  }
}

TYPED_TEST_P(LegacyConformance, WhatIsWrittenFromHereOnComesAfterIt) {
  if (!this->has_feed()) GTEST_SKIP() << "no feed";
  const std::string edited = this->staff_create(this->unique_text());
  const Cursor here = this->get(this->ours().here(this->type(), soon()));
  const std::string created = this->staff_create(this->unique_text());
  this->staff_update(edited, this->unique_text());
  EXPECT_THAT(this->ids_of(this->changes_after(here, 10)), IsSupersetOf({created, edited}));
}

TYPED_TEST_P(LegacyConformance, DistancesOfUnequalCursorsAreNeverZero) {
  if (!this->has_feed()) GTEST_SKIP() << "no feed";
  const Cursor end = this->end_of_feed();
  this->world().create_together(3);
  const auto found = this->changes_after(end, 10);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_GE(this->ours().distance(this->type(), found[1].cursor, found[0].cursor), milliseconds(1));
  EXPECT_LE(this->ours().distance(this->type(), found[0].cursor, found[1].cursor), milliseconds(-1));
}

TYPED_TEST_P(LegacyConformance, AnOverlapReadsAgainWhatLiesWithinIt) {
  if (!this->has_feed()) GTEST_SKIP() << "no feed";
  const std::string id = this->staff_create(this->unique_text());
  const Cursor end = this->end_of_feed();
  const Cursor earlier = this->ours().rewind(this->type(), end, milliseconds(60'000));
  EXPECT_THAT(this->ids_of(this->changes_after(earlier, 10)), Contains(id));
  EXPECT_EQ(this->ours().distance(this->type(), end, earlier), milliseconds(60'000));
  EXPECT_EQ(this->ours().distance(this->type(), earlier, end), milliseconds(-60'000));
  EXPECT_EQ(this->ours().distance(this->type(), end, end), milliseconds(0));
  EXPECT_EQ(this->ours().distance(this->type(), end, Cursor{}), milliseconds(0));
  const Cursor none = this->ours().rewind(this->type(), Cursor{}, milliseconds(60'000));
  EXPECT_EQ(none, Cursor{});
}

TYPED_TEST_P(LegacyConformance, RewoundByNothingTheTiesOfTheStampComeAgain) {
  if (!this->has_feed()) GTEST_SKIP() << "no feed";
  const auto expected = this->world().create_together(3);
  const Cursor end = this->end_of_feed();
  const Cursor again = this->ours().rewind(this->type(), end, milliseconds(0));
  EXPECT_THAT(this->ids_of(this->changes_after(again, 10)), IsSupersetOf(expected));
}

TYPED_TEST_P(LegacyConformance, ArchivedRecordsStayInSight) {
  const std::string id = this->staff_create(this->unique_text());
  const Cursor end = this->has_feed() ? this->end_of_feed() : Cursor{};
  if (!this->world().archive(id)) GTEST_SKIP() << "the system archives nothing";
  EXPECT_TRUE(this->exists(id));
  if (this->has_feed()) {
    EXPECT_THAT(this->ids_of(this->changes_after(end, 10)), Contains(id));
  }
}

TYPED_TEST_P(LegacyConformance, TheAuthorIsKnownWhereTheSystemSaysSo) {
  if (!this->capabilities().sees_author) GTEST_SKIP() << "the system does not say";
  const std::string id = this->create(this->unique_text()).id;
  EXPECT_TRUE(this->fetch(id).by_us);
  this->staff_update(id, this->unique_text());
  EXPECT_FALSE(this->fetch(id).by_us);
  EXPECT_FALSE(this->fetch(this->staff_create(this->unique_text())).by_us);
}

// ---- fetch

TYPED_TEST_P(LegacyConformance, FetchGivesThoseThatExist) {
  const std::string a = this->staff_create(this->unique_text());
  const std::string b = this->staff_create(this->unique_text());
  const std::vector<std::string> ids{a, this->world().absent_id(), b};
  auto found = this->ids_of(this->get(this->ours().fetch(this->type(), ids, soon())));
  EXPECT_THAT(found, testing::UnorderedElementsAre(a, b));
  EXPECT_TRUE(this->get(this->ours().fetch(this->type(), {}, soon())).empty());
}

TYPED_TEST_P(LegacyConformance, FetchTakesMoreThanAPage) {
  const auto ids = this->world().create_together(23);
  EXPECT_THAT(this->ids_of(this->get(this->ours().fetch(this->type(), ids, soon()))),
              testing::UnorderedElementsAreArray(ids));
}

TYPED_TEST_P(LegacyConformance, TextsComeBackAsTheyWere) {
  const std::string text = this->unique_text() + " Zoë \"字\" \\ <b>&amp; '%_ 😀";
  const Written written = this->create(text);
  EXPECT_EQ(this->fetch(written.id).fields[this->text_field()], text);
}

// ---- writes

TYPED_TEST_P(LegacyConformance, CreateTellsWhatItLeft) {
  const std::string text = this->unique_text();
  const Written written = this->create(text);
  const LegacyRecord now = this->fetch(written.id);
  EXPECT_EQ(now.fields[this->text_field()], text);
  EXPECT_FALSE(now.deleted);
  if (!written.version.empty()) {
    EXPECT_EQ(written.version, now.version);
  }
  if (written.record) {
    EXPECT_EQ(written.record->fields, now.fields);
  }
}

TYPED_TEST_P(LegacyConformance, UpdateTouchesOnlyTheFieldsGiven) {
  const std::string text = this->unique_text();
  const std::string id = this->create(this->unique_text()).id;
  const LegacyRecord before = this->fetch(id);
  const Written written = this->get(this->update(id, Json{{this->text_field(), text}}, before.version));
  const LegacyRecord after = this->fetch(id);
  EXPECT_EQ(after.fields[this->text_field()], text);
  Json untouched = before.fields;
  untouched[this->text_field()] = text;
  EXPECT_EQ(after.fields[this->world().other_field()], untouched[this->world().other_field()]);
  if (!before.version.empty()) {
    EXPECT_NE(after.version, before.version);
  }
  if (!written.version.empty()) {
    EXPECT_EQ(written.version, after.version);
  }
  if (written.record) {
    EXPECT_EQ(written.record->fields, after.fields);
  }
}

TYPED_TEST_P(LegacyConformance, NullClearsAField) {
  const std::string id = this->create(this->unique_text()).id;
  const std::string field = this->world().other_field();
  ASSERT_FALSE(this->is_blank(this->fetch(id).fields[field]));
  this->get(this->update(id, Json{{field, nullptr}}, this->fetch(id).version));
  EXPECT_TRUE(this->is_blank(this->fetch(id).fields[field]));
}

TYPED_TEST_P(LegacyConformance, AStaleUpdateIsRefusedAndChangesNothing) {
  if (this->capabilities().compare_and_set == CompareAndSet::none) GTEST_SKIP() << "no compare-and-set";
  const std::string id = this->create(this->unique_text()).id;
  const std::string seen = this->fetch(id).version;
  const std::string by_staff = this->unique_text();
  this->staff_update(id, by_staff);
  EXPECT_EQ(this->kind_of(this->update(id, Json{{this->text_field(), "lost"}}, seen)), Kind::stale);
  EXPECT_EQ(this->fetch(id).fields[this->text_field()], by_staff);
  EXPECT_EQ(this->kind_of(this->ours().remove(this->type(), id, seen, soon())), Kind::stale);
  EXPECT_TRUE(this->exists(id));
}

TYPED_TEST_P(LegacyConformance, OfTwoWritesOnOneVersionOneWins) {
  if (this->capabilities().compare_and_set == CompareAndSet::none) GTEST_SKIP() << "no compare-and-set";
  const std::string id = this->create(this->unique_text()).id;
  for (int round = 0; round < 5; ++round) {
    const LegacyRecord before = this->fetch(id);
    const std::string field = this->text_field();
    Answer<Written> answers[2];
    const auto write = [&](LegacySystem& system, int which) {
      const Json fields{{field, this->unique_text() + " by " + std::to_string(which)}};
      Json whole = before.fields;
      whole.update(fields);
      answers[which] = system.update(this->type(), id, fields, whole, before.version, soon());
    };
    std::thread other([&] { write(this->staff(), 1); });
    write(this->ours(), 0);
    other.join();
    ASSERT_NE(answers[0].has_value(), answers[1].has_value());
    EXPECT_EQ(this->kind_of(answers[0] ? answers[1] : answers[0]), Kind::stale);
    const std::string winner = answers[0] ? " by 0" : " by 1";
    EXPECT_THAT(this->fetch(id).fields[field].template get<std::string>(), testing::HasSubstr(winner));
  }
}

TYPED_TEST_P(LegacyConformance, VersionsChainFromWriteToWrite) {
  if (this->capabilities().compare_and_set == CompareAndSet::none) GTEST_SKIP() << "no compare-and-set";
  Written written = this->create(this->unique_text());
  for (int i = 0; i < 3; ++i) {
    const std::string version = written.version.empty() ? this->fetch(written.id).version : written.version;
    written = this->get(this->update(written.id, Json{{this->text_field(), this->unique_text()}}, version));
  }
}

TYPED_TEST_P(LegacyConformance, WritesToWhatIsGoneAreMissing) {
  const std::string id = this->create(this->unique_text()).id;
  const LegacyRecord before = this->fetch(id);
  ASSERT_TRUE(this->ours().remove(this->type(), id, before.version, soon()));
  EXPECT_FALSE(this->exists(id));
  const auto update = this->ours().update(this->type(), id, Json{{this->text_field(), "x"}}, before.fields, "", soon());
  EXPECT_EQ(this->kind_of(update), Kind::missing);
  EXPECT_EQ(this->kind_of(this->ours().remove(this->type(), id, "", soon())), Kind::missing);
}

TYPED_TEST_P(LegacyConformance, DeletesAreListedWhereTheSystemSaysSo) {
  const Cursor end = this->has_feed() ? this->end_of_feed() : Cursor{};
  const std::string id = this->staff_create(this->unique_text());
  ASSERT_TRUE(this->staff().remove(this->type(), id, "", soon()));
  const auto deleted = this->get(this->ours().deleted_since(this->type(), end, soon()));
  if (this->capabilities().deletes == DeleteVisibility::history) {
    EXPECT_THAT(deleted, Contains(id));
  } else {
    EXPECT_TRUE(deleted.empty());
  }
}

TYPED_TEST_P(LegacyConformance, RefusedValuesAreRejectedAndLeaveNothing) {
  const CreateMark mark = this->mark();
  const auto refused = this->ours().create(this->type(), this->world().refused_record(), mark, soon());
  EXPECT_EQ(this->kind_of(refused), Kind::rejected);
}

// ---- lost and broken answers

TYPED_TEST_P(LegacyConformance, ACreateWithoutAnAnswerCanBeFound) {
  for (const Fault fault : {Fault::lost_answer, Fault::cut_answer, Fault::html, Fault::other_json}) {
    const CreateMark mark = this->mark();
    const std::string text = this->unique_text();
    this->world().disturb_next_write(fault);
    const auto lost = this->ours().create(this->type(), this->world().new_record(text), mark, soon());
    EXPECT_EQ(this->kind_of(lost), Kind::unknown) << static_cast<int>(fault);
    const auto found = this->with_text(this->get(this->ours().find(this->type(), mark, soon())), text);
    ASSERT_EQ(found.size(), 1U) << static_cast<int>(fault);
    EXPECT_TRUE(this->exists(found[0].id));
  }
}

TYPED_TEST_P(LegacyConformance, ACreateThatNeverArrivedIsNotFound) {
  const CreateMark mark = this->mark();
  const std::string text = this->unique_text();
  this->world().disturb_next_write(Fault::lost_request);
  const auto lost = this->ours().create(this->type(), this->world().new_record(text), mark, soon());
  EXPECT_THAT(this->kind_of(lost), AnyOf(Kind::unknown, Kind::unavailable));
  EXPECT_TRUE(this->with_text(this->get(this->ours().find(this->type(), mark, soon())), text).empty());
}

TYPED_TEST_P(LegacyConformance, WhatStaffCreateIsNotFoundAsOurs) {
  if (this->capabilities().create_identity != CreateIdentity::search) GTEST_SKIP() << "found by a key";
  if (!this->capabilities().sees_author) GTEST_SKIP() << "the system does not say who wrote";
  const CreateMark mark = this->mark();
  const std::string text = this->unique_text();
  this->staff_create(text);
  EXPECT_TRUE(this->with_text(this->get(this->ours().find(this->type(), mark, soon())), text).empty());
}

TYPED_TEST_P(LegacyConformance, ABrokenAnswerIsNoAbsence) {
  const std::string id = this->staff_create(this->unique_text());
  const std::vector<std::string> ids{id};
  this->exists(id);
  for (const Fault fault : {Fault::html, Fault::other_json}) {
    // Who asks once more by itself, and then understands, is right too.
    this->world().disturb_next_read(fault);
    const auto fetched = this->ours().fetch(this->type(), ids, soon());
    EXPECT_TRUE(fetched ? fetched->size() == 1 : this->kind_of(fetched) == Kind::malformed) << static_cast<int>(fault);
    this->world().disturb_next_read(fault);
    const auto scanned = this->ours().scan(this->type(), "", 10, soon());
    EXPECT_TRUE(scanned ? !scanned->records.empty() : this->kind_of(scanned) == Kind::malformed)
        << static_cast<int>(fault);
  }
  for (const Fault fault : {Fault::lost_request, Fault::lost_answer, Fault::cut_answer}) {
    this->world().disturb_next_read(fault);
    EXPECT_EQ(this->kind_of(this->ours().fetch(this->type(), ids, soon())), Kind::unavailable)
        << static_cast<int>(fault);
  }
  EXPECT_TRUE(this->exists(id)) << "the next call is not disturbed";
}

TYPED_TEST_P(LegacyConformance, TheDeadlineEndsACall) {
  const std::string id = this->staff_create(this->unique_text());
  const std::vector<std::string> ids{id};
  this->exists(id);
  EXPECT_EQ(this->kind_of(this->ours().fetch(this->type(), ids, in(milliseconds(-1)))), Kind::deadline);
  this->world().disturb_next_read(Fault::silence);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(this->kind_of(this->ours().fetch(this->type(), ids, in(milliseconds(300)))), Kind::deadline);
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(5'000));
}

TYPED_TEST_P(LegacyConformance, AWriteAtTheDeadlineIsNotReportedAsDoneOrUndone) {
  const std::string id = this->create(this->unique_text()).id;
  this->fetch(id);
  const LegacyRecord before = this->fetch(id);
  this->world().disturb_next_write(Fault::silence);
  const auto late = this->ours().update(this->type(), id, Json{{this->text_field(), "late"}}, before.fields,
                                        before.version, in(milliseconds(300)));
  EXPECT_THAT(this->kind_of(late), AnyOf(Kind::deadline, Kind::unknown));
}

// ---- the rest

TYPED_TEST_P(LegacyConformance, TheFieldsAreDescribed) {
  std::map<std::string, FieldDescription> described;
  for (auto& field : this->get(this->ours().describe(this->type(), soon()))) described[field.name] = field;
  ASSERT_EQ(described.count(this->text_field()), 1U);
  EXPECT_EQ(described.count(this->world().other_field()), 1U);
  EXPECT_FALSE(described[this->text_field()].type.empty());
}

TYPED_TEST_P(LegacyConformance, TheClockIsTheOneOfTheStamps) {
  const WallTime before = this->get(this->ours().now(soon()));
  const LegacyRecord record = this->fetch(this->staff_create(this->unique_text()));
  const WallTime after = this->get(this->ours().now(soon()));
  if (!record.stamp) GTEST_SKIP() << "no stamps";
  EXPECT_LE(before, *record.stamp) << "a mark made from it would be too late";
  EXPECT_LE(*record.stamp, after + std::chrono::seconds(1));
}

TYPED_TEST_P(LegacyConformance, SeveralThreadsMayCall) {
  const auto ids = this->world().create_together(5);
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 5; ++n) {
        const auto found = this->ours().fetch(this->type(), ids, soon());
        if (found && found->size() == ids.size()) ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 20);
}

REGISTER_TYPED_TEST_SUITE_P(LegacyConformance, ScanGivesEveryRecordOnce, ScanLeavesOutNothingWhileRecordsComeAndGo,
                            ScanAndFetchGiveTheSameRecord, AWriteAppearsInTheFeedOnce, CreatesAndEditsComeInOneOrder,
                            MassTiesOfOneStampLoseNoRow, WhatIsWrittenFromHereOnComesAfterIt,
                            DistancesOfUnequalCursorsAreNeverZero, AnOverlapReadsAgainWhatLiesWithinIt,
                            RewoundByNothingTheTiesOfTheStampComeAgain, ArchivedRecordsStayInSight,
                            TheAuthorIsKnownWhereTheSystemSaysSo, FetchGivesThoseThatExist, FetchTakesMoreThanAPage,
                            TextsComeBackAsTheyWere, CreateTellsWhatItLeft, UpdateTouchesOnlyTheFieldsGiven,
                            NullClearsAField, AStaleUpdateIsRefusedAndChangesNothing, OfTwoWritesOnOneVersionOneWins,
                            VersionsChainFromWriteToWrite, WritesToWhatIsGoneAreMissing,
                            DeletesAreListedWhereTheSystemSaysSo, RefusedValuesAreRejectedAndLeaveNothing,
                            ACreateWithoutAnAnswerCanBeFound, ACreateThatNeverArrivedIsNotFound,
                            WhatStaffCreateIsNotFoundAsOurs, ABrokenAnswerIsNoAbsence, TheDeadlineEndsACall,
                            AWriteAtTheDeadlineIsNotReportedAsDoneOrUndone, TheFieldsAreDescribed,
                            TheClockIsTheOneOfTheStamps, SeveralThreadsMayCall);

}  // namespace banyan::legacy::conformance
