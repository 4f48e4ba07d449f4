#include "adapters/legacy/tryton/pyson.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace banyan::legacy::tryton {
namespace {

using testing::ElementsAre;

Json expression(const std::string& name, Json members) {
  members["__class__"] = name;
  return members;
}

Json eval(const std::string& field) {
  return expression("Eval", {{"v", field}, {"d", ""}});
}

Json negation(const Json& value) {
  return expression("Not", {{"v", value}});
}

Json equal(const Json& left, const Json& right) {
  return expression("Equal", {{"s1", left}, {"s2", right}});
}

Json joined(const std::string& name, const Json& parts) {
  return expression(name, {{"s", parts}});
}

Json greater(const Json& left, const Json& right, bool or_equal) {
  return expression("Greater", {{"s1", left}, {"s2", right}, {"e", or_equal}});
}

TEST(Pyson, AConditionIsThatOfTheRecord) {
  const Json unless_draft = negation(equal(eval("state"), "draft"));
  EXPECT_EQ(evaluate(unless_draft, Json{{"state", "draft"}}), Json(false));
  EXPECT_EQ(evaluate(unless_draft, Json{{"state", "confirmed"}}), Json(true));
}

TEST(Pyson, EachOperationIsThatOfTrytonsClients) {
  const Json row{{"state", "draft"},
                 {"lines", Json::array({1})},
                 {"party", nullptr},
                 {"amount", {{"__class__", "Decimal"}, {"decimal", "2.50"}}}};
  EXPECT_EQ(evaluate(expression("Bool", {{"v", eval("lines")}}), row), Json(true));
  EXPECT_EQ(evaluate(expression("Bool", {{"v", eval("party")}}), row), Json(false));
  EXPECT_EQ(evaluate(joined("And", Json::array({eval("lines"), eval("party")})), row), Json(false));
  EXPECT_EQ(evaluate(joined("Or", Json::array({eval("lines"), eval("party")})), row), Json(true));
  EXPECT_EQ(evaluate(expression("In", {{"k", eval("state")}, {"v", {"draft", "quotation"}}}), row), Json(true));
  EXPECT_EQ(evaluate(expression("In", {{"k", eval("state")}, {"v", {"done"}}}), row), Json(false));
  EXPECT_EQ(evaluate(greater(eval("amount"), 2, false), row), Json(true));
  EXPECT_EQ(evaluate(greater(eval("amount"), 2.5, false), row), Json(false));
  EXPECT_EQ(evaluate(greater(eval("amount"), 2.5, true), row), Json(true));
  EXPECT_EQ(evaluate(greater(eval("party"), 0, false), row), Json(false));
  EXPECT_EQ(evaluate(expression("Less", {{"s1", eval("amount")}, {"s2", 3}, {"e", false}}), row), Json(true));
  EXPECT_EQ(evaluate(expression("If", {{"c", eval("party")}, {"t", "a"}, {"e", "b"}}), row), Json("b"));
}

TEST(Pyson, WhatCannotBeToldIsNotGuessed) {
  const Json row{{"state", "draft"}};
  for (const Json& unknown : {eval("absent"), eval("_parent_sale.state"), expression("Date", Json::object()),
                              expression("Eval", Json::object()), negation(eval("absent")), Json{{"no", "class"}},
                              greater(eval("state"), 1, false), expression("In", {{"k", eval("state")}, {"v", 7}})}) {
    EXPECT_EQ(evaluate(unknown, row), std::nullopt) << unknown;
  }
}

TEST(Pyson, OneKnownPartDecidesBesideUnknownOnes) {
  const Json row{{"state", "draft"}};
  EXPECT_EQ(evaluate(joined("Or", Json::array({eval("absent"), eval("state")})), row), Json(true));
  EXPECT_EQ(evaluate(joined("And", Json::array({eval("absent"), false})), row), Json(false));
  EXPECT_EQ(evaluate(joined("And", Json::array({eval("absent"), true})), row), std::nullopt);
}

TEST(Pyson, NestingWithoutEndIsNotFollowed) {
  Json deep = eval("state");
  for (int i = 0; i < 200; ++i) deep = negation(deep);
  EXPECT_EQ(evaluate(deep, Json{{"state", "draft"}}), std::nullopt);
}

TEST(Pyson, NamesTheFieldsThatItAsksFor) {
  const Json condition = joined("Or", Json::array({equal(eval("state"), "draft"), eval("lines"), eval("state")}));
  EXPECT_THAT(names_in(condition), ElementsAre("state", "lines"));
  EXPECT_TRUE(names_in(Json(true)).empty());
}

}  // namespace
}  // namespace banyan::legacy::tryton
