#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/yaml_document.hpp"
#include "gateway/base/yaml_scalars.hpp"
#include "gateway/base/yaml_schema.hpp"

namespace banyan::yaml {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

struct Wheel {
  std::uint64_t spokes = 36;
  milliseconds turn{1'000};
};

struct Bicycle {
  std::string colour = "green";
  std::vector<Wheel> wheels;
};

Reader<Bicycle> bicycle() {
  const Reader<Wheel> wheel = object<Wheel>("a wheel")
                                  .required("spokes", &Wheel::spokes, integer(1, 100))
                                  .optional("turn", &Wheel::turn, duration(1ms, 1h));
  return object<Bicycle>("a bicycle")
      .optional("colour", &Bicycle::colour, choice<std::string>({{"green", "green"}, {"red", "red"}}))
      .required("wheels", &Bicycle::wheels, list(wheel, 1))
      .refused("motor", "motors come with a later version");
}

struct Outcome {
  Bicycle bicycle;
  std::vector<std::string> faults;
};

std::vector<std::string> texts(const std::vector<Fault>& faults) {
  std::vector<std::string> out;
  for (const Fault& fault : faults) out.push_back(to_string(fault));
  return out;
}

Outcome read(const std::string& text, const Limits& limits = {}) {
  auto document = Document::parse(text, "b.yaml", ".", limits);
  if (!document) return {{}, texts(document.error())};
  Outcome outcome;
  bicycle().read(document->root(), outcome.bicycle);
  outcome.faults = texts(document->faults());
  return outcome;
}

TEST(YamlSchema, FillsTheStructAndKeepsDefaults) {
  const Outcome outcome = read("wheels: [{spokes: 32, turn: 2s}, {spokes: 28}]");
  EXPECT_THAT(outcome.faults, IsEmpty());
  EXPECT_EQ(outcome.bicycle.colour, "green");
  ASSERT_EQ(outcome.bicycle.wheels.size(), 2U);
  EXPECT_EQ(outcome.bicycle.wheels[0].turn, 2s);
  EXPECT_EQ(outcome.bicycle.wheels[1].spokes, 28U);
}

TEST(YamlSchema, ReportsEveryFaultByLine) {
  const Outcome outcome = read(
      "colour: blue\n"
      "wheels:\n"
      "  - spokes: many\n"
      "    turns: 2s\n"
      "  - turn: soon\n"
      "motor: big\n"
      "bell: loud\n");
  EXPECT_THAT(
      outcome.faults,
      ElementsAre("b.yaml:1: colour: \"blue\"; expected one of green or red",
                  "b.yaml:3: wheels[0].spokes: \"many\"; expected a whole number from 1 to 100",
                  "b.yaml:4: wheels[0].turns: unknown key; expected one of spokes or turn; did you mean \"turn\"?",
                  "b.yaml:5: wheels[1].turn: \"soon\"; expected a duration from 1ms to 1h, such as 500ms, 10s or 2m",
                  "b.yaml:5: wheels[1].spokes: the key is missing; expected a whole number from 1 to 100",
                  "b.yaml:6: motor: motors come with a later version; expected the key left out",
                  "b.yaml:7: bell: unknown key; expected one of colour, wheels or motor"));
}

TEST(YamlSchema, RefusesTheWrongKindOfValue) {
  EXPECT_THAT(read("wheels: 2").faults, ElementsAre(HasSubstr("wheels: \"2\"; expected a list")));
  EXPECT_THAT(read("wheels:").faults, ElementsAre(HasSubstr("wheels: nothing; expected a list")));
  EXPECT_THAT(read("wheels: []").faults, ElementsAre("b.yaml:1: wheels: an empty list; expected at least 1 element"));
  EXPECT_THAT(read("[1, 2]").faults,
              ElementsAre("b.yaml:1: a list; expected a bicycle: a mapping with colour, wheels and motor"));
}

TEST(YamlSchema, BoundsTheLengthOfAList) {
  const Reader<std::vector<std::uint64_t>> pair = list(integer(0, 9), 1, 2);
  const auto faults_of = [&](const std::string& text) {
    const auto document = Document::parse(text, "b.yaml", ".");
    std::vector<std::uint64_t> out;
    pair.read(document->root(), out);
    return texts(document->faults());
  };
  EXPECT_THAT(faults_of("[1, 2]"), IsEmpty());
  EXPECT_THAT(faults_of("[1, 2, 3]"), ElementsAre("b.yaml:1: a list of 3; expected at most 2 elements"));
}

TEST(YamlSchema, KeepsFaultyElementsWhereAskedTo) {
  const Reader<std::vector<Wheel>> wheels =
      list(Reader<Wheel>(object<Wheel>("a wheel").required("spokes", &Wheel::spokes, integer(1, 100))), 0, kAnyNumber,
           Faulty::kept);
  const auto document = Document::parse("[{spokes: 8, bell: loud}, {spokes: 9}]", "b.yaml", ".");
  std::vector<Wheel> out;
  wheels.read(document->root(), out);
  EXPECT_EQ(document->faults().size(), 1U);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].spokes, 8U);
}

TEST(YamlSchema, KnowsItsKeys) {
  EXPECT_THAT(bicycle().keys, ElementsAre("colour", "wheels", "wheels[].spokes", "wheels[].turn", "motor"));
}

TEST(YamlDocument, RefusesAKeyThatStandsTwice) {
  EXPECT_THAT(read("wheels: [{spokes: 1}]\ncolour: red\ncolour: green\n").faults,
              ElementsAre("b.yaml:3: colour: the key stands twice; expected one of the two; the first is on line 2"));
}

TEST(YamlDocument, PlacesASyntaxErrorOnItsLine) {
  const auto faults = read("colour: red\nwheels: [1, 2\n").faults;
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults[0], testing::MatchesRegex("b\\.yaml:[23]: not YAML: .*"));
}

TEST(YamlDocument, RefusesWhatYamlAllowsAndSettingsDoNotNeed) {
  EXPECT_THAT(read("a: 1\n---\nb: 2\n").faults,
              ElementsAre("b.yaml:3: a second document; expected one document in the file"));
  EXPECT_THAT(read("colour: !paint red\n").faults, ElementsAre(HasSubstr("the tag \"!paint\"")));
  EXPECT_THAT(read("").faults, ElementsAre("b.yaml: nothing in the file; expected a mapping"));
  EXPECT_THAT(read("? [a]\n: 1\n").faults, testing::Contains(HasSubstr("a key that is not a text")));
}

TEST(YamlDocument, RefusesBytesThatAreNoText) {
  EXPECT_THAT(read("wheels: []\ncolour: caf\xe9\n").faults,
              ElementsAre("b.yaml:2: the byte 0xE9; expected text in UTF-8"));
  EXPECT_THAT(read("# \xc3\xa9\n# \xed\xa0\x80\n").faults, ElementsAre(HasSubstr("b.yaml:2: the byte 0xED")));
  EXPECT_THAT(read(std::string("colour: \"a\0b\"\n", 14)).faults, ElementsAre(HasSubstr("b.yaml:1: the byte 0x00")));
  EXPECT_THAT(read("\xff\xfe:\n").faults, ElementsAre(HasSubstr("b.yaml:1: the byte 0xFF")));
  EXPECT_THAT(read("\xef\xbb\xbfwheels: [{spokes: 7}]\r\n# \xf0\x9f\x9a\xb2\t\n").faults, IsEmpty());
}

TEST(YamlDocument, FollowsAliases) {
  const Outcome outcome = read("wheels: [&w {spokes: 32}, *w]");
  EXPECT_THAT(outcome.faults, IsEmpty());
  EXPECT_EQ(outcome.bicycle.wheels.size(), 2U);
}

TEST(YamlDocument, BoundsWhatAliasesExpandTo) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb +=
        "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + ", " + before + "]\n";
  }
  EXPECT_THAT(read(bomb).faults, ElementsAre(HasSubstr("more than 1000000 values")));
}

TEST(YamlDocument, BoundsNesting) {
  EXPECT_THAT(read(std::string(200, '[') + std::string(200, ']')).faults,
              ElementsAre(HasSubstr("nesting deeper than 32 levels")));
}

TEST(YamlDocument, SaysWhyAFileCannotBeRead) {
  const auto missing = Document::load("/nonexistent/banyan.yaml");
  ASSERT_FALSE(missing);
  EXPECT_THAT(texts(missing.error()), ElementsAre("/nonexistent/banyan.yaml: cannot read /nonexistent/banyan.yaml: No "
                                                  "such file or directory"));
  const auto large = Document::load("/dev/zero", {.bytes = 1'000});
  ASSERT_FALSE(large);
  EXPECT_THAT(texts(large.error()), ElementsAre("/dev/zero: /dev/zero is larger than 1000 bytes"));
}

TEST(YamlDocument, DoesNotRepeatPasswordsOfUrls) {
  EXPECT_THAT(read("colour: http://ann:hunter2@host/\nwheels: [{spokes: 1}]").faults,
              ElementsAre("b.yaml:1: colour: \"http://***@host/\"; expected one of green or red"));
}

TEST(YamlQuotes, AreShortAndPrintable) {
  EXPECT_EQ(in_quotes("a\nb\x1b"), "\"a\\x0ab\\x1b\"");
  EXPECT_LT(in_quotes(std::string(1'000, 'x')).size(), 80U);
}

TEST(Durations, NeedAWholeNumberAndAUnit) {
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("10s"), 10s);
  EXPECT_EQ(parse_duration("2m"), 2min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  for (const char* wrong :
       {"", "10", "s", "-1s", "1.5s", "1 s", "10sec", "99999999999999999999s", "9223372036854775807h"}) {
    EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
  }
}

TEST(Sizes, AreBytesOrBinaryUnits) {
  EXPECT_EQ(parse_size("4096"), 4'096U);
  EXPECT_EQ(parse_size("64KiB"), 65'536U);
  EXPECT_EQ(parse_size("8GiB"), 8ULL << 30U);
  for (const char* wrong : {"", "KiB", "64KB", "64kib", "1.5MiB", "-1", "9223372036854775807KiB"}) {
    EXPECT_EQ(parse_size(wrong), std::nullopt) << wrong;
  }
}

TEST(Percents, HaveAtMostThreeDecimals) {
  EXPECT_EQ(parse_percent("12.125"), 12.125);
  EXPECT_EQ(parse_percent("100%"), 100.0);
  EXPECT_EQ(parse_percent("0"), 0.0);
  for (const char* wrong : {"", "100.001", "101", "-1", "1.", ".5", "1.2345", "1e1"}) {
    EXPECT_EQ(parse_percent(wrong), std::nullopt) << wrong;
  }
}

TEST(Addresses, AreAnIpLiteralAndAPort) {
  EXPECT_EQ(parse_address("127.0.0.1:8080")->port, 8'080);
  EXPECT_EQ(parse_address("[::1]:0")->host, "::1");
  for (const char* wrong : {"", ":8080", "localhost:80", "::1:80", "[::1]", "127.0.0.1", "127.0.0.1:65536",
                            "127.0.0.1:", "[127.0.0.1]:80", "1.2.3:80", "[::1:80"}) {
    EXPECT_FALSE(parse_address(wrong)) << wrong;
  }
}

TEST(Urls, NameAnHttpServerAndNothingElse) {
  EXPECT_EQ(parse_http_url("http://127.0.0.1:8001")->port, 8'001);
  EXPECT_EQ(parse_http_url("http://crm.internal/")->port, 80);
  EXPECT_EQ(parse_http_url("http://[::1]:81")->host, "::1");
  for (const char* wrong : {"", "127.0.0.1:80", "https://host", "http://", "http://host/path", "http://u:p@host",
                            "http://host:0", "http://host:x", "http://ho st", "http://host?x"}) {
    EXPECT_FALSE(parse_http_url(wrong)) << wrong;
  }
}

TEST(Networks, AreCidrOrALoneAddress) {
  for (const char* right : {"10.0.0.0/8", "::1/128", "192.168.1.1"}) EXPECT_TRUE(is_network(right)) << right;
  for (const char* wrong : {"10.0.0.0/33", "::/129", "host/8", "10.0.0.0/", ""})
    EXPECT_FALSE(is_network(wrong)) << wrong;
}

TEST(Loopback, Is127SlashEightAndColonColonOne) {
  EXPECT_TRUE(is_loopback("127.9.9.9"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_FALSE(is_loopback("0.0.0.0"));
  EXPECT_FALSE(is_loopback("::"));
}

}  // namespace
}  // namespace banyan::yaml
