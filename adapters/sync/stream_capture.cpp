// Legacy -> store: the feed, observed writes, retries, deletes.
#include <algorithm>
#include <iterator>
#include <utility>

#include "adapters/sync/scan_report.hpp"
#include "adapters/sync/stream_impl.hpp"

namespace banyan::sync {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kRecentLimit = 50'000;
constexpr std::size_t kIdsPerStep = 20;

// How long the list of deletes may stay unread.
constexpr std::chrono::seconds kDeletesInterval{2};

// Whether a failure may be the fault of single records rather than of the system.
bool is_about_records(const legacy::Failure& failure) {
  return failure.kind == legacy::Failure::Kind::rejected || failure.kind == legacy::Failure::Kind::malformed;
}

legacy::LegacyRecord deleted_row(const std::string& id) {
  legacy::LegacyRecord row;
  row.id = id;
  row.deleted = true;
  return row;
}

}  // namespace

AbsorbContext Stream::Impl::absorb_context() {
  // Whatever a step takes in, it has read since it began.
  const auto ago = parts_.clock.now() - step_began_;
  const WallTime read_at = parts_.clock.wall() - std::chrono::duration_cast<WallTime::duration>(ago);
  const bool has_versions = can().compare_and_set == legacy::CompareAndSet::version;
  const bool chooses_ids = can().create_identity == legacy::CreateIdentity::chosen_id;
  return {id_,          parts_.mapping, options_,      parts_.make_id, read_at,  ago,
          has_versions, chooses_ids,    legacy_ahead_, drifted_,       vanished_};
}

Task Stream::Impl::take_in(std::span<const Intake> intakes, const std::function<void(View&, Changes&)>& also) {
  return absorb_all(intakes, [&](View& view, Absorbed& absorbed) {
    if (also) also(view, absorbed.changes);
  });
}

Task Stream::Impl::absorb_all(std::span<const Intake> intakes, const Also& also) {
  auto done = try_to_absorb(intakes, also);
  if (!done && done.error().code == ErrorCode::invalid_argument) done = absorb_one_by_one(intakes, also);
  if (!done) return failed(done.error());
  succeeded();
  return Task::done;
}

Result<void> Stream::Impl::try_to_absorb(std::span<const Intake> intakes, const Also& also) {
  const AbsorbContext context = absorb_context();
  Absorbed absorbed;
  auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        absorbed = absorb(view, context, intakes);
        note(view.state());
        if (also) also(view, absorbed);
        return std::exchange(absorbed.changes, {});
      },
      commit_deadline());
  if (done) note(absorbed);
  return done;
}

// The store cannot hold what one of these records says. The others go in, that one is parked without its values, and
// what belongs to all of them comes last.
Result<void> Stream::Impl::absorb_one_by_one(std::span<const Intake> intakes, const Also& also) {
  for (const Intake& intake : intakes) {
    auto done = try_to_absorb(std::span(&intake, 1), {});
    if (!done && done.error().code == ErrorCode::invalid_argument) {
      Intake bare = intake;
      bare.row.fields = Json::object();
      bare.unreadable = "The store cannot hold the record: " + done.error().public_message;
      done = try_to_absorb(std::span(&bare, 1), {});
    }
    if (!done) return done;
  }
  return try_to_absorb({}, also);
}

void Stream::Impl::note(const StreamState& state) {
  epoch_ = state.epoch;
  paused_ = state.paused;
}

void Stream::Impl::note(const Absorbed& absorbed) {
  std::function<void(const Reference&)> missing;
  std::function<void()> deleted;
  {
    const std::lock_guard lock(mutex_);
    status_.near_misses += absorbed.near_misses;
    if (absorbed.oldest_stamp) {
      const auto lag = parts_.clock.wall() + legacy_ahead_ - *absorbed.oldest_stamp;
      status_.lag_ms = std::max<std::int64_t>(0, std::chrono::duration_cast<milliseconds>(lag).count());
    }
    missing = on_missing_;
    deleted = on_deleted_;
  }
  if (missing) {
    for (const Reference& reference : absorbed.missing) missing(reference);
  }
  if (deleted && absorbed.deleted_any) deleted();
}

// How many records are read by id in one step: what one call gives, or a few calls if it gives little.
std::size_t Stream::Impl::ids_per_step() const {
  return std::min(options_.page, std::max(can().ids_per_fetch(), kIdsPerStep));
}

// Reads records by id; what is not there is a delete.
legacy::Answer<std::vector<Intake>> Stream::Impl::read(std::span<const std::string> ids, Via via, bool captured) {
  std::vector<Intake> intakes;
  for (std::size_t from = 0; from < ids.size();) {
    if (from > 0) parts_.budget.spend();
    const auto part = ids.subspan(from, std::min({can().ids_per_fetch(), fetch_size_, ids.size() - from}));
    auto rows = parts_.system.fetch(type(), part, call_deadline());
    if (!rows && rows.error().kind == legacy::Failure::Kind::deadline && part.size() > 1) {
      fetch_size_ = part.size() / 2;  // so many do not fit into one deadline
      continue;
    }
    from += part.size();
    if (!rows && is_about_records(rows.error())) {
      if (auto alone = read_alone(part, rows.error(), intakes); !alone) return tl::unexpected(std::move(alone.error()));
      continue;
    }
    if (!rows) return tl::unexpected(std::move(rows.error()));
    std::set<std::string> found;
    for (legacy::LegacyRecord& row : *rows) {
      found.insert(row.id);
      Intake intake;
      intake.row = std::move(row);
      intakes.push_back(std::move(intake));
    }
    for (const std::string& id : part) {
      if (found.contains(id)) continue;
      Intake intake;
      intake.row = deleted_row(id);
      intakes.push_back(std::move(intake));
    }
  }
  for (Intake& intake : intakes) {
    intake.via = via;
    intake.captured = captured;
    recent_.erase(intake.row.id);
  }
  return intakes;
}

// One of these records cannot be read: each is asked for by itself, so that the one is parked and the others go on. If
// none can be, and nothing else either, it is not the records' fault.
legacy::Answer<void> Stream::Impl::read_alone(std::span<const std::string> ids, const legacy::Failure& because,
                                              std::vector<Intake>& intakes) {
  std::size_t readable = 0;
  std::vector<Intake> unreadable;
  for (const std::string& id : ids) {
    parts_.budget.spend();
    auto row = parts_.system.fetch(type(), std::span(&id, 1), call_deadline());
    Intake intake;
    intake.row = deleted_row(id);
    if (row) {
      ++readable;
      if (!row->empty()) intake.row = std::move(row->front());
      intakes.push_back(std::move(intake));
    } else if (is_about_records(row.error())) {
      intake.row.deleted = false;
      intake.unreadable = row.error().message;
      unreadable.push_back(std::move(intake));
    } else {
      return tl::unexpected(std::move(row.error()));
    }
  }
  const bool is_refused = because.kind == legacy::Failure::Kind::rejected;
  if (readable == 0 && !is_refused) {
    if (auto answering = is_answering(because); !answering) return answering;
  }
  intakes.insert(intakes.end(), std::make_move_iterator(unreadable.begin()), std::make_move_iterator(unreadable.end()));
  return {};
}

// Whether the system gives sensible answers at all: a page of this type, or what it says of itself. If not, why.
legacy::Answer<void> Stream::Impl::is_answering(const legacy::Failure& because) {
  parts_.budget.spend();
  const auto page = parts_.system.scan(type(), "", 1, call_deadline());
  if (page) return {};
  if (!is_about_records(page.error())) return tl::unexpected(page.error());
  parts_.budget.spend();
  const auto fields = parts_.system.describe(type(), call_deadline());
  if (fields) return {};
  return tl::unexpected(is_about_records(fields.error()) ? because : fields.error());
}

Task Stream::Impl::capture_observed() {
  std::vector<std::string> ids;
  {
    const std::lock_guard lock(mutex_);
    if (observed_.empty()) return Task::idle;
  }
  if (!may_call(Urgency::live)) return Task::idle;
  {
    // Out of the set before they are read: one that is written once more meanwhile comes in again.
    const std::lock_guard lock(mutex_);
    while (!observed_.empty() && ids.size() < ids_per_step()) {
      ids.push_back(std::move(observed_.extract(observed_.begin()).value()));
    }
  }
  const auto intakes = read(ids, Via::observed, true);
  const Task ended = intakes ? take_in(*intakes) : failed(intakes.error());
  if (ended == Task::done) return ended;
  const std::lock_guard lock(mutex_);
  observed_.insert(ids.begin(), ids.end());
  return ended;
}

// Where the feed begins: at this moment, before any backfill, so that nothing can slip between the two.
Task Stream::Impl::begin_feed() {
  const auto here = parts_.system.here(type(), call_deadline());
  if (!here) return failed(here.error());
  if (*here == legacy::Cursor{}) return Task::idle;
  const auto done = parts_.store.commit(
      fence_,
      [&](View& view) {
        Changes changes;
        StreamState state = view.state();
        state.cursor = *here;
        if (state.deletes_since.empty()) state.deletes_since = here->stamp;  // what is gone before never gets a record
        // The place in the feed was lost: what was written since is found by a sweep.
        if (state.backfilled_at != WallTime{}) state.scan.report[kReplacedSweep] = true;
        changes.state = state;
        return changes;
      },
      commit_deadline());
  if (!done) return failed(done.error());
  state_.cursor = *here;
  return Task::done;
}

// Where a pass through the feed begins. Rows may appear behind the cursor, up to `overlap` behind it, so passes look
// back so far. They do so in that time, too: what has an earlier stamp than the cursor was under way when the cursor
// was read. So once the cursor has rested for longer, one look back in each `overlap` is for what nobody expected, and
// the other passes only look whether there is anything new: else every poll of a quiet night would read the evening's
// import again.
legacy::Cursor Stream::Impl::begin_pass(milliseconds overlap) {
  const bool rewinds = can().ordering == legacy::Ordering::stamp && state_.cursor != legacy::Cursor{};
  pass_began_ = parts_.clock.now();
  only_looks_ = rewinds && pass_began_ < next_look_back_;
  return rewinds && !only_looks_ ? parts_.system.rewind(type(), state_.cursor, overlap) : state_.cursor;
}

Task Stream::Impl::end_pass(milliseconds overlap, bool found_any) {
  pass_.reset();
  const auto rest = overlap + can().stamp_precision;  // rows of one stamp come in any order
  if (!only_looks_ && pass_began_ - cursor_moved_ > rest) next_look_back_ = pass_began_ + overlap;
  next_poll_ = step_began_ + options_.poll_interval;  // after a long pass, too
  wake_ = std::min(wake_, next_poll_);
  const std::lock_guard lock(mutex_);
  status_.caught_up_at = parts_.clock.wall();
  return found_any ? Task::done : Task::idle;
}

// One page of the feed, whose passes go on to its end. What they meet again on the way is known by its version.
Task Stream::Impl::capture_feed() {
  const SteadyTime now = parts_.clock.now();
  if (can().feed == legacy::Feed::scan_only) return Task::idle;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(poll_now_, false)) next_poll_ = now;
  }
  if (now < next_poll_) {
    wake_ = std::min(wake_, next_poll_);
    return Task::idle;
  }
  if (!may_call(Urgency::live)) return Task::idle;
  if (state_.cursor == legacy::Cursor{} && !begun_) {
    begun_ = true;
    if (const Task began = begin_feed(); began != Task::idle) {
      begun_ = began != Task::stop;
      return began;
    }
  }
  const auto overlap =
      std::clamp(std::max(state_.overlap, can().overlap), options_.overlap_least, options_.overlap_most);
  const legacy::Cursor from = pass_ ? *pass_ : begin_pass(overlap);
  const auto page = parts_.system.changes(type(), from, std::min(options_.page, can().page_limit), call_deadline());
  if (!page) {
    pass_.reset();
    return failed(page.error());
  }
  const bool is_ahead = parts_.system.distance(type(), state_.cursor, page->next).count() <= 0;
  std::vector<Intake> intakes;
  // Before the first backfill has ended, rows that are met for the first time need not be late ones.
  const bool is_backfilled = state_.backfilled_at != WallTime{};
  std::unordered_map<std::string, milliseconds> behind;  // rows that appeared behind the cursor, how far
  const auto add = [&](const legacy::LegacyRecord& row, const std::string& problem) {
    const auto known = recent_.find(row.id);
    if (known != recent_.end() && !row.version.empty() && known->second == row.version) return;
    const auto late = parts_.system.distance(type(), state_.cursor, row.cursor);
    if (late.count() > 0 && is_backfilled) behind[row.id] = late;
    Intake intake;
    intake.row = row;
    intake.unreadable = problem;
    intakes.push_back(std::move(intake));
  };
  for (const auto& row : page->records) add(row, "");
  for (const auto& row : page->unreadable)
    add(row, page->problem.empty() ? "The record could not be read." : page->problem);

  const bool moves = is_ahead && page->next != state_.cursor && page->next != legacy::Cursor{};
  if (only_looks_ && (moves || page->more || !page->records.empty() || !page->unreadable.empty())) {
    next_look_back_ = now;  // the cursor never passes by what is late: all is read by one that looks back
    return Task::done;
  }
  if (intakes.empty() && !moves) {
    succeeded();
  } else {
    const Task ended = take_in(intakes, [&](View& view, Changes& changes) {
      auto overlap_wanted = state_.overlap;
      for (const InboxEntry& entry : changes.inbox) {
        const auto late = behind.find(entry.legacy_id);
        if (late != behind.end()) overlap_wanted = std::max(overlap_wanted, 2 * late->second);
      }
      StreamState state = view.state();
      if (moves) state.cursor = page->next;
      state.overlap = std::min(overlap_wanted, options_.overlap_most);
      if (moves || state.overlap != state_.overlap) changes.state = state;
    });
    if (ended != Task::done) {
      pass_.reset();
      return ended;
    }
    if (recent_.size() > kRecentLimit) recent_.clear();
    for (const Intake& intake : intakes) {
      if (!intake.row.deleted) recent_[intake.row.id] = intake.row.version;
    }
  }
  if (moves || !behind.empty()) cursor_moved_ = next_look_back_ = parts_.clock.now();
  if (page->more) {
    pass_ = page->next;
    return Task::done;
  }
  return end_pass(overlap, !intakes.empty());
}

// Systems that keep a list of deletes. Each id is looked at before it is believed: it may have been made again.
Task Stream::Impl::capture_deletes() {
  if (can().deletes != legacy::DeleteVisibility::history) return Task::idle;
  if (listed_deletes_.empty()) {
    const Task listed = list_deletes();
    if (listed != Task::done || listed_deletes_.empty()) return listed;
  }
  if (!may_call(Urgency::live)) return Task::idle;
  const std::size_t count = std::min(listed_deletes_.size(), ids_per_step());
  const std::vector<std::string> ids(listed_deletes_.end() - static_cast<std::ptrdiff_t>(count), listed_deletes_.end());
  const auto rows = read(ids, Via::feed, true);
  if (!rows) return failed(rows.error());
  const bool is_last = count == listed_deletes_.size();
  const Task ended = take_in(*rows, [&](View& view, Changes& changes) {
    if (!is_last) return;
    StreamState state = changes.state.value_or(view.state());
    state.deletes_since = deletes_reached_;
    changes.state = state;
  });
  if (ended == Task::done) listed_deletes_.resize(listed_deletes_.size() - count);
  return ended;
}

Task Stream::Impl::list_deletes() {
  const SteadyTime now = parts_.clock.now();
  if (now < next_deletes_ || !may_call(Urgency::live)) return Task::idle;
  legacy::Cursor since{state_.deletes_since, ""};
  if (since != legacy::Cursor{}) {
    const auto overlap =
        std::clamp(std::max(state_.overlap, can().overlap), options_.overlap_least, options_.overlap_most);
    since = parts_.system.rewind(type(), since, overlap);
  }
  // Up to where the feed has been read before the list is asked for, every delete is in the list.
  deletes_reached_ = state_.cursor.stamp;
  auto ids = parts_.system.deleted_since(type(), since, call_deadline());
  if (!ids) return failed(ids.error());
  next_deletes_ = now + kDeletesInterval;
  listed_deletes_ = std::move(*ids);
  if (!listed_deletes_.empty()) return Task::done;
  if (deletes_reached_ == state_.deletes_since) return Task::idle;
  const Task ended = take_in({}, [&](View& view, Changes& changes) {
    StreamState state = changes.state.value_or(view.state());
    state.deletes_since = deletes_reached_;
    changes.state = state;
  });
  return ended == Task::done ? Task::idle : ended;
}

// What waited for a parent or for time.
Task Stream::Impl::retry_waiting() {
  const SteadyTime now = parts_.clock.now();
  if (now < next_waiting_) return Task::idle;
  const auto due = parts_.store.due(id_, ids_per_step(), parts_.clock.wall(), commit_deadline());
  if (!due) return failed(due.error());
  if (due->empty()) {
    next_waiting_ = now + options_.retry_least;
    wake_ = std::min(wake_, next_waiting_);
    return Task::idle;
  }
  if (!may_call(Urgency::live)) return Task::idle;
  std::vector<std::string> ids;
  for (const Waiting& waiting : *due) ids.push_back(waiting.legacy_id);
  const auto intakes = read(ids, Via::retry, false);
  if (!intakes) return failed(intakes.error());
  return take_in(*intakes);
}

}  // namespace banyan::sync
