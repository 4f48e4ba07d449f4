#include "adapters/records/record_rows.hpp"

#include <chrono>

namespace banyan::records {

WallTime wall_time(std::int64_t microseconds) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::microseconds(microseconds)));
}

Record record_of(const pqxx::row& row) {
  Record record;
  record.entity = row[0].c_str();
  record.id = row[1].c_str();
  record.version = row[2].as<std::int64_t>();
  record.data = Json::parse(row[3].c_str());
  record.deleted = row[4].as<bool>();
  record.merged_into = row[5].c_str();  // NULL reads as ""
  record.created_at = wall_time(row[6].as<std::int64_t>());
  record.updated_at = wall_time(row[7].as<std::int64_t>());
  return record;
}

void ArrayText::next() {
  if (text_.size() > 1) text_ += ',';
}

void ArrayText::add(std::string_view element) {
  next();
  text_ += '"';
  std::size_t written = 0;
  for (std::size_t at = element.find_first_of("\"\\"); at != std::string_view::npos;
       at = element.find_first_of("\"\\", at + 1)) {
    text_.append(element, written, at - written);
    text_ += '\\';
    written = at;
  }
  text_.append(element, written);
  text_ += '"';
}

void ArrayText::add_null() {
  next();
  text_ += "NULL";
}

void ArrayText::add_number(std::int64_t number) {
  next();
  text_ += std::to_string(number);
}

const std::string& ArrayText::finish() {
  if (!finished_) text_ += '}';
  finished_ = true;
  return text_;
}

}  // namespace banyan::records
