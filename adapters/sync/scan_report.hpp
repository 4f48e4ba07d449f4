// What a run through a stream writes down: that it goes on, and examples of what it found.
#pragma once

#include <span>
#include <string>

#include "adapters/sync/sync_store.hpp"

namespace banyan::sync {

// Member of ScanState::report of a run that took the place of a sweep and does not do its work: a sweep follows it.
inline constexpr const char* kReplacedSweep = "replaced_sweep";
inline constexpr std::size_t kScanExamples = 20;
// In a sentence about schema drift: the field does not move. Without it the sentence is only told.
inline constexpr const char* kIsHeld = " is held: ";

bool is_same_run(const ScanState& some, const ScanState& other);

// Puts the run's progress into the commit; false: it is not the run under way any more, and nothing was changed.
bool go_on(View& view, const ScanState& next, Changes& changes);

void add_example(Json& report, Json example);

// A difference for people: {"kind": "different" | "missing_legacy" | "missing_modern", "legacy_id", "record_id",
// "fields": [{"field", "legacy", "modern"}]}, ids null where there is none, values left out where they are absent or
// long. `legacy`, `modern`: canonical data; null: that side has no record.
Json example_of(const Coupling& known, std::span<const FieldRule> rules, const Json& legacy, const Json& modern);

}  // namespace banyan::sync
