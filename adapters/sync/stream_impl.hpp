// Stream::Impl: what the parts of a step share. See stream.hpp; only the stream*.cpp files include this.
//
//   stream.cpp         what comes next; leases, pauses, failures
//   stream_capture.cpp legacy -> store: feed, observed writes, retries, deletes
//   stream_push.cpp    store -> legacy: the queue
//   stream_plan.cpp    store -> legacy: what to write
//   stream_write.cpp   store -> legacy: writing it
//   stream_create.cpp  store -> legacy: creates whose answer was lost
//   stream_scan.cpp    backfill, sweep, verify and repair
//   stream_dry_run.cpp a backfill that only reports
//   stream_people.cpp  answered conflicts, replayed dead letters
//   stream_schema.cpp  schema drift
#pragma once

#include <atomic>
#include <deque>
#include <limits>
#include <set>
#include <span>
#include <unordered_map>

#include "adapters/sync/absorb.hpp"
#include "adapters/sync/stream.hpp"

namespace banyan::sync {

// How one task of a step ended.
enum class Task : std::uint8_t {
  idle,  // there was nothing to do
  done,  // something was done; there may be more
  stop,  // cannot go on now: see retry_at_ and lost_
};

// A write to the legacy side, decided and noted in the store, not carried out yet.
struct PlannedWrite {
  enum class Kind : std::uint8_t { create, update, remove };
  Kind kind = Kind::update;
  OutboxItem item;
  std::string legacy_id;  // not of a create
  Json fields;            // legacy terms
  Json whole;             // for systems without partial update
  PendingWrite pending;
  WallTime since{};  // of a create: legacy clock before the first attempt
};

class Stream::Impl {
public:
  Impl(StreamId stream_id, StreamOptions stream_options, Parts stream_parts);

  // stream.cpp
  Step step(const Fence& fence);
  Task do_live_work();
  Result<void> start_scan(const Fence& fence, const ScanRequest& request);
  Deadline call_deadline() const;
  Deadline commit_deadline() const;
  Task failed(const legacy::Failure& failure);
  Task failed(const Error& error);
  void succeeded();
  // Whether a legacy call may be made now; otherwise notes when to ask again.
  bool may_call(Urgency urgency);
  const std::string& type() const { return parts_.mapping.type(); }
  const legacy::Capabilities& can() const { return parts_.system.capabilities(type()); }

  // stream_capture.cpp
  Task capture_observed();
  Task begin_feed();
  Task capture_feed();
  legacy::Cursor begin_pass(std::chrono::milliseconds overlap);
  Task end_pass(std::chrono::milliseconds overlap, bool found_any);
  Task capture_deletes();
  Task list_deletes();
  Task retry_waiting();
  legacy::Answer<void> read_alone(std::span<const std::string> ids, const legacy::Failure& because,
                                  std::vector<Intake>& intakes);
  std::size_t ids_per_step() const;
  legacy::Answer<std::vector<Intake>> read(std::span<const std::string> ids, Via via, bool captured);
  // Absorbs and commits, with `also` put into the same commit.
  Task take_in(std::span<const Intake> intakes, const std::function<void(View&, Changes&)>& also = {});
  using Also = std::function<void(View&, Absorbed&)>;
  Task absorb_all(std::span<const Intake> intakes, const Also& also);
  Result<void> try_to_absorb(std::span<const Intake> intakes, const Also& also);
  Result<void> absorb_one_by_one(std::span<const Intake> intakes, const Also& also);
  legacy::Answer<void> is_answering(const legacy::Failure& because);
  AbsorbContext absorb_context();
  void note(const Absorbed& absorbed);
  void note(const StreamState& state);

  // stream_push.cpp
  Task push();

  // stream_plan.cpp
  void plan(View& view, std::span<const OutboxItem> items, Changes& changes, std::vector<PlannedWrite>& writes);
  void plan_one(View& view, const OutboxItem& item, Coupling& known, Changes& changes,
                std::vector<PlannedWrite>& writes);
  void plan_create(View& view, const OutboxItem& item, const Coupling& known, Changes& changes,
                   std::vector<PlannedWrite>& writes);
  bool is_partly_unread(const Coupling& known) const;
  void plan_remove(View& view, const OutboxItem& item, const Coupling& known, Changes& changes,
                   std::vector<PlannedWrite>& writes);
  void plan_update(View& view, const OutboxItem& item, const Coupling& known, Changes& changes,
                   std::vector<PlannedWrite>& writes);
  void plan_again(View& view, const OutboxItem& item, const Coupling& known, Changes& changes,
                  std::vector<PlannedWrite>& writes);
  bool may_write_again(WallTime now, Link& link) const;
  Json whole_object(View& view, const Json& data);

  // stream_push.cpp: where an item of the queue goes
  void take_back(View& view, const OutboxItem& item, const Coupling& known, Changes& changes);
  void take_back_delete(View& view, const OutboxItem& item, const Coupling& known, Changes& changes);
  RecordWrite taken_back(View& view, const OutboxItem& item, const Coupling& known) const;
  Parked legacy_decides(View& view, const Coupling& known) const;
  bool changes_nothing(const Changes& changes, const std::string& record_id) const;
  Mapped to_legacy(View& view, const Json& data, const std::vector<std::string>& fields, bool for_create);
  void push_done(Changes& changes, const OutboxItem& item, Outcome outcome);
  void push_postponed(Changes& changes, const OutboxItem& item);
  void push_delayed(Changes& changes, const OutboxItem& item, const std::string& waits_for = {});
  void park_modern(View& view, Changes& changes, const OutboxItem& item, const Coupling& known, Parked matter);
  void push_parked(View& view, Changes& changes, const OutboxItem& item, const Coupling& known, Parked matter);

  // stream_write.cpp
  Task carry_out(std::span<const PlannedWrite> writes, Deadline deadline);
  legacy::Answer<legacy::Written> carry_out_one(const PlannedWrite& write, Deadline deadline);
  Task withdraw(std::span<const PlannedWrite> writes);
  void withdraw(const PlannedWrite& write, const Coupling& known, Changes& changes);
  Task read_first();
  Task settle_written(const PlannedWrite& write, const legacy::Written& written);
  Task settle_failed(const PlannedWrite& write, const legacy::Failure& failure);
  Task look_again(const PlannedWrite& write, bool& is_dead);
  bool is_dead(const PlannedWrite& write, const legacy::Failure& failure) const;
  void close_rejected(View& view, const PlannedWrite& write, Changes& changes);

  // stream_create.cpp
  Task find_lost_creates();
  struct LostCreate;
  Task find_lost_create(const LostCreate& lost);
  Changes settle_lost_create(View& view, const LostCreate& lost, std::span<const legacy::LegacyRecord> found,
                             Absorbed& absorbed);
  Task give_up_finding(const LostCreate& lost, const legacy::Failure& failure);
  bool is_as_sent(View& view, const Intent& intent, const legacy::LegacyRecord& row);
  Parked ambiguous_create(const std::string& message, std::span<const std::string> candidates) const;
  bool belongs_to_another(View& view, const std::string& legacy_id, const std::string& record_id) const;
  Changes park_ambiguous_create(View& view, const Intent& intent, const std::string& message,
                                std::span<const std::string> candidates);

  // stream_scan.cpp
  Task scan();
  Task scan_chunk();
  Task count_missing();
  void read_anew(View& view, Changes& changes) const;
  void warn_that_it_reads_anew() const;
  bool is_too_much(const Json& report, const char* what) const;
  std::optional<std::vector<Intake>> read_missing(ScanState& next, Task& ended);
  Task look_for_missing();
  std::int64_t count_gone(View& view, std::span<const Intake> rows, Json& missing) const;
  Task scan_absent();
  Task scan_end();
  bool scan_is_due();
  bool wants_backfill() const;
  Task verify_rows(std::vector<Intake> intakes, ScanState next, const std::vector<std::string>& seen,
                   bool may_repair = true);
  Task differing(const std::vector<Intake>& intakes, std::vector<std::string>& suspects);
  struct StoreCheck;
  Task verify_store();
  Changes check_records(View& view, const std::vector<std::string>& record_ids, StoreCheck& found);
  RecordWrite rebuilt(View& view, const Link& link) const;
  bool repair_record(View& view, const Coupling& known, bool repair, Changes& changes);
  void note_rate(const ScanState& next);

  // stream_dry_run.cpp
  Task try_out(const std::vector<Intake>& intakes, ScanState next);

  // stream_people.cpp
  Task carry_out_answers();
  Task carry_out_answer(const Parked& matter);
  Task replay_modern(const Parked& matter);
  Task answer_lost_create(const Parked& matter);
  SteadyTime next_answers_{};
  SteadyTime next_restored_{};
  std::unordered_map<std::int64_t, SteadyTime> answers_later_;  // by matter: when to try again

  // stream_schema.cpp
  Task describe();

  const StreamId id_;
  const StreamOptions options_;
  const Parts parts_;
  const std::string author_;

  // Only the stepping thread.
  Fence fence_;
  StreamState state_;  // as of the beginning of the step; kept up to date by the commits of the step
  // Of the owner, as the last plan found it and as the last commit did: what was decided in an older one must not go
  // out.
  std::int64_t planned_epoch_ = 0;
  std::int64_t epoch_ = 0;
  bool paused_ = false;
  bool lost_ = false;
  SteadyTime step_began_{};
  SteadyTime wake_{};
  SteadyTime retry_at_{};
  std::int32_t failures_ = 0;
  std::size_t turn_ = 0;
  bool knows_schema_ = false;    // it was looked at under this lease
  bool observed_first_ = false;  // the last step began with what was observed
  SteadyTime next_poll_{};
  SteadyTime cursor_moved_{};    // when it was last seen to, or the lease was taken
  SteadyTime next_look_back_{};  // when a pass through the feed begins before the cursor again
  SteadyTime pass_began_{};
  bool only_looks_ = false;  // the pass under way: for whether there is anything new
  SteadyTime next_deletes_{};
  std::vector<std::string> listed_deletes_;  // still to be looked at
  std::string deletes_reached_;              // StreamState::deletes_since once all of them have been
  SteadyTime next_outbox_{};
  SteadyTime next_waiting_{};
  SteadyTime next_describe_{};
  bool begun_ = false;                  // the feed's first cursor has been asked for
  std::optional<legacy::Cursor> pass_;  // where the pass through the feed under way has got to
  // Rows of the overlap that have been taken in already, by id: version. Only saves work.
  std::unordered_map<std::string, std::string> recent_;
  std::size_t fetch_size_ = std::numeric_limits<std::size_t>::max();  // ids that have been seen to fit into one call
  bool lost_creates_ = true;                               // there may be intents whose call was made and not answered
  std::unordered_map<std::string, SteadyTime> next_find_;  // by record id: when to look for its create again
  std::vector<std::string> to_read_;  // legacy ids that the last plan wants to see before it goes on
  std::vector<std::string> drifted_;
  std::vector<std::string> vanished_;  // of `drifted_`, for AbsorbContext
  std::chrono::microseconds legacy_ahead_{0};
  SteadyTime scan_began_{};
  std::int64_t scan_began_at_ = 0;
  // The second half of a verify: the store against its bases, a page in each step. After a restart it begins anew, so
  // what a run without repair finds is counted only at its end.
  struct StoreCheck {
    WallTime run{};  // ScanState::started of the run that it belongs to
    std::string after;
    bool ended = false;
    std::int64_t differences = 0;
    std::int64_t left_out = 0;  // records without a link that could not be judged
    Json examples = Json::array();
  };
  StoreCheck store_check_;

  // Shared with other threads.
  mutable std::mutex mutex_;
  std::set<std::string> observed_;
  bool poll_now_ = false;
  bool nudged_ = true;
  bool try_now_ = false;
  bool sweep_soon_ = false;
  std::function<void()> on_work_;
  std::function<void(const Reference&)> on_missing_;
  std::function<void()> on_deleted_;
  std::function<bool()> must_wait_;
  WallTime held_since_;  // under this lease
  StreamStatus status_;
};

}  // namespace banyan::sync
