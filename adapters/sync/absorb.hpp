// absorb(): takes what was read from the legacy side and says what the store must write. Pure but for the View.
//
// Whatever brought the rows here (feed, observed write, scan, retry, the answer to a write of ours), there is this one
// way in. For each row it decides between: a repeat (nothing), an echo of our own write, an edit to be merged, a first
// coupling, a delete, a restore, a merge of two records, and the reasons to wait or to ask a person.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "adapters/sync/stream.hpp"
#include "adapters/sync/sync_store.hpp"

namespace banyan::sync {

// One legacy record as it was read.
struct Intake {
  legacy::LegacyRecord row;
  Via via = Via::feed;
  bool captured = true;  // counts as a captured change; not for what a write of ours returned, nor for a retry
  std::optional<PendingWrite> confirmed;  // this write of ours is known to have arrived
  bool refused = false;                   // the link's pending write is known not to have happened
  std::int64_t carries_out = 0;           // the answered matter for whose sake the row was read
  std::int32_t hops = 1;                  // systems that the change has gone through, this one included
  std::string unreadable;                 // why the row could not be read; empty: it could
  bool found = false;                     // it was found to be what we had created, without an answer that said so
  std::string created_for;                // the record that we have just made this legacy record for
  Json corrected;                         // canonical values that a person gives the record in place of the row's
  // What a person has decided, by field: "legacy", "modern" or {"value": …}; "*": the whole record, "legacy", "modern"
  // or {"record": id} for the record that it is to be coupled with.
  Json answer;
  std::string answered_by;

  bool is_decided() const { return !answer.empty() || !corrected.empty(); }
};

struct AbsorbContext {
  StreamId stream = 0;
  const StreamMapping& mapping;
  const StreamOptions& options;
  const MakeId& make_id;
  WallTime read_at{};                         // our clock, before the rows were read
  std::chrono::nanoseconds read_ago{0};       // since then
  bool has_versions = false;                  // CompareAndSet::version
  bool chooses_ids = false;                   // CreateIdentity::chosen_id
  std::chrono::microseconds legacy_ahead{0};  // how far the legacy clock runs before ours
  const std::vector<std::string>& drifted;    // fields held because the legacy schema has changed
  const std::vector<std::string>& vanished;   // those of them that the legacy system had no more when last asked
  bool tells_all = false;                     // also of rows that are known to wait: a dry run
};

struct Absorbed {
  Changes changes;
  std::int32_t near_misses = 0;          // values of ours that the legacy side had rewritten
  std::vector<Reference> missing;        // records that others refer to and that have not been captured yet
  bool deleted_any = false;              // records whose children may have gone with them
  bool must_wait = false;                // a row that stands for no captured change cannot be taken in yet
  std::optional<WallTime> oldest_stamp;  // of the captured changes: for the lag
};

// The legacy ids of those rows whose record, link or base is not what the row says it should be. Rows that wait, that
// are being written to, or that are a person's matter are left out.
std::vector<std::string> differing_ids(View& view, const AbsorbContext& context, std::span<const Intake> intakes);

Absorbed absorb(View& view, const AbsorbContext& context, std::span<const Intake> intakes);

// Gives an open matter its end, `resolved` or `superseded`, and the changes that it stood for theirs.
void close_matter(Changes& changes, Parked matter, Parked::State state);

// Whether a legacy system may have made the value that was found out of the one that we sent: case, blanks and
// punctuation do not count.
bool only_rewritten(const Json& found, const Json& sent);

}  // namespace banyan::sync
