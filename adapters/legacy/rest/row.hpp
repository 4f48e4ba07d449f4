// One object of an answer as a record of the port, and a record's fields as the body of a request.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "adapters/legacy/legacy_system.hpp"
#include "adapters/legacy/rest/description.hpp"

namespace banyan::legacy::rest {

struct Row {
  LegacyRecord record;  // with a problem: what could be read of id, stamp and cursor, and {"raw": …} as fields
  std::string problem;  // why it is unreadable; empty: it is not
  std::optional<Moment> created;
};

// Never throws, whatever the object is.
Row read_row(const RestDescription& description, const RestType& type, const Json& item);

// Unreadable: no object, or one that is too large.
Row unreadable_row(const Json& item, std::string problem);

// An id as the port names it; nothing for one that is missing or of the wrong form. Ids that would change a path ("..")
// are of the wrong form.
std::optional<std::string> id_from_wire(const IdForm& form, const Json& value);
// The id as it stands in a body.
Json id_to_wire(const IdForm& form, const std::string& id);
// Whether a text can be an id of this form.
bool is_id(const IdForm& form, std::string_view text);

// Negative, zero, positive: the order of ids in feeds and scans. Numbers by value, texts by bytes.
int compare_ids(const IdForm& form, const std::string& a, const std::string& b);

// The version of a system that has none of its own, or only one that lists do not hold: a hash of the fields.
std::string content_version(const Json& fields);

// Puts the fields into an object as they go over the wire. Read-only fields and those that the description does not
// name are an error, whose text says so.
tl::expected<void, std::string> put_fields(const RestType& type, const Json& fields, Json& object);

}  // namespace banyan::legacy::rest
