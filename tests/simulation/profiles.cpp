#include "tests/simulation/profiles.hpp"

#include <algorithm>

namespace banyan::simulation {
namespace {

using legacy::Capabilities;
using legacy::CompareAndSet;
using legacy::CreateIdentity;
using legacy::DeleteVisibility;
using legacy::Feed;
using legacy::Ordering;
using std::chrono::seconds;

// Polls on microseconds, optimistic locking, a list of deletes, ids of its own: as Tryton with history tables.
Profile optimistic() {
  Profile profile;
  profile.name = "optimistic";
  Capabilities& can = profile.habits.capabilities;
  can.deletes = DeleteVisibility::history;
  can.compare_and_set = CompareAndSet::version;
  can.sees_author = true;
  can.stamp_precision = microseconds(1);
  can.page_limit = 20;
  profile.late_commits = true;
  return profile;
}

// Whole seconds, no versions, whole-object updates, an own field for our key: a poor REST service.
Profile poor() {
  Profile profile;
  profile.name = "poor";
  Capabilities& can = profile.habits.capabilities;
  can.create_identity = CreateIdentity::external_key;
  can.partial_update = false;
  can.page_limit = 7;
  profile.habits.rewrites = true;
  profile.unstamped = true;
  profile.late_commits = true;
  profile.clock_skew = -seconds(300);
  return profile;
}

// A log in commit order with deletes, merges and restores; unique external keys; versions: as Salesforce.
Profile change_log() {
  Profile profile;
  profile.name = "log";
  Capabilities& can = profile.habits.capabilities;
  can.feed = Feed::log;
  can.ordering = Ordering::commit;
  can.deletes = DeleteVisibility::in_feed;
  can.compare_and_set = CompareAndSet::version;
  can.create_identity = CreateIdentity::external_key;
  can.sees_author = true;
  can.sees_merges = true;
  can.can_restore = true;
  can.stamp_precision = milliseconds(1);
  can.overlap = milliseconds(0);
  can.page_limit = 10;
  profile.habits.external_key_unique = true;
  profile.habits.log_repeats = true;
  profile.clock_skew = seconds(300);
  return profile;
}

// Soft deletes in the poll, ids of our choice, no versions, values rewritten: as SuiteCRM.
Profile chosen_ids() {
  Profile profile;
  profile.name = "chosen-ids";
  Capabilities& can = profile.habits.capabilities;
  can.deletes = DeleteVisibility::in_feed;
  can.create_identity = CreateIdentity::chosen_id;
  can.can_restore = true;
  can.page_limit = 12;
  profile.habits.rewrites = true;
  profile.late_commits = true;
  profile.clock_steps = true;
  return profile;
}

// No feed at all: only sweeps find anything.
Profile scan_only() {
  Profile profile;
  profile.name = "scan-only";
  Capabilities& can = profile.habits.capabilities;
  can.feed = Feed::scan_only;
  can.page_limit = 15;
  profile.habits.rewrites = true;
  return profile;
}

// Versions, ids of our choice, deletes only by sweep, whole seconds, edits without stamp.
Profile versioned() {
  Profile profile;
  profile.name = "versioned";
  Capabilities& can = profile.habits.capabilities;
  can.compare_and_set = CompareAndSet::version;
  can.create_identity = CreateIdentity::chosen_id;
  can.can_restore = true;
  can.page_limit = 9;
  profile.unstamped = true;
  profile.late_commits = true;
  profile.clock_steps = true;
  return profile;
}

}  // namespace

const std::vector<Profile>& profiles() {
  static const std::vector<Profile> all{optimistic(), poor(), change_log(), chosen_ids(), scan_only(), versioned()};
  return all;
}

const Profile* find_profile(std::string_view name) {
  const auto found =
      std::find_if(profiles().begin(), profiles().end(), [&](const Profile& profile) { return profile.name == name; });
  return found == profiles().end() ? nullptr : &*found;
}

Faults draw_faults(Random& random) {
  Faults faults;
  faults.on = true;
  const auto draw = [&](std::uint32_t rate) { return random.chance(500) ? rate : 0U; };
  faults.unavailable = draw(15);
  faults.lost_answer = draw(15);
  faults.no_answer = draw(10);
  faults.late = draw(20);
  faults.deadline = draw(5);
  faults.rate_limited = draw(10);
  faults.malformed = draw(10);
  faults.unauthorised = draw(2);
  faults.unreadable = draw(10);
  faults.repeated = draw(50);
  faults.serialization = draw(40);
  faults.store_refuses = draw(5);
  faults.unknown_commit = draw(8);
  faults.crash = draw(4);
  faults.interleave = random.chance(800) ? 120 : 0;
  return faults;
}

sync::StreamOptions draw_options(Random& random) {
  sync::StreamOptions options;
  options.sweep_interval = milliseconds(60'000);
  options.describe_interval = milliseconds(30'000);
  options.call_deadline = milliseconds(5'000);
  options.commit_deadline = milliseconds(5'000);
  options.retry_least = milliseconds(200);
  options.retry_most = milliseconds(5'000);
  options.page = static_cast<std::size_t>(random.between(3, 40));
  options.chunk = static_cast<std::size_t>(random.between(3, 40));
  options.push_batch = static_cast<std::size_t>(random.between(1, 20));
  options.observed_limit = 50;
  return options;
}

}  // namespace banyan::simulation
