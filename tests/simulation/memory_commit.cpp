// One commit: decide, check the whole of it, and only then change anything.
#include <algorithm>

#include "tests/simulation/memory_store.hpp"
#include "tests/simulation/memory_view.hpp"

namespace banyan::simulation {
namespace {

using sync::Changes;
using sync::Outcome;
using sync::Parked;

bool same_matter(const Parked& a, const Parked& b) {
  if (a.kind != b.kind) return false;
  if (!a.record_id.empty() || !b.record_id.empty()) return a.record_id == b.record_id;
  return a.legacy_id == b.legacy_id;
}

bool is_open(const Parked& matter) {
  return matter.state == Parked::State::open || matter.state == Parked::State::answered;
}

void add(sync::Counts& total, const sync::Counts& more) {
  total.captured += more.captured;
  total.applied += more.applied;
  total.superseded += more.superseded;
  total.echo += more.echo;
  total.conflict += more.conflict;
  total.dead_letter += more.dead_letter;
  total.in_flight += more.in_flight;
}

}  // namespace

Result<void> MemoryStore::commit(const sync::Fence& fence, const sync::Decide& decide, Deadline) {
  if (Result<void> held = check_fence(fence); !held) return held;
  StreamRows& target = rows(fence.stream);
  Changes changes;
  {
    MemoryView view(*this, fence.stream);
    changes = decide(view);
    // While decide ran the lease may have passed on: a database holds a lock on it, here it is looked at again.
    if (Result<void> held = check_fence(fence); !held) return held;
  }
  if (Result<void> fits = check(target, changes); !fits) return fits;
  apply(target, changes);
  return {};
}

Result<void> MemoryStore::check(const StreamRows& rows, const Changes& changes) const {
  std::map<std::string, std::int64_t> versions;
  for (const RecordWrite& write : changes.records) {
    const Record* stored = record(write.record.id);
    const auto [version, is_first] = versions.try_emplace(write.record.id, stored == nullptr ? 0 : stored->version);
    if (write.record.version != version->second + 1) {
      return fail(ErrorCode::conflict, "The record has changed.", "version conflict on " + write.record.id);
    }
    ++version->second;
  }
  return check_links(rows, changes);
}

Result<void> MemoryStore::check_links(const StreamRows& rows, const Changes& changes) const {
  const auto removed = [&](const std::string& legacy_id) {
    return std::find(changes.links_removed.begin(), changes.links_removed.end(), legacy_id) !=
           changes.links_removed.end();
  };
  std::map<std::string, std::string> owners;
  for (const sync::Link& link : changes.links) {
    const auto other = rows.link_of.find(link.record_id);
    const bool taken = other != rows.link_of.end() && other->second != link.legacy_id && !removed(other->second);
    const auto [owner, is_first] = owners.try_emplace(link.record_id, link.legacy_id);
    if (taken || owner->second != link.legacy_id) {
      return fail(ErrorCode::internal, "A rule of the store was broken.",
                  "two links of record " + link.record_id + ": " + owner->second + " and " +
                      (taken ? other->second : link.legacy_id));
    }
  }
  return {};
}

void MemoryStore::apply(StreamRows& rows, Changes& changes) {
  for (const RecordWrite& one : changes.records) write(one);
  for (const std::string& legacy_id : changes.links_removed) {
    const auto link = rows.links.find(legacy_id);
    if (link == rows.links.end()) continue;
    rows.link_of.erase(link->second.record_id);
    rows.links.erase(link);
  }
  for (sync::Link& link : changes.links) {
    const auto [known, is_new] = rows.links.try_emplace(link.legacy_id);
    link.created_at = is_new ? clock_.wall() : known->second.created_at;
    if (!is_new && known->second.record_id != link.record_id) rows.link_of.erase(known->second.record_id);
    rows.link_of[link.record_id] = link.legacy_id;
    known->second = std::move(link);
  }
  apply_inbox(rows, changes);
  apply_outbox(rows, changes);
  for (sync::Intent& intent : changes.intents) rows.intents[intent.record_id] = std::move(intent);
  for (const std::string& id : changes.intents_done) rows.intents.erase(id);
  if (changes.forget_seen) rows.seen.clear();
  rows.seen.insert(changes.seen.begin(), changes.seen.end());
  for (const sync::Reference& redirect : changes.redirects) rows.redirects[redirect.entity] = redirect.id;
  apply_state(rows, changes);
  apply_awake(rows, changes);
}

void MemoryStore::apply_inbox(StreamRows& rows, Changes& changes) {
  Matters matters;
  apply_parked(rows, changes, matters);
  const auto ref_of = [&](const sync::InboxEntry& entry) {
    const auto kind = entry.outcome == Outcome::conflict ? Parked::Kind::conflict : Parked::Kind::dead_letter;
    const auto found = matters.find({kind, entry.legacy_id});
    const bool is_parked = entry.outcome == Outcome::conflict || entry.outcome == Outcome::dead_letter;
    return is_parked && found != matters.end() ? std::to_string(found->second) : entry.ref;
  };
  const auto outcome = [&](std::int64_t id, const sync::InboxEntry& entry) {
    const auto found = rows.inbox.find(id);
    if (found == rows.inbox.end()) return;
    --rows.inbox_by_outcome[static_cast<std::size_t>(found->second.entry.outcome)];
    ++rows.inbox_by_outcome[static_cast<std::size_t>(entry.outcome)];
    found->second.entry.outcome = entry.outcome;
    found->second.entry.ref = ref_of(entry);
  };
  for (const auto& [id, entry] : changes.inbox_outcomes) outcome(id, entry);
  for (const std::string& legacy_id : changes.waiting_done) rows.waiting.erase(legacy_id);
  std::map<std::string, std::int64_t> in_flight;
  for (sync::InboxEntry& entry : changes.inbox) {
    entry.ref = ref_of(entry);
    if (entry.outcome == Outcome::in_flight) in_flight[entry.legacy_id] = last_inbox_ + 1;
    ++rows.inbox_by_outcome[static_cast<std::size_t>(entry.outcome)];
    rows.inbox[++last_inbox_] = {std::move(entry), clock_.wall()};
  }
  for (sync::Waiting& waiting : changes.waiting) {
    if (waiting.inbox_id == 0) {
      const auto found = in_flight.find(waiting.legacy_id);
      if (found != in_flight.end()) waiting.inbox_id = found->second;
    }
    const std::string legacy_id = waiting.legacy_id;
    rows.waiting[legacy_id] = std::move(waiting);
  }
}

void MemoryStore::apply_parked(StreamRows& rows, Changes& changes, Matters& matters) {
  for (Parked& closed : changes.parked_closed) {
    const auto found = rows.open.find(closed.id);
    if (found == rows.open.end()) continue;
    Parked matter = std::move(found->second);
    rows.open.erase(found);
    matter.state = closed.state;
    if (!closed.answer.is_null()) matter.answer = std::move(closed.answer);
    if (!closed.answered_by.empty()) matter.answered_by = std::move(closed.answered_by);
    (is_open(matter) ? rows.open : rows.closed)[closed.id] = std::move(matter);
  }
  for (Parked& matter : changes.parked) {
    matter.stream = rows.state.id;
    if (matter.id == 0) {
      matter.id = ++last_parked_;  // also if it is not needed in the end, as a database has it
      for (const auto& [id, known] : rows.open) {
        if (is_open(matter) && same_matter(known, matter)) matter.id = id;
      }
    }
    if (is_open(matter)) matters[{matter.kind, matter.legacy_id}] = matter.id;
    rows.open.erase(matter.id);
    const std::int64_t id = matter.id;
    (is_open(matter) ? rows.open : rows.closed)[id] = std::move(matter);
  }
}

void MemoryStore::apply_outbox(StreamRows& rows, const Changes& changes) {
  for (const Changes::OutboxDone& done : changes.outbox_done) {
    const auto found = rows.outbox.find(done.item.record_id);
    if (found == rows.outbox.end()) continue;
    found->second.item.changes -= done.item.changes;
    if (found->second.item.version == done.item.version) rows.outbox.erase(found);
  }
  for (const Changes::OutboxDelay& delay : changes.outbox_delayed) {
    const auto found = rows.outbox.find(delay.record_id);
    if (found == rows.outbox.end() || found->second.item.attempt != delay.attempt_read) continue;
    found->second.not_before = delay.not_before;
    found->second.item.attempt = delay.attempt;
    found->second.waits_for = delay.waits_for;
  }
  for (const std::string& id : changes.outbox_added) {
    const Record* known = record(id);
    enqueue(rows, id, known == nullptr ? 0 : known->version, 0, 0);
  }
}

void MemoryStore::apply_awake(const StreamRows& rows, const Changes& changes) {
  for (const Changes::Coupled& awake : changes.awake) {
    const sync::Reference row{awake.entity, awake.legacy_id};
    for (StreamRows& other : streams_) {
      if (other.system != rows.system) continue;
      for (auto& [id, waiting] : other.waiting) {
        if (waiting.on == row) waiting.not_before = WallTime{};
      }
      for (auto& [id, queued] : other.outbox) {
        if (awake.record_id.empty() || queued.waits_for != awake.record_id) continue;
        queued.item.attempt = 0;
        queued.waits_for.clear();
      }
    }
  }
}

void MemoryStore::apply_state(StreamRows& rows, Changes& changes) {
  if (changes.state) {
    sync::StreamState& state = *changes.state;
    state.id = rows.state.id;
    state.owner = rows.state.owner;
    state.epoch = rows.state.epoch;
    state.paused = rows.state.paused;
    state.pause_reason = std::move(rows.state.pause_reason);
    rows.state = std::move(state);
  }
  if (changes.paused) {
    rows.state.paused = *changes.paused;
    rows.state.pause_reason = changes.pause_reason;
  }
  add(rows.legacy_counts, changes.legacy_counts);
  add(rows.modern_counts, changes.modern_counts);
}

}  // namespace banyan::simulation
