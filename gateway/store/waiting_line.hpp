// WaitingLine: lets at most `places` callers in at a time; others wait in the order in which they came.
//
// What the pool of connections is built on: whoever is in may hold one connection.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>

#include "gateway/base/clock.hpp"
#include "gateway/base/result.hpp"

namespace banyan::store {

class WaitingLine {
public:
  // At least one place. `queue_limit` callers may wait; 0: nobody waits. `clock` must outlive the object.
  WaitingLine(std::size_t places, std::size_t queue_limit, const Clock& clock);

  // Waits for a place. Errors: overloaded (the queue is full), deadline. After success call leave() once.
  Result<void> enter(Deadline deadline);
  void leave();

  // Waits until nobody is in or waits. New callers are let in meanwhile: the owner keeps them away.
  void wait_until_empty();

  std::size_t inside() const;
  std::size_t waiting() const;
  std::uint64_t refused() const;  // callers that found the queue full

private:
  struct Waiter {
    std::condition_variable called;
    bool may_enter = false;
  };

  const std::size_t places_;
  const std::size_t queue_limit_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable emptied_;
  std::list<Waiter*> queue_;  // each on the stack of its caller
  std::size_t inside_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace banyan::store
