#include "gateway/api/sync_json.hpp"

#include "adapters/sync/scan_report.hpp"
#include "gateway/base/json_text.hpp"

namespace banyan::api {
namespace {

using sync::ScanState;
using sync::StreamReport;
using sync::StreamStatus;

bool is_under_way(const ScanState& scan, ScanState::Kind kind) {
  return scan.kind == kind && scan.phase != ScanState::Phase::done;
}

double seconds_between(WallTime from, WallTime to) {
  return std::chrono::duration<double>(to - from).count();
}

std::string run_state(const ScanState& scan) {
  if (scan.phase == ScanState::Phase::done) return "done";
  return scan.scanned == 0 && scan.position.empty() ? "waiting" : "running";
}

// What is common to both runs.
Json run_json(const ScanState& scan, const StreamReport& report, const StreamStatus* status, const char* counted) {
  const bool ended = scan.phase == ScanState::Phase::done;
  double rate = status ? status->scan_rate : 0;
  if (ended && scan.ended > scan.started) {
    rate = static_cast<double>(scan.scanned) / seconds_between(scan.started, scan.ended);
  }
  // How many there are is not known before all have been read once. Later there are as many as links, but for those
  // that have come since or cannot be taken in.
  const bool known = report.state.backfilled_at != WallTime{} && report.links >= scan.scanned;
  Json out{{"state", run_state(scan)},
           {"message", status && !ended ? status->trouble : ""},
           {"started_at", time_json(scan.started)},
           {"ended_at", ended ? time_json(scan.ended) : Json()},
           {counted, scan.scanned},
           {"total_estimate", known ? Json(report.links) : Json()},
           {"rate_per_second", rate},
           {"seconds_left", Json()}};
  if (!ended && known && rate > 0) out["seconds_left"] = static_cast<double>(report.links - scan.scanned) / rate;
  return out;
}

Json idle_run(const char* counted) {
  return Json{
      {"state", "idle"},          {"message", ""},          {"started_at", Json()},  {"ended_at", Json()}, {counted, 0},
      {"total_estimate", Json()}, {"rate_per_second", 0.0}, {"seconds_left", Json()}};
}

}  // namespace

Json time_json(std::optional<WallTime> time) {
  if (!time || *time == WallTime{}) return nullptr;
  std::string text;
  append_rfc3339(text, *time);
  return text;
}

Json counters_json(const sync::Counts& counts) {
  return Json{{"captured", counts.captured},  {"applied", counts.applied},   {"superseded", counts.superseded},
              {"echo", counts.echo},          {"conflict", counts.conflict}, {"dead_letter", counts.dead_letter},
              {"in_flight", counts.in_flight}};
}

Json missing_json(const ScanState& scan) {
  return sync::shown_missing(scan.report);
}

Json backfill_json(const StreamReport& report, const StreamStatus* status) {
  const ScanState& scan = report.state.scan;
  if (scan.kind == ScanState::Kind::backfill && !scan.dry_run) return run_json(scan, report, status, "scanned");
  Json out = idle_run("scanned");
  if (report.state.backfilled_at != WallTime{}) {
    out["state"] = "done";
    out["ended_at"] = time_json(report.state.backfilled_at);
    out["scanned"] = report.links;
  }
  return out;
}

Json dry_run_json(const StreamReport& report, const StreamStatus* status) {
  const bool now = report.state.scan.kind == ScanState::Kind::backfill && report.state.scan.dry_run;
  if (!now && !report.last_dry_run) {
    Json out = idle_run("scanned");
    out["report"] = nullptr;
    return out;
  }
  const ScanState& scan = now ? report.state.scan : *report.last_dry_run;
  Json out = run_json(scan, report, status, "scanned");
  out["report"] = sync::shown_dry_run(scan.report);
  return out;
}

Json verify_json(const StreamReport& report, const StreamStatus* status) {
  const bool now =
      is_under_way(report.state.scan, ScanState::Kind::verify) || report.state.scan.kind == ScanState::Kind::verify;
  Json out;
  if (now || report.last_verify) {
    const ScanState& scan = now ? report.state.scan : *report.last_verify;
    out = run_json(scan, report, status, "checked");
    out["repair"] = scan.repair;
    out["differences"] = scan.differences;
    out["repaired"] = scan.repaired;
    out["examples"] = scan.report.value(sync::kDifferences, Json::array());
    out["left_out"] = scan.report.value(sync::kLeftOut, Json::array());
    return out;
  }
  out = idle_run("checked");
  out["repair"] = false;
  out["differences"] = 0;
  out["repaired"] = 0;
  out["examples"] = Json::array();
  out["left_out"] = Json::array();
  return out;
}

}  // namespace banyan::api
