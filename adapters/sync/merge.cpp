#include "adapters/sync/merge.hpp"

#include <algorithm>
#include <utility>

#include "adapters/sync/field_values.hpp"

namespace banyan::sync {
namespace {

bool contains(std::span<const std::string> names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Modern wins only if its edit is later for certain: staff must not lose an edit to a clock.
Winner newest(const EditTimes& times, std::chrono::milliseconds uncertainty) {
  if (!times.modern || !times.legacy_from) return Winner::legacy;
  return *times.modern > *times.legacy_from + uncertainty ? Winner::modern : Winner::legacy;
}

Winner decide(const FieldRule& rule, const Json& legacy, const Json& modern, const MergeInput& input) {
  if (rule.direction == Direction::to_modern) return Winner::legacy;
  if (rule.direction == Direction::to_legacy) return Winner::modern;
  switch (rule.policy) {
    case Policy::legacy:
      return Winner::legacy;
    case Policy::modern:
      return Winner::modern;
    case Policy::non_empty:
      if (legacy.is_null()) return Winner::modern;
      return modern.is_null() ? Winner::legacy : Winner::nobody;
    case Policy::review:
      return Winner::nobody;
    case Policy::newest:
      break;
  }
  return newest(input.times ? input.times(rule.field) : EditTimes{}, input.clock_uncertainty);
}

// Whom a field's new value comes from, when it was not moved by both sides.
Winner one_sided(const FieldRule& rule, bool legacy_moved) {
  if (rule.direction == Direction::to_modern) return Winner::legacy;
  if (rule.direction == Direction::to_legacy) return Winner::modern;
  return legacy_moved ? Winner::legacy : Winner::modern;
}

void merge_field(const FieldRule& rule, const MergeInput& input, const Json& base, MergeResult& result) {
  const Json& legacy = value_of(*input.legacy, rule.field);
  const Json& modern = value_of(*input.modern, rule.field);
  const Json& agreed = value_of(base, rule.field);
  if (legacy == modern) {  // converged, or nothing moved
    set_value(result.base, rule.field, legacy);
    return;
  }
  const bool legacy_moved = legacy != agreed;
  const bool modern_moved = modern != agreed;
  const bool both_moved = legacy_moved && modern_moved;
  const Winner winner = both_moved ? decide(rule, legacy, modern, input) : one_sided(rule, legacy_moved);
  const bool taken_back = !both_moved && (winner == Winner::legacy) != legacy_moved;
  if (both_moved || taken_back) result.conflicts.push_back({rule.field, agreed, legacy, modern, winner});
  if (winner == Winner::nobody) return;
  set_value(result.base, rule.field, legacy);
  if (winner == Winner::legacy) set_value(result.record, rule.field, legacy);
}

bool waits(const MergeResult& result, const std::string& field) {
  return std::any_of(result.conflicts.begin(), result.conflicts.end(), [&](const FieldConflict& conflict) {
    return conflict.winner == Winner::nobody && conflict.field == field;
  });
}

}  // namespace

std::string_view to_string(Policy policy) {
  switch (policy) {
    case Policy::newest:
      return "newest";
    case Policy::legacy:
      return "legacy";
    case Policy::modern:
      return "modern";
    case Policy::non_empty:
      return "non_empty";
    case Policy::review:
      break;
  }
  return "review";
}

std::string_view to_string(Winner winner) {
  switch (winner) {
    case Winner::legacy:
      return "legacy";
    case Winner::modern:
      return "modern";
    case Winner::nobody:
      break;
  }
  return "nobody";
}

MergeResult merge(const MergeInput& input) {
  MergeResult result;
  // Without a base nothing has been agreed on yet: every field counts as empty, so the fuller side fills the other.
  const Json base = input.base ? *input.base : Json::object();
  result.record = *input.modern;
  result.base = base;
  for (const FieldRule& rule : input.rules) {
    if (!contains(input.held, rule.field)) merge_field(rule, input, base, result);
  }
  for (std::string& field : fields_to_push(input.rules, result.base, result.record, input.held)) {
    if (!waits(result, field)) result.to_push.push_back(std::move(field));
  }
  result.record_changed = result.record != *input.modern;
  result.base_changed = !input.base || result.base != *input.base;
  return result;
}

std::vector<std::string> fields_to_push(std::span<const FieldRule> rules, const Json& base, const Json& record,
                                        std::span<const std::string> held) {
  std::vector<std::string> fields;
  for (const FieldRule& rule : rules) {
    if (rule.direction == Direction::to_modern || contains(held, rule.field)) continue;
    if (value_of(base, rule.field) != value_of(record, rule.field)) fields.push_back(rule.field);
  }
  return fields;
}

}  // namespace banyan::sync
