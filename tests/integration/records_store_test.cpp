#include "adapters/records/record_store.hpp"

#include <gmock/gmock.h>

#include <set>

#include "tests/integration/records_store_fixture.hpp"

namespace banyan::records {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using Operator = Filter::Operator;

TEST_F(RecordStoreTest, CreatesInCanonicalFormAndReadsItBack) {
  const Record made = create("opportunity", {{"name", " Deal "}, {"stage", "lead"}, {"amount", 12.50}});
  const auto read = store_.get("opportunity", made.id, soon());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->version, 1);
  EXPECT_EQ(read->data, (Json{{"name", "Deal"}, {"stage", "lead"}, {"amount", "12.5"}}));
  EXPECT_EQ(made.data, read->data);
  EXPECT_GT(read->created_at.time_since_epoch().count(), 0);
}

TEST_F(RecordStoreTest, RefusesWithEveryFault) {
  const auto refused = try_create("opportunity", {{"stage", "leed"}, {"amuont", 1}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(code_of(refused), ErrorCode::invalid_argument);
  EXPECT_THAT(refused.error().faults, Contains(Field(&FieldFault::field, "stage")));
  EXPECT_THAT(refused.error().faults, Contains(Field(&FieldFault::hint, "did you mean \"amount\"?")));
  EXPECT_EQ(code_of(try_create("invoice", Json::object())), ErrorCode::not_found);
}

TEST_F(RecordStoreTest, TakesAnIdOfTheCallersChoiceOnce) {
  ASSERT_TRUE(store_.create("account", {{"name", "a"}}, clara_, soon(), id(1)));
  EXPECT_EQ(code_of(store_.create("account", {{"name", "b"}}, clara_, soon(), id(1))), ErrorCode::conflict);
  EXPECT_EQ(code_of(store_.create("account", {{"name", "b"}}, clara_, soon(), "7")), ErrorCode::invalid_argument);
}

TEST_F(RecordStoreTest, PatchesTheFieldsGivenOnly) {
  const Record made = create("account", {{"name", "Ada"}, {"code", "A1"}, {"tags", {"x"}}});
  const auto patched = patch(made, {{"code", nullptr}, {"tags", {"z", "y"}}});
  ASSERT_TRUE(patched);
  EXPECT_EQ(patched->version, 2);
  EXPECT_EQ(patched->data, (Json{{"name", "Ada"}, {"tags", {"y", "z"}}}));
  EXPECT_EQ(patch(made, {{"tags", {"y", "z", "y"}}})->version, 2) << "nothing changed";
  EXPECT_EQ(code_of(patch(made, {{"name", nullptr}})), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(patch(made, {{"nmae", "x"}})), ErrorCode::invalid_argument);
}

TEST_F(RecordStoreTest, RefusesAStaleVersionAndShowsTheRecord) {
  const Record made = account("Ada");
  ASSERT_TRUE(patch(made, {{"name", "Bob"}}));
  const auto stale = store_.patch("account", made.id, {{"name", "Eve"}}, 1, clara_, soon());
  EXPECT_EQ(code_of(stale), ErrorCode::precondition_failed);
  EXPECT_EQ(stale.error().current->version, 2);
  EXPECT_EQ(store_.patch("account", made.id, {{"name", "Eve"}}, 2, clara_, soon())->data["name"], "Eve");
}

TEST_F(RecordStoreTest, RefusesReferencesToWhatIsNotThere) {
  const Record gone = account("gone");
  ASSERT_TRUE(remove(gone));
  for (const std::string& target : {id(99), gone.id}) {
    const auto refused = try_create("contact", {{"name", "Ada"}, {"account", target}});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().faults,
                ElementsAre(FieldFault{"account", "\"" + target + "\"", "the id of a live record of account", ""}));
  }
}

TEST_F(RecordStoreTest, KeepsAHierarchyATree) {
  const Record top = account("top");
  const Record middle = account("middle", top.id);
  const Record low = account("low", middle.id);
  for (const Record& below : {top, middle, low}) {
    const auto refused = patch(top, {{"parent", below.id}});
    ASSERT_FALSE(refused) << below.data;
    EXPECT_EQ(refused.error().faults.front().field, "parent");
  }
  EXPECT_TRUE(patch(low, {{"parent", top.id}}));
  EXPECT_TRUE(patch(middle, {{"parent", low.id}}));
}

TEST_F(RecordStoreTest, LimitsTheDepthOfAHierarchy) {
  std::vector<Record> chain{account("0")};
  for (int level = 1; level <= 20; ++level) chain.push_back(account(std::to_string(level), chain.back().id));
  EXPECT_EQ(code_of(try_create("account", {{"name", "21"}, {"parent", chain.back().id}})), ErrorCode::invalid_argument);
  const Record above = account("above");
  EXPECT_EQ(code_of(patch(chain.front(), {{"parent", above.id}})), ErrorCode::invalid_argument);
  EXPECT_TRUE(patch(chain.at(1), {{"parent", above.id}}));
}

TEST_F(RecordStoreTest, LeavesATombstoneThatCanBeRestored) {
  const Record made = account("Ada");
  const auto removed = remove(made);
  ASSERT_TRUE(removed);
  EXPECT_TRUE(removed->deleted);
  const auto gone = store_.get("account", made.id, soon());
  EXPECT_EQ(code_of(gone), ErrorCode::gone);
  EXPECT_EQ(gone.error().current->data["name"], "Ada");
  EXPECT_EQ(code_of(patch(made, {{"name", "b"}})), ErrorCode::gone);
  EXPECT_EQ(code_of(remove(made)), ErrorCode::gone);
  EXPECT_TRUE(store_.get("account", made.id, soon(), RecordStore::Tombstones::given));
  EXPECT_THAT(names({}), ElementsAre());

  const auto restored = store_.restore("account", made.id, 2, clara_, soon());
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->record.version, 3);
  EXPECT_THAT(restored->parts, ElementsAre());
  EXPECT_THAT(names({}), ElementsAre("Ada"));
  EXPECT_EQ(store_.restore("account", made.id, std::nullopt, clara_, soon())->record.version, 3)
      << "it is there already";
}

TEST_F(RecordStoreTest, ListsTombstonesWhereTheyAreAskedFor) {
  const Record gone = account("Ada");
  account("Bob");
  ASSERT_TRUE(remove(gone));
  ListQuery query;
  query.deleted = true;
  EXPECT_THAT(names(query), ElementsAre("Ada"));
  EXPECT_THAT(names({}), ElementsAre("Bob"));
}

TEST_F(RecordStoreTest, TakesPartsAlongAndRefusesWhileOthersRefer) {
  const Record made = account("Ada");
  const Record address = create("address", {{"account", made.id}, {"city", "Paris"}});
  const Record contact = create("contact", {{"account", made.id}, {"name", "Bob"}});
  const auto refused = remove(made);
  EXPECT_EQ(code_of(refused), ErrorCode::conflict);
  EXPECT_THAT(refused.error().error.public_message, HasSubstr("contact " + contact.id));
  EXPECT_TRUE(store_.get("address", address.id, soon()));
  ASSERT_TRUE(remove(contact));
  ASSERT_TRUE(remove(made));
  EXPECT_EQ(code_of(store_.get("address", address.id, soon())), ErrorCode::gone);
}

TEST_F(RecordStoreTest, TellsWhoChangedWhatAndWhen) {
  const Record made = account("Ada");
  ASSERT_TRUE(store_.patch("account", made.id, {{"name", "Bob"}}, 1, {Side::modern, "agent:planner"}, soon()));
  ASSERT_TRUE(remove(made));
  const auto first = store_.history("account", made.id, 0, 2, soon());
  ASSERT_TRUE(first);
  ASSERT_EQ(first->entries.size(), 2U);
  EXPECT_EQ(first->entries[0].kind, "remove");
  EXPECT_EQ(first->entries[1].author, "agent:planner");
  EXPECT_EQ(first->entries[1].changed, (Json{{"name", {{"from", "Ada"}, {"to", "Bob"}}}}));
  const auto second = store_.history("account", made.id, first->next, 2, soon());
  ASSERT_EQ(second->entries.size(), 1U);
  EXPECT_EQ(second->entries[0].kind, "insert");
  EXPECT_EQ(second->next, 0);
}

TEST_F(RecordStoreTest, PagesThroughEveryRecordOnce) {
  std::set<std::string> expected;
  for (int i = 0; i < 23; ++i) {
    const std::string name = "n" + std::to_string(i);
    Json data{{"name", name}, {"active", i % 2 == 0}};
    if (i % 3 != 0) data["employees"] = i % 4;
    if (i % 5 != 0) data["annual_revenue"] = std::to_string(i * 9 % 11) + ".5";
    create("account", data);
    expected.insert(name);
  }
  for (const std::vector<SortKey>& sort :
       std::vector<std::vector<SortKey>>{{},
                                         {{"name", true}},
                                         {{"employees", false}},
                                         {{"employees", true}, {"annual_revenue", false}},
                                         {{"active", false}, {"employees", true}, {"name", false}},
                                         {{"updated_at", true}},
                                         {{"version", false}, {"id", true}}}) {
    ListQuery query;
    query.sort = sort;
    query.limit = 4;
    std::size_t pages = 0;
    const auto found = names(query, &pages);
    EXPECT_EQ(found.size(), 23U);
    EXPECT_EQ(std::set<std::string>(found.begin(), found.end()), expected);
    EXPECT_EQ(pages, 6U);
    query.limit = 200;
    EXPECT_EQ(names(query), found);
  }
}

TEST_F(RecordStoreTest, FiltersByEveryOperator) {
  create("account", {{"name", "Anvil"}, {"employees", 9}, {"annual_revenue", "10"}, {"tags", {"a", "b"}}});
  create("account", {{"name", "Bolt"}, {"employees", 10}, {"annual_revenue", "9.5"}, {"active", true}});
  create("account", {{"name", "100% \"C\"'s"}, {"kind", "person"}});
  struct Case {
    Filter filter;
    std::vector<std::string> names;
  };
  const std::vector<Case> cases{
      {{"name", Operator::eq, {"Bolt"}}, {"Bolt"}},
      {{"name", Operator::ne, {"Bolt"}}, {"100% \"C\"'s", "Anvil"}},
      {{"kind", Operator::ne, {"person"}}, {"Anvil", "Bolt"}},
      {{"employees", Operator::gt, {"9"}}, {"Bolt"}},
      {{"employees", Operator::gte, {"9"}}, {"Anvil", "Bolt"}},
      {{"annual_revenue", Operator::lt, {"10.0"}}, {"Bolt"}},
      {{"annual_revenue", Operator::eq, {"10.00"}}, {"Anvil"}},
      {{"name", Operator::lte, {"Anvil"}}, {"100% \"C\"'s", "Anvil"}},
      {{"name", Operator::in, {"Anvil", "Bolt"}}, {"Anvil", "Bolt"}},
      {{"name", Operator::contains, {"0% \"c\"'S"}}, {"100% \"C\"'s"}},
      {{"active", Operator::eq, {"true"}}, {"Bolt"}},
      {{"active", Operator::exists, {"false"}}, {"100% \"C\"'s", "Anvil"}},
      {{"tags", Operator::eq, {"b"}}, {"Anvil"}},
      {{"tags", Operator::exists, {"true"}}, {"Anvil"}},
      {{"created_at", Operator::gt, {"2000-01-01T00:00:00Z"}}, {"100% \"C\"'s", "Anvil", "Bolt"}},
      {{"version", Operator::gt, {"1"}}, {}},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(names({{c.filter}, {{"name", false}}, 50, ""}), c.names)
        << c.filter.field << " " << static_cast<int>(c.filter.op);
  }
}

TEST_F(RecordStoreTest, RefusesMalformedQueries) {
  account("a");
  account("b");
  const auto other = store_.list("account", {{}, {{"name", false}}, 1, ""}, soon())->next;
  const std::vector<std::pair<ListQuery, std::string>> cases{
      {{{{"nmae", Operator::eq, {"x"}}}, {}, 50, ""}, "nmae"},
      {{{{"employees", Operator::eq, {"many"}}}, {}, 50, ""}, "employees"},
      {{{{"tags", Operator::gt, {"x"}}}, {}, 50, ""}, "tags"},
      {{{{"active", Operator::contains, {"x"}}}, {}, 50, ""}, "active"},
      {{{{"active", Operator::exists, {"maybe"}}}, {}, 50, ""}, "active"},
      {{{}, {{"tags", false}}, 50, ""}, "sort"},
      {{{}, {{"nmae", false}}, 50, ""}, "sort"},
      {{{}, {}, 0, ""}, "limit"},
      {{{}, {}, 201, ""}, "limit"},
      {{{}, {}, 50, "zz"}, "cursor"},
      {{{}, {}, 50, "7b7d"}, "cursor"},
      {{{}, {{"name", true}}, 50, other}, "cursor"},
  };
  for (const auto& [query, field] : cases) {
    const auto refused = store_.list("account", query, soon());
    ASSERT_FALSE(refused) << field;
    EXPECT_EQ(refused.error().error.code, ErrorCode::invalid_argument);
    EXPECT_EQ(refused.error().faults.front().field, field);
  }
}

TEST_F(RecordStoreTest, IndexesServeTheFieldsDeclaredSo) {
  const auto report = store::make_indexes(url("banyan_owner"), indexes_of(crm()), {});
  ASSERT_TRUE(report) << report.error().internal_detail;
  EXPECT_TRUE(report->failed.empty()) << report->failed[0].reason;
  const auto select = select_of(*crm().find("account"), {{{"code", Operator::eq, {"A1"}}}, {}, 50, ""});
  const auto plan = app().transact<std::string>(soon(), [&](store::Transaction& tx) {
    tx.exec("SET LOCAL enable_seqscan = off");
    std::string text;
    const auto parameters = pqxx::prepare::make_dynamic_params(select->parameters);
    for (const auto& row : tx.exec_params("EXPLAIN " + select->sql, parameters))
      text += std::string(row[0].c_str()) + "\n";
    return text;
  });
  ASSERT_TRUE(plan) << plan.error().internal_detail;
  EXPECT_THAT(*plan, HasSubstr("record_account_code"));
}

}  // namespace
}  // namespace banyan::records
