// A YAML file as a tree whose every node knows where it stands, and the list of what is wrong with it.
//
// Stricter than YAML: one document, no tags, no duplicate keys, keys are plain texts, bounded size, depth and alias
// expansion. yaml-cpp stays behind this header.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace banyan::yaml {

// One thing that is wrong, said so that it can be put right without looking anything up.
struct Fault {
  std::string file;      // as the user named it
  int line = 0;          // from 1; 0: the file as a whole
  int column = 0;        // from 1
  std::string path;      // "upstreams.legacy.endpoints[0]"; empty: the file as a whole
  std::string found;     // "unknown key", "\"ten\""
  std::string expected;  // "a duration such as 500ms, 10s or 2m"; may be empty
  std::string hint;      // "did you mean \"host\"?"; may be empty

  bool operator==(const Fault&) const = default;
};

// "banyan.yaml:12: proxy.limits.header: unknown key; expected one of …; did you mean \"header_bytes\"?"
std::string to_string(const Fault& fault);

// The text in double quotes, cut after 60 bytes, control bytes escaped: how faults repeat what they found.
std::string in_quotes(std::string_view text);

struct Limits {
  std::size_t bytes = 4 << 20;    // of the file
  std::size_t depth = 32;         // of nesting
  std::size_t nodes = 1'000'000;  // of the tree after every alias has been followed
};

namespace detail {
struct Tree;
struct Collector;
}  // namespace detail

// A place in the tree. Cheap to copy; must not outlive its Document. Reading never throws: what does not fit is
// reported with fault() and collected in the Document.
class Node {
public:
  enum class Kind { null, scalar, sequence, mapping };

  Kind kind() const;
  // Of a scalar; empty for anything else.
  std::string_view scalar() const;
  // A scalar in quotes is a text, never a number or a literal.
  bool is_quoted() const;
  // What was found, for a fault: "nothing", "\"abc\"", "a list", "a mapping".
  std::string describe() const;

  const std::string& path() const { return path_; }
  int line() const;

  // Of a sequence: its elements. Empty for anything else.
  std::vector<Node> items() const;
  // Of a mapping: keys and values in the order of the file, duplicates left out. Empty for anything else. The path of a
  // value ends in its key, and its faults are placed at the line of the key.
  std::vector<std::pair<std::string, Node>> entries() const;

  void fault(std::string found, std::string expected, std::string hint = {}) const;
  // Reports that a mapping lacks a key: at the mapping's line, with the path that the key would have.
  void missing(std::string_view key, std::string expected) const;
  // Number of faults reported in the document so far: tells whether reading something went well.
  std::size_t faults_so_far() const;

  // Directory of the file, for what is relative to it.
  const std::string& directory() const;

private:
  friend class Document;
  Node(const detail::Tree* tree, detail::Collector* collector, std::string path, int line, int column)
      : tree_(tree), collector_(collector), path_(std::move(path)), line_(line), column_(column) {}

  const detail::Tree* tree_;
  detail::Collector* collector_;
  std::string path_;
  int line_;
  int column_;
};

class Document {
public:
  // Reads and parses the file. A file that cannot be read or is not YAML at all yields its one fault.
  static tl::expected<Document, std::vector<Fault>> load(const std::string& path, const Limits& limits = {});
  // The same for a text; `file` and `directory` stand for where it came from.
  static tl::expected<Document, std::vector<Fault>> parse(const std::string& text, const std::string& file,
                                                          const std::string& directory, const Limits& limits = {});

  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  Node root() const;
  // Faults so far, by line. Duplicate keys and keys that are not texts are among them from the start.
  std::vector<Fault> faults() const;

private:
  Document(std::shared_ptr<const detail::Tree> tree, std::unique_ptr<detail::Collector> collector);
  std::shared_ptr<const detail::Tree> tree_;
  std::unique_ptr<detail::Collector> collector_;
};

}  // namespace banyan::yaml
