#include "adapters/legacy/tryton/feed.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace banyan::legacy::tryton {
namespace {

Json clause(const char* field, const char* comparison, Json value) {
  return Json::array({field, comparison, std::move(value)});
}

// Rows whose `column` and id come after the cursor.
Json after(const char* column, const Cursor& cursor) {
  const auto stamp = parse_stamp(cursor.stamp);
  if (!stamp) return Json::array({clause(column, "!=", nullptr)});
  const Json moment = typed_datetime(*stamp);
  const auto id = parse_id(cursor.id);
  if (!id) return Json::array({clause(column, ">=", moment)});
  return Json::array({"OR", Json::array({clause(column, ">", moment)}),
                      Json::array({clause(column, "=", moment), clause("id", ">", *id)})});
}

}  // namespace

Json written_after(const Cursor& cursor) {
  return after("write_date", cursor);
}

Json created_after(const Cursor& cursor) {
  return Json::array({clause("write_date", "=", nullptr), after("create_date", cursor)});
}

Json rows_after(const Cursor& cursor) {
  return Json::array({"OR", written_after(cursor), created_after(cursor)});
}

bool comes_before(const Cursor& a, const Cursor& b) {
  return std::make_tuple(std::string_view(a.stamp), parse_id(a.id).value_or(0)) <
         std::make_tuple(std::string_view(b.stamp), parse_id(b.id).value_or(0));
}

void put_in_order(std::vector<LegacyRecord>& records) {
  std::sort(records.begin(), records.end(),
            [](const LegacyRecord& a, const LegacyRecord& b) { return comes_before(b.cursor, a.cursor); });
  std::set<std::string> seen;  // from the newest to the oldest
  const auto older = [&](const LegacyRecord& record) { return !seen.insert(record.id).second; };
  std::vector<LegacyRecord> newest;
  for (auto& record : records) {
    if (!older(record)) newest.push_back(std::move(record));
  }
  std::reverse(newest.begin(), newest.end());
  records = std::move(newest);
}

}  // namespace banyan::legacy::tryton
