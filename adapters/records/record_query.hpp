// Queries over the records of one entity: filters, order, pages. Pure: makes SQL and cursors, executes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "adapters/records/canonicalise.hpp"
#include "adapters/records/ontology.hpp"
#include "gateway/store/indexes.hpp"

namespace banyan::records {

struct Filter {
  enum class Operator : std::uint8_t {
    eq,  // of a list: it holds the value
    ne,  // also: the field is absent
    gt,  // texts compare by bytes
    gte,
    lt,
    lte,
    in,        // one of several values
    contains,  // of texts: somewhere, whatever the case
    exists,    // "true": the field is there; "false": it is not
  };
  std::string field;  // or "id", "version", "created_at", "updated_at"
  Operator op = Operator::eq;
  std::vector<std::string> values;  // one; several for `in`
};

struct SortKey {
  std::string field;  // as in Filter, no list
  bool descending = false;
};

inline constexpr std::size_t kDefaultPage = 50;
inline constexpr std::size_t kLargestPage = 200;
inline constexpr std::size_t kMostFilters = 20;
inline constexpr std::size_t kMostSortKeys = 4;

struct ListQuery {
  std::vector<Filter> filters;  // all must hold
  std::vector<SortKey> sort;    // then by id. Records without the field come last in either direction
  std::size_t limit = kDefaultPage;
  std::string cursor;    // RecordPage::next of the page before; empty: the first page
  bool deleted = false;  // tombstones in place of live records; no index serves them
};

// A statement with its parameters. Its columns: those of a record, then one text for each sort key.
struct Select {
  std::string sql;
  std::vector<std::string> parameters;
};

// One row more than the limit is asked for: it tells whether there is a next page. The faults name "limit", "cursor",
// "sort" or a filter's field.
tl::expected<Select, std::vector<FieldFault>> select_of(const Entity& entity, const ListQuery& query);

// The cursor after a row: its sort keys (null where absent) and its id.
std::string cursor_after(const Entity& entity, const std::vector<SortKey>& sort, const Json& keys,
                         const std::string& id);

// The indexes for every field declared `indexed`.
std::vector<store::Index> indexes_of(const Ontology& ontology);

}  // namespace banyan::records
