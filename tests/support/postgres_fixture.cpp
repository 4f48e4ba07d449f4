#include "tests/support/postgres_fixture.hpp"

#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <vector>

// libpqxx 6.4 loses the result of a statement that it cannot send any more.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libpqxx\n";
}

namespace banyan::test {
namespace {

struct Server {
  TemporaryDirectory directory;
  SystemClock clock;
  std::unique_ptr<store::PrivatePostgres> postgres;
};

std::unique_ptr<Server> server;

// Ends the server before static objects go, of which the log is one.
class EndOfProgram final : public ::testing::Environment {
public:
  void TearDown() override { server.reset(); }
};

[[maybe_unused]] const ::testing::Environment* const kEndOfProgram =
    ::testing::AddGlobalTestEnvironment(new EndOfProgram);

std::string next_name() {
  static std::atomic<int> count{0};
  return "test_" + std::to_string(++count);
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "banyan-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  ::chmod(pattern.c_str(), 0755);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

store::PrivatePostgres& postgres() {
  if (!server) {
    auto fresh = std::make_unique<Server>();
    store::PrivatePostgresOptions options;
    options.data_dir = fresh->directory.path();
    options.settings = {{"fsync", "off"}, {"synchronous_commit", "off"}, {"full_page_writes", "off"}};
    options.survives_this_process = false;
    auto started = store::PrivatePostgres::start(options, fresh->clock);
    if (!started) throw std::runtime_error(started.error().public_message + " " + started.error().internal_detail);
    fresh->postgres = std::move(*started);
    server = std::move(fresh);
  }
  return *server->postgres;
}

PostgresTest::PostgresTest()
    : name_([] {
        std::string name = next_name();
        auto made = postgres().make_database(name);
        if (!made) throw std::runtime_error(made.error().public_message + " " + made.error().internal_detail);
        return name;
      }()),
      superuser_(options("postgres"), clock_),
      owner_(options("banyan_owner"), clock_),
      app_(options("banyan_app"), clock_) {}

PostgresTest::~PostgresTest() {
  try {
    pqxx::connection connection(postgres().url("postgres", "postgres").reveal());
    pqxx::nontransaction tx(connection);
    tx.exec("DROP DATABASE IF EXISTS " + tx.quote_name(name_) + " WITH (FORCE)");
  } catch (const std::exception& error) {
    ADD_FAILURE() << "cannot drop the test's database: " << error.what();
  }
}

store::DatabaseOptions PostgresTest::options(std::string_view role) const {
  store::DatabaseOptions options;
  options.url = url(role);
  options.application_name = "banyan test";
  options.connect_timeout = options.mend_within = std::chrono::seconds(60);
  return options;
}

void PostgresTest::execute(store::Database& database, const std::string& sql) {
  const auto done = database.run(soon(), [&](store::Transaction& tx) { tx.exec(sql); });
  if (!done) ADD_FAILURE() << sql << ": " << done.error().internal_detail;
}

std::string PostgresTest::value(store::Database& database, const std::string& sql) {
  const auto answer = database.transact<std::string>(
      soon(), [&](store::Transaction& tx) { return std::string(tx.exec1(sql)[0].c_str()); });
  if (answer) return *answer;
  ADD_FAILURE() << sql << ": " << answer.error().internal_detail;
  return "";
}

}  // namespace banyan::test
