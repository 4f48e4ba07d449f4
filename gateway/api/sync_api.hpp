// SyncApi: what sync is doing and the handles to steer it, over HTTP, below /api/sync. The reference is
// docs/reference/sync-api.md.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sync/stream.hpp"
#include "adapters/sync/sync_queries.hpp"
#include "gateway/base/clock.hpp"
#include "gateway/net/http_server.hpp"

namespace banyan::api {

inline constexpr const char* kSyncPrefix = "/api/sync";

// What this process knows beside the store.
struct SyncSources {
  const records::Ontology* ontology = nullptr;
  // Streams that this process steps; empty if it has none.
  std::function<std::vector<sync::StreamStatus>()> status = [] { return std::vector<sync::StreamStatus>{}; };
  // Why the system has not come up in this process yet; empty: it has, or it is another process's work.
  std::function<std::string(const std::string& system)> trouble = [](const std::string&) { return std::string(); };
  // How often the feeds of the system are read.
  std::function<std::chrono::milliseconds(const std::string& system)> poll_interval = [](const std::string&) {
    return sync::StreamOptions().poll_interval;
  };
  // Calls granted per second, and this process's part of them; nothing: not known here, or unlimited.
  struct BudgetUse {
    std::optional<double> calls_per_second;
    std::optional<double> part_per_second;
    std::size_t processes = 1;  // that divide the calls among them
    double used_share = 0;      // of the part
  };
  std::function<BudgetUse(const std::string& system)> budget = [](const std::string&) { return BudgetUse{}; };
  // Plain sentences about the guarantees that hold for a stream.
  std::function<std::vector<std::string>(const std::string& system, const std::string& entity)> guarantees =
      [](const std::string&, const std::string&) { return std::vector<std::string>{}; };
  // The conflict policy of a field, for people; empty: none.
  std::function<std::string(const std::string& system, const std::string& entity, const std::string& field)> policy =
      [](const std::string&, const std::string&, const std::string&) { return std::string(); };
};

class SyncApi {
public:
  // `queries` and `clock` must outlive the object.
  SyncApi(sync::SyncQueries& queries, SyncSources sources, const Clock& clock);

  // Any thread; waits for the store.
  net::HttpResponse handle(const net::HttpRequest& request) const;

private:
  using Json = records::Json;
  struct Call;

  net::HttpResponse status() const;
  Json stream_json(const sync::StreamReport& report, const std::vector<sync::StreamStatus>& here) const;
  net::HttpResponse start_scan(const Json& body, sync::ScanState::Kind kind) const;
  net::HttpResponse list(const net::HttpRequest& request, sync::Parked::Kind kind) const;
  net::HttpResponse one(sync::Parked::Kind kind, std::int64_t id) const;
  net::HttpResponse resolve(const net::HttpRequest& request, std::int64_t id, const Json& body) const;
  net::HttpResponse replay(const net::HttpRequest& request, std::int64_t id, const Json& body) const;
  net::HttpResponse replay_many(const net::HttpRequest& request, const Json& body) const;
  net::HttpResponse pause(const net::HttpRequest& request, const Json& body, bool paused) const;
  net::HttpResponse set_owner(const Json& body) const;
  net::HttpResponse post(const net::HttpRequest& request, const std::vector<std::string>& segments) const;
  Json conflict_json(const sync::ParkedReport& report) const;
  Json dead_letter_json(const sync::ParkedReport& report) const;
  Deadline deadline() const { return Deadline::after(clock_, std::chrono::seconds(10)); }

  sync::SyncQueries& queries_;
  const SyncSources sources_;
  const Clock& clock_;
};

}  // namespace banyan::api
