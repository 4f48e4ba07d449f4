#include "migration/catalog/record_ids.hpp"

#include <utility>

#include "migration/catalog/predicate_index.hpp"

namespace banyan::catalog {
namespace {

// Takes the next segment off the front of `rest`, which begins with a slash.
std::string_view next_segment(std::string_view& rest) {
  rest.remove_prefix(1);
  const std::string_view segment = rest.substr(0, rest.find('/'));
  rest.remove_prefix(segment.size());
  return segment;
}

// The segment at `place` of a path that the template fits.
std::optional<std::string_view> captured(const std::vector<PathSegment>& segments, std::size_t place,
                                         std::string_view path) {
  std::optional<std::string_view> found;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (path.empty()) return std::nullopt;
    if (segments[i].kind == PathSegment::Kind::rest) return found;
    const std::string_view segment = next_segment(path);
    const bool fits = segments[i].kind == PathSegment::Kind::literal ? segment == segments[i].text : !segment.empty();
    if (!fits) return std::nullopt;
    if (i == place) found = segment;
  }
  return path.empty() ? found : std::nullopt;
}

}  // namespace

std::optional<std::string_view> parameter_of(std::string_view record_ids) {
  if (record_ids.size() < 3 || !record_ids.starts_with('{') || !record_ids.ends_with('}')) return std::nullopt;
  return record_ids.substr(1, record_ids.size() - 2);
}

std::optional<std::size_t> place_of_parameter(std::string_view path_template, std::string_view parameter) {
  for (std::size_t place = 0; path_template.starts_with('/'); ++place) {
    if (next_segment(path_template) == parameter) return place;
  }
  return std::nullopt;
}

RecordIdPlace::RecordIdPlace(const FunctionSpec& function, PredicateIndex& index) {
  if (function.record_ids.empty()) return;
  if (!parameter_of(function.record_ids)) {
    field_ = index.add_record_ids(function.record_ids);
    return;
  }
  for (const Match& match : function.matches) {
    auto segments = parse_template(match.path);
    const auto place = place_of_parameter(match.path, function.record_ids);
    if (segments && place) paths_.push_back({std::move(*segments), *place});
  }
}

std::vector<std::string> RecordIdPlace::read(std::string_view path, Evidence& evidence) const {
  if (in_body()) return evidence.record_ids(field_);
  for (const Path& each : paths_) {
    const auto id = path.starts_with('/') ? captured(each.segments, each.place, path) : std::nullopt;
    if (id && id->size() <= JsonPointers::kMaxIdBytes) return {std::string(*id)};
  }
  return {};
}

}  // namespace banyan::catalog
