// BlockPool: read buffers of a few sizes, kept for reuse by one io thread. Last in, first out: the warm one is next.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace banyan::proxy {

enum class BlockSize : std::uint8_t {
  small,   // 4 KiB: a request head
  medium,  // 16 KiB: a response head with a first piece of body; tunnels
  large,   // 64 KiB: request bodies, oversize heads
  huge,    // 256 KiB: relaying long response bodies in few system calls
};

class BlockPool;

// A buffer on loan; goes back to its pool when dropped. The pool must outlive it.
class Block {
public:
  Block() = default;
  Block(Block&& other) noexcept { swap(other); }
  Block& operator=(Block&& other) noexcept {
    Block(std::move(other)).swap(*this);
    return *this;
  }
  ~Block();

  explicit operator bool() const { return memory_ != nullptr; }
  char* data() const { return memory_.get(); }
  std::size_t size() const;

private:
  friend class BlockPool;
  Block(BlockPool& pool, std::unique_ptr<char[]> memory, BlockSize size)
      : pool_(&pool), memory_(std::move(memory)), size_(size) {}
  void swap(Block& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
  }

  BlockPool* pool_ = nullptr;
  std::unique_ptr<char[]> memory_;
  BlockSize size_ = BlockSize::small;
};

class BlockPool {
public:
  static constexpr std::array<std::size_t, 4> kBytes{4 * 1024, 16 * 1024, 64 * 1024, 256 * 1024};
  // Free blocks kept per size; more go back to the system.
  static constexpr std::array<std::size_t, 4> kKeep{256, 256, 64, 16};

  static constexpr std::size_t bytes(BlockSize size) { return kBytes[static_cast<std::size_t>(size)]; }

  Block take(BlockSize size) {
    auto& list = free_[static_cast<std::size_t>(size)];
    if (list.empty()) {
      // Not value-initialised: the memory is written by read() before anyone looks at it.
      return Block(*this, std::unique_ptr<char[]>(new char[bytes(size)]), size);
    }
    auto memory = std::move(list.back());
    list.pop_back();
    return Block(*this, std::move(memory), size);
  }

private:
  friend class Block;
  void give_back(std::unique_ptr<char[]> memory, BlockSize size) {
    auto& list = free_[static_cast<std::size_t>(size)];
    if (list.size() < kKeep[static_cast<std::size_t>(size)]) list.push_back(std::move(memory));
  }

  std::array<std::vector<std::unique_ptr<char[]>>, 4> free_;
};

inline Block::~Block() {
  if (memory_) pool_->give_back(std::move(memory_), size_);
}

inline std::size_t Block::size() const {
  return memory_ ? BlockPool::kBytes[static_cast<std::size_t>(size_)] : 0;
}

}  // namespace banyan::proxy
