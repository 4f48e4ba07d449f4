// How fast sync is, in one run: the real engine and store on a PostgreSQL of their own (fsync on, the settings that
// Banyan gives its own), from a source that costs next to nothing.
//
//   sync_bench [RECORDS] [SETTING=VALUE …]        default 1,000,000, a multiple of 100,000; settings of PostgreSQL
//
// The backfill and COPY take turns, slice by slice, so that both meet the same machine: COPY writes the same rows into
// the same tables with the same indexes of a second database on the same server, its texts made beforehand and not
// timed. Then: verify, a run over all records while nothing has changed, a verify that reads the legacy side, and live
// changes through the feed. Ends with 1 if a target is missed. Of each step it also says what one record costs in CPU
// time of this program and of PostgreSQL, which depends far less on what else the machine does than a rate.
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "adapters/records/canonical.hpp"
#include "adapters/records/ontology.hpp"
#include "adapters/records/record_id.hpp"
#include "adapters/records/records_schema.hpp"
#include "adapters/sync/mapping.hpp"
#include "adapters/sync/postgres_sync_store.hpp"
#include "adapters/sync/stream.hpp"
#include "gateway/store/private_postgres.hpp"
#include "gateway/store/schema.hpp"
#include "tests/bench/server_cost.hpp"
#include "tests/bench/sync_bench_source.hpp"

namespace {

using namespace banyan;
using bench::Cost;
using bench::CostMeter;
using bench::FastSource;
using records::Json;
using sync::ScanState;

constexpr std::size_t kSmall = 10'000;
constexpr std::size_t kSlice = 100'000;
constexpr std::size_t kCopyBatch = 5'000;
constexpr std::size_t kEdits = 50'000;

constexpr const char* kMapping = R"(
entities:
  account:
    type: party
    match: [[code]]
    fields:
      name: name
      code: code
      active: {legacy: active, transforms: {boolean: {true: 1, false: 0}}}
      kind: {legacy: kind, values: {o: organisation, p: person}}
      language: lang
      annual_revenue: revenue
      employees: {legacy: size, transforms: integer_text}
      comment: note
)";

const SystemClock kClock;

Deadline soon() {
  return Deadline::after(kClock, std::chrono::seconds(120));
}

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().public_message + ": " + result.error().internal_detail);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// A benchmark of what is wrong measures nothing.
void expect(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(std::string("expected that ") + what);
}

sync::Mapping read_mapping() {
  const std::array<std::string, 1> files{std::string(records::kCrmOntology)};
  const auto ontology = records::load_ontology(files);
  if (!ontology) throw std::runtime_error(yaml::to_string(ontology.error().front()));
  auto read = sync::parse_mapping(kMapping, "bench.yaml", "crm", *ontology);
  if (!read) throw std::runtime_error(yaml::to_string(read.error().front()));
  return std::move(*read);
}

// Peak of the resident memory of this process since forget_peak(), in KiB.
long peak_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::strtol(line.c_str() + 6, nullptr, 10);
  }
  return 0;
}

void forget_peak() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

// What COPY is given: the same rows as the backfill writes.
struct CopyRow {
  std::string legacy_id, version, record_id, data, changed;
  std::int64_t hash = 0;
};

class CopyPeer {
public:
  CopyPeer(store::Database& database, const sync::StreamMapping& mapping, const FastSource& source, CostMeter meter)
      : database_(database), mapping_(mapping), source_(source), ids_(kClock), meter_(std::move(meter)) {
    must(database_.run(soon(), [&](store::Transaction& tx) {
      tx.exec("INSERT INTO banyan.stream (system, entity) VALUES ('crm', 'account')");
    }));
  }

  void copy(std::size_t from, std::size_t to) {
    must(database_.run(Deadline(), [&](store::Transaction& tx) {
      for (std::size_t first = from; first < to; first += kCopyBatch) {
        const std::vector<CopyRow> rows = make(first, std::min(first + kCopyBatch, to));
        meter_.start();
        copy(tx, rows);
        meter_.stop();
      }
      meter_.start();  // up to the end of the commit
    }));
    meter_.stop();
  }

  const Cost& cost() const { return meter_.cost(); }
  double seconds() const { return meter_.seconds(); }

private:
  std::vector<CopyRow> make(std::size_t from, std::size_t to) {
    std::vector<CopyRow> rows;
    rows.reserve(to - from);
    for (std::size_t number = from; number < to; ++number) {
      const legacy::LegacyRecord legacy = source_.row(number);
      const Json data = mapping_.to_modern(legacy.fields, {}).fields;
      rows.push_back({legacy.id, legacy.version, ids_.next(), records::canonical_text(data),
                      records::canonical_text(records::difference(Json::object(), data)), records::content_hash(data)});
    }
    return rows;
  }

  static void copy(store::Transaction& tx, const std::vector<CopyRow>& rows) {
    using Names = std::vector<std::string>;
    pqxx::stream_to record(tx, "banyan.record", Names{"entity", "id", "version", "data", "deleted"});
    for (const CopyRow& row : rows) record << std::make_tuple("account", row.record_id, 1, row.data, false);
    record.complete();
    pqxx::stream_to history(tx, "banyan.record_history",
                            Names{"entity", "id", "version", "side", "author", "kind", "changed"});
    for (const CopyRow& row : rows) {
      history << std::make_tuple("account", row.record_id, 1, "legacy", "system:crm", "insert", row.changed);
    }
    history.complete();
    pqxx::stream_to link(tx, "banyan.link",
                         Names{"stream", "legacy_id", "record_id", "base", "base_hash", "legacy_version",
                               "legacy_stamp", "record_hash"});
    for (const CopyRow& row : rows) {
      link << std::make_tuple(1, row.legacy_id, row.record_id, row.data, row.hash, row.version, "2025-11-21T08:00:00Z",
                              row.hash);
    }
    link.complete();
    pqxx::stream_to inbox(tx, "banyan.inbox", Names{"stream", "legacy_id", "legacy_version", "via", "outcome", "ref"});
    for (const CopyRow& row : rows) {
      inbox << std::make_tuple(1, row.legacy_id, row.version, "scan", "applied", row.record_id + "@1");
    }
    inbox.complete();
  }

  store::Database& database_;
  const sync::StreamMapping& mapping_;
  const FastSource& source_;
  records::RecordIds ids_;
  CostMeter meter_;
};

// The targets, each with what was seen.
class Verdicts {
public:
  void add(const char* what, double seen, const char* unit, const char* target, bool met) {
    std::printf("%-4s  %-52s %12.2f %-10s target %s\n", met ? "PASS" : "FAIL", what, seen, unit, target);
    failed_ = failed_ || !met;
  }
  int exit_status() const { return failed_ ? 1 : 0; }

private:
  bool failed_ = false;
};

class Bench {
public:
  Bench(store::Database& database, store::Database& plain, std::size_t records, const CostMeter& meter)
      : records_(records),
        mapping_(read_mapping()),
        source_(records, kEdits),
        store_(database),
        budget_(std::nullopt, kClock),
        ids_(kClock),
        peer_(plain, *mapping_.streams[0], source_, meter),
        id_(must(store_.open_stream("crm", "account", soon()))),
        fence_(*must(store_.lease(id_, "bench", std::chrono::hours(10), soon()))),
        stream_(id_, options(),
                {*mapping_.streams[0], source_, store_, budget_, kClock, [this] { return ids_.next(); }}),
        meter_(meter),
        filled_(meter) {}

  int run() {
    backfill();
    verify();
    run_again();
    apply_live();
    return judge();
  }

private:
  static sync::StreamOptions options() {
    sync::StreamOptions options;
    options.poll_interval = std::chrono::milliseconds(100);
    return options;
  }

  void step_until(const std::function<bool()>& done) {
    while (!done()) {
      const sync::Step step = stream_.step(fence_);
      const std::string trouble = stream_.status().trouble;
      if (!trouble.empty() || step.next == sync::Step::Next::lost) throw std::runtime_error("sync stopped: " + trouble);
      if (step.next == sync::Step::Next::wait && !done()) std::this_thread::sleep_until(step.wake);
    }
  }

  sync::StreamState state() { return must(store_.state(id_, soon())); }

  void end_scan() {
    step_until([&] { return state().scan.phase == ScanState::Phase::done; });
  }

  void backfill() {
    step_until([&] { return stream_.status().caught_up_at.has_value(); });
    must(stream_.start_scan(fence_, {ScanState::Kind::backfill}));
    const auto slice = [&](std::size_t from, std::size_t to) {
      peer_.copy(from, to);
      forget_peak();
      filled_.start();
      step_until([&] { return source_.scanned() >= to; });
      if (to == records_) end_scan();
      filled_.stop();
      (to == kSmall ? peak_small_ : peak_whole_) = std::max(to == kSmall ? peak_small_ : peak_whole_, peak_kib());
      std::printf("  %8zu records: backfill %6.0f/s, COPY %6.0f/s so far, peak %ld KiB\n", to,
                  static_cast<double>(to) / filled_.seconds(), static_cast<double>(to) / peer_.seconds(), peak_kib());
    };
    slice(0, kSmall);
    slice(kSmall, kSlice);
    for (std::size_t from = kSlice; from < records_; from += kSlice) slice(from, from + kSlice);
    print_cost("backfill", filled_.cost(), records_);
    print_cost("COPY", peer_.cost(), records_);
  }

  static void print_cost(const char* what, const Cost& cost, std::size_t records) {
    const auto each = [&](double sum) { return sum / static_cast<double>(records); };
    std::printf("  %s, for each: CPU %.1f us of this program, %.1f us of PostgreSQL; %.0f bytes of log\n", what,
                each(cost.own_cpu) * 1e6, each(cost.server_cpu) * 1e6, each(cost.wal_bytes));
  }

  void verify() {
    std::vector<double> seconds;
    for (int i = 0; i < 3; ++i) {
      CostMeter watch = meter_;
      watch.start();
      const auto drift = must(store_.drift(id_, 10, soon()));
      watch.stop();
      seconds.push_back(watch.seconds());
      std::printf("  verify, store against bases: %.2f s for %lld links, %zu differ\n", watch.seconds(),
                  static_cast<long long>(drift.checked), drift.record_ids.size());
      expect(static_cast<std::size_t>(drift.checked) == records_ && drift.record_ids.empty(),
             "the store is as written");
    }
    std::sort(seconds.begin(), seconds.end());
    drift_seconds_ = seconds[1];
  }

  double scan_rate(ScanState::Kind kind) {
    must(stream_.start_scan(fence_, {kind}));
    CostMeter watch = meter_;
    watch.start();
    end_scan();
    watch.stop();
    const ScanState scan = state().scan;
    expect(static_cast<std::size_t>(scan.scanned) == records_ && scan.differences == 0, "a run finds no difference");
    print_cost(kind == ScanState::Kind::sweep ? "run over unchanged records" : "verify", watch.cost(), records_);
    return static_cast<double>(records_) / watch.seconds();
  }

  void run_again() {
    again_rate_ = scan_rate(ScanState::Kind::sweep);
    std::printf("  run over unchanged records: %.0f/s\n", again_rate_);
    verify_rate_ = scan_rate(ScanState::Kind::verify);
    std::printf("  verify that reads the legacy side: %.0f/s\n", verify_rate_);
  }

  void apply_live() {
    source_.edit(kEdits);
    stream_.observe({});
    CostMeter watch = meter_;
    watch.start();
    step_until([&] { return state().cursor.stamp == source_.here("", soon())->stamp; });
    watch.stop();
    live_rate_ = static_cast<double>(kEdits) / watch.seconds();
    std::printf("  live changes: %.0f/s\n", live_rate_);
    print_cost("live changes", watch.cost(), kEdits);
    peak_whole_ = std::max(peak_whole_, peak_kib());
    expect(must(store_.drift(id_, 10, soon())).record_ids.empty(), "live changes agree with their bases");
  }

  int judge() {
    const double backfill = static_cast<double>(records_) / filled_.seconds();
    const double ratio = peer_.seconds() / filled_.seconds();
    const double grown = static_cast<double>(peak_whole_ - peak_small_) / 1024;
    Verdicts verdicts;
    std::printf("\n");
    verdicts.add("backfill", backfill, "records/s", "20,000, or 0.40 of COPY", backfill >= 20'000 || ratio >= 0.4);
    verdicts.add("backfill / COPY of the same rows", ratio, "", "as above", backfill >= 20'000 || ratio >= 0.4);
    verdicts.add("live changes applied", live_rate_, "changes/s", "5,000", live_rate_ >= 5'000);
    verdicts.add("verify of unchanged records, store against bases", drift_seconds_, "s", "2 for a million",
                 drift_seconds_ < 2);
    verdicts.add("run over unchanged records", again_rate_, "records/s", "40,000", again_rate_ >= 40'000);
    verdicts.add("growth of peak memory after the first 10,000 records", grown, "MiB", "16 at most", grown <= 16);
    std::printf("      COPY %.0f records/s; verify that reads the legacy side %.0f records/s; peak memory %ld MiB\n",
                static_cast<double>(records_) / peer_.seconds(), verify_rate_, peak_whole_ / 1024);
    return verdicts.exit_status();
  }

  const std::size_t records_;
  const sync::Mapping mapping_;
  FastSource source_;
  sync::PostgresSyncStore store_;
  sync::Budget budget_;
  records::RecordIds ids_;
  CopyPeer peer_;
  const sync::StreamId id_;
  const sync::Fence fence_;
  sync::Stream stream_;
  const CostMeter meter_;  // from which the others are made
  CostMeter filled_;
  long peak_small_ = 0;
  long peak_whole_ = 0;
  double drift_seconds_ = 0;
  double again_rate_ = 0;
  double verify_rate_ = 0;
  double live_rate_ = 0;
};

store::DatabaseOptions at(Secret url) {
  store::DatabaseOptions options;
  options.url = std::move(url);
  return options;
}

void make_tables(const store::PrivatePostgres& postgres, const std::string& database) {
  std::vector<store::SchemaFile> files;
  for (const auto& file : records::records_schema()) files.push_back(file);
  for (const auto& file : sync::sync_schema()) files.push_back(file);
  store::Database owner(at(postgres.url("banyan_owner", database)), kClock);
  must(store::apply_schema(owner, files, soon()));
}

double wal_position(store::Database& database) {
  return must(database.transact<double>(soon(), [](auto& tx) {
    return tx.exec1("SELECT pg_current_wal_insert_lsn() - '0/0'")[0].template as<double>();
  }));
}

int run(const std::string& directory, std::size_t records, std::map<std::string, std::string> settings) {
  store::PrivatePostgresOptions options;
  options.settings = std::move(settings);
  options.data_dir = directory;
  options.survives_this_process = false;
  const auto postgres = must(store::PrivatePostgres::start(options, kClock));
  must(postgres->make_database("plain"));
  make_tables(*postgres, "banyan");
  make_tables(*postgres, "plain");
  store::Database app(at(postgres->app_url()), kClock);
  store::Database plain(at(postgres->url("banyan_app", "plain")), kClock);
  return Bench(app, plain, records, CostMeter(postgres->process(), [&app] { return wal_position(app); })).run();
}

}  // namespace

int main(int count, char** arguments) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // progress shows in files and pipes too
  const std::size_t wanted = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 1'000'000;
  const std::size_t records = std::max<std::size_t>(1, wanted / kSlice) * kSlice;
  std::map<std::string, std::string> settings;
  for (int i = 2; i < count; ++i) {
    const std::string text = arguments[i];
    const std::size_t sign = std::min(text.find('='), text.size());
    settings[text.substr(0, sign)] = sign < text.size() ? text.substr(sign + 1) : "";
  }
  std::string directory = (std::filesystem::temp_directory_path() / "banyan-bench-XXXXXX").string();
  if (!mkdtemp(directory.data())) return 1;
  std::filesystem::permissions(directory, std::filesystem::perms(0755));
  int status = 1;
  try {
    status = run(directory, records, std::move(settings));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  std::filesystem::remove_all(directory);
  return status;
}
