// The texts that PostgreSQL reads: arrays for set-based statements, timestamps; and back.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/records/record_rows.hpp"
#include "gateway/base/clock.hpp"

namespace banyan::sync {

// One parameter of a set-based statement: a value for each row.
class Column : public records::ArrayText {
public:
  void add_flag(bool value) { add(value ? "t" : "f"); }
  void add_time(const std::optional<WallTime>& time);        // nothing: NULL
  void add_json(const std::optional<records::Json>& value);  // nothing, or JSON null: NULL
  void add_or_null(std::string_view value);                  // empty: NULL
  void add_texts(const std::vector<std::string>& values);    // to be cast to text[] row by row
};

std::string array_text(const std::vector<std::string>& values);

// RFC 3339 in UTC; what is finer than a microsecond is cut off.
std::string timestamp_text(WallTime time);

inline std::string_view text_of(const pqxx::field& field) {
  return {field.c_str(), field.size()};
}

template <typename Integer = std::int64_t>
Integer number_of(const pqxx::field& field) {
  Integer value = 0;
  std::from_chars(field.c_str(), field.c_str() + field.size(), value);
  return value;
}

inline bool flag_of(const pqxx::field& field) {
  return field.c_str()[0] == 't';
}

// A timestamp that was selected with BANYAN_MICROS.
inline WallTime time_of(const pqxx::field& field) {
  return records::wall_time(number_of(field));
}

// NULL becomes JSON null.
records::Json json_of(const pqxx::field& field);

// A text[] that was selected as to_json(...).
std::vector<std::string> texts_of(const pqxx::field& field);

}  // namespace banyan::sync

// Selects a timestamptz as microseconds since 1970; exact, since doubles hold today's to a quarter of one.
#define BANYAN_MICROS(column) "(date_part('epoch', " column ") * 1000000)::bigint"
