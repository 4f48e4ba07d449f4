#include "adapters/records/record.hpp"

namespace banyan::records {

std::string_view to_string(Side side) {
  return side == Side::legacy ? "legacy" : "modern";
}

Json difference(const Json& from, const Json& to) {
  Json changed = Json::object();
  for (const auto& [field, before] : from.items()) {
    const auto after = to.find(field);
    if (after == to.end()) {
      changed[field]["from"] = before;
    } else if (*after != before) {
      changed[field] = {{"from", before}, {"to", *after}};
    }
  }
  for (const auto& [field, after] : to.items()) {
    if (!from.contains(field)) changed[field]["to"] = after;
  }
  return changed;
}

}  // namespace banyan::records
