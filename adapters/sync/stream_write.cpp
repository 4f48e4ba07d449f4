// Store -> legacy: carrying out what was planned, and finding out what became of creates that were never answered.
#include <algorithm>
#include <utility>

#include "adapters/sync/stream_impl.hpp"

namespace banyan::sync {
namespace {

// A push step ends after this time, so that captures are not held up; what was not sent is planned again.
constexpr std::chrono::milliseconds kPushTime{100};

bool may_have_happened(const legacy::Failure& failure) {
  using Kind = legacy::Failure::Kind;
  return failure.kind == Kind::unknown || failure.kind == Kind::deadline || failure.kind == Kind::malformed;
}

}  // namespace

Task Stream::Impl::carry_out(std::vector<PlannedWrite>& writes) {
  const SteadyTime begun = parts_.clock.now();
  bool first = true;
  for (const PlannedWrite& write : writes) {
    const bool overruled = paused_ || epoch_ != planned_epoch_;
    const bool stops = !first && (overruled || parts_.clock.now() - begun > kPushTime || !may_call(Urgency::live));
    first = false;
    Task ended = Task::done;
    if (!stops) {
      const auto written = carry_out_one(write);
      ended = written ? settle_written(write, *written) : settle_failed(write, written.error());
    }
    if (stops || ended != Task::done) {
      lost_creates_ = true;  // a create among those left is noted as under way
      return ended;
    }
  }
  return Task::done;
}

legacy::Answer<legacy::Written> Stream::Impl::carry_out_one(const PlannedWrite& write) {
  const Deadline deadline = call_deadline();
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
  Parked closed = *known.dead_letter;
  closed.state = Parked::State::resolved;
  changes.modern_counts.dead_letter -= closed.modern_changes;
  changes.modern_counts.applied += closed.modern_changes;
  changes.legacy_counts.dead_letter -= closed.legacy_changes;
  changes.legacy_counts.applied += closed.legacy_changes;
  changes.parked_closed.push_back(std::move(closed));
}

Task Stream::Impl::settle_failed(const PlannedWrite& write, const legacy::Failure& failure) {
  using Kind = legacy::Failure::Kind;
  // Before anything is committed: the other streams of this process must keep the time as well.
  if (failure.kind == Kind::rate_limited && failure.retry_after) {
    parts_.budget.pause_until(parts_.clock.now() + *failure.retry_after);
  }
  const bool is_create = write.kind == PlannedWrite::Kind::create;
  if (is_create && failure.kind != Kind::rejected) lost_creates_ = true;  // find() tells whether it arrived
  const bool dead = failure.kind == Kind::rejected ||
                    (failure.kind == Kind::malformed && write.item.attempt >= options_.attempts_until_dead);
  if (failure.kind == Kind::stale || failure.kind == Kind::missing || (failure.kind == Kind::rejected && !is_create)) {
    // The record has moved, or may have: what it is now comes first, the write is planned anew.
    parts_.budget.spend();
    auto rows = read(std::span(&write.legacy_id, 1), Via::feed, true);
    if (!rows) return failed(rows.error());
    rows->front().refused = true;
    if (const Task ended = take_in(*rows); ended != Task::done) return ended;
    if (!dead) return Task::done;
  }
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        Changes changes;
        note(view.state());
        if (!dead) {
          push_delayed(changes, write.item);
          return changes;
        }
        const Coupling known = std::move(view.by_record(std::span(&write.item.record_id, 1)).front());
        Parked matter;
        matter.kind = Parked::Kind::dead_letter;
        matter.error_class = failure.kind == Kind::rejected ? "rejected" : "malformed";
        matter.message = failure.message;
        matter.fields = write.kind == PlannedWrite::Kind::remove ? std::vector<std::string>{"*"} : write.pending.fields;
        matter.legacy = write.fields;
        push_parked(view, changes, write.item, known, std::move(matter));
        if (is_create && failure.kind == Kind::rejected) changes.intents_done.push_back(write.item.record_id);
        return changes;
      },
      commit_deadline());
  if (!done) return failed(done.error());
  if (dead) return Task::done;
  if (failure.kind == Kind::duplicate) return Task::done;
  if (may_have_happened(failure)) recent_.clear();
  return failed(failure);
}

// Creates that were begun and never answered: by this process before a failure, or by another that is gone.
Task Stream::Impl::find_lost_creates() {
  std::vector<Intent> intents;
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        intents = view.open_intents();
        return Changes{};
      },
      commit_deadline());
  if (!done) return failed(done.error());
  std::erase_if(intents, [](const Intent& intent) { return !intent.attempted; });
  if (intents.empty()) {
    lost_creates_ = false;
    return Task::idle;
  }
  for (const Intent& intent : intents) {
    // Another process may still be in the middle of its call: it has until its deadline.
    const bool ours = own_creates_.contains(intent.record_id);
    const auto age = parts_.clock.wall() - intent.at;
    if (!ours && age < options_.call_deadline + options_.clock_uncertainty) continue;
    if (!may_call(Urgency::live)) return Task::idle;
    return find_lost_create(intent);
  }
  return Task::idle;
}

Task Stream::Impl::find_lost_create(const Intent& intent) {
  const auto found = parts_.system.find(type(), {intent.record_id, intent.since}, call_deadline());
  if (!found) return failed(found.error());
  const bool by_content = can().create_identity == legacy::CreateIdentity::search;
  std::vector<std::string> ids;
  for (const auto& row : *found) ids.push_back(row.id);
  const AbsorbContext context = absorb_context();
  Absorbed absorbed;
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        const std::vector<Coupling> known = ids.empty() ? std::vector<Coupling>{} : view.by_legacy(ids);
        std::vector<const legacy::LegacyRecord*> candidates;
        std::vector<const legacy::LegacyRecord*> equal;
        bool taken = false;
        for (std::size_t i = 0; i < ids.size(); ++i) {
          if (known[i].link) {
            taken = taken || (!by_content && known[i].link->record_id != intent.record_id);
            continue;
          }
          candidates.push_back(&(*found)[i]);
          if (!by_content || is_as_sent(view, intent, (*found)[i])) equal.push_back(&(*found)[i]);
        }
        if (!equal.empty()) candidates = equal;
        absorbed = {};
        Changes changes;
        if (candidates.empty() && taken) {  // somebody brought back a row with its id, which is another record by now
          changes = park_ambiguous_create(view, intent, {});
          changes.parked.back().message = "The id that the record would get belongs to another record.";
          return changes;
        }
        if (candidates.empty()) {  // it never arrived
          Intent again = intent;
          again.attempted = false;
          changes.intents.push_back(std::move(again));
          changes.outbox_added.push_back(intent.record_id);
          return changes;
        }
        if (candidates.size() > 1 && by_content && equal.empty())
          return park_ambiguous_create(view, intent, candidates);
        Intake intake;
        intake.row = *candidates.front();
        intake.captured = false;
        intake.created_for = intent.record_id;
        intake.found = true;
        PendingWrite sent;
        sent.values = intent.base;
        for (const auto& field : intent.base.items()) sent.fields.push_back(field.key());
        intake.confirmed = std::move(sent);
        absorbed = absorb(view, context, std::span(&intake, 1));
        absorbed.changes.outbox_added.push_back(intent.record_id);
        return std::exchange(absorbed.changes, {});
      },
      commit_deadline());
  if (!done) return failed(done.error());
  succeeded();
  note(absorbed);
  own_creates_.erase(intent.record_id);
  return Task::done;
}

// Whether a legacy record holds just what we sent when we created it.
bool Stream::Impl::is_as_sent(View& view, const Intent& intent, const legacy::LegacyRecord& row) {
  std::vector<Reference> references;
  parts_.mapping.references(row.fields, references);
  const auto found = references.empty() ? std::vector<std::optional<std::string>>{} : view.record_ids(references);
  const Mapped mapped =
      parts_.mapping.to_modern(row.fields, [&](const Reference& reference) -> std::optional<std::string> {
        const auto place = std::find(references.begin(), references.end(), reference);
        return place == references.end() ? std::nullopt : found[static_cast<std::size_t>(place - references.begin())];
      });
  for (const auto& field : intent.base.items()) {
    const auto value = mapped.fields.find(field.key());
    if (value == mapped.fields.end() || *value != field.value()) return false;
  }
  return true;
}

Changes Stream::Impl::park_ambiguous_create(View& view, const Intent& intent,
                                            const std::vector<const legacy::LegacyRecord*>& candidates) {
  Changes changes;
  const Coupling known = std::move(view.by_record(std::span(&intent.record_id, 1)).front());
  Parked matter;
  matter.kind = Parked::Kind::conflict;
  matter.error_class = "ambiguous_create";
  matter.message = "A create was not answered, and several new legacy records could be its result.";
  matter.fields = {"*"};
  matter.legacy = Json::array();
  for (const auto* row : candidates) matter.legacy.push_back(row->id);
  OutboxItem item;
  item.record_id = intent.record_id;
  item.changes = 0;
  park_modern(view, changes, item, known, std::move(matter));
  changes.intents_done.push_back(intent.record_id);
  return changes;
}

}  // namespace banyan::sync
