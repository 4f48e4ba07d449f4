// Who a request to the API says that it comes from.
#include "gateway/api/author.hpp"

#include <gtest/gtest.h>

namespace banyan::api {
namespace {

Result<std::string> author(std::vector<std::string> fields) {
  net::HttpRequest request;
  for (std::string& field : fields) request.headers.push_back({"x-banyan-author", std::move(field)});
  return author_of(request);
}

TEST(Author, IsTheApiWhereTheRequestDoesNotSay) {
  EXPECT_EQ(author({}), "user:api");
}

TEST(Author, IsAPersonOrAnAgentByName) {
  for (const char* text : {"user:clara", "agent:planner-2", "user:clara.lehmann+crm@figwood.example", "user:7"}) {
    EXPECT_EQ(author({text}), text);
  }
  EXPECT_EQ(author({"user:" + std::string(64, 'x')}), "user:" + std::string(64, 'x'));
}

TEST(Author, OfAnotherFormIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("clara"), std::string("user:"), std::string("user: clara"), std::string("user:-c"),
        std::string("user:clara lehmann"), std::string("user:clara\n"), std::string("user:Jörg"),
        std::string("User:clara"), std::string("system:tryton"), std::string("verify:tryton"), std::string("policy"),
        "user:" + std::string(65, 'x'), std::string("user:a:b"), std::string("user:a,agent:b")}) {
    const auto refused = author({text});
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  }
}

TEST(Author, ThatIsNamedTwiceIsRefused) {
  EXPECT_FALSE(author({"user:clara", "user:clara"}));
}

}  // namespace
}  // namespace banyan::api
