// Store -> legacy: finding out what became of creates that were never answered.
//
// A create that was begun stands as an attempted intent until it is known whether it arrived. What is found is adopted
// at once. That nothing is found proves nothing before the call can have no effect any more (effect_deadline), not even
// where the id is ours: what was sent may still arrive after something newer was sent, or after another legacy record
// was taken for it.
#include <algorithm>
#include <utility>

#include "adapters/sync/stream_impl.hpp"

namespace banyan::sync {
namespace {

constexpr std::chrono::seconds kFindPause{5};
// A system that gives no sensible answer to find() for so long will not give one: a person is asked.
constexpr std::chrono::minutes kFindAttempts{10};

}  // namespace

struct Stream::Impl::LostCreate {
  Intent intent;
  std::chrono::nanoseconds age{};  // since the create was last begun
  bool is_settled = false;         // the call can have no effect any more
};

Task Stream::Impl::find_lost_creates() {
  std::vector<Intent> intents;
  WallTime now{};
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        intents = view.open_intents();
        now = view.now();
        return Changes{};
      },
      commit_deadline());
  if (!done) return failed(done.error());
  std::erase_if(intents, [](const Intent& intent) { return !intent.attempted; });
  if (intents.empty()) {
    lost_creates_ = false;
    next_find_.clear();
    return Task::idle;
  }
  for (const Intent& intent : intents) {
    const auto later = next_find_.find(intent.record_id);
    if (later != next_find_.end() && parts_.clock.now() < later->second) {
      wake_ = std::min(wake_, later->second);
      continue;
    }
    if (!may_call(Urgency::live)) return Task::idle;
    const auto age = std::max(now - intent.at, WallTime::duration::zero());
    const auto pause = std::clamp<std::chrono::nanoseconds>(age / 2, options_.retry_least, kFindPause);
    next_find_[intent.record_id] = parts_.clock.now() + pause;
    return find_lost_create({intent, age, age >= effect_deadline(options_)});
  }
  return Task::idle;
}

Task Stream::Impl::find_lost_create(const LostCreate& lost) {
  const auto found = parts_.system.find(type(), {lost.intent.record_id, lost.intent.since}, call_deadline());
  if (!found) return give_up_finding(lost, found.error());
  Absorbed absorbed;
  bool changed = false;
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        absorbed = {};
        Changes changes = settle_lost_create(view, lost, *found, absorbed);
        changed = !changes.links.empty() || !changes.intents.empty() || !changes.intents_done.empty();
        return changes;
      },
      commit_deadline());
  if (!done) return failed(done.error());
  succeeded();
  note(absorbed);
  if (!changed) return Task::idle;
  next_find_.erase(lost.intent.record_id);
  return Task::done;
}

// A system that cannot even be asked what became of a create must hold up nothing else, and not for ever.
Task Stream::Impl::give_up_finding(const LostCreate& lost, const legacy::Failure& failure) {
  using Kind = legacy::Failure::Kind;
  if (failure.kind != Kind::rejected && failure.kind != Kind::malformed) return failed(failure);
  if (lost.age < kFindAttempts) return Task::idle;
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        return park_ambiguous_create(
            view, lost.intent,
            "A create was not answered, and the system cannot be asked what became of it: " + failure.message, {});
      },
      commit_deadline());
  return done ? Task::done : failed(done.error());
}

Changes Stream::Impl::settle_lost_create(View& view, const LostCreate& lost,
                                         std::span<const legacy::LegacyRecord> found, Absorbed& absorbed) {
  const Intent& intent = lost.intent;
  const bool by_content = can().create_identity == legacy::CreateIdentity::search;
  std::vector<std::string> ids;
  for (const auto& row : found) ids.push_back(row.id);
  const std::vector<Coupling> known = ids.empty() ? std::vector<Coupling>{} : view.by_legacy(ids);
  std::vector<const legacy::LegacyRecord*> candidates;
  std::vector<const legacy::LegacyRecord*> equal;
  bool taken = false;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (known[i].link) {
      taken = taken || (!by_content && known[i].link->record_id != intent.record_id);
      continue;
    }
    candidates.push_back(&found[i]);
    if (!by_content || is_as_sent(view, intent, found[i])) equal.push_back(&found[i]);
  }
  if (!equal.empty()) candidates = equal;
  if (candidates.empty() && taken) {  // somebody brought back a row with its id, which is another record by now
    return park_ambiguous_create(view, intent, "The id that the record would get belongs to another record.", {});
  }
  Changes changes;
  if (candidates.empty()) {  // it never arrived, or not yet
    if (!lost.is_settled) return changes;
    Intent again = intent;
    again.attempted = false;
    changes.intents.push_back(std::move(again));
    changes.outbox_added.push_back(intent.record_id);
    return changes;
  }
  if (equal.empty() && !lost.is_settled) return changes;  // somebody else's, perhaps, and ours is still to come
  if (equal.empty() && candidates.size() > 1) {
    std::vector<std::string> names;
    for (const auto* row : candidates) names.push_back(row->id);
    return park_ambiguous_create(
        view, intent, "A create was not answered, and several new legacy records could be its result.", names);
  }
  Intake intake;
  intake.row = *candidates.front();
  intake.captured = false;
  intake.created_for = intent.record_id;
  intake.found = true;
  PendingWrite sent;
  sent.values = intent.base;
  for (const auto& field : intent.base.items()) sent.fields.push_back(field.key());
  intake.confirmed = std::move(sent);
  absorbed = absorb(view, absorb_context(), std::span(&intake, 1));
  absorbed.changes.outbox_added.push_back(intent.record_id);
  return std::exchange(absorbed.changes, {});
}

// Whether a legacy record holds what we sent when we created it, as sent or as the system writes it.
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
    if (value == mapped.fields.end() || !only_rewritten(*value, field.value())) return false;
  }
  return true;
}

Changes Stream::Impl::park_ambiguous_create(View& view, const Intent& intent, const std::string& message,
                                            std::span<const std::string> candidates) {
  Changes changes;
  const Coupling known = std::move(view.by_record(std::span(&intent.record_id, 1)).front());
  OutboxItem item;
  item.record_id = intent.record_id;
  item.changes = 0;
  park_modern(view, changes, item, known, ambiguous_create(message, candidates));
  changes.intents_done.push_back(intent.record_id);
  return changes;
}

Parked Stream::Impl::ambiguous_create(const std::string& message, std::span<const std::string> candidates) const {
  Parked matter;
  matter.kind = Parked::Kind::conflict;
  matter.error_class = "ambiguous_create";
  matter.message = message;
  matter.fields = {"*"};
  matter.legacy = Json::array();
  for (const std::string& id : candidates) matter.legacy.push_back(id);
  return matter;
}

bool Stream::Impl::belongs_to_another(View& view, const std::string& legacy_id, const std::string& record_id) const {
  const Coupling known = std::move(view.by_legacy(std::span(&legacy_id, 1)).front());
  return known.link && known.link->record_id != record_id;
}

}  // namespace banyan::sync
