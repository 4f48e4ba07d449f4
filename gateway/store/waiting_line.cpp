#include "gateway/store/waiting_line.hpp"

#include <algorithm>

namespace banyan::store {

WaitingLine::WaitingLine(std::size_t places, std::size_t queue_limit, const Clock& clock)
    : places_(std::max<std::size_t>(places, 1)), queue_limit_(queue_limit), clock_(clock) {}

Result<void> WaitingLine::enter(Deadline deadline) {
  std::unique_lock lock(mutex_);
  if (inside_ < places_ && queue_.empty()) {
    ++inside_;
    return {};
  }
  if (queue_.size() >= queue_limit_) {
    ++refused_;
    return fail(ErrorCode::overloaded, "the store is overloaded", "queue for connections is full");
  }
  Waiter self;
  const auto place = queue_.insert(queue_.end(), &self);
  while (!self.may_enter) {
    if (!deadline.when()) {
      self.called.wait(lock);
      continue;
    }
    const auto left = *deadline.when() - clock_.now();
    if (left <= std::chrono::steady_clock::duration::zero()) {
      queue_.erase(place);
      if (inside_ == 0 && queue_.empty()) emptied_.notify_all();
      return fail(ErrorCode::deadline, "the store did not answer within the time given",
                  "deadline while waiting for a connection");
    }
    self.called.wait_for(lock, left);
  }
  return {};  // leave() took this caller off the queue and left the place to it
}

void WaitingLine::leave() {
  const std::lock_guard lock(mutex_);
  if (!queue_.empty()) {
    Waiter* next = queue_.front();
    queue_.pop_front();
    next->may_enter = true;
    next->called.notify_one();
    return;
  }
  --inside_;
  if (inside_ == 0) emptied_.notify_all();
}

void WaitingLine::wait_until_empty() {
  std::unique_lock lock(mutex_);
  emptied_.wait(lock, [this] { return inside_ == 0 && queue_.empty(); });
}

std::size_t WaitingLine::inside() const {
  const std::lock_guard lock(mutex_);
  return inside_;
}

std::size_t WaitingLine::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

std::uint64_t WaitingLine::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

}  // namespace banyan::store
