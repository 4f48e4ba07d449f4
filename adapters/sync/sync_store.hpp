// SyncStore: the durable state of sync as a port. PostgreSQL implements it; so does the memory of the simulation.
//
// There is one way to change anything: commit(fence, decide). The store shows `decide` a locked, consistent View;
// decide looks at what it needs and returns a Changes value; the store applies all of it or nothing. So a crash is
// always between two commits, and "inbox, record, base and outbox in one transaction" is not a habit but the only thing
// that can be written down. decide may be run more than once (serialization failures): it must have no other effect.
//
// A commit is refused with ErrorCode::precondition_failed when the fence is not the newest of its stream: another
// process has taken the lease over. Blocking; safe from several threads; one stream is only ever worked on by the
// holder of its lease, one step after another.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "adapters/legacy/legacy_system.hpp"
#include "adapters/records/record.hpp"
#include "adapters/sync/mapping.hpp"
#include "adapters/sync/merge.hpp"
#include "gateway/base/clock.hpp"
#include "gateway/base/result.hpp"

namespace banyan::sync {

using records::Record;
using records::RecordWrite;
using StreamId = std::int16_t;  // from 1

// Who decides on an entity in this epoch (design.md section 1).
enum class Owner : std::uint8_t { both, legacy, modern };
std::string_view to_string(Owner owner);

// A lease on a stream. `token` rises with each new holder.
struct Fence {
  StreamId stream = 0;
  std::int64_t token = 0;
};

// What became of a captured change (design.md section 5).
enum class Outcome : std::uint8_t { applied, superseded, echo, conflict, dead_letter, in_flight };
std::string_view to_string(Outcome outcome);

// How a change was learnt.
enum class Via : std::uint8_t { feed, observed, scan, retry, verify };
std::string_view to_string(Via via);

// What we were about to write when we last wrote to this legacy record: committed before the call, so that after a
// crash the result can be told from an edit. It stays until it is known what became of the write.
struct PendingWrite {
  std::vector<std::string> fields;  // those being written
  Json values;                      // their canonical values; one that is absent is being cleared
  std::string expected;             // version that the write was conditional on
  WallTime at{};                    // when it was planned, by the store's clock
  bool is_delete = false;
  bool is_repeat = false;  // of a write that was not answered: that one may have arrived even if this one was refused
};

// The pair (legacy id, record id).
struct Link {
  std::string legacy_id;
  std::string record_id;
  std::optional<Json> base;    // nothing: the legacy record is deleted
  std::int64_t base_hash = 0;  // records::content_hash(base); 0 without base
  std::string legacy_version;  // as of base
  std::optional<WallTime> legacy_stamp;
  std::int64_t record_hash = 0;   // content_hash of the record's whole data when it last agreed with base (all pushed)
  std::vector<std::string> held;  // fields that wait for a person or for another record: left out of merges
  std::optional<PendingWrite> pending;
  // Damper: writes to legacy since the window began, and how often legacy rewrote them.
  std::int32_t writes = 0;
  WallTime writes_since{};
  std::int32_t near_misses = 0;
  WallTime created_at{};  // given by the store
};

// The part of a link that tells whether a legacy record has changed at all.
struct LinkHead {
  bool exists = false;
  bool has_base = false;
  bool quiet = false;  // has a base, nothing held, nothing pending, and no waiting row
  std::int64_t base_hash = 0;
  std::string legacy_version;
};

// A captured change that waits: in flight. One per (stream, legacy id), the newest; older ones are superseded.
struct Waiting {
  std::string legacy_id;
  std::int64_t inbox_id = 0;    // when written: 0 stands for the row in `Changes::inbox` with the same legacy id
  std::optional<Reference> on;  // the record that must exist first; nothing: only for time
  WallTime not_before{};
  std::int32_t attempt = 0;
  std::string reason;
  std::string legacy_version;  // as captured. Not written: the captured change has it
};

// A person's matter. At most one is open or answered per (stream, kind, record id, or legacy id if there is no record).
struct Parked {
  enum class Kind : std::uint8_t { conflict, dead_letter };
  enum class State : std::uint8_t {
    open,
    answered,    // a person has decided; the engine has not carried it out yet. Still counts as open
    resolved,    // carried out
    superseded,  // a later change made it pointless
  };
  std::int64_t id = 0;  // given by the store
  StreamId stream = 0;
  Kind kind = Kind::dead_letter;
  State state = State::open;
  records::Side side = records::Side::legacy;  // whose change could not go on
  std::string legacy_id;                       // either may be empty
  std::string record_id;
  std::string error_class;  // "invalid_value", "rejected", "edit_edit", "delete_edit", "ambiguous_match", "damper", …
  std::string message;
  std::vector<std::string> fields;
  Json base, legacy, modern;  // canonical where there is such a value, else as found; null: none
  std::int64_t epoch = 0;
  std::int64_t legacy_changes = 0;  // captured changes that it stands for, by the side that they came from
  std::int64_t modern_changes = 0;
  WallTime at{};
  Json answer;  // of a resolved one: {"name": "legacy" | "modern" | {"value": …}}, {"values": …}; and who
  std::string answered_by;
};
std::string_view to_string(Parked::Kind kind);
std::string_view to_string(Parked::State state);

// A create under way on the legacy side.
struct Intent {
  std::string record_id;
  WallTime since{};          // legacy clock before the first attempt
  WallTime at{};             // our clock when it was last attempted
  Json sent;                 // legacy terms, as sent
  Json base;                 // canonical, as sent
  std::int64_t version = 0;  // of the record that was sent
  bool attempted = false;    // the call may have been made
};

// What is known of one legacy id, or of one record, together. Locked until the commit ends.
struct Coupling {
  std::string legacy_id;  // as asked for; by_record: of the link, or empty
  std::optional<Link> link;
  std::optional<Record> record;
  std::optional<Waiting> waiting;
  std::optional<Intent> intent;
  std::optional<Parked> conflict;     // the open one
  std::optional<Parked> dead_letter;  // the open one
};

// A row of the outbox: the record has changed and legacy may not know.
struct OutboxItem {
  std::string record_id;
  std::int64_t version = 0;
  std::int32_t changes = 1;  // captured changes that it stands for
  std::int32_t hops = 0;
  std::int32_t attempt = 0;
  WallTime first_at{};
};

// A run through all records of the legacy side.
struct ScanState {
  enum class Kind : std::uint8_t { none, backfill, sweep, verify };
  enum class Phase : std::uint8_t {
    reading,
    counting,  // how many links the run has not met
    looking,   // many: how many of them are gone
    absent,    // each of them is asked for, and what is gone is taken in
    done
  };
  Kind kind = Kind::none;
  Phase phase = Phase::reading;
  std::string position;  // of the last chunk committed
  bool dry_run = false;
  bool repair = false;
  bool accepts_deletes = false;  // a person has said that what is missing is gone, however much it is
  WallTime started{};
  WallTime ended{};
  std::int64_t scanned = 0;
  std::int64_t differences = 0;
  std::int64_t repaired = 0;
  Json report = Json::object();  // what would not map, examples of differences, links not met
};

// What a person, or the time of day, asks a scan for. See ScanState.
struct ScanRequest {
  ScanState::Kind kind = ScanState::Kind::sweep;
  bool dry_run = false;
  bool repair = false;
  bool accepts_deletes = false;
};

// Why such a run is not to be asked for, as a sentence for people; nothing: it may be.
std::optional<std::string> fault_in(const ScanRequest& request);

// Durable state of one stream.
struct StreamState {
  StreamId id = 0;
  Owner owner = Owner::both;
  std::int64_t epoch = 1;
  bool paused = false;
  std::string pause_reason;
  legacy::Cursor cursor;
  std::chrono::milliseconds overlap{0};  // measured; 0: never
  std::string deletes_since;             // cursor stamp of DeleteVisibility::history
  ScanState scan;
  WallTime backfilled_at{};       // end of the first complete backfill; epoch 0: never
  Json schema = Json::object();   // of the legacy side as first described, with the mapping: stream_schema.cpp
  Json mapping = Json::object();  // StreamMapping::description() that the records were last scanned with
};

// How many captured changes went where since the stream began, by side. In flight and parked ones are rows that can be
// counted, so the sums can be checked.
struct Counts {
  std::int64_t captured = 0;
  std::int64_t applied = 0;
  std::int64_t superseded = 0;
  std::int64_t echo = 0;
  std::int64_t conflict = 0;
  std::int64_t dead_letter = 0;
  std::int64_t in_flight = 0;
};

// The log of captured legacy changes: one row each.
struct InboxEntry {
  std::string legacy_id;
  std::string legacy_version;
  Via via = Via::feed;
  Outcome outcome = Outcome::applied;
  std::string
      ref;  // applied, echo: "record@version"; superseded: by what; conflict, dead_letter: parked id by the store
};

// All that one commit writes. Empty parts cost nothing.
struct Changes {
  std::vector<RecordWrite> records;
  std::vector<Link> links;                 // inserted, or replaced as a whole
  std::vector<std::string> links_removed;  // by legacy id: its record goes on without
  std::vector<InboxEntry> inbox;
  std::vector<Waiting> waiting;           // inserted or replaced; the one that was there is superseded
  std::vector<std::string> waiting_done;  // by legacy id; the outcome of the change stands in `inbox_outcomes`
  std::vector<std::pair<std::int64_t, InboxEntry>> inbox_outcomes;  // inbox id -> what became of it
  std::vector<Parked> parked;         // id 0: open a new one, or replace the open one of the same matter
  std::vector<Parked> parked_closed;  // by id: state, answer
  struct OutboxDone {
    OutboxItem item;  // removed only if its version is still item.version; else only its `changes` are taken off
    Outcome outcome = Outcome::applied;
  };
  std::vector<OutboxDone> outbox_done;
  struct OutboxDelay {
    std::string record_id;
    WallTime not_before{};
    std::int32_t attempt_read = 0;  // a row with another number has been edited or woken since: it stays due
    std::int32_t attempt = 1;       // from now on; 0 would be due at once
    std::string waits_for;          // the record whose link wakes it before its time; empty: none
  };
  std::vector<OutboxDelay> outbox_delayed;
  std::vector<std::string>
      outbox_added;             // record ids to look at (again); applied after outbox_done; counts as no change
  std::vector<Intent> intents;  // inserted or replaced
  std::vector<std::string> intents_done;  // by record id
  std::vector<std::string> seen;          // legacy ids met by the scan under way
  bool forget_seen = false;               // before `seen` is added
  std::vector<Reference> redirects;       // legacy record merged into another: entity = old legacy id, id = new one
  struct Coupled {
    std::string entity;
    std::string legacy_id;
    std::string record_id;  // empty: it is new, and nothing can wait for it
  };
  std::vector<Coupled> awake;        // now have a link: what waits on the row, or for the record, may go on
  std::optional<StreamState> state;  // replaced as a whole, but for owner and epoch and paused
  std::optional<bool> paused;
  std::string pause_reason;
  Counts legacy_counts;  // added to the totals; in_flight may be negative
  Counts modern_counts;
};

// What decide may look at. Valid only inside decide. Rows of links and records that it returns stay locked until the
// commit ends.
class View {
public:
  virtual ~View() = default;

  virtual WallTime now() = 0;
  virtual StreamState state() = 0;
  virtual std::vector<LinkHead> heads(std::span<const std::string> legacy_ids) = 0;      // same order; not locked
  virtual std::vector<Coupling> by_legacy(std::span<const std::string> legacy_ids) = 0;  // same order
  virtual std::vector<Coupling> by_record(std::span<const std::string> record_ids) = 0;  // same order
  // Across all streams of the system. Same order; nothing where there is no link. Redirects are followed.
  virtual std::vector<std::optional<std::string>> record_ids(std::span<const Reference> by_legacy_id) = 0;
  virtual std::vector<std::optional<std::string>> legacy_ids(std::span<const Reference> by_record_id) = 0;
  // Which of these records are deleted, or never were. Same order.
  virtual std::vector<bool> gone(std::span<const Reference> by_record_id) = 0;
  // The greatest version in the record's history; 0: there is none.
  virtual std::int64_t last_version(const std::string& record_id) = 0;
  // Live records of the stream's entity without a link in this stream that have these values; at most `limit`.
  virtual std::vector<Record> unlinked(const Json& values, std::size_t limit) = 0;
  virtual bool any_unlinked() = 0;
  // Whether the stream knows of a legacy row that has no link: a captured change of it waits, or a matter about it is
  // open.
  virtual bool any_row_unlinked() = 0;
  // The last change of the field in the record's history that did not come from this stream's system; nothing: none.
  struct Edit {
    WallTime at{};
    Json to;  // null: cleared
  };
  virtual std::optional<Edit> last_modern_edit(const std::string& record_id, const std::string& field) = 0;
  virtual std::vector<Intent> open_intents() = 0;
  // Legacy ids that a person is being asked about as the possible results of a create that was never answered.
  virtual std::vector<std::string> disputed_ids() = 0;
  virtual std::optional<Parked> parked(std::int64_t id) = 0;
  // Links with a base whose legacy id is not among the `seen` of the scan under way and that were made before it
  // began. Each call looks at a part of the links. `up_to`: where it ends, to go on from; empty: there is no more.
  // Nothing at all: the store has lost what the scan has met, and nothing can be concluded before it has read
  // everything anew, from a commit with `forget_seen` on.
  struct LinkPart {
    std::string after;      // legacy ids greater than this one, by bytes
    std::size_t links = 0;  // at most so many, from 1
  };
  struct NotSeen {
    std::vector<std::string> ids;  // at most `limit`
    std::string up_to;
  };
  virtual std::optional<NotSeen> not_seen(const LinkPart& part, std::size_t limit) = 0;
  struct NotSeenCount {
    std::int64_t missing = 0;
    std::int64_t linked = 0;  // links of which it could be said
    std::string up_to;
  };
  virtual std::optional<NotSeenCount> count_not_seen(const LinkPart& part) = 0;
};

using Decide = std::function<Changes(View&)>;

// Which part of a stream SyncStore::drift() looks at.
struct DriftScope {
  std::string after;       // record ids greater than this one; empty: all
  bool tombstones = true;  // a tombstone whose link has a base is drift; false: deletes do not cross, so it is not
  // So is a live record of the entity without a link, if nothing is under way for it: it is in no outbox, its create
  // has not been attempted, and it is no open matter. True if creates cross.
  bool unlinked = false;
};

// What a stream is doing, for status and metrics. A copy, in memory only, but for what is told to other processes.
struct StreamStatus {
  std::string system;
  std::string entity;
  bool holds_lease = false;
  std::string trouble;                   // why it cannot go on right now, for people; empty: all is well
  bool is_refused = false;               // the trouble is that the legacy system refuses the credentials
  std::optional<WallTime> caught_up_at;  // when the feed was last read to its end
  std::int64_t near_misses = 0;
  std::int64_t lag_ms = 0;  // of the last captured change: stamp to commit
  // How much longer than a poll interval the feed has not been read to its end, as far as this process knows; 0 where
  // there is no feed.
  std::int64_t behind_ms = 0;
  double scan_rate = 0;                   // records per second of the scan under way
  std::vector<std::string> schema_drift;  // one sentence per field that is held
  std::size_t observed_waiting = 0;
};

// How a lease stands.
struct LeaseStand {
  std::optional<Fence> held;   // by the process that asks, renewed just now
  bool free = false;           // nobody holds it
  std::size_t candidates = 1;  // processes that are alive and have the stream, the one that asks included
};

class SyncStore {
public:
  virtual ~SyncStore() = default;

  // Makes the stream known (idempotent) and gives its id.
  virtual Result<StreamId> open_stream(const std::string& system, const std::string& entity, Deadline deadline) = 0;

  // Takes or renews the lease. Nothing: another holds it. `owner` names the process.
  virtual Result<std::optional<Fence>> lease(StreamId stream, const std::string& owner, std::chrono::milliseconds term,
                                             Deadline deadline) = 0;
  virtual Result<void> release(const Fence& fence, Deadline deadline) = 0;
  // Renews at once every lease of these streams that `owner` holds, also late if nobody has come between, and notes
  // that this process has these streams and is alive for `term`. How each of them stands, in the same order. Does not
  // wait for commits under way. Only stores that several processes share can do it: see Runner.
  virtual Result<std::vector<LeaseStand>> keep_leases(const std::string& owner, std::span<const StreamId> streams,
                                                      std::chrono::milliseconds term, Deadline deadline);
  // Tells other processes what these streams are doing: those that `owner` holds, and those that nobody does. A store
  // that is not shared has nobody to tell.
  virtual Result<void> tell(const std::string& owner, std::span<const std::pair<StreamId, StreamStatus>> statuses,
                            Deadline deadline);
  // Notes that this process is alive for `term`, and gives the number of processes that are, this one included.
  virtual Result<std::size_t> present(const std::string& owner, std::chrono::milliseconds term, Deadline deadline) = 0;

  virtual Result<void> commit(const Fence& fence, const Decide& decide, Deadline deadline) = 0;

  // Reads outside of a commit: what is there to do. Not locked; the fence is not looked at.
  virtual Result<StreamState> state(StreamId stream, Deadline deadline) = 0;
  virtual Result<std::vector<OutboxItem>> outbox(StreamId stream, std::size_t limit, WallTime now,
                                                 Deadline deadline) = 0;
  virtual Result<std::vector<Waiting>> due(StreamId stream, std::size_t limit, WallTime now, Deadline deadline) = 0;
  // What can be carried out, by id: answered conflicts, replayed dead letters; and, if asked for, open dead letters of
  // the modern side whose record refers to none but live records in `fields` now, unless they stand for changes of the
  // legacy side as well. That looks at each of them, and is not for every poll.
  enum class Look : std::uint8_t { answered, restored_too };
  virtual Result<std::vector<Parked>> ready_matters(StreamId stream, std::size_t limit, Look look,
                                                    Deadline deadline) = 0;
  // The store against its bases: rows whose record has another hash than the link remembers, by bucket checksums and
  // then by row, and records without a link (see DriftScope); a record still in the outbox is left out. `checked`:
  // links compared, whatever `scope` says.
  struct Drift {
    std::int64_t checked = 0;
    std::vector<std::string> record_ids;  // in order, at most limit; fewer: there are no more
  };
  virtual Result<Drift> drift(StreamId stream, std::size_t limit, Deadline deadline, const DriftScope& scope = {}) = 0;
};

}  // namespace banyan::sync
