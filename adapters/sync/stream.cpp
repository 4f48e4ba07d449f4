// What comes next: the order of work within a stream, its pauses and failures.
#include "adapters/sync/stream.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "adapters/sync/scan_report.hpp"
#include "adapters/sync/stream_impl.hpp"
#include "gateway/base/log.hpp"

namespace banyan::sync {

using std::chrono::milliseconds;

Stream::Stream(StreamId id, StreamOptions options, Parts parts)
    : impl_(std::make_unique<Impl>(id, options, std::move(parts))) {}
Stream::~Stream() = default;

Step Stream::step(const Fence& fence) {
  return impl_->step(fence);
}

Result<void> Stream::start_scan(const Fence& fence, const ScanRequest& request) {
  return impl_->start_scan(fence, request);
}

StreamId Stream::id() const {
  return impl_->id_;
}

bool Stream::backfills_itself() const {
  return impl_->options_.backfills_itself;
}

const StreamMapping& Stream::mapping() const {
  return impl_->parts_.mapping;
}

void Stream::observe(std::span<const std::string> legacy_ids) {
  std::function<void()> wake;
  {
    const std::lock_guard lock(impl_->mutex_);
    const bool fits = impl_->observed_.size() + legacy_ids.size() <= impl_->options_.observed_limit;
    if (fits) impl_->observed_.insert(legacy_ids.begin(), legacy_ids.end());
    if (!fits || legacy_ids.empty()) impl_->poll_now_ = true;
    wake = impl_->on_work_;
  }
  if (wake) wake();
}

void Stream::nudge() {
  std::function<void()> wake;
  {
    const std::lock_guard lock(impl_->mutex_);
    impl_->nudged_ = true;
    wake = impl_->on_work_;
  }
  if (wake) wake();
}

void Stream::try_now() {
  std::function<void()> wake;
  {
    const std::lock_guard lock(impl_->mutex_);
    impl_->try_now_ = true;
    wake = impl_->on_work_;
  }
  if (wake) wake();
}

void Stream::on_work(std::function<void()> wake) {
  const std::lock_guard lock(impl_->mutex_);
  impl_->on_work_ = std::move(wake);
}

void Stream::on_missing(std::function<void(const Reference&)> missing) {
  const std::lock_guard lock(impl_->mutex_);
  impl_->on_missing_ = std::move(missing);
}

void Stream::on_deleted(std::function<void()> deleted) {
  const std::lock_guard lock(impl_->mutex_);
  impl_->on_deleted_ = std::move(deleted);
}

void Stream::sweep_soon() {
  std::function<void()> wake;
  {
    const std::lock_guard lock(impl_->mutex_);
    impl_->sweep_soon_ = true;
    wake = impl_->on_work_;
  }
  if (wake) wake();
}

void Stream::wait_for_parents(std::function<bool()> must_wait) {
  const std::lock_guard lock(impl_->mutex_);
  impl_->must_wait_ = std::move(must_wait);
}

StreamStatus Stream::status() const {
  const std::lock_guard lock(impl_->mutex_);
  StreamStatus status = impl_->status_;
  status.observed_waiting = impl_->observed_.size();
  if (impl_->can().feed != legacy::Feed::scan_only) {
    const WallTime since = std::max(status.caught_up_at.value_or(impl_->held_since_), impl_->held_since_);
    const auto behind = impl_->parts_.clock.wall() - since - impl_->options_.poll_interval;
    status.behind_ms = std::max<std::int64_t>(0, std::chrono::duration_cast<milliseconds>(behind).count());
  }
  return status;
}

Stream::Impl::Impl(StreamId stream_id, StreamOptions stream_options, Parts stream_parts)
    : id_(stream_id),
      options_(stream_options),
      parts_(std::move(stream_parts)),
      author_("system:" + parts_.mapping.system()),
      held_since_(parts_.clock.wall()) {
  status_.system = parts_.mapping.system();
  status_.entity = parts_.mapping.entity();
}

Deadline Stream::Impl::call_deadline() const {
  return Deadline::after(parts_.clock, options_.call_deadline);
}

Deadline Stream::Impl::commit_deadline() const {
  return Deadline::after(parts_.clock, options_.commit_deadline);
}

Step Stream::Impl::step(const Fence& fence) {
  const SteadyTime now = parts_.clock.now();
  if (fence.token != fence_.token) {  // held anew: another may have worked in between
    fence_ = fence;
    pass_.reset();
    recent_.clear();
    next_find_.clear();
    lost_creates_ = true;
    knows_schema_ = false;
    next_poll_ = next_deletes_ = next_outbox_ = next_waiting_ = next_describe_ = now;
    cursor_moved_ = next_look_back_ = now;
    const std::lock_guard lock(mutex_);
    held_since_ = parts_.clock.wall();
  }
  lost_ = false;
  step_began_ = now;
  wake_ = now + options_.poll_interval;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(try_now_, false)) retry_at_ = {};
  }
  if (now < retry_at_) return {Step::Next::wait, retry_at_};
  const auto state = parts_.store.state(id_, commit_deadline());
  if (!state) {
    failed(state.error());
    return {Step::Next::wait, retry_at_};
  }
  state_ = *state;
  if (state_.paused) return {Step::Next::wait, now + options_.poll_interval};

  // Nothing is taken in, or sent, before it is known which fields the schema hides.
  Task ended = knows_schema_ ? Task::done : describe();
  if (lost_) return {Step::Next::lost, now};
  if (!knows_schema_) return {Step::Next::wait, ended == Task::stop ? std::max(retry_at_, now) : wake_};

  // What can wait (scans) comes when nothing live is to be done, and a scan's chunk is small, so live changes never
  // wait for long.
  ended = do_live_work();
  if (ended == Task::idle) ended = scan();
  if (lost_) return {Step::Next::lost, now};
  if (ended == Task::stop) return {Step::Next::wait, std::max(retry_at_, now)};
  if (ended == Task::done) return {Step::Next::again, now};
  return {Step::Next::wait, wake_};
}

// Each in its turn, so that none starves. Somebody has just written what was observed and looks for it: it comes before
// all, though not twice in a row, and costs the others no turn.
Task Stream::Impl::do_live_work() {
  {
    const std::lock_guard lock(mutex_);
    observed_first_ = !observed_first_ && !observed_.empty();
  }
  if (observed_first_) {
    if (const Task ended = capture_observed(); ended != Task::idle) return ended;
  }
  constexpr std::array<Task (Impl::*)(), 7> kLive{
      &Impl::describe, &Impl::capture_observed, &Impl::carry_out_answers, &Impl::capture_feed, &Impl::capture_deletes,
      &Impl::push,     &Impl::retry_waiting};
  const std::size_t first = turn_;
  for (std::size_t i = 0; i < kLive.size(); ++i) {
    const std::size_t turn = (first + i) % kLive.size();
    turn_ = turn + 1;  // before the call: a task that throws must not come first again
    if (const Task ended = (this->*kLive[turn])(); ended != Task::idle) return ended;
  }
  return Task::idle;
}

bool Stream::Impl::may_call(Urgency urgency) {
  const auto later = parts_.budget.take(urgency);
  if (later) wake_ = std::min(wake_, *later);
  return !later;
}

// A legacy call failed. Nothing is lost by that: cursors move only with what was committed.
Task Stream::Impl::failed(const legacy::Failure& failure) {
  using Kind = legacy::Failure::Kind;
  const SteadyTime now = parts_.clock.now();
  ++failures_;
  const auto pause = std::min(options_.retry_most, options_.retry_least * (1 << std::min(failures_ - 1, 10)));
  retry_at_ = now + pause;
  if (failure.kind == Kind::rate_limited) {
    retry_at_ = now + failure.retry_after.value_or(pause);
    parts_.budget.pause_until(retry_at_);
  } else if (failure.retry_after) {
    retry_at_ = now + *failure.retry_after;
  } else if (failure.kind == Kind::unauthorised) {
    retry_at_ = now + options_.retry_most;  // trying faster locks accounts
  }
  const std::lock_guard lock(mutex_);
  if (status_.trouble != failure.message) {
    log::warn("the legacy system does not answer as it should",
              {{"system", status_.system}, {"entity", status_.entity}, {"reason", failure.message}});
  }
  status_.trouble = failure.message;
  status_.is_refused = failure.kind == Kind::unauthorised;
  return Task::stop;
}

Task Stream::Impl::failed(const Error& error) {
  if (error.code == ErrorCode::precondition_failed) {
    lost_ = true;
    return Task::stop;
  }
  ++failures_;
  retry_at_ =
      parts_.clock.now() + std::min(options_.retry_most, options_.retry_least * (1 << std::min(failures_ - 1, 10)));
  recent_.clear();  // what was taken in may not have been committed
  const std::lock_guard lock(mutex_);
  if (status_.trouble != error.public_message) {
    log::warn("the store does not take what sync writes", {{"system", status_.system},
                                                           {"entity", status_.entity},
                                                           {"reason", error.public_message},
                                                           {"detail", error.internal_detail}});
  }
  status_.trouble = error.public_message;
  status_.is_refused = false;
  return Task::stop;
}

void Stream::Impl::succeeded() {
  if (failures_ == 0) return;
  failures_ = 0;
  const std::lock_guard lock(mutex_);
  if (!status_.trouble.empty()) log::info("sync goes on", {{"system", status_.system}, {"entity", status_.entity}});
  status_.trouble.clear();
  status_.is_refused = false;
}

Result<void> Stream::Impl::start_scan(const Fence& fence, const ScanRequest& request) {
  bool busy = false;  // found out inside of the commit, which may run more than once
  auto done = parts_.store.commit(
      fence,
      [&](View& view) {
        Changes changes;
        StreamState state = view.state();
        busy = state.scan.kind != ScanState::Kind::none && state.scan.phase != ScanState::Phase::done;
        if (busy) return changes;
        Json report = report_of_next(state.scan.report);
        state.scan = ScanState{};
        state.scan.report = std::move(report);
        state.scan.kind = request.kind;
        state.scan.dry_run = request.dry_run;
        state.scan.repair = request.repair;
        state.scan.accepts_deletes = request.accepts_deletes;
        state.scan.started = view.now();
        changes.state = state;
        changes.forget_seen = true;
        return changes;
      },
      commit_deadline());
  if (done && busy) return fail(ErrorCode::conflict, "A run through this entity's records is under way already.");
  return done;
}

}  // namespace banyan::sync
