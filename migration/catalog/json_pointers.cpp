#include "migration/catalog/json_pointers.hpp"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

namespace banyan::catalog {

// The SAX handler: follows the text through the trie of pointers. Returning false ends the parse.
class JsonWalk {
public:
  explicit JsonWalk(const JsonPointers& pointers) : pointers_(pointers), visits_(pointers.nodes_.size()) {}

  bool null() { return value(JsonFinding::Kind::literal, "null"); }
  bool boolean(bool given) { return value(JsonFinding::Kind::literal, given ? "true" : "false"); }
  bool number_integer(std::int64_t given) { return integer(given); }
  bool number_unsigned(std::uint64_t given) { return integer(given); }
  bool number_float(double, const std::string& written) { return value(JsonFinding::Kind::number, written); }
  bool string(const std::string& given) { return value(JsonFinding::Kind::string, given); }
  bool binary(nlohmann::json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(false); }
  bool start_array(std::size_t) { return open(true); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  template <class Exception>
  bool parse_error(std::size_t, const std::string&, const Exception&) {
    return false;
  }

  bool key(const std::string& name) {
    const Frame& frame = frames_.back();
    member_ = frame.node == kNone ? kNone : pointers_.children_.find(frame.node, name);
    return true;
  }

  std::vector<JsonFinding> take() {
    std::vector<JsonFinding> unambiguous;
    for (Hit& hit : hits_) {
      if (too_many_ids_ && hit.finding.kind == JsonFinding::Kind::ids) continue;
      if (!is_ambiguous(hit.node)) unambiguous.push_back(std::move(hit.finding));
    }
    return unambiguous;
  }

private:
  static constexpr std::uint32_t kNone = JsonPointers::kNone;

  struct Frame {
    std::uint32_t node;  // kNone: no pointer goes through here
    bool is_array;
    std::size_t next_index;
    std::uint32_t ids_node;  // the elements are ids for this node; kNone: they are not
  };

  struct Hit {
    std::uint32_t node;
    JsonFinding finding;
  };

  template <class Integer>
  bool integer(Integer given) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), given).ptr;
    return value(JsonFinding::Kind::number,
                 std::string_view(digits.data(), static_cast<std::size_t>(end - &digits[0])));
  }

  // The trie node of the value that begins now.
  std::uint32_t enter() {
    std::uint32_t node = 0;
    if (!frames_.empty()) {
      Frame& frame = frames_.back();
      node = frame.is_array ? element(frame) : member_;
    }
    if (node != kNone) ++visits_[node];
    return node;
  }

  std::uint32_t element(Frame& frame) const {
    if (frame.node == kNone) return kNone;
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), frame.next_index++).ptr;
    return pointers_.children_.find(frame.node, {digits.data(), static_cast<std::size_t>(end - &digits[0])});
  }

  bool value(JsonFinding::Kind kind, std::string_view text) {
    if (!frames_.empty() && frames_.back().ids_node != kNone) record_id(frames_.back().ids_node, kind, text);
    record(enter(), kind, text);
    return true;
  }

  void record(std::uint32_t node, JsonFinding::Kind kind, std::string_view text) {
    if (node == kNone) return;
    const JsonPointers::Node& place = pointers_.nodes_[node];
    if (place.field != kNone) hits_.push_back({node, {place.field, kind, std::string(text)}});
    if (place.string_field != kNone && kind == JsonFinding::Kind::string) {
      hits_.push_back({node, {place.string_field, kind, std::string(text)}});
    }
    if (place.ids_field != kNone) record_id(node, kind, text);
  }

  // Into one text for the whole list: lists of ids are long, and most of them belong to calls that only read.
  void record_id(std::uint32_t node, JsonFinding::Kind kind, std::string_view text) {
    if (kind != JsonFinding::Kind::string && kind != JsonFinding::Kind::number) return;
    if (text.empty() || text.find('\0') != std::string_view::npos) return;
    too_many_ids_ = too_many_ids_ || ids_ == JsonPointers::kMaxIds || text.size() > JsonPointers::kMaxIdBytes;
    if (too_many_ids_) return;
    ++ids_;
    if (hits_.empty() || hits_.back().node != node || hits_.back().finding.kind != JsonFinding::Kind::ids) {
      hits_.push_back({node, {pointers_.nodes_[node].ids_field, JsonFinding::Kind::ids, {}}});
    }
    hits_.back().finding.text.append(text).push_back('\0');
  }

  bool open(bool is_array) {
    if (frames_.size() == JsonPointers::kMaxDepth) return false;
    const std::uint32_t node = enter();
    record(node, JsonFinding::Kind::container, {});
    const bool tracked = node != kNone && pointers_.nodes_[node].has_children;
    const bool holds_ids = is_array && node != kNone && pointers_.nodes_[node].ids_field != kNone;
    frames_.push_back({tracked ? node : kNone, is_array, 0, holds_ids ? node : kNone});
    return true;
  }

  bool close() {
    frames_.pop_back();
    return true;
  }

  bool is_ambiguous(std::uint32_t node) const {
    for (; node != kNone; node = pointers_.nodes_[node].parent) {
      if (visits_[node] > 1) return true;
    }
    return false;
  }

  const JsonPointers& pointers_;
  std::vector<std::uint32_t> visits_;  // by trie node: how often a value began there
  std::vector<Frame> frames_;
  std::vector<Hit> hits_;
  std::uint32_t member_ = kNone;
  std::size_t ids_ = 0;
  bool too_many_ids_ = false;
};

std::optional<std::vector<std::string>> parse_json_pointer(std::string_view pointer) {
  std::vector<std::string> tokens;
  if (pointer.empty()) return tokens;
  if (pointer.front() != '/') return std::nullopt;
  for (std::size_t at = 0; at < pointer.size(); ++at) {
    if (pointer[at] == '/') {
      tokens.emplace_back();
    } else if (pointer[at] != '~') {
      tokens.back().push_back(pointer[at]);
    } else if (at + 1 < pointer.size() && (pointer[at + 1] == '0' || pointer[at + 1] == '1')) {
      tokens.back().push_back(pointer[++at] == '0' ? '~' : '/');
    } else {
      return std::nullopt;
    }
  }
  return tokens;
}

std::uint32_t JsonPointers::node_of(const std::vector<std::string>& tokens) {
  std::uint32_t at = 0;
  for (const std::string& token : tokens) {
    const auto fresh = static_cast<std::uint32_t>(nodes_.size());
    const std::uint32_t child = children_.find_or_insert(at, token, {}, fresh);
    nodes_[at].has_children = true;
    if (child == fresh) {
      nodes_.emplace_back();
      nodes_.back().parent = at;
    }
    at = child;
  }
  return at;
}

void JsonPointers::add(const std::vector<std::string>& tokens, std::uint32_t field, bool only_strings) {
  Node& node = nodes_[node_of(tokens)];
  (only_strings ? node.string_field : node.field) = field;
}

void JsonPointers::add_ids(const std::vector<std::string>& tokens, std::uint32_t field) {
  nodes_[node_of(tokens)].ids_field = field;
}

std::vector<JsonFinding> JsonPointers::find_all(std::string_view text) const {
  JsonWalk walk(*this);
  if (!nlohmann::json::sax_parse(text.data(), text.data() + text.size(), &walk)) return {};
  return walk.take();
}

}  // namespace banyan::catalog
