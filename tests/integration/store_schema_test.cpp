// apply_schema() on a real PostgreSQL.
#include "gateway/store/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <latch>
#include <thread>
#include <vector>

#include "tests/support/postgres_fixture.hpp"

namespace banyan::test {

std::span<const store::SchemaFile> example_schema();  // from store_schema/*.sql

}  // namespace banyan::test

namespace banyan::store {
namespace {

using ::testing::HasSubstr;

constexpr SchemaFile kFirst{1, "first", "CREATE TABLE banyan.first (id int PRIMARY KEY)"};
constexpr SchemaFile kSecond{2, "second", "CREATE TABLE banyan.second (id int REFERENCES banyan.first)"};
constexpr SchemaFile kOther{1001, "other", "CREATE TABLE banyan.other (id serial PRIMARY KEY)"};

class SchemaTest : public test::PostgresTest {
protected:
  Result<void> apply(const std::vector<SchemaFile>& files) { return apply_schema(owner(), files, soon()); }
  std::string applied() {
    return value(owner(),
                 "SELECT coalesce(string_agg(number || ' ' || name, ', ' ORDER BY number), '') "
                 "FROM banyan.schema_version");
  }
  std::string tables() {
    return value(owner(),
                 "SELECT coalesce(string_agg(tablename, ', ' ORDER BY tablename), '') FROM pg_tables "
                 "WHERE schemaname = 'banyan' AND tablename <> 'schema_version'");
  }
};

TEST_F(SchemaTest, FilesAreAppliedInTheOrderOfTheirNumbers) {
  const auto done = apply({kSecond, kFirst});
  ASSERT_TRUE(done) << done.error().public_message;
  EXPECT_EQ("1 first, 2 second", applied());
  EXPECT_EQ("first, second", tables());
}

TEST_F(SchemaTest, ApplyingTwiceChangesNothing) {
  ASSERT_TRUE(apply({kFirst, kSecond}));
  const std::string before = value(owner(), "SELECT array_agg(applied_at)::text FROM banyan.schema_version");
  ASSERT_TRUE(apply({kFirst, kSecond}));
  EXPECT_EQ(before, value(owner(), "SELECT array_agg(applied_at)::text FROM banyan.schema_version"));
}

TEST_F(SchemaTest, NoFilesAtAllMakeAnEmptySchema) {
  ASSERT_TRUE(apply({}));
  EXPECT_EQ("", applied());
}

TEST_F(SchemaTest, AFileBelowTheHighestNumberIsAppliedToo) {
  ASSERT_TRUE(apply({kFirst, kOther}));
  ASSERT_TRUE(apply({kFirst, kOther, kSecond}));
  EXPECT_EQ("1 first, 2 second, 1001 other", applied());
}

TEST_F(SchemaTest, ManyAtOnceApplyEachFileOnce) {
  constexpr int kProcesses = 6;
  std::latch start(kProcesses);
  std::vector<std::thread> processes;
  std::array<bool, kProcesses> succeeded{};
  for (int i = 0; i < kProcesses; ++i) {
    processes.emplace_back([&, i] {
      Database own(options("banyan_owner"), clock_);
      start.arrive_and_wait();
      succeeded[static_cast<std::size_t>(i)] =
          apply_schema(own, std::array{kFirst, kSecond, kOther}, soon()).has_value();
    });
  }
  for (auto& process : processes) process.join();
  EXPECT_THAT(succeeded, ::testing::Each(true));
  EXPECT_EQ("1 first, 2 second, 1001 other", applied());
}

TEST_F(SchemaTest, AChangedFileIsRefusedByName) {
  ASSERT_TRUE(apply({kFirst}));
  const auto done = apply({{1, "first", "CREATE TABLE banyan.first (id bigint)"}, kSecond});
  ASSERT_FALSE(done);
  EXPECT_EQ(ErrorCode::conflict, done.error().code);
  EXPECT_THAT(done.error().public_message, HasSubstr("0001_first.sql has changed"));
  EXPECT_EQ("1 first", applied());
}

TEST_F(SchemaTest, AFileFromTheFutureIsRefusedBeforeAnythingIsApplied) {
  ASSERT_TRUE(apply({kFirst, kOther}));
  const auto done = apply({kFirst, kSecond});
  ASSERT_FALSE(done);
  EXPECT_EQ(ErrorCode::conflict, done.error().code);
  EXPECT_THAT(done.error().public_message, HasSubstr("1001_other.sql"));
  EXPECT_EQ("1 first, 1001 other", applied());
}

TEST_F(SchemaTest, TwoFilesWithOneNumberAreRefused) {
  const auto done = apply({kFirst, {1, "again", "SELECT 1"}});
  ASSERT_FALSE(done);
  EXPECT_EQ(ErrorCode::invalid_argument, done.error().code);
}

TEST_F(SchemaTest, AFailingFileLeavesNothingOfItselfAndWhatCameBefore) {
  const auto done = apply({kFirst, {2, "broken", "CREATE TABLE banyan.half (id int); SELECT no_such_column"}});
  ASSERT_FALSE(done);
  EXPECT_EQ(ErrorCode::internal, done.error().code);
  EXPECT_THAT(done.error().public_message, HasSubstr("0002_broken.sql fails: ERROR:  column \"no_such_column\""));
  EXPECT_EQ("1 first", applied());
  EXPECT_EQ("first", tables());
}

TEST_F(SchemaTest, FilesOfAModuleAreEmbeddedAsTheyAre) {
  const auto files = test::example_schema();
  ASSERT_EQ(2U, files.size());
  EXPECT_EQ(1, files[0].number);
  EXPECT_EQ("example", files[0].name);
  EXPECT_EQ("example_note", files[1].name);
  EXPECT_THAT(std::string(files[0].sql), HasSubstr(R"(DEFAULT ';"\${x}@y@')"));
  ASSERT_TRUE(apply_schema(owner(), files, soon()));
  execute(app(), "INSERT INTO banyan.example (note) VALUES ('a')");
  EXPECT_EQ(R"(;"\${x}@y@)", value(app(), "SELECT text FROM banyan.example"));
}

// What the running program may do, and what not.
class LeastRightsTest : public SchemaTest {
protected:
  LeastRightsTest() { EXPECT_TRUE(apply({kFirst, kOther})); }
  void expect_refused(const std::string& sql) {
    const auto done = app().run(soon(), [&](Transaction& tx) { tx.exec(sql); });
    ASSERT_FALSE(done) << sql;
    EXPECT_THAT(done.error().internal_detail, HasSubstr("SQLSTATE 42501")) << sql;
  }
};

TEST_F(LeastRightsTest, TheProgramReadsAndWritesRows) {
  execute(app(), "INSERT INTO banyan.first VALUES (1), (2)");
  execute(app(), "UPDATE banyan.first SET id = 3 WHERE id = 1");
  execute(app(), "DELETE FROM banyan.first WHERE id = 2");
  execute(app(), "INSERT INTO banyan.other DEFAULT VALUES");
  EXPECT_EQ("3", value(app(), "SELECT id FROM banyan.first"));
}

TEST_F(LeastRightsTest, TheProgramLoadsThroughATemporaryTable) {
  execute(app(), "CREATE TEMPORARY TABLE load (id int) ON COMMIT DROP");
}

TEST_F(LeastRightsTest, TheProgramChangesNoTable) {
  for (const char* sql : {
           "CREATE TABLE banyan.mine (id int)",
           "CREATE TABLE public.mine (id int)",
           "DROP TABLE banyan.first",
           "ALTER TABLE banyan.first ADD COLUMN x int",
           "TRUNCATE banyan.first",
           "CREATE SCHEMA mine",
           "DROP SCHEMA banyan CASCADE",
           "CREATE INDEX ON banyan.first (id)",
           "CREATE ROLE mine",

           "COPY banyan.first TO PROGRAM 'cat'",
           "SET ROLE banyan_owner",
           "SELECT * FROM pg_authid",
       }) {
    expect_refused(sql);
  }
}

TEST_F(LeastRightsTest, TheProgramReadsTheSchemaVersionAndCannotForgeIt) {
  EXPECT_EQ("2", value(app(), "SELECT count(*) FROM banyan.schema_version"));
  expect_refused("DELETE FROM banyan.schema_version");
  expect_refused("INSERT INTO banyan.schema_version (number, name, checksum) VALUES (3, 'x', 'x')");
}

TEST_F(LeastRightsTest, TheOwnerIsNoSuperuser) {
  EXPECT_EQ("0", value(superuser(),
                       "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'banyan%' AND "
                       "(rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication)"));
}

}  // namespace
}  // namespace banyan::store
