# The Tryton adapter against a real Tryton: the conformance suite of the port, and what is Tryton's own.
add_executable(tryton_adapter_tests tryton_adapter_test.cpp)
target_link_libraries(tryton_adapter_tests PRIVATE banyan_flags banyan_adapters_legacy_tryton GTest::gmock
  GTest::gtest_main)
add_test(NAME integration.tryton_adapter
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tryton_adapter.py $<TARGET_FILE:tryton_adapter_tests>)
set_tests_properties(integration.tryton_adapter PROPERTIES LABELS integration TIMEOUT 1800)

# Quotes, lines and products in both directions, by the whole program and a real Tryton.
add_test(NAME integration.tryton_quotes
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/tryton_quotes_test.py $<TARGET_FILE:banyan>)
set_tests_properties(integration.tryton_quotes PROPERTIES LABELS integration TIMEOUT 1800)
