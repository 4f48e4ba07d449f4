// SyncQueries: what people may see of sync and change in it, for the API. All of it is in the store, so that any
// process can answer, whichever holds the streams.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sync/postgres_told.hpp"
#include "adapters/sync/sync_store.hpp"
#include "gateway/store/database.hpp"

namespace banyan::sync {

// One stream as the store knows it.
struct StreamReport {
  std::string system;
  std::string entity;
  StreamState state;
  Counts legacy;                           // captured on the legacy side
  Counts modern;                           // on the modern side; captured and in_flight include what is in the outbox
  std::optional<ScanState> last_verify;    // the last finished one, of banyan.verify_result
  std::optional<ScanState> last_dry_run;   // the last finished one, of banyan.dry_run_result
  std::int64_t parked = 0;                 // open or answered matters
  std::int64_t links = 0;                  // an estimate is enough
  std::optional<WallTime> oldest_waiting;  // of what is in flight, on either side
  std::string lease_owner;                 // empty: nobody
  std::optional<Told> told;                // by the process that has it, or had it last
};

struct ParkedFilter {
  Parked::Kind kind = Parked::Kind::conflict;
  enum class Which : std::uint8_t { open, resolved, all };  // answered ones are open; superseded ones are resolved
  Which which = Which::open;
  std::string system;  // empty: any, here and below
  std::string entity;
  std::string error_class;
  std::int64_t after = 0;  // id of the last one of the page before; 0: from the beginning
  bool newest_first = false;
  std::size_t limit = 50;
};

// A parked matter with the names of its stream.
struct ParkedReport {
  std::string system;
  std::string entity;
  Parked matter;
};

// What became of asking for runs, by (system, entity).
struct StartedScans {
  using Name = std::pair<std::string, std::string>;
  std::vector<Name> begun;
  std::vector<std::pair<Name, std::string>> skipped;  // with the reason: "a backfill is under way"
};

class SyncQueries {
public:
  // `database` must outlive the object.
  explicit SyncQueries(store::Database& database) : database_(database) {}

  Result<std::vector<StreamReport>> streams(Deadline deadline);

  Result<std::vector<ParkedReport>> parked(const ParkedFilter& filter, Deadline deadline);
  // not_found.
  Result<ParkedReport> parked_one(std::int64_t id, Deadline deadline);

  // Gives an open matter its answer (Parked::answer); the stream carries it out. `checked`, if not nothing, must be the
  // `legacy` and `modern` values that the answer was given for: conflict if they have changed since, or if it is not
  // open.
  Result<ParkedReport> answer(std::int64_t id, const Json& answer, const std::string& by, Deadline deadline);
  // Answers every open dead letter that fits with {}: how many.
  Result<std::int64_t> replay(const ParkedFilter& filter, const std::string& by, Deadline deadline);

  // Asks for a run. Empty names: all. Streams with a run under way are skipped, but a sweep gives way: if the run does
  // not do its work, it comes again afterwards. not_found, invalid_argument: see fault_in().
  Result<StartedScans> start_scan(const std::string& system, const std::string& entity, const ScanRequest& request,
                                  Deadline deadline);

  // Empty: all systems. The names of those that are there.
  Result<std::vector<std::string>> pause(const std::string& system, bool paused, const std::string& reason,
                                         Deadline deadline);
  // Gives the entity to a side: the epoch rises. not_found.
  Result<std::int64_t> set_owner(const std::string& system, const std::string& entity, Owner owner, Deadline deadline);

  // Links of records: record id -> [{"system": …, "id": legacy id}], without those that the legacy side has deleted.
  Result<std::map<std::string, Json>> links(const std::string& entity, const std::vector<std::string>& record_ids,
                                            Deadline deadline);

  // What is wrong with the sums: one sentence each; empty: every captured change is accounted for.
  Result<std::vector<std::string>> unaccounted(Deadline deadline);

  // Removes settled rows of the inbox older than `age`, at most `limit`: how many.
  Result<std::int64_t> prune(std::chrono::hours age, std::size_t limit, Deadline deadline);

  // Likewise matters that a policy decided, and that are on record only.
  Result<std::int64_t> prune_decided(std::chrono::hours age, std::size_t limit, Deadline deadline);
  // Streams that no process has had for `age` go out of use: their outbox is filled no more. Their (system, entity).
  Result<std::vector<std::pair<std::string, std::string>>> retire_streams(std::chrono::hours age, Deadline deadline);

private:
  store::Database& database_;
};

}  // namespace banyan::sync
