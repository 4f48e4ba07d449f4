#include "tests/simulation/postgres_server.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "adapters/records/records_schema.hpp"
#include "adapters/sync/postgres_sync_store.hpp"
#include "adapters/sync/postgres_text.hpp"
#include "gateway/store/schema.hpp"

namespace banyan::simulation {
namespace {

constexpr const char* kSimulated = R"sql(
CREATE SCHEMA simulated;
CREATE TABLE simulated.time (at timestamptz NOT NULL);
INSERT INTO simulated.time VALUES ('epoch');
CREATE FUNCTION simulated.now() RETURNS timestamptz STABLE LANGUAGE plpgsql
  AS 'BEGIN RETURN (SELECT at FROM simulated.time); END';
CREATE FUNCTION simulated.clock_timestamp() RETURNS timestamptz STABLE LANGUAGE plpgsql
  AS 'BEGIN RETURN (SELECT at FROM simulated.time); END';
GRANT USAGE ON SCHEMA simulated TO PUBLIC;
GRANT SELECT ON simulated.time TO PUBLIC;
)sql";

std::string make_directory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "banyan-simulate-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  ::chmod(pattern.c_str(), 0755);  // PostgreSQL runs as another account
  return pattern;
}

template <typename T>
T must(Result<T> done) {
  if (!done) throw std::runtime_error(done.error().public_message + " " + done.error().internal_detail);
  if constexpr (!std::is_void_v<T>) return std::move(*done);
}

}  // namespace

PostgresServer::PostgresServer() : directory_(make_directory()) {
  store::PrivatePostgresOptions options;
  options.data_dir = directory_;
  // Nothing that starts by itself: a seed runs the same way each time.
  options.settings = {
      {"fsync", "off"}, {"synchronous_commit", "off"}, {"full_page_writes", "off"}, {"autovacuum", "off"}};
  options.survives_this_process = false;
  postgres_ = must(store::PrivatePostgres::start(options, clock_));
}

PostgresServer::~PostgresServer() {
  postgres_.reset();
  std::error_code error;
  std::filesystem::remove_all(directory_, error);
}

PostgresServer::Run::Run(PostgresServer& server) : server_(server), name_("run_" + std::to_string(++server.runs_)) {
  must(server_.postgres_->make_database(name_));
  superuser_ = std::make_unique<pqxx::connection>(server_.postgres_->url("postgres", name_).reveal());
  {
    pqxx::nontransaction tx(*superuser_);
    tx.exec("ALTER DATABASE " + tx.quote_name(name_) + " SET search_path = simulated, pg_catalog");
    tx.exec(kSimulated);
  }
  superuser_->prepare("set_time", "UPDATE simulated.time SET at = $1");
  std::vector<store::SchemaFile> files;
  for (const store::SchemaFile& file : records::records_schema()) files.push_back(file);
  for (const store::SchemaFile& file : sync::sync_schema()) files.push_back(file);
  store::DatabaseOptions options;
  options.connections = 1;
  options.application_name = "banyan simulate";
  options.url = server_.postgres_->url("banyan_owner", name_);
  store::Database owner(options, server_.clock_);
  must(store::apply_schema(owner, files, Deadline::after(server_.clock_, std::chrono::seconds(60))));
  options.url = server_.postgres_->url("banyan_app", name_);
  database_ = std::make_unique<store::Database>(options, server_.clock_);
}

PostgresServer::Run::~Run() {
  database_.reset();
  superuser_.reset();
  try {
    pqxx::connection connection(server_.postgres_->url("postgres", "postgres").reveal());
    pqxx::nontransaction tx(connection);
    tx.exec("DROP DATABASE IF EXISTS " + tx.quote_name(name_) + " WITH (FORCE)");
  } catch (const std::exception&) {  // it goes with the server
  }
}

void PostgresServer::Run::set_time(WallTime now) {
  if (now == now_) return;
  pqxx::nontransaction tx(*superuser_);
  tx.exec_prepared0("set_time", sync::timestamp_text(now));
  now_ = now;
}

}  // namespace banyan::simulation
