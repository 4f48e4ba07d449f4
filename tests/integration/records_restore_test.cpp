// What comes back with a record, and what stays away.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>

#include "adapters/records/record_query.hpp"
#include "adapters/records/record_rules.hpp"
#include "tests/integration/records_store_fixture.hpp"

namespace banyan::records {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class RecordRestoreTest : public RecordStoreTest {
protected:
  static std::vector<Restored::Part> parts_of(const RecordResult<Restored>& restored) {
    if (restored) return restored->parts;
    ADD_FAILURE() << restored.error().error.public_message << restored.error().error.internal_detail;
    return {};
  }
  RecordResult<Restored> restore(const Record& record) {
    return store_.restore(record.entity, record.id, std::nullopt, clara_, soon());
  }
  // Writes the next version, and dates it back.
  Record write(const Record& before, RecordWrite::Kind kind, const Author& author, int minutes_ago) {
    RecordWrite next = change_of(before, kind);
    next.author = author;
    EXPECT_TRUE(apply({next}));
    execute(superuser(), "UPDATE banyan.record_history SET at = now() - interval '" + std::to_string(minutes_ago) +
                             " minutes' WHERE id = '" + before.id +
                             "' AND version = " + std::to_string(next.record.version));
    return next.record;
  }
  void make_old() {
    execute(superuser(), "UPDATE banyan.record_history SET at = now() - interval '1 day' WHERE version = 1");
  }
  // As many addresses of the account as asked for, all of them tombstones for an hour; the account is older.
  void add_gone_addresses(const Record& account, int count) {
    make_old();
    execute(
        superuser(),
        "WITH made AS (INSERT INTO banyan.record (entity, id, version, data, deleted) "
        "SELECT 'address', gen_random_uuid(), 2, jsonb_build_object('account', '" +
            account.id + "', 'city', 'City ' || n), true FROM generate_series(1, " + std::to_string(count) +
            ") n RETURNING id) INSERT INTO banyan.record_history (entity, id, version, at, side, author, kind, "
            "changed) "
            "SELECT 'address', id, 2, now() - interval '1 hour', 'legacy', 'system:tryton', 'remove', '{}' FROM made");
  }
};

TEST_F(RecordRestoreTest, RestoresThePartsThatWentWithTheWholeAndNoOthers) {
  const Record made = account("Ada");
  const Record before = create("address", {{"account", made.id}, {"city", "Lyon"}});
  const Record with = create("address", {{"account", made.id}, {"city", "Bern"}});
  const Record point = create("contact_point", {{"account", made.id}, {"kind", "email"}, {"value", "a@ada.example"}});
  const Record other = create("address", {{"account", account("Bob").id}, {"city", "Rome"}});
  ASSERT_TRUE(remove(before));
  ASSERT_TRUE(remove(other));
  ASSERT_TRUE(remove(made));
  const auto restored = restore(made);
  ASSERT_TRUE(restored) << restored.error().error.internal_detail;
  std::vector<std::string> back;
  for (const Restored::Part& part : restored->parts) back.push_back(part.entity + part.id + part.left);
  EXPECT_THAT(back, UnorderedElementsAre("address" + with.id, "contact_point" + point.id));
  EXPECT_EQ(store_.get("address", with.id, soon())->data["city"], "Bern");
  EXPECT_EQ(code_of(store_.get("address", before.id, soon())), ErrorCode::gone);
  EXPECT_EQ(code_of(store_.get("address", other.id, soon())), ErrorCode::gone);
}

TEST_F(RecordRestoreTest, RestoresPartsThatFollowedTheWholeLater) {
  const Record made = account("Ada");
  const Record part = create("address", {{"account", made.id}, {"city", "Lyon"}});
  RecordWrite removal = change_of(made, RecordWrite::Kind::remove);
  ASSERT_TRUE(apply({removal}));  // as sync brings it: the whole alone
  ASSERT_TRUE(remove(part));
  EXPECT_EQ(restore(made)->parts.size(), 1U);
  EXPECT_TRUE(store_.get("address", part.id, soon()));
}

TEST_F(RecordRestoreTest, APartThatRefersToWhatIsGoneStaysAwayAndIsNamed) {
  const Record list = create("price_list", {{"name", "Spring"}, {"currency", "EUR"}});
  const Record product = create("product", {{"name", "Desk"}});
  const Record line =
      create("price_list_line", {{"price_list", list.id}, {"product", product.id}, {"unit_price", "12"}});
  ASSERT_TRUE(remove(list));
  ASSERT_TRUE(remove(product));
  const auto restored = restore(list);
  ASSERT_TRUE(restored) << restored.error().error.internal_detail;
  ASSERT_EQ(restored->parts.size(), 1U);
  EXPECT_EQ(restored->parts[0].id, line.id);
  EXPECT_THAT(restored->parts[0].left, HasSubstr("product: \"" + product.id + "\"; expected the id of a live record"));
  EXPECT_EQ(code_of(store_.get("price_list_line", line.id, soon())), ErrorCode::gone);
}

const Author kTryton{Side::legacy, "system:tryton"};
const Author kOther{Side::legacy, "system:erp"};
const Author kBob{Side::modern, "user:bob"};

// A part that is gone before its whole is; each time in minutes before the whole's delete.
struct Earlier {
  std::string what;
  Author part_by = kTryton;
  int part_before = 60;
  Author whole_by = kTryton;
  RecordWrite::Kind between = RecordWrite::Kind::update;  // of the whole
  Author between_by = kBob;
  int between_before = 30;
  bool comes_back = false;
};

const std::vector<Earlier> kEarlier{
    {.what = "a sweep came to the part first", .comes_back = true},
    {.what = "it took long to come to the whole", .part_before = 119, .comes_back = true},
    {.what = "deleted long before", .part_before = 121},
    {.what = "deleted by a person", .part_by = kBob, .part_before = 1, .between_before = 300},
    {.what = "deleted by a person, the whole by the same", .part_by = kBob, .part_before = 1, .whole_by = kBob},
    {.what = "deleted by another system", .part_by = kOther, .part_before = 1, .between_before = 300},
    {.what = "the whole was deleted by a person", .part_before = 1, .whole_by = kBob, .between_before = 300},
    {.what = "the whole was read in between", .between_by = kTryton},
    {.what = "the whole was read before", .between_by = kTryton, .between_before = 90, .comes_back = true},
    {.what = "the whole was brought back in between", .between = RecordWrite::Kind::restore},
};

TEST_F(RecordRestoreTest, APartThatALegacySystemLostShortlyBeforeItsWholeComesBack) {
  for (const Earlier& earlier : kEarlier) {
    SCOPED_TRACE(earlier.what);
    Record whole = account("Ada");
    const Record part = create("address", {{"account", whole.id}, {"city", "Bern"}});
    make_old();
    write(part, RecordWrite::Kind::remove, earlier.part_by, earlier.part_before);
    whole = write(whole, earlier.between, earlier.between_by, earlier.between_before);
    whole = write(whole, RecordWrite::Kind::remove, earlier.whole_by, 0);
    EXPECT_EQ(parts_of(restore(whole)).size(), earlier.comes_back ? 1U : 0U);
    EXPECT_EQ(store_.get("address", part.id, soon()).has_value(), earlier.comes_back);
  }
}

TEST_F(RecordRestoreTest, PartsOfPartsComeBackAndThoseThatReferToEachOtherInWhicheverOrder) {
  const std::string file = testing::TempDir() + "banyan_restore_" + database_name() + ".yaml";
  std::ofstream(file) << R"(entities:
  step:
    description: What is to be done.
    fields:
      account: {type: reference, to: account, required: true}
      after: {type: reference, to: step}
    relations: {whole: {kind: part_of, field: account, inverse: steps}}
  note:
    description: What was found.
    fields: {step: {type: reference, to: step, required: true}}
    relations: {whole: {kind: part_of, field: step, inverse: notes}}
)";
  const std::array files{std::string(kCrmOntology), file};
  const Ontology ontology = load_ontology(files).value();
  std::filesystem::remove(file);
  RecordStore store{app(), ontology, ids_};
  const auto make = [&](const std::string& entity, unsigned n, const Json& data) {
    EXPECT_TRUE(store.create(entity, data, clara_, soon(), id(n)));
    return entity + id(n);
  };
  const Record whole = account("Ada");
  const std::string last = make("step", 9, {{"account", whole.id}});
  const std::string middle = make("step", 5, {{"account", whole.id}, {"after", id(9)}});
  const std::string first = make("step", 1, {{"account", whole.id}, {"after", id(5)}});
  const std::string note = make("note", 2, {{"step", id(1)}});
  ASSERT_TRUE(store.remove("account", whole.id, std::nullopt, clara_, soon()));
  const auto restored = store.restore("account", whole.id, std::nullopt, clara_, soon());
  std::vector<std::string> back;
  for (const Restored::Part& part : parts_of(restored)) back.push_back(part.entity + part.id + part.left);
  EXPECT_THAT(back, ElementsAre(last, middle, first, note));
}

TEST_F(RecordRestoreTest, AnyNumberOfPartsComesBackInOneTransaction) {
  const auto stream = make_stream("tryton", "address");
  const Record whole = account("Ada");
  add_gone_addresses(whole, 1'500);
  write(whole, RecordWrite::Kind::remove, kTryton, 30);
  const auto parts = parts_of(restore(whole));
  EXPECT_EQ(parts.size(), 1'500U);
  EXPECT_TRUE(std::ranges::all_of(parts, [](const Restored::Part& part) { return part.left.empty(); }));
  EXPECT_EQ(value(app(), "SELECT count(*) FROM banyan.record WHERE deleted"), "0");
  EXPECT_EQ(
      value(app(), "SELECT count(*) || ' ' || count(DISTINCT at) FROM banyan.record_history WHERE kind = 'restore'"),
      "1501 1");
  EXPECT_EQ(value(app(), "SELECT count(*) FROM banyan.outbox WHERE stream = " + std::to_string(stream)), "1500");
}

TEST_F(RecordRestoreTest, AsManyPartsAsTheLimitComeBackAndOneMoreLeavesAllAsItIs) {
  const Record whole = account("Ada");
  add_gone_addresses(whole, 20'001);
  write(whole, RecordWrite::Kind::remove, kTryton, 30);
  const auto refused = restore(whole);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error.code, ErrorCode::too_large);
  EXPECT_EQ(value(app(), "SELECT count(*) FROM banyan.record WHERE deleted"), "20002");
  execute(superuser(),
          "DELETE FROM banyan.record WHERE id = (SELECT id FROM banyan.record WHERE entity = 'address' LIMIT 1)");
  EXPECT_EQ(parts_of(restore(whole)).size(), 20'000U);
}

// How a piece of work reads the tables: by the index on tombstones, or one of them as a whole.
TEST_F(RecordRestoreTest, TombstonesAreFoundThroughTheirIndexAmongManyLiveRecords) {
  const Record whole = account("Ada");
  add_gone_addresses(whole, 100);
  const Record gone = write(whole, RecordWrite::Kind::remove, kTryton, 30);
  execute(superuser(),
          "INSERT INTO banyan.record (entity, id, version, data) SELECT 'address', gen_random_uuid(), 1, "
          "jsonb_build_object('account', gen_random_uuid(), 'city', n) FROM generate_series(1, 100000) n; "
          "INSERT INTO banyan.record_history (entity, id, version, side, author, kind, changed) "
          "SELECT entity, id, 1, 'legacy', 'system:tryton', 'insert', '{}' FROM banyan.record WHERE NOT deleted; "
          "ANALYZE banyan.record, banyan.record_history");
  const auto scans = [](store::Transaction& tx, const std::string& of) {
    return tx.exec1("SELECT pg_stat_get_xact_numscans('banyan." + of + "'::regclass)")[0].as<int>();
  };
  const auto reads = [&](const std::function<std::size_t(store::Transaction&)>& work) {
    const auto counted = app().transact<std::string>(soon(), [&](store::Transaction& tx) {
      const int by_index = scans(tx, "record_deleted");
      const int as_a_whole = scans(tx, "record") + scans(tx, "record_history");
      std::string found = std::to_string(work(tx));
      if (scans(tx, "record_deleted") > by_index) found += " by index";
      if (scans(tx, "record") + scans(tx, "record_history") > as_a_whole) found += " among all";
      return found;
    });
    return counted ? *counted : counted.error().internal_detail;
  };
  const auto list = [&](const ListQuery& query) {
    const auto select = select_of(*crm().find("address"), query);
    return reads([&](store::Transaction& tx) {
      return tx.exec_params(select->sql, pqxx::prepare::make_dynamic_params(select->parameters)).size();
    });
  };
  ListQuery query;
  query.deleted = true;
  query.limit = 200;
  EXPECT_EQ(list(query), "100 by index");
  query.sort = {{"updated_at", true}};
  query.filters = {{"account", Filter::Operator::eq, {whole.id}}};
  EXPECT_EQ(list(query), "100 by index");
  EXPECT_EQ(
      reads([&](store::Transaction& tx) { return parts_gone_with(tx, crm(), std::span(&gone, 1), 1'000).size(); }),
      "100 by index");
  query.deleted = false;
  EXPECT_EQ(list(query), "0 among all") << "the indexes of the ontology are not there, and the count sees it";
}

}  // namespace
}  // namespace banyan::records
