#include "migration/catalog/evidence.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "migration/catalog/cookies.hpp"
#include "migration/catalog/percent.hpp"
#include "migration/catalog/xml_root.hpp"

namespace banyan::catalog {
namespace {

using Source = Predicate::Source;

std::uint32_t number_of(Source source) {
  return static_cast<std::uint32_t>(source);
}

std::uint64_t bit(std::size_t place) {
  return std::uint64_t{1} << (place % 64);
}

std::uint64_t initial_bit(char c) {
  return bit(static_cast<unsigned char>(to_lower(c)));
}

std::string_view trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

std::string_view essence_of(std::string_view media_type) {
  return trimmed(media_type.substr(0, media_type.find(';')));
}

bool starts_with_ignoring_case(std::string_view text, std::string_view start) {
  return equals_ignoring_case(text.substr(0, start.size()), start);
}

bool ends_with_ignoring_case(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && equals_ignoring_case(text.substr(text.size() - end.size()), end);
}

// The `action` parameter of a media type (RFC 3902 section 2).
std::optional<std::string_view> action_of(std::string_view media_type) {
  for (std::size_t at = media_type.find(';'); at != std::string_view::npos; at = media_type.find(';')) {
    media_type.remove_prefix(at + 1);
    const std::size_t equals = media_type.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const bool is_action = equals_ignoring_case(trimmed(media_type.substr(0, equals)), "action");
    std::string_view value = trimmed(media_type.substr(equals + 1));
    const std::size_t quote = value.starts_with('"') ? value.find('"', 1) : std::string_view::npos;
    const std::size_t end = quote != std::string_view::npos ? quote + 1 : value.find(';');
    if (is_action) return unquoted(trimmed(value.substr(0, end)));
    media_type = end == std::string_view::npos ? std::string_view() : value.substr(end);
  }
  return std::nullopt;
}

}  // namespace

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}

std::uint32_t Fields::add(Source source, std::string_view key) {
  std::string name(key);
  if (source == Source::header) {
    std::transform(name.begin(), name.end(), name.begin(), to_lower);
    header_lengths_ |= bit(name.size());
    if (!name.empty()) header_initials_ |= initial_bit(name.front());
  }
  const std::uint32_t number = numbers_.find_or_insert(number_of(source), name, {}, count_);
  if (number != count_) return number;
  ++count_;
  if (source == Source::json_rpc) json_.add({"method"}, number, true);
  if (source == Source::json_pointer) {
    if (const auto tokens = parse_json_pointer(key)) json_.add(*tokens, number);
  }
  return number;
}

std::uint32_t Fields::add_record_ids(std::string_view pointer) {
  const std::uint32_t number = numbers_.find_or_insert(kRecordIds, pointer, {}, count_);
  if (number != count_) return number;
  ++count_;
  if (const auto tokens = parse_json_pointer(pointer)) json_.add_ids(*tokens, number);
  return number;
}

std::uint32_t Fields::find(Source source, std::string_view key) const {
  return numbers_.find(number_of(source), key);
}

std::uint32_t Fields::find_header(std::string_view name) const {
  if (name.empty() || name.size() > kMaxHeaderName) return kNone;
  if ((header_lengths_ & bit(name.size())) == 0 || (header_initials_ & initial_bit(name.front())) == 0) return kNone;
  std::array<char, kMaxHeaderName> lower;
  std::transform(name.begin(), name.end(), lower.begin(), to_lower);
  return find(Source::header, {lower.data(), name.size()});
}

Evidence::Evidence(const Fields& fields, const RequestView& request, const BodyView& body)
    : fields_(fields), request_(request), body_(body), memory_(stack_.data(), stack_.size()), findings_(&memory_) {}

Evidence::MediaType Evidence::media_type() {
  if (media_type_ != MediaType::unknown) return media_type_;
  media_type_ = MediaType::absent;
  for (const HeaderField& header : request_.headers) {
    if (!equals_ignoring_case(header.name, "content-type")) continue;
    if (media_type_ != MediaType::absent) return media_type_ = MediaType::conflicting;
    const std::string_view type = essence_of(header.value);
    if (equals_ignoring_case(type, "application/x-www-form-urlencoded")) {
      media_type_ = MediaType::form;
    } else if (starts_with_ignoring_case(type, "multipart/")) {
      media_type_ = MediaType::multipart;
    } else if (equals_ignoring_case(type, "text/xml") || equals_ignoring_case(type, "application/xml") ||
               ends_with_ignoring_case(type, "+xml")) {
      media_type_ = MediaType::xml;
    } else {
      media_type_ = MediaType::other;
    }
  }
  return media_type_;
}

bool Evidence::admits(Source source) {
  const MediaType type = media_type();
  switch (source) {
    case Source::json_pointer:
    case Source::json_rpc:
      return type == MediaType::absent || type == MediaType::other;
    case Source::form:
      return type == MediaType::form;
    case Source::xml_root:
      return type == MediaType::absent || type == MediaType::xml;
    default:
      return true;
  }
}

const std::pmr::vector<Finding>& Evidence::gather(Source source) {
  if (source == Source::json_rpc) source = Source::json_pointer;  // one parse serves both
  const std::uint32_t mark = 1U << number_of(source);
  if ((gathered_ & mark) != 0) return findings_;
  gathered_ |= mark;
  if (findings_.capacity() == 0) findings_.reserve(16);
  if (needs_body(source) && (body_.state != BodyView::State::complete || !admits(source))) return findings_;
  switch (source) {
    case Source::header:
      gather_headers();
      break;
    case Source::cookie:
      gather_cookies();
      break;
    case Source::query:
      gather_pairs(source, request_.query);
      break;
    case Source::form:
      gather_pairs(source, body_.bytes);
      break;
    case Source::soap_action:
      gather_soap_action();
      break;
    case Source::xml_root:
      gather_xml_root();
      break;
    case Source::json_pointer:
    case Source::json_rpc:
      gather_json();
      break;
  }
  return findings_;
}

void Evidence::gather_headers() {
  std::size_t values = 0;
  for (const HeaderField& header : request_.headers) {
    const std::uint32_t field = fields_.find_header(header.name);
    if (field == Fields::kNone) continue;
    findings_.push_back({header.value, field});
    if (++values == kMaxValues) return;
  }
}

void Evidence::gather_cookies() {
  std::size_t values = 0;
  for (const HeaderField& header : request_.headers) {
    if (!equals_ignoring_case(header.name, "cookie")) continue;
    for_each_cookie(header.value, [&](std::string_view name, std::string_view value) {
      const std::uint32_t field = fields_.find(Source::cookie, name);
      if (field != Fields::kNone && values++ < kMaxValues) findings_.push_back({value, field});
      return values < kMaxValues;
    });
  }
}

void Evidence::gather_pairs(Source source, std::string_view text) {
  std::size_t values = 0;
  for_each_form_pair(text, [&](std::string_view name, std::string_view value) {
    const std::uint32_t field = fields_.find(source, decoded(name));
    if (field == Fields::kNone) return true;
    findings_.push_back({decoded(value), field});
    return ++values < kMaxValues;
  });
}

void Evidence::gather_json() {
  json_ = fields_.json().find_all(body_.bytes);
  for (const JsonFinding& finding : json_) {
    if (finding.kind == JsonFinding::Kind::ids) continue;  // no predicate looks at them
    findings_.push_back({finding.text, finding.field, finding.kind != JsonFinding::Kind::container});
  }
}

std::vector<std::string> Evidence::record_ids(std::uint32_t field) {
  gather(Source::json_pointer);
  std::vector<std::string> ids;
  for (const JsonFinding& finding : json_) {
    if (finding.field != field) continue;
    std::string_view rest = finding.text;
    while (!rest.empty()) {
      ids.emplace_back(rest.substr(0, rest.find('\0')));
      rest.remove_prefix(ids.back().size() + 1);
    }
  }
  return ids;
}

void Evidence::gather_soap_action() {
  const std::uint32_t field = fields_.find(Source::soap_action, {});
  for (const HeaderField& header : request_.headers) {
    if (equals_ignoring_case(header.name, "soapaction")) {
      findings_.push_back({unquoted(header.value), field});
    } else if (equals_ignoring_case(header.name, "content-type") &&
               equals_ignoring_case(essence_of(header.value), "application/soap+xml")) {
      if (const auto action = action_of(header.value)) findings_.push_back({*action, field});
    }
  }
}

void Evidence::gather_xml_root() {
  if (auto root = find_xml_root(body_.bytes)) {
    xml_root_ = std::move(*root);
    findings_.push_back({xml_root_, fields_.find(Source::xml_root, {})});
  }
}

std::string_view Evidence::decoded(std::string_view text) {
  if (!is_form_encoded(text)) return text;
  std::string plain;
  append_form_decoded(text, plain);
  void* const copy = memory_.allocate(plain.size(), 1);
  return {static_cast<const char*>(std::copy(plain.begin(), plain.end(), static_cast<char*>(copy)) - plain.size()),
          plain.size()};
}

}  // namespace banyan::catalog
