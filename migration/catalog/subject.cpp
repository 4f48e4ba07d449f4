#include "migration/catalog/subject.hpp"

#include <xxhash.h>

#include <algorithm>
#include <optional>

#include "migration/catalog/base64.hpp"
#include "migration/catalog/cookies.hpp"
#include "migration/catalog/evidence.hpp"
#include "migration/catalog/json_pointers.hpp"

namespace banyan::catalog {
namespace {

using Kind = SubjectSource::Kind;

std::optional<std::string> if_not_empty(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

std::optional<std::string_view> first_header(const RequestView& request, std::string_view name) {
  for (const HeaderField& header : request.headers) {
    if (equals_ignoring_case(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::optional<std::string> cookie(const RequestView& request, std::string_view wanted) {
  std::optional<std::string> found;
  for (const HeaderField& header : request.headers) {
    if (found || !equals_ignoring_case(header.name, "cookie")) continue;
    for_each_cookie(header.value, [&](std::string_view name, std::string_view value) {
      if (name == wanted) found = if_not_empty(value);
      return name != wanted;
    });
  }
  return found;
}

// What follows the scheme in Authorization (RFC 9110 section 11.4).
std::optional<std::string_view> credentials(const RequestView& request, std::string_view scheme) {
  const auto value = first_header(request, "authorization");
  if (!value || value->size() <= scheme.size() || (*value)[scheme.size()] != ' ') return std::nullopt;
  if (!equals_ignoring_case(value->substr(0, scheme.size()), scheme)) return std::nullopt;
  const std::size_t begin = value->find_first_not_of(' ', scheme.size());
  if (begin == std::string_view::npos) return std::nullopt;
  return value->substr(begin);
}

std::optional<std::string> jwt_claim(const RequestView& request, const std::string& claim) {
  const auto token = credentials(request, "Bearer");
  if (!token || std::count(token->begin(), token->end(), '.') != 2) return std::nullopt;
  const std::size_t begin = token->find('.') + 1;
  const auto payload = decode_base64(token->substr(begin, token->rfind('.') - begin), Base64Alphabet::url);
  if (!payload) return std::nullopt;
  JsonPointers pointers;
  pointers.add({claim}, 0);
  for (const JsonFinding& finding : pointers.find_all(*payload)) {
    const bool usable = finding.kind == JsonFinding::Kind::string || finding.kind == JsonFinding::Kind::number;
    if (usable) return if_not_empty(finding.text);
  }
  return std::nullopt;
}

std::optional<std::string> basic_user(const RequestView& request) {
  const auto encoded = credentials(request, "Basic");
  const auto pair = encoded ? decode_base64(*encoded, Base64Alphabet::standard) : std::nullopt;
  if (!pair || pair->find(':') == std::string::npos) return std::nullopt;
  return if_not_empty(pair->substr(0, pair->find(':')));
}

std::optional<std::string> tryton_user(const RequestView& request) {
  const auto encoded = credentials(request, "Session");
  const auto triple = encoded ? decode_base64(*encoded, Base64Alphabet::standard) : std::nullopt;
  if (!triple || std::count(triple->begin(), triple->end(), ':') != 2) return std::nullopt;
  const std::size_t id = triple->find(':') + 1;
  const std::size_t session = triple->rfind(':') + 1;
  const std::string_view digits = std::string_view(*triple).substr(id, session - 1 - id);
  const bool is_number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_number || session == triple->size()) return std::nullopt;
  return if_not_empty(triple->substr(0, id - 1));
}

std::optional<std::string> value_of(const SubjectSource& source, const RequestView& request,
                                    std::string_view client_address) {
  switch (source.kind) {
    case Kind::header:
      return if_not_empty(first_header(request, source.key).value_or(std::string_view()));
    case Kind::cookie:
      return cookie(request, source.key);
    case Kind::jwt:
      return jwt_claim(request, source.key);
    case Kind::basic:
      return basic_user(request);
    case Kind::tryton:
      return tryton_user(request);
    case Kind::address:
      return std::string(client_address);
  }
  return std::nullopt;
}

Subject subject_of(Kind kind, std::string_view value) {
  // The kind is the seed: user `ann` of one source is not user `ann` of another. Kept for ever, like the places.
  return {kind, XXH3_64bits_withSeed(value.data(), value.size(), static_cast<std::uint64_t>(kind) + 1)};
}

}  // namespace

Subject extract_subject(const std::vector<SubjectSource>& sources, const RequestView& request,
                        std::string_view client_address) {
  for (const SubjectSource& source : sources) {
    if (const auto value = value_of(source, request, client_address)) return subject_of(source.kind, *value);
  }
  return subject_of(Kind::address, client_address);
}

}  // namespace banyan::catalog
