// JsonPointers: many RFC 6901 pointers, answered by one pass over a JSON text.
//
// The pass is a SAX parse that builds no tree: memory is bounded by the pointers and the values found, time by the
// text. It always reads to the end, because a later duplicate of a key makes the earlier one ambiguous.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migration/catalog/edge_table.hpp"

namespace banyan::catalog {

struct JsonFinding {
  enum class Kind : std::uint8_t { string, number, literal, container, ids };
  std::uint32_t field = 0;  // the number given to add()
  Kind kind = Kind::string;
  std::string text;  // strings decoded; numbers and literals as written, but integers without `-0`; containers: empty;
                     // ids: each followed by a zero byte
};

// The unescaped tokens of a pointer; nothing if it is malformed.
std::optional<std::vector<std::string>> parse_json_pointer(std::string_view pointer);

class JsonPointers {
public:
  // Arrays and objects nested deeper than this make the text count as invalid.
  static constexpr std::size_t kMaxDepth = 128;

  JsonPointers() : nodes_(1) {}

  // Numbers must differ. `only_strings`: values of other kinds are not found.
  void add(const std::vector<std::string>& tokens, std::uint32_t field, bool only_strings = false);

  // At the end of the pointer stands an id, or a list of ids: texts or numbers, found together as Kind::ids. Other
  // values there, and texts that are empty or hold a zero byte, are passed over.
  void add_ids(const std::vector<std::string>& tokens, std::uint32_t field);

  // Beyond these bounds no ids are found at all: a part of them would look like all.
  static constexpr std::size_t kMaxIds = 256;
  static constexpr std::size_t kMaxIdBytes = 256;

  // What the pointers find in `text`, in the order of the text. Nothing if the text is not valid JSON (RFC 8259), is
  // too deep, or has a number beyond the range of a double. A value is not found if its key, or that of an object
  // around it, is there twice. Throws nothing but std::bad_alloc.
  std::vector<JsonFinding> find_all(std::string_view text) const;

private:
  friend class JsonWalk;
  static constexpr std::uint32_t kNone = EdgeTable::kNone;

  struct Node {
    std::uint32_t parent = kNone;
    std::uint32_t field = kNone;         // of a pointer that ends here
    std::uint32_t string_field = kNone;  // of one that asks for a string
    std::uint32_t ids_field = kNone;     // of one that asks for ids
    bool has_children = false;
  };

  std::uint32_t node_of(const std::vector<std::string>& tokens);

  std::vector<Node> nodes_;  // a trie of tokens; the first node is the whole document
  EdgeTable children_;
};

}  // namespace banyan::catalog
