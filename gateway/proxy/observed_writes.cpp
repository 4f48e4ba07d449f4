#include "gateway/proxy/observed_writes.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <system_error>
#include <utility>

namespace banyan::proxy {

ObservedWriteQueue::ObservedWriteQueue(std::size_t capacity)
    : mask_(std::bit_ceil(std::max<std::size_t>(capacity, 2)) - 1), cells_(std::make_unique<Cell[]>(mask_ + 1)) {
  for (std::size_t i = 0; i <= mask_; ++i) cells_[i].turn.store(i, std::memory_order_relaxed);
  event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
}

ObservedWriteQueue::~ObservedWriteQueue() {
  ::close(event_);
}

bool ObservedWriteQueue::push(ObservedWrite write) {
  std::size_t at = push_at_.load(std::memory_order_relaxed);
  while (true) {
    Cell& cell = cells_[at & mask_];
    const std::size_t turn = cell.turn.load(std::memory_order_acquire);
    if (turn == at) {
      if (!push_at_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) continue;
      cell.write = std::move(write);
      cell.turn.store(at + 1, std::memory_order_release);
      wake();
      return true;
    }
    // The cell still holds what was pushed one round ago: full. Otherwise another thread was quicker.
    if (static_cast<std::ptrdiff_t>(turn - at) < 0) return false;
    at = push_at_.load(std::memory_order_relaxed);
  }
}

bool ObservedWriteQueue::pop(ObservedWrite& out) {
  Cell& cell = cells_[pop_at_ & mask_];
  if (cell.turn.load(std::memory_order_acquire) != pop_at_ + 1) return false;
  out = std::exchange(cell.write, {});
  cell.turn.store(pop_at_ + mask_ + 1, std::memory_order_release);
  ++pop_at_;
  return true;
}

void ObservedWriteQueue::drain(std::vector<ObservedWrite>& out, std::size_t at_most) {
  ObservedWrite write;
  while (out.size() < at_most && pop(write)) out.push_back(std::move(write));
}

std::vector<ObservedWrite> ObservedWriteQueue::take(std::size_t at_most, std::chrono::milliseconds patience) {
  std::vector<ObservedWrite> writes;
  const auto end = std::chrono::steady_clock::now() + patience;
  while (true) {  // a wake-up may be for what an earlier call has taken
    drain(writes, at_most);
    if (!writes.empty() || closed()) return writes;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return writes;
    // Both sides exchange `asleep_`, so one of them comes second and sees what the other did before: a push that is
    // not seen by the look below finds the consumer asleep and wakes it.
    asleep_.exchange(true, std::memory_order_acq_rel);
    drain(writes, at_most);
    if (writes.empty() && !closed()) sleep(left);
    asleep_.exchange(false, std::memory_order_acq_rel);
  }
}

void ObservedWriteQueue::wake() {
  if (!asleep_.exchange(false, std::memory_order_acq_rel)) return;
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the consumer is awake.
  [[maybe_unused]] const ssize_t written = ::write(event_, &one, sizeof one);
}

void ObservedWriteQueue::sleep(std::chrono::milliseconds patience) {
  pollfd event{event_, POLLIN, 0};
  if (::poll(&event, 1, static_cast<int>(std::clamp<std::int64_t>(patience.count(), 0, 60'000))) <= 0) return;
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(event_, &count, sizeof count);
}

void ObservedWriteQueue::close() {
  closed_.store(true, std::memory_order_release);
  wake();
}

}  // namespace banyan::proxy
