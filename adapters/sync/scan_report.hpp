// What a run through a stream writes down: that it goes on, and examples of what it found.
#pragma once

#include <span>
#include <string>

#include "adapters/sync/sync_store.hpp"

namespace banyan::sync {

// Member of ScanState::report of a run that took the place of a sweep and does not do its work: a sweep follows it.
inline constexpr const char* kReplacedSweep = "replaced_sweep";
inline constexpr std::size_t kScanExamples = 20;
inline constexpr const char* kDifferences = "differences";  // member of ScanState::report: examples of them
// Member of ScanState::report of a run that has counted: {"count": links not met, "linked": of how many, "gone": those
// of them that are gone, counted only if many were not met, else null, "held": whether that is too much to be believed,
// "examples": legacy ids of the first that are gone}.
inline constexpr const char* kMissing = "missing";
// Member of ScanState::report of a run that began while deletes were held: what stood in kMissing then. It goes when a
// run ends that could have deleted them.
inline constexpr const char* kHeldBefore = "held_before";
// Member of ScanState::report of a verify that could not judge everything: [{"records": how many, "reason": a
// sentence}].
inline constexpr const char* kLeftOut = "left_out";
// In a sentence about schema drift: the field does not move. Without it the sentence is only told.
inline constexpr const char* kIsHeld = " is held: ";

bool is_same_run(const ScanState& some, const ScanState& other);

// Puts the run's progress into the commit; false: it is not the run under way any more, and nothing was changed.
bool go_on(View& view, const ScanState& next, Changes& changes);

void add_example(Json& report, Json example);

// What the report of a run begins with, from that of the run before it.
Json report_of_next(const Json& last);
// What people are shown as kMissing: what this run has found, or what is held since an earlier one. Null: nothing.
Json shown_missing(const Json& report);
// The report of a dry run without what is kept in it for the runs that follow.
Json shown_dry_run(Json report);

// A difference for people: {"kind": "different" | "missing_legacy" | "missing_modern", "legacy_id", "record_id",
// "fields": [{"field", "legacy", "modern"}]}, ids null where there is none, values left out where they are absent or
// long. `legacy`, `modern`: canonical data; null: that side has no record.
Json example_of(const Coupling& known, std::span<const FieldRule> rules, const Json& legacy, const Json& modern);

}  // namespace banyan::sync
