// Store -> legacy: carrying out what was planned.
#include <algorithm>
#include <utility>

#include "adapters/sync/stream_impl.hpp"

namespace banyan::sync {
namespace {

using Kind = legacy::Failure::Kind;

// A push step ends after this time, so that captures are not held up; what was not sent is planned again.
constexpr std::chrono::milliseconds kPushTime{100};

bool may_have_happened(Kind kind) {
  return kind == Kind::unknown || kind == Kind::deadline || kind == Kind::malformed;
}

// The call had no effect, and whatever it was planned on may be as it was.
bool did_not_happen(Kind kind) {
  return kind == Kind::unavailable || kind == Kind::rate_limited || kind == Kind::unauthorised;
}

const char* class_of(Kind kind) {
  switch (kind) {
    case Kind::rejected:
      return "rejected";
    case Kind::duplicate:
      return "duplicate";
    case Kind::malformed:
      return "malformed";
    default:
      return "exhausted";
  }
}

}  // namespace

Task Stream::Impl::carry_out(std::span<const PlannedWrite> writes, Deadline deadline) {
  const SteadyTime begun = parts_.clock.now();
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const SteadyTime now = parts_.clock.now();
    const bool overruled = paused_ || epoch_ != planned_epoch_;
    const bool stops = i > 0 && (overruled || now - begun > kPushTime || !may_call(Urgency::live));
    if (stops || deadline.passed(now)) return withdraw(writes.subspan(i));
    const auto written = carry_out_one(writes[i], deadline);
    const Task ended = written ? settle_written(writes[i], *written) : settle_failed(writes[i], written.error());
    if (ended == Task::done) continue;
    if (!lost_) (void)withdraw(writes.subspan(i + 1));
    return ended;
  }
  return Task::done;
}

legacy::Answer<legacy::Written> Stream::Impl::carry_out_one(const PlannedWrite& write, Deadline deadline) {
  switch (write.kind) {
    case PlannedWrite::Kind::create:
      return parts_.system.create(type(), write.fields, {write.item.record_id, write.since}, deadline);
    case PlannedWrite::Kind::update:
      return parts_.system.update(type(), write.legacy_id, write.fields, write.whole, write.pending.expected, deadline);
    case PlannedWrite::Kind::remove:
      break;
  }
  const auto removed = parts_.system.remove(type(), write.legacy_id, write.pending.expected, deadline);
  if (!removed) return tl::unexpected(removed.error());
  legacy::Written gone;
  gone.id = write.legacy_id;
  gone.record.emplace();
  gone.record->id = write.legacy_id;
  gone.record->deleted = true;
  return gone;
}

// These were planned and not begun: nothing of them may stand as under way.
Task Stream::Impl::withdraw(std::span<const PlannedWrite> writes) {
  if (writes.empty()) return Task::done;
  std::vector<std::string> ids;
  for (const PlannedWrite& write : writes) ids.push_back(write.item.record_id);
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        Changes changes;
        const std::vector<Coupling> known = view.by_record(ids);
        for (std::size_t i = 0; i < writes.size(); ++i) withdraw(writes[i], known[i], changes);
        return changes;
      },
      commit_deadline());
  if (done) return Task::done;
  lost_creates_ = true;
  return failed(done.error());
}

void Stream::Impl::withdraw(const PlannedWrite& write, const Coupling& known, Changes& changes) {
  if (write.kind == PlannedWrite::Kind::create) {
    if (!known.intent) return;
    Intent intent = *known.intent;
    intent.attempted = false;
    changes.intents.push_back(std::move(intent));
    return;
  }
  if (!known.link || !known.link->pending || write.pending.is_repeat) return;
  Link link = *known.link;
  link.pending.reset();
  if (write.kind == PlannedWrite::Kind::update && link.writes > 0) --link.writes;
  changes.links.push_back(std::move(link));
}

// What the last plan found under way: the legacy records tell.
Task Stream::Impl::read_first() {
  parts_.budget.spend();
  const auto rows = read(to_read_, Via::retry, true);
  return rows ? take_in(*rows) : failed(rows.error());
}

// The write has had its effect. What legacy holds now goes in by the same way as everything else; the base takes what
// we sent, so a value that legacy rewrote is seen as legacy's, and adopted once.
Task Stream::Impl::settle_written(const PlannedWrite& write, const legacy::Written& written) {
  std::vector<Intake> intakes;
  if (written.record) {
    Intake intake;
    intake.row = *written.record;
    intakes.push_back(std::move(intake));
  } else {
    parts_.budget.spend();
    auto rows = read(std::span(&written.id, 1), Via::feed, false);
    if (!rows) {  // it is written; when the record is seen next, the pending write (or the intent) tells so
      if (write.kind == PlannedWrite::Kind::create) lost_creates_ = true;
      return failed(rows.error());
    }
    intakes = std::move(*rows);
  }
  Intake& intake = intakes.front();
  intake.captured = false;
  intake.hops = write.item.hops + 1;
  if (write.kind == PlannedWrite::Kind::create) intake.created_for = write.item.record_id;
  if (!intake.row.deleted) intake.confirmed = write.pending;
  const Task ended = take_in(intakes, [&](View& view, Changes& changes) {
    if (write.kind == PlannedWrite::Kind::create && belongs_to_another(view, intake.row.id, write.item.record_id)) {
      const Coupling known = std::move(view.by_record(std::span(&write.item.record_id, 1)).front());
      Parked matter = ambiguous_create("The create was answered with a record that is another's already.", {});
      changes.intents_done.push_back(write.item.record_id);
      return push_parked(view, changes, write.item, known, std::move(matter));
    }
    // Of a write that was made once more the record may have moved on: what is left is still in the outbox.
    if (write.pending.is_repeat && !write.pending.is_delete) return;
    push_done(changes, write.item, Outcome::applied);
    close_rejected(view, write, changes);
    if (write.kind == PlannedWrite::Kind::create && intake.row.deleted) {  // made and already gone
      changes.intents_done.push_back(write.item.record_id);
      changes.outbox_added.push_back(write.item.record_id);
    }
  });
  if (ended == Task::done && !intake.row.deleted) recent_[intake.row.id] = intake.row.version;
  if (ended != Task::done && write.kind == PlannedWrite::Kind::create) lost_creates_ = true;
  return ended;
}

// What legacy refused before, it has taken now.
void Stream::Impl::close_rejected(View& view, const PlannedWrite& write, Changes& changes) {
  const Coupling known = std::move(view.by_record(std::span(&write.item.record_id, 1)).front());
  if (!known.dead_letter || known.dead_letter->side != records::Side::modern) return;
  const bool stands_for_more = std::any_of(changes.parked.begin(), changes.parked.end(),
                                           [&](const Parked& matter) { return matter.id == known.dead_letter->id; });
  if (stands_for_more) return;
  const auto& fields = known.dead_letter->fields;
  const bool all_sent = std::all_of(fields.begin(), fields.end(), [&](const std::string& field) {
    const auto& sent = write.pending.fields;
    return std::find(sent.begin(), sent.end(), field) != sent.end();
  });
  if (!all_sent) return;
  close_matter(changes, *known.dead_letter, Parked::State::resolved);
}

// Whether a person must look: the record is at fault, not the system.
bool Stream::Impl::is_dead(const PlannedWrite& write, const legacy::Failure& failure) const {
  if (failure.kind == Kind::rejected) return true;
  if (write.item.attempt < options_.attempts_until_dead) return false;
  if (failure.kind == Kind::malformed || failure.kind == Kind::duplicate) return true;
  // A system that answers nothing at all is not this record's fault.
  const bool is_unanswered = failure.kind == Kind::unknown || failure.kind == Kind::deadline;
  return is_unanswered && write.kind != PlannedWrite::Kind::create && failures_ == 0;
}

Task Stream::Impl::settle_failed(const PlannedWrite& write, const legacy::Failure& failure) {
  // Before anything is committed: the other streams of this process must keep the time as well.
  if (failure.kind == Kind::rate_limited && failure.retry_after) {
    parts_.budget.pause_until(parts_.clock.now() + *failure.retry_after);
  }
  const bool is_create = write.kind == PlannedWrite::Kind::create;
  if (is_create && failure.kind != Kind::rejected) lost_creates_ = true;  // find() tells whether it arrived
  bool dead = is_dead(write, failure);
  if (failure.kind == Kind::stale || failure.kind == Kind::missing || (failure.kind == Kind::rejected && !is_create)) {
    if (const Task ended = look_again(write, dead); ended != Task::done || !dead) return ended;
  }
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        Changes changes;
        note(view.state());
        const Coupling known = std::move(view.by_record(std::span(&write.item.record_id, 1)).front());
        if (did_not_happen(failure.kind)) withdraw(write, known, changes);
        if (!dead) {
          push_delayed(changes, write.item);
          return changes;
        }
        Parked matter;
        matter.kind = Parked::Kind::dead_letter;
        matter.error_class = class_of(failure.kind);
        matter.message = failure.message;
        matter.fields = write.kind == PlannedWrite::Kind::remove ? std::vector<std::string>{"*"} : write.pending.fields;
        matter.legacy = write.fields;
        push_parked(view, changes, write.item, known, std::move(matter));
        const bool was_not_made = failure.kind == Kind::rejected || failure.kind == Kind::duplicate;
        if (is_create && was_not_made) changes.intents_done.push_back(write.item.record_id);
        return changes;
      },
      commit_deadline());
  if (!done) return failed(done.error());
  if (dead || failure.kind == Kind::duplicate) return Task::done;
  if (may_have_happened(failure.kind)) recent_.clear();
  return failed(failure);
}

// The record has moved, or may have: what it is now comes first, the write is planned anew. Not at once if that has
// happened before. One that is gone has nothing that a person could look at: parts go with their whole while they are
// written, and systems have many words for that.
Task Stream::Impl::look_again(const PlannedWrite& write, bool& is_dead) {
  const auto delay = [&](Changes& changes) {
    if (is_dead) return;
    if (write.item.attempt > 0) return push_delayed(changes, write.item);
    changes.outbox_delayed.push_back({write.item.record_id, parts_.clock.wall(), 0, 1, {}});
  };
  parts_.budget.spend();
  auto rows = read(std::span(&write.legacy_id, 1), Via::feed, true);
  if (rows) {
    is_dead = is_dead && !rows->front().row.deleted;
    rows->front().refused = !write.pending.is_repeat;
    return take_in(*rows, [&](View&, Changes& changes) { delay(changes); });
  }
  const Task ended = failed(rows.error());  // first: the other streams must keep a time that the system asks for
  const auto done = parts_.store.commit(
      fence_,
      [&](View&) {
        Changes changes;
        push_delayed(changes, write.item);
        return changes;
      },
      commit_deadline());
  return done ? ended : failed(done.error());
}

}  // namespace banyan::sync
