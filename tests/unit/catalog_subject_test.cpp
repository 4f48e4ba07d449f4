#include <gtest/gtest.h>

#include "migration/catalog/base64.hpp"
#include "migration/catalog/subject.hpp"

namespace banyan::catalog {
namespace {

using Kind = SubjectSource::Kind;

Subject subject(const std::vector<SubjectSource>& sources, std::vector<HeaderField> headers) {
  return extract_subject(sources, {"GET", "h", "/", "", headers}, "192.0.2.1");
}

Kind kind_for(const SubjectSource& source, std::string_view authorization) {
  return subject({source}, {{"Authorization", authorization}}).source;
}

TEST(Subject, IsTheFirstSourcePresent) {
  const std::vector<SubjectSource> sources = {{Kind::header, "X-User"}, {Kind::cookie, "sid"}};
  EXPECT_EQ(subject(sources, {{"x-user", "ann"}, {"Cookie", "sid=1"}}).source, Kind::header);
  EXPECT_EQ(subject(sources, {{"x-user", ""}, {"Cookie", "sid=1"}}).source, Kind::cookie);
  EXPECT_EQ(subject(sources, {}).source, Kind::address);
}

TEST(Subject, IsTheSameForTheSameUserOfTryton) {
  const SubjectSource tryton{Kind::tryton, ""};
  const Subject one = subject({tryton}, {{"Authorization", "Session YWRtaW46MTphYmM="}});  // admin:1:abc
  const Subject two = subject({tryton}, {{"Authorization", "session YWRtaW46MTp4eXo="}});  // admin:1:xyz
  EXPECT_EQ(one.source, Kind::tryton);
  EXPECT_EQ(one.hash, two.hash);
}

TEST(Subject, ReadsAClaimOfABearerToken) {
  // {"sub":"ann","n":5,"o":{}}
  const std::string token = "Bearer e30.eyJzdWIiOiJhbm4iLCJuIjo1LCJvIjp7fX0.c2ln";
  EXPECT_EQ(kind_for({Kind::jwt, "sub"}, token), Kind::jwt);
  EXPECT_EQ(kind_for({Kind::jwt, "n"}, token), Kind::jwt);
  EXPECT_EQ(kind_for({Kind::jwt, "o"}, token), Kind::address);
  EXPECT_EQ(kind_for({Kind::jwt, "missing"}, token), Kind::address);
}

TEST(Subject, CountsMalformedCredentialsAsAbsent) {
  EXPECT_EQ(kind_for({Kind::basic, ""}, "Basic YW5uOnB3"), Kind::basic);  // ann:pw
  EXPECT_EQ(kind_for({Kind::basic, ""}, "Basic YW5u"), Kind::address);    // ann
  EXPECT_EQ(kind_for({Kind::basic, ""}, "Basic !!!!"), Kind::address);
  EXPECT_EQ(kind_for({Kind::jwt, "sub"}, "Bearer a.b"), Kind::address);
  EXPECT_EQ(kind_for({Kind::tryton, ""}, "Session YW5uOnB3"), Kind::address);
}

TEST(Subject, HashIsPinned) {
  EXPECT_EQ(subject({{Kind::header, "x-user"}}, {{"X-User", "ann"}}).hash, 5233569475588384220ULL);
}

TEST(Base64, IsStrict) {
  EXPECT_EQ(decode_base64("Zm9v", Base64Alphabet::standard), "foo");
  EXPECT_EQ(decode_base64("Zg==", Base64Alphabet::standard), "f");
  EXPECT_EQ(decode_base64("Zg", Base64Alphabet::url), "f");
  EXPECT_EQ(decode_base64("Zg", Base64Alphabet::standard), std::nullopt);
  EXPECT_EQ(decode_base64("Zh==", Base64Alphabet::standard), std::nullopt) << "unused bits";
  EXPECT_EQ(decode_base64("Z===", Base64Alphabet::standard), std::nullopt);
}

}  // namespace
}  // namespace banyan::catalog
