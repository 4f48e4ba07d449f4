#include "gateway/store/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace banyan::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string connection_string_of(const std::string& url) {
  SessionOptions options;
  options.url = Secret(url);
  options.connect_timeout = std::chrono::milliseconds(2'500);
  options.application_name = "banyan";
  const auto text = connection_string(options);
  return text ? text->reveal() : "refused: " + text.error().public_message + text.error().internal_detail;
}

TEST(ConnectionString, HoldsWhatTheUrlSaysAndDefaultsForTheRest) {
  EXPECT_THAT(connection_string_of("postgresql://ann@db.example:5433/crm?sslmode=verify-full"),
              AllOf(HasSubstr("user='ann'"), HasSubstr("host='db.example'"), HasSubstr("port='5433'"),
                    HasSubstr("dbname='crm'"), HasSubstr("sslmode='verify-full'"), HasSubstr("connect_timeout='3'"),
                    HasSubstr("application_name='banyan'"), HasSubstr("client_encoding='UTF8'"),
                    HasSubstr("tcp_user_timeout='25000'")));
}

TEST(ConnectionString, LetsTheUrlWin) {
  EXPECT_THAT(connection_string_of("postgresql:///crm?application_name=mine&connect_timeout=9"),
              AllOf(HasSubstr("application_name='mine'"), HasSubstr("connect_timeout='9'")));
}

TEST(ConnectionString, QuotesValues) {
  EXPECT_THAT(connection_string_of(R"(password='it\'s \\ here' dbname=crm)"), HasSubstr(R"(password='it\'s \\ here')"));
}

TEST(ConnectionString, RefusesOtherTextWithoutRepeatingIt) {
  for (const char* text : {"hunter2", "postgresql://user:hunter2@[::1/crm", "hunter2=1"}) {
    EXPECT_THAT(connection_string_of(text), AllOf(HasSubstr("refused: "), Not(HasSubstr("hunter2")))) << text;
  }
}

}  // namespace
}  // namespace banyan::store
