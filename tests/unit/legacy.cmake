# Unit tests of adapters/legacy and adapters/legacy/tryton.
banyan_unit_test(legacy_tests
  SOURCES
    legacy_capabilities_test.cpp
    legacy_guarded_system_test.cpp
    legacy_http_client_test.cpp
    legacy_http_client_tls_test.cpp
    legacy_http_status_test.cpp
  KNOWS adapters/legacy
)
banyan_unit_test(tryton_tests
  SOURCES
    tryton_answer_test.cpp
    tryton_documents_test.cpp
    tryton_pyson_test.cpp
    tryton_system_test.cpp
    tryton_values_test.cpp
  KNOWS adapters/legacy/tryton
)
