#include "tests/simulation/sim_port.hpp"

namespace banyan::simulation {
namespace {

std::string text_of(const sync::Changes& changes) {
  std::string text = "commit:";
  for (const RecordWrite& write : changes.records) {
    text += " record " + write.record.id + "@" + std::to_string(write.record.version) +
            (write.record.deleted ? " deleted " : " ") + write.changed.dump();
  }
  for (const sync::Link& link : changes.links) {
    text += " link " + link.legacy_id + "=" + link.record_id + " base " + (link.base ? link.base->dump() : "none") +
            (link.held.empty() ? "" : " held " + Json(link.held).dump()) + (link.pending ? " pending" : "");
  }
  for (const std::string& id : changes.links_removed) text += " unlink " + id;
  for (const auto& entry : changes.inbox) {
    text += " inbox " + entry.legacy_id + " " + std::string(sync::to_string(entry.outcome));
  }
  for (const auto& entry : changes.inbox_outcomes) {
    text += " outcome " + std::to_string(entry.first) + " " + std::string(sync::to_string(entry.second.outcome));
  }
  for (const auto* matters : {&changes.parked, &changes.parked_closed}) {
    for (const sync::Parked& matter : *matters) {
      text += " " + std::string(sync::to_string(matter.kind)) + " " + std::to_string(matter.id) + " " +
              std::string(sync::to_string(matter.state)) + " " + matter.error_class + Json(matter.fields).dump() +
              " l" + std::to_string(matter.legacy_changes) + " m" + std::to_string(matter.modern_changes) + " " +
              matter.legacy.dump() + "/" + matter.modern.dump() + " " + matter.answer.dump();
    }
  }
  for (const auto& done : changes.outbox_done) {
    text += " sent " + done.item.record_id + "@" + std::to_string(done.item.version) + " " +
            std::string(sync::to_string(done.outcome)) + " x" + std::to_string(done.item.changes);
  }
  for (const std::string& id : changes.outbox_added) text += " outbox+ " + id;
  const sync::Counts& counts = changes.legacy_counts;
  if (counts.conflict != 0) text += " conflicts " + std::to_string(counts.conflict);
  return text;
}

CommitSummary summary_of(const sync::Changes& changes) {
  CommitSummary summary;
  for (const RecordWrite& write : changes.records) {
    summary.writes.push_back({write.kind, write.record.entity, write.record.id, write.record.version, write.changed,
                              write.author.name, write.author.side == records::Side::legacy});
  }
  for (const sync::Link& link : changes.links) summary.links.emplace_back(link.legacy_id, link.record_id);
  for (const sync::Parked& matter : changes.parked) {
    for (const Json* value : {&matter.base, &matter.legacy, &matter.modern}) {
      if (!value->is_null()) summary.recorded.push_back(*value);
    }
  }
  for (const sync::Parked& closed : changes.parked_closed) {
    summary.answers = summary.answers || closed.state == sync::Parked::State::resolved;
  }
  return summary;
}

}  // namespace

SimStorePort::SimStorePort(int process, sync::SyncStore& store, const Clock& clock, const Faults& faults,
                           Random& random, Interference& interference)
    : process_(process), store_(store), clock_(clock), faults_(faults), random_(random), interference_(interference) {}

tl::unexpected<Error> SimStorePort::broken() {
  return fail(ErrorCode::unavailable, "The store cannot be reached.");
}

bool SimStorePort::fails(Deadline deadline) {
  interference_.happen(process_, "before the store");
  return deadline.passed(clock_.now()) || (faults_.on && random_.chance(faults_.store_refuses));
}

Result<StreamId> SimStorePort::open_stream(const std::string& system, const std::string& entity, Deadline deadline) {
  return store_.open_stream(system, entity, deadline);
}

Result<std::optional<sync::Fence>> SimStorePort::lease(StreamId stream, const std::string& owner,
                                                       std::chrono::milliseconds term, Deadline deadline) {
  if (faults_.on && random_.chance(faults_.store_refuses)) return broken();
  return store_.lease(stream, owner, term, deadline);
}

Result<void> SimStorePort::release(const sync::Fence& fence, Deadline deadline) {
  return store_.release(fence, deadline);
}

Result<std::size_t> SimStorePort::present(const std::string& owner, std::chrono::milliseconds term, Deadline deadline) {
  return store_.present(owner, term, deadline);
}

Result<void> SimStorePort::commit(const sync::Fence& fence, const sync::Decide& decide, Deadline deadline) {
  if (fails(deadline)) return broken();
  const bool unknown = faults_.on && random_.chance(faults_.unknown_commit);
  if (unknown && random_.chance(500)) return fail(ErrorCode::unavailable, "Lost.", "commit outcome unknown");
  const bool twice = faults_.on && random_.chance(faults_.serialization);
  CommitSummary summary;
  const Result<void> done = store_.commit(
      fence,
      [&](sync::View& view) {
        if (twice) decide(view);
        sync::Changes changes = decide(view);
        summary = summary_of(changes);
        if (interference_.traces()) interference_.note(text_of(changes));
        return changes;
      },
      deadline);
  if (!done) {
    if (refused) refused(done.error());
    return done;
  }
  if (committed) committed(fence.stream, summary);
  interference_.happen(process_, "after a commit");
  if (unknown) return fail(ErrorCode::unavailable, "Lost.", "commit outcome unknown");
  return done;
}

Result<sync::StreamState> SimStorePort::state(StreamId stream, Deadline deadline) {
  if (fails(deadline)) return broken();
  return store_.state(stream, deadline);
}

Result<std::vector<sync::OutboxItem>> SimStorePort::outbox(StreamId stream, std::size_t limit, WallTime now,
                                                           Deadline deadline) {
  if (fails(deadline)) return broken();
  return store_.outbox(stream, limit, now, deadline);
}

Result<std::vector<sync::Waiting>> SimStorePort::due(StreamId stream, std::size_t limit, WallTime now,
                                                     Deadline deadline) {
  if (fails(deadline)) return broken();
  return store_.due(stream, limit, now, deadline);
}

Result<std::vector<sync::Parked>> SimStorePort::ready_matters(StreamId stream, std::size_t limit, Look look,
                                                              Deadline deadline) {
  if (fails(deadline)) return broken();
  return store_.ready_matters(stream, limit, look, deadline);
}

Result<sync::SyncStore::Drift> SimStorePort::drift(StreamId stream, std::size_t limit, Deadline deadline,
                                                   const sync::DriftScope& scope) {
  if (fails(deadline)) return broken();
  return store_.drift(stream, limit, deadline, scope);
}

}  // namespace banyan::simulation
