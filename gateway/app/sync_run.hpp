// follow(): waits for the end of a backfill or a verification that the server does, and shows how far it is.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "gateway/app/admin_client.hpp"
#include "gateway/app/sync_text.hpp"
#include "gateway/base/clock.hpp"
#include "gateway/base/result.hpp"

namespace banyan::app {

struct Stream {
  std::string system;
  std::string entity;
};
std::string name_of(const Stream& stream);  // "tryton account"

// The streams that an answer of POST /api/sync/backfill or verify says were started.
std::vector<Stream> streams_of(const Json& answer);

// Those that were asked for and not started.
struct SkippedRun {
  Stream stream;
  std::string reason;  // "a backfill is under way"
};
std::vector<SkippedRun> skipped_of(const Json& answer);

// Tells of a run that has not ended why nobody carries it out. One object for each run; pure, since the time is given.
class Stall {
public:
  // In which another process takes over from one that was killed, and with time to spare.
  static constexpr std::chrono::seconds kGrace{10};

  // `system` and `stream`: of GET /api/sync. Empty: it is being carried out, or will be within the grace.
  std::string reason(const Json& system, const Json& stream, SteadyTime now);

private:
  std::optional<SteadyTime> unkept_since_;
};

struct EndedRun {
  Stream stream;
  Json run;
  std::string stall;  // not empty: it has not ended, and this is why nobody carries it out
};

// Asks until all have ended, or until those that have not stand still: paused, or kept by no process. Progress goes to
// standard error: on a terminal one line that changes, elsewhere a line now and then. A server that cannot be reached
// for half a minute is an error.
Result<std::vector<EndedRun>> follow(const AdminClient& client, RunKind kind, const std::vector<Stream>& streams);

}  // namespace banyan::app
