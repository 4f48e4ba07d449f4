// EdgeTable: the labelled edges of a trie, all in one hash table: (node, label) -> value.
//
// Looking up costs one hash and, as a rule, one comparison, however many edges a node has. Lookups allocate nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace banyan::catalog {

class EdgeTable {
public:
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

  // The value of the edge, or kNone. A label may come in two parts, so that callers need not join them; parts must be
  // cut in the same way for all edges of one node.
  std::uint32_t find(std::uint32_t node, std::string_view label, std::string_view label_end = {}) const;

  // The value of the edge; `value` if the edge is new.
  std::uint32_t find_or_insert(std::uint32_t node, std::string_view label, std::string_view label_end,
                               std::uint32_t value);

  bool empty() const { return used_ == 0; }

private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t node = 0;
    std::uint32_t value = kNone;  // kNone: free
    std::uint32_t label_begin = 0;
    std::uint32_t label_size = 0;
  };

  bool holds(const Slot& slot, std::uint64_t hash, std::uint32_t node, std::string_view label,
             std::string_view label_end) const;
  void grow();

  std::vector<Slot> slots_;  // a power of two, at most half full: a search always ends
  std::size_t used_ = 0;
  std::string labels_;
};

}  // namespace banyan::catalog
