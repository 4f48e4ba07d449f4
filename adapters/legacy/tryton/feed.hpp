// The order of Tryton's changes: the stamp of a record is its write_date, or its create_date as long as nobody has
// written it since. Tryton can neither compare nor order by that, so it is put together from what it can do. Pure.
//
// Stamps are set when a transaction begins, with microseconds; all records of one transaction share theirs. Within one
// stamp the ids decide, so that no page boundary can fall into equal rows.
#pragma once

#include <vector>

#include "adapters/legacy/legacy_system.hpp"
#include "adapters/legacy/tryton/values.hpp"

namespace banyan::legacy::tryton {

// Search domains for the rows after a cursor. The last two divide the first.
Json rows_after(const Cursor& cursor);     // all of them; no order of Tryton's is theirs
Json written_after(const Cursor& cursor);  // ordered by (write_date, id)
Json created_after(const Cursor& cursor);  // never written since; ordered by (create_date, id)

// Whether a comes before b. Stamps in the form of format_stamp.
bool comes_before(const Cursor& a, const Cursor& b);

// Orders the records by cursor, and leaves only the newest of those that are there twice: a record that was written
// between two queries is in both.
void put_in_order(std::vector<LegacyRecord>& records);

}  // namespace banyan::legacy::tryton
