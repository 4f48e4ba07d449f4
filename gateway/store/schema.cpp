#include "gateway/store/schema.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "gateway/base/log.hpp"
#include "gateway/store/sqlstate.hpp"

namespace banyan::store {
namespace {

// Any number that no other program on the same database is likely to choose.
constexpr const char* kLock = "SELECT pg_advisory_xact_lock(4242006215381)";

// IF NOT EXISTS would ask for the right to create a schema even where there is one.
constexpr const char* kHasSchema = "SELECT FROM pg_namespace WHERE nspname = 'banyan'";
constexpr const char* kMakeSchema = "CREATE SCHEMA banyan";

constexpr const char* kHasVersions =
    "SELECT FROM pg_tables WHERE schemaname = 'banyan' AND tablename = 'schema_version'";

// Default privileges let the running program change every new table; this one it may only read.
constexpr const char* kMakeVersions = R"(
CREATE TABLE banyan.schema_version (
  number     integer PRIMARY KEY CHECK (number >= 1),
  name       text NOT NULL,
  checksum   text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE banyan.schema_version IS 'The schema files that were applied; checksum is SHA-256 of the text';
DO $$
DECLARE
  role name;
BEGIN
  FOR role IN SELECT DISTINCT grantee FROM information_schema.role_table_grants
      WHERE table_schema = 'banyan' AND table_name = 'schema_version' AND grantee NOT IN (current_user, 'PUBLIC') LOOP
    EXECUTE format('REVOKE ALL ON banyan.schema_version FROM %I', role);
    EXECUTE format('GRANT SELECT ON banyan.schema_version TO %I', role);
  END LOOP;
END $$)";

constexpr const char* kApplied = "SELECT number, name FROM banyan.schema_version ORDER BY number";
constexpr const char* kChecksums =
    "SELECT (SELECT checksum FROM banyan.schema_version WHERE number = $1), "
    "encode(sha256(convert_to($2, 'UTF8')), 'hex')";
constexpr const char* kRecord = "INSERT INTO banyan.schema_version (number, name, checksum) VALUES ($1, $2, $3)";

std::string label(int number, std::string_view name) {
  std::string digits = std::to_string(number);
  digits.insert(0, digits.size() < 4 ? 4 - digits.size() : 0, '0');
  return digits + "_" + std::string(name) + ".sql";
}

Rollback refusal(ErrorCode code, std::string message, std::string detail = {}) {
  return Rollback(Error{code, std::move(message), std::move(detail)});
}

void prepare(Transaction& tx) {
  tx.exec(kLock);
  if (tx.exec(kHasSchema).empty()) tx.exec(kMakeSchema);
  if (tx.exec(kHasVersions).empty()) tx.exec(kMakeVersions);
}

void refuse_unknown(Transaction& tx, const std::vector<SchemaFile>& files) {
  for (const auto& row : tx.exec(kApplied)) {
    const int number = row[0].as<int>();
    const bool known =
        std::any_of(files.begin(), files.end(), [number](const SchemaFile& file) { return file.number == number; });
    if (known) continue;
    throw refusal(ErrorCode::conflict, "the database holds schema file " + label(number, row[1].c_str()) +
                                           ", which this version of Banyan does not know: start the newer version that "
                                           "applied it, or restore a backup from before");
  }
}

// Whether the file was applied just now.
bool apply(Transaction& tx, const SchemaFile& file) {
  tx.exec(kLock);
  const auto sums = tx.exec_params1(kChecksums, file.number, std::string(file.sql));
  if (!sums[0].is_null()) {
    if (sums[0].as<std::string>() == sums[1].as<std::string>()) return false;
    throw refusal(ErrorCode::conflict, "schema file " + label(file.number, file.name) +
                                           " has changed since it was applied: changes belong in a new file");
  }
  try {
    tx.exec(std::string(file.sql));
  } catch (const pqxx::sql_error& error) {
    const std::string state = sqlstate_of(error);
    if (state.empty() || state.starts_with("57")) throw;  // not the file's fault: cancelled, connection lost
    throw refusal(ErrorCode::internal, "schema file " + label(file.number, file.name) + " fails: " + error.what());
  }
  tx.exec_params(kRecord, file.number, std::string(file.name), sums[1].as<std::string>());
  return true;
}

}  // namespace

Result<void> apply_schema(Database& database, std::span<const SchemaFile> files, Deadline deadline) {
  std::vector<SchemaFile> sorted(files.begin(), files.end());
  std::sort(sorted.begin(), sorted.end(), [](const SchemaFile& a, const SchemaFile& b) { return a.number < b.number; });
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end(),
                                        [](const SchemaFile& a, const SchemaFile& b) { return a.number == b.number; });
  if (twice != sorted.end()) {
    return fail(ErrorCode::invalid_argument, "two schema files have one number: " + label(twice->number, twice->name) +
                                                 ", " + label(std::next(twice)->number, std::next(twice)->name));
  }
  auto prepared = database.run(deadline, [&sorted](Transaction& tx) {
    prepare(tx);
    refuse_unknown(tx, sorted);
  });
  if (!prepared) return prepared;
  for (const SchemaFile& file : sorted) {
    const auto fresh = database.transact<bool>(deadline, [&file](Transaction& tx) { return apply(tx, file); });
    if (!fresh) return tl::unexpected<Error>(fresh.error());
    if (*fresh) log::info("schema file applied", {{"file", label(file.number, file.name)}});
  }
  return {};
}

}  // namespace banyan::store
