// Bringing tombstones back, with what belongs to them. Internal to RecordStore.
#pragma once

#include <optional>
#include <vector>

#include "adapters/records/ontology.hpp"
#include "adapters/records/record.hpp"
#include "adapters/records/record_store.hpp"
#include "gateway/store/database.hpp"

namespace banyan::records {

// The next version of a tombstone, live again with the data that it holds.
RecordWrite revival(const Record& tombstone, const Author& author);

// Brings back the parts that went with the record, and theirs, and says of each what became of it. `whole`: the
// tombstone that it was; by now it is live again, since its parts refer to it. Nothing: the parts are more than `most`,
// some of them are written, and the transaction must not be committed.
std::optional<std::vector<Restored::Part>> restore_parts(store::Transaction& tx, const Ontology& ontology,
                                                         const Author& author, const Record& whole, std::size_t most);

}  // namespace banyan::records
