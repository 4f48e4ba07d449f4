// Store -> legacy: the queue of records to be written, and where each of them goes. stream_plan.cpp decides what is
// written, stream_write.cpp then sends it.
#include <algorithm>
#include <utility>

#include "adapters/sync/field_values.hpp"
#include "adapters/sync/stream_impl.hpp"

namespace banyan::sync {
namespace {

// How far back an unanswered create is looked for: a clock may have been set since the two were last compared. What
// others made in that time is coupled, or is not as sent.
constexpr std::chrono::minutes kClockStep{1};

}  // namespace

Task Stream::Impl::push() {
  const SteadyTime now = parts_.clock.now();
  if (!options_.may_push) return Task::idle;
  bool nudged = false;
  {
    const std::lock_guard lock(mutex_);
    nudged = std::exchange(nudged_, false);
  }
  if (!nudged && now < next_outbox_) {
    wake_ = std::min(wake_, next_outbox_);
    return Task::idle;
  }
  if (lost_creates_) {
    const Task ended = find_lost_creates();
    if (ended != Task::idle) {
      const std::lock_guard lock(mutex_);
      nudged_ = true;
      return ended;
    }
  }
  const auto items = parts_.store.outbox(id_, options_.push_batch, parts_.clock.wall(), commit_deadline());
  if (!items) return failed(items.error());
  if (items->empty()) {
    next_outbox_ = now + options_.poll_interval;
    wake_ = std::min(wake_, next_outbox_);
    return Task::idle;
  }
  next_outbox_ = now;
  if (!may_call(Urgency::live)) return Task::idle;
  const WallTime since = parts_.clock.wall() + legacy_ahead_ - options_.clock_uncertainty - kClockStep;
  std::vector<PlannedWrite> writes;
  // Of the calls as well: after it nothing that is planned here may be begun any more, so that it can be said when a
  // write that was never answered can have no effect any more.
  const Deadline sendable = call_deadline();
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        Changes changes;
        writes.clear();
        to_read_.clear();
        note(view.state());
        planned_epoch_ = epoch_;
        if (paused_) return changes;
        plan(view, *items, changes, writes);
        for (PlannedWrite& write : writes) write.since = write.since == WallTime{} ? since : write.since;
        for (Intent& intent : changes.intents) {
          if (intent.since == WallTime{}) intent.since = since;
        }
        return changes;
      },
      commit_deadline());
  if (!done) {
    lost_creates_ = true;
    return failed(done.error());
  }
  const Task ended = carry_out(writes, sendable);
  return ended == Task::done && !to_read_.empty() ? read_first() : ended;
}

// Fields that legacy decides alone: a modern edit of them does not stay.
void Stream::Impl::take_back(View& view, const OutboxItem& item, const Coupling& known, Changes& changes) {
  Json data = known.record->data;
  Json lost = Json::object();
  const Json& base = *known.link->base;
  for (const FieldRule& rule : parts_.mapping.rules()) {
    if (rule.direction != Direction::to_modern) continue;
    const bool in_base = base.contains(rule.field);
    const bool equal =
        in_base ? data.contains(rule.field) && data[rule.field] == base[rule.field] : !data.contains(rule.field);
    if (equal) continue;
    if (data.contains(rule.field)) lost[rule.field] = data[rule.field];
    data.erase(rule.field);
    if (in_base) data[rule.field] = base[rule.field];
  }
  if (data == known.record->data) return;
  RecordWrite write = taken_back(view, item, known);
  write.kind = RecordWrite::Kind::update;
  write.record.data = data;
  write.changed = records::difference(known.record->data, data);
  Parked note = legacy_decides(view, known);
  note.message = "Only the legacy side may change these fields.";
  for (const auto& change : write.changed.items()) note.fields.push_back(change.key());
  note.legacy = pick(base, note.fields);
  note.base = note.legacy;
  note.modern = lost;
  for (const std::string& field : note.fields) note.answer[field] = to_string(Winner::legacy);
  changes.records.push_back(std::move(write));
  changes.parked.push_back(std::move(note));
  changes.outbox_added.push_back(known.record->id);  // its hash in the link is renewed next time
}

// Records that legacy alone deletes: a modern delete does not stay.
void Stream::Impl::take_back_delete(View& view, const OutboxItem& item, const Coupling& known, Changes& changes) {
  RecordWrite write = taken_back(view, item, known);
  write.kind = RecordWrite::Kind::restore;
  write.record.deleted = false;
  write.record.merged_into.clear();
  write.changed = Json::object();
  Parked note = legacy_decides(view, known);
  note.message = "Only the legacy side may delete these records.";
  note.fields = {"*"};
  note.legacy = *known.link->base;
  note.base = note.legacy;
  note.answer["*"] = to_string(Winner::legacy);
  changes.records.push_back(std::move(write));
  changes.parked.push_back(std::move(note));
  push_done(changes, item, Outcome::superseded);
  changes.outbox_added.push_back(known.record->id);  // what was edited before the delete is still to be sent
}

RecordWrite Stream::Impl::taken_back(View& view, const OutboxItem& item, const Coupling& known) const {
  RecordWrite write;
  write.record = *known.record;
  write.record.version += 1;
  write.record.updated_at = view.now();
  write.author = {records::Side::legacy, author_};
  write.skip_stream = id_;
  write.hops = item.hops + 1;
  return write;
}

Parked Stream::Impl::legacy_decides(View& view, const Coupling& known) const {
  Parked note;
  note.kind = Parked::Kind::conflict;
  note.state = Parked::State::resolved;
  note.stream = id_;
  note.side = records::Side::modern;
  note.legacy_id = known.link->legacy_id;
  note.record_id = known.record->id;
  note.error_class = "legacy_decides";
  note.at = view.now();
  note.answer = Json::object();
  note.answered_by = "policy";
  return note;
}

bool Stream::Impl::changes_nothing(const Changes& changes, const std::string& record_id) const {
  return std::none_of(changes.records.begin(), changes.records.end(),
                      [&](const RecordWrite& write) { return write.record.id == record_id; });
}

Mapped Stream::Impl::to_legacy(View& view, const Json& data, const std::vector<std::string>& fields, bool for_create) {
  std::vector<Reference> references;
  parts_.mapping.modern_references(data, fields, references);
  const auto found = references.empty() ? std::vector<std::optional<std::string>>{} : view.legacy_ids(references);
  const Lookup legacy_id_of = [&](const Reference& reference) -> std::optional<std::string> {
    const auto place = std::find(references.begin(), references.end(), reference);
    return place == references.end() ? std::nullopt : found[static_cast<std::size_t>(place - references.begin())];
  };
  return parts_.mapping.to_legacy(data, fields, legacy_id_of, for_create);
}

void Stream::Impl::push_done(Changes& changes, const OutboxItem& item, Outcome outcome) {
  changes.outbox_done.push_back({item, outcome});
  Counts& counts = changes.modern_counts;
  counts.captured += item.changes;
  switch (outcome) {
    case Outcome::applied:
      counts.applied += item.changes;
      break;
    case Outcome::superseded:
      counts.superseded += item.changes;
      break;
    case Outcome::echo:
      counts.echo += item.changes;
      break;
    case Outcome::conflict:
      counts.conflict += item.changes;
      break;
    case Outcome::dead_letter:
      counts.dead_letter += item.changes;
      break;
    case Outcome::in_flight:
      counts.in_flight += item.changes;
      break;
  }
}

// Another comes first: that is no failure of this one.
void Stream::Impl::push_postponed(Changes& changes, const OutboxItem& item) {
  Changes::OutboxDelay delay;
  delay.record_id = item.record_id;
  delay.not_before = parts_.clock.wall() + options_.retry_least;
  delay.attempt_read = item.attempt;
  delay.attempt = std::max(item.attempt, 1);
  changes.outbox_delayed.push_back(std::move(delay));
}

void Stream::Impl::push_delayed(Changes& changes, const OutboxItem& item, const std::string& waits_for) {
  const auto pause = std::min(options_.retry_most, options_.retry_least * (1 << std::min(item.attempt, 10)));
  changes.outbox_delayed.push_back(
      {item.record_id, parts_.clock.wall() + pause, item.attempt, item.attempt + 1, waits_for});
}

void Stream::Impl::park_modern(View& view, Changes& changes, const OutboxItem& item, const Coupling& known,
                               Parked matter) {
  const auto& before = matter.kind == Parked::Kind::conflict ? known.conflict : known.dead_letter;
  matter.stream = id_;
  matter.side = records::Side::modern;
  matter.record_id = item.record_id;
  if (known.link) matter.legacy_id = known.link->legacy_id;
  if (matter.modern.is_null() && known.record) matter.modern = parts_.mapping.project(known.record->data);
  if (matter.base.is_null() && known.link && known.link->base) matter.base = *known.link->base;
  matter.epoch = view.state().epoch;
  matter.at = view.now();
  matter.modern_changes = item.changes;
  if (before) {
    matter.id = before->id;
    matter.legacy_changes = before->legacy_changes;
    matter.modern_changes += before->modern_changes;
    // Somebody has answered meanwhile: that is still to be carried out.
    const bool is_same_question = before->error_class == matter.error_class && before->fields == matter.fields;
    if (before->state == Parked::State::answered && is_same_question) {
      matter.state = before->state;
      matter.answer = before->answer;
      matter.answered_by = before->answered_by;
    }
  }
  changes.parked.push_back(std::move(matter));
}

void Stream::Impl::push_parked(View& view, Changes& changes, const OutboxItem& item, const Coupling& known,
                               Parked matter) {
  const Outcome outcome = matter.kind == Parked::Kind::conflict ? Outcome::conflict : Outcome::dead_letter;
  park_modern(view, changes, item, known, std::move(matter));
  push_done(changes, item, outcome);
}

}  // namespace banyan::sync
