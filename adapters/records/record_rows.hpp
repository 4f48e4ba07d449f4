// Rows of banyan.record and arrays for it, as text. Internal to the repositories of records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <pqxx/pqxx>
#include <string>
#include <string_view>

#include "adapters/records/record.hpp"

namespace banyan::records {

// The columns that record_of() reads, in its order, of a table or alias `r`. Not extract(): that computes in decimals,
// and a double holds the microseconds of today's times exactly as well.
inline constexpr const char* kRecordColumns =
    "r.entity, r.id, r.version, r.data, r.deleted, r.merged_into, "
    "(date_part('epoch', r.created_at) * 1000000)::bigint, (date_part('epoch', r.updated_at) * 1000000)::bigint";

inline constexpr std::size_t kRecordColumnCount = 8;

Record record_of(const pqxx::row& row);

// Microseconds since 1970 as a point in time.
WallTime wall_time(std::int64_t microseconds);

// The text of a PostgreSQL array, for a parameter: '{"a","b",NULL}'.
class ArrayText {
public:
  void add(std::string_view element);
  void add_null();
  void add_number(std::int64_t number);
  const std::string& finish();

private:
  void next();
  std::string text_ = "{";
  bool finished_ = false;
};

}  // namespace banyan::records
