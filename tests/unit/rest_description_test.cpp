// Descriptions with a fault: each is refused with its line, its path, what was found and what was expected.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "adapters/legacy/rest/description.hpp"
#include "adapters/legacy/rest/rest_system.hpp"

namespace banyan::legacy::rest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> faults_of(const std::string& text) {
  const auto description = parse_rest_description(text, "crm.yaml", ".");
  std::vector<std::string> out;
  if (!description) {
    for (const Fault& fault : description.error()) out.push_back(yaml::to_string(fault));
  }
  return out;
}

constexpr const char* kHead = "base_url: https://crm.example/api\n";
constexpr const char* kType =
    "types:\n"
    "  contacts:\n"
    "    id: {at: /id}\n"
    "    list: {path: /contacts}\n"
    "    get: {path: \"/contacts/{id}\"}\n";

TEST(RestDescription, TheLeastThatWorks) {
  const auto description = parse_rest_description(std::string(kHead) + kType, "crm.yaml", ".");
  ASSERT_TRUE(description);
  EXPECT_EQ(description->base_url, "https://crm.example/api");
  ASSERT_NE(description->type("contacts"), nullptr);
  EXPECT_EQ(description->type("deals"), nullptr);
}

TEST(RestDescription, EachRecordIsFetchedUnderADeadlineOfItsOwn) {
  const std::string text = std::string(kHead) +
                           "types:\n"
                           "  contacts:\n"
                           "    id: {at: /id}\n"
                           "    list: {path: /contacts, paging: {style: page, position: page, size: 200}}\n"
                           "    get: {path: \"/contacts/{id}\"}\n";
  const auto description = parse_rest_description(text, "crm.yaml", ".");
  ASSERT_TRUE(description) << yaml::to_string(description.error().front());
  const Capabilities can = capabilities_of(*description, *description->type("contacts"));
  EXPECT_EQ(can.page_limit, 200U);
  EXPECT_EQ(can.ids_per_fetch(), 1U);
}

struct Case {
  const char* top;    // lines at the top level, from line 2
  const char* type;   // lines of the type contacts, after its five
  const char* fault;  // how the fault begins, or a part of it
};

TEST(RestDescription, EachFaultIsToldWithItsLineAndPath) {
  const std::vector<Case> cases{
      {"headers: {\"a b\": x}\n", "", "crm.yaml:2: headers.a b: \"a b\"; expected the name of a header field"},
      {"auth: {}\n", "", "crm.yaml:2: auth: no way to log in; expected one of header, basic, bearer or oauth2"},
      {"auth: {bearer: abc}\n", "", "crm.yaml:2: auth.bearer: "},
      {"calls_per_second: many\n", "", "crm.yaml:2: calls_per_second: \"many\"; expected a number from 0.001 to 10000"},
      {"answer_bytes: 12\n", "", "crm.yaml:2: answer_bytes: \"12\"; expected a size from 1KiB to 1GiB"},
      {"retries: 3\n", "", "crm.yaml:2: retries: unknown key"},
      {"", "    stamp: {at: updated_at}\n",
       "crm.yaml:7: types.contacts.stamp.at: \"updated_at\"; expected a JSON pointer"},
      {"", "    stamp: {at: /u, time: \"%Y-%m\"}\n",
       "types.contacts.stamp.time: a pattern with no year, month and day"},
      {"", "    stamp: {at: /u, time: \"%Y-%m-%d\"}\n", "a pattern with no hour and minute"},
      {"", "    stamp: {at: /u, time: \"%Q\"}\n", "a pattern with %Q is not known"},
      {"", "    stamp: {at: /u, utc_offset: \"2h\"}\n", "expected an offset from UTC such as \"+02:00\""},
      {"", "    stamp: {at: /u, precision: 5s}\n", "expected one of 1us, 1ms, 10ms, 100ms, 1s or 1m"},
      {"", "    changes: {query: {since: \"{stamp}\"}}\n", "types.contacts.stamp: the key is missing"},
      {"", "    changes: {query: {since: \"{moment}\"}}\n", "{moment}, which has no meaning here"},
      {"", "    changes: {query: {since: \"{stamp\"}}\n", "a { without its }"},
      {"", "    stamp: {at: /u}\n    changes: {order: oldest_first}\n",
       "crm.yaml:8: types.contacts.changes: no {stamp}"},
      {"", "    scan_after: {after: \"7\"}\n", "crm.yaml:7: types.contacts.scan_after: no {id}"},
      {"", "    version: {}\n", "types.contacts.version: neither header nor at"},
      {"", "    version: {header: ETag, at: /v}\n", "types.contacts.version: both header and at"},
      {"", "    update: {path: /contacts}\n", "types.contacts.update.path: a path without {id}"},
      {"", "    update: {path: contacts}\n", "expected a path that begins with /"},
      {"", "    delete: {path: \"/contacts?id={id}\"}\n", "the query goes below the key query"},
      {"", "    create: {path: /contacts}\n", "types.contacts.create.id: the key is missing"},
      {"", "    create: {path: /contacts, id: id}\n",
       "expected a JSON pointer into the answer such as /id, bare or location"},
      {"", "    create: {path: /contacts, id: /id, duplicate: {text: x}}\n",
       "types.contacts.create.duplicate.status: the key is missing"},
      {"", "    create: {path: /contacts, id: /id, duplicate: 99}\n", "a whole number from 200 to 599"},
      {"", "    external_key: {at: /x, value: abc, query: {x: \"{key}\"}}\n",
       "types.contacts.external_key.value: no {record}"},
      {"", "    external_key: {at: /x, value: \"{record}\", query: {x: y}}\n",
       "types.contacts.external_key.query: no {key}"},
      {"", "    fields: {n: {type: string}}\n", "types.contacts.fields.n.type: \"string\"; expected one of any, text"},
      {"", "    fields: {n: {time: iso}}\n", "types.contacts.fields.n.time: a form of time"},
      {"", "    fields: {n: {words: {no: N, yes: Y}}}\n", "types.contacts.fields.n.words: words for truth values"},
      {"", "    parent: {type: contacts, items: /x, field: y}\n", "types.contacts.list: a request or mark of its own"},
  };
  for (const Case& each : cases) {
    const auto faults = faults_of(std::string(kHead) + each.top + kType + each.type);
    ASSERT_FALSE(faults.empty()) << each.top << each.type;
    EXPECT_THAT(faults.front(), HasSubstr(each.fault)) << each.top << each.type;
  }
}

TEST(RestDescription, EveryFaultIsToldAtOnce) {
  EXPECT_THAT(faults_of("base_url: crm.example\n"
                        "types:\n"
                        "  contacts:\n"
                        "    id: {at: /id, form: uuid}\n"
                        "    list: {path: /contacts, paging: {style: page}}\n"
                        "    get: {path: \"/contacts/{key}\"}\n"),
              ElementsAre(HasSubstr("crm.yaml:1: base_url: \"crm.example\"; expected a URL"),
                          HasSubstr("crm.yaml:4: types.contacts.id.form: \"uuid\"; expected one of number or text"),
                          HasSubstr("crm.yaml:5: types.contacts.list.paging.position: the key is missing"),
                          HasSubstr("crm.yaml:6: types.contacts.get.path: {key}, which has no meaning here")));
}

TEST(RestDescription, AParentIsATypeOfItsOwn) {
  const std::string child =
      "  points:\n"
      "    id: {at: /id}\n"
      "    parent: {type: contact, items: /points, field: contact}\n";
  EXPECT_THAT(faults_of(std::string(kHead) + kType + child),
              ElementsAre("crm.yaml:9: types.points.parent.type: \"contact\"; expected the name of a type that has no "
                          "parent itself; did you mean \"contacts\"?"));
}

TEST(RestDescription, PagingIsOfOnePiece) {
  const auto with = [](const std::string& paging) {
    return faults_of(std::string(kHead) + "types:\n  contacts:\n    id: {at: /id}\n    get: {path: \"/c/{id}\"}\n" +
                     "    list: {path: /c, paging: {" + paging + "}}\n");
  };
  EXPECT_THAT(with("style: link, limit: n"), IsEmpty());
  EXPECT_THAT(with("style: cursor, position: c"), ElementsAre(HasSubstr("paging.next: the key is missing")));
  EXPECT_THAT(with("style: link, position: c"), ElementsAre(HasSubstr("this style has none")));
  EXPECT_THAT(with("style: page, position: p, next: /n"), ElementsAre(HasSubstr("only the style cursor has one")));
  EXPECT_THAT(with("style: page, position: p, size: 1"), ElementsAre(HasSubstr("a whole number from 2 to 10000")));
}

TEST(RestDescription, ASecretIsNeverRepeated) {
  const auto faults = faults_of(std::string(kHead) + "auth: {basic: {user: u, password: hunter2}}\n" + kType);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults[0], testing::Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace banyan::legacy::rest
