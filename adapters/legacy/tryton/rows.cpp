#include "adapters/legacy/tryton/rows.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "adapters/legacy/http_client.hpp"

namespace banyan::legacy::tryton {
namespace {

constexpr std::size_t kRawLimit = 16U << 10U;
constexpr std::array<const char*, 6> kFrame{"id", "_timestamp", "create_date", "write_date", "create_uid", "write_uid"};

std::optional<std::int64_t> integer(const Json& row, const char* name) {
  const auto found = row.find(name);
  if (found == row.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

// none: the row has no such stamp; an error: it has something else there.
Value<std::optional<WallTime>> stamp(const Json& row, const char* name) {
  const auto found = row.find(name);
  if (found == row.end()) return tl::unexpected("expected " + std::string(name) + " in the row");
  if (found->is_null()) return std::optional<WallTime>();
  const auto plain = to_plain(*found);
  const auto time = plain && plain->is_string() ? parse_stamp(plain->get<std::string>()) : std::nullopt;
  if (!time) return tl::unexpected("expected a time in " + std::string(name));
  return time;
}

// Id, version, stamp and cursor.
Value<LegacyRecord> read_frame(const Json& row) {
  if (!row.is_object()) return tl::unexpected(std::string("expected an object for a record"));
  const auto id = integer(row, "id");
  if (!id || *id <= 0) return tl::unexpected(std::string("expected a positive id"));
  LegacyRecord record;
  record.id = std::to_string(*id);
  const auto written = stamp(row, "write_date");
  if (!written) return tl::unexpected(written.error());
  const auto created = stamp(row, "create_date");
  if (!created) return tl::unexpected(created.error());
  record.stamp = *written ? *written : *created;
  if (record.stamp) record.cursor = Cursor{format_stamp(*record.stamp), record.id};
  const auto version = row.find("_timestamp");
  if (version == row.end() || !(version->is_string() || version->is_null())) {
    return tl::unexpected(std::string("expected a text in _timestamp"));
  }
  if (version->is_string()) record.version = version->get<std::string>();
  if (record.version.find('\0') != std::string::npos) {
    return tl::unexpected(std::string("expected a text without NUL in _timestamp"));
  }
  return record;
}

}  // namespace

Json names_of_frame() {
  Json names = Json::array();
  for (const char* name : kFrame) names.push_back(name);
  return names;
}

Json names_to_read(const RowShape& shape) {
  Json names = names_of_frame();
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const auto& field : shape.fields) add(field);
  add(shape.replaced_by);
  return names;
}

Value<LegacyRecord> to_record(const Json& row, const RowShape& shape) {
  auto record = read_frame(row);
  if (!record) return record;
  const auto writer = integer(row, "write_uid");
  const auto author = writer ? writer : integer(row, "create_uid");
  record->by_us = author && *author == shape.our_user;
  for (const auto& field : shape.fields) {
    const auto value = row.find(field);
    if (value == row.end()) return tl::unexpected("expected field " + field + " in the row");
    auto plain = to_plain(*value);
    if (!plain) return tl::unexpected("field " + field + ": " + plain.error());
    record->fields[field] = std::move(*plain);
  }
  if (!shape.replaced_by.empty()) {
    if (const auto id = integer(row, shape.replaced_by.c_str())) record->merged_into = std::to_string(*id);
  }
  return record;
}

LegacyRecord to_unreadable(const Json& row, const std::string& problem) {
  LegacyRecord record = read_frame(row).value_or(LegacyRecord{});
  if (record.id.empty() && row.is_object()) {
    if (const auto id = integer(row, "id")) record.id = std::to_string(*id);
  }
  record.fields["raw"] = excerpt(row.dump(-1, ' ', false, Json::error_handler_t::replace), kRawLimit);
  record.fields["problem"] = problem;
  return record;
}

}  // namespace banyan::legacy::tryton
