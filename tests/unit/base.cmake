# Unit tests of this module.
banyan_unit_test(base_tests
  SOURCES
    base_nearest_test.cpp
    base_secret_test.cpp
    base_yaml_test.cpp
  KNOWS gateway/base
)
