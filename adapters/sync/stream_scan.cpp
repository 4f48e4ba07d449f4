// Runs through all records of the legacy side: backfill, sweep, verify.
//
// A run reads chunk after chunk in the order of keys and commits each with its position, so that it resumes where it
// was. When it has seen all, the links that it has not seen are looked at one by one: what is really gone is a delete.
#include <algorithm>
#include <utility>

#include "adapters/sync/stream_impl.hpp"

namespace banyan::sync {
namespace {

constexpr std::size_t kExamples = 20;
constexpr std::size_t kExampleBytes = 200;  // of a value; longer ones are left out

bool crosses_to_legacy(Flow flow) {
  return flow == Flow::both || flow == Flow::to_legacy;
}

void add_example(Json& report, const char* list, Json example) {
  Json& examples = report[list];
  if (!examples.is_array()) examples = Json::array();
  if (examples.size() < kExamples) examples.push_back(std::move(example));
}

// The agreed values are those that the legacy side was last seen with.
Json example_of(const Coupling& known, std::span<const FieldRule> rules) {
  const bool is_gone = !known.record || known.record->deleted;
  Json example{{"kind", is_gone ? "missing_modern" : "different"},
               {"legacy_id", known.link->legacy_id},
               {"record_id", known.link->record_id},
               {"fields", Json::array()}};
  if (is_gone) return example;
  for (const FieldRule& rule : rules) {
    const Json agreed = known.link->base->value(rule.field, Json());
    const Json here = known.record->data.value(rule.field, Json());
    if (here == agreed) continue;
    Json field{{"field", rule.field}};
    if (!agreed.is_null() && agreed.dump().size() <= kExampleBytes) field["legacy"] = agreed;
    if (!here.is_null() && here.dump().size() <= kExampleBytes) field["modern"] = here;
    example["fields"].push_back(std::move(field));
  }
  return example;
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
  if (soon) return true;
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
  while (more && intakes.size() < options_.chunk) {
    if (!intakes.empty()) {
      if (!may_call(Urgency::background)) break;
    }
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
    StreamState state = view.state();
    state.scan = next;
    changes.state = state;
    changes.seen = seen;
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
  return take_in(*rows, [&](View& view, Changes& changes) {
    StreamState state = view.state();
    state.scan = next;
    changes.state = state;
  });
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
        state.scan.phase = ScanState::Phase::done;
        state.scan.ended = view.now();
        if (state.scan.kind == ScanState::Kind::verify) {
          state.scan.differences += store_check_.differences;
          for (const Json& example : store_check_.examples) add_example(state.scan.report, "differences", example);
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

// A difference counts only if it survives a second reading of both sides with nothing in flight: what differs now is
// read again, after the feed has been read to its end, and compared with what has become of the store.
Task Stream::Impl::verify_rows(std::vector<Intake> intakes, ScanState next, const std::vector<std::string>& seen) {
  std::vector<std::string> suspects;
  if (const Task ended = differing(intakes, suspects); ended == Task::stop) return ended;
  if (!suspects.empty()) {
    for (int i = 0; i < 100; ++i) {  // bounded: a feed that never ends must not hold up the run
      next_poll_ = parts_.clock.now();
      const Task ended = capture_feed();
      if (ended == Task::stop) return ended;
      if (!pass_) break;
    }
    parts_.budget.spend();
    auto again = read(suspects, Via::verify, true);
    if (!again) return failed(again.error());
    intakes = std::move(*again);
    suspects.clear();
    if (const Task ended = differing(intakes, suspects); ended == Task::stop) return ended;
  }
  std::erase_if(intakes, [&](const Intake& intake) {
    return std::find(suspects.begin(), suspects.end(), intake.row.id) == suspects.end();
  });
  const auto found = static_cast<std::int64_t>(intakes.size());
  for (const Intake& intake : intakes) {
    add_example(next.report, "differences",
                {{"kind", intake.row.deleted ? "missing_legacy" : "different"},
                 {"legacy_id", intake.row.id},
                 {"record_id", nullptr},
                 {"fields", Json::array()}});
  }
  next.differences += found;
  if (next.repair) next.repaired += found;
  if (!next.repair) intakes.clear();
  return take_in(intakes, [&](View& view, Changes& changes) {
    StreamState state = changes.state.value_or(view.state());
    state.scan = next;
    changes.state = state;
    changes.seen = seen;
  });
}

// The rows whose record, link or base is not what it should be, leaving out what waits, is being pushed, or is a
// person's matter.
Task Stream::Impl::differing(const std::vector<Intake>& intakes, std::vector<std::string>& suspects) {
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        suspects = differing_ids(view, absorb_context(), intakes);
        return Changes{};
      },
      commit_deadline());
  return done ? Task::done : failed(done.error());
}

// The store against its own bases, a page at a time. A record that differs without an edit in its history to show for
// it was changed behind our back: the base is the truth. One with such an edit was never pushed: it goes into the
// outbox.
Task Stream::Impl::verify_store() {
  if (store_check_.run != state_.scan.started) store_check_ = {};
  store_check_.run = state_.scan.started;
  const DriftScope scope{store_check_.after, crosses_to_legacy(parts_.mapping.deletes())};
  const auto drift = parts_.store.drift(id_, options_.page, commit_deadline(), scope);
  if (!drift) return failed(drift.error());
  StoreCheck found;
  if (!drift->record_ids.empty()) {
    const auto done = parts_.store.commit(
        fence_, [&](View& view) { return check_records(view, drift->record_ids, found); }, commit_deadline());
    if (!done) return failed(done.error());
    store_check_.after = drift->record_ids.back();
  }
  store_check_.differences += found.differences;
  for (Json& example : found.examples) {
    if (store_check_.examples.size() < kExamples) store_check_.examples.push_back(std::move(example));
  }
  store_check_.ended = drift->record_ids.size() < options_.page;
  return Task::done;
}

// What repair has put right is counted in the same commit, since another look no longer finds it; the rest is put into
// `found`.
Changes Stream::Impl::check_records(View& view, const std::vector<std::string>& record_ids, StoreCheck& found) {
  found = {};
  Changes changes;
  StreamState state = view.state();
  for (const Coupling& known : view.by_record(record_ids)) {
    if (!repair_record(view, known, state.scan.repair, changes)) continue;
    Json example = example_of(known, parts_.mapping.rules());
    if (!state.scan.repair) {
      ++found.differences;
      if (found.examples.size() < kExamples) found.examples.push_back(std::move(example));
      continue;
    }
    ++state.scan.differences;
    ++state.scan.repaired;
    add_example(state.scan.report, "differences", std::move(example));
  }
  if (state.scan.repair) changes.state = state;
  return changes;
}

// A record made anew from its base.
RecordWrite Stream::Impl::rebuilt(View& view, const Link& link) const {
  RecordWrite write;
  write.kind = RecordWrite::Kind::insert;
  write.record.entity = parts_.mapping.entity();
  write.record.id = link.record_id;
  write.record.version = view.last_version(link.record_id) + 1;
  write.record.data = *link.base;
  write.record.created_at = write.record.updated_at = view.now();
  write.changed = records::difference(Json::object(), write.record.data);
  write.author = {records::Side::legacy, "verify:" + parts_.mapping.system()};
  write.skip_stream = id_;
  return write;
}

bool Stream::Impl::repair_record(View& view, const Coupling& known, bool repair, Changes& changes) {
  if (!known.link || !known.link->base || known.conflict || known.dead_letter) return false;
  if (!known.record) {  // its row is lost
    if (repair) changes.records.push_back(rebuilt(view, *known.link));
    return true;
  }
  if (known.record->deleted) {  // a delete that was never pushed
    if (!crosses_to_legacy(parts_.mapping.deletes())) return false;
    if (repair) changes.outbox_added.push_back(known.record->id);
    return true;
  }
  const Json& base = *known.link->base;
  const Json& data = known.record->data;
  Json right = data;
  bool corrupt = false;
  bool unpushed = false;
  for (const FieldRule& rule : parts_.mapping.rules()) {
    const Json here = data.value(rule.field, Json());
    const Json agreed = base.value(rule.field, Json());
    if (here == agreed) continue;
    const auto edit = view.last_modern_edit(known.record->id, rule.field);
    if (edit && edit->to == here) {
      unpushed = true;
      continue;
    }
    corrupt = true;
    right.erase(rule.field);
    if (!agreed.is_null()) right[rule.field] = agreed;
  }
  if (!corrupt && !unpushed) {  // only fields that are not mapped have changed
    Link link = *known.link;
    link.record_hash = records::content_hash(data);
    changes.links.push_back(std::move(link));
    return false;
  }
  if (!repair) return true;
  if (unpushed) changes.outbox_added.push_back(known.record->id);
  if (!corrupt) return true;
  RecordWrite write;
  write.kind = RecordWrite::Kind::update;
  write.record = *known.record;
  write.record.data = right;
  write.record.version += 1;
  write.record.updated_at = view.now();
  write.changed = records::difference(data, right);
  write.author = {records::Side::legacy, "verify:" + parts_.mapping.system()};
  write.skip_stream = id_;
  changes.records.push_back(std::move(write));
  Link link = *known.link;
  link.record_hash = records::content_hash(right);
  changes.links.push_back(std::move(link));
  return true;
}

}  // namespace banyan::sync
