#include "gateway/api/record_api.hpp"

#include <gmock/gmock.h>

#include <array>

#include "tests/integration/records_fixture.hpp"

namespace banyan::api {
namespace {

using records::Json;
using testing::HasSubstr;

const records::Ontology& crm() {
  static const records::Ontology ontology = [] {
    const std::array files{std::string(records::kCrmOntology)};
    return records::load_ontology(files).value();
  }();
  return ontology;
}

RecordApiOptions api_options() {
  RecordApiOptions options;
  options.links = [](const std::string& entity, const std::vector<std::string>& ids) {
    std::map<std::string, Json> links;
    for (const std::string& id : ids) links[id] = Json::array({{{"system", "tryton"}, {"type", entity}, {"id", "12"}}});
    return links;
  };
  return options;
}

class RecordApiTest : public records::RecordsTest {
protected:
  records::RecordIds ids_{clock_, 7};
  records::RecordStore store_{app(), crm(), ids_};
  RecordApi api_{store_, clock_, api_options()};

  net::HttpResponse send(const std::string& method, const std::string& target, const std::string& body = {},
                         std::vector<net::HttpHeader> headers = {}) {
    headers.push_back({"X-Banyan-Author", "user:clara"});
    return api_.handle({method, target, std::move(headers), body, "127.0.0.1"});
  }
  net::HttpResponse post(const std::string& target, const Json& body) {
    return send("POST", target, body.dump(), {{"Content-Type", "application/json; charset=utf-8"}});
  }
  net::HttpResponse patch(const std::string& target, const std::string& if_match, const Json& body) {
    return send("PATCH", target, body.dump(),
                {{"Content-Type", "application/merge-patch+json"}, {"If-Match", if_match}});
  }
  // The path of a new account.
  std::string account(const std::string& name) {
    const auto made = post("/api/records/account", {{"data", {{"name", name}}}});
    EXPECT_EQ(made.status, 201) << made.body;
    return header(made, "Location");
  }
  static std::string header(const net::HttpResponse& response, std::string_view name) {
    for (const net::HttpHeader& header : response.headers) {
      if (header.name == name) return header.value;
    }
    return {};
  }
  static Json body(const net::HttpResponse& response) { return Json::parse(response.body); }
};

TEST_F(RecordApiTest, CreatesReadsAndKnowsWhatHasNotChanged) {
  const auto made = post("/api/records/account", {{"data", {{"name", " Ada "}, {"employees", "12"}}}});
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(header(made, "ETag"), "\"1\"");
  const std::string path = header(made, "Location");
  EXPECT_THAT(path, HasSubstr("/api/records/account/"));

  const auto read = send("GET", path);
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(body(read)["data"], (Json{{"name", "Ada"}, {"employees", 12}}));
  EXPECT_EQ(body(read)["entity"], "account");
  EXPECT_EQ(body(read)["version"], 1);
  EXPECT_EQ(body(read)["links"][0]["id"], "12");
  EXPECT_EQ(send("HEAD", path).status, 200);
  EXPECT_EQ(send("GET", path, "", {{"If-None-Match", "\"0\", W/\"1\""}}).status, 304);
  EXPECT_EQ(send("GET", path, "", {{"If-None-Match", "\"2\""}}).status, 200);
}

TEST_F(RecordApiTest, PatchesOnlyTheVersionThatWasRead) {
  const std::string path = account("Ada");
  const auto patched = patch(path, "\"1\"", {{"data", {{"name", "Bob"}, {"code", nullptr}}}});
  EXPECT_EQ(patched.status, 200);
  EXPECT_EQ(header(patched, "ETag"), "\"2\"");
  const auto stale = patch(path, "\"1\"", {{"data", {{"name", "Eve"}}}});
  EXPECT_EQ(stale.status, 412);
  EXPECT_EQ(header(stale, "ETag"), "\"2\"");
  EXPECT_EQ(patch(path, "W/\"2\"", {{"data", {{"name", "Eve"}}}}).status, 412) << "a weak tag never matches";
  EXPECT_EQ(patch(path, "\"7\", \"2\"", {{"data", {{"name", "Eve"}}}}).status, 200);
  EXPECT_EQ(patch(path, "*", {{"data", {{"name", "Zoe"}}}}).status, 200);
  EXPECT_EQ(body(send("GET", path))["data"]["name"], "Zoe");
  const auto history = body(send("GET", path + "/history?limit=1"));
  EXPECT_EQ(history["history"][0]["author"], "user:clara");
  EXPECT_EQ(history["history"][0]["changed"], (Json{{"name", {{"from", "Eve"}, {"to", "Zoe"}}}}));
  EXPECT_EQ(history["next"], "4");
  EXPECT_EQ(body(send("GET", path + "/history?cursor=2"))["next"], Json());
}

TEST_F(RecordApiTest, RefusesAPatchWithoutWhatItNeeds) {
  const std::string path = account("Ada");
  const std::string good = R"({"data": {"name": "Bob"}})";
  EXPECT_EQ(send("PATCH", path, good, {{"Content-Type", "application/merge-patch+json"}}).status, 428);
  const auto type = send("PATCH", path, good, {{"Content-Type", "application/json-patch+json"}, {"If-Match", "*"}});
  EXPECT_EQ(type.status, 415);
  EXPECT_EQ(header(type, "Accept-Patch"), "application/merge-patch+json");
  EXPECT_EQ(patch(path, "*", {{"name", "Bob"}}).status, 400);
  EXPECT_EQ(patch(path, "*", Json::array()).status, 400);
  EXPECT_EQ(patch(path, "*", {{"data", {{"name", nullptr}}}}).status, 422);
}

TEST_F(RecordApiTest, ListsEveryFaultOfARecord) {
  const auto refused = post("/api/records/opportunity", {{"data", {{"stage", "leed"}, {"amuont", "1"}}}});
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(header(refused, "Content-Type"), "application/problem+json");
  EXPECT_EQ(body(refused)["type"], "urn:banyan:problem:invalid_record");
  ASSERT_EQ(body(refused)["faults"].size(), 2U) << refused.body;
  EXPECT_EQ(body(refused)["faults"][0]["field"], "amuont");
  EXPECT_EQ(body(refused)["faults"][1]["hint"], "did you mean \"lead\"?");
  EXPECT_EQ(post("/api/records/contact", {{"data", {{"name", "x"}, {"account", id(5)}}}}).status, 422);
}

TEST_F(RecordApiTest, DeletesAndRestores) {
  const std::string path = account("Ada");
  EXPECT_EQ(send("DELETE", path, "", {{"If-Match", "\"9\""}}).status, 412);
  const auto removed = send("DELETE", path, "", {{"If-Match", "\"1\""}});
  EXPECT_EQ(removed.status, 204);
  EXPECT_EQ(removed.body, "");
  EXPECT_EQ(send("GET", path).status, 410);
  EXPECT_EQ(send("DELETE", path).status, 410);
  EXPECT_EQ(patch(path, "*", {{"data", {{"name", "Bob"}}}}).status, 410);
  EXPECT_EQ(body(send("GET", path + "?deleted=true"))["deleted"], true);
  execute(app(), "UPDATE banyan.record SET merged_into = '" + id(3) + "'");
  EXPECT_EQ(body(send("GET", path))["merged_into"], id(3));
  EXPECT_EQ(send("POST", path + "/restore").status, 200);
  EXPECT_EQ(body(send("GET", path))["version"], 3);
}

TEST_F(RecordApiTest, SaysWhichPartsARestoreBringsBackAndListsWhatIsDeleted) {
  const std::string path = account("Ada");
  const std::string whole = path.substr(path.rfind('/') + 1);
  const auto made = post("/api/records/address", {{"data", {{"account", whole}, {"city", "Lyon"}}}});
  ASSERT_EQ(made.status, 201) << made.body;
  ASSERT_EQ(send("DELETE", path).status, 204);
  const Json listed = body(send("GET", "/api/records/address?deleted=only&sort=-updated_at&filter[account]=" + whole));
  ASSERT_EQ(listed["records"].size(), 1U);
  EXPECT_EQ(listed["records"][0]["deleted"], true);
  const Json restored = body(send("POST", path + "/restore"));
  EXPECT_EQ(restored["data"]["name"], "Ada");
  EXPECT_EQ(restored["parts_restored"], Json::array({{{"entity", "address"}, {"id", body(made)["id"]}}}));
  EXPECT_EQ(restored["parts_left"], Json::array());
  EXPECT_EQ(body(send("GET", "/api/records/address"))["records"].size(), 1U);
}

TEST_F(RecordApiTest, RefusesAnAuthorOfNoKnownForm) {
  const net::HttpRequest request{"GET", "/api/records/account", {{"X-Banyan-Author", "clara"}}, "", "127.0.0.1"};
  EXPECT_EQ(api_.handle(request).status, 400);
}

TEST_F(RecordApiTest, RefusesToDeleteWhatOthersReferTo) {
  const std::string path = account("Ada");
  const std::string target = path.substr(path.rfind('/') + 1);
  ASSERT_EQ(post("/api/records/contact", {{"data", {{"name", "Bob"}, {"account", target}}}}).status, 201);
  EXPECT_EQ(send("DELETE", path).status, 409);
}

TEST_F(RecordApiTest, PagesThroughAList) {
  for (const char* name : {"a", "b", "c", "d", "e"}) account(name);
  std::string target = "/api/records/account?sort=-name&limit=2&filter[name][ne]=c";
  std::string found;
  for (int page = 0; page < 2; ++page) {
    const auto response = send("GET", target);
    ASSERT_EQ(response.status, 200) << response.body;
    const Json answer = body(response);
    for (const Json& record : answer["records"]) found += record["data"]["name"].get<std::string>();
    const std::string link = header(response, "Link");
    EXPECT_EQ(link.empty(), answer["next"].is_null());
    if (!link.empty()) target = link.substr(1, link.find('>') - 1);
  }
  EXPECT_EQ(found, "edba");
}

TEST_F(RecordApiTest, AnswersWhatItCannotServeWithTheReason) {
  const std::string path = account("Ada");
  struct Case {
    std::string method;
    std::string target;
    int status;
  };
  const std::vector<Case> cases{
      {"GET", "/api/records/invoice", 404},
      {"GET", "/api/records/account/" + id(9), 404},
      {"GET", "/api/records/account/12", 404},
      {"GET", "/api/records/invoice/" + id(9), 404},
      {"GET", "/api/records/account/", 404},
      {"GET", path + "/nothing", 404},
      {"GET", "/api/records/account?limt=1", 400},
      {"GET", "/api/records/account?limit=201", 400},
      {"GET", "/api/records/account?cursor=x", 400},
      {"GET", "/api/records/account?filter[nmae]=1", 400},
      {"GET", "/api/records/account?filter[%FF]=1", 400},
      {"GET", "/api/records/account?filter[name]=%FF", 400},
      {"GET", "/api/records/account?filter[name][contains]=%FF", 400},
      {"GET", "/api/records/account?limit=%00", 400},
      {"GET", "/api/records/%FF", 404},
      {"GET", "/api/records/account/%FF", 404},
      {"GET", path + "?verbose=1", 400},
      {"GET", path + "/history?sort=name", 400},
      {"PUT", "/api/records/account", 405},
      {"PUT", path, 405},
      {"POST", path + "/history", 405},
      {"GET", path + "/restore", 405},
      {"POST", "/api/records/account", 415},
      {"GET", "/api/records", 200},
  };
  for (const Case& c : cases) EXPECT_EQ(send(c.method, c.target).status, c.status) << c.method << " " << c.target;
  EXPECT_EQ(header(send("PUT", path), "Allow"), "GET, HEAD, PATCH, DELETE");
  for (const char* malformed :
       {"", "{", "[]", R"({"data": {}, "x": 1})", R"({"name": "x"})", R"({"data": {}, "id": 1})"}) {
    const auto refused = send("POST", "/api/records/account", malformed, {{"Content-Type", "application/json"}});
    EXPECT_EQ(refused.status, 400) << malformed;
  }
}

TEST_F(RecordApiTest, MakesCreationSafeToRepeatWithAnIdOfTheCallers) {
  const Json request{{"id", id(1)}, {"data", {{"name", "Ada"}}}};
  EXPECT_EQ(post("/api/records/account", request).status, 201);
  EXPECT_EQ(post("/api/records/account", request).status, 409);
}

}  // namespace
}  // namespace banyan::api
