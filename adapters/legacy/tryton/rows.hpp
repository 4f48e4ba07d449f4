// From the rows that Tryton reads out to records. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adapters/legacy/legacy_system.hpp"
#include "adapters/legacy/tryton/values.hpp"

namespace banyan::legacy::tryton {

// What is read of each record of a type.
struct RowShape {
  std::vector<std::string> fields;  // that go into LegacyRecord::fields
  std::string replaced_by;          // the many2one to the record that replaced it; empty: the type has none
  std::int64_t our_user = 0;
};

// The names to ask Tryton for: those of the record itself, and those that tell its version, stamp and author.
Json names_to_read(const RowShape& shape);
// The latter alone.
Json names_of_frame();

// A row with the names above. What is wrong with one that is not as promised: a text for people.
Value<LegacyRecord> to_record(const Json& row, const RowShape& shape);

// What can be told of a row that is not as promised: id, stamp and version if they are, and the beginning of its text
// in fields["raw"].
LegacyRecord to_unreadable(const Json& row, const std::string& problem);

}  // namespace banyan::legacy::tryton
