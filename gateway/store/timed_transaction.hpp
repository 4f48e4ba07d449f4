// TimedTransaction: a transaction whose statements have a time limit.
#pragma once

#include <chrono>
#include <pqxx/pqxx>

#include "gateway/store/database.hpp"

namespace banyan::store {

// Differs from pqxx::transaction in three ways: BEGIN and the time limit are one round trip; COMMIT fails if an earlier
// statement failed, where PostgreSQL would roll back and report success; and after every failure it is known whether
// COMMIT had been sent.
class TimedTransaction final : public pqxx::dbtransaction {
public:
  // `statement_timeout` zero: no limit. Throws what libpqxx throws.
  TimedTransaction(pqxx::connection_base& connection, Isolation isolation, std::chrono::milliseconds statement_timeout);
  ~TimedTransaction() override;

private:
  void do_begin() override;
  void do_commit() override;

  Isolation isolation_;
  std::chrono::milliseconds statement_timeout_;
};

}  // namespace banyan::store
