#include "adapters/sync/scan_report.hpp"

#include <utility>

namespace banyan::sync {
namespace {

constexpr std::size_t kValueBytes = 200;
constexpr std::size_t kFields = 10;  // of one example

Json id_or_null(const std::string& id) {
  return id.empty() ? Json() : Json(id);
}

void put(Json& field, const char* side, const Json& value) {
  if (!value.is_null() && value.dump(-1, ' ', false, Json::error_handler_t::replace).size() <= kValueBytes) {
    field[side] = value;
  }
}

bool holds_deletes(const Json& missing) {
  return missing.is_object() && missing.value("held", false);
}

}  // namespace

std::optional<std::string> fault_in(const ScanRequest& request) {
  if (!request.accepts_deletes) return std::nullopt;
  if (request.dry_run) return "A dry run deletes nothing, so it cannot accept deletes.";
  if (request.kind == ScanState::Kind::verify && !request.repair) {
    return "A verify without repair deletes nothing, so it cannot accept deletes.";
  }
  return std::nullopt;
}

bool is_same_run(const ScanState& some, const ScanState& other) {
  return some.kind == other.kind && some.started == other.started;
}

bool go_on(View& view, const ScanState& next, Changes& changes) {
  StreamState state = changes.state ? *changes.state : view.state();
  if (!is_same_run(state.scan, next)) return false;
  state.scan = next;
  changes.state = std::move(state);
  return true;
}

void add_example(Json& report, Json example) {
  Json& examples = report[kDifferences];
  if (!examples.is_array()) examples = Json::array();
  if (examples.size() < kScanExamples) examples.push_back(std::move(example));
}

Json report_of_next(const Json& last) {
  Json report = Json::object();
  if (const Json held = shown_missing(last); holds_deletes(held)) report[kHeldBefore] = held;
  return report;
}

Json shown_missing(const Json& report) {
  const Json found = report.value(kMissing, Json());
  return holds_deletes(found) ? found : report.value(kHeldBefore, found);
}

Json shown_dry_run(Json report) {
  report.erase(kReplacedSweep);
  report.erase(kHeldBefore);
  return report;
}

Json example_of(const Coupling& known, std::span<const FieldRule> rules, const Json& legacy, const Json& modern) {
  const std::string record_id = known.link ? known.link->record_id : known.record ? known.record->id : "";
  Json example{{"kind", legacy.is_null()   ? "missing_legacy"
                        : modern.is_null() ? "missing_modern"
                                           : "different"},
               {"legacy_id", id_or_null(known.legacy_id)},
               {"record_id", id_or_null(record_id)},
               {"fields", Json::array()}};
  const auto value_of = [](const Json& data, const std::string& field) {
    return data.is_object() ? data.value(field, Json()) : Json();
  };
  for (const FieldRule& rule : rules) {
    const Json there = value_of(legacy, rule.field);
    const Json here = value_of(modern, rule.field);
    if (there == here || example["fields"].size() == kFields) continue;
    Json field{{"field", rule.field}};
    put(field, "legacy", there);
    put(field, "modern", here);
    example["fields"].push_back(std::move(field));
  }
  return example;
}

}  // namespace banyan::sync
