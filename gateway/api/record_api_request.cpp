#include "gateway/api/record_api_request.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "gateway/base/nearest.hpp"
#include "gateway/base/yaml_document.hpp"

namespace banyan::api {
namespace {

using records::FieldFault;
using records::Filter;
using records::Json;
using records::ListQuery;

std::optional<std::string> decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      unsigned value = 0;
      if (i + 2 >= text.size()) return std::nullopt;
      const auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
      if (error != std::errc{} || end != text.data() + i + 3 || value == 0) return std::nullopt;
      out += static_cast<char>(value);
      i += 2;
    }
  }
  return out;
}

const std::array<std::pair<std::string_view, Filter::Operator>, 9> kOperators{{{"eq", Filter::Operator::eq},
                                                                               {"ne", Filter::Operator::ne},
                                                                               {"gt", Filter::Operator::gt},
                                                                               {"gte", Filter::Operator::gte},
                                                                               {"lt", Filter::Operator::lt},
                                                                               {"lte", Filter::Operator::lte},
                                                                               {"in", Filter::Operator::in},
                                                                               {"contains", Filter::Operator::contains},
                                                                               {"exists", Filter::Operator::exists}}};

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// "filter[field]" or "filter[field][operator]".
std::optional<FieldFault> add_filter(const std::string& name, const std::string& value, ListQuery& query) {
  const FieldFault malformed{name, "a malformed filter", "filter[field] or filter[field][operator]", ""};
  std::string_view rest = std::string_view(name).substr(std::string_view("filter").size());
  std::vector<std::string_view> parts;
  while (!rest.empty()) {
    const std::size_t end = rest.find(']');
    if (rest.front() != '[' || end == std::string_view::npos) return malformed;
    parts.push_back(rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
  }
  if (parts.empty() || parts.size() > 2) return malformed;
  Filter filter;
  filter.field = parts.front();
  if (parts.size() == 2) {
    const auto* known = std::ranges::find(kOperators, parts[1], &std::pair<std::string_view, Filter::Operator>::first);
    if (known == kOperators.end()) {
      return FieldFault{name, "the operator " + yaml::in_quotes(parts[1]),
                        "one of eq, ne, gt, gte, lt, lte, in, contains or exists", ""};
    }
    filter.op = known->second;
  }
  filter.values = filter.op == Filter::Operator::in ? split(value, ',') : std::vector<std::string>{value};
  query.filters.push_back(std::move(filter));
  return std::nullopt;
}

std::optional<FieldFault> set_limit(const std::string& value, ListQuery& query) {
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), query.limit);
  if (error == std::errc{} && end == value.data() + value.size()) return std::nullopt;
  return FieldFault{"limit", yaml::in_quotes(value), "a number from 1 to " + std::to_string(records::kLargestPage), ""};
}

void set_sort(const std::string& value, ListQuery& query) {
  for (std::string& key : split(value, ',')) {
    const bool descending = key.starts_with('-');
    query.sort.push_back({descending ? key.substr(1) : key, descending});
  }
}

std::optional<FieldFault> take(const std::string& name, const std::string& value, ListQuery& query) {
  static const std::vector<std::string> kKnown{"limit", "cursor", "sort", "deleted", "filter[field]"};
  if (name.starts_with("filter[")) return add_filter(name, value, query);
  if (name == "limit") return set_limit(value, query);
  if (name == "cursor") {
    query.cursor = value;
  } else if (name == "sort") {
    set_sort(value, query);
  } else if (name == "deleted") {
    if (value != "only" && value != "false") return FieldFault{name, yaml::in_quotes(value), "only or false", ""};
    query.deleted = value == "only";
  } else {
    const auto near = nearest(name, kKnown);
    return FieldFault{name, "an unknown parameter", "one of limit, cursor, sort, deleted or filter[field]",
                      near ? "did you mean \"" + *near + "\"?" : ""};
  }
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::vector<std::pair<std::string, std::string>>> query_parameters(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  if (query.empty()) return parameters;
  for (const std::string& part : split(query, '&')) {
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    const auto name = decoded(std::string_view(part).substr(0, equals), true);
    const auto value = equals == std::string::npos ? std::optional<std::string>("")
                                                   : decoded(std::string_view(part).substr(equals + 1), true);
    if (!name || !value) return std::nullopt;
    parameters.emplace_back(*name, *value);
  }
  return parameters;
}

std::optional<std::vector<std::string>> segments_below(std::string_view prefix, std::string_view path) {
  std::vector<std::string> segments;
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  if (path.empty()) return segments;
  if (path.front() != '/') return std::nullopt;
  for (const std::string& part : split(path.substr(1), '/')) {
    auto segment = decoded(part, false);
    if (!segment || segment->empty()) return std::nullopt;
    segments.push_back(std::move(*segment));
  }
  return segments;
}

tl::expected<ListQuery, std::vector<FieldFault>> list_query(std::string_view query) {
  const auto parameters = query_parameters(query);
  if (!parameters) {
    return tl::unexpected(
        std::vector<FieldFault>{{"", "a malformed percent-encoding", "%xx with two hexadecimal digits", ""}});
  }
  ListQuery out;
  std::vector<FieldFault> faults;
  std::set<std::string_view> single;
  for (const auto& [name, value] : *parameters) {
    if (!name.starts_with("filter[") && !single.insert(name).second) {
      faults.push_back({name, "the parameter a second time", "one of the two", ""});
      continue;
    }
    if (auto fault = take(name, value, out)) faults.push_back(std::move(*fault));
  }
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  return out;
}

EntityTags entity_tags(std::string_view field) {
  EntityTags tags;
  if (trimmed(field) == "*") {
    tags.any = true;
    return tags;
  }
  for (const std::string& part : split(field, ',')) {
    std::string_view tag = trimmed(part);
    const bool weak = tag.starts_with("W/");
    if (weak) tag.remove_prefix(2);
    if (tag.size() < 3 || tag.front() != '"' || tag.back() != '"') continue;
    tag = tag.substr(1, tag.size() - 2);
    std::int64_t version = 0;
    const auto [end, error] = std::from_chars(tag.data(), tag.data() + tag.size(), version);
    if (error != std::errc{} || end != tag.data() + tag.size()) continue;
    (weak ? tags.weak : tags.versions).push_back(version);
  }
  return tags;
}

bool has_content_type(const net::HttpRequest& request, std::initializer_list<std::string_view> types) {
  const auto field = request.header("Content-Type");
  if (!field) return false;
  const std::string_view type = trimmed(field->substr(0, field->find(';')));
  return std::ranges::any_of(types, [&](std::string_view known) { return equal_ignoring_case(type, known); });
}

Result<Json> body_object(const net::HttpRequest& request, std::span<const std::string_view> members) {
  Json body;
  try {
    body = Json::parse(request.body);
  } catch (const Json::parse_error& error) {
    return fail(ErrorCode::invalid_argument,
                "The body is not JSON: a fault at byte " + std::to_string(error.byte) + ".");
  }
  if (!body.is_object()) return fail(ErrorCode::invalid_argument, "The body is no JSON object.");
  for (const auto& [name, value] : body.items()) {
    if (std::ranges::find(members, std::string_view(name)) != members.end()) continue;
    std::string known;
    for (const std::string_view member : members) known += (known.empty() ? "" : ", ") + std::string(member);
    return fail(ErrorCode::invalid_argument,
                "The body has the unknown member " + yaml::in_quotes(name) + "; expected: " + known + ".");
  }
  return body;
}

Result<Json> body_object(const net::HttpRequest& request, std::initializer_list<std::string_view> members) {
  return body_object(request, std::span(members.begin(), members.size()));
}

}  // namespace banyan::api
