// HandlerMemory: a fixed place for the one asynchronous operation of a kind that an object has under way, so that
// starting an operation does not call the allocator. Belongs to one thread.
#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

namespace banyan::net {

class HandlerMemory {
public:
  HandlerMemory() = default;
  HandlerMemory(const HandlerMemory&) = delete;
  HandlerMemory& operator=(const HandlerMemory&) = delete;

  void* allocate(std::size_t size) {
    if (in_use_ || size > storage_.size()) return ::operator new(size);
    in_use_ = true;
    return storage_.data();
  }

  void deallocate(void* pointer) {
    if (pointer == storage_.data()) {
      in_use_ = false;
    } else {
      ::operator delete(pointer);
    }
  }

private:
  alignas(std::max_align_t) std::array<std::byte, 192> storage_;
  bool in_use_ = false;
};

// The allocator that Asio asks a handler for.
template <typename T>
class HandlerAllocator {
public:
  using value_type = T;
  explicit HandlerAllocator(HandlerMemory& memory) : memory_(&memory) {}
  template <typename U>
  explicit HandlerAllocator(const HandlerAllocator<U>& other) : memory_(other.memory_) {}
  bool operator==(const HandlerAllocator& other) const { return memory_ == other.memory_; }

  T* allocate(std::size_t n) { return static_cast<T*>(memory_->allocate(sizeof(T) * n)); }
  void deallocate(T* pointer, std::size_t) { memory_->deallocate(pointer); }

private:
  template <typename>
  friend class HandlerAllocator;
  HandlerMemory* memory_;
};

// A handler with its place. The handler must keep the owner of the memory alive.
template <typename Handler>
class PlacedHandler {
public:
  using allocator_type = HandlerAllocator<Handler>;
  PlacedHandler(HandlerMemory& memory, Handler handler) : memory_(&memory), handler_(std::move(handler)) {}
  allocator_type get_allocator() const noexcept { return allocator_type(*memory_); }
  template <typename... Args>
  void operator()(Args&&... args) {
    handler_(std::forward<Args>(args)...);
  }

private:
  HandlerMemory* memory_;
  Handler handler_;
};

template <typename Handler>
PlacedHandler<Handler> placed(HandlerMemory& memory, Handler handler) {
  return PlacedHandler<Handler>(memory, std::move(handler));
}

}  // namespace banyan::net
