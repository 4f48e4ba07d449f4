// transact() on a real PostgreSQL: deadlines, retries, the queue, lost connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <future>
#include <latch>
#include <thread>

#include "gateway/store/database.hpp"
#include "tests/support/postgres_fixture.hpp"

namespace banyan::store {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class TransactTest : public test::PostgresTest {
protected:
  TransactTest() { execute(owner(), "CREATE TABLE banyan.pair (name text PRIMARY KEY, number int NOT NULL)"); }

  void given_pairs(const std::string& values) { execute(app(), "INSERT INTO banyan.pair VALUES " + values); }
  std::string count() { return value(app(), "SELECT count(*) FROM banyan.pair"); }
  Deadline within(milliseconds span) const { return Deadline::after(clock_, span); }

  static void insert(Transaction& tx, const std::string& name) {
    tx.exec_params("INSERT INTO banyan.pair VALUES ($1, 1)", name);
  }
};

TEST_F(TransactTest, CommitsWhatTheFunctionDid) {
  const auto done = app().run(soon(), [](Transaction& tx) { insert(tx, "a"); });
  ASSERT_TRUE(done) << done.error().internal_detail;
  EXPECT_EQ("1", count());
}

TEST_F(TransactTest, ReturnsWhatTheFunctionReturns) {
  const auto answer =
      app().transact<int>(soon(), [](Transaction& tx) { return tx.exec1("SELECT 40 + 2")[0].as<int>(); });
  ASSERT_TRUE(answer) << answer.error().internal_detail;
  EXPECT_EQ(42, *answer);
}

}  // namespace
}  // namespace banyan::store
