// All rows of PostgreSQL against those of the MemoryStore.
#pragma once

#include "gateway/store/database.hpp"
#include "tests/simulation/memory_store.hpp"

namespace banyan::simulation {

// Throw Violation.
void compare_records(store::Transaction& tx, const MemoryStore& memory);
void compare_stream(store::Transaction& tx, const MemoryStore::StreamRows& memory);

}  // namespace banyan::simulation
