#include "gateway/store/sqlstate.hpp"

#include <array>

namespace banyan::store {
namespace {

struct Row {
  std::string_view state;  // five characters, or two for a whole class
  ErrorCode code;
};

constexpr std::array kTable{
    // Connection and server.
    Row{"08", ErrorCode::unavailable},     // connection exception
    Row{"25006", ErrorCode::unavailable},  // read-only transaction: a standby
    Row{"25P03", ErrorCode::unavailable},  // idle in transaction for too long: the session was ended
    Row{"28", ErrorCode::unavailable},     // the role may not log in
    Row{"3D000", ErrorCode::unavailable},  // no such database
    Row{"57014", ErrorCode::deadline},     // query cancelled: statement_timeout is set from the deadline
    Row{"57P", ErrorCode::unavailable},    // shutting down, starting up, database dropped
    Row{"58", ErrorCode::unavailable},     // system error, I/O error
    // Resources.
    Row{"53", ErrorCode::overloaded},      // memory, connections
    Row{"53100", ErrorCode::unavailable},  // disk full: trying again soon does not help
    Row{"54", ErrorCode::too_large},       // program limit exceeded
    Row{"55", ErrorCode::conflict},        // object in use, lock not available
    // The data.
    Row{"22", ErrorCode::invalid_argument},     // data exception: out of range, not valid JSON, division by zero
    Row{"23", ErrorCode::invalid_argument},     // integrity constraint, not null, check
    Row{"23001", ErrorCode::conflict},          // restrict
    Row{"23503", ErrorCode::conflict},          // foreign key: what it names is not there, or is still needed
    Row{"23505", ErrorCode::conflict},          // unique
    Row{"23P01", ErrorCode::conflict},          // exclusion
    Row{"44", ErrorCode::invalid_argument},     // with check option
    Row{"40", ErrorCode::conflict},             // transaction rollback: serialization failure, deadlock
    Row{"P0001", ErrorCode::invalid_argument},  // raised by a rule in the schema
};

// The longest row that the code begins with; nullptr if there is none.
constexpr const Row* find(std::string_view sqlstate) {
  const Row* best = nullptr;
  for (const Row& row : kTable) {
    if (sqlstate.starts_with(row.state) && (best == nullptr || row.state.size() > best->state.size())) best = &row;
  }
  return best;
}

template <typename Failure>
bool is(const pqxx::failure& failure) {
  return dynamic_cast<const Failure*>(&failure) != nullptr;
}

struct ClassRow {
  bool (*matches)(const pqxx::failure& failure);
  std::string_view state;
};

// A class stands after those that derive from it.
constexpr std::array kClasses{
    ClassRow{is<pqxx::serialization_failure>, "40001"},
    ClassRow{is<pqxx::deadlock_detected>, "40P01"},
    ClassRow{is<pqxx::statement_completion_unknown>, "40003"},
    ClassRow{is<pqxx::transaction_rollback>, "40000"},
    ClassRow{is<pqxx::too_many_connections>, "53300"},
    ClassRow{is<pqxx::broken_connection>, "08006"},
    ClassRow{is<pqxx::feature_not_supported>, "0A000"},
    ClassRow{is<pqxx::data_exception>, "22000"},
    ClassRow{is<pqxx::restrict_violation>, "23001"},
    ClassRow{is<pqxx::not_null_violation>, "23502"},
    ClassRow{is<pqxx::foreign_key_violation>, "23503"},
    ClassRow{is<pqxx::unique_violation>, "23505"},
    ClassRow{is<pqxx::check_violation>, "23514"},
    ClassRow{is<pqxx::integrity_constraint_violation>, "23000"},
    ClassRow{is<pqxx::invalid_cursor_state>, "24000"},
    ClassRow{is<pqxx::invalid_sql_statement_name>, "26000"},
    ClassRow{is<pqxx::invalid_cursor_name>, "34000"},
    ClassRow{is<pqxx::insufficient_privilege>, "42501"},
    ClassRow{is<pqxx::undefined_column>, "42703"},
    ClassRow{is<pqxx::undefined_function>, "42883"},
    ClassRow{is<pqxx::undefined_table>, "42P01"},
    ClassRow{is<pqxx::syntax_error>, "42601"},
    ClassRow{is<pqxx::disk_full>, "53100"},
    ClassRow{is<pqxx::out_of_memory>, "53200"},
    ClassRow{is<pqxx::insufficient_resources>, "53000"},
    ClassRow{is<pqxx::plpgsql_raise>, "P0001"},
    ClassRow{is<pqxx::plpgsql_no_data_found>, "P0002"},
    ClassRow{is<pqxx::plpgsql_too_many_rows>, "P0003"},
    ClassRow{is<pqxx::plpgsql_error>, "P0000"},
};

}  // namespace

std::string sqlstate_of(const pqxx::failure& failure) {
  const auto* error = dynamic_cast<const pqxx::sql_error*>(&failure);
  if (error != nullptr && !error->sqlstate().empty()) return error->sqlstate();
  for (const ClassRow& row : kClasses) {
    if (row.matches(failure)) return std::string(row.state);
  }
  return "";
}

ErrorCode error_code_of(std::string_view sqlstate) {
  const Row* row = find(sqlstate);
  return row == nullptr ? ErrorCode::internal : row->code;
}

bool is_worth_another_attempt(std::string_view sqlstate) {
  return sqlstate == "40001" || sqlstate == "40P01";
}

bool ends_the_session(std::string_view sqlstate) {
  return sqlstate == "25006" || sqlstate == "25P03" || sqlstate.starts_with("08") || sqlstate.starts_with("57P");
}

std::string_view public_message_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "the store refuses a value";
    case ErrorCode::conflict:
      return "the store refuses the change because of what it holds";
    case ErrorCode::too_large:
      return "the store refuses the change because it is too large";
    case ErrorCode::overloaded:
      return "the store is overloaded";
    case ErrorCode::deadline:
      return "the store did not answer within the time given";
    case ErrorCode::unavailable:
      return "the store cannot be reached";
    default:
      return "the store failed";
  }
}

}  // namespace banyan::store
