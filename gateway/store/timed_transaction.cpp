#include "gateway/store/timed_transaction.hpp"

#include <string>

#include "gateway/store/sqlstate.hpp"

namespace banyan::store {
namespace {

const char* name_of(Isolation isolation) {
  switch (isolation) {
    case Isolation::repeatable_read:
      return "REPEATABLE READ";
    case Isolation::serializable:
      return "SERIALIZABLE";
    case Isolation::read_committed:
      break;
  }
  return "READ COMMITTED";
}

}  // namespace

TimedTransaction::TimedTransaction(pqxx::connection_base& connection, Isolation isolation,
                                   std::chrono::milliseconds statement_timeout)
    : namedclass("transaction"),
      dbtransaction(connection),
      isolation_(isolation),
      statement_timeout_(statement_timeout) {
  Begin();
}

TimedTransaction::~TimedTransaction() {
  End();
}

void TimedTransaction::do_begin() {
  const std::string text = std::string("BEGIN ISOLATION LEVEL ") + name_of(isolation_) +
                           "; SET LOCAL statement_timeout = " + std::to_string(statement_timeout_.count());
  direct_exec(text.c_str());
}

void TimedTransaction::do_commit() {
  try {
    // The SELECT is refused in a transaction that has failed; COMMIT alone would answer with a silent ROLLBACK.
    direct_exec("SELECT 1; COMMIT");
  } catch (const pqxx::failure& failure) {
    const std::string state = sqlstate_of(failure);
    if (ends_the_session(state) || state == "40003" || !conn().is_open()) throw pqxx::in_doubt_error(failure.what());
    direct_exec("ROLLBACK");
    // As libpqxx has it for the failures that it sees itself.
    if (state == "25P02") throw pqxx::usage_error("COMMIT of a transaction of which a statement has failed");
    throw;
  }
}

}  // namespace banyan::store
