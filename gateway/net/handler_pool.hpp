// HandlerPool: a few threads for handlers that may wait, behind a bounded queue.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace banyan::net {

class HandlerPool {
public:
  // Called exactly once for every task that submit() took. `run`: do it, on a thread of the pool; otherwise it was
  // given up before its turn. Must not throw.
  using Task = std::function<void(bool run)>;

  // Starts the threads. At most `queue_limit` tasks wait.
  HandlerPool(std::size_t threads, std::size_t queue_limit);
  ~HandlerPool();  // give_up(), then waits for the tasks that run
  HandlerPool(const HandlerPool&) = delete;
  HandlerPool& operator=(const HandlerPool&) = delete;

  // False, and the task is not kept: every thread is busy and the queue is full, or give_up() was called. Any thread.
  bool submit(Task task);

  // Takes no more tasks and calls those that wait with `run` false, on this thread. Any thread; twice is safe.
  void give_up();

private:
  void work();

  const std::size_t queue_limit_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<Task> queue_;
  std::size_t idle_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace banyan::net
