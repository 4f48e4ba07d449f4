// Subject: whom a split sticks to. Extracted from a request by the first source that is present.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "migration/catalog/request_view.hpp"

namespace banyan::catalog {

struct SubjectSource {
  enum class Kind : std::uint8_t {
    header,   // key: field name
    cookie,   // key: cookie name
    jwt,      // key: claim of the bearer token; the signature is not checked: for stickiness only, never for access
    basic,    // user of Authorization: Basic
    tryton,   // user of Authorization: Session base64("login:id:session")
    address,  // the client's address, without port
  };
  Kind kind = Kind::address;
  std::string key;
  bool operator==(const SubjectSource&) const = default;
};

struct Subject {
  SubjectSource::Kind source = SubjectSource::Kind::address;
  std::uint64_t hash = 0;  // of kind and value; what logs show and splits use, so that no name leaves the request
};

// `client_address` is the textual address of the client, trusted proxies taken into account. With no source present
// the address serves.
Subject extract_subject(const std::vector<SubjectSource>& sources, const RequestView& request,
                        std::string_view client_address);

}  // namespace banyan::catalog
