// Database: PostgreSQL behind one call, transact(deadline, fn).
//
//   Result<int> count = db.transact<int>(Deadline::after(clock, 2s), [](store::Transaction& tx) {
//     return tx.exec1("SELECT count(*) FROM banyan.record")[0].as<int>();
//   });
//
// Blocking: to be called from threads that may wait, never from the data plane. What happens on the way:
//   - a connection comes from a bounded pool; callers wait in a bounded queue, in order, until the deadline; a full
//     queue fails at once with `overloaded`;
//   - the time left becomes statement_timeout before every transaction, because no timer can stop a blocking call;
//   - serialization failures and deadlocks (SQLSTATE 40001, 40P01) run fn again, with growing pauses, until the
//     deadline: so fn must have no effect but through `tx`;
//   - a lost connection is replaced; fn runs again only if COMMIT had not been sent. Lost during COMMIT: the error says
//     that the outcome is unknown (ErrorCode::unavailable, internal_detail "commit outcome unknown");
//   - a server that does not answer is tried again for `mend_within` after it was first missed, so that callers do not
//     notice a restart; after that calls fail at once until it is back;
//   - other failures are mapped by SQLSTATE in one table (sqlstate.cpp) to ErrorCode;
//   - fn throws Rollback to end without effect and with an error of its own;
//   - whatever else fn throws goes through to the caller after a rollback; fn that ignores the failure of a statement
//     ends with pqxx::usage_error, because nothing of the transaction can be kept (pqxx::subtransaction can).
//
// The limit holds for each statement: fn with several may take longer than the deadline, but nothing is committed after
// it. fn must not keep the session changed (SET without LOCAL, temporary tables without ON COMMIT DROP).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/clock.hpp"
#include "gateway/base/result.hpp"
#include "gateway/base/secret.hpp"

namespace banyan::store {

using Transaction = pqxx::transaction_base;

// Thrown by the fn of a transaction: rolls back, and transact() returns `error`.
class Rollback final : public std::exception {
public:
  explicit Rollback(Error error) : error_(std::move(error)) {}
  const Error& error() const { return error_; }
  const char* what() const noexcept override { return "rolled back on purpose"; }

private:
  Error error_;
};

enum class Isolation : std::uint8_t { read_committed, repeatable_read, serializable };

struct DatabaseOptions {
  Secret url;                     // postgresql://… or a libpq keyword string
  std::size_t connections = 8;    // at most, opened when needed
  std::size_t queue_limit = 256;  // callers that may wait for one
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds mend_within{5'000};
  std::size_t retry_limit = 100;  // runs of one fn after serialization failures and deadlocks
  std::string application_name = "banyan";
};

class Database {
public:
  // Opens no connection. `clock` must outlive the object.
  Database(DatabaseOptions options, const Clock& clock);
  ~Database();  // waits for calls under way
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs fn in a transaction and commits. See above. Safe from any thread.
  template <typename T, typename Fn>
  Result<T> transact(Deadline deadline, Fn fn, Isolation isolation = Isolation::read_committed) {
    std::optional<T> value;
    auto done = run(
        deadline, [&](Transaction& tx) { value.emplace(fn(tx)); }, isolation);
    if (!done) return tl::unexpected<Error>(std::move(done.error()));
    return std::move(*value);
  }
  Result<void> run(Deadline deadline, const std::function<void(Transaction&)>& fn,
                   Isolation isolation = Isolation::read_committed);

  // Whether a connection can be had and answers, now: nothing is tried again.
  Result<void> ping(Deadline deadline);

  struct Figures {
    std::size_t open = 0;
    std::size_t busy = 0;
    std::size_t waiting = 0;
    std::uint64_t transactions = 0;
    std::uint64_t retries = 0;
    std::uint64_t reconnects = 0;
    std::uint64_t refused = 0;  // queue full
  };
  Figures figures() const;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Sends `payload` (less than 8000 bytes, as PostgreSQL has it; may be empty) to those who listen on `channel` when `tx`
// commits. Equal notifications of one transaction arrive once. See listener.hpp.
void notify(Transaction& tx, std::string_view channel, std::string_view payload);

}  // namespace banyan::store
