// Fields of a record as JSON: a field without a value is absent, so "absent" and "null" are one.
#pragma once

#include <string>
#include <vector>

#include "adapters/sync/merge.hpp"

namespace banyan::sync {

inline const Json kNoValue;

// The value of a field; null where it is absent. Lives as long as `data`.
inline const Json& value_of(const Json& data, const std::string& field) {
  const auto found = data.find(field);
  return found == data.end() ? kNoValue : *found;
}

inline void set_value(Json& data, const std::string& field, const Json& value) {
  if (value.is_null()) {
    data.erase(field);
  } else {
    data[field] = value;
  }
}

// Values of some fields, absent ones left out.
inline Json pick(const Json& data, const std::vector<std::string>& fields) {
  Json out = Json::object();
  for (const std::string& field : fields) {
    if (const auto found = data.find(field); found != data.end()) out[field] = *found;
  }
  return out;
}

}  // namespace banyan::sync
