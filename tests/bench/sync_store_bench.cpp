// The store of sync beside plain COPY, in one run on one PostgreSQL (fsync on, the settings that Banyan gives its own).
//
//   sync_store_bench [RECORDS]        default 200,000
//
// Backfill and COPY take turns, so that both meet the same machine: each round writes as many rows of the same shape
// through commit() (batches of 2,000) as COPY writes into the same tables with the same indexes, once with one COPY for
// each table. Then: reading again what has not changed, applying live changes, and drift over all links.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "adapters/records/records_schema.hpp"
#include "adapters/sync/postgres_sync_store.hpp"
#include "gateway/store/private_postgres.hpp"
#include "gateway/store/schema.hpp"

namespace {

using namespace banyan;
using records::Json;
using records::RecordWrite;
using sync::Changes;
using sync::Fence;
using sync::Link;
using sync::View;

constexpr std::size_t kBatch = 2'000;
constexpr std::size_t kRound = 50'000;
constexpr std::size_t kLiveBatch = 1'000;

const SystemClock kClock;

Deadline soon() {
  return Deadline::after(kClock, std::chrono::seconds(60));
}

template <typename T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s: %s\n", result.error().public_message.c_str(), result.error().internal_detail.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class Stopwatch {
public:
  template <typename Fn>
  void time(Fn fn) {
    const auto begin = std::chrono::steady_clock::now();
    fn();
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  double seconds() const { return seconds_; }

private:
  double seconds_ = 0;
};

// Ids that rise with time, as those of version 7 do, with a random tail.
std::string make_id(std::size_t number) {
  static std::mt19937_64 random(1);
  char text[40];
  std::snprintf(text, sizeof text, "%08zx-%04zx-7000-8000-%012llx", 0x01900000 + (number >> 16U), number & 0xFFFFU,
                static_cast<unsigned long long>(random() & 0xFFFFFFFFFFFFULL));
  return text;
}

struct Row {
  std::string legacy_id;
  std::string version;
  RecordWrite write;
  Link link;
};

Row make_row(const std::string& prefix, std::size_t number, sync::StreamId stream, const std::string& entity) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%09zu", number);
  Row row;
  row.legacy_id = prefix + digits;
  row.version = "1763712000.123456";
  Json data{{"name", "Company number " + std::string(digits)},
            {"code", digits},
            {"active", true},
            {"language", "en"},
            {"website", "https://www.example-" + std::string(digits) + ".test/"},
            {"employees", number % 5'000},
            {"revenue", std::to_string(number % 100'000) + ".5"},
            {"comment", "Met at the fair, wants an offer by the end of the quarter."},
            {"since", "2024-02-29"}};
  row.write.kind = RecordWrite::Kind::insert;
  row.write.record.entity = entity;
  row.write.record.id = make_id(number);
  row.write.record.version = 1;
  row.write.changed = records::difference(Json::object(), data);
  row.write.author = {records::Side::legacy, "system:crm"};
  row.write.skip_stream = stream;
  row.link.legacy_id = row.legacy_id;
  row.link.record_id = row.write.record.id;
  row.link.legacy_version = row.version;
  row.link.legacy_stamp = WallTime(std::chrono::seconds(1'763'712'000));
  row.link.base_hash = row.link.record_hash = records::content_hash(data);
  row.link.base = data;
  row.write.record.data = std::move(data);
  return row;
}

class Bench {
public:
  Bench(store::Database& database, std::size_t records) : database_(database), store_(database), records_(records) {
    stream_ = must(store_.open_stream("crm", "account", soon()));
    plain_ = must(store_.open_stream("plain", "plain", soon()));
    fence_ = *must(store_.lease(stream_, "bench", std::chrono::hours(10), soon()));
  }

  void run() {
    for (std::size_t first = 0; first < records_; first += kRound) {
      const std::vector<Row> copied = rows("p", first, plain_, "plain");
      copy_.time([&] { copy(copied); });
      const std::vector<Row> filled = rows("L", first, stream_, "account");
      fill_.time([&] { fill(filled); });
    }
    const auto rate = [&](const Stopwatch& watch) { return static_cast<double>(records_) / watch.seconds(); };
    std::printf("COPY of record, history, link and inbox   %9.0f records/s\n", rate(copy_));
    std::printf("backfill through commit()                 %9.0f records/s   %.2f of COPY\n", rate(fill_),
                rate(fill_) / rate(copy_));
    must(database_.run(Deadline(), [](store::Transaction& tx) {
      tx.exec("SET LOCAL statement_timeout = 0");
      tx.exec("SELECT count(*) FROM banyan.link");
    }));
    read_again();
    apply_live();
    drift();
  }

private:
  static std::vector<Row> rows(const char* prefix, std::size_t first, sync::StreamId stream, const char* entity) {
    std::vector<Row> rows;
    rows.reserve(kRound);
    for (std::size_t i = 0; i < kRound; ++i) rows.push_back(make_row(prefix, first + i, stream, entity));
    return rows;
  }

  void copy(const std::vector<Row>& rows) {
    must(database_.run(Deadline(), [&](store::Transaction& tx) {
      pqxx::stream_to record(tx, "banyan.record",
                             std::vector<std::string>{"entity", "id", "version", "data", "deleted"});
      for (const Row& row : rows) {
        record << std::make_tuple(row.write.record.entity, row.link.record_id, 1, row.link.base->dump(), false);
      }
      record.complete();
      pqxx::stream_to history(tx, "banyan.record_history",
                              std::vector<std::string>{"entity", "id", "version", "side", "author", "kind", "changed"});
      for (const Row& row : rows) {
        history << std::make_tuple(row.write.record.entity, row.link.record_id, 1, "legacy", row.write.author.name,
                                   "insert", row.write.changed.dump());
      }
      history.complete();
      pqxx::stream_to link(tx, "banyan.link",
                           std::vector<std::string>{"stream", "legacy_id", "record_id", "base", "base_hash",
                                                    "legacy_version", "record_hash"});
      for (const Row& row : rows) {
        link << std::make_tuple(plain_, row.legacy_id, row.link.record_id, row.link.base->dump(), row.link.base_hash,
                                row.version, row.link.record_hash);
      }
      link.complete();
      pqxx::stream_to inbox(tx, "banyan.inbox",
                            std::vector<std::string>{"stream", "legacy_id", "legacy_version", "via", "outcome", "ref"});
      for (const Row& row : rows) {
        inbox << std::make_tuple(plain_, row.legacy_id, row.version, "scan", "applied", row.link.record_id + "@1");
      }
      inbox.complete();
    }));
  }

  void commit(const sync::Decide& decide) { must(store_.commit(fence_, decide, soon())); }

  void fill(const std::vector<Row>& rows) {
    for (std::size_t first = 0; first < rows.size(); first += kBatch) {
      commit([&](View& view) {
        const auto batch = std::span(rows).subspan(first, kBatch);
        std::vector<std::string> ids;
        for (const Row& row : batch) ids.push_back(row.legacy_id);
        Changes changes;
        changes.state = view.state();
        view.heads(ids);
        view.by_legacy(ids);
        view.any_unlinked();
        for (const Row& row : batch) {
          changes.records.push_back(row.write);
          changes.links.push_back(row.link);
          changes.inbox.push_back(
              {row.legacy_id, row.version, sync::Via::scan, sync::Outcome::applied, row.link.record_id + "@1"});
          changes.awake.push_back({"account", row.legacy_id, {}});
        }
        changes.state->scan.position = ids.back();
        changes.legacy_counts.captured = changes.legacy_counts.applied = kBatch;
        return changes;
      });
    }
  }

  static std::string legacy_id(std::size_t number) {
    char text[16];
    std::snprintf(text, sizeof text, "L%09zu", number);
    return text;
  }

  void read_again() {
    Stopwatch watch;
    std::size_t quiet = 0;
    for (std::size_t first = 0; first < records_; first += kBatch) {
      std::vector<std::string> ids;
      for (std::size_t i = 0; i < kBatch; ++i) ids.push_back(legacy_id(first + i));
      watch.time([&] {
        commit([&](View& view) {
          Changes changes;
          changes.state = view.state();
          for (const auto& head : view.heads(ids)) quiet += head.quiet ? 1 : 0;
          changes.state->scan.position = ids.back();
          return changes;
        });
      });
    }
    std::printf("heads of what has not changed             %9.0f records/s   (%zu quiet)\n",
                static_cast<double>(records_) / watch.seconds(), quiet);
  }

  void apply_live() {
    std::mt19937_64 random(2);
    Stopwatch watch;
    const std::size_t rounds = 20;
    for (std::size_t round = 0; round < rounds; ++round) {
      std::vector<std::string> ids;
      const std::size_t start = random() % kLiveBatch;
      for (std::size_t i = 0; i < kLiveBatch; ++i) ids.push_back(legacy_id((start + i * 7'919) % records_));
      watch.time([&] {
        commit([&](View& view) {
          Changes changes;
          changes.state = view.state();
          view.heads(ids);
          for (auto& known : view.by_legacy(ids)) {
            if (!known.link || !known.record) std::exit(2);
            Json data = known.record->data;
            data["comment"] = "Edited in round " + std::to_string(round);
            RecordWrite write;
            write.kind = RecordWrite::Kind::update;
            write.record = *known.record;
            write.record.version += 1;
            write.changed = records::difference(known.record->data, data);
            write.author = {records::Side::legacy, "system:crm"};
            write.skip_stream = stream_;
            write.record.data = data;
            known.link->base_hash = known.link->record_hash = records::content_hash(data);
            known.link->base = std::move(data);
            changes.inbox.push_back({known.legacy_id, "v", sync::Via::feed, sync::Outcome::applied,
                                     known.link->record_id + "@" + std::to_string(write.record.version)});
            changes.records.push_back(std::move(write));
            changes.links.push_back(std::move(*known.link));
          }
          changes.legacy_counts.captured = changes.legacy_counts.applied = kLiveBatch;
          return changes;
        });
      });
    }
    std::printf("live changes applied                      %9.0f changes/s\n",
                static_cast<double>(rounds * kLiveBatch) / watch.seconds());
  }

  void drift() {
    for (int i = 0; i < 3; ++i) {
      Stopwatch watch;
      sync::SyncStore::Drift found;
      watch.time([&] { found = must(store_.drift(stream_, 10, soon())); });
      std::printf("drift over %9lld links                %9.2f s   (%zu found)\n",
                  static_cast<long long>(found.checked), watch.seconds(), found.record_ids.size());
    }
  }

  store::Database& database_;
  sync::PostgresSyncStore store_;
  const std::size_t records_;
  sync::StreamId stream_ = 0;
  sync::StreamId plain_ = 0;
  Fence fence_;
  Stopwatch copy_;
  Stopwatch fill_;
};

}  // namespace

int main(int count, char** arguments) {
  const std::size_t wanted = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 200'000;
  const std::size_t records = (wanted + kRound - 1) / kRound * kRound;
  std::string directory = (std::filesystem::temp_directory_path() / "banyan-bench-XXXXXX").string();
  if (!mkdtemp(directory.data())) return 1;
  std::filesystem::permissions(directory, std::filesystem::perms(0755));
  {
    store::PrivatePostgresOptions options;
    options.data_dir = directory;
    options.survives_this_process = false;
    const auto postgres = must(store::PrivatePostgres::start(options, kClock));
    store::DatabaseOptions owner_options;
    owner_options.url = postgres->owner_url();
    store::Database owner(owner_options, kClock);
    std::vector<store::SchemaFile> files;
    for (const auto& file : records::records_schema()) files.push_back(file);
    for (const auto& file : sync::sync_schema()) files.push_back(file);
    must(store::apply_schema(owner, files, soon()));
    store::DatabaseOptions app_options;
    app_options.url = postgres->app_url();
    store::Database app(app_options, kClock);
    Bench(app, records).run();
  }
  std::filesystem::remove_all(directory);
  return 0;
}
