// Letting everything come to rest, and looking whether both sides are then what they should be.
#include <algorithm>

#include "adapters/sync/scan_report.hpp"
#include "tests/simulation/world.hpp"

namespace banyan::simulation {
namespace {

using sync::ScanState;
constexpr int kRoundsUntilRest = 20'000;  // steps of one stream
constexpr int kRoundsOfQuestions = 12;
constexpr milliseconds kQuiet{
    30'000};  // longer than any pause of the engine's, and than an unanswered write is waited for

// Whether polls still come back to the row: without its link it would look new to them.
bool may_be_polled(const MemoryStore::StreamRows& rows, const sync::Link& link) {
  WallTime newest{};
  for (const auto& [id, other] : rows.links) newest = std::max(newest, other.legacy_stamp.value_or(WallTime{}));
  return !link.legacy_stamp || newest - *link.legacy_stamp <= rows.state.overlap + kQuiet;
}

}  // namespace

void World::heal() {
  faults_.on = false;
  system_.commit_late_edits(true);
  webhooks_.clear();
  for (std::size_t line = 0; line < entities_.size(); ++line) {
    const auto hidden = system_.table(entities_[line].type).hidden;
    for (const std::string& name : hidden) system_.bring_back_field(entities_[line].type, name);
    if (store_.stream(stream_ids_[line]).state.paused) store_.set_paused(stream_ids_[line], false, "");
    if (store_.stream(stream_ids_[line]).state.owner != sync::Owner::both) {
      store_.set_owner(stream_ids_[line], sync::Owner::both);
      ledger_.owner_changed(entities_[line].entity);
    }
  }
}

// Steps whatever is due, and lets time pass when nothing is, until nothing has been written for a while and every
// stream has swept once since the beginning.
void World::come_to_rest() {
  for (int round = 0; round < kRoundsOfQuestions; ++round) {
    work_until_quiet();
    if (!accept_held_deletes()) return;
  }
  throw Violation{"rest: deletes are held, though a person has accepted them"};
}

void World::work_until_quiet() {
  const WallTime began = store_clock_.wall();
  nudge_all();
  std::uint64_t seen = 0;
  SteadyTime changed = store_clock_.now();
  for (int round = 0; round < kRoundsUntilRest; ++round) {
    bool any = false;
    for (const auto& process : processes_) {
      for (std::size_t line = 0; line < entities_.size(); ++line) {
        if (process->members[line].wake > process->clock.now()) continue;
        any = tick(*process, line) || any;
      }
    }
    const std::uint64_t written = system_.engine_writes() + store_.record_writes();
    if (written != seen) changed = store_clock_.now();
    seen = written;
    time_.advance(milliseconds(any ? 5 : 100));
    const bool swept = std::all_of(stream_ids_.begin(), stream_ids_.end(), [&](StreamId id) {
      const ScanState& scan = store_.stream(id).state.scan;
      // What a run has put into the outbox gets its time as well.
      return scan.phase == ScanState::Phase::done && store_clock_.wall() - scan.ended > kQuiet &&
             scan.started >= began + stream_options_.describe_interval;
    });
    if (swept && store_clock_.now() - changed > kQuiet) return;
    // What a removed field had held back is seen by the first run after the field was found to be there again.
    if (round % 100 == 99) start_missing_sweeps(began + stream_options_.describe_interval);
  }
  throw Violation{"rest: the engine does not come to rest"};
}

// Rather than wait for the interval to pass.
void World::start_missing_sweeps(WallTime since) {
  for (std::size_t line = 0; line < entities_.size(); ++line) {
    const ScanState& scan = store_.stream(stream_ids_[line]).state.scan;
    const bool idle = scan.kind == ScanState::Kind::none || scan.phase == ScanState::Phase::done;
    if (!idle || scan.started >= since || store_clock_.wall() < since) continue;
    ask_for_scan(line, {ScanState::Kind::backfill});
  }
}

bool World::is_held(std::size_t line) const {
  const auto& report = store_.stream(stream_ids_[line]).state.scan.report;
  const auto missing = report.find(sync::kMissing);
  return missing != report.end() && missing->value("held", false);
}

// A person has looked: what the runs did not meet is gone.
bool World::accept_held_deletes() {
  bool any = false;
  for (std::size_t line = 0; line < entities_.size(); ++line) {
    if (!is_held(line)) continue;
    ask_for_scan(line, {ScanState::Kind::backfill, false, false, true});
    any = true;
  }
  return any;
}

void World::settle_everything() {
  for (int round = 0; round < kRoundsOfQuestions; ++round) {
    put_values_right();
    bool any = false;
    for (std::size_t line = 0; line < entities_.size(); ++line) {
      const auto open = store_.stream(stream_ids_[line]).open;
      for (const auto& [id, matter] : open) {
        any = true;
        if (matter.state == sync::Parked::State::open) answer(line, matter);
      }
    }
    come_to_rest();
    if (!any) return;
  }
}

void World::check_rest() {
  const Faults rough = faults_;
  heal();
  come_to_rest();
  judge_->check_conservation();
  judge_->check_rest(false);
  settle_everything();
  judge_->check_conservation();
  judge_->check_rest(true);
  // Two clocks that were set differ by nobody knows what; then the newest is no rule.
  const auto differ = clock_was_stepped_ ? std::chrono::hours(1'000'000) : std::chrono::seconds(40);
  judge_->check_ledger(differ);
  check_second_pass();
  check_corruption();
  faults_ = rough;
}

// A whole run over records that agree writes nothing.
void World::check_second_pass() {
  const std::uint64_t written = system_.engine_writes() + store_.record_writes();
  run_scans(ScanState::Kind::verify, false);
  if (differences_found() != 0) {
    throw Violation{
        "verify: differences in what was at rest: " + store_.stream(stream_ids_[0]).state.scan.report.dump() +
        store_.stream(stream_ids_[1]).state.scan.report.dump() +
        store_.stream(stream_ids_[2]).state.scan.report.dump()};
  }
  run_scans(ScanState::Kind::backfill, false);
  if (written != system_.engine_writes() + store_.record_writes()) {
    throw Violation{"second pass: it wrote, though nothing had changed"};
  }
}

void World::run_scans(ScanState::Kind kind, bool repair) {
  const WallTime began = store_clock_.wall();
  for (int round = 0; round < kRoundsUntilRest; ++round) {
    bool all = true;
    for (std::size_t line = 0; line < entities_.size(); ++line) {
      const ScanState& scan = store_.stream(stream_ids_[line]).state.scan;
      const bool mine = scan.kind == kind && scan.started >= began && scan.repair == repair;
      const bool idle = scan.kind == ScanState::Kind::none || scan.phase == ScanState::Phase::done;
      all = all && mine && idle;
      if (!mine && idle) ask_for_scan(line, {kind, false, repair});
      for (const auto& process : processes_) {
        if (process->members[line].wake <= process->clock.now()) tick(*process, line);
      }
    }
    time_.advance(milliseconds(20));
    if (all) return;
  }
  throw Violation{"scan: it does not end"};
}

std::int64_t World::differences_found() const {
  std::int64_t found = 0;
  for (const StreamId id : stream_ids_) found += store_.stream(id).state.scan.differences;
  return found;
}

// One thing on each side, or in between, that no change shows. What was done, for the message.
std::vector<std::string> World::corrupt_something(std::int64_t& must_be_found) {
  std::vector<std::string> done;
  bool link_is_gone = false;
  for (std::size_t line = 0; line < entities_.size(); ++line) {
    const MemoryStore::StreamRows& rows = store_.stream(stream_ids_[line]);
    std::vector<sync::Link> links;
    for (const auto& [id, link] : rows.links) {
      if (link.base) links.push_back(link);
    }
    if (links.empty()) continue;
    const sync::Link link = links[random_.below(links.size())];
    const std::string pair = entities_[line].entity + " " + link.legacy_id + "/" + link.record_id;
    switch (random_.below(4)) {
      case 0: {
        Json data = store_.record(link.record_id)->data;
        data["name"] = "nobody wrote this";
        store_.corrupt_record(link.record_id, std::move(data));
        done.push_back("the record's name of " + pair);
        break;
      }
      case 1:
        // One at a time: a row that waits for its parent has the parent fetched, and without a link that looks new.
        if (link_is_gone || may_be_polled(rows, link)) break;
        link_is_gone = true;
        store_.corrupt_remove_link(stream_ids_[line], link.legacy_id);
        done.push_back("the link of " + pair);
        break;
      case 2: {
        Json base = *link.base;
        base["name"] = "never agreed";
        store_.corrupt_base(stream_ids_[line], link.legacy_id, std::move(base));
        --must_be_found;  // any other reading of the row mends it as well
        done.push_back("the base of " + pair);
        break;
      }
      default:
        if (entities_[line].entity == "account") break;  // its children would go as well
        system_.corrupt_delete(entities_[line].type, link.legacy_id);
        ledger_.edit(judge_->thing_of_record(link.record_id, entities_[line].entity), kAlive, Where::legacy, true,
                     time_.elapsed(), true);
        --must_be_found;  // as with a base
        done.push_back("the legacy row of " + pair + ", deleted without a trace");
    }
  }
  return done;
}

void World::check_corruption() {
  std::int64_t must_be_found = 0;
  const std::vector<std::string> planted = corrupt_something(must_be_found);
  must_be_found += static_cast<std::int64_t>(planted.size());
  std::string what;
  for (const std::string& one : planted) what += (what.empty() ? "" : "; ") + one;
  trace("planted: " + what);
  run_scans(ScanState::Kind::verify, true);
  if (differences_found() < must_be_found) {
    throw Violation{"verify: found " + std::to_string(differences_found()) + " differences of " +
                    std::to_string(planted.size()) + " planted: " + what};
  }
  come_to_rest();
  settle_everything();
  try {
    judge_->check_rest(true);
  } catch (const Violation& violation) {
    throw Violation{"repair of " + what + ": " + violation.text};
  }
  judge_->check_conservation();
  run_scans(ScanState::Kind::verify, false);
  if (differences_found() != 0) throw Violation{"verify: differences are left after the repair of " + what};
}

// The rights of the integration's user are taken away: no row is there any more, for whoever asks as that user. The
// last thing that happens to a world.
void World::check_hidden_rows() {
  faults_.on = false;
  const std::uint64_t written = system_.engine_writes() + store_.record_writes();
  std::vector<std::size_t> hidden;
  for (std::size_t line = 0; line < entities_.size(); ++line) {
    const auto& links = store_.stream(stream_ids_[line]).links;
    const auto linked = std::count_if(links.begin(), links.end(), [](const auto& one) { return one.second.base; });
    if (linked <= 2 * stream_options_.missing_few) continue;  // so few may be believed
    system_.hide_rows(entities_[line].type);
    hidden.push_back(line);
  }
  run_scans(ScanState::Kind::sweep, false);
  for (const std::size_t line : hidden) {
    if (!is_held(line)) throw Violation{"held: no " + entities_[line].entity + " is shown, and that is believed"};
  }
  system_.show_rows();
  run_scans(ScanState::Kind::sweep, false);
  for (const std::size_t line : hidden) {
    if (is_held(line)) throw Violation{"held: each " + entities_[line].entity + " is shown again, and is not believed"};
  }
  if (written != system_.engine_writes() + store_.record_writes()) {
    throw Violation{"held: it wrote, though rows were hidden only for a while"};
  }
}

}  // namespace banyan::simulation
