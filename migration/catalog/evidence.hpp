// Evidence: what a request shows at the places that predicates look at.
//
// A Fields says which places the functions of a table look at, and numbers them. An Evidence belongs to one call of
// recognise(): it reads each part of the request (headers, cookies, query, body) at most once, and only when asked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "migration/catalog/edge_table.hpp"
#include "migration/catalog/function.hpp"
#include "migration/catalog/json_pointers.hpp"
#include "migration/catalog/request_view.hpp"

namespace banyan::catalog {

// ASCII only, as names of headers and hosts are.
char to_lower(char c);
bool equals_ignoring_case(std::string_view a, std::string_view b);

class Fields {
public:
  static constexpr std::uint32_t kNone = EdgeTable::kNone;

  // The number of the place; the same place gets the same number. A JSON pointer must be well-formed.
  std::uint32_t add(Predicate::Source source, std::string_view key);

  // The number of the place in a JSON body where the ids of records stand. The pointer must be well-formed.
  std::uint32_t add_record_ids(std::string_view pointer);

  // The number, or kNone if no function looks there. Header names are compared without case.
  std::uint32_t find(Predicate::Source source, std::string_view key) const;
  std::uint32_t find_header(std::string_view name) const;

  const JsonPointers& json() const { return json_; }

private:
  static constexpr std::uint32_t kRecordIds = 0xFF;  // node of numbers_: no source has this number
  static constexpr std::size_t kMaxHeaderName = 128;

  EdgeTable numbers_;  // node: the source, or kRecordIds
  std::uint32_t count_ = 0;
  JsonPointers json_;
  // Which lengths and first letters the header names have: most headers of a request are ruled out by these.
  std::uint64_t header_lengths_ = 0;
  std::uint64_t header_initials_ = 0;
};

struct Finding {
  std::string_view text;
  std::uint32_t field = 0;
  bool is_scalar = true;  // false: a JSON array or object, which only `present` matches
};

class Evidence {
public:
  // Of one place and kind (header, cookie, query, form), this many values are looked at; later ones are not.
  static constexpr std::size_t kMaxValues = 64;

  Evidence(const Fields& fields, const RequestView& request, const BodyView& body);
  Evidence(const Evidence&) = delete;
  Evidence& operator=(const Evidence&) = delete;

  // Whether the Content-Type allows the body to be read for this source (docs/reference/matching.md).
  bool admits(Predicate::Source source);

  // Reads what `source` needs, if that has not been done. Then findings() has the values of its places, among others.
  // Sources of the body need it complete; without it they show nothing.
  const std::pmr::vector<Finding>& gather(Predicate::Source source);

  // The ids at a place of add_record_ids(); none if the body is not complete or not JSON.
  std::vector<std::string> record_ids(std::uint32_t field);

private:
  enum class MediaType : std::uint8_t { unknown, absent, form, multipart, xml, other, conflicting };

  MediaType media_type();
  void gather_headers();
  void gather_cookies();
  void gather_pairs(Predicate::Source source, std::string_view text);
  void gather_json();
  void gather_soap_action();
  void gather_xml_root();
  std::string_view decoded(std::string_view text);

  const Fields& fields_;
  const RequestView& request_;
  const BodyView& body_;
  std::uint32_t gathered_ = 0;  // bit by source
  MediaType media_type_ = MediaType::unknown;
  std::array<std::byte, 1024> stack_;  // enough for common requests, so that they do not allocate
  std::pmr::monotonic_buffer_resource memory_;
  std::pmr::vector<Finding> findings_;
  std::vector<JsonFinding> json_;  // owns the texts of findings
  std::string xml_root_;
};

}  // namespace banyan::catalog
