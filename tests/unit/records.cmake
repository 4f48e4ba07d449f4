# Unit tests of adapters/records and of the API over it.
banyan_unit_test(records_tests
  SOURCES
    records_canonical_test.cpp
    records_canonicalise_test.cpp
    records_id_test.cpp
    records_manual_test.cpp
    records_ontology_test.cpp
    records_record_test.cpp
  KNOWS adapters/records
)
target_compile_definitions(records_tests PRIVATE BANYAN_SOURCE_DIR="${PROJECT_SOURCE_DIR}")

banyan_unit_test(records_api_tests
  SOURCES api_author_test.cpp records_api_request_test.cpp
  KNOWS gateway/api
)
