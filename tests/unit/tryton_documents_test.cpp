// Documents and their parts: sales and their lines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "adapters/legacy/tryton/tryton_system.hpp"
#include "tests/unit/tryton_fake.hpp"

namespace banyan::legacy::tryton {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::FakeTryton;
using Kind = Failure::Kind;

const std::string kUnlessDraft =
    R"({"readonly": {"__class__": "Not", "v": {"__class__": "Equal", "s1": {"__class__": "Eval", "v": "state", "d": ""},
    "s2": "draft"}}})";

// Sale 5 with line 9, and sale 6.
class TrytonDocumentsTest : public testing::Test {
protected:
  TrytonDocumentsTest() {
    fake_.set_hook([this](const std::string& method, const Json& params) { return answer(method, params); });
  }

  TrytonSystem system() {
    TrytonOptions options;
    options.rpc.url = fake_.url();
    options.rpc.database = "crm";
    options.rpc.user = "banyan";
    options.rpc.password = Secret("right");
    for (const char* model : {"sale.sale", "sale.line"}) {
      options.types[model] = known_model(model);
      options.types[model].fields = {"description"};
    }
    return TrytonSystem(options, clock_);
  }
  Deadline soon() { return Deadline::after(clock_, 60s); }
  void set_state(const std::string& sale, const std::string& state) {
    const std::lock_guard lock(mutex_);
    states_[sale] = state;
  }
  // "sale.line.write [9]" and the like, in the order of their arrival.
  std::vector<std::string> writes() {
    const std::lock_guard lock(mutex_);
    return writes_;
  }
  void refuse(const std::string& method) {
    const std::lock_guard lock(mutex_);
    refused_ = method;
  }

private:
  static std::string result(const Json& value) { return Json{{"result", value}}.dump(); }

  std::optional<std::string> answer(const std::string& method, const Json& params) {
    const std::lock_guard lock(mutex_);
    if (method == refused_) {
      return FakeTryton::error(Json::array({"UserError", Json::array({"not today", "", nullptr})})).dump();
    }
    if (method == "model.sale.sale.fields_get") {
      return result({{"description", {{"type", "char"}, {"states", kUnlessDraft}}},
                     {"comment", {{"type", "text"}, {"states", "{}"}}},
                     {"lines", {{"type", "one2many"}, {"states", kUnlessDraft}}},
                     {"state", {{"type", "selection"}}}});
    }
    if (method == "model.sale.line.fields_get") {
      return result({{"description", {{"type", "text"}}}, {"sale", {{"type", "many2one"}}}});
    }
    if (method.ends_with(".search")) return result(Json::array({9}));
    if (method.ends_with(".search_read")) return result(rows(method, params));
    writes_.push_back(method.substr(std::string("model.").size()) + " " + params[0].dump());
    if (method.ends_with(".create")) return result(Json::array({9}));
    return result(nullptr);
  }

  Json rows(const std::string& method, const Json& params) {
    if (method == "model.sale.line.search_read") return Json::array({Json{{"id", 9}, {"sale", 5}}});
    const Json& clause = params[0][0];
    return Json::array({Json{{"id", clause[2]}, {"state", states_[clause[2].dump()]}}});
  }

  std::mutex mutex_;
  std::map<std::string, std::string> states_{{"5", "draft"}, {"6", "draft"}};
  std::vector<std::string> writes_;
  std::string refused_;

protected:
  SystemClock clock_;
  FakeTryton fake_;
};

TEST_F(TrytonDocumentsTest, AReadOnlyFieldOfADocumentIsRefusedWithItsStateNamed) {
  auto tryton = system();
  set_state("5", "confirmed");
  const auto refused = tryton.update("sale.sale", "5", Json{{"description", "New"}}, Json(), "", soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::rejected);
  EXPECT_THAT(refused.error().message, HasSubstr("sale.sale 5: description cannot be changed now"));
  EXPECT_THAT(refused.error().message, HasSubstr("(state: confirmed)"));
  EXPECT_THAT(writes(), IsEmpty());
}

TEST_F(TrytonDocumentsTest, AFieldOfADocumentThatIsNotReadOnlyIsWritten) {
  auto tryton = system();
  set_state("5", "confirmed");
  EXPECT_TRUE(tryton.update("sale.sale", "5", Json{{"comment", "New"}}, Json(), "", soon()));
  set_state("5", "draft");
  EXPECT_TRUE(tryton.update("sale.sale", "5", Json{{"description", "New"}}, Json(), "", soon()));
  EXPECT_THAT(writes(), ElementsAre("sale.sale.write [5]", "sale.sale.write [5]"));
}

TEST_F(TrytonDocumentsTest, APartOfAClosedDocumentIsNeitherMadeNorChangedNorDeleted) {
  auto tryton = system();
  set_state("5", "quotation");
  const Json fields{{"sale", 5}, {"description", "Scanner"}};
  const auto created = tryton.create("sale.line", fields, CreateMark{}, soon());
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().kind, Kind::rejected);
  EXPECT_THAT(created.error().message, HasSubstr("sale.sale 5: lines cannot be changed now"));
  const auto updated = tryton.update("sale.line", "9", Json{{"description", "New"}}, Json(), "", soon());
  ASSERT_FALSE(updated);
  EXPECT_EQ(updated.error().kind, Kind::rejected);
  const auto removed = tryton.remove("sale.line", "9", "", soon());
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().kind, Kind::rejected);
  EXPECT_THAT(writes(), IsEmpty());
}

TEST_F(TrytonDocumentsTest, ADocumentIsWrittenAlongWithItsParts) {
  auto tryton = system();
  EXPECT_TRUE(tryton.create("sale.line", Json{{"sale", 5}}, CreateMark{}, soon()));
  EXPECT_TRUE(tryton.update("sale.line", "9", Json{{"description", "New"}}, Json(), "", soon()));
  EXPECT_THAT(writes(), ElementsAre("sale.line.create [{\"sale\":5}]", "sale.sale.write [5]", "sale.line.write [9]",
                                    "sale.sale.write [5]"));
}

TEST_F(TrytonDocumentsTest, ADocumentDoesNotLookEditedWhenItsPartsGo) {
  auto tryton = system();
  EXPECT_TRUE(tryton.remove("sale.line", "9", "", soon()));
  EXPECT_THAT(writes(), ElementsAre("sale.line.delete [9]"));
}

TEST_F(TrytonDocumentsTest, APartThatMovesConcernsBothDocuments) {
  auto tryton = system();
  EXPECT_TRUE(tryton.update("sale.line", "9", Json{{"sale", 6}}, Json(), "", soon()));
  EXPECT_THAT(writes(), ElementsAre("sale.line.write [9]", "sale.sale.write [5,6]"));
  set_state("6", "done");
  EXPECT_FALSE(tryton.update("sale.line", "9", Json{{"sale", 6}}, Json(), "", soon()));
}

TEST_F(TrytonDocumentsTest, ADocumentThatCannotBeWrittenAlongDoesNotSpoilItsPart) {
  auto tryton = system();
  refuse("model.sale.sale.write");
  EXPECT_TRUE(tryton.update("sale.line", "9", Json{{"description", "New"}}, Json(), "", soon()));
  EXPECT_THAT(writes(), ElementsAre("sale.line.write [9]"));
}

}  // namespace
}  // namespace banyan::legacy::tryton
