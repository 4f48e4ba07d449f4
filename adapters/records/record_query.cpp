#include "adapters/records/record_query.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "adapters/records/record_rows.hpp"
#include "gateway/base/nearest.hpp"

namespace banyan::records {
namespace {

// How a field stands in SQL.
struct Column {
  std::string expression;  // what is compared and sorted by
  std::string cast;        // of a parameter that it is compared with
  std::string text;        // the expression as a text that the cast takes back
  Field field;
};

Field own_field(const char* name, FieldType type) {
  Field field;
  field.name = name;
  field.type = type;
  return field;
}

Column time_column(const char* name) {
  const std::string expression = std::string("r.") + name;
  return {expression, "::timestamptz",
          "to_char(" + expression + " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
          own_field(name, FieldType::timestamp)};
}

// Field names are safe to put into SQL: is_name() has seen them.
Column data_column(const Field& field) {
  const std::string text = "(r.data->>'" + field.name + "')";
  switch (field.type) {
    case FieldType::integer:
    case FieldType::decimal:
      return {text + "::numeric", "::numeric", text, field};
    case FieldType::boolean:
      return {text + "::boolean", "::boolean", text, field};
    default:
      return {text + " COLLATE \"C\"", "::text", text, field};
  }
}

std::optional<Column> column_of(const Entity& entity, std::string_view name) {
  if (name == "id") return Column{"r.id", "::uuid", "r.id::text", own_field("id", FieldType::reference)};
  if (name == "version") {
    return Column{"r.version", "::bigint", "r.version::text", own_field("version", FieldType::integer)};
  }
  if (name == "created_at" || name == "updated_at")
    return time_column(name == "created_at" ? "created_at" : "updated_at");
  const Field* field = entity.field(name);
  return field == nullptr ? std::nullopt : std::optional(data_column(*field));
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kHex[static_cast<unsigned char>(c) >> 4U];
    out += kHex[static_cast<unsigned char>(c) & 0xFU];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return text.size() % 2 == 0 ? std::optional(std::move(out)) : std::nullopt;
}

std::string text_of(const std::vector<SortKey>& sort) {
  std::string out;
  for (const SortKey& key : sort) out += (out.empty() ? "" : ",") + std::string(key.descending ? "-" : "") + key.field;
  return out;
}

class SelectBuilder {
public:
  SelectBuilder(const Entity& entity, const ListQuery& query) : entity_(entity), query_(query) {}

  tl::expected<Select, std::vector<FieldFault>> build() {
    check_bounds();
    const std::vector<Column> keys = sort_columns();
    where_ = "r.entity = " + parameter(entity_.name) + (query_.deleted ? " AND r.deleted" : " AND NOT r.deleted");
    for (const Filter& filter : query_.filters) add(filter);
    if (!query_.cursor.empty() && faults_.empty()) continue_after(keys);
    if (!faults_.empty()) return tl::unexpected(std::move(faults_));
    std::string columns = kRecordColumns;
    std::string order;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      columns += ", " + keys[i].text;
      order += keys[i].expression + (query_.sort[i].descending ? " DESC NULLS LAST, " : ", ");
    }
    return Select{"SELECT " + columns + " FROM banyan.record r WHERE " + where_ + " ORDER BY " + order + "r.id LIMIT " +
                      std::to_string(query_.limit + 1),
                  std::move(parameters_)};
  }

private:
  std::string parameter(std::string value) {
    parameters_.push_back(std::move(value));
    return "$" + std::to_string(parameters_.size());
  }

  void fault(const std::string& field, std::string found, std::string expected, std::string hint = {}) {
    faults_.push_back({field, std::move(found), std::move(expected), std::move(hint)});
  }

  void check_bounds() {
    if (query_.limit < 1 || query_.limit > kLargestPage) {
      fault("limit", std::to_string(query_.limit), "a number from 1 to " + std::to_string(kLargestPage));
    }
    if (query_.filters.size() > kMostFilters) {
      fault("filter", std::to_string(query_.filters.size()) + " filters", "at most " + std::to_string(kMostFilters));
    }
    if (query_.sort.size() > kMostSortKeys) {
      fault("sort", std::to_string(query_.sort.size()) + " keys", "at most " + std::to_string(kMostSortKeys));
    }
  }

  std::optional<Column> known_column(const std::string& where, const std::string& name) {
    std::optional<Column> column = column_of(entity_, name);
    if (!column) {
      std::vector<std::string> names{"id", "version", "created_at", "updated_at"};
      for (const Field& field : entity_.fields()) names.push_back(field.name);
      const auto near = nearest(name, names);
      fault(where, "the unknown field " + yaml::in_quotes(name), "a field of " + entity_.name,
            near ? "did you mean \"" + *near + "\"?" : "");
    }
    return column;
  }

  std::vector<Column> sort_columns() {
    std::vector<Column> columns;
    for (const SortKey& key : query_.sort) {
      auto column = known_column("sort", key.field);
      if (!column) continue;
      if (column->field.type == FieldType::list) {
        fault("sort", "the list " + yaml::in_quotes(key.field), "a field with a single value");
      }
      columns.push_back(std::move(*column));
    }
    return columns;
  }

  // The parameter for a value in its canonical form; nothing if it does not fit.
  std::optional<std::string> value_of(const Column& column, const std::string& text) {
    Json given = text;
    if (column.field.type == FieldType::boolean && (text == "true" || text == "false")) given = text == "true";
    if (column.field.type == FieldType::list) given = Json::array({text});
    const auto value = canonical_value(column.field, given);
    if (!value || is_empty(*value)) {
      fault(column.field.name, value ? "nothing" : value.error().public_message, "a value to compare with");
      return std::nullopt;
    }
    if (value->is_array()) return parameter(value->front().get<std::string>());
    return parameter(value->is_string() ? value->get<std::string>() : value->dump());
  }

  void add(const Filter& filter) {
    const auto column = known_column(filter.field, filter.field);
    if (!column) return;
    const bool is_list = column->field.type == FieldType::list;
    const std::string value = filter.values.empty() ? "" : filter.values.front();
    using Operator = Filter::Operator;
    if (filter.op == Operator::exists) {
      if (value != "true" && value != "false") return fault(filter.field, yaml::in_quotes(value), "true or false");
      where_ += " AND " + column->expression + (value == "true" ? " IS NOT NULL" : " IS NULL");
    } else if (filter.op == Operator::contains) {
      if (column->field.type != FieldType::text) return fault(filter.field, "contains", "`contains` with texts only");
      where_ += " AND strpos(lower(" + column->text + "), lower(" + parameter(value) + ")) > 0";
    } else if (is_list) {
      if (filter.op != Operator::eq) return fault(filter.field, "this operator", "`eq` or `exists` with lists");
      if (const auto place = value_of(*column, value)) {
        where_ += " AND jsonb_exists(r.data->'" + filter.field + "', " + *place + ")";
      }
    } else if (filter.op == Operator::in) {
      add_in(filter, *column);
    } else {
      static constexpr std::array<const char*, 6> kSql{" = ", " IS DISTINCT FROM ", " > ", " >= ", " < ", " <= "};
      if (const auto place = value_of(*column, value)) {
        where_ += " AND " + column->expression + kSql.at(static_cast<std::size_t>(filter.op)) + *place + column->cast;
      }
    }
  }

  void add_in(const Filter& filter, const Column& column) {
    std::string list;
    for (const std::string& value : filter.values) {
      const auto place = value_of(column, value);
      if (!place) return;
      list += (list.empty() ? "" : ", ") + *place + column.cast;
    }
    if (list.empty()) return fault(filter.field, "no value", "values with commas between");
    where_ += " AND " + column.expression + " IN (" + list + ")";
  }

  // Rows after the one that the cursor stands for: greater in the first key, or equal there and greater in the next.
  void continue_after(const std::vector<Column>& keys) {
    const auto text = from_hex(query_.cursor);
    const Json cursor = text ? Json::parse(*text, nullptr, false) : Json();
    const bool fits = cursor.is_array() && cursor.size() == 4 && cursor[0] == entity_.name &&
                      cursor[1] == text_of(query_.sort) && cursor[2].is_array() && cursor[2].size() == keys.size() &&
                      cursor[3].is_string();
    if (!fits || !are_values(keys, cursor))
      return fault("cursor", "a cursor of another query, or none", "`next` of the page before, with the same `sort`");
    std::string after = "r.id > " + parameter(cursor[3].get<std::string>()) + "::uuid";
    for (std::size_t i = keys.size(); i > 0; --i) {
      const Column& key = keys[i - 1];
      const Json& value = cursor[2][i - 1];
      if (value.is_null()) {
        after = "(" + key.expression + " IS NULL AND " + after + ")";
        continue;
      }
      const std::string place = parameter(value.get<std::string>()) + key.cast;
      const char* beyond = query_.sort[i - 1].descending ? " < " : " > ";
      after = "(" + key.expression + beyond + place + " OR " + key.expression + " IS NULL OR (" + key.expression +
              " = " + place + " AND " + after + "))";
    }
    where_ += " AND " + after;
  }

  // A cursor is made by us, but anyone can send one.
  static bool are_values(const std::vector<Column>& keys, const Json& cursor) {
    if (!canonical_value(own_field("id", FieldType::reference), cursor[3])) return false;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const Json& value = cursor[2][i];
      if (value.is_null()) continue;
      if (!value.is_string()) return false;
      if (keys[i].cast == "::text") continue;
      Json given = value;
      if (keys[i].field.type == FieldType::boolean) given = value == "true";
      if (!canonical_value(keys[i].field, given)) return false;
    }
    return true;
  }

  const Entity& entity_;
  const ListQuery& query_;
  std::string where_;
  std::vector<std::string> parameters_;
  std::vector<FieldFault> faults_;
};

}  // namespace

tl::expected<Select, std::vector<FieldFault>> select_of(const Entity& entity, const ListQuery& query) {
  return SelectBuilder(entity, query).build();
}

std::string cursor_after(const Entity& entity, const std::vector<SortKey>& sort, const Json& keys,
                         const std::string& id) {
  return hex(Json::array({entity.name, text_of(sort), keys, id}).dump());
}

std::vector<store::Index> indexes_of(const Ontology& ontology) {
  std::vector<store::Index> indexes;
  for (const Entity& entity : ontology.entities()) {
    for (const Field& field : entity.fields()) {
      if (!field.indexed) continue;
      std::string name = "record_" + entity.name + "_" + field.name;
      constexpr std::size_t kLongestName = 63;
      if (name.size() > kLongestName) {
        const auto hash = static_cast<std::uint64_t>(content_hash(name));
        name = name.substr(0, kLongestName - 17) + "_" + std::to_string(hash % 1'000'000'000'000'000ULL);
      }
      std::string expression = data_column(field).expression;
      expression.erase(expression.find("r."), 2);
      indexes.push_back(
          {name, "banyan.record ((" + expression + "), id) WHERE entity = '" + entity.name + "' AND NOT deleted"});
    }
  }
  return indexes;
}

}  // namespace banyan::records
