// The rules of the port that hold only for systems which can do a certain thing, and those that hold where they cannot.
// One suite per capability: a system is given to those of its capabilities, and to no other; the suite that all systems
// run checks that.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/legacy_conformance_fixture.hpp"

namespace banyan::legacy::conformance {

// ---- Feed::poll and Feed::log

template <typename WorldType>
class ConformanceWithFeed : public LegacyConformance<WorldType> {};
TYPED_TEST_SUITE_P(ConformanceWithFeed);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ConformanceWithFeed);

TYPED_TEST_P(ConformanceWithFeed, AWriteAppearsInTheFeedOnce) {
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

TYPED_TEST_P(ConformanceWithFeed, CreatesAndEditsComeInOneOrder) {
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

TYPED_TEST_P(ConformanceWithFeed, MassTiesOfOneStampLoseNoRow) {
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

TYPED_TEST_P(ConformanceWithFeed, WhatIsWrittenFromHereOnComesAfterIt) {
  const std::string edited = this->staff_create(this->unique_text());
  const Cursor here = this->get(this->ours().here(this->type(), soon()));
  const std::string created = this->staff_create(this->unique_text());
  this->staff_update(edited, this->unique_text());
  EXPECT_THAT(this->ids_of(this->changes_after(here, 10)), IsSupersetOf({created, edited}));
}

TYPED_TEST_P(ConformanceWithFeed, DistancesOfUnequalCursorsAreNeverZero) {
  const Cursor end = this->end_of_feed();
  this->world().create_together(3);
  const auto found = this->changes_after(end, 10);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_GE(this->ours().distance(this->type(), found[1].cursor, found[0].cursor), milliseconds(1));
  EXPECT_LE(this->ours().distance(this->type(), found[0].cursor, found[1].cursor), milliseconds(-1));
}

TYPED_TEST_P(ConformanceWithFeed, AnOverlapReadsAgainWhatLiesWithinIt) {
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

TYPED_TEST_P(ConformanceWithFeed, RewoundByNothingTheTiesOfTheStampComeAgain) {
  const auto expected = this->world().create_together(3);
  const Cursor end = this->end_of_feed();
  const Cursor again = this->ours().rewind(this->type(), end, milliseconds(0));
  EXPECT_THAT(this->ids_of(this->changes_after(again, 10)), IsSupersetOf(expected));
}

TYPED_TEST_P(ConformanceWithFeed, TheClockIsTheOneOfTheStamps) {
  const WallTime before = this->get(this->ours().now(soon()));
  const LegacyRecord record = this->fetch(this->staff_create(this->unique_text()));
  const WallTime after = this->get(this->ours().now(soon()));
  ASSERT_TRUE(record.stamp);
  EXPECT_LE(before, *record.stamp) << "a mark made from it would be too late";
  EXPECT_LE(*record.stamp, after + std::chrono::seconds(1));
}

REGISTER_TYPED_TEST_SUITE_P(ConformanceWithFeed, AWriteAppearsInTheFeedOnce, CreatesAndEditsComeInOneOrder,
                            MassTiesOfOneStampLoseNoRow, WhatIsWrittenFromHereOnComesAfterIt,
                            DistancesOfUnequalCursorsAreNeverZero, AnOverlapReadsAgainWhatLiesWithinIt,
                            RewoundByNothingTheTiesOfTheStampComeAgain, TheClockIsTheOneOfTheStamps);

// ---- Feed::scan_only

template <typename WorldType>
class ConformanceWithoutFeed : public LegacyConformance<WorldType> {};
TYPED_TEST_SUITE_P(ConformanceWithoutFeed);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ConformanceWithoutFeed);

// An empty page would mean that nothing has changed.
TYPED_TEST_P(ConformanceWithoutFeed, AskedForChangesItSaysThatItKnowsNone) {
  this->staff_create(this->unique_text());
  EXPECT_EQ(this->kind_of(this->ours().changes(this->type(), Cursor{}, 10, soon())), Kind::rejected);
}

REGISTER_TYPED_TEST_SUITE_P(ConformanceWithoutFeed, AskedForChangesItSaysThatItKnowsNone);

// ---- Worlds that archive

template <typename WorldType>
class ConformanceWithArchive : public LegacyConformance<WorldType> {};
TYPED_TEST_SUITE_P(ConformanceWithArchive);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ConformanceWithArchive);

TYPED_TEST_P(ConformanceWithArchive, ArchivedRecordsStayInSight) {
  const std::string id = this->staff_create(this->unique_text());
  const Cursor end = this->has_feed() ? this->end_of_feed() : Cursor{};
  this->world().archive(id);
  EXPECT_TRUE(this->exists(id));
  if (this->has_feed()) {
    EXPECT_THAT(this->ids_of(this->changes_after(end, 10)), Contains(id));
  }
}

REGISTER_TYPED_TEST_SUITE_P(ConformanceWithArchive, ArchivedRecordsStayInSight);

// ---- sees_author

template <typename WorldType>
class ConformanceWithAuthor : public LegacyConformance<WorldType> {};
TYPED_TEST_SUITE_P(ConformanceWithAuthor);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ConformanceWithAuthor);

TYPED_TEST_P(ConformanceWithAuthor, TheAuthorIsKnown) {
  const std::string id = this->create(this->unique_text()).id;
  EXPECT_TRUE(this->fetch(id).by_us);
  this->staff_update(id, this->unique_text());
  EXPECT_FALSE(this->fetch(id).by_us);
  EXPECT_FALSE(this->fetch(this->staff_create(this->unique_text())).by_us);
}

REGISTER_TYPED_TEST_SUITE_P(ConformanceWithAuthor, TheAuthorIsKnown);

// ---- Not sees_author

template <typename WorldType>
class ConformanceWithoutAuthor : public LegacyConformance<WorldType> {};
TYPED_TEST_SUITE_P(ConformanceWithoutAuthor);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ConformanceWithoutAuthor);

TYPED_TEST_P(ConformanceWithoutAuthor, NothingIsTakenForOurs) {
  EXPECT_FALSE(this->fetch(this->create(this->unique_text()).id).by_us);
  EXPECT_FALSE(this->fetch(this->staff_create(this->unique_text())).by_us);
}

REGISTER_TYPED_TEST_SUITE_P(ConformanceWithoutAuthor, NothingIsTakenForOurs);

// ---- CompareAndSet::version

template <typename WorldType>
class ConformanceWithCompareAndSet : public LegacyConformance<WorldType> {};
TYPED_TEST_SUITE_P(ConformanceWithCompareAndSet);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ConformanceWithCompareAndSet);

TYPED_TEST_P(ConformanceWithCompareAndSet, AStaleUpdateIsRefusedAndChangesNothing) {
  const std::string id = this->create(this->unique_text()).id;
  const std::string seen = this->fetch(id).version;
  const std::string by_staff = this->unique_text();
  this->staff_update(id, by_staff);
  EXPECT_EQ(this->kind_of(this->update(id, Json{{this->text_field(), "lost"}}, seen)), Kind::stale);
  EXPECT_EQ(this->fetch(id).fields[this->text_field()], by_staff);
  EXPECT_EQ(this->kind_of(this->ours().remove(this->type(), id, seen, soon())), Kind::stale);
  EXPECT_TRUE(this->exists(id));
}

TYPED_TEST_P(ConformanceWithCompareAndSet, OfTwoWritesOnOneVersionOneWins) {
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

TYPED_TEST_P(ConformanceWithCompareAndSet, VersionsChainFromWriteToWrite) {
  Written written = this->create(this->unique_text());
  for (int i = 0; i < 3; ++i) {
    const std::string version = written.version.empty() ? this->fetch(written.id).version : written.version;
    written = this->get(this->update(written.id, Json{{this->text_field(), this->unique_text()}}, version));
  }
}

REGISTER_TYPED_TEST_SUITE_P(ConformanceWithCompareAndSet, AStaleUpdateIsRefusedAndChangesNothing,
                            OfTwoWritesOnOneVersionOneWins, VersionsChainFromWriteToWrite);

// ---- CompareAndSet::none

template <typename WorldType>
class ConformanceWithoutCompareAndSet : public LegacyConformance<WorldType> {};
TYPED_TEST_SUITE_P(ConformanceWithoutCompareAndSet);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ConformanceWithoutCompareAndSet);

// Such a system may still notice an edit that it can see before it writes.
TYPED_TEST_P(ConformanceWithoutCompareAndSet, AnOldVersionIsRefusedWhollyOrGoesThroughWholly) {
  const std::string id = this->create(this->unique_text()).id;
  const std::string seen = this->fetch(id).version;
  const std::string by_staff = this->unique_text();
  const std::string by_us = this->unique_text();
  this->staff_update(id, by_staff);
  const auto written = this->update(id, Json{{this->text_field(), by_us}}, seen);
  EXPECT_EQ(this->fetch(id).fields[this->text_field()], written ? by_us : by_staff);
  if (!written) {
    EXPECT_EQ(this->kind_of(written), Kind::stale);
  }
}

TYPED_TEST_P(ConformanceWithoutCompareAndSet, OfTwoWritesAtOnceTheLastThatWasTakenStays) {
  const std::string id = this->create(this->unique_text()).id;
  for (int round = 0; round < 5; ++round) {
    const LegacyRecord before = this->fetch(id);
    const std::string field = this->text_field();
    const std::string texts[2] = {this->unique_text(), this->unique_text()};
    Answer<Written> answers[2];
    const auto write = [&](LegacySystem& system, int which) {
      Json whole = before.fields;
      whole[field] = texts[which];
      answers[which] = system.update(this->type(), id, Json{{field, texts[which]}}, whole, before.version, soon());
    };
    std::thread other([&] { write(this->staff(), 1); });
    write(this->ours(), 0);
    other.join();
    std::set<std::string> taken;
    for (const int which : {0, 1}) {
      if (answers[which]) taken.insert(texts[which]);
      if (!answers[which]) {
        EXPECT_EQ(this->kind_of(answers[which]), Kind::stale);
      }
    }
    EXPECT_THAT(taken, Contains(this->fetch(id).fields[field].template get<std::string>()));
  }
}

REGISTER_TYPED_TEST_SUITE_P(ConformanceWithoutCompareAndSet, AnOldVersionIsRefusedWhollyOrGoesThroughWholly,
                            OfTwoWritesAtOnceTheLastThatWasTakenStays);

// ---- CreateIdentity::search and sees_author

template <typename WorldType>
class ConformanceOfSearchByAuthor : public LegacyConformance<WorldType> {};
TYPED_TEST_SUITE_P(ConformanceOfSearchByAuthor);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ConformanceOfSearchByAuthor);

TYPED_TEST_P(ConformanceOfSearchByAuthor, WhatStaffCreateIsNotFoundAsOurs) {
  const CreateMark mark = this->mark();
  const std::string text = this->unique_text();
  this->staff_create(text);
  EXPECT_TRUE(this->with_text(this->get(this->ours().find(this->type(), mark, soon())), text).empty());
}

REGISTER_TYPED_TEST_SUITE_P(ConformanceOfSearchByAuthor, WhatStaffCreateIsNotFoundAsOurs);

// ---- CreateIdentity::search, not sees_author

template <typename WorldType>
class ConformanceOfSearchWithoutAuthor : public LegacyConformance<WorldType> {};
TYPED_TEST_SUITE_P(ConformanceOfSearchWithoutAuthor);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ConformanceOfSearchWithoutAuthor);

// Whoever asked compares them with what was to be created.
TYPED_TEST_P(ConformanceOfSearchWithoutAuthor, WhatStaffCreateIsFoundToo) {
  const CreateMark mark = this->mark();
  const std::string text = this->unique_text();
  this->staff_create(text);
  EXPECT_EQ(this->with_text(this->get(this->ours().find(this->type(), mark, soon())), text).size(), 1U);
}

REGISTER_TYPED_TEST_SUITE_P(ConformanceOfSearchWithoutAuthor, WhatStaffCreateIsFoundToo);

// ---- CreateIdentity::chosen_id and CreateIdentity::external_key

template <typename WorldType>
class ConformanceOfKeys : public LegacyConformance<WorldType> {};
TYPED_TEST_SUITE_P(ConformanceOfKeys);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ConformanceOfKeys);

TYPED_TEST_P(ConformanceOfKeys, ACreateIsFoundByItsKeyAndNoOtherIs) {
  const std::string text = this->unique_text();
  const CreateMark first = this->mark();
  const CreateMark second = this->mark();
  const CreateMark none = this->mark();
  const auto create = [&](const CreateMark& mark) {
    return this->get(this->ours().create(this->type(), this->world().new_record(text), mark, soon())).id;
  };
  const auto find = [&](const CreateMark& mark) {
    return this->ids_of(this->get(this->ours().find(this->type(), mark, soon())));
  };
  const std::string a = create(first);
  const std::string b = create(second);
  EXPECT_EQ(find(first), std::vector<std::string>{a});
  EXPECT_EQ(find(second), std::vector<std::string>{b});
  EXPECT_TRUE(find(none).empty());
}

REGISTER_TYPED_TEST_SUITE_P(ConformanceOfKeys, ACreateIsFoundByItsKeyAndNoOtherIs);

}  // namespace banyan::legacy::conformance
