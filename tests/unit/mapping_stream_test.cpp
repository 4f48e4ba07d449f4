#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/mapping_support.hpp"

namespace banyan::sync {
namespace {

using namespace mapping_test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kParties = R"(
conflict: review
tables:
  countries: {type: country.country, key: code}
entities:
  contact:
    type: person
    fields:
      account: {legacy: party, lookup: account, as: number}
      name: name
      city: address.city
      street: {legacy: address.street, conflict: legacy}
      country: {legacy: country, table: countries, as: number}
  account:
    type: party
    conflict: non_empty
    scope: {kind: [o, p]}
    match: [code, [name, email]]
    children: [contact]
    creates: to_modern
    deletes: none
    delete_conflict: legacy
    fields:
      name: label
      code: {legacy: ref, direction: to_modern}
      email: /mails/0/value
      parent: {legacy: parent, lookup: account}
      comment: {legacy: memo, direction: to_legacy}
    constants:
      to_modern: {kind: organisation}
      on_create: {lang: en}
      always: {source: banyan}
)";

const StreamMapping& stream(const Mapping& mapping, const std::string& entity) {
  return *mapping.find(entity);
}

TEST(Mapping, SaysWhatTheFileSays) {
  const Mapping mapping = mapping_of(kParties);
  const StreamMapping& account = stream(mapping, "account");
  EXPECT_EQ(account.system(), "crm");
  EXPECT_EQ(account.type(), "party");
  EXPECT_EQ(account.scope(), Json({{"kind", {"o", "p"}}}));
  EXPECT_EQ(account.creates(), Flow::to_modern);
  EXPECT_EQ(account.deletes(), Flow::none);
  EXPECT_EQ(account.delete_conflict(), Policy::legacy);
  EXPECT_THAT(account.match_keys(), ElementsAre(ElementsAre("code"), ElementsAre("name", "email")));
  EXPECT_THAT(account.children(), ElementsAre("contact"));
  EXPECT_THAT(account.legacy_fields(), ElementsAre("label", "mails", "memo", "parent", "ref"));
  EXPECT_THAT(account.legacy_fields_of("email"), ElementsAre("mails"));
  EXPECT_THAT(account.legacy_fields_of("kind"), IsEmpty());
  EXPECT_EQ(mapping.find("deal"), nullptr);
}

TEST(Mapping, GivesEveryFieldARuleInOrder) {
  const Mapping mapping = mapping_of(kParties);
  std::vector<std::string> rules;
  for (const FieldRule& rule : stream(mapping, "account").rules()) {
    rules.push_back(rule.field + " " + std::to_string(static_cast<int>(rule.direction)) + " " +
                    std::string(to_string(rule.policy)));
  }
  EXPECT_THAT(rules, ElementsAre("code 1 non_empty", "comment 2 non_empty", "email 0 non_empty", "kind 1 non_empty",
                                 "name 0 non_empty", "parent 0 non_empty"));
  EXPECT_EQ(stream(mapping, "contact").rules()[3].policy, Policy::review);  // of the whole mapping
  EXPECT_EQ(stream(mapping, "contact").rules()[4].policy, Policy::legacy);  // of the field
}

TEST(Mapping, PutsParentsBeforeChildren) {
  const Mapping mapping = mapping_of(kParties);
  ASSERT_THAT(mapping.streams, SizeIs(2));
  EXPECT_EQ(mapping.streams[0]->entity(), "account");
  EXPECT_THAT(mapping.streams[0]->parents(), IsEmpty());
  EXPECT_THAT(mapping.streams[1]->parents(), ElementsAre("account"));
}

TEST(Mapping, BreaksCirclesAtOptionalReferences) {
  const Mapping mapping = mapping_of(
      "entities:\n"
      "  note: {type: n, fields: {text: text, account: {legacy: a, lookup: account}, deal: {legacy: d, lookup: "
      "deal}}}\n"
      "  deal: {type: d, fields: {name: name, contact: {legacy: c, lookup: contact}}}\n"
      "  contact: {type: c, fields: {name: name, account: {legacy: a, lookup: account}}}\n"
      "  account: {type: a, fields: {name: name}}\n");
  std::vector<std::string> order;
  for (const auto& stream : mapping.streams) order.push_back(stream->entity());
  EXPECT_THAT(order, ElementsAre("account", "contact", "deal", "note"));
}

TEST(MappingToModern, TakesTheMappedFieldsOnly) {
  const Mapped mapped =
      in(mapping_of(kParties), "account",
         {{"label", " Alpha "}, {"mails", {{{"value", "A@EXAMPLE.com"}}}}, {"parent", "7"}, {"other", 1}});
  EXPECT_THAT(mapped.held, IsEmpty());
  EXPECT_EQ(mapped.fields,
            Json({{"email", "A@example.com"}, {"kind", "organisation"}, {"name", "Alpha"}, {"parent", "r7"}}));
}

TEST(MappingToModern, TreatsAbsentNullAndEmptyAlike) {
  const Mapping mapping = mapping_of(account_with({"code: code", "tags: tags"}));
  for (const Json& empty : {Json({{"name", "A"}}), Json({{"name", "A"}, {"code", nullptr}, {"tags", nullptr}}),
                            Json({{"name", "A"}, {"code", "  "}, {"tags", Json::array()}})}) {
    const Mapped mapped = in(mapping, "account", empty);
    EXPECT_THAT(mapped.held, IsEmpty());
    EXPECT_EQ(mapped.fields, Json({{"name", "A"}})) << empty;
  }
}

TEST(MappingToModern, HoldsAbsentFieldsWhereTheMappingSaysSo) {
  const Mapping mapping = mapping_of(account_with({"code: {legacy: code, absent: hold}"}));
  const Mapped mapped = in(mapping, "account", {{"name", "A"}});
  ASSERT_THAT(mapped.held, SizeIs(1));
  EXPECT_EQ(mapped.held[0].field, "code");
  EXPECT_EQ(mapped.held[0].reason, Held::Reason::invalid);
  EXPECT_FALSE(mapped.held[0].required);
  EXPECT_EQ(mapped.held[0].message, "legacy field code: missing in the record; expected the field, empty or not");
  EXPECT_THAT(in(mapping, "account", {{"name", "A"}, {"code", nullptr}}).held, IsEmpty());
}

TEST(MappingToModern, HoldsRecordsThatLackWhatIsRequired) {
  const Mapping mapping = mapping_of(account_with({"code: {legacy: code, required: true}"}));
  const Mapped mapped = in(mapping, "account", {{"name", ""}});
  ASSERT_THAT(mapped.held, SizeIs(2));
  EXPECT_TRUE(mapped.held[0].required);
  EXPECT_EQ(mapped.held[1].message, "legacy field name: empty; expected a value: it is required");
  EXPECT_TRUE(in(mapping, "account", {{"name", 5}, {"code", "x"}}).held.at(0).required);
}

TEST(MappingToModern, HoldsOneFieldAndTakesTheOthers) {
  const Mapped mapped = in(mapping_of(account_with({"employees: size", "code: code"})), "account",
                           {{"name", "A"}, {"size", "many"}, {"code", "c"}});
  EXPECT_EQ(mapped.fields, Json({{"code", "c"}, {"name", "A"}}));
  ASSERT_THAT(mapped.held, SizeIs(1));
  EXPECT_THAT(mapped.held[0].message, HasSubstr("legacy field size:"));
  EXPECT_THAT(mapped.held[0].message, HasSubstr("\"many\"; expected a whole number"));
}

TEST(MappingToModern, DoesNotRepeatPrivateValues) {
  const Mapping mapping = mapping_of(account_with({"email: {legacy: mail, transforms: {prefix: \"mailto:\"}}"}));
  for (const Json& value : {Json("secret words"), Json(987654)}) {
    const Mapped mapped = in(mapping, "account", {{"name", "A"}, {"mail", value}});
    ASSERT_THAT(mapped.held, SizeIs(1));
    EXPECT_THAT(mapped.held[0].message, testing::Not(HasSubstr("secret")));
    EXPECT_THAT(mapped.held[0].message, testing::Not(HasSubstr("987654")));
  }
}

TEST(MappingToModern, SurvivesARecordThatIsNoObject) {
  const Mapping mapping = mapping_of(kParties);
  for (const Json& legacy : {Json(nullptr), Json("text"), Json(1.5), Json::array({1, 2})}) {
    EXPECT_EQ(in(mapping, "account", legacy).fields, Json({{"kind", "organisation"}}));
  }
}

TEST(MappingToModern, SaysWhichRecordIsMissing) {
  const Mapping mapping = mapping_of(kParties);
  const Mapped mapped = in(mapping, "contact", {{"name", "B"}, {"party", 404}});
  ASSERT_THAT(mapped.held, SizeIs(1));
  EXPECT_EQ(mapped.held[0].reason, Held::Reason::unresolved);
  EXPECT_EQ(mapped.held[0].reference, (Reference{"account", "404"}));
  EXPECT_TRUE(mapped.held[0].required);
  const Mapped optional = in(mapping, "account", {{"label", "A"}, {"parent", 404}});
  EXPECT_FALSE(optional.held.at(0).required);
}

TEST(MappingReferences, AreListedFromEitherSide) {
  const Mapping mapping = mapping_of(kParties);
  std::vector<Reference> found;
  stream(mapping, "contact").references({{"party", 12}, {"name", "x"}}, found);
  stream(mapping, "contact").references({{"party", nullptr}}, found);
  stream(mapping, "contact").references({{"party", {1}}}, found);
  EXPECT_THAT(found, ElementsAre(Reference{"account", "12"}));
  found.clear();
  const std::vector<std::string> fields{"account", "name"};
  stream(mapping, "contact").modern_references({{"account", "r1"}, {"name", "x"}}, fields, found);
  stream(mapping, "contact").modern_references({{"account", "r1"}}, std::span(fields).last(1), found);
  EXPECT_THAT(found, ElementsAre(Reference{"account", "r1"}));
}

TEST(MappingToLegacy, WritesTheGivenFieldsAndClearsThoseThatAreEmpty) {
  const Mapping mapping =
      mapping_of(account_with({"code: ref", "tags: tags", "parent: {legacy: up, lookup: account, as: number}"}));
  const Mapped mapped = out(mapping, "account", {{"name", "A"}, {"parent", "r7"}, {"tags", {"t"}}}, {"code", "parent"});
  EXPECT_EQ(mapped.fields, Json({{"ref", nullptr}, {"up", 7}}));
  EXPECT_THAT(mapped.held, IsEmpty());
}

TEST(MappingToLegacy, LeavesOutWhatOnlyTheLegacySideDecides) {
  const Mapped mapped =
      out(mapping_of(kParties), "account", {{"code", "x"}, {"kind", "organisation"}}, {"code", "kind"});
  EXPECT_TRUE(mapped.fields.empty());
}

TEST(MappingToLegacy, AddsConstants) {
  const Mapping mapping = mapping_of(kParties);
  EXPECT_EQ(out(mapping, "account", {{"name", "A"}}, {"name"}).fields, Json({{"label", "A"}, {"source", "banyan"}}));
  EXPECT_EQ(out(mapping, "account", {{"name", "A"}}, {"name", "email"}, true).fields,
            Json({{"label", "A"}, {"lang", "en"}, {"source", "banyan"}}));
}

TEST(MappingToLegacy, HoldsACreateThatLacksWhatIsRequired) {
  const Mapped mapped = out(mapping_of(kParties), "contact", {{"name", "B"}}, {"name"}, true);
  ASSERT_THAT(mapped.held, SizeIs(1));
  EXPECT_EQ(mapped.held[0].field, "account");
  EXPECT_TRUE(mapped.held[0].required);
}

TEST(MappingToLegacy, HoldsReferencesToRecordsThatTheLegacySideLacks) {
  const Mapped mapped = out(mapping_of(kParties), "contact", {{"account", "r404"}}, {"account"});
  ASSERT_THAT(mapped.held, SizeIs(1));
  EXPECT_EQ(mapped.held[0].reason, Held::Reason::unresolved);
  EXPECT_EQ(mapped.held[0].reference, (Reference{"account", "r404"}));
}

TEST(MappingToLegacy, HoldsIdsThatAreNoNumbersWhereNumbersAreWanted) {
  const Mapped mapped = out(mapping_of(kParties), "contact", {{"account", "rabc"}}, {"account"});
  EXPECT_THAT(mapped.held.at(0).message, HasSubstr("the legacy id \"abc\"; expected a number"));
}

TEST(MappingToLegacy, WritesTheFieldsOfANestedObjectTogether) {
  const Mapping mapping = mapping_of(kParties);
  const Json data{{"city", "Berlin"}, {"street", "A 1"}, {"name", "n"}};
  EXPECT_EQ(out(mapping, "contact", data, {"city"}).fields,
            Json({{"address", {{"city", "Berlin"}, {"street", "A 1"}}}}));
  EXPECT_EQ(out(mapping, "account", {{"email", "a@example.com"}}, {"email"}).fields.at("mails"),
            Json::array({{{"value", "a@example.com"}}}));
}

TEST(MappingDefaults, FillWhatIsEmpty) {
  const Mapping mapping =
      mapping_of(account_with({"active: {legacy: x, default: {to_modern: true, to_legacy: false}}"}));
  EXPECT_EQ(in(mapping, "account", {{"name", "A"}}).fields.at("active"), true);
  EXPECT_EQ(out(mapping, "account", {{"name", "A"}}, {"active"}).fields, Json({{"x", false}}));
  EXPECT_EQ(out(mapping, "account", {{"name", "A"}}, {"name"}, true).fields, Json({{"name", "A"}, {"x", false}}));
}

TEST(MappingDefaults, MayStandForWhatCountsAsEmpty) {
  const Mapping mapping =
      mapping_of(account_with({"founded: {legacy: x, empty: \"0000-00-00\", default: {to_legacy: \"0000-00-00\"}}"}));
  EXPECT_EQ(in(mapping, "account", {{"name", "A"}, {"x", "0000-00-00"}}).fields, Json({{"name", "A"}}));
  EXPECT_EQ(out(mapping, "account", {{"name", "A"}}, {"founded"}).fields, Json({{"x", "0000-00-00"}}));
}

TEST(MappingValues, StandForEachOther) {
  const Mapping mapping =
      mapping_of(account_with({"kind: {legacy: x, values: {1: organisation, 2: person}, as: number}"}));
  EXPECT_EQ(in(mapping, "account", {{"name", "A"}, {"x", 2}}).fields.at("kind"), "person");
  EXPECT_EQ(out(mapping, "account", {{"kind", "person"}}, {"kind"}).fields, Json({{"x", 2}}));
  const Mapped unknown = in(mapping, "account", {{"name", "A"}, {"x", 3}});
  EXPECT_THAT(unknown.held.at(0).message, "legacy field x: 3; expected a value that `values` maps");
  EXPECT_THAT(out(mapping, "account", {{"kind", "other"}}, {"kind"}).held.at(0).message, HasSubstr("\"other\""));
}

TEST(MappingValues, SayWhichOfSeveralIsWritten) {
  const Mapping mapping =
      mapping_of(account_with({"kind: {legacy: x, values: {a: person, b: person, c: other}, to_legacy: {person: b}}"}));
  EXPECT_EQ(in(mapping, "account", {{"name", "A"}, {"x", "a"}}).fields.at("kind"), "person");
  EXPECT_EQ(out(mapping, "account", {{"kind", "person"}}, {"kind"}).fields, Json({{"x", "b"}}));
}

TEST(MappingValues, HoldForEachElementOfAList) {
  const Mapping mapping =
      mapping_of(account_with({"colours: {legacy: x, transforms: {split: \",\"}, values: {r: red, g: green}}"}));
  EXPECT_EQ(in(mapping, "account", {{"name", "A"}, {"x", "r,g"}}).fields.at("colours"), Json({"green", "red"}));
  EXPECT_EQ(out(mapping, "account", {{"colours", {"green", "red"}}}, {"colours"}).fields, Json({{"x", "g,r"}}));
  EXPECT_THAT(in(mapping, "account", {{"name", "A"}, {"x", "r,z"}}).held, SizeIs(1));
}

TEST(MappingTables, StandForCodes) {
  Mapping mapping = mapping_of(kParties);
  ASSERT_THAT(mapping.tables, SizeIs(1));
  EXPECT_EQ(mapping.tables[0]->type(), "country.country");
  EXPECT_EQ(mapping.tables[0]->key(), "code");
  mapping.tables[0]->add("17", {{"code", "DE"}});
  mapping.tables[0]->add("18", {{"code", nullptr}});
  EXPECT_EQ(mapping.tables[0]->size(), 1U);
  const Json legacy{{"name", "B"}, {"party", 1}, {"country", 17}};
  EXPECT_EQ(in(mapping, "contact", legacy).fields.at("country"), "DE");
  EXPECT_EQ(out(mapping, "contact", {{"country", "DE"}}, {"country"}).fields, Json({{"country", 17}}));
}

TEST(MappingTables, ARowThatIsNotThereIsWaitedForUntilTheTableHasBeenReadAgain) {
  Mapping mapping = mapping_of(kParties);
  LegacyTable& table = *mapping.tables[0];
  const Json legacy{{"name", "B"}, {"party", 1}, {"country", 99}};
  const Held waits = in(mapping, "contact", legacy).held.at(0);
  EXPECT_EQ(waits.reason, Held::Reason::unresolved);
  EXPECT_EQ(waits.reference, (Reference{"table countries", "99"}));
  EXPECT_EQ(out(mapping, "contact", {{"country", "FR"}}, {"country"}).held.at(0).reason, Held::Reason::unresolved);

  const LegacyTable::Asked asked = table.begin_reading();
  table.add("33", {{"code", "FR"}});
  table.end_reading(asked);
  EXPECT_EQ(out(mapping, "contact", {{"country", "FR"}}, {"country"}).fields, Json({{"country", 33}}));
  const Held gone = in(mapping, "contact", legacy).held.at(0);
  EXPECT_EQ(gone.reason, Held::Reason::invalid);
  EXPECT_THAT(gone.message, HasSubstr("99; expected a row of the table countries (country.country)"));
}

TEST(MappingTables, BringTheirCodesIntoForm) {
  Mapping mapping =
      mapping_of("tables:\n  languages: {type: lang, key: code, transforms: {replace: {legacy: _, modern: \"-\"}}}\n" +
                 account_with({"code: {legacy: lang, table: languages}"}));
  mapping.tables[0]->add("3", {{"code", "zh_CN"}});
  EXPECT_EQ(in(mapping, "account", {{"name", "A"}, {"lang", 3}}).fields.at("code"), "zh-CN");
  EXPECT_EQ(out(mapping, "account", {{"code", "zh-CN"}}, {"code"}).fields, Json({{"lang", "3"}}));
}

TEST(MappingJoin, MakesOneFieldOfSeveral) {
  const Mapping mapping = mapping_of(account_with({"name: {legacy: [first, last], join: {}}"}));
  EXPECT_EQ(in(mapping, "account", {{"first", "Anna Maria"}, {"last", "Meier"}}).fields.at("name"), "Anna Maria Meier");
  EXPECT_EQ(in(mapping, "account", {{"first", nullptr}, {"last", "Meier"}}).fields.at("name"), "Meier");
  EXPECT_EQ(out(mapping, "account", {{"name", "Anna Maria Meier"}}, {"name"}).fields,
            Json({{"first", "Anna Maria"}, {"last", "Meier"}}));
  EXPECT_EQ(out(mapping, "account", {{"name", "Meier"}}, {"name"}).fields,
            Json({{"first", nullptr}, {"last", "Meier"}}));
}

TEST(MappingJoin, MaySplitAtTheFirstSeparator) {
  const Mapping mapping =
      mapping_of(account_with({"name: {legacy: [a, b, c], join: {separator: \", \", split_at: first}}"}));
  EXPECT_EQ(out(mapping, "account", {{"name", "x, y, z, w"}}, {"name"}).fields,
            Json({{"a", "x"}, {"b", "y"}, {"c", "z, w"}}));
  EXPECT_EQ(out(mapping, "account", {{"name", "x, y"}}, {"name"}).fields,
            Json({{"a", "x"}, {"b", "y"}, {"c", nullptr}}));
}

const std::string kParts =
    "entities:\n"
    "  account: {type: a, fields: {name: name}}\n"
    "  contact:\n"
    "    type: c\n"
    "    fields:\n"
    "      account: {legacy: a, lookup: account}\n"
    "      name: {legacy: whole, direction: to_modern}\n"
    "      given_name: {legacy: whole, part: {take: first}}\n"
    "      family_name: {legacy: whole, part: {take: last}}\n";

TEST(MappingPart, MakesSeveralFieldsOfOne) {
  const Mapping mapping = mapping_of(kParts);
  const Mapped read = in(mapping, "contact", {{"a", "1"}, {"whole", "Anna Maria Meier"}});
  EXPECT_EQ(
      read.fields,
      Json({{"account", "r1"}, {"family_name", "Meier"}, {"given_name", "Anna Maria"}, {"name", "Anna Maria Meier"}}));
  const Json data{{"given_name", "Anna"}, {"family_name", "Meier"}};
  EXPECT_EQ(out(mapping, "contact", data, {"family_name"}).fields, Json({{"whole", "Anna Meier"}}));
  EXPECT_EQ(out(mapping, "contact", {{"family_name", "Meier"}}, {"given_name"}).fields, Json({{"whole", "Meier"}}));
}

TEST(MappingPart, HoldsWhatWouldBeReadBackDifferently) {
  const Json data{{"given_name", "Anna"}, {"family_name", "von Meier"}};
  const Mapped mapped = out(mapping_of(kParts), "contact", data, {"family_name"});
  EXPECT_TRUE(mapped.fields.empty());
  ASSERT_THAT(mapped.held, SizeIs(1));
  EXPECT_EQ(mapped.held[0].field, "family_name");
}

const std::string kPolymorphic =
    "entities:\n"
    "  account: {type: a, fields: {name: name}}\n"
    "  deal: {type: d, fields: {name: name}}\n"
    "  note:\n"
    "    type: n\n"
    "    fields:\n"
    "      text: text\n"
    "      account: {legacy: resource, lookup: account, type: party.party}\n"
    "      deal: {legacy: resource, lookup: deal, type: sale.opportunity}\n";

TEST(MappingPolymorphicReference, GoesToTheFieldOfItsType) {
  const Mapping mapping = mapping_of(kPolymorphic);
  EXPECT_EQ(in(mapping, "note", {{"text", "t"}, {"resource", "sale.opportunity,5"}}).fields,
            Json({{"deal", "r5"}, {"text", "t"}}));
  EXPECT_EQ(in(mapping, "note", {{"text", "t"}, {"resource", "party.party,5"}}).fields,
            Json({{"account", "r5"}, {"text", "t"}}));
  EXPECT_EQ(out(mapping, "note", {{"deal", "r5"}}, {"deal"}).fields, Json({{"resource", "sale.opportunity,5"}}));
  EXPECT_EQ(out(mapping, "note", Json::object(), {"deal"}).fields, Json({{"resource", nullptr}}));
}

TEST(MappingPolymorphicReference, KeepsTheOtherFieldsReference) {
  EXPECT_EQ(out(mapping_of(kPolymorphic), "note", {{"account", "r1"}}, {"deal"}).fields,
            Json({{"resource", "party.party,1"}}));
}

TEST(MappingPolymorphicReference, IsHeldWhereItFitsNone) {
  const Mapping mapping = mapping_of(kPolymorphic);
  EXPECT_THAT(in(mapping, "note", {{"text", "t"}, {"resource", "product,5"}}).held, SizeIs(2));
  EXPECT_THAT(in(mapping, "note", {{"text", "t"}, {"resource", "party.party,"}}).held, SizeIs(1));
  const Mapped both = out(mapping, "note", {{"account", "r1"}, {"deal", "r2"}}, {"account", "deal"});
  EXPECT_THAT(both.held, SizeIs(2));
  EXPECT_TRUE(both.fields.empty());
}

TEST(MappingFingerprint, ChangesWithWhatCallsForABackfill) {
  const auto fingerprint = [](const std::string& field) {
    return mapping_of(account_with({field})).streams.at(0)->fingerprint();
  };
  const auto plain = fingerprint("code: {legacy: x}");
  EXPECT_EQ(plain, fingerprint("code: {legacy: x, conflict: review, samples: [a]}"));
  EXPECT_NE(plain, fingerprint("code: {legacy: y}"));
  EXPECT_NE(plain, fingerprint("code: {legacy: x, transforms: trim}"));
  EXPECT_NE(plain, fingerprint("code: {legacy: x, absent: hold}"));
}

TEST(MappingDescription, TellsWhichFieldsDiffer) {
  const Json one = mapping_of(account_with({"code: {legacy: x}", "tags: t"})).streams.at(0)->description();
  const Json two =
      mapping_of(account_with({"code: {legacy: x, transforms: upper}", "tags: t"})).streams.at(0)->description();
  EXPECT_NE(one.at("fields").at("code"), two.at("fields").at("code"));
  EXPECT_EQ(one.at("fields").at("tags"), two.at("fields").at("tags"));
}

TEST(MappingProject, KeepsTheMappedFields) {
  const Mapping mapping = mapping_of(account_with({"code: x"}));
  EXPECT_EQ(mapping.streams[0]->project({{"code", "a"}, {"name", "n"}, {"tags", {"t"}}}),
            Json({{"code", "a"}, {"name", "n"}}));
}

}  // namespace
}  // namespace banyan::sync
