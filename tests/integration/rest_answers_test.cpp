// The bad habits of legacy REST systems, one test each: broken answers, limits, connections, logging in.
#include <fstream>

#include "tests/integration/rest_habits.hpp"

namespace banyan::legacy::rest {
namespace {

// ---- broken answers

TEST_F(RestHabits, APageOfHtmlWithStatus200IsNoAnswer) {
  given(Json::object());
  many_rows(1);
  fault("GET", "/contacts", "html");
  const auto list = system().scan("contacts", "", 10, soon());
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().kind, Kind::malformed);
  EXPECT_THAT(list.error().message, HasSubstr("GET /contacts: status 200 (text/html), but the body is no JSON"));
  fault("PATCH", "/contacts/1", "html");
  EXPECT_EQ(update("1", {{"name", "Anna"}}).error().kind, Kind::unknown);
  fault("DELETE", "/contacts/1", "html");
  EXPECT_EQ(system().remove("contacts", "1", "", soon()).error().kind, Kind::unknown);
  EXPECT_EQ(stored().size(), 1U);
}

TEST_F(RestHabits, TruncatedJsonIsNoAnswer) {
  given(Json::object());
  fault("GET", "/contacts", "truncated");
  const auto list = system().changes("contacts", {}, 10, soon());
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().kind, Kind::malformed);
  EXPECT_THAT(list.error().message, HasSubstr("it ends too early at byte 31"));
  fault("POST", "/contacts", "truncated");
  EXPECT_EQ(create({{"name", "Anna"}}).error().kind, Kind::unknown);
}

TEST_F(RestHabits, ARowOfWrongTypesIsSetApartAndTheOthersGoOn) {
  given(Json::object());
  rows({{{"name", "Anna"}},
        {{"name", {{"first", "Bert"}}}},
        {{"name", "Carla"}, {"amount", "much"}},
        {{"name", "Dora"}}});
  const Page page = get(system().changes("contacts", {}, 10, soon()));
  EXPECT_THAT(ids_of(page.records), ElementsAre("1", "4"));
  ASSERT_THAT(ids_of(page.unreadable), ElementsAre("2", "3"));
  EXPECT_THAT(page.problem, HasSubstr("record 2: field name: {\\\"first\\\":\\\"Bert\\\"} where a text was expected"));
  EXPECT_THAT(page.unreadable[1].fields["raw"].get<std::string>(), HasSubstr("much"));
  fault("GET", "/contacts", "wrong_types");
  EXPECT_EQ(system().scan("contacts", "", 10, soon()).error().kind, Kind::malformed);
  const std::vector<std::string> ids{"2"};
  EXPECT_EQ(system().fetch("contacts", ids, soon()).error().kind, Kind::malformed);
}

TEST_F(RestHabits, ATextInAnotherEncodingSetsItsRowApartAndTheOthersGoOn) {
  given({{"latin1", true}});
  rows({{{"name", "Anna"}},
        {{"name", "Zo\u00eb"}},
        {{"name", "Carla"}, {"note", {{"caf\u00e9", 1}}}},
        {{"name", "Dora"}}});
  const Page page = get(system().changes("contacts", {}, 10, soon()));
  EXPECT_THAT(ids_of(page.records), ElementsAre("1", "4"));
  EXPECT_THAT(ids_of(page.unreadable), ElementsAre("2", "3"));
  EXPECT_THAT(page.problem, HasSubstr("record 2: a text that is not UTF-8 at /name"));
  EXPECT_NO_THROW(page.unreadable[0].fields.dump()) << "what is kept of it is UTF-8";
  const std::vector<std::string> ids{"2"};
  const auto fetched = system().fetch("contacts", ids, soon());
  ASSERT_FALSE(fetched);
  EXPECT_EQ(fetched.error().kind, Kind::malformed);
  EXPECT_THAT(fetched.error().message, HasSubstr("a text that is not UTF-8 at /name"));
}

TEST_F(RestHabits, ANulWithinATextArrivesAsItIs) {
  given(Json::object());
  const std::string text("a\0b", 3);
  rows({{{"name", text}}});
  const Page page = get(system().changes("contacts", {}, 10, soon()));
  ASSERT_EQ(page.records.size(), 1U);
  EXPECT_EQ(page.records[0].fields["name"], text);
}

// Peak resident memory of this process.
std::size_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

TEST_F(RestHabits, AValueOf50MegabytesMakesOneRowUnreadable) {
  const std::string paging = "{style: page, position: page, limit: limit, size: 10, short_is_last: true}";
  given(Json::object(), {{"list", "{path: /contacts, paging: " + paging + "}"}});
  rows({{{"name", "Anna"}}, {{"name", std::string(50'000'000, 'x')}}, {{"name", "Bert"}}});
  const std::size_t before = peak_bytes();
  const Page page = get(system().changes("contacts", {}, 10, soon()));
  EXPECT_THAT(ids_of(page.records), ElementsAre("1", "3"));
  ASSERT_THAT(ids_of(page.unreadable), ElementsAre("2"));
  EXPECT_THAT(page.problem, HasSubstr("record 2: a record of about 5"));
  EXPECT_LT(page.unreadable[0].fields["raw"].get<std::string>().size(), 2'000U);
  EXPECT_LT(peak_bytes() - before, 800'000'000U) << "the value was copied too often";
}

TEST_F(RestHabits, AnAnswerAboveTheLimitIsNotRead) {
  given(Json::object(), {{"top.answer_bytes", "1MiB"}});
  fault("GET", "/contacts", "huge");
  const auto list = system().scan("contacts", "", 10, soon());
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().kind, Kind::malformed);
  EXPECT_THAT(list.error().message, HasSubstr("larger than 1048576 bytes"));
}

TEST_F(RestHabits, RefusedValuesMayComeWithStatus200) {
  given({{"success_false", true}}, {{"top.failure", "{at: /success, is: \"false\", message: /error}"}});
  const auto refused = create({{"name", ""}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::rejected);
  EXPECT_THAT(refused.error().message, HasSubstr("name is missing"));
}

// ---- limits, time and connections

TEST_F(RestHabits, A429WithARetryAfterIsObeyedByTheCallsThatFollow) {
  given(Json::object());
  fault("GET", "/contacts", "limited_after");
  const auto limited = system().scan("contacts", "", 10, soon());
  ASSERT_FALSE(limited);
  EXPECT_EQ(limited.error().kind, Kind::rate_limited);
  EXPECT_EQ(limited.error().retry_after, 600'000ms);
  const auto next = system().scan("contacts", "", 10, soon());
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().kind, Kind::rate_limited);
  EXPECT_GT(next.error().retry_after, 500'000ms);
  EXPECT_EQ(count_of("GET", "/contacts"), 1);
}

TEST_F(RestHabits, A429WithoutARetryAfterLeavesTheWaitToTheCaller) {
  given(Json::object());
  fault("GET", "/contacts", "limited");
  const auto limited = system().scan("contacts", "", 10, soon());
  ASSERT_FALSE(limited);
  EXPECT_EQ(limited.error().kind, Kind::rate_limited);
  EXPECT_FALSE(limited.error().retry_after);
  EXPECT_TRUE(system().scan("contacts", "", 10, soon()));
}

TEST_F(RestHabits, TheRateIsKept) {
  given(Json::object(), {{"top.calls_per_second", "50"}});
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 11; ++i) ASSERT_TRUE(system().now(soon()));
  EXPECT_GE(std::chrono::steady_clock::now() - began, 195ms);
}

TEST_F(RestHabits, ASlowAnswerEndsAtTheDeadline) {
  given(Json::object());
  fault("GET", "/contacts", "slow");
  const auto began = std::chrono::steady_clock::now();
  const auto answer = system().scan("contacts", "", 10, in(300ms));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::deadline);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 60s);
}

TEST_F(RestHabits, AConnectionCutAfterTheEffectIsUnknownAndNeverRepeated) {
  given(Json::object());
  fault("POST", "/contacts", "cut_after_effect");
  EXPECT_EQ(create({{"name", "Anna"}}).error().kind, Kind::unknown);
  EXPECT_EQ(count_of("POST", "/contacts"), 1);
  EXPECT_THAT(ids_of(get(system().find("contacts", mark(), soon()))), ElementsAre("1"));
}

// ---- logging in

TEST_F(RestHabits, EveryWayToLogInIsKnown) {
  ::setenv("BANYAN_TEST_SECRET", "s&cret", 1);
  const std::map<std::string, std::string> ways{
      {"basic", "{basic: {user: banyan, password: \"env:BANYAN_TEST_SECRET\"}}"},
      {"bearer", "{bearer: \"env:BANYAN_TEST_SECRET\"}"},
      {"key", "{header: {name: X-Api-Key, value: \"env:BANYAN_TEST_SECRET\"}}"},
      {"oauth2", "{oauth2: {token_url: \"" + url_ +
                     "/oauth/token\", client_id: banyan, client_secret: \"env:BANYAN_TEST_SECRET\"}}"},
  };
  for (const auto& [kind, auth] : ways) {
    given({{"auth", kind}}, {{"top.auth", auth}});
    many_rows(1);
    EXPECT_THAT(scanned(), ElementsAre("1")) << kind;
    given({{"auth", kind}});
    const auto refused = system().scan("contacts", "", 10, soon());
    ASSERT_FALSE(refused) << kind;
    EXPECT_EQ(refused.error().kind, Kind::unauthorised) << kind;
  }
}

TEST_F(RestHabits, ATokenIsRenewedBeforeItEndsAndOnceOnA401) {
  ::setenv("BANYAN_TEST_SECRET", "s&cret", 1);
  const Parts parts{{"top.auth", "{oauth2: {token_url: \"" + url_ +
                                     "/oauth/token\", client_id: banyan, secret_in: body, "
                                     "client_secret: \"env:BANYAN_TEST_SECRET\"}}"}};
  given({{"auth", "oauth2"}}, parts);
  for (int i = 0; i < 3; ++i) scanned();
  EXPECT_EQ(count_of("POST", "/oauth/token"), 1) << "one token serves many calls";

  fault("POST", "/contacts", "bare_401");
  EXPECT_TRUE(create({{"name", "Anna"}})) << "a new token, and the same request again";
  EXPECT_EQ(count_of("POST", "/oauth/token"), 2);
  fault("POST", "/contacts", "bare_401", 2);
  EXPECT_EQ(create({{"name", "Bert"}}).error().kind, Kind::unauthorised) << "once is enough";

  given({{"auth", "oauth2"}, {"token_lifetime", 0}}, parts);
  for (int i = 0; i < 3; ++i) system().scan("contacts", "", 10, soon());
  EXPECT_EQ(count_of("POST", "/oauth/token"), 3);
}

}  // namespace
}  // namespace banyan::legacy::rest
