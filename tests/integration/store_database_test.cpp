// transact() on a real PostgreSQL: deadlines, retries, the queue, lost connections.
#include "gateway/store/database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/support/postgres_fixture.hpp"

namespace banyan::store {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class TransactTest : public test::PostgresTest {
protected:
  TransactTest() { execute(owner(), "CREATE TABLE banyan.pair (name text PRIMARY KEY, number int NOT NULL)"); }

  void given_pairs(const std::string& values) { execute(owner(), "INSERT INTO banyan.pair VALUES " + values); }
  std::string pairs() {
    return value(owner(), "SELECT coalesce(string_agg(name || number, ' ' ORDER BY name), '') FROM banyan.pair");
  }
  Deadline within(milliseconds span) const { return Deadline::after(clock_, span); }

  // Ends all sessions of the running program, as a restart of the server would.
  void end_sessions_of_app() {
    execute(superuser(),
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = 'banyan_app' AND "
            "datname = current_database()");
  }
  static void insert(Transaction& tx, const std::string& name) {
    tx.exec_params("INSERT INTO banyan.pair VALUES ($1, 1)", name);
  }
};

TEST_F(TransactTest, CommitsWhatTheFunctionDid) {
  const auto done = app().run(soon(), [](Transaction& tx) { insert(tx, "a"); });
  ASSERT_TRUE(done) << done.error().internal_detail;
  EXPECT_EQ("a1", pairs());
}

TEST_F(TransactTest, ReturnsWhatTheFunctionReturns) {
  const auto answer =
      app().transact<int>(soon(), [](Transaction& tx) { return tx.exec1("SELECT 40 + 2")[0].as<int>(); });
  ASSERT_TRUE(answer) << answer.error().internal_detail;
  EXPECT_EQ(42, *answer);
}

TEST_F(TransactTest, RunsInTheIsolationAskedFor) {
  const std::array<std::pair<Isolation, std::string>, 3> cases{{{Isolation::read_committed, "read committed"},
                                                                {Isolation::repeatable_read, "repeatable read"},
                                                                {Isolation::serializable, "serializable"}}};
  for (const auto& [isolation, expected] : cases) {
    const auto level = app().transact<std::string>(
        soon(), [](Transaction& tx) { return tx.exec1("SHOW transaction_isolation")[0].as<std::string>(); }, isolation);
    ASSERT_TRUE(level) << level.error().internal_detail;
    EXPECT_EQ(expected, *level);
  }
}

TEST_F(TransactTest, ARollbackLeavesNothingAndReturnsItsError) {
  const auto done = app().run(soon(), [](Transaction& tx) {
    insert(tx, "a");
    throw Rollback(Error{ErrorCode::precondition_failed, "stale", ""});
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(ErrorCode::precondition_failed, done.error().code);
  EXPECT_EQ("", pairs());
}

TEST_F(TransactTest, WhateverElseTheFunctionThrowsGoesThroughAfterARollback) {
  EXPECT_THROW(app().run(soon(),
                         [](Transaction& tx) {
                           insert(tx, "a");
                           throw std::out_of_range("a bug");
                         }),
               std::out_of_range);
  EXPECT_EQ("", pairs());
  EXPECT_EQ(0U, app().figures().busy);
}

// PostgreSQL answers COMMIT with a ROLLBACK that looks like success.
TEST_F(TransactTest, AFailureThatTheFunctionIgnoresIsNoSilentRollback) {
  const auto ignore_failure_of = [&](const std::function<void(Transaction&)>& statement) {
    return app().run(soon(), [&](Transaction& tx) {
      insert(tx, "a");
      try {
        statement(tx);
      } catch (const pqxx::sql_error&) {
      }
    });
  };
  EXPECT_THROW(ignore_failure_of([](Transaction& tx) { tx.exec("SELECT 1 / 0"); }), pqxx::usage_error);
  EXPECT_THROW(ignore_failure_of([](Transaction& tx) { tx.exec_params("SELECT 1 / $1::int", 0); }), pqxx::usage_error);
  EXPECT_EQ("", pairs());
  EXPECT_TRUE(app().run(soon(), [](Transaction& tx) { insert(tx, "b"); })) << "the connection is clean again";
}

TEST_F(TransactTest, FailuresOfStatementsAreMappedAndSayNothingOutside) {
  given_pairs("('a', 1)");
  struct Case {
    const char* sql;
    ErrorCode code;
    const char* sqlstate;
  };
  for (const Case& expected : {
           Case{"INSERT INTO banyan.pair VALUES ('a', 2)", ErrorCode::conflict, "23505"},
           Case{"INSERT INTO banyan.pair VALUES ('b', NULL)", ErrorCode::invalid_argument, "23502"},
           Case{"SELECT 1 / 0", ErrorCode::invalid_argument, "22"},
           Case{"SELECT '{'::jsonb", ErrorCode::invalid_argument, "22"},
           Case{"SELECT * FROM banyan.absent", ErrorCode::internal, "42P01"},
           Case{"SELEC", ErrorCode::internal, "42601"},
           Case{"DROP TABLE banyan.pair", ErrorCode::internal, "42501"},
           Case{"SET LOCAL default_transaction_read_only = on; SET TRANSACTION READ ONLY; DELETE FROM banyan.pair",
                ErrorCode::unavailable, "25006"},
       }) {
    const auto done = app().run(soon(), [&](Transaction& tx) { tx.exec(expected.sql); });
    ASSERT_FALSE(done) << expected.sql;
    EXPECT_EQ(expected.code, done.error().code) << expected.sql;
    EXPECT_THAT(done.error().internal_detail, HasSubstr(std::string("SQLSTATE ") + expected.sqlstate));
    EXPECT_THAT(done.error().public_message, ::testing::Not(HasSubstr("pair")));
  }
}

TEST_F(TransactTest, TheDeadlineInterruptsAStatement) {
  const auto begin = clock_.now();
  const auto done = app().run(within(milliseconds(200)), [](Transaction& tx) { tx.exec("SELECT pg_sleep(600)"); });
  ASSERT_FALSE(done);
  EXPECT_EQ(ErrorCode::deadline, done.error().code);
  EXPECT_LT(clock_.now() - begin, std::chrono::seconds(60));
  EXPECT_TRUE(app().ping(soon()));
  EXPECT_EQ(1U, app().figures().open) << "the connection is kept";
}

TEST_F(TransactTest, ALimitOfOneTransactionIsNotThatOfTheNext) {
  ASSERT_TRUE(app().run(within(std::chrono::minutes(10)), [](Transaction& tx) { tx.exec("SELECT 1"); }));
  const auto limit = app().transact<std::string>(
      Deadline(), [](Transaction& tx) { return tx.exec1("SHOW statement_timeout")[0].as<std::string>(); });
  ASSERT_TRUE(limit);
  EXPECT_EQ("0", *limit);
}

TEST_F(TransactTest, NothingIsCommittedAfterTheDeadline) {
  const auto done = app().run(within(milliseconds(50)), [this](Transaction& tx) {
    insert(tx, "a");
    for (const auto until = clock_.now() + milliseconds(60); clock_.now() < until;) std::this_thread::yield();
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(ErrorCode::deadline, done.error().code);
  EXPECT_EQ("", pairs());
}

TEST_F(TransactTest, ADeadlineThatHasPassedOpensNoConnection) {
  const auto done = app().run(Deadline::at(clock_.now()), [](Transaction&) { FAIL() << "must not run"; });
  ASSERT_FALSE(done);
  EXPECT_EQ(ErrorCode::deadline, done.error().code);
  EXPECT_EQ(0U, app().figures().open);
}

// Two transactions read the same sum and both write by it: one of them must see the other's.
TEST_F(TransactTest, ASerializationFailureRunsTheFunctionAgain) {
  given_pairs("('a', 0)");
  std::barrier both(2);
  const auto add_one = [&] {
    bool first = true;
    return app().run(
        soon(),
        [&](Transaction& tx) {
          const int number = tx.exec1("SELECT number FROM banyan.pair")[0].as<int>();
          if (std::exchange(first, false)) both.arrive_and_wait();
          tx.exec_params("UPDATE banyan.pair SET number = $1", number + 1);
        },
        Isolation::serializable);
  };
  Result<void> other;
  std::thread thread([&] { other = add_one(); });
  const Result<void> own = add_one();
  thread.join();
  ASSERT_TRUE(own) << own.error().internal_detail;
  ASSERT_TRUE(other) << other.error().internal_detail;
  EXPECT_EQ("a2", pairs());
  EXPECT_GE(app().figures().retries, 1U);
}

TEST_F(TransactTest, ADeadlockRunsTheFunctionAgain) {
  given_pairs("('a', 0), ('b', 0)");
  std::barrier both(2);
  const auto touch = [&](const char* first_name, const char* second_name) {
    bool first = true;
    return app().run(soon(), [&, first_name, second_name](Transaction& tx) {
      tx.exec_params("UPDATE banyan.pair SET number = number + 1 WHERE name = $1", std::string(first_name));
      if (std::exchange(first, false)) both.arrive_and_wait();
      tx.exec_params("UPDATE banyan.pair SET number = number + 1 WHERE name = $1", std::string(second_name));
    });
  };
  Result<void> other;
  std::thread thread([&] { other = touch("b", "a"); });
  const Result<void> own = touch("a", "b");
  thread.join();
  ASSERT_TRUE(own) << own.error().internal_detail;
  ASSERT_TRUE(other) << other.error().internal_detail;
  EXPECT_EQ("a2 b2", pairs());
  EXPECT_GE(app().figures().retries, 1U);
}

TEST_F(TransactTest, RetriesEndAtTheLimitWithAConflict) {
  auto few = options();
  few.retry_limit = 2;
  Database database(few, clock_);
  int runs = 0;
  const auto done = database.run(soon(), [&runs](Transaction& tx) {
    ++runs;
    tx.exec("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$");
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(ErrorCode::conflict, done.error().code);
  EXPECT_EQ(3, runs);
}

TEST_F(TransactTest, RetriesEndAtTheDeadline) {
  const auto done = app().run(within(milliseconds(100)),
                              [](Transaction& tx) { tx.exec("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$"); });
  ASSERT_FALSE(done);
  EXPECT_EQ(ErrorCode::deadline, done.error().code);
}

TEST_F(TransactTest, AnIdleConnectionThatWasLostIsReplacedUnnoticed) {
  ASSERT_TRUE(app().ping(soon()));
  end_sessions_of_app();
  const auto done = app().run(soon(), [](Transaction& tx) { insert(tx, "a"); });
  ASSERT_TRUE(done) << done.error().internal_detail;
  EXPECT_EQ("a1", pairs());
  EXPECT_EQ(1U, app().figures().reconnects);
}

TEST_F(TransactTest, AConnectionLostBeforeCommitRunsTheFunctionAgain) {
  int runs = 0;
  const auto done = app().run(soon(), [&](Transaction& tx) {
    insert(tx, "a");
    if (runs++ == 0) {
      end_sessions_of_app();
      tx.exec("SELECT 1");
    }
  });
  ASSERT_TRUE(done) << done.error().internal_detail;
  EXPECT_EQ(2, runs);
  EXPECT_EQ("a1", pairs());
}

TEST_F(TransactTest, AStatementThatEndsItsSessionIsNotRunForEver) {
  int runs = 0;
  const auto done = app().run(soon(), [&](Transaction& tx) {
    ++runs;
    tx.exec("SELECT pg_terminate_backend(pg_backend_pid())");
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(ErrorCode::unavailable, done.error().code);
  EXPECT_EQ(4, runs);
}

TEST_F(TransactTest, AConnectionLostDuringCommitLeavesTheOutcomeUnknown) {
  int runs = 0;
  const auto done = app().run(soon(), [&](Transaction& tx) {
    ++runs;
    insert(tx, "a");
    end_sessions_of_app();  // the next thing sent is COMMIT
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(1, runs);
  EXPECT_EQ(ErrorCode::unavailable, done.error().code);
  EXPECT_EQ("commit outcome unknown", done.error().internal_detail);
  EXPECT_TRUE(app().ping(soon()));
}

TEST_F(TransactTest, AUrlThatCannotBeReadIsAFaultOfTheSettings) {
  auto wrong = options();
  wrong.url = Secret("postgresql://user:hidden-word@[::1/database");
  Database database(wrong, clock_);
  const auto done = database.ping(soon());
  ASSERT_FALSE(done);
  EXPECT_EQ(ErrorCode::invalid_argument, done.error().code);
  EXPECT_THAT(done.error().public_message + done.error().internal_detail, ::testing::Not(HasSubstr("hidden-word")));
}

TEST_F(TransactTest, AServerThatIsNotThereIsUnavailableAfterTheMendingTime) {
  auto absent = options();
  absent.url = Secret("host=/nonexistent dbname=x");
  absent.mend_within = milliseconds(100);
  Database database(absent, clock_);
  const auto begin = clock_.now();
  const auto first = database.run(soon(), [](Transaction&) {});
  ASSERT_FALSE(first);
  EXPECT_EQ(ErrorCode::unavailable, first.error().code);
  EXPECT_GE(clock_.now() - begin, milliseconds(100));
  EXPECT_FALSE(database.run(soon(), [](Transaction&) {}));
  EXPECT_EQ(0U, database.figures().open);
  EXPECT_EQ(0U, database.figures().busy);
}

// A pool with one connection that somebody holds until the test lets go.
class QueueTest : public TransactTest {
protected:
  static DatabaseOptions one_connection(DatabaseOptions options) {
    options.connections = 1;
    options.queue_limit = 3;
    return options;
  }
  QueueTest() : pool_(one_connection(options()), clock_) {
    holder_ = std::thread([this] {
      const auto done = pool_.run(Deadline(), [this](Transaction&) {
        held_.count_down();
        let_go_.wait();
      });
      EXPECT_TRUE(done);
    });
    held_.wait();
  }
  ~QueueTest() override { finish(); }
  void finish() {
    if (holder_.joinable()) {
      let_go_.count_down();
      holder_.join();
    }
    for (auto& caller : callers_) caller.join();
    callers_.clear();
  }
  // Starts a caller and returns when it waits.
  void given_waiting_caller(int number) {
    const std::size_t before = pool_.figures().waiting;
    callers_.emplace_back([this, number] {
      const auto done = pool_.run(Deadline(), [this, number](Transaction&) { order_.push_back(number); });
      EXPECT_TRUE(done);
    });
    while (pool_.figures().waiting == before) std::this_thread::yield();
  }

  Database pool_;
  std::latch held_{1};
  std::latch let_go_{1};
  std::thread holder_;
  std::vector<std::thread> callers_;
  std::vector<int> order_;  // touched only inside a transaction, of which there is one at a time
};

TEST_F(QueueTest, CallersGetTheConnectionInTheOrderInWhichTheyCame) {
  for (const int number : {1, 2, 3}) given_waiting_caller(number);
  finish();
  EXPECT_THAT(order_, ::testing::ElementsAre(1, 2, 3));
  EXPECT_EQ(1U, pool_.figures().open);
}

TEST_F(QueueTest, AFullQueueRefusesAtOnce) {
  for (const int number : {1, 2, 3}) given_waiting_caller(number);
  const auto done = pool_.run(Deadline(), [](Transaction&) { FAIL() << "must not run"; });
  ASSERT_FALSE(done);
  EXPECT_EQ(ErrorCode::overloaded, done.error().code);
  EXPECT_EQ(1U, pool_.figures().refused);
}

TEST_F(QueueTest, WaitingEndsAtTheDeadlineAndLeavesTheQueue) {
  given_waiting_caller(1);
  const auto done = pool_.run(within(milliseconds(30)), [](Transaction&) { FAIL() << "must not run"; });
  ASSERT_FALSE(done);
  EXPECT_EQ(ErrorCode::deadline, done.error().code);
  EXPECT_EQ(1U, pool_.figures().waiting);
  finish();
  EXPECT_THAT(order_, ::testing::ElementsAre(1));
}

}  // namespace
}  // namespace banyan::store
