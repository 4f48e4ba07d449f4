#include "gateway/store/sqlstate.hpp"

#include <gtest/gtest.h>

namespace banyan::store {
namespace {

TEST(Sqlstate, AnExactCodeDecidesBeforeItsClass) {
  struct Case {
    const char* state;
    ErrorCode code;
  };
  for (const Case& expected : {
           Case{"23505", ErrorCode::conflict},         Case{"23503", ErrorCode::conflict},
           Case{"23514", ErrorCode::invalid_argument}, Case{"22P02", ErrorCode::invalid_argument},
           Case{"40001", ErrorCode::conflict},         Case{"40P01", ErrorCode::conflict},
           Case{"53300", ErrorCode::overloaded},       Case{"53100", ErrorCode::unavailable},
           Case{"54000", ErrorCode::too_large},        Case{"55P03", ErrorCode::conflict},
           Case{"57014", ErrorCode::deadline},         Case{"57P01", ErrorCode::unavailable},
           Case{"08006", ErrorCode::unavailable},      Case{"25006", ErrorCode::unavailable},
           Case{"28P01", ErrorCode::unavailable},      Case{"42501", ErrorCode::internal},
           Case{"42P01", ErrorCode::internal},         Case{"25P02", ErrorCode::internal},
           Case{"XX000", ErrorCode::internal},         Case{"", ErrorCode::internal},
       }) {
    EXPECT_EQ(expected.code, error_code_of(expected.state)) << expected.state;
  }
}

TEST(Sqlstate, OnlySerializationFailuresAndDeadlocksAreWorthAnotherAttempt) {
  EXPECT_TRUE(is_worth_another_attempt("40001"));
  EXPECT_TRUE(is_worth_another_attempt("40P01"));
  for (const char* other : {"40000", "40003", "23505", "57014", "08006", ""}) {
    EXPECT_FALSE(is_worth_another_attempt(other)) << other;
  }
}

TEST(Sqlstate, ACodeThatLibpqxxDroppedComesBackFromTheClass) {
  EXPECT_EQ("42501", sqlstate_of(pqxx::insufficient_privilege("refused")));
  EXPECT_EQ("40001", sqlstate_of(pqxx::serialization_failure("again")));
  EXPECT_EQ("08006", sqlstate_of(pqxx::broken_connection("gone")));
  EXPECT_EQ("53300", sqlstate_of(pqxx::too_many_connections("full"))) << "which is a broken_connection, too";
  EXPECT_EQ("42P01", sqlstate_of(pqxx::undefined_table("missing"))) << "which is a syntax_error, too";
  EXPECT_EQ("23505", sqlstate_of(pqxx::unique_violation("twice")));
  EXPECT_EQ("XX001", sqlstate_of(pqxx::sql_error("bad page", "SELECT 1", "XX001"))) << "a code that is there is kept";
  EXPECT_EQ("", sqlstate_of(pqxx::failure("?")));
}

TEST(Sqlstate, SessionsEndWithShutdownsAndStandbys) {
  for (const char* state : {"57P01", "57P02", "57P03", "08006", "25006"}) EXPECT_TRUE(ends_the_session(state)) << state;
  for (const char* state : {"57014", "40001", "23505", ""}) EXPECT_FALSE(ends_the_session(state)) << state;
}

}  // namespace
}  // namespace banyan::store
