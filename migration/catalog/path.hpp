// Paths: the form in which they are compared, templates, and the trie that finds a template for a path.
//
// Comparison form (RFC 3986 section 6.2.2): each segment percent-decoded once, except `%2F` and `%25`, which stay
// encoded, so that an encoded slash never separates and nothing is decoded twice; then dot segments removed (also those
// that were written as %2E). Empty segments and `;parameters` are kept: they are part of the text. A `%` without two
// hexadecimal digits stays as it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "migration/catalog/edge_table.hpp"

namespace banyan::catalog {

// The comparison form of `path`: a view of `path` itself if nothing has to change (no allocation), else of `buffer`.
std::string_view comparison_form(std::string_view path, std::string& buffer);

struct PathSegment {
  enum class Kind : std::uint8_t {
    literal,    // exactly this text
    parameter,  // {x}: one segment, not empty
    rest,       // {rest...}: the segments from here on, at least one, which may be empty; last only
  };
  Kind kind = Kind::literal;
  std::string text;  // literal: in comparison form; otherwise empty

  bool operator==(const PathSegment&) const = default;
};

// The longest template, in segments. It bounds the depth of a search.
inline constexpr std::size_t kMaxTemplateSegments = 64;

// Parses "/a/{x}/b/{rest...}". The error says what is wrong, without the template.
tl::expected<std::vector<PathSegment>, std::string> parse_template(std::string_view text);

class PathTrie {
public:
  static constexpr std::uint32_t kNone = EdgeTable::kNone;

  // A new tree of templates; several share one table (one for each host).
  std::uint32_t add_root();

  // The leaf of this template below `root`; `leaf` if it is new. Templates that differ only in the names of their
  // parameters are the same.
  std::uint32_t find_or_insert(std::uint32_t root, const std::vector<PathSegment>& segments, std::uint32_t leaf);

  // Calls visit(leaf) for each template below `root` that matches `path` (in comparison form), most specific first:
  // at the first segment that differs, a literal comes before {x}, and {x} before {rest...}. Ends when `visit` returns
  // true, and returns whether it did. Allocates nothing.
  template <class Visit>
  bool visit(std::uint32_t root, std::string_view path, Visit&& visit) const {
    return path.starts_with('/') && descend(root, path.substr(1), visit);
  }

private:
  struct Node {
    std::uint32_t parameter = kNone;  // node behind {x}
    std::uint32_t rest = kNone;       // leaf of {rest...}
    std::uint32_t leaf = kNone;       // leaf of the template that ends here
    bool has_literals = false;        // some edge of literals_ begins here
  };

  template <class Visit>
  bool descend(std::uint32_t at, std::string_view tail, Visit& visit) const {
    const Node& node = nodes_[at];
    const std::size_t slash = tail.find('/');
    const std::string_view segment = tail.substr(0, slash);
    const auto follow = [&](std::uint32_t child) {
      if (child == kNone) return false;
      if (slash != std::string_view::npos) return descend(child, tail.substr(slash + 1), visit);
      return nodes_[child].leaf != kNone && visit(nodes_[child].leaf);
    };
    if (node.has_literals && follow(literals_.find(at, segment))) return true;
    if (!segment.empty() && follow(node.parameter)) return true;
    return node.rest != kNone && visit(node.rest);
  }

  std::vector<Node> nodes_;
  EdgeTable literals_;
};

}  // namespace banyan::catalog
