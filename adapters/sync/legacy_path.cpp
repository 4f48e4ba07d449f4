#include <algorithm>
#include <utility>

#include "adapters/sync/mapping_field.hpp"

namespace banyan::sync {
namespace {

// RFC 6901: "~1" is a slash, "~0" a tilde. Nothing: another tilde.
std::optional<std::string> unescaped(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      out += token[i];
      continue;
    }
    const std::string_view two = token.substr(i, 2);
    if (two != "~0" && two != "~1") return std::nullopt;
    out += two == "~0" ? '~' : '/';
    ++i;
  }
  return out;
}

}  // namespace

std::optional<LegacyPath> LegacyPath::parse(std::string_view text) {
  LegacyPath path;
  path.text_ = text;
  const bool is_pointer = text.starts_with('/');
  if (is_pointer) text.remove_prefix(1);
  while (true) {
    const std::size_t end = text.find(is_pointer ? '/' : '.');
    const std::string_view token = text.substr(0, end);
    if (token.empty()) return std::nullopt;
    auto key = is_pointer ? unescaped(token) : std::string(token);
    if (!key) return std::nullopt;
    Segment segment{std::move(*key), std::nullopt};
    const bool is_number = token.find_first_not_of("0123456789") == std::string_view::npos;
    if (is_number && !path.segments_.empty()) {
      const auto index = parse_integer(token);
      if (!index || *index > static_cast<std::int64_t>(kMostIndex)) return std::nullopt;
      segment.index = static_cast<std::size_t>(*index);
    }
    path.segments_.push_back(std::move(segment));
    if (end == std::string_view::npos) return path;
    text.remove_prefix(end + 1);
  }
}

bool LegacyPath::overlaps(const LegacyPath& other) const {
  const std::size_t shared = std::min(segments_.size(), other.segments_.size());
  return std::equal(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(shared),
                    other.segments_.begin());
}

bool LegacyPath::operator==(const LegacyPath& other) const {
  return segments_ == other.segments_;
}

const Json* LegacyPath::find(const Json& record) const {
  const Json* at = &record;
  for (const Segment& segment : segments_) {
    if (const auto* object = at->get_ptr<const Json::object_t*>()) {
      const auto member = object->find(segment.key);
      if (member == object->end()) return nullptr;
      at = &member->second;
    } else if (at->is_array() && segment.index) {
      if (*segment.index >= at->size()) return nullptr;
      at = &(*at)[*segment.index];
    } else {
      return at->is_null() ? at : nullptr;
    }
  }
  return at;
}

void LegacyPath::put(Json& fields, Json value) const {
  Json* at = &fields;
  for (const Segment& segment : segments_) {
    if (segment.index && (at->is_null() || at->is_array())) {
      while (at->is_null() || at->size() <= *segment.index) at->push_back(nullptr);
      at = &(*at)[*segment.index];
    } else {
      if (!at->is_object()) *at = Json::object();
      at = &(*at)[segment.key];
    }
  }
  *at = std::move(value);
}

}  // namespace banyan::sync
