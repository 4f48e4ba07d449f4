// The private PostgreSQL: what stays, what is refused, what a killed Banyan leaves behind.
#include "gateway/store/private_postgres.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "gateway/store/child_process.hpp"
#include "gateway/store/database.hpp"
#include "gateway/store/postgres_cluster.hpp"
#include "tests/support/postgres_fixture.hpp"

namespace banyan::store {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class PrivatePostgresTest : public ::testing::Test {
protected:
  PrivatePostgresOptions options() const {
    PrivatePostgresOptions options;
    options.data_dir = directory_.path();
    options.settings = {{"fsync", "off"}};
    options.survives_this_process = false;
    return options;
  }
  std::unique_ptr<PrivatePostgres> start() { return start(options()); }
  std::unique_ptr<PrivatePostgres> start(const PrivatePostgresOptions& options) {
    auto started = PrivatePostgres::start(options, clock_);
    if (!started) throw std::runtime_error(started.error().public_message + started.error().internal_detail);
    return std::move(*started);
  }
  Error refusal(const PrivatePostgresOptions& options) {
    auto started = PrivatePostgres::start(options, clock_);
    if (!started) return started.error();
    ADD_FAILURE() << "it started";
    return {};
  }
  std::string query(const Secret& url, const std::string& sql) {
    DatabaseOptions database_options;
    database_options.url = url;
    database_options.mend_within = std::chrono::seconds(60);
    Database database(database_options, clock_);
    const auto answer =
        database.transact<std::string>(Deadline::after(clock_, std::chrono::seconds(120)), [&](Transaction& tx) {
          const auto rows = tx.exec(sql);
          return rows.empty() ? "" : std::string(rows[0][0].c_str());
        });
    return answer ? *answer : answer.error().internal_detail;
  }
  std::string data() const { return directory_.path() + "/postgres/data"; }

  SystemClock clock_;
  test::TemporaryDirectory directory_;
};

TEST_F(PrivatePostgresTest, DataStayFromStartToStart) {
  auto first = start();
  query(first->owner_url(), "CREATE TABLE banyan.note AS SELECT 'kept' AS text");
  ASSERT_TRUE(first->stop());
  const auto second = start();
  EXPECT_FALSE(second->adopted());
  EXPECT_EQ("kept", query(second->app_url(), "SELECT text FROM banyan.note"));
}

TEST_F(PrivatePostgresTest, StoppingTwiceIsSafeAndLeavesNoProcess) {
  const auto postgres = start();
  const int process = postgres->process();
  EXPECT_TRUE(postgres->stop());
  EXPECT_TRUE(postgres->stop());
  EXPECT_FALSE(fs::exists("/proc/" + std::to_string(process)));
  EXPECT_FALSE(fs::exists(data() + "/postmaster.pid"));
}

TEST_F(PrivatePostgresTest, StoppingEndsSessionsThatAreBusy) {
  auto postgres = start();
  pqxx::connection connection(postgres->app_url().reveal());
  pqxx::work work(connection);
  work.exec("SELECT 1");
  EXPECT_TRUE(postgres->stop());
}

TEST_F(PrivatePostgresTest, ListensOnNothingButItsSocket) {
  const auto postgres = start();
  EXPECT_EQ("", query(postgres->app_url(), "SHOW listen_addresses"));
  struct stat found {};
  ASSERT_EQ(0, ::stat((directory_.path() + "/postgres/run").c_str(), &found));
  EXPECT_EQ(0U, found.st_mode & 077U);
}

TEST_F(PrivatePostgresTest, ASecondOneOnTheSameDirectoryIsRefused) {
  const auto first = start();
  const Error error = refusal(options());
  EXPECT_EQ(ErrorCode::conflict, error.code);
  EXPECT_THAT(error.public_message, AllOf(HasSubstr("another Banyan (process " + std::to_string(::getpid()) + ")"),
                                          HasSubstr(directory_.path())));
  EXPECT_EQ("1", query(first->app_url(), "SELECT 1")) << "and the first is left alone";
}

TEST_F(PrivatePostgresTest, WhatAKilledBanyanLeftIsTakenOverWithItsDataAndWithoutItsSessions) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(0, ::pipe(pipe.data()));
  Command command;
  command.program = BANYAN_STORE_HOLDER;
  command.arguments = {directory_.path()};
  command.account = *own_account();
  command.output_pipe = pipe[1];
  auto holder = Process::start(command);
  ::close(pipe[1]);
  ASSERT_TRUE(holder) << holder.error().public_message;
  std::string said;
  for (char c = 0; said.find("ready\n") == std::string::npos && ::read(pipe[0], &c, 1) == 1;) said += c;
  ASSERT_THAT(said, HasSubstr("ready\n"));
  holder->signal(SIGKILL);
  ASSERT_TRUE(holder->wait(std::chrono::seconds(60)));
  ::close(pipe[0]);

  const auto postgres = start();
  EXPECT_TRUE(postgres->adopted());
  EXPECT_EQ("kept", query(postgres->app_url(), "SELECT text FROM banyan.note"));
  EXPECT_EQ("0", query(postgres->url("postgres", "postgres"),
                       "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> "
                       "pg_backend_pid()"));
  EXPECT_TRUE(postgres->stop());
  EXPECT_FALSE(fs::exists(data() + "/postmaster.pid")) << "what was taken over is stopped too";
}

TEST_F(PrivatePostgresTest, AServerThatEndsIsStartedAgainAndRecovers) {
  auto postgres = start();
  query(postgres->owner_url(), "CREATE TABLE banyan.note AS SELECT 'kept' AS text");
  const int killed = postgres->process();
  ::kill(killed, SIGKILL);
  EXPECT_EQ("kept", query(postgres->app_url(), "SELECT text FROM banyan.note")) << "the call waits for it";
  EXPECT_NE(killed, postgres->process());
  EXPECT_TRUE(postgres->stop());
  EXPECT_FALSE(fs::exists(data() + "/postmaster.pid"));
}

TEST_F(PrivatePostgresTest, ATransactionMendsItsConnectionOverARestartOfTheServer) {
  auto postgres = start();
  DatabaseOptions database_options;
  database_options.url = postgres->app_url();
  database_options.mend_within = std::chrono::seconds(60);
  Database database(database_options, clock_);
  const Deadline deadline = Deadline::after(clock_, std::chrono::seconds(60));
  int runs = 0;
  const auto done = database.run(deadline, [&](Transaction& tx) {
    tx.exec("SELECT 1");
    if (runs++ == 0) ::kill(postgres->process(), SIGINT);
    while (tx.exec1("SELECT 1")[0].as<int>() == 1 && runs == 1) {
    }
  });
  EXPECT_TRUE(done) << done.error().internal_detail;
  EXPECT_EQ(2, runs);
}

TEST_F(PrivatePostgresTest, AProcessIdThatBelongsToSomebodyElseByNowStopsNobody) {
  start().reset();
  std::ofstream(data() + "/postmaster.pid") << ::getpid() << "\n" << data() << "\n1\n5432\n/elsewhere\n";
  const auto postgres = start();
  EXPECT_FALSE(postgres->adopted());
  EXPECT_EQ("1", query(postgres->app_url(), "SELECT 1"));
}

TEST_F(PrivatePostgresTest, ALongPathPutsTheSocketElsewhere) {
  auto deep = options();
  deep.data_dir += "/" + std::string(120, 'd') + "/it's";
  auto postgres = start(deep);
  EXPECT_EQ("1", query(postgres->app_url(), "SELECT 1"));
  const std::string sockets = query(postgres->url("postgres", "postgres"), "SHOW unix_socket_directories");
  EXPECT_LE(sockets.size(), kSocketDirectoryLimitBytes);
  EXPECT_TRUE(fs::exists(sockets));
  postgres->stop();
  EXPECT_FALSE(fs::exists(sockets)) << "removed when it is stopped";
}

TEST_F(PrivatePostgresTest, DataOfAnotherVersionAreRefusedAndKept) {
  start().reset();
  std::ofstream(data() + "/PG_VERSION") << "99\n";
  const Error error = refusal(options());
  EXPECT_EQ(ErrorCode::not_found, error.code);
  EXPECT_THAT(error.public_message, AllOf(HasSubstr("made by PostgreSQL 99"), HasSubstr("install postgresql-99")));
  EXPECT_TRUE(fs::exists(data() + "/base"));
}

TEST_F(PrivatePostgresTest, MissingProgramsAreNamedWithTheRemedy) {
  auto elsewhere = options();
  elsewhere.programs = "/nonexistent";
  const Error error = refusal(elsewhere);
  EXPECT_EQ(ErrorCode::not_found, error.code);
  EXPECT_THAT(error.public_message, AllOf(HasSubstr("/nonexistent"), HasSubstr("store.url")));
}

TEST_F(PrivatePostgresTest, ASettingThatPostgresqlRefusesIsReportedInItsWords) {
  auto wrong = options();
  wrong.settings["max_connections"] = "many";
  const Error error = refusal(wrong);
  EXPECT_THAT(error.public_message, AllOf(HasSubstr("ended while starting"), HasSubstr("max_connections")));
}

TEST_F(PrivatePostgresTest, AnythingInThePlaceOfItsDirectoryIsRefused) {
  std::ofstream(directory_.path() + "/postgres") << "a file";
  const Error error = refusal(options());
  EXPECT_EQ(ErrorCode::conflict, error.code);
  EXPECT_THAT(error.public_message, HasSubstr("postgres is not a directory"));
}

// As root PostgreSQL runs as another user, who may not be let in; otherwise nothing is in the way.
TEST_F(PrivatePostgresTest, ADirectoryThatItsUserCannotEnterIsNamed) {
  ::chmod(directory_.path().c_str(), 0700);
  auto started = PrivatePostgres::start(options(), clock_);
  if (::geteuid() == 0) {
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().public_message, HasSubstr("cannot enter " + directory_.path()));
  } else {
    EXPECT_TRUE(started);
  }
}

TEST_F(PrivatePostgresTest, FurtherDatabasesHaveTheSameRights) {
  auto postgres = start();
  ASSERT_TRUE(postgres->make_database("restored"));
  ASSERT_TRUE(postgres->make_database("restored")) << "twice is harmless";
  EXPECT_EQ("restored", query(postgres->url("banyan_app", "restored"), "SELECT current_database()"));
  EXPECT_FALSE(postgres->make_database("x\"; DROP DATABASE banyan"));
}

}  // namespace
}  // namespace banyan::store
