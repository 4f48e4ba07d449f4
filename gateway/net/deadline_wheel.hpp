// DeadlineWheel: the coarse timers of one io thread.
//
// A connection moves its deadline several times per request and is almost never late, so moving must be cheap: it only
// stores a number. The entry stays in its slot until the wheel comes by, and is put into a later slot then.
// Belongs to one thread. Resolution: one tick; a deadline fires up to one tick late, never early.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace banyan::net {

class DeadlineWheel;

// One deadline at a time. Derive, and implement on_deadline(). Leaves the wheel when destroyed.
class DeadlineEntry {
public:
  DeadlineEntry() = default;
  DeadlineEntry(const DeadlineEntry&) = delete;
  DeadlineEntry& operator=(const DeadlineEntry&) = delete;

protected:
  virtual ~DeadlineEntry() { unlink(); }

private:
  friend class DeadlineWheel;
  virtual void on_deadline() = 0;
  void unlink();

  DeadlineEntry* next_ = nullptr;
  DeadlineEntry** previous_link_ = nullptr;
  std::uint64_t slot_tick_ = 0;  // when the wheel looks at the entry next
  std::uint64_t due_tick_ = 0;   // 0: no deadline
};

class DeadlineWheel {
public:
  static constexpr std::chrono::milliseconds kTick{100};

  // Replaces the entry's deadline by `span` from now.
  void set(DeadlineEntry& entry, std::chrono::milliseconds span);
  // The entry will not fire. It may stay linked.
  static void clear(DeadlineEntry& entry) { entry.due_tick_ = 0; }
  // Moves the time on by one tick and fires what is due.
  void tick();
  std::uint64_t now() const { return now_; }

private:
  static constexpr std::size_t kSlots = 1024;
  void link(DeadlineEntry& entry, std::uint64_t tick);

  std::array<DeadlineEntry*, kSlots> slots_{};
  std::uint64_t now_ = 1;
};

}  // namespace banyan::net
