#include "gateway/proxy/block_pool.hpp"

#include <sys/mman.h>

#include <new>

namespace banyan::proxy {

BlockPool::~BlockPool() {
  for (void* slab : slabs_) ::munmap(slab, kSlabBytes);
}

Block BlockPool::take(BlockSize size) {
  auto& free = free_[static_cast<std::size_t>(size)];
  if (free.warm.empty() && free.cold.empty()) add_slab(size);
  auto& list = free.warm.empty() ? free.cold : free.warm;
  char* const memory = list.back();
  list.pop_back();
  return Block(*this, memory, size);
}

void BlockPool::add_slab(BlockSize size) {
  void* const slab = ::mmap(nullptr, kSlabBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (slab == MAP_FAILED) throw std::bad_alloc();
  slabs_.push_back(slab);
  for (std::size_t at = 0; at < kSlabBytes; at += bytes(size)) {
    free_[static_cast<std::size_t>(size)].cold.push_back(static_cast<char*>(slab) + at);
  }
}

void BlockPool::give_back(char* memory, BlockSize size) {
  auto& free = free_[static_cast<std::size_t>(size)];
  if (free.warm.size() < kKeepWarm[static_cast<std::size_t>(size)]) return free.warm.push_back(memory);
  // A failure leaves the memory where it is: it is used again all the same.
  ::madvise(memory, bytes(size), MADV_DONTNEED);
  free.cold.push_back(memory);
}

}  // namespace banyan::proxy
