// How long `banyan sync verify` waits for a run that nobody carries out.
#include "gateway/app/sync_run.hpp"

#include <gtest/gtest.h>

namespace banyan::app {
namespace {

using std::chrono::seconds;

const Json kSystem = {{"system", "crm"}, {"reason", "Tryton cannot be reached"}};
const Json kKept = {{"entity", "account"}, {"state", "running"}, {"process", "crm-1:4711"}};
const Json kUnkept = {{"entity", "account"}, {"state", "starting"}, {"process", ""}};

TEST(Stall, ARunThatAProcessHasGoesOnHoweverLongItTakes) {
  Stall stall;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(stall.reason(kSystem, kKept, SteadyTime(seconds(1'000 * i))), "");
}

TEST(Stall, ARunOfAPausedStreamStandsStillAtOnce) {
  Json paused = kKept;
  paused["state"] = "paused";
  paused["reason"] = "by user:clara";
  EXPECT_EQ(Stall().reason(kSystem, paused, SteadyTime{}), "sync is paused (by user:clara)");
}

TEST(Stall, ARunThatNoProcessHasIsGivenTheTimeOfATakeover) {
  Stall stall;
  const SteadyTime begin{seconds(100)};
  EXPECT_EQ(stall.reason(kSystem, kUnkept, begin), "");
  EXPECT_EQ(stall.reason(kSystem, kUnkept, begin + Stall::kGrace - seconds(1)), "");
  EXPECT_EQ(stall.reason(kSystem, kUnkept, begin + Stall::kGrace),
            "no process of the role sync has it (Tryton cannot be reached)");
}

TEST(Stall, AProcessThatTookOverInTimeBeginsTheGraceAnew) {
  Stall stall;
  const SteadyTime begin{seconds(100)};
  EXPECT_EQ(stall.reason(kSystem, kUnkept, begin), "");
  EXPECT_EQ(stall.reason(kSystem, kKept, begin + seconds(5)), "");
  EXPECT_EQ(stall.reason(kSystem, kUnkept, begin + Stall::kGrace), "");
}

TEST(Stall, AServerThatDoesNotSayWhoHasTheStreamIsBelieved) {
  Stall stall;
  const Json silent = {{"entity", "account"}, {"state", "running"}};
  EXPECT_EQ(stall.reason(kSystem, silent, SteadyTime{}), "");
  EXPECT_EQ(stall.reason(kSystem, silent, SteadyTime(seconds(1'000))), "");
}

}  // namespace
}  // namespace banyan::app
