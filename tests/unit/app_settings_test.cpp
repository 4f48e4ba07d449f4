#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "gateway/app/settings.hpp"

namespace banyan::app {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono_literals;

const std::string kMinimal =
    "listen: [{address: '127.0.0.1:8080'}]\n"
    "upstreams:\n"
    "  legacy: {endpoints: ['http://127.0.0.1:8001']}\n"
    "  billing: {endpoints: ['http://127.0.0.1:8100']}\n";

std::vector<std::string> faults_of(const std::string& text) {
  const auto settings = parse_settings(text, "banyan.yaml", "/etc/banyan");
  std::vector<std::string> out;
  if (!settings) {
    for (const Fault& fault : settings.error()) out.push_back(yaml::to_string(fault));
  }
  return out;
}

// Faults of the minimal settings with `more` after them; `more` begins on line 5.
std::vector<std::string> faults_with(const std::string& more) {
  return faults_of(kMinimal + more);
}

Settings settings_with(const std::string& more) {
  EXPECT_THAT(faults_with(more), IsEmpty());
  return parse_settings(kMinimal + more, "banyan.yaml", "/etc/banyan").value();
}

// The function of one match, which is given as the flow mapping `match`.
catalog::Match match_of(const std::string& match) {
  const Settings settings = settings_with("functions: [{name: f, match: " + match + "}]\n");
  return settings.routes->functions().front().spec.matches.front();
}

TEST(Settings, HaveDefaultsForAllThatMayBeLeftOut) {
  const Settings settings = settings_with("");
  EXPECT_EQ(settings.data_dir, "/etc/banyan/var");
  EXPECT_FALSE(settings.admin);
  EXPECT_TRUE(settings.access_log.enabled);
  EXPECT_EQ(settings.access_log.path, "-");
  EXPECT_FALSE(settings.store.url);
  EXPECT_EQ(settings.proxy.threads, 0U);
  EXPECT_EQ(settings.proxy.timeouts.connect, proxy::Timeouts{}.connect);
  EXPECT_EQ(settings.proxy.upstreams.at(0).host, proxy::Upstream::Host::keep);
  EXPECT_EQ(settings.routes->functions().size(), 1U);
}

TEST(Settings, CarryEveryOptionOfTheDataPlane) {
  const Settings settings = settings_with(
      "proxy: {threads: 3, via_name: edge, trusted_proxies: [10.0.0.0/8],\n"
      "  timeouts: {connect: 1s, request_header: 2s, request_body: 3s, response_header: 4s, response_body: 5s, idle: "
      "6s,\n"
      "    upstream_idle: 7s, upgrade: 8s},\n"
      "  limits: {header_bytes: 1KiB, header_count: 2, body_bytes: 3KiB, buffer_bytes: 4KiB, inspect_bytes: 5KiB,\n"
      "    connections: 6, upstream_connections: 7}}\n"
      "access_log: {path: logs/access.json}\n"
      "log: {level: warn, format: json}\n"
      "subject: [{header: X-User}, {cookie: c}, {jwt: sub}, basic, tryton, address]\n");
  const proxy::Options& proxy = settings.proxy;
  EXPECT_EQ(proxy.threads, 3U);
  EXPECT_EQ(proxy.via_name, "edge");
  EXPECT_THAT(proxy.trusted_proxies, ElementsAre("10.0.0.0/8"));
  const auto& t = proxy.timeouts;
  EXPECT_THAT((std::vector{t.connect, t.request_header, t.request_body, t.response_header, t.response_body, t.idle,
                           t.upstream_idle, t.upgrade}),
              ElementsAre(1s, 2s, 3s, 4s, 5s, 6s, 7s, 8s));
  const auto& l = proxy.limits;
  EXPECT_THAT((std::vector<std::uint64_t>{l.header_bytes, l.header_count, l.body_bytes, l.buffer_bytes, l.inspect_bytes,
                                          l.connections, l.upstream_connections}),
              ElementsAre(1'024, 2, 3'072, 4'096, 5'120, 6, 7));
  EXPECT_EQ(settings.access_log.path, "/etc/banyan/logs/access.json");
  EXPECT_EQ(settings.log.level, log::Level::warn);
  EXPECT_EQ(settings.log.format, log::Format::json);
  ASSERT_EQ(proxy.subject.size(), 6U);
  EXPECT_EQ(proxy.subject[2], (catalog::SubjectSource{catalog::SubjectSource::Kind::jwt, "sub"}));
  EXPECT_EQ(proxy.subject[4].kind, catalog::SubjectSource::Kind::tryton);
}

TEST(Settings, ReportEveryFaultOfAFileInOneGo) {
  const auto faults = faults_of(
      "listen: [{address: localhost, tls: {certificate: c, key: k}}]\n"
      "admin: {address: '0.0.0.0:9090'}\n"
      "proxy: {thread: 2, timeouts: {idle: 5}}\n"
      "upstreams:\n"
      "  legacy:\n"
      "    hots: keep\n"
      "    endpoints: ['https://127.0.0.1:1', 'http://127.0.0.1:2/path']\n"
      "  billing: {endpoints: [], request_body: bufer}\n"
      "subject: [cookie]\n"
      "functions:\n"
      "  - {name: a, match: {path: /a}, modern: {module: crm}}\n"
      "  - {name: b, match: {path: /b}, modern: {upstream: biling}}\n"
      "  - {name: c, match: {}, initial_stage: shadow}\n"
      "listen: []\n");
  EXPECT_THAT(
      faults,
      ElementsAre(
          "banyan.yaml:1: listen[0].address: \"localhost\"; expected an address with its port, such as 127.0.0.1:8080 "
          "or "
          "[::1]:8080",
          "banyan.yaml:1: listen[0].tls: TLS comes with a later version; expected the key left out, or a server in "
          "front "
          "of Banyan that does TLS",
          "banyan.yaml:2: admin: no token for the address 0.0.0.0, which others can reach; expected the key token: "
          "env:NAME or file:PATH; or listen on 127.0.0.1",
          "banyan.yaml:3: proxy.thread: unknown key; expected one of threads, via_name, trusted_proxies, timeouts or "
          "limits; did you mean \"threads\"?",
          "banyan.yaml:3: proxy.timeouts.idle: \"5\"; expected a duration from 1ms to 24h, such as 500ms, 10s or 2m",
          "banyan.yaml:6: upstreams.legacy.hots: unknown key; expected one of endpoints, host, request_body or "
          "retry_after_failure; did you mean \"host\"?",
          "banyan.yaml:7: upstreams.legacy.endpoints[0]: \"https://127.0.0.1:1\"; expected a URL that starts with "
          "http://; TLS comes with a later version",
          "banyan.yaml:7: upstreams.legacy.endpoints[1]: \"http://127.0.0.1:2/path\"; expected a URL such as "
          "http://127.0.0.1:8001, without a path",
          "banyan.yaml:8: upstreams.billing.endpoints: an empty list; expected at least 1 element",
          "banyan.yaml:8: upstreams.billing.request_body: \"bufer\"; expected one of stream or buffer",
          "banyan.yaml:9: subject[0]: \"cookie\"; expected one of {header: NAME}, {cookie: NAME}, {jwt: CLAIM}, basic, "
          "tryton or address",
          "banyan.yaml:11: functions[0].modern.module: modules come with a later version; expected modern: {upstream: "
          "NAME}",
          "banyan.yaml:12: functions[1].modern.upstream: no upstream is called \"biling\"; expected a name under "
          "upstreams; did you mean \"billing\"?",
          "banyan.yaml:13: functions[2].match: a match without a condition; expected at least a path or a method",
          "banyan.yaml:13: functions[2].initial_stage: the stage shadow comes with a later version; expected one of "
          "legacy, canary, modern or retired",
          "banyan.yaml:14: listen: the key stands twice; expected one of the two; the first is on line 1"));
}

// Where and what of each fault, without what was expected.
std::vector<std::string> places_with(const std::string& more) {
  std::vector<std::string> out;
  for (const std::string& fault : faults_with(more)) out.push_back(fault.substr(0, fault.find("; expected ")));
  return out;
}

TEST(Settings, ReportFaultsOfTheCatalogBesideThoseOfTheSchema) {
  EXPECT_THAT(
      places_with("functions:\n"
                  "  - {name: a, match: {path: '/a/{x}'}, legacy: lgacy}\n"
                  "  - {name: b, match: [{path: '/{x', methd: GET}, {path: '/a/{y}'}], initial_stage: canary}\n"
                  "  - {name: a, match: {path: '/{rest...}/x'}, modern: {upstream: biling}, initial_stage: canary}\n"
                  "  - {name: c d, match: {path: '/a/{z}', header: {'a b': c}}, initial_percent: many}\n"
                  "  - {name: e, match: {path: '/a/{z}'}, modern: {module: crm}, initial_stage: shadow}\n"
                  "  - {name: e, initial_stage: modern, effect: both}\n"),
      ElementsAre("banyan.yaml:6: functions[0].legacy: no upstream is called \"lgacy\"",
                  "banyan.yaml:7: functions[1].match[0].methd: unknown key",
                  "banyan.yaml:7: functions[1]: initial_stage: canary without a share",
                  "banyan.yaml:7: functions[1].match[0]: the path `/{x`: `{x` is not a whole parameter such as {id}",
                  "banyan.yaml:7: functions[1]: stage `canary` without a modern side",
                  "banyan.yaml:7: functions[1].match[1]: `b` and `a` (match 1) can match the same request and are "
                  "equally specific",
                  "banyan.yaml:8: functions[2]: initial_stage: canary without a share",
                  "banyan.yaml:8: functions[2].modern.upstream: no upstream is called \"biling\"",
                  "banyan.yaml:8: functions[2]: the name `a` a second time",
                  "banyan.yaml:8: functions[2].match: the path `/{rest...}/x`: `{rest...}` is not the last segment",
                  "banyan.yaml:9: functions[3].name: \"c d\"", "banyan.yaml:9: functions[3].initial_percent: \"many\"",
                  "banyan.yaml:9: functions[3].match: the header `a b`",
                  "banyan.yaml:10: functions[4].modern.module: modules come with a later version",
                  "banyan.yaml:10: functions[4].initial_stage: the stage shadow comes with a later version",
                  "banyan.yaml:10: functions[4].match: `e` and `a` (match 1) can match the same request and are "
                  "equally specific",
                  "banyan.yaml:11: functions[5].effect: \"both\"",
                  "banyan.yaml:11: functions[5].match: the key is missing",
                  "banyan.yaml:11: functions[5]: the name `e` a second time",
                  "banyan.yaml:11: functions[5]: stage `modern` without a modern side"));
}

// The catalog finds what is wrong with a function also where the settings hold no upstream to send it to.
TEST(Settings, ReportFaultsOfFunctionsWithoutAnyUpstream) {
  EXPECT_THAT(
      faults_of("listen: [{address: '127.0.0.1:1'}]\n"
                "functions: [{name: a, match: {path: /a}}, {name: a, match: {path: /b}, modern: {upstream: m}}]\n"),
      ElementsAre(HasSubstr("upstreams: the key is missing"), HasSubstr("functions[1]: the name `a` a second")));
}

TEST(Settings, SayWhatWasExpectedInsteadOfEveryFault) {
  const auto settings = parse_settings(
      "listen: [{tls: {}}]\n"
      "admin: {address: '0.0.0.0:1', token: 'env:BANYAN_TEST_UNSET'}\n"
      "prxy: {}\n"
      "functions: [{name: a, modern: {}}, {match: {path: /b}, modern: {module: m}}]\n",
      "banyan.yaml", "/etc/banyan");
  ASSERT_FALSE(settings);
  std::vector<std::string> paths;
  for (const Fault& fault : settings.error()) {
    paths.push_back(fault.path);
    EXPECT_NE(fault.expected, "") << yaml::to_string(fault);
  }
  EXPECT_THAT(paths, testing::UnorderedElementsAre("listen[0].tls", "listen[0].address", "admin.token", "prxy",
                                                   "upstreams", "functions[0].modern.upstream", "functions[0].match",
                                                   "functions[1].modern.module", "functions[1].name"));
}

TEST(Settings, NeedAListenerAndTheLegacyUpstream) {
  EXPECT_THAT(faults_of("admin: {address: '127.0.0.1:1'}\n"),
              ElementsAre("banyan.yaml:1: listen: the key is missing; expected a list, each element a listener",
                          "banyan.yaml:1: upstreams: the key is missing; expected a mapping from names, each to an "
                          "upstream"));
  EXPECT_THAT(faults_of("listen: [{address: '127.0.0.1:1'}]\nupstreams: {crm: {endpoints: ['http://h']}}\n"),
              ElementsAre("banyan.yaml:2: upstreams: no upstream is called \"legacy\"; expected one: it takes every "
                          "request that no function recognises"));
}

TEST(AdminToken, ComesByReferenceAndIsNeverRepeated) {
  ::setenv("BANYAN_TEST_TOKEN", "hunter2", 1);
  const Settings settings = settings_with("admin: {address: '0.0.0.0:9090', token: 'env:BANYAN_TEST_TOKEN'}\n");
  EXPECT_EQ(settings.admin->token->reveal(), "hunter2");
  ::unsetenv("BANYAN_TEST_TOKEN");
  EXPECT_THAT(faults_with("admin: {address: '0.0.0.0:9090', token: 'env:BANYAN_TEST_TOKEN'}\n"),
              ElementsAre("banyan.yaml:5: admin.token: environment variable BANYAN_TEST_TOKEN is not set; expected "
                          "the secret in that variable of Banyan's environment"));
  EXPECT_THAT(faults_with("admin: {address: '0.0.0.0:9090', token: 'file:/nonexistent'}\n"),
              ElementsAre(testing::EndsWith("; expected a file that holds the secret")));
  EXPECT_THAT(faults_with("admin: {address: '0.0.0.0:9090', token: hunter2}\n"),
              ElementsAre("banyan.yaml:5: admin.token: a secret written out in the file; expected a reference to a "
                          "secret: env:NAME or file:PATH"));
}

TEST(Listeners, ShareNoAddress) {
  const std::string upstreams = "upstreams: {legacy: {endpoints: ['http://h']}}\n";
  EXPECT_THAT(
      faults_of("listen:\n"
                "  - address: 127.0.0.1:8080\n"
                "  - address: '[::1]:8080'\n"
                "  - address: 127.0.0.1:8080\n"
                "admin:\n"
                "  address: '[::1]:8080'\n" +
                upstreams),
      ElementsAre("banyan.yaml:4: listen[2].address: the address of listen[0] a second time; expected an address "
                  "of its own for each listener",
                  "banyan.yaml:6: admin.address: the address of listen[1] a second time; expected an address of "
                  "its own for each listener"));
  EXPECT_THAT(faults_of("listen: [{address: '127.0.0.1:0'}, {address: '127.0.0.1:0'}]\n"
                        "admin: {address: '127.0.0.1:0'}\n" +
                        upstreams),
              IsEmpty());
}

TEST(HeaderBytes, GoUpToWhatTheProxyReads) {
  EXPECT_EQ(settings_with("proxy: {limits: {header_bytes: 60KiB}}\n").proxy.limits.header_bytes, 61'440U);
  EXPECT_THAT(faults_with("proxy: {limits: {header_bytes: 61441}}\n"),
              ElementsAre("banyan.yaml:5: proxy.limits.header_bytes: \"61441\"; expected a size from 1KiB to 60KiB, in "
                          "bytes or such as 64KiB, 16MiB or 8GiB"));
}

TEST(Endpoints, AreAtMost64) {
  const auto faults_of_many = [](int count) {
    std::string endpoints;
    for (int i = 1; i <= count; ++i) endpoints += "'http://127.0.0.1:" + std::to_string(i) + "', ";
    return faults_of("listen: [{address: '127.0.0.1:0'}]\nupstreams: {legacy: {endpoints: [" + endpoints + "]}}\n");
  };
  EXPECT_THAT(faults_of_many(64), IsEmpty());
  EXPECT_THAT(faults_of_many(65),
              ElementsAre("banyan.yaml:2: upstreams.legacy.endpoints: a list of 65; expected at most 64 elements"));
}

TEST(SubjectSources, NeedNamesThatHttpAllows) {
  EXPECT_THAT(faults_with("subject:\n  - {header: bad name}\n  - {cookie: 'a;b'}\n  - {jwt: any claim}\n"),
              ElementsAre("banyan.yaml:6: subject[0].header: \"bad name\"; expected the name of a header, as X-User",
                          "banyan.yaml:7: subject[1].cookie: \"a;b\"; expected the name of a cookie, as session"));
}

TEST(AdminToken, IsMissedBesideOtherFaults) {
  EXPECT_THAT(
      faults_with("admin: {address: '0.0.0.0:9090', colour: red}\n"),
      ElementsAre(HasSubstr("admin.colour: unknown key"), HasSubstr("admin: no token for the address 0.0.0.0")));
}

TEST(StoreUrl, IsAcceptedWithoutAPasswordOnly) {
  EXPECT_TRUE(settings_with("store: {url: 'postgresql://banyan@127.0.0.1/banyan'}\n").store.url);
  EXPECT_FALSE(settings_with("store: none\n").store.url);
  const Store two = settings_with("store: {url: 'postgresql://app@db/b', owner_url: 'postgresql://own@db/b'}\n").store;
  EXPECT_EQ(two.url->reveal(), "postgresql://app@db/b");
  EXPECT_EQ(two.owner_url->reveal(), "postgresql://own@db/b");
  EXPECT_THAT(faults_with("store: {url: 'postgresql://app@db/b', owner_url: 'postgresql://own:hunter2@db/b'}\n"),
              ElementsAre(HasSubstr("store.owner_url: a password written out in the file")));
  for (const std::string url : {"postgresql://banyan:hunter2@127.0.0.1/b", "postgresql:///b?password=hunter2"}) {
    EXPECT_THAT(faults_with("store: {url: '" + url + "'}\n"),
                ElementsAre("banyan.yaml:5: store.url: a password written out in the file; expected env:NAME or "
                            "file:PATH for a URL with a password"));
  }
  EXPECT_THAT(faults_with("store: 'postgresql://banyan:hunter2@127.0.0.1/b'\n"), Each(Not(HasSubstr("hunter2"))));
  EXPECT_THAT(faults_with("store: {url: 'mysql://x'}\n"), ElementsAre(HasSubstr("not a PostgreSQL URL")));
}

TEST(AccessLogSetting, CanBeOff) {
  EXPECT_FALSE(settings_with("access_log: off\n").access_log.enabled);
}

TEST(FunctionSettings, FillTheCatalog) {
  const Settings settings = settings_with(
      "functions:\n"
      "  - name: party.read\n"
      "    match: {method: POST, path: '/{db}/', jsonrpc: model.party.party.read}\n"
      "    entity: account\n"
      "    effect: read\n"
      "    modern: {upstream: billing}\n"
      "    initial_stage: canary\n"
      "    initial_percent: 12.5\n");
  ASSERT_EQ(settings.routes->functions().size(), 2U);
  const catalog::Function& function = settings.routes->function(0);
  EXPECT_EQ(function.spec.name, "party.read");
  EXPECT_EQ(function.spec.entity, "account");
  EXPECT_EQ(function.spec.effect, catalog::Effect::read);
  EXPECT_EQ(function.spec.stage, catalog::Stage::canary);
  EXPECT_EQ(function.spec.percent, 12.5);
  EXPECT_EQ(function.legacy_upstream, 0U);
  EXPECT_EQ(function.modern_upstream, 1U);
  EXPECT_THAT(function.spec.matches.front().methods, ElementsAre("POST"));
}

TEST(FunctionSettings, TakeAListOfMatches) {
  const Settings settings =
      settings_with("functions: [{name: f, match: [{path: /a}, {path: /b, method: [GET, PUT]}]}]\n");
  const auto& matches = settings.routes->function(0).spec.matches;
  ASSERT_EQ(matches.size(), 2U);
  EXPECT_THAT(matches[1].methods, ElementsAre("GET", "PUT"));
}

TEST(FunctionSettings, KnowEveryKindOfCondition) {
  using catalog::Predicate;
  using Source = Predicate::Source;
  using Kind = catalog::TextPattern::Kind;
  const catalog::Match match =
      match_of("{host: '*.Example.com', path: /x, query: {q: a}, header: {H: a}, cookie: {c: a}, json: {/p/0: a}}");
  EXPECT_EQ(match.host, "*.example.com");
  EXPECT_THAT(match.predicates, ElementsAre(Predicate{Source::query, "q", {Kind::equals, "a"}},
                                            Predicate{Source::header, "H", {Kind::equals, "a"}},
                                            Predicate{Source::cookie, "c", {Kind::equals, "a"}},
                                            Predicate{Source::json_pointer, "/p/0", {Kind::equals, "a"}}));
  EXPECT_EQ(match_of("{path: /x, form: {f: a}}").predicates.front().source, Source::form);
  EXPECT_EQ(match_of("{path: /x, soap_action: a}").predicates.front().source, Source::soap_action);
  EXPECT_EQ(match_of("{path: /x, xml_root: a}").predicates.front().source, Source::xml_root);
}

TEST(RecordIdsSetting, IsAPointerIntoTheBodyOrAParameterOfThePath) {
  const Settings settings = settings_with(
      "functions:\n"
      "  - {name: a, match: {path: /rpc}, entity: account, record_ids: /params/0}\n"
      "  - {name: b, match: {path: '/accounts/{id}'}, entity: account, record_ids: '{id}'}\n");
  EXPECT_EQ(settings.routes->function(0).spec.record_ids, "/params/0");
  EXPECT_EQ(settings.routes->function(1).spec.record_ids, "{id}");
}

TEST(RecordIdsSetting, IsRefusedWhereItCannotWork) {
  const auto faults = faults_with(
      "functions:\n"
      "  - {name: a, match: {path: /a}, entity: account, effect: read, record_ids: /id}\n"
      "  - {name: b, match: {path: /b}, record_ids: /id}\n"
      "  - {name: c, match: {path: /c}, entity: account, record_ids: id}\n"
      "  - {name: d, match: {path: '/d/{id}'}, entity: account, record_ids: '{key}'}\n");
  EXPECT_THAT(faults, ElementsAre(HasSubstr("banyan.yaml:6: functions[0]: record_ids of a function that reads"),
                                  HasSubstr("banyan.yaml:7: functions[1]: record_ids without an entity"),
                                  HasSubstr("banyan.yaml:8: functions[2]: record_ids `id`"),
                                  HasSubstr("banyan.yaml:9: functions[3]: record_ids `{key}`")));
}

TEST(RecordIdsSetting, IsNotJudgedByWhatCouldNotBeRead) {
  EXPECT_THAT(faults_with("functions: [{name: a, match: {path: nowhere}, entity: account, record_ids: '{id}'}]\n"),
              ElementsAre(HasSubstr("functions[0].match.path")));
}

TEST(Patterns, AreWhatTheyLookLikeUnlessSaidOtherwise) {
  using catalog::TextPattern;
  using Kind = TextPattern::Kind;
  const std::vector<std::pair<std::string, TextPattern>> table{
      {"party", {Kind::equals, "party"}},
      {"'party.*'", {Kind::prefix, "party."}},
      {"'*.read'", {Kind::glob, "*.read"}},
      {"'party?'", {Kind::glob, "party?"}},
      {"'*'", {Kind::present, ""}},
      {"{equals: 'a*b'}", {Kind::equals, "a*b"}},
      {"{prefix: 'a*'}", {Kind::prefix, "a*"}},
      {"{glob: 'a*'}", {Kind::glob, "a*"}},
      {"{present: true}", {Kind::present, ""}},
  };
  for (const auto& [text, pattern] : table) {
    EXPECT_EQ(match_of("{path: /x, header: {H: " + text + "}}").predicates.front().pattern, pattern) << text;
  }
}

TEST(FunctionSettings, TieSharesToCanaries) {
  EXPECT_THAT(
      faults_with("functions: [{name: f, match: {path: /f}, modern: {upstream: billing}, initial_stage: canary}]\n"),
      ElementsAre("banyan.yaml:5: functions[0]: initial_stage: canary without a share; expected the key "
                  "initial_percent"));
  EXPECT_THAT(faults_with("functions: [{name: f, match: {path: /f}, initial_percent: 5}]\n"),
              ElementsAre("banyan.yaml:5: functions[0]: initial_percent with initial_stage: legacy; expected "
                          "initial_stage: canary"));
}

TEST(FunctionSettings, ShowWhereTheCatalogFindsFaults) {
  EXPECT_THAT(faults_with("functions:\n  - {name: a, match: {path: /x}}\n  - {name: b, match: {path: /x}}\n"),
              Contains(testing::StartsWith("banyan.yaml:7: functions[1]")));
  EXPECT_THAT(faults_with("functions:\n  - {name: a, match: {path: '/{x'}}\n"),
              ElementsAre(testing::StartsWith("banyan.yaml:6: functions[0].match: ")));
}

}  // namespace
}  // namespace banyan::app
