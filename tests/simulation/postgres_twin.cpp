#include "tests/simulation/postgres_twin.hpp"

#include <stdexcept>
#include <utility>

#include "adapters/records/record_writer.hpp"
#include "adapters/sync/postgres_text.hpp"
#include "tests/simulation/judge.hpp"
#include "tests/simulation/postgres_twin_rows.hpp"
#include "tests/simulation/postgres_twin_view.hpp"
#include "tests/simulation/store_json.hpp"

namespace banyan::simulation {
namespace {

constexpr std::uint64_t kAskEvery = 50;

std::string text_of(const Error& error) {
  return error.public_message + " " + error.internal_detail;
}

// What may be different is why something is refused.
template <typename T>
Result<T> same(const std::string& what, Result<T> postgres, const Result<T>& memory) {
  if (postgres.has_value() != memory.has_value()) {
    throw Violation{"stores: " + what + " is " +
                    (postgres ? "refused in memory only: " + text_of(memory.error())
                              : "refused by PostgreSQL only: " + text_of(postgres.error()))};
  }
  if constexpr (!std::is_void_v<T>) {
    if (postgres) require_same(what, as_json(*postgres), as_json(*memory));
  }
  return postgres;
}

}  // namespace

PostgresTwin::PostgresTwin(PostgresServer& server, MemoryStore& memory, const Clock& clock)
    : server_(server),
      memory_(memory),
      clock_(clock),
      run_(server),
      postgres_(run_.database()),
      queries_(run_.database()) {}

PostgresTwin::~PostgresTwin() = default;

Deadline PostgresTwin::soon() const {
  return Deadline::after(server_.clock(), std::chrono::seconds(60));
}

sync::PostgresSyncStore& PostgresTwin::postgres() {
  run_.set_time(clock_.wall());
  return postgres_;
}

void PostgresTwin::compare() {
  change([&](store::Transaction& tx) {
    compare_records(tx, memory_);
    for (std::size_t i = 0; i < memory_.stream_count(); ++i) {
      compare_stream(tx, memory_.stream(static_cast<StreamId>(i + 1)));
    }
  });
  const auto faults = queries_.unaccounted(soon());
  if (!faults) throw Violation{"stores: PostgreSQL cannot say what is unaccounted: " + text_of(faults.error())};
  if (!faults->empty()) throw Violation{"conservation: in PostgreSQL: " + faults->front()};
}

Result<StreamId> PostgresTwin::open_stream(const std::string& system, const std::string& entity, Deadline) {
  return same("the id of a stream", postgres().open_stream(system, entity, soon()),
              memory_.open_stream(system, entity, soon()));
}

Result<std::optional<sync::Fence>> PostgresTwin::lease(StreamId stream, const std::string& owner,
                                                       std::chrono::milliseconds term, Deadline) {
  const auto remembered = memory_.lease(stream, owner, term, soon());
  // A process without the lease asks for it at every step. That is most of all calls, and tells little.
  if (remembered && !*remembered && ++refused_leases_ % kAskEvery != 0) return remembered;
  return same("the lease", postgres().lease(stream, owner, term, soon()), remembered);
}

Result<std::size_t> PostgresTwin::present(const std::string& owner, std::chrono::milliseconds term, Deadline) {
  return same("the number of processes", postgres().present(owner, term, soon()), memory_.present(owner, term, soon()));
}

Result<void> PostgresTwin::release(const sync::Fence& fence, Deadline) {
  return same("a release", postgres().release(fence, soon()), memory_.release(fence, soon()));
}

Result<void> PostgresTwin::commit(const sync::Fence& fence, const sync::Decide& decide, Deadline) {
  std::optional<Result<void>> remembered;
  const auto decide_both = [&](sync::View& view) {
    if (remembered) throw Violation{"stores: PostgreSQL runs decide again, though nobody is in its way"};
    sync::Changes changes;
    remembered = memory_.commit(
        fence,
        [&](sync::View& memory) {
          PostgresTwinView both(view, memory);
          changes = decide(both);
          return changes;
        },
        soon());
    return changes;
  };
  const Result<void> done = postgres().commit(fence, decide_both, soon());
  // Without the lease nothing is decided at all.
  if (!remembered)
    remembered = memory_.commit(
        fence, [](sync::View&) { return sync::Changes(); }, soon());
  return same("a commit", done, *remembered);
}

Result<sync::StreamState> PostgresTwin::state(StreamId stream, Deadline) {
  return same("the state", postgres().state(stream, soon()), memory_.state(stream, soon()));
}

Result<std::vector<sync::OutboxItem>> PostgresTwin::outbox(StreamId stream, std::size_t limit, WallTime now, Deadline) {
  return same("the outbox", postgres().outbox(stream, limit, now, soon()), memory_.outbox(stream, limit, now, soon()));
}

Result<std::vector<sync::Waiting>> PostgresTwin::due(StreamId stream, std::size_t limit, WallTime now, Deadline) {
  return same("what is due", postgres().due(stream, limit, now, soon()), memory_.due(stream, limit, now, soon()));
}

Result<std::vector<sync::Parked>> PostgresTwin::ready_matters(StreamId stream, std::size_t limit, Look look, Deadline) {
  return same("ready_matters", postgres().ready_matters(stream, limit, look, soon()),
              memory_.ready_matters(stream, limit, look, soon()));
}

Result<sync::SyncStore::Drift> PostgresTwin::drift(StreamId stream, std::size_t limit, Deadline,
                                                   const sync::DriftScope& scope) {
  return same("the drift", postgres().drift(stream, limit, soon(), scope), memory_.drift(stream, limit, soon(), scope));
}

void PostgresTwin::change(const std::function<void(store::Transaction&)>& statements) {
  run_.set_time(clock_.wall());
  const Result<void> done = run_.database().run(soon(), statements);
  if (!done) throw Violation{"stores: PostgreSQL refuses a change beside the engine: " + text_of(done.error())};
}

void PostgresTwin::record_written(const RecordWrite& write) {
  change([&](store::Transaction& tx) { records::write_records(tx, std::span(&write, 1)); });
}

void PostgresTwin::matter_answered(std::int64_t parked, const Json& answer, const std::string& by) {
  run_.set_time(clock_.wall());
  const auto done = queries_.answer(parked, answer, by, soon());
  if (!done) throw Violation{"stores: PostgreSQL refuses an answer: " + text_of(done.error())};
}

// Cursors are put back, and single streams paused, by nobody but the simulation.
void PostgresTwin::state_set(StreamId stream) {
  run_.set_time(clock_.wall());
  const MemoryStore::StreamRows& rows = memory_.stream(stream);
  const sync::StreamState& state = rows.state;
  const auto epoch = queries_.set_owner(rows.system, rows.entity, state.owner, soon());
  if (!epoch) throw Violation{"stores: PostgreSQL refuses an owner: " + text_of(epoch.error())};
  change([&](store::Transaction& tx) {
    tx.exec_params0(
        "UPDATE banyan.stream_state SET cursor_stamp = $2, cursor_id = $3, paused = $4, pause_reason = $5 "
        "WHERE stream = $1",
        stream, state.cursor.stamp, state.cursor.id, state.paused, state.pause_reason);
  });
}

void PostgresTwin::record_corrupted(const std::string& id) {
  change([&](store::Transaction& tx) {
    tx.exec_params0("UPDATE banyan.record SET data = $2::jsonb WHERE id = $1", id, memory_.record(id)->data.dump());
  });
}

void PostgresTwin::link_corrupted(StreamId stream, const std::string& legacy_id) {
  const auto& links = memory_.stream(stream).links;
  const auto link = links.find(legacy_id);
  change([&](store::Transaction& tx) {
    if (link == links.end()) {
      tx.exec_params0("DELETE FROM banyan.link WHERE stream = $1 AND legacy_id = $2", stream, legacy_id);
      return;
    }
    tx.exec_params0("UPDATE banyan.link SET base = $3::jsonb, base_hash = $4 WHERE stream = $1 AND legacy_id = $2",
                    stream, legacy_id, link->second.base->dump(), link->second.base_hash);
  });
}

}  // namespace banyan::simulation
