// The schema: numbered files that are applied once each, in order.
//
// Everything lives in PostgreSQL's schema `banyan`. What was applied is recorded in banyan.schema_version; a file that
// was applied never changes again, what comes later is a new file. Modules grow side by side, so a file may be applied
// after one with a higher number.
#pragma once

#include <span>
#include <string_view>

#include "gateway/base/clock.hpp"
#include "gateway/base/result.hpp"
#include "gateway/store/database.hpp"

namespace banyan::store {

// Made by banyan_schema_files() (cmake/BanyanSchema.cmake) from NNNN_name.sql; texts of static lifetime.
struct SchemaFile {
  int number;             // unique among all modules, at least 1
  std::string_view name;  // "record"
  std::string_view sql;   // several statements; no BEGIN, COMMIT or anything that cannot be in a transaction
};

// Brings the database to the state that `files` (of all modules together, in any order) describe; does nothing if it is
// there. Each file is applied in a transaction of its own, under an advisory lock: several processes may start at once,
// and one that fails leaves the files before it applied. `database` logs in as the owner of the schema.
// Errors, whose public messages name the file and are meant for whoever starts Banyan:
//   conflict          a file that was applied has changed since, or the database holds one that `files` lacks: a newer
//                     Banyan has been here
//   invalid_argument  two files with one number
//   internal          PostgreSQL refuses a file, with its reason
//   and those of Database::run().
Result<void> apply_schema(Database& database, std::span<const SchemaFile> files, Deadline deadline);

}  // namespace banyan::store
