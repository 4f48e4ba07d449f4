// First line: a template; the rest: a path. The trie agrees with a segment by segment comparison.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "migration/catalog/path.hpp"

namespace {

using namespace banyan::catalog;

bool matches(const std::vector<PathSegment>& segments, std::string_view path) {
  for (const PathSegment& segment : segments) {
    if (!path.starts_with('/')) return false;
    if (segment.kind == PathSegment::Kind::rest) return true;
    path.remove_prefix(1);
    const std::string_view part = path.substr(0, path.find('/'));
    if (segment.kind == PathSegment::Kind::literal ? part != segment.text : part.empty()) return false;
    path.remove_prefix(part.size());
  }
  return path.empty();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const std::size_t line = text.find('\n');
  if (line == std::string::npos) return 0;
  std::string buffer;
  std::string again;
  const std::string_view path = comparison_form(std::string_view(text).substr(line + 1), buffer);
  if (path.starts_with('/') && path.find("%2f") == std::string_view::npos &&
      comparison_form(path, again).size() > path.size()) {
    std::abort();
  }
  if ((std::string(path) + "/").find("/../") != std::string::npos && path.starts_with('/')) std::abort();
  const auto segments = parse_template(std::string_view(text).substr(0, line));
  if (!segments) return 0;
  PathTrie trie;
  const std::uint32_t root = trie.add_root();
  trie.find_or_insert(root, *segments, 7);
  const bool found = trie.visit(root, path, [](std::uint32_t leaf) { return leaf == 7; });
  if (found != matches(*segments, path)) std::abort();
  return 0;
}
