// BlockPool: read buffers of a few sizes, kept for reuse by one io thread. Last in, first out: the warm one is next.
//
// Blocks are cut from slabs of their own, page by page, so that the memory of a block that is not needed for now goes
// back to the system however the heap around it is used: thousands of connections that fall idle cost no buffers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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
  char* data() const { return memory_; }
  std::size_t size() const;

private:
  friend class BlockPool;
  Block(BlockPool& pool, char* memory, BlockSize size) : pool_(&pool), memory_(memory), size_(size) {}
  void swap(Block& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
  }

  BlockPool* pool_ = nullptr;
  char* memory_ = nullptr;
  BlockSize size_ = BlockSize::small;
};

class BlockPool {
public:
  BlockPool() = default;
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  static constexpr std::size_t bytes(BlockSize size) { return kBytes[static_cast<std::size_t>(size)]; }

  Block take(BlockSize size);

private:
  friend class Block;
  static constexpr std::array<std::size_t, 4> kBytes{4 * 1024, 16 * 1024, 64 * 1024, 256 * 1024};
  // Free blocks whose memory is kept, per size; that of more is given back to the system.
  static constexpr std::array<std::size_t, 4> kKeepWarm{256, 256, 64, 16};
  static constexpr std::size_t kSlabBytes = 1 << 20;

  struct FreeBlocks {
    std::vector<char*> warm;
    std::vector<char*> cold;  // addresses without memory behind them
  };

  void add_slab(BlockSize size);
  void give_back(char* memory, BlockSize size);

  std::array<FreeBlocks, 4> free_;
  std::vector<void*> slabs_;
};

inline Block::~Block() {
  if (memory_) pool_->give_back(memory_, size_);
}

inline std::size_t Block::size() const {
  return memory_ ? BlockPool::bytes(size_) : 0;
}

}  // namespace banyan::proxy
