#include "adapters/legacy/tryton/tryton_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "tests/unit/tryton_fake.hpp"

namespace banyan::legacy::tryton {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing_support::FakeTryton;
using Kind = Failure::Kind;

const std::string kType = "party.party";

class TrytonSystemTest : public testing::Test {
protected:
  TrytonSystem system(const std::string& password = "right", std::size_t body_limit_bytes = 1U << 20U) {
    TrytonOptions options;
    options.rpc.url = fake_.url();
    options.rpc.database = "crm";
    options.rpc.user = "banyan";
    options.rpc.password = Secret(password);
    options.rpc.body_limit_bytes = body_limit_bytes;
    options.types[kType] = TypeOptions{.fields = {"name", "tags"}};
    options.page_limit = 100;
    return TrytonSystem(options, clock_);
  }
  Deadline soon() { return Deadline::after(clock_, 60s); }

  static std::vector<std::string> ids(const std::vector<LegacyRecord>& records) {
    std::vector<std::string> found;
    for (const auto& record : records) found.push_back(record.id);
    return found;
  }

  // Every query for names that could give one of the rows fails, as Tryton does, or has this body.
  void break_rows(const std::vector<int>& broken, const std::string& body = error_body()) {
    fake_.set_hook([broken, body](const std::string& method, const Json& params) -> std::optional<std::string> {
      if (!method.ends_with(".search_read") || params[4].dump().find("\"name\"") == std::string::npos) return {};
      const Json& clause = params[0][0];
      const bool by_id = clause.is_array() && clause[0] == "id" && clause[1] == "in";
      const bool hit = std::any_of(broken.begin(), broken.end(), [&](int id) {
        return !by_id || std::find(clause[2].begin(), clause[2].end(), id) != clause[2].end();
      });
      if (!hit) return {};
      return body;
    });
  }
  static std::string error_body() {
    return FakeTryton::error(Json::array({"UserError", Json::array({"cannot compute", "", nullptr})})).dump();
  }

  SystemClock clock_;
  FakeTryton fake_;
};

TEST_F(TrytonSystemTest, APollThatFitsIsOneCall) {
  for (int i = 1; i <= 5; ++i) fake_.add_row(i, i, i % 2 == 0 ? std::optional(100 - i) : std::nullopt, "n");
  auto tryton = system();
  const auto page = tryton.changes(kType, Cursor{}, 10, soon());
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_THAT(ids(page->records), ElementsAre("1", "3", "5", "4", "2"));
  EXPECT_FALSE(page->more);
  EXPECT_EQ(page->next, page->records.back().cursor);
  EXPECT_EQ(fake_.calls("model.party.party.search_read"), 1);
}

TEST_F(TrytonSystemTest, APageOfRecordsIsFetchedInOneCall) {
  for (int i = 1; i <= 100; ++i) fake_.add_row(i, i, std::nullopt, "n");
  auto tryton = system();
  std::vector<std::string> wanted;
  for (std::size_t i = 1; i <= tryton.capabilities(kType).ids_per_fetch(); ++i) wanted.push_back(std::to_string(i));
  const auto records = tryton.fetch(kType, wanted, soon());
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_EQ(records->size(), 100U);
  EXPECT_EQ(fake_.calls("model.party.party.search_read"), 1);
}

TEST_F(TrytonSystemTest, PagesOfAnySizeGiveTheSameOrder) {
  std::mt19937 random(20261121);
  const auto pick = [&](int most) { return static_cast<int>(random() % static_cast<unsigned>(most)); };
  std::vector<std::tuple<int, int>> expected;  // (stamp, id)
  for (int id = 1; id <= 60; ++id) {
    const int created = pick(5);  // few stamps: many ties
    const auto written = pick(2) == 0 ? std::optional(created + pick(5)) : std::nullopt;
    fake_.add_row(id, created, written, "n");
    expected.emplace_back(written.value_or(created), id);
  }
  std::sort(expected.begin(), expected.end());
  auto tryton = system();
  for (const std::size_t limit : {1U, 2U, 7U, 59U, 60U, 61U}) {
    std::vector<std::string> found;
    Cursor cursor;
    for (bool more = true; more;) {
      const auto page = tryton.changes(kType, cursor, limit, soon());
      ASSERT_TRUE(page) << page.error().message;
      for (const auto& id : ids(page->records)) found.push_back(id);
      cursor = page->next;
      more = page->more;
    }
    ASSERT_EQ(found.size(), expected.size()) << "pages of " << limit;
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i], std::to_string(std::get<1>(expected[i]))) << "pages of " << limit;
    }
  }
}

TEST_F(TrytonSystemTest, ARecordThatFailsItsPageIsParkedAlone) {
  for (int i = 1; i <= 20; ++i) fake_.add_row(i, i, std::nullopt, "n");
  break_rows({13});
  auto tryton = system();
  const auto page = tryton.changes(kType, Cursor{}, 50, soon());
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->records.size(), 19U);
  EXPECT_THAT(ids(page->unreadable), ElementsAre("13"));
  EXPECT_THAT(page->problem, HasSubstr("13: party.party.search_read: cannot compute"));
  EXPECT_EQ(page->next.id, "20");
  const auto scanned = tryton.scan(kType, "12", 2, soon());
  ASSERT_TRUE(scanned);
  EXPECT_THAT(ids(scanned->records), ElementsAre("14"));
  EXPECT_THAT(ids(scanned->unreadable), ElementsAre("13"));
  EXPECT_TRUE(scanned->more);
  EXPECT_EQ(scanned->next.id, "14");
}

TEST_F(TrytonSystemTest, AnUnreadableRecordAtThePagesEndIsNotSkipped) {
  for (int i = 1; i <= 4; ++i) fake_.add_row(i, i, std::nullopt, "n");
  break_rows({2});
  auto tryton = system();
  const auto first = tryton.scan(kType, "", 1, soon());
  ASSERT_TRUE(first);
  EXPECT_THAT(ids(first->records), ElementsAre("1"));
  const auto second = tryton.scan(kType, first->next.id, 1, soon());
  ASSERT_TRUE(second);
  EXPECT_THAT(ids(second->unreadable), ElementsAre("2"));
  EXPECT_EQ(second->next.id, "2");
  EXPECT_TRUE(second->more);
}

TEST_F(TrytonSystemTest, FetchOfAnUnreadableRecordFailsAndNamesIt) {
  for (int i = 1; i <= 3; ++i) fake_.add_row(i, i, std::nullopt, "n");
  break_rows({2});
  auto tryton = system();
  const std::vector<std::string> wanted{"1", "2", "3", "404", "x"};
  const auto fetched = tryton.fetch(kType, wanted, soon());
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().kind, Kind::malformed);
  EXPECT_THAT(fetched.error().message, HasSubstr("2: "));
}

TEST_F(TrytonSystemTest, AHugeValueIsParkedAlone) {
  for (int i = 1; i <= 8; ++i) fake_.add_row(i, i, std::nullopt, i == 3 ? std::string(200'000, 'x') : "n");
  auto tryton = system("right", 100'000);
  const auto page = tryton.changes(kType, Cursor{}, 50, soon());
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->records.size(), 7U);
  EXPECT_THAT(ids(page->unreadable), ElementsAre("3"));
  EXPECT_THAT(page->problem, HasSubstr("larger than 100000 bytes"));
}

TEST_F(TrytonSystemTest, ARecordThatBreaksItsAnswerIsParkedAlone) {
  for (int i = 1; i <= 8; ++i) fake_.add_row(i, i, std::nullopt, "n");
  for (const char* body : {"{\"result\": [{\"name\": \"caf\xe9\"}]}", R"({"result": [{"name": "\ud83d"}]})",
                           R"({"result": [{"name": "n)", "<html>Maintenance</html>"}) {
    break_rows({3}, body);
    auto tryton = system();
    const auto page = tryton.changes(kType, Cursor{}, 50, soon());
    ASSERT_TRUE(page) << body << page.error().message;
    EXPECT_EQ(page->records.size(), 7U) << body;
    ASSERT_THAT(ids(page->unreadable), ElementsAre("3")) << body;
    EXPECT_NO_THROW(page->unreadable[0].fields.dump()) << "what is kept of it is UTF-8";
    EXPECT_THAT(page->problem, HasSubstr("expected a JSON-RPC answer")) << body;
  }
}

TEST_F(TrytonSystemTest, ANulWithinATextArrivesAsItIs) {
  const std::string text("a\0b", 3);
  fake_.add_row(1, 1, std::nullopt, text);
  auto tryton = system();
  const auto page = tryton.changes(kType, Cursor{}, 50, soon());
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->records.size(), 1U);
  EXPECT_EQ(page->records[0].fields["name"], text);
}

TEST_F(TrytonSystemTest, RowsOfTheWrongShapeAreParkedAlone) {
  fake_.add_row(1, 1, std::nullopt, "n");
  fake_.add_row(2, 2, std::nullopt, Json{{"__class__", "Decimal"}});
  fake_.add_row(3, 3, std::nullopt, Json{{"__class__", "Surprise"}});
  auto tryton = system();
  const auto page = tryton.changes(kType, Cursor{}, 50, soon());
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_THAT(ids(page->records), ElementsAre("1"));
  EXPECT_THAT(ids(page->unreadable), ElementsAre("2", "3"));
  EXPECT_THAT(page->unreadable[0].fields["raw"], HasSubstr("Decimal"));
}

TEST_F(TrytonSystemTest, AnswersOfTheWrongShapeAreMalformedAndCrashNothing) {
  fake_.add_row(1, 1, std::nullopt, "n");
  auto tryton = system();
  ASSERT_TRUE(tryton.scan(kType, "", 10, soon()));
  for (const std::string body : {"null", "7", "[]", "{}", "<html></html>", "{\"result\": 7}",
                                 "{\"result\": {\"a\": []}}", "{\"result\": [", "\xff"}) {
    fake_.set_hook([body](const std::string&, const Json&) { return std::optional(body); });
    for (const auto& answer : {tryton.scan(kType, "", 10, soon()), tryton.changes(kType, Cursor{}, 10, soon())}) {
      ASSERT_FALSE(answer) << body;
      EXPECT_EQ(answer.error().kind, Kind::malformed) << body;
    }
  }
  fake_.set_hook(
      [](const std::string&, const Json&) { return std::optional<std::string>(R"({"result": [7, null, []]})"); });
  const auto odd = tryton.scan(kType, "", 10, soon());
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->unreadable.size(), 3U);
  EXPECT_TRUE(odd->records.empty());
}

TEST_F(TrytonSystemTest, WhenNothingCanBeReadTheReadFailsInFewCalls) {
  std::vector<int> all;
  for (int i = 1; i <= 100; ++i) {
    fake_.add_row(i, i, std::nullopt, "n");
    all.push_back(i);
  }
  break_rows(all);
  auto tryton = system();
  const auto page = tryton.changes(kType, Cursor{}, 100, soon());
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, Kind::rejected);
  EXPECT_LT(fake_.calls("model.party.party.search_read"), 50);
}

TEST_F(TrytonSystemTest, ALostSessionIsReplacedAndTheWriteDoneOnce) {
  fake_.add_row(1, 1, std::nullopt, "n");
  auto tryton = system();
  ASSERT_TRUE(tryton.scan(kType, "", 10, soon()));
  fake_.end_sessions();
  const auto written = tryton.update(kType, "1", Json{{"name", "m"}}, Json::object(), "1", soon());
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(fake_.calls("common.db.login"), 2);
  EXPECT_EQ(fake_.calls("model.party.party.write"), 1);
}

TEST_F(TrytonSystemTest, AWrongPasswordIsUnauthorisedAndNotRepeated) {
  auto tryton = system("wrong-secret");
  const auto page = tryton.scan(kType, "", 10, soon());
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, Kind::unauthorised);
  EXPECT_THAT(page.error().message, Not(HasSubstr("wrong-secret")));
  EXPECT_EQ(fake_.calls("common.db.login"), 1);
}

TEST_F(TrytonSystemTest, AQuestionIsAnsweredWithYesAndTheCallRepeated) {
  fake_.add_row(1, 1, std::nullopt, "n");
  Json answered;
  fake_.set_hook([&](const std::string& method, const Json& params) -> std::optional<std::string> {
    if (method == "model.res.user.warning.create") answered = params[0][0];
    if (method != "model.party.party.write" || !answered.is_null()) return {};
    return FakeTryton::error(Json::array({"UserWarning", Json::array({"party.sure.1", "Are you sure?", ""})})).dump();
  });
  auto tryton = system();
  const auto written = tryton.update(kType, "1", Json{{"name", "m"}}, Json::object(), "", soon());
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(answered, (Json{{"user", FakeTryton::kOurUser}, {"name", "party.sure.1"}, {"always", false}}));
}

TEST_F(TrytonSystemTest, QuestionsWithoutEndAreRejected) {
  fake_.set_hook([&](const std::string& method, const Json&) -> std::optional<std::string> {
    if (method != "model.party.party.create") return {};
    return FakeTryton::error(Json::array({"UserWarning", Json::array({"again", "Are you sure?", ""})})).dump();
  });
  auto tryton = system();
  const auto written = tryton.create(kType, Json{{"name", "m"}}, CreateMark{}, soon());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, Kind::rejected);
  EXPECT_LT(fake_.calls("model.party.party.create"), 12);
}

TEST_F(TrytonSystemTest, AnEditOfSomebodyElseIsNotTakenForTheResultOfOurWrite) {
  fake_.add_row(1, 1, 5, "by staff", FakeTryton::kOurUser + 1);
  auto tryton = system();
  const auto written = tryton.update(kType, "1", Json{{"name", "m"}}, Json::object(), "5", soon());
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(written->id, "1");
  EXPECT_EQ(written->version, "");
  EXPECT_FALSE(written->record);
}

TEST_F(TrytonSystemTest, ACreateWhoseReadBackFailsIsStillACreate) {
  fake_.add_row(1, 1, std::nullopt, "n");
  break_rows({1});
  auto tryton = system();
  const auto written = tryton.create(kType, Json{{"name", "m"}}, CreateMark{}, soon());
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(written->id, "1");
  EXPECT_FALSE(written->record);
}

TEST_F(TrytonSystemTest, AListIsSetByWhatGoesAndWhatComes) {
  fake_.add_row(1, 1, std::nullopt, "n");  // tags 1 and 2
  Json sent;
  fake_.set_hook([&](const std::string& method, const Json& params) -> std::optional<std::string> {
    if (method == "model.party.party.write") sent = params;
    return {};
  });
  auto tryton = system();
  ASSERT_TRUE(tryton.update(kType, "1", Json{{"tags", Json::array({2, 3})}}, Json::object(), "v", soon()));
  EXPECT_EQ(sent[1]["tags"], Json::parse(R"([["remove", [1]], ["add", [3]]])"));
  EXPECT_EQ(sent[2]["_timestamp"], (Json{{"party.party,1", "v"}}));
}

TEST_F(TrytonSystemTest, ValuesOfTheWrongFormAreRejectedBeforeAnythingIsSent) {
  auto tryton = system();
  for (const Json& fields : {Json{{"name", 7}}, Json{{"nope", "x"}}, Json{{"tags", "x"}}, Json{{"name", "\xff"}}}) {
    const auto written = tryton.create(kType, fields, CreateMark{}, soon());
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, Kind::rejected);
  }
  EXPECT_EQ(fake_.calls("model.party.party.create"), 0);
}

TEST_F(TrytonSystemTest, AnIdThatIsNoneOfTrytonsIsMissing) {
  auto tryton = system();
  const std::vector<std::string> none{"x", "", "-1", "01", "99999999999999999999"};
  const auto fetched = tryton.fetch(kType, none, soon());
  ASSERT_TRUE(fetched);
  EXPECT_THAT(*fetched, IsEmpty());
  EXPECT_EQ(tryton.update(kType, "x", Json{{"name", "m"}}, Json::object(), "", soon()).error().kind, Kind::missing);
  EXPECT_EQ(tryton.remove(kType, "x", "", soon()).error().kind, Kind::missing);
}

}  // namespace
}  // namespace banyan::legacy::tryton
