// Streams, leases, and what is read outside of a commit.
#include "tests/simulation/memory_store.hpp"

#include <algorithm>

namespace banyan::simulation {

using sync::Parked;

MemoryStore::MemoryStore(const Clock& clock) : clock_(clock) {
  streams_.reserve(64);
}
MemoryStore::~MemoryStore() = default;

Result<StreamId> MemoryStore::open_stream(const std::string& system, const std::string& entity, Deadline) {
  for (const StreamRows& known : streams_) {
    if (known.system == system && known.entity == entity) return known.state.id;
  }
  StreamRows rows;
  rows.system = system;
  rows.entity = entity;
  rows.state.id = static_cast<StreamId>(streams_.size() + 1);
  streams_.push_back(std::move(rows));
  return streams_.back().state.id;
}

Result<std::optional<sync::Fence>> MemoryStore::lease(StreamId stream, const std::string& owner,
                                                      std::chrono::milliseconds term, Deadline) {
  StreamRows& known = rows(stream);
  const WallTime now = clock_.wall();
  const bool held = known.lease && known.lease->until > now;
  if (held && known.lease->owner != owner) return std::optional<sync::Fence>{};
  // Who comes late goes on with the same token, if nobody has come between.
  if (!known.lease || known.lease->owner != owner) known.lease = Lease{owner, ++known.last_token, {}};
  known.lease->until = now + term;
  return std::optional(sync::Fence{stream, known.lease->token});
}

Result<void> MemoryStore::release(const sync::Fence& fence, Deadline) {
  StreamRows& known = rows(fence.stream);
  if (known.lease && known.lease->token == fence.token) known.lease.reset();
  return {};
}

Result<std::size_t> MemoryStore::present(const std::string& owner, std::chrono::milliseconds term, Deadline) {
  const WallTime now = clock_.wall();
  present_[owner] = now + term;
  std::erase_if(present_, [&](const auto& process) { return process.second <= now; });
  return present_.size();
}

Result<void> MemoryStore::check_fence(const sync::Fence& fence) const {
  const auto& lease = stream(fence.stream).lease;
  if (lease && lease->token == fence.token && lease->until > clock_.wall()) return {};
  return fail(ErrorCode::precondition_failed, "The lease of the stream is another's.");
}

Result<sync::StreamState> MemoryStore::state(StreamId stream, Deadline) {
  return rows(stream).state;
}

Result<std::vector<sync::OutboxItem>> MemoryStore::outbox(StreamId stream, std::size_t limit, WallTime now, Deadline) {
  now = std::max(now, clock_.wall());
  std::vector<const OutboxRow*> ready;
  for (const auto& [id, row] : rows(stream).outbox) {
    if (row.item.attempt == 0 || row.not_before <= now) ready.push_back(&row);
  }
  std::stable_sort(ready.begin(), ready.end(),
                   [](const auto* a, const auto* b) { return a->item.first_at < b->item.first_at; });
  std::vector<sync::OutboxItem> items;
  for (const OutboxRow* row : ready) {
    if (items.size() < limit) items.push_back(row->item);
  }
  return items;
}

Result<std::vector<sync::Waiting>> MemoryStore::due(StreamId stream, std::size_t limit, WallTime now, Deadline) {
  now = std::max(now, clock_.wall());
  std::vector<sync::Waiting> ready;
  for (const auto& [id, waiting] : rows(stream).waiting) {
    if (waiting.not_before <= now) ready.push_back(waiting);
  }
  std::stable_sort(ready.begin(), ready.end(),
                   [](const auto& a, const auto& b) { return a.not_before < b.not_before; });
  if (ready.size() > limit) ready.resize(limit);
  return ready;
}

Result<std::vector<Parked>> MemoryStore::ready_matters(StreamId stream, std::size_t limit, Look look, Deadline) {
  std::vector<Parked> found;
  for (const auto& [id, matter] : rows(stream).open) {
    const bool is_ready =
        matter.state == Parked::State::answered || (look == Look::restored_too && has_its_references_again(matter));
    if (is_ready && found.size() < limit) found.push_back(matter);
  }
  return found;
}

bool MemoryStore::has_its_references_again(const Parked& matter) const {
  if (matter.side != records::Side::modern || matter.error_class != "missing_reference") return false;
  if (matter.legacy_changes != 0) return false;
  const Record* own = record(matter.record_id);
  if (own == nullptr) return true;
  return !own->deleted && std::all_of(matter.fields.begin(), matter.fields.end(), [&](const std::string& field) {
    const auto value = own->data.find(field);
    if (value == own->data.end() || value->is_null()) return true;
    const Record* known = value->is_string() ? record(*value) : nullptr;
    return known != nullptr && !known->deleted;
  });
}

Result<sync::SyncStore::Drift> MemoryStore::drift(StreamId stream, std::size_t limit, Deadline,
                                                  const sync::DriftScope& scope) {
  const StreamRows& known = rows(stream);
  Drift drift;
  for (const auto& [record_id, legacy_id] : known.link_of) {
    const sync::Link& link = known.links.at(legacy_id);
    if (!link.base || !link.held.empty() || link.pending || known.outbox.contains(record_id)) continue;
    ++drift.checked;
    const Record* found = record(record_id);
    if (found != nullptr && !found->deleted && records::content_hash(found->data) == link.record_hash) continue;
    if (found != nullptr && found->deleted && !scope.tombstones) continue;
    if (record_id > scope.after) drift.record_ids.push_back(record_id);
  }
  for (const auto& [id, found] : records_) {
    if (scope.unlinked && id > scope.after && is_lost(known, found)) drift.record_ids.push_back(id);
  }
  std::sort(drift.record_ids.begin(), drift.record_ids.end());
  if (drift.record_ids.size() > limit) drift.record_ids.resize(limit);
  return drift;
}

bool MemoryStore::is_lost(const StreamRows& known, const Record& found) const {
  if (found.entity != known.entity || found.deleted || known.link_of.contains(found.id)) return false;
  const auto intent = known.intents.find(found.id);
  if (known.outbox.contains(found.id) || (intent != known.intents.end() && intent->second.attempted)) return false;
  return std::none_of(known.open.begin(), known.open.end(),
                      [&](const auto& matter) { return matter.second.record_id == found.id; });
}

Result<void> MemoryStore::answer(std::int64_t parked, Json answer, const std::string& by) {
  for (StreamRows& known : streams_) {
    const auto found = known.open.find(parked);
    if (found == known.open.end()) continue;
    found->second.state = Parked::State::answered;
    found->second.answer = std::move(answer);
    found->second.answered_by = by;
    if (listener_ != nullptr) listener_->matter_answered(parked, found->second.answer, by);
    return {};
  }
  return fail(ErrorCode::not_found, "There is no such open matter.");
}

void MemoryStore::set_owner(StreamId stream, sync::Owner owner) {
  sync::StreamState& state = rows(stream).state;
  if (state.owner != owner) ++state.epoch;
  state.owner = owner;
  if (listener_ != nullptr) listener_->state_set(stream);
}

void MemoryStore::set_cursor(StreamId stream, const legacy::Cursor& cursor) {
  rows(stream).state.cursor = cursor;
  if (listener_ != nullptr) listener_->state_set(stream);
}

void MemoryStore::set_paused(StreamId stream, bool paused, const std::string& reason) {
  rows(stream).state.paused = paused;
  rows(stream).state.pause_reason = reason;
  if (listener_ != nullptr) listener_->state_set(stream);
}

void MemoryStore::corrupt_record(const std::string& id, Json data) {
  records_.at(id).data = std::move(data);
  if (listener_ != nullptr) listener_->record_corrupted(id);
}

void MemoryStore::corrupt_remove_link(StreamId stream, const std::string& legacy_id) {
  StreamRows& known = rows(stream);
  known.link_of.erase(known.links.at(legacy_id).record_id);
  known.links.erase(legacy_id);
  if (listener_ != nullptr) listener_->link_corrupted(stream, legacy_id);
}

void MemoryStore::corrupt_base(StreamId stream, const std::string& legacy_id, Json base) {
  sync::Link& link = rows(stream).links.at(legacy_id);
  link.base_hash = records::content_hash(base);
  link.base = std::move(base);
  if (listener_ != nullptr) listener_->link_corrupted(stream, legacy_id);
}

std::vector<std::string> MemoryStore::conservation(StreamId stream) const {
  const StreamRows& known = this->stream(stream);
  std::vector<std::string> faults;
  const auto equal = [&](const std::string& what, std::int64_t counted, std::int64_t found) {
    if (counted != found) {
      faults.push_back(known.entity + ": " + what + " counted " + std::to_string(counted) + ", rows " +
                       std::to_string(found));
    }
  };
  const auto sum = [](const sync::Counts& counts) {
    return counts.applied + counts.superseded + counts.echo + counts.conflict + counts.dead_letter + counts.in_flight;
  };
  const sync::Counts& legacy = known.legacy_counts;
  const sync::Counts& modern = known.modern_counts;
  equal("captured legacy changes", legacy.captured, sum(legacy));
  equal("captured legacy changes in the inbox", legacy.captured, static_cast<std::int64_t>(known.inbox.size()));
  equal("captured modern changes", modern.captured, sum(modern));
  equal("legacy changes in flight", legacy.in_flight, static_cast<std::int64_t>(known.waiting.size()));
  equal("legacy changes in flight in the inbox", legacy.in_flight, known.inbox_by_outcome[5]);
  std::int64_t queued = 0;
  for (const auto& [id, row] : known.outbox) queued += row.item.changes;
  equal("modern changes in all", modern.captured + queued, known.enqueued);
  std::array<std::int64_t, 4> parked{};
  for (const auto& [id, matter] : known.open) {
    const std::size_t kind = matter.kind == Parked::Kind::conflict ? 0 : 1;
    parked[kind] += matter.legacy_changes;
    parked[2 + kind] += matter.modern_changes;
  }
  equal("legacy changes in conflict", legacy.conflict, parked[0]);
  equal("legacy changes in dead letters", legacy.dead_letter, parked[1]);
  equal("modern changes in conflict", modern.conflict, parked[2]);
  equal("modern changes in dead letters", modern.dead_letter, parked[3]);
  return faults;
}

}  // namespace banyan::simulation
