// Runs through all records of the legacy side: backfill, sweep, verify.
//
// A run reads chunk after chunk in the order of keys and commits each with its position, so that it resumes where it
// was. When it has seen all, the links that it has not seen are looked at one by one: what is really gone is a delete.
// What verify does with a chunk is in stream_verify.cpp.
#include <algorithm>
#include <utility>

#include "adapters/sync/scan_report.hpp"
#include "adapters/sync/stream_impl.hpp"

namespace banyan::sync {
namespace {

constexpr std::chrono::milliseconds kChunkTime{200};

// A chunk ends where something live comes up, and in any case soon.
bool gives_way(const auto& stream, SteadyTime began) {
  if (stream.parts_.clock.now() - began >= kChunkTime) return true;
  const std::lock_guard lock(stream.mutex_);
  return !stream.observed_.empty() || stream.nudged_ || stream.poll_now_;
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
    const auto begun = start_scan(fence_, kind, false, false);
    if (!begun) return failed(begun.error());
    const std::lock_guard lock(mutex_);
    sweep_soon_ = false;
    return Task::done;
  }
  switch (state_.scan.phase) {
    case ScanState::Phase::reading:
      return scan_chunk();
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
    next.phase = ScanState::Phase::absent;
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

// Links that the run has not seen. A record may have come and gone, or moved past the run: each is asked for by its id.
Task Stream::Impl::scan_absent() {
  std::vector<std::string> ids;
  if (!state_.scan.dry_run) {
    const auto looked = parts_.store.commit(
        fence_,
        [&](View& view) {
          ids = view.links_not_seen(state_.scan.position, std::min(options_.chunk, can().page_limit));
          return Changes{};
        },
        commit_deadline());
    if (!looked) return failed(looked.error());
  }
  if (ids.empty()) return scan_end();
  if (!may_call(Urgency::background)) return Task::idle;
  const Via via = state_.scan.kind == ScanState::Kind::verify ? Via::verify : Via::scan;
  auto rows = read(ids, via, true);
  if (!rows) return failed(rows.error());
  ScanState next = state_.scan;
  next.position = ids.back();
  if (next.kind == ScanState::Kind::verify) return verify_rows(std::move(*rows), std::move(next), {});
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
        if (state.scan.kind == ScanState::Kind::verify) {
          state.scan.differences += store_check_.differences;
          for (const Json& example : store_check_.examples) add_example(state.scan.report, example);
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
