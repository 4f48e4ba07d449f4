#include "adapters/sync/postgres_text.hpp"

#include "gateway/base/json_text.hpp"

namespace banyan::sync {

void Column::add_time(const std::optional<WallTime>& time) {
  if (time) {
    add(timestamp_text(*time));
  } else {
    add_null();
  }
}

void Column::add_json(const std::optional<records::Json>& value) {
  if (value && !value->is_null()) {
    add(value->dump());
  } else {
    add_null();
  }
}

void Column::add_or_null(std::string_view value) {
  if (value.empty()) {
    add_null();
  } else {
    add(value);
  }
}

void Column::add_texts(const std::vector<std::string>& values) {
  add(array_text(values));
}

std::string array_text(const std::vector<std::string>& values) {
  records::ArrayText out;
  for (const std::string& value : values) out.add(value);
  return out.finish();
}

std::string timestamp_text(WallTime time) {
  std::string out;
  append_rfc3339(out, time);
  return out;
}

records::Json json_of(const pqxx::field& field) {
  if (field.is_null()) return nullptr;
  const std::string_view text = text_of(field);
  return records::Json::parse(text.begin(), text.end());
}

std::vector<std::string> texts_of(const pqxx::field& field) {
  if (field.size() == 0) return {};
  return json_of(field).get<std::vector<std::string>>();
}

}  // namespace banyan::sync
