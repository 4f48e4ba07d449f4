// PostgresServer: a PostgreSQL for the simulation, with a database for each run in which it is the time of the
// simulation.
//
// now() and clock_timestamp() are found in the schema `simulated`, which search_path names before pg_catalog: so the
// product's statements and column defaults, which name no schema, take the simulated time without knowing of it.
#pragma once

#include <memory>
#include <pqxx/pqxx>
#include <string>

#include "gateway/base/clock.hpp"
#include "gateway/store/database.hpp"
#include "gateway/store/private_postgres.hpp"

namespace banyan::simulation {

class PostgresServer {
public:
  // Starts it, in a temporary directory. Throws std::runtime_error.
  PostgresServer();
  ~PostgresServer();  // ends it, and removes what it held
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  const Clock& clock() const { return clock_; }

  // A database with the tables of records and sync, empty. Dropped at the end.
  class Run {
  public:
    explicit Run(PostgresServer& server);
    ~Run();
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    store::Database& database() { return *database_; }  // as banyan_app, one connection
    // What now() gives from the next transaction on.
    void set_time(WallTime now);

  private:
    PostgresServer& server_;
    std::string name_;
    std::unique_ptr<pqxx::connection> superuser_;
    std::unique_ptr<store::Database> database_;
    WallTime now_{};
  };

private:
  SystemClock clock_;
  std::string directory_;
  std::unique_ptr<store::PrivatePostgres> postgres_;
  int runs_ = 0;
};

}  // namespace banyan::simulation
