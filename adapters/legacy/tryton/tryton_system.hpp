// TrytonSystem: Tryton 6.0 behind the port of legacy systems, by JSON-RPC alone.
//
// docs/reference/adapters-tryton.md tells what holds and what cannot. In short:
//   changes  polled by (stamp, id), microseconds; one call to the server when they fit into the page. Stamps are those
//   of
//            the transaction's begin, so rows can appear behind the cursor: read an overlap again.
//   deletes  a sweep: over RPC a deleted record is merely absent
//   writes   compare-and-set by `_timestamp`; the record is read back at once
//   create   the server chooses the id: find() lists what our user has created since
//   record   a row that cannot be read is found by halving its page, and parked alone
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/legacy/legacy_system.hpp"
#include "adapters/legacy/tryton/models.hpp"
#include "adapters/legacy/tryton/rows.hpp"
#include "adapters/legacy/tryton/rpc.hpp"
#include "gateway/base/clock.hpp"

namespace banyan::legacy::tryton {

struct TrytonOptions {
  RpcOptions rpc{};
  std::map<std::string, TypeOptions> types{};  // by model name; a model that is not here is read without any fields
  std::size_t page_limit = 500;                // records per call
  std::chrono::milliseconds overlap{5'000};    // see Capabilities
  std::optional<double> calls_per_second{};    // see Capabilities
};

class TrytonSystem final : public LegacySystem {
public:
  // Opens nothing. Throws as HttpClient does. The clock must outlive it.
  TrytonSystem(TrytonOptions options, const Clock& clock);

  const Capabilities& capabilities(const std::string& type) const override;
  Answer<Page> changes(const std::string& type, const Cursor& after, std::size_t limit, Deadline deadline) override;
  // The newest stamp that is there: on the clock of the stamps, whatever that of the server says.
  Answer<Cursor> here(const std::string& type, Deadline deadline) override;
  Cursor rewind(const std::string& type, const Cursor& cursor, std::chrono::milliseconds overlap) const override;
  std::chrono::milliseconds distance(const std::string& type, const Cursor& later,
                                     const Cursor& earlier) const override;
  Answer<Page> scan(const std::string& type, const std::string& position, std::size_t limit,
                    Deadline deadline) override;
  // A record that exists and cannot be read fails the whole call (rejected or malformed), which names it.
  Answer<std::vector<LegacyRecord>> fetch(const std::string& type, std::span<const std::string> ids,
                                          Deadline deadline) override;
  Answer<Written> create(const std::string& type, const Json& fields, const CreateMark& mark,
                         Deadline deadline) override;
  Answer<Written> update(const std::string& type, const std::string& id, const Json& fields, const Json& whole,
                         const std::string& expected, Deadline deadline) override;
  Answer<void> remove(const std::string& type, const std::string& id, const std::string& expected,
                      Deadline deadline) override;
  Answer<std::vector<LegacyRecord>> find(const std::string& type, const CreateMark& mark, Deadline deadline) override;
  Answer<std::vector<std::string>> deleted_since(const std::string& type, const Cursor& since,
                                                 Deadline deadline) override;
  Answer<std::vector<FieldDescription>> describe(const std::string& type, Deadline deadline) override;
  Answer<WallTime> now(Deadline deadline) override;

private:
  // Rows as they came, in no promised order.
  struct Rows {
    std::vector<LegacyRecord> records;
    std::vector<LegacyRecord> unreadable;
    std::size_t size() const { return records.size() + unreadable.size(); }
  };
  struct Query {
    const std::string& type;
    Json domain;
    Json order;
    std::size_t limit;
  };
  struct Isolation;
  struct FieldForm {
    std::string type;
    Json read_only = false;  // a condition, see pyson.hpp
  };
  using FieldForms = std::shared_ptr<const std::map<std::string, FieldForm>>;  // by name

  const TypeOptions& options_of(const std::string& type) const;
  Json within_scope(const std::string& type, Json domain) const;
  Answer<RowShape> shape_of(const std::string& type, Deadline deadline);
  Answer<Json> search_read(const Query& query, const Json& names, Deadline deadline);
  Answer<Rows> read(const Query& query, Deadline deadline);
  Answer<Rows> read_one_by_one(const Query& query, const RowShape& shape, const Failure& because, Deadline deadline);
  std::optional<Failure> isolate(Isolation& work, std::span<const std::int64_t> ids);
  Answer<Page> changes_of_backlog(const std::string& type, const Cursor& after, std::size_t limit, Deadline deadline);
  Answer<std::string> newest(const std::string& type, const char* column, Deadline deadline);
  static Page to_page(Rows rows, const Cursor& after, std::size_t limit);

  static FieldForm form_of(const Json& definition);
  Answer<FieldForms> field_forms(const std::string& type, Deadline deadline);
  Answer<Json> typed_fields(const std::string& type, const Json& fields, const std::string& id, Deadline deadline);
  Answer<Json> present_ids(const std::string& type, const std::string& id, const std::string& field, Deadline deadline);
  Answer<bool> exists(const std::string& type, std::int64_t id, Deadline deadline);
  Answer<Json> read_row(const std::string& type, std::int64_t id, const Json& names, Deadline deadline);
  Answer<void> may_write(const std::string& type, std::int64_t id, const std::vector<std::string>& fields,
                         Deadline deadline);
  Answer<std::vector<std::int64_t>> documents_of(const std::string& type, std::optional<std::int64_t> id,
                                                 const Json& values, Deadline deadline);
  void touch(const std::string& type, const std::vector<std::int64_t>& documents, Deadline deadline);
  Written read_back(const std::string& type, const std::string& id, Deadline deadline);

  TrytonOptions options_;
  Rpc rpc_;
  std::map<std::string, Capabilities> capabilities_;
  Capabilities default_capabilities_;
  std::mutex mutex_;
  std::map<std::string, FieldForms> field_forms_;  // guarded by mutex_
};

}  // namespace banyan::legacy::tryton
