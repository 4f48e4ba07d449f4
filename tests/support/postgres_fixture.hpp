// A real PostgreSQL for tests: one server per test program, one fresh database per test.
//
//   class RecordStoreTest : public banyan::test::PostgresTest {};
//   TEST_F(RecordStoreTest, KeepsARecord) { app().transact<int>(soon(), ...); }
//
// The server starts with the first test that needs it (about two seconds), trades durability for speed, and ends with
// the program, whatever becomes of it. A database takes some 100 ms.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/clock.hpp"
#include "gateway/base/secret.hpp"
#include "gateway/store/database.hpp"
#include "gateway/store/private_postgres.hpp"

namespace banyan::test {

// The server of this program. Throws if it does not start.
store::PrivatePostgres& postgres();

// A directory that is removed, with what is in it, when the object goes; open to the account that PostgreSQL runs as.
class TemporaryDirectory {
public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

class PostgresTest : public ::testing::Test {
protected:
  PostgresTest();
  ~PostgresTest() override;  // drops the database; sessions that are left are ended

  Deadline soon() const { return Deadline::after(clock_, std::chrono::seconds(120)); }
  const std::string& database_name() const { return name_; }
  Secret url(std::string_view role) const { return postgres().url(role, name_); }

  // As banyan_app: what the running program may do. As banyan_owner: schema files. As postgres: everything.
  store::Database& app() { return app_; }
  store::Database& owner() { return owner_; }
  store::Database& superuser() { return superuser_; }

  // Options for a Database of the test's own.
  store::DatabaseOptions options(std::string_view role = "banyan_app") const;

  // Runs statements; a failure is the test's.
  void execute(store::Database& database, const std::string& sql);
  // The single value that a query answers with.
  std::string value(store::Database& database, const std::string& sql);

  SystemClock clock_;

private:
  std::string name_;
  store::Database superuser_;
  store::Database owner_;
  store::Database app_;
};

}  // namespace banyan::test
