// SQLSTATE: what PostgreSQL's five-character codes mean to Banyan. One table, in sqlstate.cpp
// (source: PostgreSQL 15, appendix A, "PostgreSQL Error Codes").
#pragma once

#include <pqxx/except>
#include <string>
#include <string_view>

#include "gateway/base/error.hpp"

namespace banyan::store {

// The code of a failure; libpqxx 6 drops it where it has a class for it. Empty if there was none, as when the
// connection broke.
std::string sqlstate_of(const pqxx::failure& failure);

// What the caller of a failed statement is told. An exact code decides before its class (the first two characters);
// what is in neither is `internal`. An empty code stands for a failure that PostgreSQL gave no code for.
ErrorCode error_code_of(std::string_view sqlstate);

// Serialization failures and deadlocks: the same transaction may succeed when run again.
bool is_worth_another_attempt(std::string_view sqlstate);

// The session ends, or should not be used again: the server shuts down, or it is a standby and takes no writes.
bool ends_the_session(std::string_view sqlstate);

// A message for the outside that says nothing of tables or statements.
std::string_view public_message_of(ErrorCode code);

}  // namespace banyan::store
