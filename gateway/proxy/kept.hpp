// Kept<T>: an optional whose memory lies elsewhere and is kept from one value to the next, until release() gives it
// back. For what a connection needs during a request and not while thousands of connections idle.
#pragma once

#include <memory>
#include <new>
#include <utility>

namespace banyan::proxy {

template <typename T>
class Kept {
public:
  Kept() = default;
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() { reset(); }

  T& emplace() {
    reset();
    if (!memory_) memory_ = std::make_unique<Memory>();
    value_ = ::new (memory_->bytes) T{};
    return *value_;
  }
  // Destroys the value, keeps the memory.
  void reset() {
    if (value_) std::exchange(value_, nullptr)->~T();
  }
  // Gives the memory back. There must be no value.
  void release() {
    if (!value_) memory_.reset();
  }

  explicit operator bool() const { return value_ != nullptr; }
  T& operator*() const { return *value_; }
  T* operator->() const { return value_; }

private:
  struct Memory {
    alignas(T) std::byte bytes[sizeof(T)];
  };
  std::unique_ptr<Memory> memory_;
  T* value_ = nullptr;
};

}  // namespace banyan::proxy
