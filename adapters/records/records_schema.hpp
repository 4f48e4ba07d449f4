// The tables of records: banyan.stream, record, record_history, outbox.
#pragma once

#include <span>

#include "gateway/store/schema.hpp"

namespace banyan::records {

std::span<const store::SchemaFile> records_schema();

}  // namespace banyan::records
