// MemoryStore: the SyncStore of the simulation, and the record store that modern agents write through.
//
// It keeps every promise of sync_store.hpp: a commit is checked as a whole before the first byte changes, so it happens
// or does not. It can be re-entered: while `decide` runs, other streams may commit and agents may write; a record that
// the running commit has locked refuses them (`overloaded`), where a database would let them wait. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sync/sync_store.hpp"
#include "gateway/base/clock.hpp"
#include "gateway/base/result.hpp"

namespace banyan::simulation {

using records::Record;
using records::RecordWrite;
using sync::Json;
using sync::StreamId;

// Hears of what is changed beside the engine, right afterwards: by agents, by people, and behind everybody's back.
class Listener {
public:
  virtual ~Listener() = default;
  virtual void record_written(const RecordWrite& write) = 0;
  virtual void matter_answered(std::int64_t parked, const Json& answer, const std::string& by) = 0;
  virtual void state_set(StreamId stream) = 0;  // owner, cursor or pause
  virtual void record_corrupted(const std::string& id) = 0;
  virtual void link_corrupted(StreamId stream, const std::string& legacy_id) = 0;  // another base, or gone
};

class MemoryStore final : public sync::SyncStore {
public:
  explicit MemoryStore(const Clock& clock);
  ~MemoryStore() override;
  // `listener` must outlive every change; nullptr: nobody.
  void set_listener(Listener* listener) { listener_ = listener; }

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
  Result<Drift> drift(StreamId stream, std::size_t limit, Deadline deadline,
                      const sync::DriftScope& scope = {}) override;

  // The record API of modern agents: history and outbox rows for every stream of the entity in the same step.
  Result<Record> create_record(const std::string& entity, const std::string& id, Json data, const std::string& author);
  Result<Record> patch_record(const std::string& id, std::int64_t expected, const Json& patch,
                              const std::string& author);
  Result<Record> delete_record(const std::string& id, std::int64_t expected, const std::string& author);
  Result<Record> restore_record(const std::string& id, std::int64_t expected, const std::string& author);
  const Record* record(const std::string& id) const;
  // As given, whatever the stored version is.
  void write(const RecordWrite& write);

  // What people do over the API.
  Result<void> answer(std::int64_t parked, Json answer, const std::string& by);
  void set_owner(StreamId stream, sync::Owner owner);
  void set_cursor(StreamId stream, const legacy::Cursor& cursor);
  void set_paused(StreamId stream, bool paused, const std::string& reason);

  // A change behind everybody's back: no version, no history, no outbox.
  void corrupt_record(const std::string& id, Json data);
  void corrupt_remove_link(StreamId stream, const std::string& legacy_id);
  void corrupt_base(StreamId stream, const std::string& legacy_id, Json base);

  struct OutboxRow {
    sync::OutboxItem item;
    WallTime not_before{};
    std::string waits_for;
  };
  struct InboxRow {
    sync::InboxEntry entry;
    WallTime at{};
  };
  struct Lease {
    std::string owner;
    std::int64_t token = 0;
    WallTime until{};
  };
  struct StreamRows {
    std::string system;
    std::string entity;
    sync::StreamState state;
    sync::Counts legacy_counts;
    sync::Counts modern_counts;  // of the changes that have left the outbox
    std::int64_t enqueued = 0;   // modern changes that the stream was told of
    std::optional<Lease> lease;
    std::int64_t last_token = 0;
    std::map<std::string, sync::Link> links;       // by legacy id
    std::map<std::string, std::string> link_of;    // record id -> legacy id
    std::map<std::string, sync::Waiting> waiting;  // by legacy id
    std::map<std::string, OutboxRow> outbox;       // by record id
    std::map<std::string, sync::Intent> intents;   // by record id
    std::map<std::int64_t, sync::Parked> open;     // open and answered ones
    std::map<std::int64_t, sync::Parked> closed;
    std::set<std::string> seen;
    std::map<std::string, std::string> redirects;
    std::map<std::int64_t, InboxRow> inbox;
    std::array<std::int64_t, 6> inbox_by_outcome{};
  };
  const StreamRows& stream(StreamId id) const { return streams_[static_cast<std::size_t>(id - 1)]; }
  std::size_t stream_count() const { return streams_.size(); }

  struct HistoryRow {
    std::int64_t version = 0;
    WallTime at{};
    records::Author author;
    RecordWrite::Kind kind = RecordWrite::Kind::update;
    Json changed;
  };
  const std::map<std::string, Record>& all_records() const { return records_; }
  const std::vector<HistoryRow>& history(const std::string& id) const;

  // Every count of the stream against the rows that it stands for: one sentence per violation.
  std::vector<std::string> conservation(StreamId stream) const;
  std::uint64_t record_writes() const { return record_writes_; }

private:
  friend class MemoryView;
  StreamRows& rows(StreamId id) { return streams_[static_cast<std::size_t>(id - 1)]; }
  Result<void> check(const StreamRows& rows, const sync::Changes& changes) const;
  Result<void> check_links(const StreamRows& rows, const sync::Changes& changes) const;
  Result<void> check_fence(const sync::Fence& fence) const;
  // A live record that nothing knows of: no link, no outbox row, no create under way, no open matter.
  bool is_lost(const StreamRows& known, const Record& found) const;
  bool has_its_references_again(const sync::Parked& matter) const;
  void apply(StreamRows& rows, sync::Changes& changes);
  void apply_inbox(StreamRows& rows, sync::Changes& changes);
  // (kind, legacy id) -> the matter that its changes are parked in.
  using Matters = std::map<std::pair<sync::Parked::Kind, std::string>, std::int64_t>;
  void apply_parked(StreamRows& rows, sync::Changes& changes, Matters& matters);
  void apply_outbox(StreamRows& rows, const sync::Changes& changes);
  void apply_awake(const StreamRows& rows, const sync::Changes& changes);
  void apply_state(StreamRows& rows, sync::Changes& changes);
  void enqueue(StreamRows& rows, const std::string& record_id, std::int64_t version, std::int32_t hops,
               std::int32_t changes);
  Result<Record> write_modern(RecordWrite::Kind kind, Record record, const Json& before, const std::string& author);
  Result<const Record*> expect(const std::string& id, std::int64_t expected) const;

  const Clock& clock_;
  Listener* listener_ = nullptr;
  std::vector<StreamRows> streams_;
  std::map<std::string, Record> records_;
  std::map<std::string, std::vector<HistoryRow>> history_;
  std::map<std::string, WallTime> present_;
  std::multiset<std::string> locked_;  // record ids that a running commit has looked at
  std::int64_t last_inbox_ = 0;
  std::int64_t last_parked_ = 0;
  std::uint64_t record_writes_ = 0;
};

}  // namespace banyan::simulation
