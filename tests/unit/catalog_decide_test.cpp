#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "migration/catalog/decide.hpp"

namespace banyan::catalog {
namespace {

constexpr std::uint32_t kLegacy = 3;
constexpr std::uint32_t kModern = 5;

Function function_at(Stage stage, double percent, Effect effect, bool has_modern) {
  Function function;
  function.spec.stage = stage;
  function.spec.percent = percent;
  function.spec.effect = effect;
  function.split_seed = 42;
  function.legacy_upstream = kLegacy;
  if (has_modern) function.modern_upstream = kModern;
  return function;
}

TEST(Decide, FollowsStageSplitEffectMethodAndTarget) {
  const Subject subject{SubjectSource::Kind::header, 7};
  const double place = split_place(42, subject.hash) / 1000.0;
  for (const Stage stage : {Stage::legacy, Stage::shadow, Stage::canary, Stage::modern, Stage::retired}) {
    for (const bool inside : {false, true}) {
      for (const Effect effect : {Effect::read, Effect::write}) {
        for (const bool safe : {false, true}) {
          for (const bool has_modern : {false, true}) {
            const Function function = function_at(stage, inside ? place + 0.001 : place, effect, has_modern);
            const Decision decision = decide(function, subject, safe);
            const bool retired = stage == Stage::retired;
            const bool wants_modern = retired || stage == Stage::modern || (stage == Stage::canary && inside);
            const bool modern = wants_modern && has_modern;
            const ServedBy expected = modern ? ServedBy::modern : (retired ? ServedBy::none : ServedBy::legacy);
            EXPECT_EQ(decision.served_by, expected) << to_string(stage) << inside << safe << has_modern;
            if (expected != ServedBy::none) {
              EXPECT_EQ(decision.upstream, modern ? kModern : kLegacy);
            }
            const bool falls_back = modern && !retired && (safe || effect == Effect::read);
            EXPECT_EQ(decision.fallback, falls_back ? std::optional(kLegacy) : std::nullopt);
          }
        }
      }
    }
  }
}

TEST(Split, WideningNeverMovesAnyoneBack) {
  for (std::uint64_t person = 0; person < 2000; ++person) {
    bool was_modern = false;
    for (int percent = 0; percent <= 100; percent += 5) {
      const Function function = function_at(Stage::canary, percent, Effect::read, true);
      const bool is_modern =
          decide(function, {SubjectSource::Kind::header, person}, true).served_by == ServedBy::modern;
      EXPECT_TRUE(is_modern || !was_modern);
      was_modern = is_modern;
    }
    EXPECT_TRUE(was_modern) << "100 percent is everyone";
  }
}

TEST(Split, SpreadsSubjectsEvenly) {
  std::array<int, 10> tenths{};
  for (std::uint64_t person = 0; person < 100'000; ++person) ++tenths[split_place(9, person) / 10'000];
  for (const int count : tenths) EXPECT_NEAR(count, 10'000, 400);
}

TEST(Split, PlacesArePinned) {
  // A change here moves people between sides in the middle of a canary.
  FunctionSpec spec;
  spec.name = "quotes";
  EXPECT_EQ(split_seed_of(spec), 11056206654350559443ULL);
  spec.entity = "account";
  EXPECT_EQ(split_seed_of(spec), 12618800837608587475ULL);
  EXPECT_EQ(split_place(0, 0), 27897U);
  EXPECT_EQ(split_place(42, 7), 27651U);
  EXPECT_EQ(split_place(split_seed_of(spec), 123456789), 83869U);
}

TEST(Split, GivesDifferentEntitiesDifferentPeople) {
  int both = 0;
  for (std::uint64_t person = 0; person < 10'000; ++person) {
    both += split_place(1, person) < 10'000 && split_place(2, person) < 10'000 ? 1 : 0;
  }
  EXPECT_NEAR(both, 100, 50);
}

}  // namespace
}  // namespace banyan::catalog
