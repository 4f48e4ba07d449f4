# Unit tests of this module.
banyan_unit_test(rest_tests
  SOURCES
    rest_description_test.cpp
    rest_manual_test.cpp
    rest_values_test.cpp
    rest_window_test.cpp
  KNOWS adapters/legacy/rest
)
target_compile_definitions(rest_tests PRIVATE BANYAN_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
