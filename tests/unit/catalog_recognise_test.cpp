#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/catalog_reference.hpp"

namespace banyan::catalog {
namespace {

using Source = Predicate::Source;
using Kind = TextPattern::Kind;
using reference::Request;

FunctionSpec function(std::string name, Match match) {
  FunctionSpec spec;
  spec.name = std::move(name);
  spec.matches.push_back(std::move(match));
  return spec;
}

Match path(std::string text) {
  Match match;
  match.path = std::move(text);
  return match;
}

Match asking(Source source, std::string key, Kind kind, std::string text) {
  Match match;
  match.predicates.push_back({source, std::move(key), {kind, std::move(text)}});
  return match;
}

std::string recognised(const std::vector<FunctionSpec>& functions, const Request& request) {
  const CompileResult result = compile(functions, {"legacy"});
  if (!result.table) return "fault: " + result.faults.front().found;
  return result.table->function(reference::recognise(*result.table, request)).spec.name;
}

std::string by_path(const std::string& wanted, const std::string& given) {
  Request request;
  request.path = given;
  return recognised({function("hit", path(wanted))}, request);
}

std::string by_body(Match match, const std::string& body, const std::string& type = "application/json") {
  Request request;
  request.body = body;
  request.headers = {{"Content-Type", type}};
  return recognised({function("hit", std::move(match))}, request);
}

TEST(Path, IsComparedWithoutDotSegmentsAndEncoding) {
  EXPECT_EQ(by_path("/a/b", "/a/x/../b"), "hit");
  EXPECT_EQ(by_path("/a/b", "/a/%2e%2E/a/%62"), "hit");
  EXPECT_EQ(by_path("/", "/.."), "hit");
  EXPECT_EQ(by_path("/a/", "/a/."), "hit");
}

TEST(Path, KeepsEncodedSlashesEmptySegmentsAndParameters) {
  EXPECT_EQ(by_path("/a/b", "/a%2Fb"), "unmapped");
  EXPECT_EQ(by_path("/a/b", "/a//b"), "unmapped");
  EXPECT_EQ(by_path("/a/b", "/a/b;v=1"), "unmapped");
  EXPECT_EQ(by_path("/a/b", "/a/%2562"), "unmapped") << "decoded once only";
  EXPECT_EQ(by_path("/{x}", "/a%2Fb"), "hit");
}

TEST(Path, RestTakesAtLeastOneSegmentThatMayBeEmpty) {
  EXPECT_EQ(by_path("/a/{rest...}", "/a/b/c"), "hit");
  EXPECT_EQ(by_path("/a/{rest...}", "/a/"), "hit");
  EXPECT_EQ(by_path("/a/{rest...}", "/a"), "unmapped");
}

TEST(JsonRpc, IsRecognisedByItsMethod) {
  const Match match = asking(Source::json_rpc, "", Kind::glob, "model.party.*.read");
  EXPECT_EQ(by_body(match, R"({"method":"model.party.party.read"})"), "hit");
  EXPECT_EQ(by_body(match, R"({"method":"model.party.party.read"})", "text/plain"), "hit");
  EXPECT_EQ(by_body(match, R"([{"method":"model.party.party.read"}])"), "unmapped") << "no batches";
  EXPECT_EQ(by_body(match, R"({"method":"model.party.party.read"})", "text/xml"), "unmapped");
}

TEST(Json, DuplicateOfAKeyThatMattersMatchesNothing) {
  const Match match = asking(Source::json_pointer, "/a/b", Kind::equals, "1");
  EXPECT_EQ(by_body(match, R"({"a":{"b":1},"c":0,"c":0})"), "hit");
  EXPECT_EQ(by_body(match, R"({"a":{"b":1},"a":{}})"), "unmapped");
  EXPECT_EQ(by_body(match, R"({"a":{"b":1,"\u0062":1}})"), "unmapped");
  EXPECT_EQ(by_body(match, R"({"a":{"b":1}} x)"), "unmapped");
}

TEST(Json, NestedTooDeepMatchesNothing) {
  const Match match = asking(Source::json_pointer, "/a", Kind::present, "");
  const std::string deep(200, '[');
  EXPECT_EQ(by_body(match, R"({"a":)" + deep + std::string(200, ']') + "}"), "unmapped");
  EXPECT_EQ(by_body(match, R"({"a":[[]]})"), "hit");
}

TEST(Form, FieldsAreDecodedAndNeedTheirContentType) {
  const Match match = asking(Source::form, "full name", Kind::equals, "A&B C");
  EXPECT_EQ(by_body(match, "x=1&full+name=A%26B+C", "application/x-www-form-urlencoded; charset=utf-8"), "hit");
  EXPECT_EQ(by_body(match, "full+name=A%26B+C", "text/plain"), "unmapped");
}

TEST(XmlRoot, IsTheFirstChildOfASoapBody) {
  const Match match = asking(Source::xml_root, "", Kind::equals, "Get");
  EXPECT_EQ(by_body(match, "<n:Get xmlns:n='u'/>", "text/xml"), "hit");
  const std::string head = "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Header><h/></s:Header>";
  EXPECT_EQ(by_body(match, head + "<s:Body><Get/></s:Body></s:Envelope>", "text/xml"), "hit");
  EXPECT_EQ(by_body(match, head + "<s:Body/><Get/></s:Envelope>", "text/xml"), "unmapped");
  EXPECT_EQ(by_body(match, "<!DOCTYPE Get [<!ENTITY e 'x'>]><Get>&e;</Get>", "text/xml"), "unmapped");
}

TEST(SoapAction, IsReadFromEitherHeader) {
  const std::vector<FunctionSpec> functions = {
      function("hit", asking(Source::soap_action, "", Kind::equals, "urn:get"))};
  Request request;
  request.headers = {{"SOAPAction", "\"urn:get\""}};
  EXPECT_EQ(recognised(functions, request), "hit");
  request.headers = {{"Content-Type", "application/soap+xml; charset=utf-8; action=\"urn:get\""}};
  EXPECT_EQ(recognised(functions, request), "hit");
}

TEST(Cookies, OfSeveralFieldsAreAllLookedAt) {
  Request request;
  request.headers = {{"Cookie", "a=1; b=2"}, {"cookie", "beta=on"}};
  EXPECT_EQ(recognised({function("hit", asking(Source::cookie, "beta", Kind::equals, "on"))}, request), "hit");
}

TEST(Body, IsAskedForOnlyIfItCanDecide) {
  Match general = path("/rpc");
  Match special = asking(Source::json_rpc, "", Kind::equals, "m");
  special.path = "/rpc";
  special.methods = {"POST"};
  const auto table = compile({function("general", general), function("special", special)}, {"legacy"}).table;
  ASSERT_TRUE(table);
  RequestView view{"POST", "h", "/rpc", "", {}};
  EXPECT_TRUE(table->recognise(view, {}).needs_body);
  EXPECT_EQ(table->recognise(view, {BodyView::State::unavailable, {}}).function, 0U);
  view.method = "GET";
  EXPECT_FALSE(table->recognise(view, {}).needs_body);
  view.method = "POST";
  const std::vector<HeaderField> form = {{"content-type", "application/x-www-form-urlencoded"}};
  view.headers = form;
  EXPECT_FALSE(table->recognise(view, {}).needs_body);
}

TEST(Ambiguity, NamesBothFunctions) {
  const auto result = compile({function("one", path("/a/{x}")), function("two", path("/a/{y}"))}, {"legacy"});
  ASSERT_EQ(result.faults.size(), 1U);
  EXPECT_THAT(result.faults[0].found, testing::AllOf(testing::HasSubstr("`one`"), testing::HasSubstr("`two`")));
}

TEST(Ambiguity, IsReportedBesideOtherFaultsWithThePlaceOfItsMatch) {
  FunctionSpec one = function("one", path("/{rest...}/x"));
  one.matches.push_back(path("/a/{x}"));
  const auto result = compile({one, function("two", path("/a/{y}"))}, {"legacy"});
  ASSERT_EQ(result.faults.size(), 2U);
  EXPECT_EQ(result.faults[0].function, 0U);
  EXPECT_THAT(result.faults[0].found, testing::HasSubstr("/{rest...}/x"));
  EXPECT_EQ(result.faults[1].function, 1U);
  EXPECT_THAT(result.faults[1].found, testing::HasSubstr("`one` (match 2)"));
}

TEST(Faults, AreReportedAllAtOnce) {
  FunctionSpec bad = function("unmapped", path("/{rest...}/x"));
  bad.legacy = "nowhere";
  bad.percent = 101;
  bad.stage = Stage::canary;
  FunctionSpec shadow = function("s", asking(Source::json_pointer, "a", Kind::present, ""));
  shadow.stage = Stage::shadow;
  FunctionSpec empty;
  empty.name = "s";
  const auto result = compile({bad, shadow, empty}, {"legacy"});
  EXPECT_EQ(result.table, nullptr);
  EXPECT_EQ(result.faults.size(), 9U);
}

}  // namespace
}  // namespace banyan::catalog
