# Unit tests of gateway/store: what needs no PostgreSQL.
banyan_unit_test(store_tests
  SOURCES
    store_session_test.cpp
    store_sqlstate_test.cpp
    store_waiting_line_test.cpp
  KNOWS gateway/store
)
