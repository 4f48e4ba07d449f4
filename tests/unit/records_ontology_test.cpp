#include "adapters/records/ontology.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace banyan::records {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> faults_of(const std::vector<OntologyText>& texts) {
  const auto ontology = parse_ontology(texts);
  std::vector<std::string> out;
  if (!ontology) {
    for (const yaml::Fault& fault : ontology.error()) out.push_back(yaml::to_string(fault));
  }
  return out;
}

std::vector<std::string> faults_of(const std::string& text) {
  return faults_of(std::vector<OntologyText>{{"own.yaml", text}});
}

// The faults of one entity `thing` whose fields are given as flow mappings; the fields begin on line 4.
std::vector<std::string> faults_of_fields(const std::string& fields) {
  return faults_of("entities:\n  thing:\n    fields:\n" + fields);
}

Ontology crm_with(const std::string& text) {
  const std::array texts{OntologyText{"crm.yaml", std::string(crm_ontology_text())}, OntologyText{"own.yaml", text}};
  auto ontology = parse_ontology(texts);
  if (!ontology) throw std::runtime_error(yaml::to_string(ontology.error().front()));
  return std::move(*ontology);
}

std::vector<std::string> faults_beside_crm(const std::string& text) {
  return faults_of({{"crm.yaml", std::string(crm_ontology_text())}, {"own.yaml", text}});
}

TEST(CrmOntology, IsFreeOfFaultsAndHoldsTheEntitiesOfACrm) {
  const std::array files{std::string(kCrmOntology)};
  const auto ontology = load_ontology(files);
  ASSERT_TRUE(ontology) << yaml::to_string(ontology.error().front());
  std::vector<std::string> names;
  for (const Entity& entity : ontology->entities()) names.push_back(entity.name);
  EXPECT_THAT(names, testing::IsSupersetOf({"account", "contact", "contact_point", "address", "opportunity", "product",
                                            "price_list", "discount_rule", "quote", "activity", "document"}));
  const Entity* account = ontology->find("account");
  ASSERT_NE(account->hierarchy("parent"), nullptr);
  EXPECT_EQ(account->hierarchy("parent")->inverse, "subsidiaries");
  EXPECT_EQ(account->field("annual_revenue")->audience, (std::vector<std::string>{"finance", "sales"}));
  EXPECT_NE(ontology->find("product")->hierarchy("parent"), nullptr);
  EXPECT_EQ(ontology->find("invoice"), nullptr);
  EXPECT_EQ(account->field("nmae"), nullptr);
}

TEST(LaterFiles, ExtendEntitiesAndChoicesAndAddEntities) {
  const Ontology ontology = crm_with(
      "entities:\n"
      "  account: {fields: {vip: {type: boolean}}}\n"
      "  opportunity: {fields: {stage: {add_values: [on_hold]}}}\n"
      "  contract: {fields: {account: {type: reference, to: account, required: true}},\n"
      "    relations: {signed: {kind: part_of, field: account, inverse: contracts}}}\n");
  EXPECT_EQ(ontology.find("account")->field("vip")->type, FieldType::boolean);
  EXPECT_EQ(ontology.find("account")->field("name")->required, true);
  EXPECT_EQ(ontology.find("opportunity")->field("stage")->values.back(), "on_hold");
  EXPECT_EQ(ontology.find("contract")->relations.front().kind, Relation::Kind::part_of);
}

struct Case {
  const char* given;
  const char* fault;  // whole, with file, line, path, found, expected and hint
};

// `given` stands on line 2 of a file that begins with "entities:".
TEST(LaterFiles, NeverRedefine) {
  const std::vector<Case> cases{
      {"  account: {label: Customer}",
       "own.yaml:2: entities.account.label: a second definition; expected only new fields and relations, and "
       "`add_values` for known fields; the first is at crm.yaml:4"},
      {"  account: {fields: {code: {type: integer}}}",
       "own.yaml:2: entities.account.fields.code: a second definition; expected nothing but `add_values` for a field "
       "that is known; the first is at crm.yaml:11"},
      {"  account: {fields: {kind: {add_values: [person]}}}",
       "own.yaml:2: entities.account.fields.kind.add_values: the known value \"person\"; expected new values only"},
      {"  account: {fields: {name: {add_values: [a]}}}",
       "own.yaml:2: entities.account.fields.name.add_values: values for a field that has none; expected `add_values` "
       "for a field with `values`"},
      {"  account: {relations: {group: {kind: association, field: parent}}}",
       "own.yaml:2: entities.account.relations.group: a second definition; expected another name; the first is at "
       "crm.yaml:26"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(faults_beside_crm(std::string("entities:\n") + c.given + "\n"), ElementsAre(c.fault)) << c.given;
  }
}

TEST(Fields, AreRefusedWithPlaceReasonAndWayOut) {
  const std::vector<Case> cases{
      {"      a: {typ: text}",
       "own.yaml:4: entities.thing.fields.a.typ: unknown key; expected one of type, format, "
       "required, indexed, values, add_values, to, unit, max_length, scale, sensitivity, "
       "audience, label or description; did you mean \"type\"?"},
      {"      a: {}",
       "own.yaml:4: entities.thing.fields.a.type: the key is missing; expected one of text, choice, "
       "integer, decimal, boolean, date, timestamp, reference or list"},
      {"      a: {type: string}",
       "own.yaml:4: entities.thing.fields.a.type: \"string\"; expected one of text, choice, "
       "integer, decimal, boolean, date, timestamp, reference or list"},
      {"      a: text",
       "own.yaml:4: entities.thing.fields.a: \"text\"; expected a field: a mapping with type, format, "
       "required, indexed, values, add_values, to, unit, max_length, scale, sensitivity, audience, "
       "label and description"},
      {"      a: {type: choice}",
       "own.yaml:4: entities.thing.fields.a.values: the key is missing; expected a list, "
       "each element a text without white space at its ends"},
      {"      a: {type: choice, values: []}",
       "own.yaml:4: entities.thing.fields.a.values: an empty list; expected at least 1 element"},
      {"      a: {type: choice, values: [x, y, x]}",
       "own.yaml:4: entities.thing.fields.a.values[2]: \"x\" a second time; expected each value once"},
      {"      a: {type: choice, values: [' x']}",
       "own.yaml:4: entities.thing.fields.a.values[0]: \" x\"; expected a "
       "text without white space at its ends"},
      {"      a: {type: reference}",
       "own.yaml:4: entities.thing.fields.a.to: the key is missing; expected the entity pointed at"},
      {"      a: {type: reference, to: thng}",
       "own.yaml:4: entities.thing.fields.a.to: the unknown entity \"thng\"; "
       "expected an entity of the ontology; did you mean \"thing\"?"},
      {"      a: {type: text, values: [x]}",
       "own.yaml:4: entities.thing.fields.a.values: type text; expected `values` with a choice or a list only"},
      {"      a: {type: text, to: thing}",
       "own.yaml:4: entities.thing.fields.a.to: type text; expected `to` with a reference only"},
      {"      a: {type: text, unit: kg}",
       "own.yaml:4: entities.thing.fields.a.unit: type text; expected `unit` with an integer or a decimal only"},
      {"      a: {type: date, max_length: 3}",
       "own.yaml:4: entities.thing.fields.a.max_length: type date; expected `max_length` with a text or a list only"},
      {"      a: {type: integer, scale: 2}",
       "own.yaml:4: entities.thing.fields.a.scale: type integer; expected `scale` with a decimal only"},
      {"      a: {type: decimal, scale: 19}",
       "own.yaml:4: entities.thing.fields.a.scale: \"19\"; expected a whole number from 0 to 18"},
      {"      a: {type: list, indexed: true}",
       "own.yaml:4: entities.thing.fields.a.indexed: type list; expected `indexed` with anything but a list"},
      {"      a: {type: text, format: percent}",
       "own.yaml:4: entities.thing.fields.a.format: type text; expected the "
       "format percent with an integer or a decimal only"},
      {"      a: {type: date, format: email}",
       "own.yaml:4: entities.thing.fields.a.format: type date; expected this format with a text or a list only"},
      {"      a: {type: list, format: country, values: [FR]}",
       "own.yaml:4: entities.thing.fields.a.format: a format beside values; expected `format` or `values`"},
      {"      a: {type: text, sensitivity: confidential}",
       "own.yaml:4: entities.thing.fields.a.audience: the key is missing; expected who may see a confidential field"},
      {"      a: {type: text, audience: [sales]}",
       "own.yaml:4: entities.thing.fields.a.audience: an audience; expected "
       "`audience` with the sensitivity confidential only"},
      {"      A: {type: text}",
       "own.yaml:4: entities.thing.fields.A: the name \"A\"; expected a name of lower-case "
       "letters, digits and underscores, at most 48, the first a letter"},
      {"      id: {type: text}",
       "own.yaml:4: entities.thing.fields.id: the name \"id\"; expected another name: every "
       "record has this by itself"},
      {"      a: {add_values: [x]}",
       "own.yaml:4: entities.thing.fields.a.add_values: values added to a field that no "
       "file before defines; expected `type` and `values`"},
      {"      a: {type: reference, to: thing, required: true}",
       "own.yaml:4: entities.thing.fields.a.required: required references in a circle: thing -> thing; expected one of "
       "them optional"},
  };
  for (const Case& c : cases) {
    const auto faults = faults_of_fields(std::string(c.given) + "\n");
    ASSERT_FALSE(faults.empty()) << c.given;
    EXPECT_EQ(faults.front(), c.fault) << c.given;
  }
}

TEST(EntitiesAndRelations, AreRefusedWithPlaceReasonAndWayOut) {
  const std::string fields = "fields: {up: {type: reference, to: thing}, other: {type: text}}";
  const std::vector<Case> cases{
      {"  thing: {}", "own.yaml:2: entities.thing.fields: the key is missing; expected the fields of the entity"},
      {"  Thing: {fields: {a: {type: text}}}",
       "own.yaml:2: entities.Thing: the name \"Thing\"; expected a name of lower-case letters, "
       "digits and underscores, at most 48, the first a letter"},
      {"  thing: {FIELDS, label_field: othr}",
       "own.yaml:2: entities.thing.label_field: the unknown field \"othr\"; "
       "expected a field of thing; did you mean \"other\"?"},
      {"  thing: {FIELDS, key: [upp]}",
       "own.yaml:2: entities.thing.key: the unknown field \"upp\"; expected a field of "
       "thing; did you mean \"up\"?"},
      {"  thing: {FIELDS, relations: {r: {kind: hierarchy, field: upp}}}",
       "own.yaml:2: entities.thing.relations.r.field: the unknown field \"upp\"; expected a reference field of thing; "
       "did you mean \"up\"?"},
      {"  thing: {FIELDS, relations: {r: {kind: hierarchy, field: other}}}",
       "own.yaml:2: entities.thing.relations.r.field: the field \"other\", no reference; expected a reference field of "
       "thing"},
      {"  thing: {FIELDS, relations: {r: {kind: tree, field: up}}}",
       "own.yaml:2: entities.thing.relations.r.kind: \"tree\"; expected one of association, part_of or hierarchy"},
      {"  thing: {FIELDS, relations: {r: {kind: part_of, field: up}}}",
       "own.yaml:2: entities.thing.relations.r.field: a field that may be absent; expected a required one: a part "
       "belongs to something"},
      {"  thing: {FIELDS, relations: {r: {kind: association, field: up, max_depth: 3}}}",
       "own.yaml:2: entities.thing.relations.r.max_depth: max_depth; expected `max_depth` with a hierarchy only"},
      {"  thing: {FIELDS, relations: {r: {kind: association, field: up, inverse: other}}}",
       "own.yaml:2: entities.thing.relations.r.inverse: the name \"other\", which thing has already; expected a name "
       "of "
       "its own"},
      {"  thing: {FIELDS, relations: {r: {kind: hierarchy, field: up}, s: {kind: association, field: up}}}",
       "own.yaml:2: entities.thing.relations.s.field: the field of the relation \"r\"; expected one relation for each "
       "field"},
      {"  thing: {FIELDS}\n  other: {fields: {t: {type: reference, to: thing}}, relations: {r: {kind: hierarchy, "
       "field: t}}}",
       "own.yaml:3: entities.other.relations.r.field: a reference to another entity; expected a reference to other "
       "itself"},
      {"  a: {fields: {b: {type: reference, to: b, required: true}}}\n"
       "  b: {fields: {a: {type: reference, to: a, required: true}}}",
       "own.yaml:3: entities.b.fields.a.required: required references in a circle: a -> b -> a; expected one of them "
       "optional"},
  };
  for (const Case& c : cases) {
    std::string text = std::string("entities:\n") + c.given + "\n";
    if (const std::size_t at = text.find("FIELDS"); at != std::string::npos) text.replace(at, 6, fields);
    EXPECT_THAT(faults_of(text), ElementsAre(c.fault)) << text;
  }
}

TEST(Files, ThatAreNoOntologiesAreRefused) {
  EXPECT_THAT(faults_of("entites: {}\n"),
              ElementsAre(HasSubstr("own.yaml:1: entites: unknown key; expected entities; did you mean \"entities\"?"),
                          HasSubstr("entities: the key is missing")));
  EXPECT_THAT(faults_of("[]"), ElementsAre(HasSubstr("a list; expected an ontology")));
  EXPECT_THAT(faults_of("entities: {a: [}"), ElementsAre(HasSubstr("own.yaml:1: not YAML")));
  EXPECT_THAT(faults_of(""), ElementsAre(HasSubstr("nothing in the file")));
  const std::array missing{std::string("/nowhere/own.yaml")};
  EXPECT_THAT(yaml::to_string(load_ontology(missing).error().front()), HasSubstr("/nowhere/own.yaml"));
}

TEST(Faults, OfAllFilesAreReportedAtOnce) {
  const auto faults = faults_of({{"one.yaml", "entities: {a: {fields: {x: {type: txt}, y: {type: choice}}}}"},
                                 {"two.yaml", "entities: {b: {fields: {z: {type: reference, to: c}}}}"}});
  EXPECT_THAT(faults, ElementsAre(HasSubstr("fields.x.type"), HasSubstr("fields.y.values"), HasSubstr("two.yaml:1")));
}

TEST(Faults, OfAFaultyFieldDoNotDragOthersAlong) {
  EXPECT_THAT(faults_of("entities: {a: {label_field: x, fields: {x: {type: txt}}}}"), testing::SizeIs(1));
}

}  // namespace
}  // namespace banyan::records
