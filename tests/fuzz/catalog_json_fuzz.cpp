// What the pointers find in a body is what a parsed document has at those places: nothing else, and nothing less.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "migration/catalog/json_pointers.hpp"

namespace {

using banyan::catalog::JsonFinding;
using banyan::catalog::JsonPointers;
using nlohmann::json;

constexpr std::array kPlaces{"/method", "/params/0", "/a/b"};  // the first asks for a string
constexpr std::uint32_t kOnlyStrings = 0;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Parsed {
  json document;
  bool has_duplicates = false;
  std::size_t depth = 0;
};

Parsed parse(const std::string& text) {
  Parsed parsed;
  std::vector<std::set<std::string>> open;  // the keys so far of every container around
  const auto watch = [&](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start || event == json::parse_event_t::array_start) {
      open.emplace_back();
      parsed.depth = std::max(parsed.depth, open.size());
    } else if (event == json::parse_event_t::object_end || event == json::parse_event_t::array_end) {
      open.pop_back();
    } else if (event == json::parse_event_t::key) {
      parsed.has_duplicates |= !open.back().insert(value.get<std::string>()).second;
    }
    return true;
  };
  parsed.document = json::parse(text, watch, false);
  return parsed;
}

bool is_id(const json& value, const std::string& text) {
  if (value.is_string()) return value.get_ref<const std::string&>() == text;
  return value.is_number() && json::parse(text) == value;
}

void require_id(const std::string& text, const json& value) {
  require(text.size() <= JsonPointers::kMaxIdBytes);
  if (!value.is_array()) return require(is_id(value, text));
  require(std::any_of(value.begin(), value.end(), [&](const json& element) { return is_id(element, text); }));
}

// At the place stands the id, or a list with them.
void require_ids(std::string_view texts, const json& value) {
  require(texts.ends_with('\0'));
  for (; !texts.empty(); texts.remove_prefix(texts.find('\0') + 1)) {
    require_id(std::string(texts.substr(0, texts.find('\0'))), value);
  }
}

void require_same(const JsonFinding& finding, const json& value) {
  switch (finding.kind) {
    case JsonFinding::Kind::string:
      return require(value.is_string() && value.get_ref<const std::string&>() == finding.text);
    case JsonFinding::Kind::number:
      return require(value.is_number() && json::parse(finding.text) == value);
    case JsonFinding::Kind::literal:
      return require((value.is_boolean() || value.is_null()) && value.dump() == finding.text);
    case JsonFinding::Kind::container:
      return require(value.is_structured() && finding.text.empty());
    case JsonFinding::Kind::ids:
      return require_ids(finding.text, value);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  JsonPointers pointers;
  pointers.add({"method"}, kOnlyStrings, true);
  pointers.add({"params", "0"}, 1);
  pointers.add({"a", "b"}, 2);
  pointers.add_ids({"params", "0"}, 1);
  const Parsed parsed = parse(text);
  const bool is_read = !parsed.document.is_discarded() && parsed.depth <= JsonPointers::kMaxDepth;
  std::array<int, kPlaces.size()> found{};
  for (const JsonFinding& finding : pointers.find_all(text)) {
    require(is_read);
    const json::json_pointer place(kPlaces.at(finding.field));
    require(parsed.document.contains(place));
    require_same(finding, parsed.document.at(place));
    require(finding.field != kOnlyStrings || finding.kind == JsonFinding::Kind::string);
    if (finding.kind != JsonFinding::Kind::ids) ++found.at(finding.field);
  }
  for (std::uint32_t field = 0; field < kPlaces.size(); ++field) {
    require(found.at(field) <= 1);
    if (!is_read || parsed.has_duplicates) continue;
    const json::json_pointer place(kPlaces.at(field));
    const bool is_there =
        parsed.document.contains(place) && (field != kOnlyStrings || parsed.document.at(place).is_string());
    require(found.at(field) == (is_there ? 1 : 0));
  }
  return 0;
}
