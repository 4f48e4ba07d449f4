# Unit tests of the mapping between entities and legacy records (adapters/sync/mapping.hpp).
banyan_unit_test(mapping_tests
  SOURCES
    mapping_faults_test.cpp
    mapping_manual_test.cpp
    mapping_property_test.cpp
    mapping_stream_test.cpp
    mapping_transforms_test.cpp
  KNOWS adapters/sync
)
target_compile_definitions(mapping_tests PRIVATE BANYAN_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
