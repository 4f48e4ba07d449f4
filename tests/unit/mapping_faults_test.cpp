// Every malformed mapping is refused with its path, its line and the reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "adapters/sync/mapping_shape.hpp"
#include "tests/unit/mapping_support.hpp"

namespace banyan::sync {
namespace {

using namespace mapping_test;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

struct Row {
  std::string field;  // the one field under account, on line 6
  std::string path;   // below entities.account.fields
  std::string reason;
};

TEST(MappingFaults, OfAFieldAreReportedWithPathAndLine) {
  const std::vector<Row> rows{
      {"nmae: x", "nmae", "unknown field of account; expected a field of the ontology; did you mean \"name\"?"},
      {"code: {}", "code.legacy", "the key is missing"},
      {"code: {legacy: x, transfroms: trim}", "code.transfroms", "did you mean \"transforms\"?"},
      {"code: {legacy: a..b}", "code.legacy", "\"a..b\"; expected a name, a path"},
      {"code: {legacy: /a/100}", "code.legacy", "\"/a/100\""},
      {"code: {legacy: [a, b]}", "code.join", "the key is missing"},
      {"code: {legacy: a, join: {}}", "code.join", "one legacy field; expected `join` with several only"},
      {"code: {legacy: [a, b, c, d, e], join: {}}", "code.legacy", "5 fields; expected at most 4"},
      {"tags: {legacy: [a, b], join: {}}", "tags.join", "a field of type list; expected `join` with a text only"},
      {"employees: {legacy: a, part: {take: first}}", "employees.part", "`part` with a text only"},
      {"code: {legacy: [a, b], join: {}, part: {take: first}}", "code.part", "expected one of the two"},
      {"code: {legacy: x, part: {}}", "code.part.take", "the key is missing"},
      {"code: {legacy: x, direction: in}", "code.direction", "\"in\"; expected one of both, to_modern or to_legacy"},
      {"code: {legacy: x, conflict: last}", "code.conflict", "\"last\"; expected one of newest"},
      {"code: {legacy: x, conflict: review, direction: to_modern}", "code.conflict", "for one direction"},
      {"code: {legacy: x, samples: [a], direction: to_legacy}", "code.samples", "samples for one direction"},
      {"code: {legacy: x, absent: maybe}", "code.absent", "one of empty or hold"},
      {"code: {legacy: x, transforms: trin}", "code.transforms", "\"trin\"; expected trim, lower"},
      {"code: {legacy: x, transforms: [{trim: 1}]}", "code.transforms[0].trim", "unknown key"},
      {"code: {legacy: x, transforms: [{prefix: a, suffix: b}]}", "code.transforms[0]",
       "2 keys; expected one transform"},
      {"code: {legacy: x, transforms: [{prefix: \"\"}]}", "code.transforms[0].prefix", "\"\""},
      {"code: {legacy: x, transforms: [{epoch: s}]}", "code.transforms",
       "a timestamp from `epoch`; expected a text: code is of type text"},
      {"employees: {legacy: x, transforms: trim}", "employees.transforms", "a text from `trim`; expected an integer"},
      {"seen_at: {legacy: x, transforms: [{epoch: s}, trim]}", "seen_at.transforms[1]",
       "a timestamp from `epoch`; expected a transform that takes that: `trim` takes a text"},
      {"seen_at: {legacy: x, transforms: {epoch: min}}", "seen_at.transforms.epoch",
       "\"min\"; expected one of s, ms or us"},
      {"founded: {legacy: x, transforms: {date_format: \"%d.%m\"}}", "founded.transforms.date_format",
       "\"%d.%m\"; expected a date pattern"},
      {"founded: {legacy: x, transforms: {date_format: \"%F %T\"}}", "founded.transforms.date_format", "\"%F %T\""},
      {"founded: {legacy: x, transforms: {date_format: \"%Q\"}}", "founded.transforms.date_format", "the directive %Q"},
      {"seen_at: {legacy: x, transforms: {timestamp_format: {pattern: \"%F\"}}}",
       "seen_at.transforms.timestamp_format.pattern", "a time pattern"},
      {"seen_at: {legacy: x, transforms: {timestamp_format: {pattern: \"%F %T\", offset: CET}}}",
       "seen_at.transforms.timestamp_format.offset", "\"CET\"; expected an offset"},
      {"active: {legacy: x, transforms: {boolean: {true: Y}}}", "active.transforms.boolean.false",
       "the key is missing"},
      {"active: {legacy: x, transforms: {boolean: {true: Y, false: Y}}}", "active.transforms.boolean",
       "\"Y\" for both"},
      {"revenue: {legacy: x, transforms: {decimal_text: {point: \".\", group: \".\"}}}",
       "revenue.transforms.decimal_text", "one character for both"},
      {"revenue: {legacy: x, transforms: {decimal_text: {point: \"5\"}}}", "revenue.transforms.decimal_text.point",
       "neither a digit"},
      {"revenue: {legacy: x, transforms: {scale: 99}}", "revenue.transforms.scale", "\"99\""},
      {"tags: {legacy: x, transforms: {split: \"\"}}", "tags.transforms.split", "expected a text between two elements"},
      {"parent: x", "parent.lookup", "the key is missing; expected account: parent is a reference"},
      {"code: {legacy: x, lookup: account}", "code.lookup",
       "a field of type text; expected `lookup` with a reference only"},
      {"parent: {legacy: x, lookup: deal}", "parent.lookup", "\"deal\"; expected account, which parent refers to"},
      {"parent: {legacy: x, lookup: account, as: boolean}", "parent.as", "boolean; expected text or number"},
      {"parent: {legacy: x, lookup: account, type: p, as: number}", "parent.as", "`type` and `as`"},
      {"code: {legacy: x, as: number}", "code.as", "`as` with `values`, `table` or `lookup` only"},
      {"code: {legacy: x, type: p}", "code.type", "`type` with `lookup` only"},
      {"code: {legacy: x, table: t}", "code.table", "\"t\"; expected a table under `tables`"},
      {"active: {legacy: x, table: t}", "active.table", "a field of type boolean"},
      {"code: {legacy: x, table: t, values: {a: b}}", "code.values", "more than one of"},
      {"kind: {legacy: x, values: {a: persn}}", "kind.values.a", "did you mean \"person\"?"},
      {"kind: {legacy: x, values: {a: \" \"}}", "kind.values.a", "a value that is not empty"},
      {"kind: {legacy: x, values: {a: [b]}}", "kind.values.a", "a text, a number or a boolean"},
      {"kind: {legacy: x, values: {a: person}, as: number}", "kind.values.a",
       "\"a\"; expected a whole number, as `as` says"},
      {"kind: {legacy: x, values: {a: person}, as: boolean}", "kind.values.a", "true or false, as `as` says"},
      {"kind: {legacy: x, values: {a: person, b: person}}", "kind.values",
       "\"person\" for \"a\" and \"b\"; expected `to_legacy: {person: …}`"},
      {"kind: {legacy: x, values: {a: person, b: person}, to_legacy: {person: c}}", "kind.to_legacy.person",
       "\"c\"; expected a legacy value that `values` maps to person"},
      {"kind: {legacy: x, values: {a: person}, to_legacy: {persom: a}}", "kind.to_legacy.persom",
       "did you mean \"person\"?"},
      {"code: {legacy: x, to_legacy: {a: b}}", "code.to_legacy", "`to_legacy` with `values` only"},
      {"active: {legacy: x, default: {to_modern: maybe}}", "active.default", "the default \"maybe\"; expected"},
      {"parent: {legacy: x, lookup: account, default: {to_modern: a}}", "parent.default", "a default for a reference"},
      {"code: {legacy: x, direction: to_modern, default: {to_legacy: a}}", "code.default",
       "a field that is not written"},
      {"employees: {legacy: x, samples: [many]}", "employees.samples", "the sample \"many\"; "},
      {"code: {legacy: /a~2}", "code.legacy", "\"/a~2\"; expected"},
      {"code: {legacy: name}", "code.legacy", "the legacy field \"name\", which name is written to"},
      {"code: {legacy: name.first}", "code.legacy", "the legacy field \"name.first\", which name is written to"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.field);
    const std::vector<std::string> faults = faults_of(account_with({row.field}));
    EXPECT_THAT(faults, Contains(AllOf(StartsWith("m.yaml:6: entities.account.fields." + row.path + ": "),
                                       HasSubstr(row.reason))));
    EXPECT_THAT(faults, SizeIs(1));
  }
}

TEST(MappingFaults, OfWhatTheLegacySystemDoesNotHave) {
  const LegacyShape shape{{"party", {"name", "address"}}, {"country", {"code"}}, {"open", {}}};
  const auto faults = [&shape](const std::string& text) {
    std::vector<std::string> out;
    const auto mapping = parse_mapping(text, "m.yaml", "crm", ontology(), shape);
    if (mapping) return out;
    for (const yaml::Fault& fault : mapping.error()) out.push_back(yaml::to_string(fault));
    return out;
  };
  const std::string entity = "entities:\n  account: {type: ";
  EXPECT_THAT(faults(entity + "party, fields: {name: name, code: address.code}}"), IsEmpty());
  EXPECT_THAT(faults(entity + "open, fields: {name: anything}}"), IsEmpty()) << "its fields are not known";
  EXPECT_THAT(
      faults(entity + "partys, fields: {name: name}}"),
      ElementsAre("m.yaml:2: entities.account.type: \"partys\"; expected a record type that the legacy system's "
                  "description names; did you mean \"party\"?"));
  EXPECT_THAT(faults(entity + "party, fields: {name: nmae}}"),
              ElementsAre("m.yaml:2: entities.account.fields.name: \"nmae\"; expected a field that the legacy system's "
                          "description declares; did you mean \"name\"?"));
  EXPECT_THAT(faults(entity + "party, fields: {name: name}, constants: {always: {lang: en}}}"),
              ElementsAre(HasSubstr("entities.account.constants.always.lang: \"lang\"; expected a field that")));
  EXPECT_THAT(faults("tables: {c: {type: country, key: iso}}\n" + entity + "party, fields: {name: name}}"),
              ElementsAre(HasSubstr("m.yaml:1: tables.c.key: \"iso\"; expected a field that")));
}

TEST(MappingFaults, ShowTheSampleThatDoesNotComeBack) {
  const auto fault = [](const std::string& field) { return faults_of(account_with({field})); };
  EXPECT_THAT(fault("code: {legacy: x, transforms: [{suffix: A}, lower]}"), IsEmpty());
  EXPECT_THAT(
      fault("code: {legacy: x, transforms: [lower, {suffix: A}]}"),  // grows each time
      ElementsAre(HasSubstr("the sample \"alphaa\" goes out as {\"x\":\"alphaaA\"} and comes back as \"alphaaa\"")));
  EXPECT_THAT(fault("code: {legacy: x, transforms: [{suffix: A}, {prefix: a}]}"), IsEmpty());
  EXPECT_THAT(
      fault("code: {legacy: x, empty: [\"7\"]}"),
      ElementsAre("m.yaml:6: entities.account.fields.code: the sample \"7\" goes out as {\"x\":\"7\"} and comes "
                  "back as nothing; expected transforms whose inverse gives every value back"));
  EXPECT_THAT(fault("code: {legacy: x, transforms: {replace: {legacy: _, modern: \"-\"}}}"),
              ElementsAre(HasSubstr("the sample \"a.b/c|d_e-f\" goes out as {\"x\":\"a.b/c|d_e_f\"} and comes back as "
                                    "\"a.b/c|d-e-f\"")));
  EXPECT_THAT(fault("code: {legacy: x, samples: [none], empty: [none]}"),
              ElementsAre(AllOf(HasSubstr("fields.code.samples: the sample \"none\" goes out"), HasSubstr("nothing"))));
  EXPECT_THAT(fault("revenue: {legacy: x, transforms: {scale: 2}, samples: [\"0.001\"]}"),
              ElementsAre(HasSubstr("fields.revenue.samples: the sample \"0.001\" cannot be written")));
}

TEST(MappingFaults, OfTransformsThatCanWriteNothing) {
  EXPECT_THAT(faults_of(account_with({"revenue: {legacy: x, transforms: [trim, decimal_number]}"})),
              ElementsAre(AllOf(HasSubstr("no value of revenue can be written: legacy field x:"),
                                HasSubstr("; expected a text; "))));
}

TEST(MappingFaults, OfTheWholeFileAreAllReported) {
  EXPECT_THAT(
      faults_of("conflict: any\n"
                "tabels: {}\n"
                "entities:\n"
                "  acount: {type: p, fields: {name: name}}\n"
                "  deal: {fields: {name: name}}\n"
                "  note: {type: n, fields: {}}\n"),
      ElementsAre(
          HasSubstr("m.yaml:1: conflict: \"any\"; expected one of newest"), HasSubstr("m.yaml:2: tabels: unknown key"),
          HasSubstr("m.yaml:4: entities.acount: unknown entity; expected an entity of the ontology; did "
                    "you mean \"account\"?"),
          HasSubstr("m.yaml:5: entities.deal.type: the key is missing"), HasSubstr("m.yaml:6: entities.note: no field"),
          HasSubstr("m.yaml:6: entities.note.fields.text: the key is missing; expected where text comes from")));
  EXPECT_THAT(faults_of("entities: {}\n"), ElementsAre("m.yaml:1: no entity; expected at least one under `entities`"));
  EXPECT_THAT(faults_of("[]"), ElementsAre(HasSubstr("a mapping with conflict, tables and entities")));
}

struct StreamRow {
  std::string more;  // lines below the account's fields, from line 5 on
  std::string fault;
};

TEST(MappingFaults, OfAnEntityAreReportedWithPathAndLine) {
  const std::vector<StreamRow> rows{
      {"match: [[name, nmae]]",
       "m.yaml:5: entities.account.match: \"nmae\"; expected mapped fields that are read from the legacy side; did you "
       "mean \"name\"?"},
      {"children: [contct]",
       "m.yaml:5: entities.account.children: \"contct\"; expected entities of this mapping; did you mean \"contact\"?"},
      {"children: [account]",
       "m.yaml:5: entities.account.children: \"account\"; expected an entity with a mapped reference to account"},
      {"creates: yes",
       "m.yaml:5: entities.account.creates: \"yes\"; expected one of both, to_modern, to_legacy or none"},
      {"delete_conflict: newest",
       "m.yaml:5: entities.account.delete_conflict: \"newest\"; expected one of legacy, modern or review"},
      {"constants: {to_modern: {knd: person}}",
       "m.yaml:5: entities.account.constants.to_modern.knd: unknown field of account; expected a field of the "
       "ontology; did you mean \"kind\"?"},
      {"constants: {to_modern: {kind: dog}}", "m.yaml:5: entities.account.constants.to_modern.kind: \"dog\"; expected"},
      {"constants: {to_modern: {name: A}}",
       "m.yaml:5: entities.account.constants.to_modern.name: a constant for a field that is mapped; expected a field "
       "that is not under `fields`; `default: {to_modern: …}` fills one that is empty"},
      {"constants: {to_modern: {parent: A}}",
       "m.yaml:5: entities.account.constants.to_modern.parent: a constant for a reference"},
      {"constants: {always: {name: A}}",
       "m.yaml:5: entities.account.constants.always.name: a constant for a legacy field that name is written to"},
      {"constants: {always: {a: 1}, on_create: {a.b: 1}}",
       "m.yaml:5: entities.account.constants.always.a: a second constant for a.b; expected one of the two"},
      {"constants: {always: {a..b: 1}}",
       "m.yaml:5: entities.account.constants.always.a..b: \"a..b\"; expected a legacy field's name"},
      {"constants: {never: {}}", "m.yaml:5: entities.account.constants.never: unknown key"},
  };
  for (const StreamRow& row : rows) {
    const std::string text = "entities:\n  account:\n    type: p\n    fields: {name: name}\n    " + row.more +
                             "\n  contact: {type: c, fields: {name: name, account: {legacy: a, lookup: account}}}\n";
    EXPECT_THAT(faults_of(text), ElementsAre(StartsWith(row.fault))) << row.more;
  }
}

TEST(MappingFaults, NameTheRequiredFieldThatNothingFills) {
  const std::string fields = "fields: {code: x}";
  EXPECT_THAT(faults_of("entities:\n  account: {type: p, " + fields + "}\n"),
              ElementsAre(HasSubstr(
                  "m.yaml:2: entities.account.fields.name: the key is missing; expected where name comes from")));
  EXPECT_THAT(faults_of("entities:\n  account: {type: p, creates: to_legacy, " + fields + "}\n"), IsEmpty());
  EXPECT_THAT(faults_of("entities:\n  account: {type: p, constants: {to_modern: {name: A}}, " + fields + "}\n"),
              IsEmpty());
}

TEST(MappingFaults, NameTheEntityThatALookupLacks) {
  EXPECT_THAT(
      faults_of("entities:\n  note: {type: n, fields: {text: text, account: {legacy: a, lookup: account}}}\n"),
      ElementsAre("m.yaml:2: entities.note.fields.account.lookup: \"account\", which this mapping has no records "
                  "of; expected an entity of this mapping"));
}

TEST(MappingFaults, NameTheCircleOfRequiredReferences) {
  EXPECT_THAT(
      faults_of("entities:\n"
                "  left: {type: l, fields: {right: {legacy: r, lookup: right, required: true}}}\n"
                "  right: {type: r, fields: {left: {legacy: l, lookup: left, required: true}}}\n"),
      ElementsAre("m.yaml:2: entities.left: a circle of required references: left -> right -> left; expected at "
                  "least one of them optional: none of the records could come first"));
}

TEST(MappingFaults, NameTheTypeThatTwoEntitiesShare) {
  const auto text = [](const std::string& scope) {
    return "entities:\n  account: {type: p, fields: {name: name}}\n  deal: {type: p, " + scope +
           "fields: {name: name}}\n";
  };
  EXPECT_THAT(faults_of(text("")), ElementsAre("m.yaml:3: entities.deal.type: \"p\", which account has too; expected a "
                                               "type of its own, or a `scope` that tells their records apart"));
  EXPECT_THAT(faults_of(text("scope: {kind: d}, ")), IsEmpty());
}

TEST(MappingFaults, OfAPartThatSharesItsFieldWithAnotherForm) {
  const auto contact = [](const std::string& family) {
    return "entities:\n  account: {type: p, fields: {name: name}}\n  contact:\n    type: c\n    fields:\n"
           "      account: {legacy: a, lookup: account}\n      name: name\n"
           "      given_name: {legacy: w, part: {take: first}}\n      family_name: {legacy: w, part: {" +
           family + "}}\n";
  };
  EXPECT_THAT(faults_of(contact("take: last")), IsEmpty());
  EXPECT_THAT(faults_of(contact("take: first")),
              ElementsAre(StartsWith("m.yaml:9: entities.contact.fields.family_name.legacy: ")));
  EXPECT_THAT(faults_of(contact("take: last, separator: \", \"")), SizeIs(1));
}

}  // namespace
}  // namespace banyan::sync
