// PostgresSyncStore: the durable state of sync in PostgreSQL. docs/reference/sync-schema.md explains the tables.
//
// A commit is one transaction at READ COMMITTED. Three locks make that enough: the key of the lease, shared, so that it
// cannot pass to another process before the commit has ended; the state of the stream; and each record that decide
// looks at, in order of id. All else of a stream is written by the holder of its lease alone.
#pragma once

#include <span>

#include "adapters/sync/sync_store.hpp"
#include "gateway/store/database.hpp"
#include "gateway/store/schema.hpp"

namespace banyan::sync {

// The schema files of sync; they need those of adapters/records.
std::span<const store::SchemaFile> sync_schema();

// The channels that a commit notifies: kOutboxChannel with the id of a stream that has something to do; people's
// answers come over kAnswersChannel, likewise with the id of the stream.
inline constexpr const char* kOutboxChannel = "banyan_outbox";
inline constexpr const char* kAnswersChannel = "banyan_answers";
// A person has resumed the stream: whatever it waits for, it is to try now.
inline constexpr const char* kResumedChannel = "banyan_resumed";

class PostgresSyncStore final : public SyncStore {
public:
  // `database` must outlive the object.
  explicit PostgresSyncStore(store::Database& database) : database_(database) {}

  Result<StreamId> open_stream(const std::string& system, const std::string& entity, Deadline deadline) override;
  Result<std::optional<Fence>> lease(StreamId stream, const std::string& owner, std::chrono::milliseconds term,
                                     Deadline deadline) override;
  Result<void> release(const Fence& fence, Deadline deadline) override;
  Result<std::vector<LeaseStand>> keep_leases(const std::string& owner, std::span<const StreamId> streams,
                                              std::chrono::milliseconds term, Deadline deadline) override;
  Result<void> tell(const std::string& owner, std::span<const std::pair<StreamId, StreamStatus>> statuses,
                    Deadline deadline) override;
  Result<std::size_t> present(const std::string& owner, std::chrono::milliseconds term, Deadline deadline) override;
  // Further errors: `conflict` if a record is not as decide presupposed without having looked at it.
  Result<void> commit(const Fence& fence, const Decide& decide, Deadline deadline) override;
  Result<StreamState> state(StreamId stream, Deadline deadline) override;
  Result<std::vector<OutboxItem>> outbox(StreamId stream, std::size_t limit, WallTime now, Deadline deadline) override;
  Result<std::vector<Waiting>> due(StreamId stream, std::size_t limit, WallTime now, Deadline deadline) override;
  Result<std::vector<Parked>> ready_matters(StreamId stream, std::size_t limit, Look look, Deadline deadline) override;
  // Differs as well: a record that was deleted although its link has a base, and one that is not there at all.
  Result<Drift> drift(StreamId stream, std::size_t limit, Deadline deadline, const DriftScope& scope = {}) override;

private:
  store::Database& database_;
};

}  // namespace banyan::sync
