# banyan_database_test(<name> SOURCES ... KNOWS <module path> ... [LIBRARIES ...])
# A GoogleTest program with a PostgreSQL of its own (postgres_fixture.hpp); one ctest test, since the server is shared by
# the tests in it.
add_library(banyan_postgres_fixture STATIC ${CMAKE_CURRENT_LIST_DIR}/postgres_fixture.cpp)
target_link_libraries(banyan_postgres_fixture PUBLIC banyan_flags banyan_gateway_store GTest::gtest)

function(banyan_database_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;KNOWS;LIBRARIES" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE banyan_flags banyan_postgres_fixture GTest::gmock GTest::gtest_main
    ${TEST_LIBRARIES})
  foreach(known IN LISTS TEST_KNOWS)
    banyan_target_name(${known} known_target)
    target_link_libraries(${name} PRIVATE ${known_target})
  endforeach()
  add_test(NAME integration.${name} COMMAND ${name})
  set_tests_properties(integration.${name} PROPERTIES LABELS integration TIMEOUT 1800)
endfunction()
