#include "adapters/sync/postgres_dry_runs.hpp"

#include <pqxx/pqxx>
#include <utility>

#include "adapters/sync/postgres_text.hpp"
#include "adapters/sync/scan_report.hpp"

namespace banyan::sync {
namespace {

constexpr const char* kTried =
    "INSERT INTO banyan.dry_run_result (stream, started, ended, scanned, report) "
    "VALUES ($1::smallint, $2::timestamptz, $3::timestamptz, $4, $5::jsonb) ON CONFLICT (stream) DO UPDATE SET "
    "started = excluded.started, ended = excluded.ended, scanned = excluded.scanned, report = excluded.report";
constexpr const char* kLast =
 "SELECT stream, " BANYAN_MICROS("started") ", " BANYAN_MICROS("ended") ", scanned, report "
    "FROM banyan.dry_run_result";

}  // namespace

void write_dry_run(store::Transaction& tx, StreamId stream, const ScanState& scan) {
  tx.exec_params0(kTried, stream, timestamp_text(scan.started), timestamp_text(scan.ended), scan.scanned,
                  shown_dry_run(scan.report).dump());
}

std::map<StreamId, ScanState> read_dry_runs(store::Transaction& tx) {
  std::map<StreamId, ScanState> last;
  for (const auto& row : tx.exec(kLast)) {
    ScanState scan;
    scan.kind = ScanState::Kind::backfill;
    scan.phase = ScanState::Phase::done;
    scan.dry_run = true;
    scan.started = time_of(row[1]);
    scan.ended = time_of(row[2]);
    scan.scanned = number_of(row[3]);
    scan.report = json_of(row[4]);
    last.emplace(number_of<StreamId>(row[0]), std::move(scan));
  }
  return last;
}

}  // namespace banyan::sync
