# adapters/legacy/rest against real servers: json-server from npm, and one with every bad habit.
add_executable(rest_adapter_tests rest_answers_test.cpp rest_conformance_test.cpp rest_habits_test.cpp)
target_link_libraries(rest_adapter_tests PRIVATE banyan_flags banyan_adapters_legacy_rest GTest::gmock GTest::gtest_main)
target_compile_definitions(rest_adapter_tests PRIVATE BANYAN_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
foreach(suite IN ITEMS habits conformance)
  add_test(NAME integration.rest_${suite}
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/rest_adapter.py --suite ${suite} $<TARGET_FILE:rest_adapter_tests>)
  set_tests_properties(integration.rest_${suite} PROPERTIES LABELS integration TIMEOUT 1800)
endforeach()
