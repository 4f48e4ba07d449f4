// A RecordStore over the CRM ontology in a fresh database, and short ways to fill it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "adapters/records/record_store.hpp"
#include "tests/integration/records_fixture.hpp"

namespace banyan::records {

inline const Ontology& crm() {
  static const Ontology ontology = [] {
    const std::array files{std::string(kCrmOntology)};
    return load_ontology(files).value();
  }();
  return ontology;
}

class RecordStoreTest : public RecordsTest {
protected:
  const Author clara_{Side::modern, "user:clara"};
  RecordIds ids_{clock_, 7};
  RecordStore store_{app(), crm(), ids_};

  RecordResult<Record> try_create(const std::string& entity, const Json& data) {
    return store_.create(entity, data, clara_, soon());
  }
  Record create(const std::string& entity, const Json& data) {
    auto made = try_create(entity, data);
    if (made) return *made;
    ADD_FAILURE() << made.error().error.public_message << made.error().error.internal_detail << " "
                  << to_string(made.error().faults);
    return {};
  }
  Record account(const std::string& name, const std::string& parent = {}) {
    return create("account", {{"name", name}, {"parent", parent}});
  }
  RecordResult<Record> patch(const Record& record, const Json& merge_patch) {
    return store_.patch(record.entity, record.id, merge_patch, std::nullopt, clara_, soon());
  }
  // A change as sync writes it.
  RecordWrite change_of(const Record& record, RecordWrite::Kind kind) const {
    RecordWrite write;
    write.kind = kind;
    write.record = record;
    write.record.version += 1;
    write.record.deleted = kind == RecordWrite::Kind::remove;
    write.changed = Json::object();
    write.author = {Side::legacy, "system:tryton"};
    return write;
  }
  RecordResult<Record> remove(const Record& record) {
    return store_.remove(record.entity, record.id, std::nullopt, clara_, soon());
  }

  // The names of the accounts that the query gives, page by page.
  std::vector<std::string> names(ListQuery query, std::size_t* pages = nullptr) {
    std::vector<std::string> out;
    for (std::size_t count = 1; count < 100; ++count) {
      const auto page = store_.list("account", query, soon());
      if (!page) {
        ADD_FAILURE() << to_string(page.error().faults) << page.error().error.internal_detail;
        break;
      }
      for (const Record& record : page->records) out.push_back(record.data["name"]);
      if (pages != nullptr) *pages = count;
      if (page->next.empty()) break;
      query.cursor = page->next;
    }
    return out;
  }
};

inline ErrorCode code_of(const RecordResult<Record>& result) {
  return result ? ErrorCode::internal : result.error().error.code;
}

}  // namespace banyan::records
