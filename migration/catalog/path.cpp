#include "migration/catalog/path.hpp"

#include <algorithm>
#include <cstddef>

#include "migration/catalog/percent.hpp"

namespace banyan::catalog {
namespace {

// RFC 3986 section 2.1: upper and lower case digits are the same; what stays encoded is written in upper case.
void append_decoded_segment(std::string_view segment, std::string& out) {
  for (std::size_t at = 0; at < segment.size(); ++at) {
    const auto byte = percent_byte(segment, at);
    if (!byte) {
      out.push_back(segment[at]);
      continue;
    }
    if (*byte == '/') {
      out.append("%2F");
    } else if (*byte == '%') {
      out.append("%25");
    } else {
      out.push_back(*byte);
    }
    at += 2;
  }
}

bool is_dot_segment(std::string_view segment) {
  return segment == "." || segment == "..";
}

bool is_in_comparison_form(std::string_view path) {
  if (path.find('%') != std::string_view::npos) return false;
  for (std::size_t dot = path.find("/."); dot != std::string_view::npos; dot = path.find("/.", dot + 1)) {
    const std::string_view tail = path.substr(dot + 1);
    if (is_dot_segment(tail.substr(0, tail.find('/')))) return false;
  }
  return true;
}

bool is_parameter_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || digit(c); });
}

tl::unexpected<std::string> wrong(std::string_view part, std::string_view why) {
  return tl::unexpected<std::string>(std::string("`").append(part).append("` ").append(why));
}

tl::expected<PathSegment, std::string> parse_literal(std::string_view part) {
  if (part.find_first_of("{}") != std::string_view::npos) return wrong(part, "is not a whole parameter such as {id}");
  if (part.find_first_of("?#") != std::string_view::npos) return wrong(part, "holds `?` or `#`, which end a path");
  for (std::size_t at = part.find('%'); at != std::string_view::npos; at = part.find('%', at + 1)) {
    if (!percent_byte(part, at)) return wrong(part, "holds a `%` without two hexadecimal digits");
  }
  PathSegment segment;
  append_decoded_segment(part, segment.text);
  if (is_dot_segment(segment.text)) return wrong(part, "is a dot segment, which no path has when it is compared");
  return segment;
}

// {name} or {name...}; `names` are those seen so far.
tl::expected<PathSegment, std::string> parse_parameter(std::string_view part, std::vector<std::string_view>& names) {
  std::string_view name = part.substr(1, part.size() - 2);
  PathSegment segment;
  segment.kind = PathSegment::Kind::parameter;
  if (name.ends_with("...")) {
    segment.kind = PathSegment::Kind::rest;
    name.remove_suffix(3);
  }
  if (!is_parameter_name(name)) return wrong(part, "needs a name of letters, digits and `_`");
  if (std::find(names.begin(), names.end(), name) != names.end()) return wrong(part, "is there twice");
  names.push_back(name);
  return segment;
}

}  // namespace

std::string_view comparison_form(std::string_view path, std::string& buffer) {
  if (is_in_comparison_form(path)) return path;
  buffer.clear();
  buffer.reserve(path.size());
  if (!path.starts_with('/')) {
    append_decoded_segment(path, buffer);
    return buffer;
  }
  path.remove_prefix(1);
  for (bool last = false; !last;) {
    const std::size_t slash = path.find('/');
    last = slash == std::string_view::npos;
    const std::size_t begin = buffer.size();
    buffer.push_back('/');
    append_decoded_segment(path.substr(0, slash), buffer);
    const std::string_view segment = std::string_view(buffer).substr(begin + 1);
    if (is_dot_segment(segment)) {
      const bool up = segment.size() == 2;
      buffer.resize(begin);
      if (up && !buffer.empty()) buffer.resize(buffer.rfind('/'));
      if (last) buffer.push_back('/');
    }
    if (!last) path.remove_prefix(slash + 1);
  }
  return buffer;
}

tl::expected<std::vector<PathSegment>, std::string> parse_template(std::string_view text) {
  if (!text.starts_with('/')) return wrong(text, "does not begin with `/`");
  std::vector<PathSegment> segments;
  std::vector<std::string_view> names;
  text.remove_prefix(1);
  for (bool last = false; !last;) {
    const std::size_t slash = text.find('/');
    last = slash == std::string_view::npos;
    const std::string_view part = text.substr(0, slash);
    if (part.empty() && !last) return wrong("//", "is an empty segment");
    const bool braces = part.size() >= 2 && part.front() == '{' && part.back() == '}';
    auto segment = braces ? parse_parameter(part, names) : parse_literal(part);
    if (!segment) return tl::unexpected<std::string>(segment.error());
    if (segment->kind == PathSegment::Kind::rest && !last) return wrong(part, "is not the last segment");
    segments.push_back(std::move(*segment));
    if (segments.size() > kMaxTemplateSegments) return wrong(part, "is beyond the 64th segment");
    if (!last) text.remove_prefix(slash + 1);
  }
  return segments;
}

std::uint32_t PathTrie::add_root() {
  nodes_.emplace_back();
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

std::uint32_t PathTrie::find_or_insert(std::uint32_t root, const std::vector<PathSegment>& segments,
                                       std::uint32_t leaf) {
  std::uint32_t at = root;
  for (const PathSegment& segment : segments) {
    const auto fresh = static_cast<std::uint32_t>(nodes_.size());
    std::uint32_t child = fresh;
    if (segment.kind == PathSegment::Kind::rest) {
      if (nodes_[at].rest == kNone) nodes_[at].rest = leaf;
      return nodes_[at].rest;
    }
    if (segment.kind == PathSegment::Kind::literal) {
      child = literals_.find_or_insert(at, segment.text, {}, fresh);
      nodes_[at].has_literals = true;
    } else if (nodes_[at].parameter != kNone) {
      child = nodes_[at].parameter;
    } else {
      nodes_[at].parameter = fresh;
    }
    if (child == fresh) nodes_.emplace_back();
    at = child;
  }
  if (nodes_[at].leaf == kNone) nodes_[at].leaf = leaf;
  return nodes_[at].leaf;
}

}  // namespace banyan::catalog
