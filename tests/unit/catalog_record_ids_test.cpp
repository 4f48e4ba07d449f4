// Where a write names its records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "migration/catalog/route_table.hpp"

namespace banyan::catalog {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

FunctionSpec write_of(std::string path, std::string record_ids) {
  FunctionSpec spec;
  spec.name = "write";
  spec.entity = "account";
  spec.record_ids = std::move(record_ids);
  spec.matches.emplace_back().path = std::move(path);
  return spec;
}

std::vector<std::string> ids_of(const FunctionSpec& spec, std::string_view path, std::string_view body) {
  const CompileResult result = compile({spec}, {"legacy"});
  if (!result.table) return {"fault: " + result.faults.front().found};
  const RequestView request{"POST", "h", path, "", {}};
  return result.table->recognise(request, {BodyView::State::complete, body}).record_ids;
}

std::vector<std::string> in_body(std::string_view body) {
  return ids_of(write_of("/rpc", "/params/0"), "/rpc", body);
}

std::vector<std::string> faults_of(const FunctionSpec& spec) {
  std::vector<std::string> found;
  for (const CatalogFault& fault : compile({spec}, {"legacy"}).faults) found.push_back(fault.found);
  return found;
}

std::string list_of(std::size_t count) {
  std::string list = "[";
  for (std::size_t i = 0; i < count; ++i) list += (i == 0 ? "" : ",") + std::to_string(i);
  return R"({"params":[)" + list + "]]}";
}

TEST(RecordIds, AreANumberATextOrAListOfThem) {
  EXPECT_THAT(in_body(R"({"params":[12,{"name":"x"}]})"), ElementsAre("12"));
  EXPECT_THAT(in_body(R"({"params":["a-7"]})"), ElementsAre("a-7"));
  EXPECT_THAT(in_body(R"({"params":[[3,"4",-5],{"active":[9]}]})"), ElementsAre("3", "4", "-5"));
}

TEST(RecordIds, ThatAreNoIdsArePassedOver) {
  EXPECT_THAT(in_body(R"({"params":[[1,null,true,[2],{"id":3},4]]})"), ElementsAre("1", "4"));
  EXPECT_THAT(in_body(R"({"params":[{"id":1}]})"), IsEmpty());
  EXPECT_THAT(in_body(R"({"params":[]})"), IsEmpty());
  EXPECT_THAT(in_body("no JSON"), IsEmpty());
  EXPECT_THAT(in_body(R"({"params":[["a\u0000b","","c"]]})"), ElementsAre("c"));
}

TEST(RecordIds, AtAnAmbiguousPlaceAreUnknown) {
  EXPECT_THAT(in_body(R"({"params":[[1,2]],"params":[[3]]})"), IsEmpty());
}

TEST(RecordIds, BeyondTheBoundAreUnknownAltogether) {
  EXPECT_THAT(in_body(list_of(256)), SizeIs(256));
  EXPECT_THAT(in_body(list_of(257)), IsEmpty());
  EXPECT_THAT(in_body(R"({"params":[["1",")" + std::string(257, 'x') + R"("]]})"), IsEmpty());
}

TEST(RecordIds, MakeTheBodyNecessaryOnlyWhereTheyAreInIt) {
  const RequestView request{"PUT", "h", "/accounts/7", "", {}};
  const auto by_body = compile({write_of("/accounts/{id}", "/id")}, {"legacy"}).table;
  EXPECT_TRUE(by_body->recognise(request, {}).needs_body);
  const Recognition too_large = by_body->recognise(request, {BodyView::State::unavailable, {}});
  EXPECT_FALSE(too_large.needs_body);
  EXPECT_THAT(too_large.record_ids, IsEmpty());
  const auto by_path = compile({write_of("/accounts/{id}", "{id}")}, {"legacy"}).table;
  EXPECT_FALSE(by_path->recognise(request, {}).needs_body);
}

TEST(RecordIds, AreTakenFromThePathOfTheMatchThatFits) {
  FunctionSpec spec = write_of("/api/{kind}/{id}", "{id}");
  spec.matches.emplace_back().path = "/old/{id}/{rest...}";
  EXPECT_THAT(ids_of(spec, "/api/x/../accounts/a%20b", ""), ElementsAre("a b"));
  EXPECT_THAT(ids_of(spec, "/old/42/edit/now", ""), ElementsAre("42"));
}

TEST(RecordIds, DoNotStandInTheWayOfConditionsOnTheSamePlace) {
  FunctionSpec spec = write_of("/rpc", "/params/0");
  spec.matches[0].predicates.push_back(
      {Predicate::Source::json_pointer, "/params/0", {TextPattern::Kind::equals, "12"}});
  EXPECT_THAT(ids_of(spec, "/rpc", R"({"params":[12]})"), ElementsAre("12"));
}

TEST(RecordIds, NeedAWriteAnEntityAndAPlaceThatCanBe) {
  FunctionSpec read = write_of("/rpc", "/params/0");
  read.effect = Effect::read;
  EXPECT_THAT(faults_of(read), ElementsAre(HasSubstr("that reads")));
  FunctionSpec anonymous = write_of("/rpc", "/params/0");
  anonymous.entity.clear();
  EXPECT_THAT(faults_of(anonymous), ElementsAre(HasSubstr("without an entity")));
  EXPECT_THAT(faults_of(write_of("/rpc", "params")), ElementsAre(HasSubstr("`params`")));
  EXPECT_THAT(faults_of(write_of("/rpc", "/a~2")), ElementsAre(HasSubstr("`/a~2`")));
  EXPECT_THAT(faults_of(write_of("/accounts/{id}", "{no}")), ElementsAre(HasSubstr("`{no}`")));
}

}  // namespace
}  // namespace banyan::catalog
