// PostgresTwin: the engine on a real PostgreSQL, watched by the MemoryStore.
//
// Each commit runs `decide` once, in the middle of a transaction of PostgresSyncStore and of one of the MemoryStore.
// All that decide looks at is read from both and must be equal; what it decides is written by both, and both must take
// it or refuse it. What agents and people do beside the engine reaches PostgreSQL through the product's own code, where
// there is such. So the engine's decisions rest on PostgreSQL, and the judge, who looks at the memory, speaks of both.
#pragma once

#include <memory>
#include <pqxx/pqxx>
#include <string>

#include "adapters/sync/postgres_sync_store.hpp"
#include "adapters/sync/sync_queries.hpp"
#include "gateway/store/database.hpp"
#include "tests/simulation/postgres_server.hpp"
#include "tests/simulation/twin.hpp"

namespace banyan::simulation {

class PostgresTwin final : public Twin {
public:
  // Makes a database of its own, and drops it in the end. All must outlive the object. Throws std::exception.
  PostgresTwin(PostgresServer& server, MemoryStore& memory, const Clock& clock);
  ~PostgresTwin() override;

  void compare() override;

  Result<StreamId> open_stream(const std::string& system, const std::string& entity, Deadline deadline) override;
  Result<std::optional<sync::Fence>> lease(StreamId stream, const std::string& owner, std::chrono::milliseconds term,
                                           Deadline deadline) override;
  Result<std::size_t> present(const std::string& owner, std::chrono::milliseconds term, Deadline deadline) override;
  Result<void> release(const sync::Fence& fence, Deadline deadline) override;
  Result<void> commit(const sync::Fence& fence, const sync::Decide& decide, Deadline deadline) override;
  Result<sync::StreamState> state(StreamId stream, Deadline deadline) override;
  Result<std::vector<sync::OutboxItem>> outbox(StreamId stream, std::size_t limit, WallTime now,
                                               Deadline deadline) override;
  Result<std::vector<sync::Waiting>> due(StreamId stream, std::size_t limit, WallTime now, Deadline deadline) override;
  Result<std::vector<sync::Parked>> ready_matters(StreamId stream, std::size_t limit, Look look,
                                                  Deadline deadline) override;
  Result<Drift> drift(StreamId stream, std::size_t limit, Deadline deadline, const sync::DriftScope& scope) override;

  void record_written(const RecordWrite& write) override;
  void matter_answered(std::int64_t parked, const Json& answer, const std::string& by) override;
  void state_set(StreamId stream) override;
  void record_corrupted(const std::string& id) override;
  void link_corrupted(StreamId stream, const std::string& legacy_id) override;

private:
  Deadline soon() const;
  sync::PostgresSyncStore& postgres();  // with the time set
  void change(const std::function<void(store::Transaction&)>& statements);

  PostgresServer& server_;
  MemoryStore& memory_;
  const Clock& clock_;
  PostgresServer::Run run_;
  sync::PostgresSyncStore postgres_;
  sync::SyncQueries queries_;
  std::uint64_t refused_leases_ = 0;
};

}  // namespace banyan::simulation
