#include "gateway/net/handler_pool.hpp"

#include <utility>

namespace banyan::net {

HandlerPool::HandlerPool(std::size_t threads, std::size_t queue_limit) : queue_limit_(queue_limit), idle_(threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

HandlerPool::~HandlerPool() {
  give_up();
  for (std::thread& thread : threads_) thread.join();
}

bool HandlerPool::submit(Task task) {
  {
    const std::lock_guard lock(mutex_);
    // Tasks for idle threads pass through the queue as well, and do not count as waiting.
    if (ended_ || queue_.size() >= idle_ + queue_limit_) return false;
    queue_.push_back(std::move(task));
  }
  wanted_.notify_one();
  return true;
}

void HandlerPool::give_up() {
  std::deque<Task> waiting;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    waiting.swap(queue_);
  }
  wanted_.notify_all();
  for (const Task& task : waiting) task(false);
}

void HandlerPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wanted_.wait(lock, [this] { return ended_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Task task = std::move(queue_.front());
    queue_.pop_front();
    --idle_;
    lock.unlock();
    task(true);
    task = nullptr;  // what it holds goes before the thread counts as idle
    lock.lock();
    ++idle_;
  }
}

}  // namespace banyan::net
