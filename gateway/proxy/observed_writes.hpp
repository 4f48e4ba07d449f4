// Observed writes: what the data plane saw being written to a legacy system, for whoever keeps records the same.
//
// When a legacy side answers a call of a function with `effect: write` and an entity with 2xx, the io thread hands over
// which function that was and which records it named. It is a hint that makes capture quick, never the only way to
// learn of a change: a hint may be lost (queue full, process killed), may come for a write that failed inside an answer
// of 200 (JSON-RPC), and comes for no write that reached the legacy system past Banyan.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/clock.hpp"

namespace banyan::proxy {

struct ObservedWrite {
  std::string function;          // its name in the settings
  std::string entity;            // never empty
  std::string upstream;          // name of the upstream that answered
  std::vector<std::string> ids;  // legacy ids; empty: unknown, as of every create: look for what is new
  SteadyTime answered;           // when the head of the answer came
};

// Takes one write; false: it could not. Called on io threads: must neither block nor throw.
using WriteSink = std::function<bool(ObservedWrite)>;

// A bounded queue from all io threads to one consumer. Neither side ever waits for the other: a ring of cells with a
// turn each (D. Vyukov, "Bounded MPMC queue"). A sleeping consumer is woken once, not once per write.
class ObservedWriteQueue {
public:
  // `capacity`: writes that may wait; rounded up to a power of two. Throws std::system_error without descriptors left.
  explicit ObservedWriteQueue(std::size_t capacity);
  ~ObservedWriteQueue();
  ObservedWriteQueue(const ObservedWriteQueue&) = delete;
  ObservedWriteQueue& operator=(const ObservedWriteQueue&) = delete;

  // False: the queue is full and the write is lost. Any thread.
  bool push(ObservedWrite write);

  // Up to `at_most` writes, oldest first; waits up to `patience` while there is none. Empty: none came, or the queue
  // was closed and is empty. One thread at a time.
  std::vector<ObservedWrite> take(std::size_t at_most, std::chrono::milliseconds patience);

  // Wakes the consumer; take() waits no more. Any thread; twice is safe.
  void close();
  bool closed() const { return closed_.load(std::memory_order_acquire); }

private:
  struct Cell {
    std::atomic<std::size_t> turn{0};  // position: free for that push; position + 1: holds what take() wants there
    ObservedWrite write;
  };

  bool pop(ObservedWrite& out);
  void drain(std::vector<ObservedWrite>& out, std::size_t at_most);
  void wake();
  void sleep(std::chrono::milliseconds patience);

  const std::size_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  int event_ = -1;
  alignas(64) std::atomic<std::size_t> push_at_{0};
  alignas(64) std::size_t pop_at_ = 0;  // of the consumer alone
  alignas(64) std::atomic<bool> asleep_{false};
  std::atomic<bool> closed_{false};
};

}  // namespace banyan::proxy
