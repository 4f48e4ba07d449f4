#include "gateway/net/deadline_wheel.hpp"

#include <algorithm>

namespace banyan::net {

void DeadlineEntry::unlink() {
  if (!previous_link_) return;
  *previous_link_ = next_;
  if (next_) next_->previous_link_ = previous_link_;
  previous_link_ = nullptr;
  next_ = nullptr;
}

void DeadlineWheel::set(DeadlineEntry& entry, std::chrono::milliseconds span) {
  // The current tick has partly passed, hence one more.
  const auto ticks = static_cast<std::uint64_t>((span + kTick - std::chrono::milliseconds(1)) / kTick) + 1;
  entry.due_tick_ = now_ + ticks;
  if (entry.previous_link_ && entry.slot_tick_ <= entry.due_tick_) return;
  entry.unlink();
  link(entry, entry.due_tick_);
}

void DeadlineWheel::link(DeadlineEntry& entry, std::uint64_t tick) {
  // Beyond one turn of the wheel: the entry is looked at on the way and linked again.
  entry.slot_tick_ = std::min(tick, now_ + kSlots - 1);
  auto*& slot = slots_[entry.slot_tick_ % kSlots];
  entry.next_ = slot;
  entry.previous_link_ = &slot;
  if (slot) slot->previous_link_ = &entry.next_;
  slot = &entry;
}

void DeadlineWheel::tick() {
  ++now_;
  auto*& slot = slots_[now_ % kSlots];
  // Everything in this slot is looked at now; what fires may destroy or add entries, so take one at a time.
  while (slot) {
    DeadlineEntry& entry = *slot;
    entry.unlink();
    if (entry.due_tick_ == 0) continue;
    if (entry.due_tick_ > now_) {
      link(entry, entry.due_tick_);
    } else {
      entry.due_tick_ = 0;
      entry.on_deadline();
    }
  }
}

}  // namespace banyan::net
