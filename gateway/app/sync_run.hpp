// follow(): waits for the end of a backfill or a verification that the server does, and shows how far it is.
#pragma once

#include <string>
#include <vector>

#include "gateway/app/admin_client.hpp"
#include "gateway/app/sync_text.hpp"
#include "gateway/base/result.hpp"

namespace banyan::app {

struct Stream {
  std::string system;
  std::string entity;
};
std::string name_of(const Stream& stream);  // "tryton account"

// The streams that an answer of POST /api/sync/backfill or verify says were started.
std::vector<Stream> streams_of(const Json& answer);

struct EndedRun {
  Stream stream;
  Json run;
};

// Asks until all have ended. Progress goes to standard error: on a terminal one line that changes, elsewhere a line
// now and then. A server that cannot be reached for half a minute is an error.
Result<std::vector<EndedRun>> follow(const AdminClient& client, RunKind kind, const std::vector<Stream>& streams);

}  // namespace banyan::app
