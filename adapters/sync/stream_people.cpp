// What people have decided: answered conflicts and replayed dead letters are carried out. So are dead letters whose
// cause is gone.
#include <algorithm>
#include <utility>

#include "adapters/sync/stream_impl.hpp"

namespace banyan::sync {
namespace {

constexpr std::size_t kAnswers = 20;  // looked at in one step
constexpr std::chrono::seconds kAnswerPause{2};
constexpr std::chrono::seconds kLookForRestored{5};

// Whether it is carried out in the store alone: a change of the modern side goes out again.
bool is_replay(const Parked& matter) {
  if (matter.error_class == "ambiguous_create") return false;
  return matter.legacy_id.empty() || (matter.kind == Parked::Kind::dead_letter && matter.side == records::Side::modern);
}

}  // namespace

Task Stream::Impl::carry_out_answers() {
  const SteadyTime now = parts_.clock.now();
  bool nudged = false;
  {
    const std::lock_guard lock(mutex_);
    nudged = nudged_;
  }
  if (!nudged && now < next_answers_) return Task::idle;
  const bool looks_for_restored = now >= next_restored_;
  const auto look = looks_for_restored ? SyncStore::Look::restored_too : SyncStore::Look::answered;
  const auto matters = parts_.store.ready_matters(id_, kAnswers + answers_later_.size(), look, commit_deadline());
  if (!matters) return failed(matters.error());
  std::erase_if(answers_later_, [&](const auto& later) { return later.second <= now; });
  const auto next = std::find_if(matters->begin(), matters->end(),
                                 [&](const Parked& matter) { return !answers_later_.contains(matter.id); });
  if (next == matters->end()) {
    next_answers_ = now + options_.poll_interval;
    if (looks_for_restored) next_restored_ = now + kLookForRestored;
    return Task::idle;
  }
  if (!is_replay(*next) && !may_call(Urgency::live)) return Task::idle;
  // Also if it fails: it must not come first for ever.
  answers_later_[next->id] = now + kAnswerPause;
  return carry_out_answer(*next);
}

Task Stream::Impl::carry_out_answer(const Parked& matter) {
  if (matter.error_class == "ambiguous_create") return answer_lost_create(matter);
  if (is_replay(matter)) return replay_modern(matter);
  auto rows = read(std::span(&matter.legacy_id, 1), Via::retry, false);
  if (!rows) return failed(rows.error());
  Intake& intake = rows->front();
  intake.answered_by = matter.answered_by;
  intake.carries_out = matter.id;
  if (matter.kind == Parked::Kind::conflict) {
    intake.answer = matter.answer;
  } else {
    intake.corrected = matter.answer.value("values", Json::object());
  }
  return absorb_all(*rows, [&](View& view, Absorbed& absorbed) {
    if (absorbed.must_wait) return;  // for another record: the answer is kept, and tried again
    Changes& changes = absorbed.changes;
    // Whatever came of it, the answer has been carried out: what is still wrong stands there as a new question.
    const Parked now = view.parked(matter.id).value_or(matter);
    for (const Parked& closed : changes.parked_closed) {
      if (closed.id == matter.id) return;
    }
    for (const Parked& parked : changes.parked) {
      if (parked.id == matter.id) return;
    }
    close_matter(changes, now, Parked::State::resolved);
  });
}

// A change of the modern side goes out again, with the values that a person has put right.
Task Stream::Impl::replay_modern(const Parked& matter) {
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        Changes changes;
        const Coupling known = std::move(view.by_record(std::span(&matter.record_id, 1)).front());
        Parked now = view.parked(matter.id).value_or(matter);
        if (now.state == Parked::State::open) {  // what it refers to is there again
          now.answer = Json::object();
          now.answered_by = "policy";
        }
        close_matter(changes, now, Parked::State::resolved);
        if (!known.record) return changes;
        changes.outbox_added.push_back(matter.record_id);
        const Json values = now.answer.value("values", Json::object());
        if (!values.empty()) {
          RecordWrite write;
          write.kind = RecordWrite::Kind::update;
          write.record = *known.record;
          write.record.data.merge_patch(values);
          write.record.version += 1;
          write.record.updated_at = view.now();
          write.changed = records::difference(known.record->data, write.record.data);
          write.author = {records::Side::modern, now.answered_by};
          write.skip_stream = id_;  // it is in `outbox_added` already, and is no newly captured change
          changes.records.push_back(std::move(write));
        }
        if (known.link) {
          Link link = *known.link;
          link.writes = 0;
          if (matter.kind == Parked::Kind::conflict) {
            std::erase_if(link.held, [&](const std::string& field) { return now.answer.contains(field); });
          }
          changes.links.push_back(std::move(link));
        }
        return changes;
      },
      commit_deadline());
  return done ? Task::done : failed(done.error());
}

// A create that was not answered, with several candidates: a person names the one, or says that it never arrived.
Task Stream::Impl::answer_lost_create(const Parked& matter) {
  const Json choice = matter.answer.value("*", Json());
  const std::string legacy_id = choice.is_object() ? choice.value("legacy_id", "") : "";
  if (legacy_id.empty()) return replay_modern(matter);
  auto rows = read(std::span(&legacy_id, 1), Via::retry, false);
  if (!rows) return failed(rows.error());
  Intake& intake = rows->front();
  intake.created_for = matter.record_id;
  intake.carries_out = matter.id;
  intake.confirmed.emplace();
  intake.confirmed->values = Json::object();
  return absorb_all(*rows, [&](View& view, Absorbed& absorbed) {
    Changes& changes = absorbed.changes;
    for (const Parked& closed : changes.parked_closed) {
      if (closed.id == matter.id) return;
    }
    Parked now = view.parked(matter.id).value_or(matter);
    if (!belongs_to_another(view, legacy_id, matter.record_id))
      return close_matter(changes, std::move(now), Parked::State::resolved);
    now.state = Parked::State::open;
    now.answer = Json();
    now.answered_by.clear();
    now.message = "Legacy record " + legacy_id + " was chosen, and belongs to another record.";
    changes.parked.push_back(std::move(now));
  });
}

}  // namespace banyan::sync
