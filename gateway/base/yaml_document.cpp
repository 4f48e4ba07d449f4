#include "gateway/base/yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <optional>
#include <set>
#include <sstream>
#include <unordered_map>

#include "gateway/base/json_text.hpp"
#include "gateway/base/text_file.hpp"

namespace banyan::yaml {
namespace detail {

// A node of the file. An alias shares the subtree of its anchor.
struct Tree {
  struct Entry {
    std::shared_ptr<const Tree> key;
    std::shared_ptr<const Tree> value;
  };
  Node::Kind kind = Node::Kind::null;
  std::string scalar;
  bool quoted = false;
  int line = 0;
  int column = 0;
  std::vector<std::shared_ptr<const Tree>> items;
  std::vector<Entry> entries;
  std::size_t expanded_nodes = 1;  // of this subtree, every alias counted as often as it is used
};

struct Collector {
  std::string file;
  std::string directory;
  std::vector<Fault> faults;
};

}  // namespace detail

namespace {

using detail::Tree;

constexpr std::size_t kQuotedBytes = 60;

int line_of(const YAML::Mark& mark) {
  return mark.line + 1;
}
int column_of(const YAML::Mark& mark) {
  return mark.column + 1;
}

// Ends parsing; yaml-cpp is driven by callbacks that have no other way to say stop.
struct Refused {
  int line;
  int column;
  std::string found;
  std::string expected;
};

// Builds the tree from yaml-cpp's events. Not from YAML::Node, which keeps no duplicate keys and follows aliases
// without a bound.
class TreeBuilder final : public YAML::EventHandler {
public:
  explicit TreeBuilder(const Limits& limits) : limits_(limits) {}

  std::shared_ptr<const Tree> root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    place(make(Node::Kind::null, mark), anchor, mark);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    auto tree = make(Node::Kind::scalar, mark);
    tree->scalar = value;
    tree->quoted = tag == "!";
    place(std::move(tree), anchor, mark);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) {
      throw Refused{line_of(mark), column_of(mark), "an alias inside its own anchor", "an alias to a finished value"};
    }
    attach(known->second, mark);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::mapping, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

private:
  struct Level {
    std::shared_ptr<Tree> tree;
    YAML::anchor_t anchor;
    YAML::Mark mark;
    std::shared_ptr<const Tree> key;  // of a mapping: read, and waiting for its value
  };

  static std::shared_ptr<Tree> make(Node::Kind kind, const YAML::Mark& mark) {
    auto tree = std::make_shared<Tree>();
    tree->kind = kind;
    tree->line = line_of(mark);
    tree->column = column_of(mark);
    return tree;
  }

  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw Refused{line_of(mark), column_of(mark), "the tag " + in_quotes(tag), "a value without a tag"};
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_tag(mark, tag);
    if (levels_.size() >= limits_.depth) {
      throw Refused{line_of(mark), column_of(mark), "nesting deeper than " + std::to_string(limits_.depth) + " levels",
                    "a flatter file"};
    }
    levels_.push_back({make(kind, mark), anchor, mark, nullptr});
  }

  void close() {
    const Level level = std::move(levels_.back());
    levels_.pop_back();
    place(level.tree, level.anchor, level.mark);
  }

  void place(std::shared_ptr<const Tree> tree, YAML::anchor_t anchor, const YAML::Mark& mark) {
    if (anchor != 0) anchors_[anchor] = tree;
    attach(std::move(tree), mark);
  }

  void attach(std::shared_ptr<const Tree> tree, const YAML::Mark& mark) {
    if (levels_.empty()) {
      root_ = std::move(tree);
      return;
    }
    Level& level = levels_.back();
    level.tree->expanded_nodes += tree->expanded_nodes;
    if (level.tree->expanded_nodes > limits_.nodes) {
      throw Refused{line_of(mark), column_of(mark), "more than " + std::to_string(limits_.nodes) + " values",
                    "a smaller file, or fewer aliases"};
    }
    if (level.tree->kind == Node::Kind::sequence) {
      level.tree->items.push_back(std::move(tree));
    } else if (!level.key) {
      level.key = std::move(tree);
    } else {
      level.tree->entries.push_back({std::move(level.key), std::move(tree)});
      level.key = nullptr;
    }
  }

  Limits limits_;
  std::vector<Level> levels_;
  std::unordered_map<YAML::anchor_t, std::shared_ptr<const Tree>> anchors_;
  std::shared_ptr<const Tree> root_;
};

std::string joined(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

std::string indexed(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

// Reports keys that stand twice, which most readers of YAML silently resolve, and keys that are not texts.
void check_keys(const Tree& tree, const std::string& path, detail::Collector& collector) {
  for (std::size_t i = 0; i < tree.items.size(); ++i) check_keys(*tree.items[i], indexed(path, i), collector);
  std::unordered_map<std::string_view, int> seen;
  for (const auto& [key, value] : tree.entries) {
    if (key->kind != Node::Kind::scalar) {
      collector.faults.push_back(
          {collector.file, key->line, key->column, path, "a key that is not a text", "a text as the key", {}});
      continue;
    }
    const auto [first, is_new] = seen.emplace(key->scalar, key->line);
    if (!is_new) {
      collector.faults.push_back({collector.file, key->line, key->column, joined(path, key->scalar),
                                  "the key stands twice", "one of the two",
                                  "the first is on line " + std::to_string(first->second)});
    }
    check_keys(*value, joined(path, key->scalar), collector);
  }
}

// A URL's user and password are not for faults to repeat.
std::string without_password(const std::string& text) {
  const std::size_t scheme = text.find("://");
  const std::size_t at = text.rfind('@');
  if (scheme == std::string::npos || at == std::string::npos || at < scheme) return text;
  return text.substr(0, scheme + 3) + "***" + text.substr(at);
}

Fault whole_file(const std::string& file, std::string found, std::string expected) {
  return {file, 0, 0, {}, std::move(found), std::move(expected), {}};
}

// The first byte that has no place in a text file. yaml-cpp passes everything on, and what is no UTF-8 could later be
// neither stored nor shown.
std::optional<Fault> no_text(std::string_view text, const std::string& file) {
  int line = 1;
  int column = 1;
  for (std::size_t i = 0; i < text.size(); ++column) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_control = byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r';
    const std::size_t length = is_control ? 0 : utf8_sequence_length(text.substr(i));
    if (length == 0) {
      std::ostringstream found;
      found << "the byte 0x" << std::hex << std::uppercase << std::setw(2) << std::setfill('0') << int{byte};
      return Fault{file, line, column, {}, found.str(), "text in UTF-8", {}};
    }
    if (byte == '\n') ++line, column = 0;
    i += length;
  }
  return std::nullopt;
}

// A document, or the fault that stopped the reading.
tl::expected<std::shared_ptr<const Tree>, Fault> build(const std::string& text, const std::string& file,
                                                       const Limits& limits) {
  if (auto fault = no_text(text, file)) return tl::unexpected(std::move(*fault));
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    TreeBuilder builder(limits);
    if (!parser.HandleNextDocument(builder) || !builder.root()) {
      return tl::unexpected(whole_file(file, "nothing in the file", "a mapping"));
    }
    TreeBuilder second(limits);
    if (parser.HandleNextDocument(second)) {
      const int line = second.root() ? second.root()->line : 0;
      return tl::unexpected(Fault{file, line, 1, {}, "a second document", "one document in the file", {}});
    }
    return builder.root();
  } catch (const Refused& refused) {
    return tl::unexpected(Fault{file, refused.line, refused.column, {}, refused.found, refused.expected, {}});
  } catch (const YAML::ParserException& error) {
    return tl::unexpected(
        Fault{file, line_of(error.mark), column_of(error.mark), {}, "not YAML: " + error.msg, {}, {}});
  }
}

}  // namespace

std::string in_quotes(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  std::size_t cut = std::min(text.size(), kQuotedBytes);
  // Not in the middle of a UTF-8 sequence.
  while (cut < text.size() && cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) --cut;
  for (const char c : text.substr(0, cut)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      out += "\\x";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    } else {
      out += c;
    }
  }
  return out + (cut < text.size() ? "…\"" : "\"");
}

std::string to_string(const Fault& fault) {
  std::string out = fault.file + ":";
  if (fault.line > 0) out += std::to_string(fault.line) + ":";
  out += " ";
  if (!fault.path.empty()) out += fault.path + ": ";
  out += fault.found;
  if (!fault.expected.empty()) out += "; expected " + fault.expected;
  if (!fault.hint.empty()) out += "; " + fault.hint;
  return out;
}

Node::Kind Node::kind() const {
  return tree_->kind;
}

std::string_view Node::scalar() const {
  return tree_->scalar;
}

bool Node::is_quoted() const {
  return tree_->quoted;
}

int Node::line() const {
  return line_;
}

std::string Node::describe() const {
  switch (tree_->kind) {
    case Kind::null:
      return "nothing";
    case Kind::scalar:
      return in_quotes(without_password(tree_->scalar));
    case Kind::sequence:
      return "a list";
    case Kind::mapping:
      break;
  }
  return "a mapping";
}

std::vector<Node> Node::items() const {
  std::vector<Node> nodes;
  nodes.reserve(tree_->items.size());
  for (std::size_t i = 0; i < tree_->items.size(); ++i) {
    const Tree* item = tree_->items[i].get();
    nodes.push_back(Node(item, collector_, indexed(path_, i), item->line, item->column));
  }
  return nodes;
}

std::vector<std::pair<std::string, Node>> Node::entries() const {
  std::vector<std::pair<std::string, Node>> nodes;
  std::set<std::string_view> seen;
  for (const auto& [key, value] : tree_->entries) {
    if (key->kind != Kind::scalar || !seen.insert(key->scalar).second) continue;
    nodes.emplace_back(key->scalar, Node(value.get(), collector_, joined(path_, key->scalar), key->line, key->column));
  }
  return nodes;
}

void Node::fault(std::string found, std::string expected, std::string hint) const {
  collector_->faults.push_back(
      {collector_->file, line_, column_, path_, std::move(found), std::move(expected), std::move(hint)});
}

void Node::missing(std::string_view key, std::string expected) const {
  collector_->faults.push_back(
      {collector_->file, line_, column_, joined(path_, key), "the key is missing", std::move(expected), {}});
}

std::size_t Node::faults_so_far() const {
  return collector_->faults.size();
}

const std::string& Node::directory() const {
  return collector_->directory;
}

Document::Document(std::shared_ptr<const detail::Tree> tree, std::unique_ptr<detail::Collector> collector)
    : tree_(std::move(tree)), collector_(std::move(collector)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

tl::expected<Document, std::vector<Fault>> Document::load(const std::string& path, const Limits& limits) {
  auto text = read_text_file(path, limits.bytes);
  if (!text) return tl::unexpected(std::vector<Fault>{whole_file(path, text.error().public_message, {})});
  return parse(*text, path, std::filesystem::path(path).parent_path().string(), limits);
}

tl::expected<Document, std::vector<Fault>> Document::parse(const std::string& text, const std::string& file,
                                                           const std::string& directory, const Limits& limits) {
  auto tree = build(text, file, limits);
  if (!tree) return tl::unexpected(std::vector<Fault>{tree.error()});
  auto collector =
      std::make_unique<detail::Collector>(detail::Collector{file, directory.empty() ? "." : directory, {}});
  check_keys(**tree, {}, *collector);
  return Document(std::move(*tree), std::move(collector));
}

Node Document::root() const {
  return Node(tree_.get(), collector_.get(), {}, tree_->line, tree_->column);
}

std::vector<Fault> Document::faults() const {
  std::vector<Fault> sorted = collector_->faults;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Fault& a, const Fault& b) { return a.line < b.line; });
  return sorted;
}

}  // namespace banyan::yaml
