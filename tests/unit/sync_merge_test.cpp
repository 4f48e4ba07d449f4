// The truth table of docs/reference/merge.md, line by line, and the rules that hold for all of it.
#include "adapters/sync/merge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>

namespace banyan::sync {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

const Json kNone;

Json one(const Json& value) {
  return value.is_null() ? Json::object() : Json{{"name", value}};
}

struct Line {
  const char* rule;
  Policy policy;
  Json base, legacy, modern;
  Json record_after, base_after;
  bool pushes;
  std::optional<Winner> conflict;
};

MergeResult merge_one(const FieldRule& rule, const Json& base, const Json& legacy, const Json& modern,
                      EditTimes times = {}) {
  const std::array rules{rule};
  const Json base_data = one(base);
  const Json legacy_data = one(legacy);
  const Json modern_data = one(modern);
  MergeInput input;
  input.rules = rules;
  input.base = &base_data;
  input.legacy = &legacy_data;
  input.modern = &modern_data;
  input.times = [times](const std::string&) { return times; };
  return merge(input);
}

std::vector<Line> truth_table() {
  const Json a = "a";
  const Json b = "b";
  const Json c = "c";
  return {
      {"nothing moved", Policy::newest, a, a, a, a, a, false, {}},
      {"legacy moved", Policy::modern, a, b, a, b, b, false, {}},
      {"modern moved", Policy::legacy, a, a, b, b, a, true, {}},
      {"both moved to the same", Policy::review, a, b, b, b, b, false, {}},
      {"legacy cleared", Policy::modern, a, kNone, a, kNone, kNone, false, {}},
      {"modern cleared", Policy::legacy, a, a, kNone, kNone, a, true, {}},
      {"both cleared", Policy::review, a, kNone, kNone, kNone, kNone, false, {}},
      {"legacy filled", Policy::review, kNone, b, kNone, b, b, false, {}},
      {"modern filled", Policy::review, kNone, kNone, b, b, kNone, true, {}},
      {"conflict, legacy wins", Policy::legacy, a, b, c, b, b, false, Winner::legacy},
      {"conflict, modern wins", Policy::modern, a, b, c, c, b, true, Winner::modern},
      {"conflict, a person decides", Policy::review, a, b, c, c, a, false, Winner::nobody},
      {"conflict, both filled", Policy::non_empty, a, b, c, c, a, false, Winner::nobody},
      {"conflict, legacy is empty", Policy::non_empty, a, kNone, c, c, kNone, true, Winner::modern},
      {"conflict, modern is empty", Policy::non_empty, a, b, kNone, b, b, false, Winner::legacy},
      {"conflict, times unknown", Policy::newest, a, b, c, b, b, false, Winner::legacy},
  };
}

TEST(Merge, FollowsItsTruthTable) {
  for (const Line& line : truth_table()) {
    SCOPED_TRACE(line.rule);

    const MergeResult result = merge_one({"name", Direction::both, line.policy}, line.base, line.legacy, line.modern);

    EXPECT_EQ(result.record, one(line.record_after));
    EXPECT_EQ(result.base, one(line.base_after));
    EXPECT_EQ(result.to_push.size(), line.pushes ? 1U : 0U);
    ASSERT_EQ(result.conflicts.size(), line.conflict ? 1U : 0U);
    if (line.conflict) {
      EXPECT_EQ(result.conflicts[0].winner, *line.conflict);
    }
  }
}

TEST(Merge, WithoutABaseTheFullerSideFillsTheOther) {
  const std::array rules{FieldRule{"name"}, FieldRule{"phone"}};
  const Json legacy{{"name", "Ada"}};
  const Json modern{{"phone", "1"}};
  MergeInput input;
  input.rules = rules;
  input.legacy = &legacy;
  input.modern = &modern;

  const MergeResult result = merge(input);

  EXPECT_EQ(result.record, (Json{{"name", "Ada"}, {"phone", "1"}}));
  EXPECT_THAT(result.to_push, ElementsAre("phone"));
  EXPECT_TRUE(result.base_changed);
  EXPECT_THAT(result.conflicts, IsEmpty());
}

TEST(Merge, DisjointEditsAreBothKept) {
  const std::array rules{FieldRule{"name"}, FieldRule{"phone"}};
  const Json base{{"name", "Ada"}, {"phone", "1"}};
  const Json legacy{{"name", "Ada L"}, {"phone", "1"}};
  const Json modern{{"name", "Ada"}, {"phone", "2"}, {"unmapped", true}};
  MergeInput input;
  input.rules = rules;
  input.base = &base;
  input.legacy = &legacy;
  input.modern = &modern;

  const MergeResult result = merge(input);

  EXPECT_EQ(result.record, (Json{{"name", "Ada L"}, {"phone", "2"}, {"unmapped", true}}));
  EXPECT_THAT(result.to_push, ElementsAre("phone"));
}

TEST(Merge, TheNewestEditWinsOnlyIfItIsLaterForCertain) {
  const FieldRule rule{"name", Direction::both, Policy::newest};
  const WallTime noon{std::chrono::hours(12)};
  const auto winner = [&](WallTime modern) {
    EditTimes times;
    times.legacy_from = noon;
    times.modern = modern;
    return merge_one(rule, "a", "b", "c", times).conflicts.at(0).winner;
  };

  EXPECT_EQ(winner(noon + 2001ms), Winner::modern);
  EXPECT_EQ(winner(noon + 2000ms), Winner::legacy);
  EXPECT_EQ(winner(noon - 1h), Winner::legacy);
}

TEST(Merge, ASideThatMayNotChangeAFieldIsOverruledOnRecord) {
  const MergeResult modern_edit = merge_one({"name", Direction::to_modern, Policy::modern}, "a", "a", "b");
  const MergeResult legacy_edit = merge_one({"name", Direction::to_legacy, Policy::legacy}, "a", "b", "a");

  EXPECT_EQ(modern_edit.record, one("a"));
  EXPECT_EQ(modern_edit.conflicts.at(0).winner, Winner::legacy);
  EXPECT_THAT(modern_edit.to_push, IsEmpty());
  EXPECT_EQ(legacy_edit.record, one("a"));
  EXPECT_EQ(legacy_edit.conflicts.at(0).winner, Winner::modern);
  EXPECT_THAT(legacy_edit.to_push, ElementsAre("name"));
}

TEST(Merge, AHeldFieldStaysAsItIsOnAllSides) {
  const std::array rules{FieldRule{"name", Direction::both, Policy::legacy}};
  const Json base = one("a");
  const Json legacy = one("b");
  const Json modern = one("c");
  const std::vector<std::string> held{"name"};
  MergeInput input;
  input.rules = rules;
  input.base = &base;
  input.legacy = &legacy;
  input.modern = &modern;
  input.held = held;

  const MergeResult result = merge(input);

  EXPECT_EQ(result.record, modern);
  EXPECT_EQ(result.base, base);
  EXPECT_THAT(result.to_push, IsEmpty());
  EXPECT_FALSE(result.record_changed);
}

// Whatever the three values are: what nobody edited stays, no edit vanishes without a winner, and once what is to be
// pushed has arrived a second merge finds nothing to do.
TEST(Merge, LosesNothingAndComesToRest) {
  std::mt19937 random(7);
  const std::array<Json, 4> values{kNone, "a", "b", "c"};
  const std::array policies{Policy::newest, Policy::legacy, Policy::modern, Policy::non_empty, Policy::review};
  const std::array directions{Direction::both, Direction::to_modern, Direction::to_legacy};
  for (int i = 0; i < 20'000; ++i) {
    const Json& base = values[random() % 4];
    const Json& legacy = values[random() % 4];
    const Json& modern = values[random() % 4];
    const FieldRule rule{"name", directions[random() % 3], policies[random() % 5]};

    const MergeResult first = merge_one(rule, base, legacy, modern);

    const Json after = first.record.value("name", Json());
    const bool legacy_lost = legacy != base && legacy != after;
    const bool modern_lost = modern != base && modern != after;
    EXPECT_TRUE((!legacy_lost && !modern_lost) || !first.conflicts.empty());
    if (!first.conflicts.empty() && first.conflicts[0].winner == Winner::nobody) continue;
    const Json arrived = first.to_push.empty() ? legacy : after;
    const MergeResult second = merge_one(rule, first.base.value("name", Json()), arrived, after);
    EXPECT_TRUE(second.conflicts.empty());
    EXPECT_TRUE(second.to_push.empty());
    EXPECT_FALSE(second.record_changed);
  }
}

}  // namespace
}  // namespace banyan::sync
