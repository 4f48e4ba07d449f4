# Unit tests of adapters/records.
banyan_unit_test(records_tests
  SOURCES
    records_canonical_test.cpp
    records_canonicalise_test.cpp
    records_ontology_test.cpp
    records_record_test.cpp
  KNOWS adapters/records
)
