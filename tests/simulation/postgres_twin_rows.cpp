#include "tests/simulation/postgres_twin_rows.hpp"

#include <array>
#include <string>

#include "adapters/records/record_rows.hpp"
#include "adapters/sync/postgres_rows.hpp"
#include "tests/simulation/store_json.hpp"

namespace banyan::simulation {
namespace {

using sync::number_of;
using sync::text_of;
using sync::time_of;

std::string_view word(RecordWrite::Kind kind) {
  constexpr std::array<std::string_view, 4> kWords{"insert", "update", "remove", "restore"};
  return kWords.at(static_cast<std::size_t>(kind));
}

// By what `read` gives as name.
template <typename Read>
Json read_rows(const pqxx::result& rows, Read read) {
  Json all = Json::object();
  for (const auto& row : rows) {
    auto [name, value] = read(row);
    all[name] = std::move(value);
  }
  return all;
}

template <typename Map>
Json rows_of(const Map& map) {
  Json all = Json::object();
  for (const auto& [id, value] : map) {
    if constexpr (std::is_convertible_v<decltype(id), std::string>) {
      all[id] = as_json(value);
    } else {
      all[std::to_string(id)] = as_json(value);
    }
  }
  return all;
}

pqxx::result select(store::Transaction& tx, const std::string& what, const MemoryStore::StreamRows& of) {
  return tx.exec_params("SELECT " + what + " = $1::smallint", of.state.id);
}

void compare_queues(store::Transaction& tx, const MemoryStore::StreamRows& memory) {
  const std::string& entity = memory.entity;
  const Json waiting = read_rows(
      select(tx, std::string(sync::kWaitingColumns) + " FROM banyan.waiting w WHERE w.stream", memory),
      [](const auto& row) { return std::pair(std::string(text_of(row[0])), as_json(sync::read_waiting(row))); });
  require_same(entity + ": waiting", waiting, rows_of(memory.waiting));

  const Json outbox =
      read_rows(select(tx,
                       std::string(sync::kOutboxColumns) + ", " BANYAN_MICROS("o.not_before") +
                           ", coalesce(o.waits_for::text, '') FROM banyan.outbox o WHERE o.stream",
                       memory),
                [](const auto& row) {
                  return std::pair(std::string(text_of(row[0])),
                                   Json{as_json(sync::read_outbox_item(row)), number_of(row[6]), text_of(row[7])});
                });
  Json queued = Json::object();
  for (const auto& [id, row] : memory.outbox) queued[id] = {as_json(row.item), as_json(row.not_before), row.waits_for};
  require_same(entity + ": outbox", outbox, queued);

  const Json intents = read_rows(
      select(tx, std::string(sync::kIntentColumns) + " FROM banyan.intent i WHERE i.stream", memory),
      [](const auto& row) { return std::pair(std::string(text_of(row[0])), as_json(sync::read_intent(row))); });
  require_same(entity + ": intents", intents, rows_of(memory.intents));
}

void compare_log(store::Transaction& tx, const MemoryStore::StreamRows& memory) {
  const Json parked = read_rows(
      select(tx, std::string(sync::kParkedColumns) + " FROM banyan.parked p WHERE p.stream", memory),
      [](const auto& row) { return std::pair(std::string(text_of(row[0])), as_json(sync::read_parked(row))); });
  Json matters = rows_of(memory.open);
  matters.update(rows_of(memory.closed));
  require_same(memory.entity + ": parked", parked, matters);

  const Json inbox =
      read_rows(select(tx, "id, legacy_id, legacy_version, via, outcome, ref FROM banyan.inbox WHERE stream", memory),
                [](const auto& row) {
                  return std::pair(std::string(text_of(row[0])), Json{{"legacy_id", text_of(row[1])},
                                                                      {"legacy_version", text_of(row[2])},
                                                                      {"via", text_of(row[3])},
                                                                      {"outcome", text_of(row[4])},
                                                                      {"ref", text_of(row[5])}});
                });
  Json captured = Json::object();
  for (const auto& [id, row] : memory.inbox) captured[std::to_string(id)] = as_json(row.entry);
  require_same(memory.entity + ": inbox", inbox, captured);

  const Json counts =
      read_rows(select(tx,
                       "side, captured, applied, superseded, echo, conflict, dead_letter, in_flight "
                       "FROM banyan.sync_count WHERE stream",
                       memory),
                [](const auto& row) {
                  const sync::Counts read{number_of(row[1]), number_of(row[2]), number_of(row[3]), number_of(row[4]),
                                          number_of(row[5]), number_of(row[6]), number_of(row[7])};
                  return std::pair(std::string(text_of(row[0])), as_json(read));
                });
  require_same(memory.entity + ": counts", counts,
               Json{{"legacy", as_json(memory.legacy_counts)}, {"modern", as_json(memory.modern_counts)}});
}

}  // namespace

void compare_records(store::Transaction& tx, const MemoryStore& memory) {
  const Json records = read_rows(
      tx.exec(std::string("SELECT ") + records::kRecordColumns + " FROM banyan.record r"),
      [](const auto& row) { return std::pair(std::string(text_of(row[1])), as_json(records::record_of(row))); });
  require_same("records", records, rows_of(memory.all_records()));

  const Json history = read_rows(
      tx.exec("SELECT id, version, " BANYAN_MICROS("at") ", side, author, kind, changed FROM banyan.record_history"),
      [](const auto& row) {
        return std::pair(
            std::string(text_of(row[0])) + "@" + std::string(text_of(row[1])),
            Json{number_of(row[2]), text_of(row[3]), text_of(row[4]), text_of(row[5]), sync::json_of(row[6])});
      });
  Json remembered = Json::object();
  for (const auto& [id, record] : memory.all_records()) {
    for (const MemoryStore::HistoryRow& row : memory.history(id)) {
      remembered[id + "@" + std::to_string(row.version)] =
          Json{as_json(row.at), records::to_string(row.author.side), row.author.name, word(row.kind), row.changed};
    }
  }
  require_same("history", history, remembered);
}

void compare_stream(store::Transaction& tx, const MemoryStore::StreamRows& memory) {
  const Json links =
      read_rows(select(tx, std::string(sync::kLinkColumns) + " FROM banyan.link l WHERE l.stream", memory),
                [](const auto& row) { return std::pair(std::string(text_of(row[0])), as_json(sync::read_link(row))); });
  require_same(memory.entity + ": links", links, rows_of(memory.links));

  const Json redirects =
      read_rows(select(tx, "legacy_id, into_id FROM banyan.redirect WHERE stream", memory),
                [](const auto& row) { return std::pair(std::string(text_of(row[0])), Json(text_of(row[1]))); });
  require_same(memory.entity + ": redirects", redirects, rows_of(memory.redirects));

  const Json seen = read_rows(select(tx, "id FROM banyan.scan_chunk, unnest(ids) AS id WHERE stream", memory),
                              [](const auto& row) { return std::pair(std::string(text_of(row[0])), Json(true)); });
  Json met = Json::object();
  for (const std::string& id : memory.seen) met[id] = true;
  require_same(memory.entity + ": ids met by the scan", seen, met);

  compare_queues(tx, memory);
  compare_log(tx, memory);
}

}  // namespace banyan::simulation
