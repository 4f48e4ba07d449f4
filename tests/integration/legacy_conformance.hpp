// The conformance suite of the port LegacySystem: what the sync engine relies on, as tests that every implementation
// runs against a real system.
//
//   class MyWorld final : public World { ... };   // default-constructible
//   INSTANTIATE_TYPED_TEST_SUITE_P(MySystem, LegacyConformance, MyWorld);
//   INSTANTIATE_TYPED_TEST_SUITE_P(MySystem, ConformanceWithFeed, MyWorld);
//
// and so on for each of its capabilities (legacy_conformance_capabilities.hpp); one that is forgotten fails.
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
#include "tests/integration/legacy_conformance_capabilities.hpp"
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
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(60'000));
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

// ---- which rules are run

TYPED_TEST_P(LegacyConformance, TheRulesOfItsCapabilitiesAreRunAndNoOthers) {
  const std::string own = testing::UnitTest::GetInstance()->current_test_suite()->name();
  const Capabilities& can = this->capabilities();
  const bool searches = can.create_identity == CreateIdentity::search;
  const std::map<std::string, bool> expected{
      {"ConformanceWithFeed", this->has_feed()},
      {"ConformanceWithoutFeed", !this->has_feed()},
      {"ConformanceWithArchive", this->world().archives()},
      {"ConformanceWithAuthor", can.sees_author},
      {"ConformanceWithoutAuthor", !can.sees_author},
      {"ConformanceWithCompareAndSet", can.compare_and_set == CompareAndSet::version},
      {"ConformanceWithoutCompareAndSet", can.compare_and_set == CompareAndSet::none},
      {"ConformanceOfSearchByAuthor", searches && can.sees_author},
      {"ConformanceOfSearchWithoutAuthor", searches && !can.sees_author},
      {"ConformanceOfKeys", !searches},
  };
  for (const auto& [rules, are_run] : expected) {
    EXPECT_EQ(is_run(own.substr(0, own.find('/') + 1) + rules + "/0"), are_run) << rules;
  }
}

REGISTER_TYPED_TEST_SUITE_P(LegacyConformance, ScanGivesEveryRecordOnce, ScanLeavesOutNothingWhileRecordsComeAndGo,
                            ScanAndFetchGiveTheSameRecord, FetchGivesThoseThatExist, FetchTakesMoreThanAPage,
                            TextsComeBackAsTheyWere, CreateTellsWhatItLeft, UpdateTouchesOnlyTheFieldsGiven,
                            NullClearsAField, WritesToWhatIsGoneAreMissing, DeletesAreListedWhereTheSystemSaysSo,
                            RefusedValuesAreRejectedAndLeaveNothing, ACreateWithoutAnAnswerCanBeFound,
                            ACreateThatNeverArrivedIsNotFound, ABrokenAnswerIsNoAbsence, TheDeadlineEndsACall,
                            AWriteAtTheDeadlineIsNotReportedAsDoneOrUndone, TheFieldsAreDescribed,
                            SeveralThreadsMayCall, TheRulesOfItsCapabilitiesAreRunAndNoOthers);

}  // namespace banyan::legacy::conformance
