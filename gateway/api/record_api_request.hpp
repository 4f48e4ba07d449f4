// What a request to the records API asks for, taken from its text. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "adapters/records/record_query.hpp"
#include "gateway/base/result.hpp"
#include "gateway/net/http_server.hpp"

namespace banyan::api {

// Names and values of a query string, percent-encoding undone ("+" stands for a space), in their order. Nothing: an
// encoding that is none.
std::optional<std::vector<std::pair<std::string, std::string>>> query_parameters(std::string_view query);

// The segments of a path below `prefix`, percent-encoding undone. Nothing: an encoding that is none, or an empty
// segment.
std::optional<std::vector<std::string>> segments_below(std::string_view prefix, std::string_view path);

// limit, cursor, sort, deleted, filter[field] and filter[field][operator]; any other parameter is a fault.
tl::expected<records::ListQuery, std::vector<records::FieldFault>> list_query(std::string_view query);

// Entity tags of If-Match or If-None-Match (RFC 9110 section 8.8.3).
struct EntityTags {
  bool any = false;                    // "*"
  std::vector<std::int64_t> versions;  // strong tags that are ours
  std::vector<std::int64_t> weak;      // those with W/ before them
};
EntityTags entity_tags(std::string_view field);

// Whether they are the same, whatever the case of ASCII letters.
bool equal_ignoring_case(std::string_view a, std::string_view b);

// Whether the request's Content-Type is one of these, whatever its parameters.
bool has_content_type(const net::HttpRequest& request, std::initializer_list<std::string_view> types);

// The body as a JSON object whose members are all among `members`. Error: invalid_argument.
Result<records::Json> body_object(const net::HttpRequest& request, std::span<const std::string_view> members);
Result<records::Json> body_object(const net::HttpRequest& request, std::initializer_list<std::string_view> members);

}  // namespace banyan::api
