// What kind of legacy system a run meets, and how rough its world is. Both follow from the seed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sync/stream.hpp"
#include "tests/simulation/sim_legacy.hpp"
#include "tests/simulation/sim_port.hpp"

namespace banyan::simulation {

struct Profile {
  std::string name;
  LegacyHabits habits;
  bool late_commits = false;   // stamps are set before commit
  bool unstamped = false;      // some edits leave no stamp
  bool clock_steps = false;    // the legacy clock is set now and then
  microseconds clock_skew{0};  // of the legacy clock
};

const std::vector<Profile>& profiles();
const Profile* find_profile(std::string_view name);

// Each kind of fault is on in half of the runs, so that every one also comes alone.
Faults draw_faults(Random& random);
sync::StreamOptions draw_options(Random& random);

}  // namespace banyan::simulation
