#include "gateway/store/provision.hpp"

#include <pqxx/pqxx>

#include "gateway/store/session.hpp"

namespace banyan::store {
namespace {

constexpr const char* kRoles = R"(
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'banyan_owner') THEN
    CREATE ROLE banyan_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'banyan_app') THEN
    CREATE ROLE banyan_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
  END IF;
END $$)";

// TEMPORARY: bulk loads go through a temporary table. New tables of the owner get their rights by default privileges.
constexpr const char* kRights = R"(
REVOKE ALL ON DATABASE %1$s FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE %1$s TO banyan_app;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA IF NOT EXISTS banyan AUTHORIZATION banyan_owner;
GRANT USAGE ON SCHEMA banyan TO banyan_app;
ALTER DEFAULT PRIVILEGES FOR ROLE banyan_owner IN SCHEMA banyan
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO banyan_app;
ALTER DEFAULT PRIVILEGES FOR ROLE banyan_owner IN SCHEMA banyan
  GRANT USAGE, SELECT ON SEQUENCES TO banyan_app;
)";

constexpr const char* kEndSessions =
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename IN ('banyan_owner', 'banyan_app')";

std::string with_database(std::string text, const std::string& quoted_name) {
  constexpr std::string_view kPlace = "%1$s";
  for (std::size_t at = text.find(kPlace); at != std::string::npos; at = text.find(kPlace)) {
    text.replace(at, kPlace.size(), quoted_name);
  }
  return text;
}

// Runs `work` on a session of its own.
template <typename Work>
Result<void> as_superuser(const Secret& url, const Work& work) {
  SessionOptions options;
  options.url = url;
  options.application_name = "banyan setup";
  auto session = Session::open(options);
  if (!session) return tl::unexpected<Error>(std::move(session.error()));
  try {
    work((*session)->connection());
  } catch (const pqxx::failure& failure) {
    return fail(ErrorCode::internal, "cannot set up the store's database", failure.what());
  }
  return {};
}

}  // namespace

Result<void> provision(const std::function<Secret(const std::string& database)>& superuser_url,
                       const std::string& database) {
  auto made = as_superuser(superuser_url("postgres"), [&database](pqxx::connection_base& connection) {
    pqxx::nontransaction tx(connection);  // CREATE DATABASE cannot be part of a transaction
    tx.exec(kRoles);
    if (!tx.exec_params("SELECT FROM pg_database WHERE datname = $1", database).empty()) return;
    tx.exec("CREATE DATABASE " + tx.quote_name(database) + " OWNER banyan_owner TEMPLATE template0");
  });
  if (!made) return made;
  return as_superuser(superuser_url(database), [&database](pqxx::connection_base& connection) {
    pqxx::work tx(connection);
    tx.exec(with_database(kRights, tx.quote_name(database)));
    tx.commit();
  });
}

Result<void> end_sessions(const Secret& superuser_url) {
  return as_superuser(superuser_url, [](pqxx::connection_base& connection) {
    pqxx::nontransaction tx(connection);
    tx.exec(kEndSessions);
  });
}

}  // namespace banyan::store
