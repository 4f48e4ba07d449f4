#include "migration/catalog/edge_table.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <utility>

namespace banyan::catalog {
namespace {

std::uint64_t hash_of(std::uint32_t node, std::string_view label, std::string_view label_end) {
  const std::uint64_t hash = XXH3_64bits_withSeed(label.data(), label.size(), node);
  return label_end.empty() ? hash : XXH3_64bits_withSeed(label_end.data(), label_end.size(), hash);
}

}  // namespace

bool EdgeTable::holds(const Slot& slot, std::uint64_t hash, std::uint32_t node, std::string_view label,
                      std::string_view label_end) const {
  if (slot.hash != hash || slot.node != node || slot.label_size != label.size() + label_end.size()) return false;
  const std::string_view stored(labels_.data() + slot.label_begin, slot.label_size);
  return stored.substr(0, label.size()) == label && stored.substr(label.size()) == label_end;
}

std::uint32_t EdgeTable::find(std::uint32_t node, std::string_view label, std::string_view label_end) const {
  if (slots_.empty()) return kNone;
  const std::uint64_t hash = hash_of(node, label, label_end);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.value == kNone) return kNone;
    if (holds(slot, hash, node, label, label_end)) return slot.value;
  }
}

std::uint32_t EdgeTable::find_or_insert(std::uint32_t node, std::string_view label, std::string_view label_end,
                                        std::uint32_t value) {
  if (const std::uint32_t found = find(node, label, label_end); found != kNone) return found;
  if ((used_ + 1) * 2 > slots_.size()) grow();
  Slot added;
  added.hash = hash_of(node, label, label_end);
  added.node = node;
  added.value = value;
  added.label_begin = static_cast<std::uint32_t>(labels_.size());
  added.label_size = static_cast<std::uint32_t>(label.size() + label_end.size());
  labels_.append(label).append(label_end);
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = added.hash & mask;
  while (slots_[at].value != kNone) at = (at + 1) & mask;
  slots_[at] = added;
  ++used_;
  return value;
}

void EdgeTable::grow() {
  std::vector<Slot> grown(slots_.empty() ? 16 : slots_.size() * 2);
  const std::size_t mask = grown.size() - 1;
  for (const Slot& slot : slots_) {
    if (slot.value == kNone) continue;
    std::size_t at = slot.hash & mask;
    while (grown[at].value != kNone) at = (at + 1) & mask;
    grown[at] = slot;
  }
  slots_ = std::move(grown);
}

}  // namespace banyan::catalog
