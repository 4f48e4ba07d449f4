// Runs through all records of the legacy side: backfill, sweep, verify.
//
// A run reads chunk after chunk in the order of keys and commits each with its position, so that it resumes where it
// was. When it has seen all, the links that it has not seen are counted, and then looked at one by one: what is really
// gone is a delete. If there are many, a legacy system that hides its records (an error page that means "empty", a
// right that was taken away, another database) is more likely: nothing is deleted before a person says so. What verify
// does with a chunk is in stream_verify.cpp.
#include <algorithm>
#include <utility>

#include "adapters/sync/scan_report.hpp"
#include "adapters/sync/stream_impl.hpp"
#include "gateway/base/log.hpp"

namespace banyan::sync {
namespace {

constexpr std::chrono::milliseconds kChunkTime{200};

constexpr const char* kLegacyRowsWait =
    "they have no counterpart, and a row of the legacy system that has none waits, perhaps for a person: it may be one "
    "of theirs";

// A chunk ends where something live comes up, and in any case soon.
bool gives_way(const auto& stream, SteadyTime began) {
  if (stream.parts_.clock.now() - began >= kChunkTime) return true;
  const std::lock_guard lock(stream.mutex_);
  return !stream.observed_.empty() || stream.nudged_ || stream.poll_now_;
}

// Not of a run that an older version began: then it is not known.
bool any_missing(const ScanState& scan) {
  const auto missing = scan.report.find(kMissing);
  return missing == scan.report.end() || missing->value("count", 0) != 0;
}

bool could_delete(const ScanState& scan) {
  return scan.kind == ScanState::Kind::verify ? scan.repair : !scan.dry_run;
}

bool is_held(const ScanState& scan) {
  const auto missing = scan.report.find(kMissing);
  return missing != scan.report.end() && missing->value("held", false);
}

void add(Json& counts, const char* name, std::int64_t more) {
  Json& count = counts[name];
  count = (count.is_null() ? 0 : count.get<std::int64_t>()) + more;
}

}  // namespace

bool Stream::Impl::scan_is_due() {
  const ScanState& last = state_.scan;
  std::function<bool()> must_wait;
  bool soon = false;
  {
    const std::lock_guard lock(mutex_);
    must_wait = must_wait_;
    soon = sweep_soon_;
  }
  if (last.kind != ScanState::Kind::none && last.phase != ScanState::Phase::done) {
    return last.kind != ScanState::Kind::backfill || !must_wait || !must_wait();
  }
  if (wants_backfill()) return true;
  if (state_.backfilled_at == WallTime{}) return false;  // the first run is asked for
  if (soon || last.report.contains(kReplacedSweep)) return true;
  const WallTime newest = std::max(state_.backfilled_at, last.ended);
  return parts_.clock.wall() - newest >= options_.sweep_interval;
}

// Never backfilled, or with another mapping: what has come into it since is only found by reading everything.
bool Stream::Impl::wants_backfill() const {
  if (!options_.backfills_itself) return false;
  return state_.backfilled_at == WallTime{} || state_.mapping != parts_.mapping.description();
}

Task Stream::Impl::scan() {
  if (!scan_is_due()) return Task::idle;
  if (state_.scan.kind == ScanState::Kind::none || state_.scan.phase == ScanState::Phase::done) {
    const auto kind = wants_backfill() ? ScanState::Kind::backfill : ScanState::Kind::sweep;
    const auto begun = start_scan(fence_, {kind});
    if (!begun) return failed(begun.error());
    const std::lock_guard lock(mutex_);
    sweep_soon_ = false;
    return Task::done;
  }
  switch (state_.scan.phase) {
    case ScanState::Phase::reading:
      return scan_chunk();
    case ScanState::Phase::counting:
      return count_missing();
    case ScanState::Phase::looking:
      return look_for_missing();
    case ScanState::Phase::absent:
      return scan_absent();
    case ScanState::Phase::done:
      break;
  }
  return Task::idle;
}

Task Stream::Impl::scan_chunk() {
  if (!may_call(Urgency::background)) return Task::idle;
  ScanState next = state_.scan;
  std::vector<Intake> intakes;
  std::vector<std::string> seen;
  bool more = true;
  // Several pages make a chunk: a page is what the legacy system gives, a chunk is what one commit carries.
  const SteadyTime began = parts_.clock.now();
  while (more && intakes.size() < options_.chunk) {
    if (!intakes.empty() && (gives_way(*this, began) || !may_call(Urgency::background))) break;
    const std::size_t limit = std::min(can().page_limit, options_.chunk);
    auto page = parts_.system.scan(type(), next.position, limit, call_deadline());
    if (!page) return failed(page.error());
    const Via via = next.kind == ScanState::Kind::verify ? Via::verify : Via::scan;
    const auto add = [&](legacy::LegacyRecord& row, const std::string& problem) {
      seen.push_back(row.id);
      Intake intake;
      intake.row = std::move(row);
      intake.via = via;
      intake.unreadable = problem;
      intakes.push_back(std::move(intake));
    };
    for (legacy::LegacyRecord& row : page->records) add(row, "");
    for (legacy::LegacyRecord& row : page->unreadable) {
      add(row, page->problem.empty() ? "The record could not be read." : page->problem);
    }
    more = page->more;
    next.position = page->next.id;
    if (page->records.empty() && page->unreadable.empty()) break;
  }
  next.scanned += static_cast<std::int64_t>(intakes.size());
  if (!more) {
    next.phase = ScanState::Phase::counting;
    next.position.clear();
  }
  note_rate(next);
  if (next.kind == ScanState::Kind::verify) return verify_rows(std::move(intakes), std::move(next), seen);
  if (next.dry_run) return try_out(intakes, std::move(next));
  return take_in(intakes, [&](View& view, Changes& changes) {
    if (go_on(view, next, changes)) changes.seen = seen;
  });
}

void Stream::Impl::note_rate(const ScanState& next) {
  const SteadyTime now = parts_.clock.now();
  if (scan_began_ == SteadyTime{} || next.scanned < scan_began_at_ || state_.scan.scanned == 0) {
    scan_began_ = now;
    scan_began_at_ = state_.scan.scanned;
  }
  const double passed = std::chrono::duration<double>(now - scan_began_).count();
  const std::lock_guard lock(mutex_);
  status_.scan_rate = passed > 0 ? static_cast<double>(next.scanned - scan_began_at_) / passed : 0;
}

Task Stream::Impl::count_missing() {
  if (state_.scan.dry_run) return scan_end();
  bool is_lost = false;
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        Changes changes;
        ScanState next = state_.scan;
        const auto part = view.count_not_seen({next.position, options_.missing_part});
        is_lost = !part;
        if (is_lost) {
          read_anew(view, changes);
          return changes;
        }
        Json& missing = next.report[kMissing];
        if (missing.is_null()) missing = {{"count", 0}, {"linked", 0}, {"gone", nullptr}, {"held", false}};
        add(missing, "count", part->missing);
        add(missing, "linked", part->linked);
        next.position = part->up_to;
        if (part->up_to.empty()) {
          next.phase = is_too_much(next.report, "count") ? ScanState::Phase::looking : ScanState::Phase::absent;
        }
        go_on(view, next, changes);
        return changes;
      },
      commit_deadline());
  if (done && is_lost) warn_that_it_reads_anew();
  return done ? Task::done : failed(done.error());
}

// The store has lost what the run has met (a crash of PostgreSQL empties it): it begins again, as if it had read
// nothing.
void Stream::Impl::read_anew(View& view, Changes& changes) const {
  ScanState next = state_.scan;
  next.phase = ScanState::Phase::reading;
  next.position.clear();
  next.scanned = 0;
  next.differences = next.repaired;
  next.report.erase(kMissing);
  if (!next.repair) next.report.erase(kDifferences);
  if (!go_on(view, next, changes)) return;
  changes.forget_seen = true;
}

void Stream::Impl::warn_that_it_reads_anew() const {
  log::warn("what a run has met is lost, as after a crash of PostgreSQL: it begins anew",
            {{"system", parts_.mapping.system()}, {"entity", parts_.mapping.entity()}});
}

bool Stream::Impl::is_too_much(const Json& report, const char* what) const {
  const Flow deletes = parts_.mapping.deletes();
  if (state_.scan.accepts_deletes || (deletes != Flow::both && deletes != Flow::to_modern)) return false;
  const Json& missing = report.at(kMissing);
  const auto number = missing.at(what).get<std::int64_t>();
  return number > options_.missing_few &&
         number * 100 > missing.at("linked").get<std::int64_t>() * options_.missing_percent;
}

// A page of links that the run has not seen, each asked for by its id: a record may have come and gone, or moved past
// the run, or the list leaves it out. Nothing: `ended`, which is done before, says how it went.
std::optional<std::vector<Intake>> Stream::Impl::read_missing(ScanState& next, Task& ended) {
  std::optional<View::NotSeen> known;
  const auto looked = parts_.store.commit(
      fence_,
      [&](View& view) {
        Changes changes;
        known = view.not_seen({next.position, options_.missing_part}, std::min(options_.chunk, can().page_limit));
        if (!known) read_anew(view, changes);
        return changes;
      },
      commit_deadline());
  if (!looked) ended = failed(looked.error());
  if (looked && !known) warn_that_it_reads_anew();
  if (!looked || !known) return std::nullopt;
  const View::NotSeen& missing = *known;
  next.position = missing.up_to.empty() && !missing.ids.empty() ? missing.ids.back() : missing.up_to;
  if (missing.ids.empty()) return std::vector<Intake>{};
  if (!may_call(Urgency::background)) {
    ended = Task::idle;
    return std::nullopt;
  }
  auto rows = read(missing.ids, next.kind == ScanState::Kind::verify ? Via::verify : Via::scan, true);
  if (rows) return std::move(*rows);
  ended = failed(rows.error());
  return std::nullopt;
}

// Many are missing: how many of them are really gone decides whether that can be believed.
Task Stream::Impl::look_for_missing() {
  ScanState next = state_.scan;
  ScanState after;  // made anew each time that the commit is run
  Task ended = Task::done;
  const auto rows = read_missing(next, ended);
  if (!rows) return ended;
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        Changes changes;
        after = next;
        Json& missing = after.report[kMissing];
        add(missing, "gone", count_gone(view, *rows, missing));
        if (after.position.empty()) {
          missing["held"] = is_too_much(after.report, "gone");
          after.phase = ScanState::Phase::absent;
        }
        go_on(view, after, changes);
        return changes;
      },
      commit_deadline());
  if (!done) return failed(done.error());
  const Json& missing = after.report[kMissing];
  if (missing["held"] == true) {
    log::warn("too many records are gone: nothing is deleted before a person says so",
              {{"system", parts_.mapping.system()},
               {"entity", parts_.mapping.entity()},
               {"gone", missing["gone"].get<std::int64_t>()},
               {"linked", missing["linked"].get<std::int64_t>()}});
  }
  return Task::done;
}

// Rows that are gone while their record is there, but for those that went with what they refer to. Names the first.
std::int64_t Stream::Impl::count_gone(View& view, std::span<const Intake> rows, Json& missing) const {
  std::vector<std::string> ids;
  for (const Intake& intake : rows) {
    if (intake.row.deleted) ids.push_back(intake.row.id);
  }
  if (ids.empty()) return 0;
  std::vector<std::string> fields;
  for (const FieldRule& rule : parts_.mapping.rules()) fields.push_back(rule.field);
  std::int64_t gone = 0;
  for (const Coupling& known : view.by_legacy(ids)) {
    if (!known.link || !known.record || known.record->deleted) continue;
    std::vector<Reference> references;
    parts_.mapping.modern_references(known.record->data, fields, references);
    const auto there = view.legacy_ids(references);
    if (std::any_of(there.begin(), there.end(), [](const auto& id) { return !id; })) continue;
    ++gone;
    Json& examples = missing["examples"];
    if (examples.is_null()) examples = Json::array();
    if (examples.size() < kScanExamples) examples.push_back(known.legacy_id);
  }
  return gone;
}

Task Stream::Impl::scan_absent() {
  const bool holds = is_held(state_.scan);
  if (!any_missing(state_.scan) || (holds && state_.scan.kind != ScanState::Kind::verify)) return scan_end();
  ScanState next = state_.scan;
  Task ended = Task::done;
  auto rows = read_missing(next, ended);
  if (!rows) return ended;
  if (rows->empty() && next.position.empty()) return scan_end();
  if (next.kind == ScanState::Kind::verify) return verify_rows(std::move(*rows), std::move(next), {}, !holds);
  return take_in(*rows, [&](View& view, Changes& changes) { go_on(view, next, changes); });
}

Task Stream::Impl::scan_end() {
  if (state_.scan.kind == ScanState::Kind::verify) {
    if (const Task ended = verify_store(); ended == Task::stop || !store_check_.ended) return ended;
  }
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        Changes changes;
        StreamState state = view.state();
        if (!is_same_run(state.scan, state_.scan)) return changes;
        state.scan.phase = ScanState::Phase::done;
        state.scan.ended = view.now();
        if (could_delete(state.scan)) state.scan.report.erase(kHeldBefore);
        if (state.scan.kind == ScanState::Kind::verify) {
          state.scan.differences += store_check_.differences;
          for (const Json& example : store_check_.examples) add_example(state.scan.report, example);
          if (store_check_.left_out > 0) {
            state.scan.report[kLeftOut] =
                Json::array({{{"records", store_check_.left_out}, {"reason", kLegacyRowsWait}}});
          }
        }
        const bool complete = state.scan.kind == ScanState::Kind::backfill && !state.scan.dry_run;
        if (complete) state.backfilled_at = view.now();
        if (complete) state.mapping = parts_.mapping.description();
        changes.state = state;
        changes.forget_seen = true;
        return changes;
      },
      commit_deadline());
  return done ? Task::done : failed(done.error());
}

}  // namespace banyan::sync
